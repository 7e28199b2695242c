// Texts that follow their sliders. Asks the server for more of them until they are whole; what is asked for meanwhile
// takes over after the answer that is on its way. Given: common.js and samples.js, and by gr.HTML element, props, server.

const root = element.querySelector(".text");
const { start, limits } = props;
const from = opened.get("tab") === "text" ? opened : new URLSearchParams();
let model = null; // what open_text says of it
let shown = null; // what was asked for last
let notice = ""; // to be said beside the first texts

const message = make("p", { class: "message", role: "alert", hidden: true });
const title = make("div", { class: "title", "aria-live": "polite" });
const view = iconButton("eye", say("critic_view"), () => (setView(!root.classList.contains("judged")), address()));
const link = iconButton("copy", say("copy"), async () => {
  try {
    await navigator.clipboard.writeText(window.location.href);
    flash(link, say("copied"));
  } catch {
    flash(link, say("failed"));
  }
});
const sheet = sampleSheet(root);
const tools = make("div", { class: "tools" }, view, iconButton("earlier", say("earlier"), () => turn(-1)),
  iconButton("later", say("later"), () => turn(1)), link, iconButton("save", say("save_texts"), () => shown && sheet.saveAll()));
const legend = make("div", { class: "legend", title: say("legend_title") }, make("span", { text: say("less_real") }), make("i"), make("span", { text: say("more_real") }));

const choice = make("select", { "aria-label": say("model"), onchange: async () => (await openModel(choice.value)) && ask() });
const seed = make("input", { type: "number", min: 0, max: limits.seed, step: 1, "aria-label": say("seed"), oninput: () => seed.value !== "" && ask() });
const shuffle = make("button", { type: "button", text: say("dice"), onclick: () => ((seed.value = Math.floor(Math.random() * 1e6)), ask()) });
const label = make("select", { "aria-label": say("label"), onchange: () => ask() });
const field = (name, ...children) => make("label", { class: "field" }, make("span", { text: say(name) }), ...children);
const sliders = {};
const slider = (key, name, { min = 0, step, info, all }) => {
  const value = make("output");
  const input = make("input", { type: "range", min, max: limits[key], step, oninput: () => (tell(), ask()) });
  const digits = step < 1 ? 2 : 0;
  const tell = () => {
    value.textContent = all && Number(input.value) === 0 ? say(all) : Number(input.value).toFixed(digits);
    input.style.setProperty("--share", (input.value - min) / (limits[key] - min));
  };
  const note = make("small", { text: info ? say(info) : "" });
  const box = make("label", { class: "field slide" }, make("span", {}, make("span", { text: say(name) }), value), input, note);
  sliders[key] = { box, note, get: () => Number(input.value), set: (number) => ((input.value = number), tell()) };
  return box;
};
const typed = (name) => {
  let timer = 0;
  const wait = () => (clearTimeout(timer), exclude(), (timer = setTimeout(ask, 200)));
  // What an input method is still composing isn't text yet.
  const input = make("input", { type: "text", placeholder: say(`${name}_hint`), autocomplete: "off", spellcheck: "false",
    maxlength: limits.prefix, oninput: (event) => event.isComposing || wait() });
  input.addEventListener("compositionend", wait);
  return input;
};
const [prefix, acrostic] = [typed("prefix"), typed("acrostic")];
const card = make("div", { class: "card" });
const speed = make("dl", {}, make("dt", { text: say("speed") }), make("dd"));
const controls = make("div", { class: "controls" },
  field("model", choice),
  make("div", { class: "row" }, field("seed", seed), shuffle),
  field("prefix", prefix), field("acrostic", acrostic), field("label", label),
  slider("lambda", "critic_strength", { step: 0.01 }),
  slider("t", "temperature", { step: 0.01, info: "temperature_info" }),
  slider("p", "top_p", { min: 0.05, step: 0.01, info: "top_p_info" }),
  slider("k", "top_k", { step: 1, info: "top_k_info", all: "top_k_all" }),
  slider("best", "best_of", { min: 1, step: 1, info: "best_of_info" }),
  slider("n", "num_texts", { min: 1, step: 1 }),
  make("div", { class: "about" }, card, speed),
  hubRow(async (name) => (await openModel(name)) && (ask(), true)));
root.prepend(make("div", { class: "stage" }, make("div", { class: "bar" }, title, tools), legend, message, sheet.list), controls);
root.classList.add("waiting");

function setView(on) {
  root.classList.toggle("judged", on);
  view.setAttribute("aria-pressed", String(on));
}

// A text begins in one way: a prefix, or the first line of an acrostic.
function exclude() {
  acrostic.disabled = Boolean(prefix.value) && !acrostic.value;
  prefix.disabled = Boolean(acrostic.value) && model.acrostic;
}

const asked = () => ({
  model: model.model, seed: Number(seed.value), num_samples: sliders.n.get(), temperature: sliders.t.get(),
  top_k: sliders.k.get(), top_p: sliders.p.get(), prefix: prefix.disabled ? "" : prefix.value,
  acrostic: model.acrostic && !acrostic.disabled ? acrostic.value : "",
  ...(model.critic && { critic_strength: sliders.lambda.get(), best_of: sliders.best.get() }), label: label.value,
});

let busy = false;
let again = false;

async function ask() {
  if (!model) return;
  again = true;
  if (busy) return;
  busy = true;
  while (again) {
    again = false;
    await write(asked()).catch(() => complain(say("failed")));
  }
  busy = false;
}

// From the first token to the last, unless something else is asked for meanwhile.
async function write(state) {
  let answer = await server.write_text(state);
  if (answer.error) return complain(answer.error);
  if (state.model !== model.model) return;
  complain(notice);
  notice = "";
  shown = state;
  const last = state.seed + state.num_samples - 1;
  title.textContent = say(last === state.seed ? "one_seed" : "seeds", { first: state.seed, last });
  sheet.model = state.model;
  sheet.begin(state.seed, state.num_samples, model.acrostic);
  root.classList.remove("waiting");
  address();
  const { stream } = answer;
  for (;;) {
    sheet.add(answer.samples);
    if (answer.done) break;
    if (again) return;
    answer = await server.more_text(stream);
    if (answer.error) return complain(answer.error);
    if (answer.gone) return void (again = true); // the server was started anew, or has forgotten us
  }
  sheet.end();
  const rate = Math.round((1000 * sheet.count()) / answer.milliseconds).toLocaleString("en-US");
  speed.lastChild.textContent = say("text_speed", { rate, count: state.num_samples, ms: Math.round(answer.milliseconds) });
}

// Returns whether the model is there now; `null` if another one has been asked for meanwhile.
const fetchModel = newest(server.open_text);
async function openModel(name) {
  const answer = await fetchModel(name);
  if (answer === null) return null;
  if (answer.error) {
    if (model) choice.value = model.model;
    complain(answer.error);
    return false;
  }
  model = answer;
  complain("");
  if (![...choice.options].some((option) => option.value === name)) choice.append(make("option", { value: name, text: name }));
  choice.value = name;
  choice.parentElement.hidden = choice.options.length < 2;
  card.innerHTML = model.card; // made by card.py, which escapes what a repository says
  label.replaceChildren(...[["", say("any_text_label")], ...model.labels.map((name) => [name, name])].map(([value, text]) => make("option", { value, text })));
  label.parentElement.hidden = !model.labels.length;
  acrostic.parentElement.hidden = !model.acrostic;
  for (const part of [sliders.lambda.box, sliders.best.box, view]) part.hidden = !model.critic;
  root.classList.toggle("critical", model.critic);
  sliders.lambda.set(model.strength);
  sliders.lambda.note.textContent = say("critic_strength_info", { best: Number(model.strength.toFixed(3)) });
  exclude();
  return true;
}

function turn(direction) {
  seed.value = Math.min(limits.seed - sliders.n.get() + 1, Math.max(0, Number(seed.value) + direction * sliders.n.get()));
  ask();
}

function address() {
  if (!inSight() || !shown) return;
  const { seed, num_samples: n, temperature: t, top_k, top_p, critic_strength, best_of = 1, prefix, acrostic, label } = shown;
  const unlike = (value, usual) => (value === usual ? "" : value); // what is as ever needn't be said
  writeAddress("replaceState", {
    tab: "text", model: shown.model, seed, n, t, k: unlike(top_k, start.k), p: unlike(top_p, start.p), lambda: critic_strength,
    best: unlike(best_of, start.best), prefix, acrostic, label, view: model.critic && !root.classList.contains("judged") ? "plain" : "",
  });
}

function complain(text) {
  message.textContent = text;
  message.hidden = !text;
}

// What the address asks for; what isn't a number there counts as left out, and sliders go no further than they go.
const number = (key, otherwise) => (/^-?[\d.]+(e-?\d+)?$/.test(from.get(key) || "") ? Number(from.get(key)) : otherwise);

async function open() {
  seed.value = number("seed", start.seed);
  for (const key of ["n", "t", "k", "p", "best"]) sliders[key].set(number(key, start[key]));
  prefix.value = from.get("prefix") || "";
  acrostic.value = from.get("acrostic") || "";
  setView(from.get("view") !== "plain");
  choice.replaceChildren(...props.models.map((name) => make("option", { value: name, text: name })));
  const wanted = from.get("model") || props.models[0];
  const there = await openModel(wanted);
  if (there === null) return;
  if (!there) {
    notice = message.textContent; // the address asks for the impossible: show what there is, and say so
    if (wanted === props.models[0] || !(await openModel(props.models[0]))) return;
  } else if (model.critic) sliders.lambda.set(number("lambda", model.strength));
  if (model.labels.includes(from.get("label"))) label.value = from.get("label");
  ask();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [role=listbox], [role=tablist]");
  if (typing || !shown || !inSight() || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
});

let wasInSight = false;
const begin = alone(open);
new ResizeObserver(() => {
  if (inSight() && !wasInSight) model ? address() : begin();
  wasInSight = inSight();
}).observe(root);
