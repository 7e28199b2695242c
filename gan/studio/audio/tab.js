// Clips that follow their sliders, in three views: a sheet of seeds, the way between two, and pads to play on. Asks the
// server for whatever the view shows. Given: common.js and the scripts of the views, and by gr.HTML element, props, server.

const root = element.querySelector(".sound");
const { start, limits } = props;
const from = opened.get("tab") === "sound" ? opened : new URLSearchParams();
const VIEWS = ["clips", "way", "pads"];
let model = null; // what open_sound says of it
let view = "clips";
let notice = ""; // to be said beside the first clips

const player = soundPlayer();
const message = make("p", { class: "message", role: "alert", hidden: true });
const title = make("div", { class: "title", "aria-live": "polite" });
const views = make("div", { class: "kinds", role: "group", "aria-label": say("views") }, ...VIEWS.map((name) =>
  make("button", { type: "button", "data-view": name, text: say(`${name}_view`), onclick: () => (setView(name), ask()) })));
const tools = {
  playall: iconButton("play", say("play_all"), () => sheet.playAll()),
  earlier: iconButton("earlier", say("earlier"), () => turn(-1)),
  later: iconButton("later", say("later"), () => turn(1)),
  copy: iconButton("copy", say("copy"), async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      flash(tools.copy, say("copied"));
    } catch {
      flash(tools.copy, say("failed"));
    }
  }),
  wav: iconButton("save", say("save_wav"), () => way.clip() && saveBytes(way.clip().wav, "audio/wav", way.clip().file)),
  zip: iconButton("zip", say("save_zip"), () => saveZip(tools.zip, () => server.zip_clips(asked.clips()), `seeds-${seed.value}-${lastSeed()}`)),
  kit: iconButton("zip", say("save_kit"), () => saveZip(tools.kit, () => server.zip_pads(asked.pads(kit.pads)), `kit-${seed.value}`)),
};
const [OF_VIEW, OF_CLIPS] = [{ wav: "way", kit: "pads" }, ["playall", "zip"]];

// What changes clips; each field is shown where it does.
const choice = make("select", { "aria-label": say("model"), onchange: async () => (await openModel(choice.value)) && ask() });
const seed = make("input", { type: "number", min: 0, max: limits.seed, step: 1, "aria-label": say("seed"), oninput: () => seed.value !== "" && reseed() });
const shuffle = make("button", { type: "button", text: say("dice"), onclick: () => ((seed.value = Math.floor(Math.random() * 1e6)), reseed()) });
const field = (name, ...children) => make("label", { class: "field" }, make("span", { text: name }), ...children);
const labels = make("div", { class: "labels" });
const sliders = {};
const slider = (key, name, { min = 0, step, info }) => {
  const value = make("output");
  const input = make("input", { type: "range", min, max: limits[key], step, oninput: () => (tell(), ask()) });
  const tell = () => {
    value.textContent = Number(input.value).toFixed(step < 1 ? 2 : 0);
    input.style.setProperty("--share", (input.value - min) / (limits[key] - min));
  };
  const box = make("label", { class: "field slide" }, make("span", {}, make("span", { text: say(name) }), value), input,
    make("small", { text: info ? say(info) : "" }));
  sliders[key] = { box, get: () => Number(input.value), set: (number) => ((input.value = number), tell()) };
  return box;
};
const seedRow = make("div", { class: "row" }, field(say("seed"), seed), shuffle);
const card = make("div", { class: "card" });
const fact = (name) => make("dl", {}, make("dt", { text: say(name) }), make("dd"));
const [drawn, speed] = [fact("sound_picture"), fact("speed")];

// What the chosen pad is.
const padTitle = make("h2");
const padLabel = make("select", { "aria-label": say("label"), onchange: () => changePad({ label: padLabel.value }) });
const padSeed = make("input", { type: "number", min: 0, max: limits.seed, step: 1, "aria-label": say("seed"),
  oninput: () => padSeed.value !== "" && changePad({ seed: Number(padSeed.value) }) });
const padLock = make("button", { type: "button", onclick: () => kit.setLock(kit.chosen(), !kit.chosen().locked) });
const padSave = make("button", { type: "button", text: "WAV", title: say("save_wav"), "aria-label": say("save_wav"),
  onclick: () => kit.chosen().clip && saveBytes(kit.chosen().clip.wav, "audio/wav", kit.chosen().clip.file) });
const padBox = make("div", { class: "chosen-pad" }, padTitle, field("", padLabel), make("div", { class: "row" }, padSeed, padLock, padSave));

const sheet = clipSheet(root, player);
const way = soundWay(root, player, { seeds: [start.a, start.b], changed: () => ask(), moved: () => address() });
const kit = soundPads(root, player, { changed: () => ask(), selected: tellPad });
const beat = soundBeat(player, kit, () => address());
const controls = make("div", { class: "controls" }, field(say("model"), choice), seedRow, labels,
  slider("psi", "truncation", { step: 0.01, info: "truncation_info" }), slider("n", "num_clips", { min: 1, step: 1 }), padBox,
  make("div", { class: "about" }, card, drawn, speed), hubRow(async (name) => (await openModel(name)) && (ask(), true)));
const bodies = { clips: sheet.list, way: way.panes, pads: make("div", {}, kit.grid, beat.bar) };
root.append(make("div", { class: "stage" },
  make("div", { class: "bar" }, views, title, make("div", { class: "tools" }, ...Object.values(tools))), message, ...Object.values(bodies)), controls);
root.classList.add("waiting");

function setView(name) {
  player.stopAll();
  if (beat.plays()) beat.stop();
  way.rest();
  view = name;
  root.dataset.view = name;
  for (const button of views.children) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  for (const [key, body] of Object.entries(bodies)) body.hidden = key !== name;
  for (const [key, tool] of Object.entries(tools)) tool.hidden = OF_VIEW[key] ? OF_VIEW[key] !== name : OF_CLIPS.includes(key) && name !== "clips";
  tools.earlier.hidden = tools.later.hidden = seedRow.hidden = name === "way";
  sliders.n.box.hidden = name !== "clips";
  padBox.hidden = name !== "pads";
  if (labels.firstChild) labels.firstChild.hidden = name === "pads"; // each pad has a class of its own
  title.textContent = "";
  repaint();
}

// Classes by column, of those that are chosen.
const chosen = (without) => Object.fromEntries(model.columns.map(({ name }, k) => [name, labels.children[k].querySelector("select").value])
  .filter(([name, value]) => value && name !== without));
const first = () => model.columns[0]?.name;
const lastSeed = () => Number(seed.value) + sliders.n.get() - 1;
const asked = {
  clips: () => ({ model: model.model, seed: Number(seed.value), num_samples: sliders.n.get(), truncation: sliders.psi.get(), label: chosen() }),
  way: () => ({ model: model.model, a: way.seeds()[0], b: way.seeds()[1], truncation: sliders.psi.get(), label: chosen() }),
  pads: (pads) => ({ model: model.model, pads: pads.map(({ index, seed, label }) => ({ index, seed, label })), truncation: sliders.psi.get(), label: chosen(first()) }),
};
const padsOf = () => [model.model, sliders.psi.get(), chosen(first())];

const ask = latest(async () => {
  if (!model) return;
  const name = view;
  try {
    const answer = await { clips: askClips, way: askWay, pads: askPads }[name]();
    if (answer?.error) return complain(answer.error);
    complain(notice);
    notice = "";
    root.classList.remove("waiting");
    address();
    if (answer) tellSpeed(answer);
  } catch {
    complain(say("failed"));
  }
});

async function askClips() {
  const state = asked.clips();
  const answer = await server.make_clips(state);
  if (answer.error || state.model !== model.model) return answer;
  player.stopAll();
  sheet.show(answer.clips);
  const last = state.seed + state.num_samples - 1;
  if (view === "clips") title.textContent = say(last === state.seed ? "one_seed" : "seeds", { first: state.seed, last });
  return answer;
}

async function askWay() {
  const state = asked.way();
  const answer = await server.interpolate(state);
  if (answer.error || state.model !== model.model) return answer;
  way.rest();
  way.show(answer.clips);
  return answer;
}

async function askPads() {
  const of = padsOf();
  const state = asked.pads(kit.wanted(of));
  if (view === "pads") title.textContent = say("pads_title", { first: seed.value });
  if (!state.pads.length) return null;
  const answer = await server.make_pads(state);
  if (answer.error || state.model !== model.model) return answer;
  kit.show(state.pads, answer.clips, of);
  beat.tell();
  return answer;
}

function tellSpeed({ clips, milliseconds }) {
  const each = milliseconds / clips.length;
  speed.lastChild.textContent = say("sound_speed", { ms: each.toFixed(each < 10 ? 1 : 0), times: Math.round((1000 * model.seconds) / each) });
}

function reseed() {
  kit.lay(Number(seed.value));
  ask();
}

function changePad(change) {
  Object.assign(kit.chosen(), change, { fresh: true });
  ask();
}

function tellPad(pad) {
  if (!model) return;
  padTitle.textContent = say("pad", { number: pad.index + 1 });
  padLabel.value = pad.label || "";
  if (document.activeElement !== padSeed) padSeed.value = pad.seed;
  padLock.textContent = say(pad.locked ? "locked" : "unlocked");
  padLock.setAttribute("aria-pressed", String(pad.locked));
  beat.tell();
}

async function saveZip(button, get, name) {
  try {
    const answer = await get();
    if (answer.error) return complain(answer.error);
    saveBytes(answer.data, "application/zip", `${model.model.split("/").pop().replace(/[^\w.-]+/g, "-")}_${name}.zip`);
  } catch {
    flash(button, say("failed"));
  }
}

// Returns whether the model is there now; `null` if another one has been asked for meanwhile.
const fetchModel = newest(server.open_sound);
async function openModel(name) {
  const answer = await fetchModel(name);
  if (answer === null) return null;
  if (answer.error) {
    if (model) choice.value = model.model;
    complain(answer.error);
    return false;
  }
  player.stopAll();
  model = answer;
  complain("");
  if (![...choice.options].some((option) => option.value === name)) choice.append(make("option", { value: name, text: name }));
  choice.value = name;
  choice.parentElement.hidden = choice.options.length < 2;
  card.innerHTML = model.card; // made by card.py, which escapes what a repository says
  const options = (names, any) => [["", any], ...names.map((name) => [name, name])].map(([value, text]) => make("option", { value, text }));
  drawn.lastChild.textContent = say("sound_picture_value", { kilohertz: model.sampling_rate / 2000 });
  labels.replaceChildren(...model.columns.map((column) =>
    field(column.title, make("select", { onchange: () => ask() }, ...options(column.labels, say("any_of_column"))))));
  padLabel.replaceChildren(...options(model.columns[0]?.labels || [], say("any_of_column")));
  padLabel.parentElement.hidden = !model.columns.length;
  padLabel.parentElement.firstChild.textContent = model.columns[0]?.title || "";
  kit.pads.forEach((pad, k) => (kit.setLock(pad, false), (pad.label = model.pads[k])));
  kit.forget();
  kit.lay(Number(seed.value));
  beat.first();
  setView(view);
  return true;
}

function turn(direction) {
  const count = view === "pads" ? kit.pads.length : sliders.n.get();
  seed.value = Math.min(limits.seed - count + 1, Math.max(0, Number(seed.value) + direction * count));
  reseed();
}

function repaint() {
  const shown = { clips: sheet, way, pads: kit }[view];
  if (view === "clips") sheet.layout();
  shown.paintWaves();
}

function complain(text) {
  message.textContent = text;
  message.hidden = !text;
}

// Classes as the pipeline reads them: "kick", or "label=7, speaker=george" where there are several columns.
const writtenLabel = () => Object.entries(chosen(view === "pads" ? first() : "")).map(([name, value]) => (model.columns.length > 1 ? `${name}=${value}` : value)).join(", ");
// Pads as "2.40-2.41": index of the class and seed; left out where all are as the seed lays them.
const writtenPads = () => (kit.pads.every((pad, k) => pad.seed === Number(seed.value) + k && pad.label === model.pads[k]) ? ""
  : kit.pads.map((pad) => `${(model.columns[0]?.labels || []).indexOf(pad.label)}.${pad.seed}`.replace("-1.", ".")).join("-"));

function address() {
  if (!inSight() || !model || root.classList.contains("waiting")) return;
  const common = { tab: "sound", model: model.model, psi: sliders.psi.get(), label: writtenLabel(), view: view === "clips" ? "" : view };
  const own = {
    clips: () => ({ seed: seed.value, n: sliders.n.get() }),
    way: () => ({ a: way.seeds()[0], b: way.seeds()[1], t: Number(way.place().toFixed(3)) }),
    pads: () => ({ seed: seed.value, pads: writtenPads(), beat: beat.changed() ? beat.written() : "", bpm: beat.tempo() === start.bpm ? "" : beat.tempo() }),
  }[view]();
  writeAddress("replaceState", { ...common, ...own });
}

// What the address asks for; what isn't a number there counts as left out, and sliders go no further than they go.
const number = (key, otherwise) => (/^-?[\d.]+(e-?\d+)?$/.test(from.get(key) || "") ? Number(from.get(key)) : otherwise);

function restoreLabels() {
  const wanted = `, ${from.get("label") || ""}, `;
  model.columns.forEach(({ name, labels: names }, k) => {
    const found = names.find((label) => (model.columns.length > 1 ? wanted.includes(`, ${name}=${label}, `) : wanted === `, ${label}, `));
    if (found) labels.children[k].querySelector("select").value = found;
  });
}

function restorePads() {
  const written = [...(from.get("pads") || "").matchAll(/(\d*)\.(\d+)/g)];
  if (written.length === kit.pads.length) written.forEach(([, label, number], k) =>
    Object.assign(kit.pads[k], { label: (label && model.columns[0]?.labels[label]) || null, seed: Number(number) }));
  beat.setTempo(number("bpm", start.bpm));
  if (from.has("beat")) beat.read(from.get("beat"));
}

async function open() {
  player.prepare();
  seed.value = number("seed", start.seed);
  for (const key of ["n", "psi"]) sliders[key].set(number(key, start[key]));
  way.setSeeds([number("a", start.a), number("b", start.b)]);
  if (VIEWS.includes(from.get("view"))) view = from.get("view");
  choice.replaceChildren(...props.models.map((name) => make("option", { value: name, text: name })));
  const wanted = from.get("model") || props.models[0];
  const there = await openModel(wanted);
  if (there === null) return;
  if (!there) {
    notice = message.textContent; // the address asks for the impossible: show what there is, and say so
    if (wanted === props.models[0] || !(await openModel(props.models[0]))) return;
  } else restoreLabels();
  restorePads();
  way.go(number("t", 0.5));
  kit.choose(kit.pads[0]);
  ask();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]), textarea, select, [role=listbox], [role=tablist]");
  if (typing || !model || !inSight() || event.metaKey || event.ctrlKey || event.altKey) return;
  if (view === "pads" && kit.press(event)) return event.preventDefault();
  const button = event.target.closest?.("button, input");
  if (event.code === "Space" && !button) {
    event.preventDefault();
    ({ clips: sheet.playAll, way: way.sound, pads: beat.toggle })[view]();
  }
  if (view === "way" || button?.type === "range") return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
});

// On a phone a touch counts when it is lifted.
for (const kind of ["pointerdown", "pointerup", "keydown"]) root.addEventListener(kind, player.wake, { passive: true, capture: true });

let wasInSight = false;
const begin = alone(open);
new ResizeObserver(() => {
  if (inSight() && !wasInSight) model ? address() : begin();
  if (!inSight() && wasInSight) beat.plays() ? beat.stop() : player.stopAll();
  wasInSight = inSight();
  if (wasInSight) repaint();
}).observe(root);
window.addEventListener("resize", repaint);
document.addEventListener("visibilitychange", () => document.hidden && beat.plays() && beat.stop()); // timers slow down there
// The scheme may change under the pictures' feet.
new MutationObserver(() => [sheet, way, kit].forEach((shown) => shown.paint())).observe(document.body, { attributeFilter: ["class"] });
