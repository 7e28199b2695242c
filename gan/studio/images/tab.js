// Pictures that follow their sliders: a grid of them, or a single one. After common.js, fields.js and tab.js.

const root = element.querySelector(".pictures");
const { start, limits } = props;
let shown = null; // what was drawn last: its state, pictures and their model
let grid = null; // the grid that a single picture was opened from
let rows = ""; // "classes" where each class has a row and each seed a column

const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed }),
  num_images: sliderField({ key: "n", title: t("num_images"), usual: start.num_images, min: 1, max: limits.num_images, step: 1 }),
  truncation: sliderField({ key: "psi", title: t("truncation"), usual: start.truncation, max: limits.truncation, step: 0.01, note: t("truncation_info") }),
  label: classField({ any: t("any_label") }),
  critic_steps: sliderField({ key: "critic", title: t("critic_guidance"), usual: 0, max: limits.critic_steps, step: 1, note: t("critic_info"), brief: true, absent: 0 }),
  rows: {
    get: () => rows, set: setRows, write: () => rows, reset: () => setRows(""),
    read: (text) => setRows(text === "classes" && !everyClass.hidden ? text : ""),
  },
};
const everyClass = make("button", { type: "button", class: "every-class", text: t("every_class"), onclick: () => tab.set({ rows: rows ? "" : "classes" }, "pushState") });
const tab = createTab({
  name: "pictures", root, models: props.models, related: ["morph"], fields, load: server.open_images,
  showModel,
  request: server.make_images,
  render, layout, keydown,
});

const title = make("div", { class: "title", "aria-live": "polite" });
const tools = {
  back: iconButton("back", t("back"), back),
  earlier: iconButton("earlier", t("earlier"), () => turn(-1)),
  later: iconButton("later", t("later"), () => turn(1)),
  edit: iconButton("edit", t("edit_picture"), edit),
  copy: tab.link,
  png: iconButton("png", t("png"), () => save(png(shown.pictures[0].png), shown.pictures[0].file)),
  zip: zipButton(t("zip"), () => server.zip_images(shown.state), () =>
    `${shown.pictures[0].file.replace(/_seed-.*/, "")}_seeds-${shown.pictures[0].seed}-${shown.pictures.at(-1).seed}.zip`, tab.showMessage),
};
const tiles = make("div", { class: "tiles" });
const speed = fact("speed");
tab.arrange({
  bar: [title, make("div", { class: "tools" }, ...Object.values(tools))],
  stage: [tiles],
  controls: [fields.seed.box, fields.truncation.box, fields.label.box, everyClass, fields.num_images.box, fields.critic_steps.box],
  facts: [speed],
});

setRows("");

function showModel(model) {
  const classes = classesOf(model);
  fields.label.fill(model.columns);
  everyClass.hidden = classes < 2 || classes > limits.num_images;
  fields.critic_steps.box.hidden = !model.critic;
  if (everyClass.hidden) setRows("");
}

function setRows(name) {
  rows = name;
  everyClass.setAttribute("aria-pressed", String(rows === "classes"));
  fields.num_images.box.hidden = rows === "classes"; // as many seeds as there is room for
}

const classesOf = (model) => model.columns.reduce((count, { labels }) => count + labels.length, 0);

// Where drawing takes long, the first answer holds some of the pictures, and others are asked for as long as they are
// wanted.
async function render({ pictures, milliseconds, total }, state, superseded) {
  draw(pictures, milliseconds, total, state, 0);
  while (pictures.length < total && !superseded()) {
    const more = await server.make_images({ ...state, skip: pictures.length });
    if (superseded()) return;
    if (more.error) return void tab.showMessage(more.error);
    const known = pictures.length;
    pictures = [...pictures, ...more.pictures];
    milliseconds += more.milliseconds;
    draw(pictures, milliseconds, total, state, known);
  }
}

// The first `known` of the pictures are in their tiles by now.
function draw(pictures, milliseconds, total, state, known) {
  const seeds = state.rows ? total / classesOf(tab.model) : total;
  shown = { state, pictures, seeds, total, model: tab.model };
  root.classList.toggle("by-class", Boolean(state.rows));
  while (tiles.childElementCount > total) tiles.lastChild.remove();
  while (tiles.childElementCount < total) tiles.append(makeTile(tiles.childElementCount));
  [...tiles.children].forEach((tile, k) => tile.classList.toggle("pending", k >= pictures.length));
  pictures.forEach((picture, k) => {
    if (k < known) return;
    const [image, caption] = tiles.children[k].children;
    image.src = png(picture.png);
    image.alt = [t("picture", picture), picture.label].filter(Boolean).join(", ");
    caption.firstChild.textContent = picture.seed;
    caption.lastChild.textContent = picture.label || "";
    caption.className = state.rows && k % seeds === 0 ? "class-name" : "";
    tiles.children[k].title = [picture.seed, picture.label].filter(Boolean).join(" · ");
  });
  const single = total === 1;
  root.classList.toggle("single", single);
  if (!single) grid = { seed: state.seed, label: state.label, rows: state.rows, num_images: fields.num_images.get() };
  title.textContent = t(single ? "one_seed" : "seeds", { first: state.seed, last: state.seed + seeds - 1 });
  if (single && pictures[0].label) title.append(make("small", { text: pictures[0].label }));
  if (pictures.length < total) title.append(make("small", { text: t("drawn_so_far", { count: pictures.length, total }) }));
  speed.set(t("speed_value", { each: (milliseconds / pictures.length).toFixed(1), count: pictures.length, total: milliseconds.toFixed(0) }));
  layout();
}

function makeTile(index) {
  const image = make("img");
  image.decoding = "sync"; // no blank frame between two pictures
  return make("button", { type: "button", class: "tile", onclick: () => single(index) }, image, make("span", {}, make("b"), make("i")));
}

function single(index) {
  const { seed, label } = shown.pictures[index] ?? {}; // which may not be drawn yet
  if (seed !== undefined && shown.total > 1) tab.set({ seed, num_images: 1, ...(rows && { label, rows: "" }) }, "pushState");
}

function edit() {
  const { model, seed, truncation, critic_steps } = shown.state;
  openTab("edit", { model, seed, label: shown.pictures[0].label || "", psi: truncation, critic: critic_steps || "" });
}

function back() {
  tab.set(grid || { seed: shown.state.seed, num_images: start.num_images }, "pushState");
}

function turn(direction) {
  const count = shown.seeds;
  tab.set({ seed: Math.min(limits.seed - count + 1, Math.max(0, shown.state.seed + direction * count)) });
}

function keydown(event) {
  if (!shown || onSlider(event)) return;
  if (event.key === "ArrowLeft") turn(-1);
  if (event.key === "ArrowRight") turn(1);
  if (event.key === "Escape" && shown.total === 1) back();
}

// The largest whole number of device pixels a pixel at which all pictures are in sight; never a blurred one.
function layout() {
  if (!shown || !tab.inSight()) return;
  const { width, height } = shown.model;
  const ratio = window.devicePixelRatio || 1;
  const count = shown.total;
  const gap = onPhone() ? 6 : 10;
  const caption = count > 1 ? (onPhone() ? 14 : 18) : 0;
  const top = tiles.getBoundingClientRect().top + window.scrollY;
  const sight = onPhone() ? 0.48 * visibleHeight() : Math.max(320, visibleHeight() - top - 28);
  let best = { scale: 0, empty: 0 };
  const byClass = Boolean(shown.state.rows);
  const room = byClass && onPhone() ? Infinity : sight;
  const [fewest, most] = byClass ? [shown.seeds, shown.seeds] : [1, count];
  for (let columns = fewest; columns <= most; columns++) {
    const rows = Math.ceil(count / columns);
    const across = (tiles.clientWidth - (columns - 1) * gap) / columns / width;
    const down = Math.max(((room - (rows - 1) * gap) / rows - caption) / height, byClass ? 64 / height : 0);
    const scale = Math.floor(Math.min(across, down, 640 / height) * ratio) / ratio;
    const empty = rows * columns - count;
    if (scale > best.scale || (scale === best.scale && empty < best.empty)) best = { scale, columns, empty };
  }
  if (!best.scale) {
    // Too many to be in sight at once, even at native size: let them scroll.
    best = { scale: byClass ? Math.min(1, (tiles.clientWidth - (fewest - 1) * gap) / fewest / width) : 1, columns: byClass ? fewest : Math.max(1, Math.floor((tiles.clientWidth + gap) / (width + gap))) };
  }
  // What width is left widens the gaps, until the columns stand as far apart as the rows do with their captions.
  const [wide, between] = [best.scale * width, Math.max(1, best.columns - 1)];
  const across = Math.floor(Math.min(gap + caption, (tiles.clientWidth - best.columns * wide) / between));
  tiles.classList.toggle("labelled", wide >= 100 && !byClass);
  tiles.style.setProperty("--columns", best.columns);
  tiles.style.setProperty("--gap", `${gap}px ${across}px`);
  tiles.style.setProperty("--width", `${wide}px`);
  tiles.style.setProperty("--height", `${best.scale * height}px`);
  root.style.setProperty("--across", `${best.columns * wide + (best.columns - 1) * across}px`);
}
