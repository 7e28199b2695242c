// Texts that follow their sliders and are shown while they are written. What is asked for meanwhile takes over after the
// answer that is on its way. After common.js, fields.js, tab.js and samples.js.

const root = element.querySelector(".text");
const { start, limits } = props;
let shown = null; // the state that was asked for last

const slider = (key, title, options) => sliderField({ key, title: say(title), usual: start[key], max: limits[key], ...options });
const prompt = (key) => textField({ title: say(key), hint: say(`${key}_hint`), max: limits.prefix, typed: excludeOther });

// By the names of the pipeline's arguments, and in the order of the address.
const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed }),
  num_samples: slider("n", "num_texts", { min: 1, step: 1 }),
  temperature: slider("t", "temperature", { step: 0.01, note: say("temperature_info") }),
  top_k: slider("k", "top_k", { step: 1, note: say("top_k_info"), zero: say("top_k_all"), brief: true }),
  top_p: slider("p", "top_p", { min: 0.05, step: 0.01, note: say("top_p_info"), brief: true }),
  critic_strength: slider("lambda", "critic_strength", { step: 0.01 }),
  best_of: slider("best", "best_of", { min: 1, step: 1, note: say("best_of_info"), brief: true }),
  prefix: prompt("prefix"),
  acrostic: prompt("acrostic"),
  label: classField({ any: say("any_text_label") }),
  view: {
    usual: "", hidden: () => !tab.model.critic,
    get: () => undefined, // it is of how texts are shown, and none of the server's business
    write: () => (root.classList.contains("opinions") ? "" : "plain"),
    read: (text) => setView(text !== "plain"),
    reset: () => setView(true),
  },
};
const tab = createTab({
  name: "text", root, models: props.models, fields, load: server.open_text,
  showModel, render, keydown,
  request(state) {
    shown = state;
    return server.write_text(state);
  },
});

const title = make("div", { class: "title", "aria-live": "polite" });
const view = iconButton("eye", say("critic_view"), () => (setView(!root.classList.contains("opinions")), tab.write()));
const sheet = sampleSheet(root);
const speed = fact("speed");
const tools = make("div", { class: "tools" }, view, iconButton("earlier", say("earlier"), () => turn(-1)),
  iconButton("later", say("later"), () => turn(1)), tab.link, iconButton("save", say("save_texts"), () => sheet.saveAll()));
const legend = make("div", { class: "legend", title: say("legend_title") }, make("span", { text: say("less_real") }), make("i"), make("span", { text: say("more_real") }));
tab.arrange({
  bar: [title, tools],
  stage: [legend, sheet.list],
  controls: ["seed", "prefix", "acrostic", "label", "critic_strength", "temperature", "top_p", "top_k", "best_of", "num_samples"].map((key) => fields[key].box),
  facts: [speed],
});

function setView(opinions) {
  root.classList.toggle("opinions", opinions);
  view.setAttribute("aria-pressed", String(opinions));
}

// A text begins with a prefix, or with the first character of an acrostic.
function excludeOther() {
  const { prefix, acrostic } = fields;
  acrostic.input.disabled = Boolean(prefix.input.value) && !acrostic.input.value;
  prefix.input.disabled = Boolean(acrostic.input.value) && !acrostic.box.hidden;
}

function showModel({ critic, strength, acrostic, labels }) {
  fields.label.fill(labels);
  fields.acrostic.box.hidden = !acrostic;
  for (const part of [fields.critic_strength.box, fields.best_of.box, view]) part.hidden = !critic;
  root.classList.toggle("critical", critic);
  fields.critic_strength.usual = strength;
  fields.critic_strength.reset();
  fields.critic_strength.note.textContent = say("critic_strength_info", { best: Number(strength.toFixed(3)) });
  excludeOther();
}

// From the first token to the last, unless something else is asked for meanwhile.
async function render(answer, state, superseded) {
  const last = state.seed + state.num_samples - 1;
  title.textContent = say(last === state.seed ? "one_seed" : "seeds", { first: state.seed, last });
  sheet.begin(state, tab.model.acrostic);
  const { stream } = answer;
  for (;;) {
    sheet.add(answer.samples);
    if (answer.done) break;
    if (superseded()) return;
    answer = await server.more_text(stream);
    if (answer.error) return tab.tell(answer.error);
    if (answer.gone) return void tab.ask(); // the server was started anew, or has forgotten us
  }
  sheet.end();
  const rate = Math.round((1000 * sheet.count()) / answer.milliseconds).toLocaleString("en-US");
  speed.set(say("text_speed", { rate, count: state.num_samples, ms: Math.round(answer.milliseconds) }));
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
