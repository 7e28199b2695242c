// Texts that follow their sliders and are shown while they are written: the server sends tokens until all are whole. A
// model with a latent has three more views: one text that directions move, others like it, and the way from one to another.
// After common.js, fields.js, tab.js, directions.js, samples.js and lines.js.

const root = element.querySelector(".text");
const { start, limits } = props;
const VIEWS = { texts: "", sentence: "edit", similar: "vary", way: "morph" }; // by name, with their names in the address
let view = "texts";
let codes = ""; // instead of a seed or a text; "" where these count
let batch = 0; // which of all variations

const slider = (key, title, options) => sliderField({ key, title: t(title), usual: start[key], max: limits[key], ...options });
const prompt = (key, options) => textField({ title: t(key), hint: t(`${key}_hint`), max: limits.prefix, typed: excludeOther, ...options });
// A text of the user's instead of a seed; another seed takes its place.
const ownText = (key, title, changed) => textField({ key, title, hint: t("own_text_hint"), max: limits.prefix, changed });
const end = (key) => ({
  [key]: seedField({ usual: start[key], max: limits.seed, title: `${t("seed")} ${key.toUpperCase()}`, changed: () => (fields[`${key}_text`].set(""), tab.ask()) }),
  [`${key}_text`]: ownText(`${key}_text`, t("own_text")),
});
const directions = directionsField({
  changed: () => tab.ask(), shown: () => tab.write(), rename: server.rename, refuse: (text) => tab.showMessage(text), padOpen: true,
});

// By the names of the pipeline's arguments, and in the order of the address.
const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed, changed: fromSeed }),
  num_samples: slider("n", "num_texts", { min: 1, step: 1 }),
  temperature: slider("t", "temperature", { step: 0.01, note: t("temperature_info") }),
  top_k: slider("k", "top_k", { step: 1, note: t("top_k_info"), zero: t("top_k_all"), brief: true }),
  top_p: slider("p", "top_p", { min: 0.05, step: 0.01, note: t("top_p_info"), brief: true }),
  critic_strength: slider("lambda", "critic_strength", { step: 0.01 }),
  best_of: slider("best", "best_of", { min: 1, step: 1, note: t("best_of_info"), brief: true }),
  prefix: prompt("prefix"),
  acrostic: prompt("acrostic"),
  label: classField({ any: t("any_label") }),
  scored: {
    key: "view", usual: "", hidden: () => !tab.model.critic,
    get: () => undefined, // the server need not know how texts are shown
    write: () => (root.classList.contains("scored") ? "" : "plain"),
    read: (text) => setScored(text !== "plain"),
    reset: () => setScored(true),
  },
  view: {
    hidden: () => !tab.model.latent, absent: "texts",
    get: () => view, set: setView, write: () => VIEWS[view], reset: () => setView("texts"),
    read: (text) => setView(Object.keys(VIEWS).find((name) => VIEWS[name] === text) ?? "texts"),
  },
  text: ownText("text", t("own_text"), () => (setCodes(""), tab.ask())),
  ...end("a"),
  ...end("b"),
  reach: slider("reach", "reach", { min: 0.05, max: 1, step: 0.05, brief: true }),
  batch: {
    hidden: () => view !== "similar", get: () => batch, set: (number) => (batch = number), write: () => batch || "", reset: () => (batch = 0),
    read: (text) => (batch = Math.min(limits.seed, Math.max(0, Math.floor(numberIn(text) ?? 0)))),
  },
  edits: directions,
  pad: directions.pad,
  codes: { hidden: () => !isOne(), get: () => codes, set: setCodes, write: () => codes, read: setCodes, reset: () => setCodes("") },
};
const requests = { texts: server.write_text, sentence: server.edit_text, similar: server.vary_text, way: server.morph_text };
const tab = createTab({
  name: "text", root, models: props.models, fields, load: server.open_text,
  showModel, render, keydown,
  request: (state) => (showWhence(state), requests[state.view](state)),
});

const title = make("div", { class: "title", "aria-live": "polite" });
const views = viewButtons(t("text_views"), Object.keys(VIEWS), (name) => (setView(name), tab.ask()));
const sheet = sampleSheet(root, [
  { icon: "edit", title: t("edit_text"), act: (seed) => goOn("sentence", { seed, text: "" }, "") },
  { icon: "similar", title: t("similar"), act: (seed) => goOn("similar", { seed, text: "" }, "") },
]);
const speed = fact("speed");
const tools = {
  scores: iconButton("eye", t("critic_view"), () => (setScored(!root.classList.contains("scored")), tab.write())),
  earlier: iconButton("earlier", t("earlier"), () => turn(-1)),
  later: iconButton("later", t("later"), () => turn(1)),
  words: copyButton("copies", t("copy_text"), t("text_copied"), () => sentence.textContent),
  link: tab.link,
  save: iconButton("save", t("save_text"), saveAll),
};
const toolsOf = { // which tools a view has
  texts: ["scores", "earlier", "later", "link", "save"],
  sentence: ["earlier", "later", "words", "link"],
  similar: ["earlier", "later", "link", "save"],
  way: ["link", "save"],
};

// One text, what it is without the sliders, and others like it.
const sentence = make("p", { class: "reading", "aria-live": "polite" });
const unedited = make("p", { class: "unedited" }, make("small", { text: t("unedited_text") }), make("span"));
const present = make("p", { class: "reading" });
const similar = textLines({ choose: (codes) => tab.set({ codes }, "pushState") });
const few = make("p", { class: "hint", text: t("few_similar"), hidden: true });
const unknown = make("p", { class: "hint", hidden: true }); // words of a text that were left out
const way = textLines({
  choose: (codes) => goOn("sentence", { seed: fields.a.get(), text: fields.a_text.get() }, codes),
  names: (k, count) => (k === 0 ? "A" : k === count - 1 ? "B" : "·"),
});
const bodies = {
  texts: sheet.list,
  sentence: make("div", { class: "one" }, sentence, unedited),
  similar: make("div", { class: "one" }, present, make("p", { class: "hint", text: t("similar_info") }), similar.box, few),
  way: make("div", { class: "one" }, make("p", { class: "hint", text: t("way_info") }), way.box),
};

// Where one text comes from: a seed or a text of the user's, or what was chosen since.
const whence = make("span");
const back = make("button", { type: "button", class: "quiet", onclick: () => (setCodes(""), tab.ask()) });
const away = make("div", { class: "away", hidden: true }, make("div", {}, whence, back));
const others = make("div", { class: "of-view" }, fields.reach.box,
  make("button", { type: "button", text: t("other_texts"), onclick: () => ((batch += 1), tab.ask()) }));
const ends = ["a", "b"].map((key) => make("div", { class: "text-end" }, fields[key].box, fields[`${key}_text`].box));
const legend = make("div", { class: "legend", title: t("legend_title") }, make("span", { text: t("less_real") }), make("i"), make("span", { text: t("more_real") }));
tab.arrange({
  bar: [views, title, make("div", { class: "tools" }, ...Object.values(tools))],
  stage: [legend, unknown, ...Object.values(bodies)],
  controls: [fields.seed.box, fields.text.box, away, ...ends, others, fields.label.box, fields.edits.box,
    ...["prefix", "acrostic", "critic_strength", "temperature", "top_p", "top_k", "best_of", "num_samples"].map((key) => fields[key].box)],
  facts: [speed],
});

const isOne = () => view === "sentence" || view === "similar";

function setScored(scored) {
  root.classList.toggle("scored", scored);
  tools.scores.setAttribute("aria-pressed", String(scored));
}

function setCodes(text) {
  codes = text;
}

// Shows a view, and the fields that it and the model have.
function setView(name) {
  view = root.dataset.view = name;
  for (const button of views.children) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  for (const [key, body] of Object.entries(bodies)) body.hidden = key !== name;
  for (const [key, tool] of Object.entries(tools)) tool.hidden = !toolsOf[name].includes(key);
  if (!tab.model) return;
  const { latent, encoder, critic, acrostic } = tab.model;
  const [texts, one, both] = [name === "texts", isOne(), name === "way"];
  const offered = {
    seed: !both, text: one && encoder, a: both, b: both, a_text: both && encoder, b_text: both && encoder, reach: name === "similar", edits: latent,
    num_samples: texts, acrostic, top_k: texts, top_p: texts, critic_strength: critic, best_of: critic,
  };
  for (const [key, is] of Object.entries(offered)) fields[key].box.hidden = !is;
  for (const box of ends) box.hidden = !both;
  others.hidden = name !== "similar";
  unknown.hidden = true;
  tools.scores.hidden ||= !critic;
  title.textContent = "";
}

// A text begins with a prefix, or with the first character of an acrostic.
function excludeOther() {
  const { prefix, acrostic } = fields;
  acrostic.input.disabled = Boolean(prefix.input.value) && !acrostic.input.value;
  prefix.input.disabled = Boolean(acrostic.input.value) && !acrostic.box.hidden;
}

function showModel({ name, latent, critic, strength, columns, directions: found }) {
  fields.label.fill(columns);
  directions.fill(found, name);
  root.classList.toggle("critical", critic);
  root.classList.toggle("has-latent", latent);
  views.hidden = !latent;
  setCodes("");
  setView(latent ? view : "texts");
  fields.critic_strength.usual = strength;
  fields.critic_strength.reset();
  fields.critic_strength.note.textContent = t("critic_strength_info", { best: Number(strength.toFixed(3)) });
  const usual = latent ? 0 : start.t; // what the pipeline does
  if (fields.temperature.get() === fields.temperature.usual) fields.temperature.set(usual);
  fields.temperature.usual = usual;
  excludeOther();
}

// Another view of a text, which the browser's back button leaves again.
function goOn(name, from, codes) {
  tab.set({ ...from, view: name, codes }, "pushState");
}

function fromSeed() {
  fields.text.set("");
  setCodes("");
  tab.ask();
}

function showWhence({ seed, text }) {
  away.hidden = !isOne() || !codes;
  whence.textContent = text ? t("from_text") : t("from_codes", { seed });
  back.textContent = text ? t("back_to_text") : t("back_to_seed", { seed });
}

function render(answer, state, superseded) {
  if (state.view === "texts") return renderTexts(answer, state, superseded);
  if (state.view === "sentence") {
    sentence.replaceChildren(...markedWords(answer.text, answer.before));
    unedited.lastChild.textContent = answer.before;
    unedited.classList.toggle("same", answer.text === answer.before);
  } else if (state.view === "similar") {
    present.textContent = answer.text;
    similar.show(answer.lines, false);
    few.hidden = !answer.few || state.reach >= 1;
  } else {
    way.show(answer.lines, true);
  }
  if (view !== state.view) return;
  unknown.hidden = !answer.unknown.length;
  unknown.textContent = t("left_out", { words: answer.unknown.join(", ") });
  const source = state.codes ? "" : state.text ? t("as_read") : t("one_seed", { first: state.seed });
  title.textContent = state.view === "way" ? "" : [source, answer.label].filter(Boolean).join(" · ");
  const count = answer.lines?.length ?? 1;
  speed.set(t(count === 1 ? "one_line_speed" : "line_speed", { count, ms: Math.round(answer.milliseconds) }));
}

// From the first token to the last, unless other texts are wanted by then.
async function renderTexts(answer, state, superseded) {
  const last = state.seed + state.num_samples - 1;
  title.textContent = t(last === state.seed ? "one_seed" : "seeds", { first: state.seed, last });
  sheet.begin(state, tab.model.acrostic);
  const { stream } = answer;
  for (;;) {
    sheet.add(answer.samples);
    if (answer.done) break;
    if (superseded()) return;
    answer = await server.more_text(stream);
    if (answer.error) return tab.showMessage(answer.error);
    if (answer.gone) return void tab.ask(); // the server was started anew, or has forgotten us
  }
  sheet.end();
  const rate = Math.round((1000 * sheet.count()) / answer.milliseconds).toLocaleString("en-US");
  speed.set(t("text_speed", { rate, count: state.num_samples, ms: Math.round(answer.milliseconds) }));
}

function saveAll() {
  if (view === "texts") return sheet.saveAll();
  const lines = { similar, way }[view].texts();
  saveBlob(`${lines.join("\n")}\n`, "text/plain;charset=utf-8", `${fileStem(tab.model.name)}_${VIEWS[view]}.txt`);
}

function turn(direction) {
  const count = isOne() ? 1 : fields.num_samples.get();
  if (view === "way") return;
  tab.set({ text: "", codes: "", seed: Math.min(limits.seed - count + 1, Math.max(0, fields.seed.get() + direction * count)) });
}

function keydown(event) {
  if (onSlider(event)) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
}
