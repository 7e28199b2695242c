// A picture that is steered: by sliders along directions, by points that are pulled, by choosing among variations and
// mixtures. What is shown follows from a seed, or from codes that take its place, and the sliders. After common.js,
// fields.js, tab.js and the scripts of its parts.

const root = element.querySelector(".edit");
const { start, limits } = props;
const VIEWS = { edit: "", variations: "variations", mix: "mix", type: "type" }; // by name, with their names in the address
const LONGEST = 4000; // letters of codes that an address takes
const [PULLS, GLANCE, LOOK] = [3, 20, 100]; // steps of a drag at a time; of an inversion, at first and in all
let view = "edit";
let codes = ""; // instead of the seed; "" where the seed counts
let origin = ""; // "picture" where they come from the user's picture
let layers = "middle"; // that a mixture takes from its column
let yours = null; // the user's picture as the model takes it, in base64
let before = { of: null, png: null }; // the picture without edits, and what it is of
let shown = null; // the last answer of the server with a picture
let since = ""; // the codes with which a drag began
let ticket = ""; // of the inversion that is under way: what comes of an earlier one is not shown, and the server stops it
let found = ""; // the codes that were found for the user's picture

const kept = (key, options) => ({ key, write: () => options.get(), ...options });
const setCodes = (text, from = origin) => ([codes, origin] = [text, text ? from : ""]);
const letters = lettersPane({ changed: () => tab.ask(), room: lettersRoom });
const seedOf = (key, view_) => seedField({ usual: start[key], max: limits.seed, key: { row_seed: "rows", column_seed: "columns" }[key],
  title: t({ row_seed: "row_seeds", column_seed: "column_seeds" }[key]), hidden: () => view !== view_ });

const directions = directionsField({
  changed: () => tab.ask(), settled: () => history.note(), shown: () => tab.write(), rename: server.rename, refuse: (text) => tab.showMessage(text),
});

// In the order of the address.
const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed, changed: fromSeed }),
  label: classField({ any: t("any_label"), changed: settle }),
  truncation: sliderField({ key: "psi", title: t("truncation"), usual: start.truncation, max: limits.truncation, step: 0.01, note: t("truncation_info"), brief: true }),
  critic_steps: sliderField({ key: "critic", title: t("critic_guidance"), usual: start.critic_steps, max: limits.critic_steps, step: 1, note: t("critic_info"), brief: true, absent: 0 }),
  edits: directions,
  pad: directions.pad,
  view: kept("view", { get: () => view, write: () => VIEWS[view], reset: () => setView("edit"),
    read: (text) => setView(Object.keys(VIEWS).find((name) => VIEWS[name] === text && !button(name).hidden) ?? "edit") }),
  reach: sliderField({ title: t("reach"), usual: start.reach, min: 0.1, max: 1.5, step: 0.05, brief: true, hidden: () => view !== "variations" }),
  batch: kept("batch", { hidden: () => view !== "variations", value: 0, get() { return this.value; }, set(v) { this.value = v; },
    write() { return this.value || ""; }, read(text) { this.value = Math.min(limits.seed, Math.max(0, Math.floor(numberIn(text) ?? 0))); }, reset() { this.value = 0; } }),
  layers: kept("layers", { hidden: () => view !== "mix", get: () => layers, set: setLayers, write: () => (layers === "middle" ? "" : layers),
    read: (text) => setLayers(tab.model.layers.includes(text) ? text : "middle"), reset: () => setLayers("middle") }),
  text: Object.assign(letters.field, { hidden: () => view !== "type" }),
  aspect: kept("", { hidden: () => view !== "type", get: letters.aspect, set() {}, write: () => "", read() {}, reset() {} }),
  row_seed: seedOf("row_seed", "mix"),
  column_seed: seedOf("column_seed", "mix"),
  origin: kept("from", { get: () => origin, set: (text) => (origin = text), write: () => (fields.codes.write() ? origin : ""),
    read: (text) => (origin = text === "picture" ? text : ""), reset: () => (origin = "") }),
  codes: kept("codes", { get: () => codes, set: setCodes, write: () => (codes.length <= LONGEST ? codes : ""), read: setCodes, reset: () => setCodes("") }),
};
for (const key of ["truncation", "critic_steps"]) fields[key].box.addEventListener("change", () => history.note());

const history = editHistory({
  take: () => ({ ...Object.fromEntries(["seed", "label", "truncation", "critic_steps", "edits", "origin", "codes"].map((key) => [key, fields[key].get()])) }),
  restore: (values) => (stopLooking(), points.clear(), tab.set(values)),
  changed: () => {
    tools.undo.disabled = !history.canUndo();
    tools.redo.disabled = !history.canRedo();
  },
});
const points = pointsLayer({ pull, begin: () => ((since = codes), tab.showMessage("")), settled: () => (tab.write(), history.note()), refuse: (text) => tab.showMessage(text),
  counted: (count) => (clearPoints.hidden = !count) });
const variations = variationsGrid(choose);
const mixtures = mixtureGrid(choose);

const tab = createTab({
  name: "edit", root, models: props.models, related: ["pictures"], fields, load: server.open_edit,
  showModel, request, render, layout, keydown,
});

// The picture and what lies on it.
const image = make("img", { alt: t("edited_picture") });
image.decoding = "sync";
const looking = make("div", { class: "looking", hidden: true, role: "status" }, make("span", { text: t("looking") }),
  make("button", { type: "button", class: "quiet", text: t("stop_looking"), onclick: () => (stopLooking(), history.note()) }));
const frame = make("div", { class: "frame" }, image, points.layer, looking);
const clearPoints = make("button", { type: "button", class: "quiet", text: t("clear_points"), hidden: true, onclick: () => points.clear() });
const bodies = {
  edit: make("div", { class: "single" }, frame, make("div", { class: "below" }, make("p", { class: "hint", text: t("points_info") }), clearPoints)),
  variations: variations.box,
  mix: mixtures.box,
  type: letters.box,
};

const views = viewButtons(t("edit_views"), Object.keys(VIEWS), (name) => (setView(name), tab.ask()));
const title = make("div", { class: "title", "aria-live": "polite" });
const tools = {
  undo: iconButton("undo", t("undo_step"), () => history.undo()),
  redo: iconButton("redo", t("redo_step"), () => history.redo()),
  before: iconButton("eye", t("before"), () => {}),
  film: iconButton("film", t("film"), saveFilm),
  copy: tab.link,
  font: iconButton("font", t("font"), saveFont),
  png: iconButton("png", t("png"), () => (view === "type" ? letters.download() : shown && save(png(shown.png), shown.file))),
};
tools.before.addEventListener("pointerdown", () => showBefore(true));
for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) tools.before.addEventListener(end, () => showBefore(false));
tools.before.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && showBefore(true));
tools.before.addEventListener("keyup", () => showBefore(false));

// Where it starts: a seed, or the user's picture.
const file = make("input", { type: "file", accept: "image/*", hidden: true, onchange: () => (take(file.files[0]), (file.value = "")) });
const uploadButton = make("button", { type: "button", class: "upload", text: t("your_picture"), title: t("picture_info"), onclick: () => file.click() });
const whence = make("span");
const back = make("button", { type: "button", class: "quiet", onclick: fromSeed });
const note = make("small", { text: t("too_long"), hidden: true });
const away = make("div", { class: "away", hidden: true }, make("div", {}, whence, back), note);
const ofSeed = make("div", { class: "of-seed" }, fields.truncation.box, fields.critic_steps.box);
const presets = make("div", { class: "kinds", role: "group", "aria-label": t("layers") }, ...props.layers.map((name) =>
  make("button", { type: "button", "data-layers": name, text: t(name), onclick: () => (setLayers(name), tab.ask()) })));
const viewControls = {
  variations: make("div", { class: "of-view" }, fields.reach.box,
    make("button", { type: "button", text: t("other_variations"), onclick: () => (fields.batch.set(fields.batch.get() + 1), tab.ask()) })),
  mix: make("div", { class: "of-view" }, make("div", { class: "field" }, make("span", { text: t("layers") }), presets), fields.row_seed.box, fields.column_seed.box),
};
const speed = fact("speed");
tab.arrange({
  bar: [views, title, make("div", { class: "tools" }, ...Object.values(tools))],
  stage: Object.values(bodies),
  controls: [...Object.values(viewControls), fields.seed.box, make("div", { class: "row" }, fields.label.box, uploadButton, file), away, fields.edits.box, ofSeed],
  facts: [speed],
});
takeDropped(root, take);
setView("edit");
setLayers(layers);
history.forget();

function showModel(model) {
  fields.label.fill(model.columns);
  if (!model.critic) fields.critic_steps.reset();
  fields.edits.fill(model.directions, model.name);
  for (const preset of presets.children) preset.hidden = !model.layers.includes(preset.dataset.layers);
  button("mix").hidden = !model.layers.length; // all in one layer: nothing to mix
  button("type").hidden = !model.specimen; // its classes are no characters
  letters.offer(model);
  setView(button(view).hidden ? "edit" : view);
  setLayers(layers);
  setCodes((found = ""));
  [yours, shown, before] = [null, null, { of: null, png: null }];
  stopLooking();
  points.setSize(model);
  history.forget();
  layout(model);
}

const button = (name) => [...views.children].find((one) => one.dataset.view === name);

function setView(name) {
  view = root.dataset.view = name;
  for (const button of views.children) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  for (const [key, body] of Object.entries(bodies)) body.hidden = key !== name;
  for (const [key, box] of Object.entries(viewControls)) box.hidden = key !== name;
  for (const key of ["before", "film"]) tools[key].hidden = name !== "edit";
  tools.font.hidden = name !== "type";
  tools.png.hidden = !["edit", "type"].includes(name);
  [...fields.label.box.children].forEach((picker, k) => picker.classList.toggle("beside", name === "type" && k === tab.model.alphabet)); // every letter has its own
  fields.critic_steps.box.hidden = name === "type" || !tab.model?.critic; // it would give every letter another style
  if (tab.model) layout(tab.model);
}

function setLayers(name) {
  const { layers: some } = tab.model ?? props; // a generator with few layers has no middle
  layers = some.includes(name) ? name : some.at(-1) ?? name;
  for (const button of presets.children) button.setAttribute("aria-pressed", String(button.dataset.layers === name));
}

// What the picture without edits depends on.
const unedited = (state) => JSON.stringify(state.origin ? [state.model, yours ? "yours" : state.codes] : [state.model, state.seed, state.label, state.truncation]);

function request(state) {
  showWhence(state);
  if (state.view === "variations") return server.vary_image(state);
  if (state.view === "mix") return server.mix_images(state);
  if (state.view === "type") return server.type_text(state);
  return server.edit_image({ ...state, before: before.of !== unedited(state) && !(state.origin && yours) });
}

function render(answer, state) {
  if (state.view === "variations") variations.show(answer.pictures);
  if (state.view === "mix") mixtures.show(answer);
  if (state.view === "edit") {
    if (answer.before) before = { of: unedited(state), png: answer.before };
    if (state.origin && yours) before = { of: unedited(state), png: yours };
    show(answer);
    title.textContent = [t(state.origin ? "from_picture" : "edit_of", state), answer.label].filter(Boolean).join(" · ");
  } else title.textContent = "";
  if (state.view === "type") {
    letters.show(answer, state);
    title.textContent = t(state.codes ? (state.origin ? "letters_of_picture" : "letters_of_codes") : "typed_of", { ...state, count: answer.drawn });
  }
  const count = answer.drawn || answer.pictures?.length || 1;
  speed.set(t("speed_value", { each: (answer.milliseconds / count).toFixed(1), count, total: answer.milliseconds.toFixed(0) }));
  if (!history.canUndo()) history.note(); // what an address has restored
  layout(tab.model);
}

function show(answer) {
  shown = { file: shown?.file ?? "edited.png", ...answer };
  image.src = png(answer.png);
}

async function saveFont() {
  const answer = await server.font(tab.state());
  if (answer.error) tab.showMessage(answer.error);
  else saveBytes(answer.data, "font/ttf", answer.file);
}

async function saveFilm() {
  const state = tab.state();
  const answer = await server.film({ ...state, found: state.origin ? found : "" });
  if (answer.error) tab.showMessage(answer.error);
  else saveBytes(answer.data, answer.type, answer.file);
}

function showWhence({ seed }) {
  away.hidden = !codes;
  ofSeed.hidden = Boolean(codes);
  fields.label.box.classList.toggle("absent", Boolean(codes)); // it stays part of the state, to go back to
  whence.textContent = t(origin ? "from_picture" : "from_codes", { seed });
  back.textContent = t("back_to_seed", { seed });
  note.hidden = codes.length <= LONGEST;
}

function showBefore(held) {
  root.classList.toggle("before", held);
  const source = held ? before.png : shown?.png;
  if (source) image.src = png(source);
}

// An inversion that is under way ends with what it has shown so far.
function stopLooking() {
  looking.hidden = true;
  if (ticket) server.stop_inversion(ticket);
  ticket = "";
}

function settle() {
  stopLooking();
  points.clear();
  tab.ask();
  history.note();
}

function fromSeed() {
  setCodes("");
  settle();
}

function choose(chosen) {
  setCodes(chosen);
  settle();
}

// A few steps of a drag: the answer's codes take the place of what they started from.
async function pull(handles, targets, first) {
  const epoch = points.epoch();
  const answer = await server.drag_image({ ...tab.state(), handles, targets, steps: PULLS, since: { codes: since, handles: first } });
  if (epoch !== points.epoch()) return null;
  if (answer.error) return void tab.showMessage(answer.error);
  setCodes(answer.codes);
  showWhence(tab.state());
  show(answer);
  return answer.handles;
}

async function take(file) {
  if (!file || !tab.model) return;
  if (file.size > props.max_bytes) return tab.showMessage(t("too_many_bytes", { max: props.max_bytes / 1e6 }));
  stopLooking();
  const own = (ticket = crypto.getRandomValues(new Uint32Array(4)).join("-"));
  const original = await base64Of(file);
  if (own !== ticket) return; // something else has been started by now
  setView("edit");
  points.clear();
  looking.hidden = false;
  const { name } = tab.model;
  let [picture, invert] = [original, null];
  for (const steps of [GLANCE, LOOK]) {
    const answer = await server.invert_image({ model: name, picture, invert, steps, ticket: own });
    if (own !== ticket) return;
    if (answer.error) {
      stopLooking();
      return tab.showMessage(answer.error);
    }
    [picture, invert] = [answer.fitted, false]; // small, from here on
    yours = answer.fitted;
    found = answer.codes;
    setCodes(found, "picture");
    fields.edits.reset();
    await tab.ask();
    if (own !== ticket) return;
  }
  stopLooking();
  history.note();
}

function keydown(event) {
  if (event.key === "Escape") points.clear();
  if (event.key.toLowerCase() === "b" && !event.repeat && view === "edit") showBefore(true);
}

document.addEventListener("keyup", (event) => event.key.toLowerCase() === "b" && root.classList.contains("before") && showBefore(false));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]), textarea");
  if (typing || !tab.model || !tab.inSight() || !(event.metaKey || event.ctrlKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) history.redo();
  else history.undo();
});

// What is left of the screen below the views, in CSS pixels.
function stageRoom() {
  const top = views.getBoundingClientRect().bottom + window.scrollY;
  return {
    width: root.querySelector(".stage").clientWidth,
    height: onPhone() ? 0.42 * visibleHeight() : Math.max(320, visibleHeight() - top - 90),
  };
}

function lettersRoom() {
  const { width, height } = stageRoom();
  return { width, height: onPhone() ? 0.6 * height : Math.min(0.6 * height, 420) };
}

function layout(model) {
  if (!tab.inSight()) return;
  const { width, height } = model;
  const { width: across, height: room } = stageRoom();
  letters.layout();
  if (view === "type" && letters.broken() && letters.broken() !== letters.aspect()) tab.ask();
  const set = (name, columns, gap, most = Infinity) => {
    const wide = crispWidth(width, height, (across - (columns - 1) * gap) / columns, Math.min(most, room));
    root.style.setProperty(name, `${wide}px`);
  };
  set("--large", 1, 0, 640);
  set("--choice", 4, 8, (room - 24) / 4 - 8);
  set("--cell", props.columns + 1, 6, (room - 60) / 5 - 6);
  root.style.setProperty("--ratio", `${width} / ${height}`);
  points.draw();
}
