// Texts that follow their sliders and are shown while they are written: the server sends tokens until all are whole.
// After common.js, fields.js, tab.js and samples.js.

const root = element.querySelector(".text");
const { start, limits } = props;

const slider = (key, title, options) => sliderField({ key, title: t(title), usual: start[key], max: limits[key], ...options });
const prompt = (key) => textField({ title: t(key), hint: t(`${key}_hint`), max: limits.prefix, typed: excludeOther });

// By the names of the pipeline's arguments, and in the order of the address.
const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed }),
  num_samples: slider("n", "num_texts", { min: 1, step: 1 }),
  temperature: slider("t", "temperature", { step: 0.01, note: t("temperature_info") }),
  top_k: slider("k", "top_k", { step: 1, note: t("top_k_info"), zero: t("top_k_all"), brief: true }),
  top_p: slider("p", "top_p", { min: 0.05, step: 0.01, note: t("top_p_info"), brief: true }),
  critic_strength: slider("lambda", "critic_strength", { step: 0.01 }),
  best_of: slider("best", "best_of", { min: 1, step: 1, note: t("best_of_info"), brief: true }),
  prefix: prompt("prefix"),
  acrostic: prompt("acrostic"),
  label: classField({ any: t("any_text_label") }),
  view: {
    usual: "", hidden: () => !tab.model.critic,
    get: () => undefined, // the server need not know how texts are shown
    write: () => (root.classList.contains("scored") ? "" : "plain"),
    read: (text) => setView(text !== "plain"),
    reset: () => setView(true),
  },
};
const tab = createTab({
  name: "text", root, models: props.models, fields, load: server.open_text,
  showModel, render, keydown,
  request: server.write_text,
});

const title = make("div", { class: "title", "aria-live": "polite" });
const view = iconButton("eye", t("critic_view"), () => (setView(!root.classList.contains("scored")), tab.write()));
const sheet = sampleSheet(root);
const speed = fact("speed");
const tools = make("div", { class: "tools" }, view, iconButton("earlier", t("earlier"), () => turn(-1)),
  iconButton("later", t("later"), () => turn(1)), tab.link, iconButton("save", t("save_texts"), () => sheet.saveAll()));
const legend = make("div", { class: "legend", title: t("legend_title") }, make("span", { text: t("less_real") }), make("i"), make("span", { text: t("more_real") }));
tab.arrange({
  bar: [title, tools],
  stage: [legend, sheet.list],
  controls: ["seed", "prefix", "acrostic", "label", "critic_strength", "temperature", "top_p", "top_k", "best_of", "num_samples"].map((key) => fields[key].box),
  facts: [speed],
});

function setView(scored) {
  root.classList.toggle("scored", scored);
  view.setAttribute("aria-pressed", String(scored));
}

// A text begins with a prefix, or with the first character of an acrostic.
function excludeOther() {
  const { prefix, acrostic } = fields;
  acrostic.input.disabled = Boolean(prefix.input.value) && !acrostic.input.value;
  prefix.input.disabled = Boolean(acrostic.input.value) && !acrostic.box.hidden;
}

function showModel({ critic, strength, acrostic, columns }) {
  fields.label.fill(columns);
  fields.acrostic.box.hidden = !acrostic;
  for (const part of [fields.critic_strength.box, fields.best_of.box, view]) part.hidden = !critic;
  root.classList.toggle("critical", critic);
  fields.critic_strength.usual = strength;
  fields.critic_strength.reset();
  fields.critic_strength.note.textContent = t("critic_strength_info", { best: Number(strength.toFixed(3)) });
  excludeOther();
}

// From the first token to the last, unless other texts are wanted by then.
async function render(answer, state, superseded) {
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

function turn(direction) {
  const count = fields.num_samples.get();
  tab.set({ seed: Math.min(limits.seed - count + 1, Math.max(0, fields.seed.get() + direction * count)) });
}

function keydown(event) {
  if (onSlider(event)) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
}
