// Clips that follow their sliders, in three views: a sheet of seeds, the interpolation between two of them, and pads to
// play on. After common.js, fields.js, tab.js and the scripts of the views.

const root = element.querySelector(".sound");
const { start, limits } = props;
const VIEWS = { clips: "", interpolation: "way", pads: "pads" }; // by name, with their names in the address
let view = "clips";
let layers = ""; // that all clips take from another seed; "" where they take none

const player = soundPlayer();
const slider = (key, title, options) => sliderField({ key, title: t(title), usual: start[key], max: limits[key], ...options });
const end = (key, letter) => seedField({
  usual: start[key], max: limits.seed, title: `${t("seed")} ${letter}`, bare: true, hidden: () => view !== "interpolation",
});

const directions = directionsField({
  changed: () => tab.ask(), lifted: hearNext, shown: () => tab.write(), rename: server.rename, refuse: (text) => tab.showMessage(text),
});
let hears = false; // whether the next clip that is shown is heard, too

// In the order of the address. What the server need not know has no value, only a place in the address.
const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed, changed: reseed }),
  num_samples: slider("n", "num_clips", { min: 1, step: 1 }),
  truncation: slider("psi", "truncation", { step: 0.01, note: t("truncation_info") }),
  place: {
    key: "t", hidden: () => view !== "interpolation", get: () => undefined, write: () => Number(interpolation.place().toFixed(3)),
    read: (text) => interpolation.go(numberIn(text) ?? 0.5), reset: () => interpolation.go(0.5),
  },
  label: classField({ any: t("any_label") }),
  view: {
    get: () => view, write: () => VIEWS[view], reset: () => setView("clips"),
    read: (text) => setView(Object.keys(VIEWS).find((name) => VIEWS[name] === text) ?? "clips"),
  },
  a: end("a", "A"),
  b: end("b", "B"),
  pads: { hidden: () => view !== "pads", get: () => undefined, write: writePads, read: readPads, reset: () => kit.lay(fields.seed.get()) },
  beat: {
    hidden: () => view !== "pads", get: () => undefined, write: () => (sequencer.changed() ? sequencer.pattern() : ""),
    read: (text) => sequencer.read(text), reset: () => sequencer.reset(),
  },
  bpm: {
    hidden: () => view !== "pads", get: () => undefined, write: () => (sequencer.tempo() === start.bpm ? "" : sequencer.tempo()),
    read: (text) => sequencer.setTempo(numberIn(text) ?? start.bpm), reset: () => sequencer.setTempo(start.bpm),
  },
  edits: directions,
  pad: directions.pad,
  critic_steps: sliderField({ key: "critic", title: t("critic_guidance"), usual: 0, max: limits.critic_steps, step: 1, note: t("critic_info"), brief: true, absent: 0 }),
  layers: {
    get: () => layers, set: setLayers, write: () => layers, reset: () => setLayers(""),
    read: (text) => setLayers(tab.model.layers.includes(text) ? text : ""),
  },
  other_seed: seedField({ key: "from", usual: start.other_seed, max: limits.seed, title: t("other_seed"), bare: true, hidden: () => !layers }),
};
const tab = createTab({
  name: "sound", root, models: props.models, fields, load: server.open_sound,
  showModel, render, keydown,
  request: (state) => requests[state.view](state),
  layout: repaint,
  turnedFrom: () => (sequencer.plays() ? sequencer.stop() : player.stopAll()),
});

const sheet = clipSheet(root, player);
const interpolation = soundInterpolation(root, player, { seeds: [fields.a, fields.b], moved: () => tab.write() });
const kit = soundPads(root, player, { changed: () => tab.ask(), selected: showPad });
const sequencer = soundSequencer(player, kit, () => tab.model && tab.write());

const title = make("div", { class: "title", "aria-live": "polite" });
const views = viewButtons(t("views"), Object.keys(VIEWS), (name) => (setView(name), tab.ask()));
const zipName = (what) => `${fileStem(tab.model.name)}_${what}.zip`;
const saveClip = (clip) => clip && saveBytes(clip.wav, "audio/wav", clip.file);
const tools = {
  all: iconButton("play", t("play_all"), () => sheet.playAll()),
  earlier: iconButton("earlier", t("earlier"), () => turn(-1)),
  later: iconButton("later", t("later"), () => turn(1)),
  link: tab.link,
  wav: iconButton("save", t("save_wav"), () => saveClip(interpolation.clip())),
  zip: zipButton(t("zip"), () => server.zip_clips(clipsOf(tab.state())), () =>
    zipName(`seeds-${fields.seed.get()}-${fields.seed.get() + fields.num_samples.get() - 1}`), tab.showMessage),
  kit: zipButton(t("save_kit"), () => server.zip_pads(padsOf(tab.state(), kit.pads)), () => zipName(`kit-${fields.seed.get()}`), tab.showMessage),
};
const toolsOf = { // which tools a view has
  clips: ["all", "earlier", "later", "link", "zip"],
  interpolation: ["link", "wav"],
  pads: ["earlier", "later", "link", "kit"],
};
const bodies = { clips: sheet.list, interpolation: interpolation.panes, pads: make("div", {}, kit.grid, sequencer.bar) };
const presets = make("div", { class: "kinds", role: "group", "aria-label": t("other_layers") }, ...["", ...props.layers].map((name) =>
  make("button", { type: "button", "data-layers": name, text: t(name || "no_layers"), onclick: () => (setLayers(name), tab.ask()) })));
const mixing = make("div", { class: "mixing" }, make("div", { class: "field" }, make("span", { text: t("other_layers") }), presets), fields.other_seed.box);
const [picture, speed] = [fact("sound_picture"), fact("speed")];

// What the chosen pad is.
const padTitle = make("h2");
const padLabel = make("select", { "aria-label": t("label"), onchange: () => changePad({ label: padLabel.value }) });
const padLabelBox = labelled("", padLabel);
const padSeed = make("input", { type: "number", min: 0, max: limits.seed, step: 1, "aria-label": t("seed"),
  oninput: () => padSeed.value !== "" && changePad({ seed: Number(padSeed.value) }) });
const padLock = make("button", { type: "button", onclick: () => kit.setLock(kit.chosen(), !kit.chosen().locked) });
const padSave = make("button", { type: "button", text: "WAV", title: t("save_wav"), "aria-label": t("save_wav"), onclick: () => saveClip(kit.chosen().clip) });
const padBox = make("div", { class: "chosen-pad" }, padTitle, padLabelBox, make("div", { class: "row" }, padSeed, padLock, padSave));

tab.arrange({
  bar: [views, title, make("div", { class: "tools" }, ...Object.values(tools))],
  stage: Object.values(bodies),
  controls: [fields.seed.box, fields.label.box, fields.truncation.box, fields.num_samples.box, padBox, fields.edits.box, fields.critic_steps.box, mixing],
  facts: [picture, speed],
});

function showModel(model) {
  player.prepare();
  player.stopAll();
  picture.set(t("sound_picture_value", { kilohertz: model.sampling_rate / 2000 }));
  fields.label.fill(model.columns);
  const [first] = model.columns;
  setOptions(padLabel, first?.labels || [], t("any_label"));
  padLabelBox.hidden = !first;
  padLabelBox.firstChild.textContent = first?.title || "";
  kit.pads.forEach((pad, k) => (kit.setLock(pad, false), (pad.label = model.pads[k])));
  kit.forget();
  kit.lay(fields.seed.get());
  kit.choose(kit.chosen());
  sequencer.suggest();
  fields.edits.fill(model.directions, model.name);
  fields.critic_steps.box.hidden = !model.critic;
  if (!model.critic) fields.critic_steps.reset();
  for (const preset of presets.children) preset.hidden = Boolean(preset.dataset.layers) && !model.layers.includes(preset.dataset.layers);
  mixing.hidden = !model.layers.length; // all in one layer: nothing to mix
  setLayers(model.layers.includes(layers) ? layers : "");
  setView(view);
}

function setLayers(name) {
  layers = name;
  fields.other_seed.box.hidden = !name;
  for (const button of presets.children) button.setAttribute("aria-pressed", String(button.dataset.layers === name));
}

function setView(name) {
  if (sequencer.plays()) sequencer.stop();
  interpolation.pause();
  view = root.dataset.view = name;
  for (const button of views.children) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  for (const [key, body] of Object.entries(bodies)) body.hidden = key !== name;
  for (const [key, tool] of Object.entries(tools)) tool.hidden = !toolsOf[name].includes(key);
  fields.seed.box.hidden = name === "interpolation";
  fields.num_samples.box.hidden = name !== "clips";
  padBox.hidden = name !== "pads";
  fields.label.hideFirst(name === "pads"); // each pad has a class of its own in the first label column
  title.textContent = "";
  repaint();
}

// Requests, by view.

const steering = ({ critic_steps, layers, other_seed, edits }) => ({ critic_steps, layers, other_seed, edits });
const clipsOf = ({ model, seed, num_samples, truncation, label, ...state }) => ({ model, seed, num_samples, truncation, label, ...steering(state) });
const padsOf = ({ model, truncation, label, ...state }, pads) => ({ model, truncation, label, ...steering(state), pads: pads.map(({ index, seed, label }) => ({ index, seed, label })) });
const requests = {
  clips: (state) => server.make_clips(clipsOf(state)),
  interpolation: ({ model, a, b, truncation, label, ...state }) => server.interpolate({ model, a, b, truncation, label, ...steering(state) }),
  async pads(state) {
    title.textContent = t("pads_title", { first: fields.seed.get() });
    const settings = [state.model, state.truncation, state.label, steering(state)];
    const requested = padsOf(state, kit.missing(settings));
    return requested.pads.length ? { requested, settings, ...(await server.make_pads(requested)) } : null;
  },
};

function render(answer, state, superseded) {
  const { clips, milliseconds } = answer;
  if (state.view === "clips") {
    player.stopAll();
    sheet.show(clips);
    const last = state.seed + state.num_samples - 1;
    if (view === "clips") title.textContent = t(last === state.seed ? "one_seed" : "seeds", { first: state.seed, last });
  } else if (state.view === "interpolation") {
    interpolation.pause();
    interpolation.show(clips);
  } else {
    kit.show(answer.requested.pads, clips, answer.settings);
  }
  if (hears && !superseded()) {
    hears = false;
    ({ clips: sheet.playFirst, interpolation: interpolation.sound })[state.view]?.();
  }
  const each = milliseconds / clips.length;
  speed.set(t("sound_speed", { ms: each.toFixed(each < 10 ? 1 : 0), times: Math.round((1000 * tab.model.seconds) / each) }));
}

// A finger has left the pad: what it has found is heard, but for the pads, which wait to be played.
function hearNext() {
  hears = view !== "pads";
  tab.ask();
}

function reseed() {
  kit.lay(fields.seed.get());
  tab.ask();
}

function turn(direction) {
  const count = view === "pads" ? kit.pads.length : fields.num_samples.get();
  fields.seed.set(Math.min(limits.seed - count + 1, Math.max(0, fields.seed.get() + direction * count)));
  reseed();
}

// Pads. In an address as "2.40-2.41", index of the class and seed; left out where all are as the seed lays them.

function writePads() {
  if (kit.pads.every((pad, k) => pad.seed === fields.seed.get() + k && pad.label === tab.model.pads[k])) return "";
  return kit.pads.map((pad) => `${(tab.model.columns[0]?.labels || []).indexOf(pad.label)}.${pad.seed}`.replace("-1.", ".")).join("-");
}

function readPads(text) {
  kit.lay(fields.seed.get());
  const written = [...text.matchAll(/(\d*)\.(\d+)/g)];
  if (written.length !== kit.pads.length) return;
  written.forEach(([, label, number], k) =>
    Object.assign(kit.pads[k], { label: (label && tab.model.columns[0]?.labels[label]) || null, seed: Number(number) }));
}

function changePad(change) {
  Object.assign(kit.chosen(), change, { fresh: true });
  tab.ask();
}

function showPad(pad) {
  if (!tab.model) return;
  padTitle.textContent = t("pad", { number: pad.index + 1 });
  padLabel.value = pad.label || "";
  if (document.activeElement !== padSeed) padSeed.value = pad.seed;
  padLock.textContent = t(pad.locked ? "locked" : "unlocked");
  padLock.setAttribute("aria-pressed", String(pad.locked));
  sequencer.show();
}

function repaint() {
  if (view === "clips") sheet.layout();
  ({ clips: sheet, interpolation, pads: kit })[view].paintWaves();
}

function keydown(event) {
  if (view === "pads" && kit.press(event)) return event.preventDefault();
  if (event.code === "Space" && !event.target.closest?.("button, input")) {
    event.preventDefault();
    ({ clips: sheet.playAll, interpolation: interpolation.sound, pads: sequencer.toggle })[view]();
  }
  if (view === "interpolation" || onSlider(event)) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
}

// On a phone a touch counts when it is lifted.
for (const kind of ["pointerdown", "pointerup", "keydown"]) root.addEventListener(kind, player.wake, { passive: true, capture: true });
document.addEventListener("visibilitychange", () => document.hidden && sequencer.plays() && sequencer.stop()); // timers slow down there
// The colours of spectrograms are those of the page's scheme, which may change.
new MutationObserver(() => [sheet, interpolation, kit].forEach((shown) => shown.paint())).observe(document.body, { attributeFilter: ["class"] });
