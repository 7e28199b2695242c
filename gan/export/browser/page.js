// Controls, pictures and the address of the page; the generator runs in worker.js.

const COUNT = 24; // pictures
const MAX_FIRST_SEED = 2 ** 32 - COUNT;
const [seed, dice, label, truncation] = ["seed", "dice", "label", "truncation"].map((id) => document.getElementById(id));
const setText = (id, text) => (document.getElementById(id).textContent = text);

let names = null; // of the classes; null where there are none
let ready = false; // the generator has been loaded
let busy = true; // the worker is loading or drawing
let outdated = false; // a control has been moved since the worker was asked

const SHOWN = 6; // directions before the rest is asked for
const TITLES = { x: "to the right", y: "downwards", ink: "weight" };
const titleOf = (name) => TITLES[name] ?? name.replace(/^class /, "towards "); // as in the studio
const record = await (await fetch("model.json")).json();
const worker = new Worker("worker.js", { type: "module" });
const [channels, height, width] = record.outputs.images.shape.slice(1);
const directions = record.directions.map(({ name, range, vector }) => ({ name, range, vector: floats(vector), slider: null }));

function floats(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Strengths by the names of directions, those at 0 left out.
const edits = () => Object.fromEntries(directions.map(({ name, slider }) => [name, Number(slider.value)]).filter(([, strength]) => strength));

function showMessage(text) {
  setText("message", text);
  document.getElementById("message").hidden = !text;
}

function settings() {
  const first = Math.min(MAX_FIRST_SEED, Math.max(0, Math.floor(Number(seed.value) || 0)));
  const moves = directions.filter(({ slider }) => Number(slider.value)).map(({ slider, vector }) => [Number(slider.value), vector]);
  return { seed: first, count: COUNT, label: Number(label.value), truncation: Number(truncation.value), moves };
}

// The settings as a slider shows them, as a line of Python, and as an address.
function showSettings({ seed, label, truncation: psi }) {
  setText("psi", psi.toFixed(2));
  truncation.style.setProperty("--at", `${(100 * psi) / truncation.max}%`);
  const name = label < 0 ? "" : names[label];
  const named = name ? [`label=${JSON.stringify(name)}`] : [];
  const moved = edits();
  const edited = Object.keys(moved).length > 0;
  setText("code", edited
    ? `[pipeline.edit(${["seed", JSON.stringify(moved), `truncation=${psi}`, ...named].join(", ")}).images[0] for seed in range(${seed}, ${seed + COUNT})]`
    : `pipeline(${[`seed=${seed}`, `num_images=${COUNT}`, `truncation=${psi}`, ...named].join(", ")}).images`);
  for (const { slider, said } of directions) showStrength(slider, said);
  document.getElementById("reset").hidden = !edited;
  const written = Object.entries(moved).map(([name, strength]) => `${name}:${strength}`).join(";");
  const address = new URLSearchParams({ seed, truncation: psi, ...(name && { label: name }), ...(edited && { edits: written }) });
  history.replaceState(null, "", `?${address}`);
}

// A slider that is filled from 0, wherever that is.
function showStrength(slider, said) {
  const [low, high, value] = [slider.min, slider.max, slider.value].map(Number);
  const at = (strength) => (100 * (strength - low)) / (high - low);
  const [from, to] = [at(0), at(value)].sort((a, b) => a - b);
  slider.style.setProperty("--from", `${from}%`);
  slider.style.setProperty("--at", `${to}%`);
  said.textContent = value.toFixed(2);
}

function ask() {
  const asked = settings();
  showSettings(asked);
  outdated = busy;
  if (busy) return;
  busy = true;
  worker.postMessage(asked);
}

function showPictures({ seed: first, pictures, labels, milliseconds }) {
  const tiles = document.querySelectorAll("#tiles figure");
  pictures.forEach((pixels, k) => {
    tiles[k].querySelector("canvas").getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
    tiles[k].querySelector("b").textContent = first + k;
    tiles[k].querySelector("span").textContent = names && labels ? names[labels[k]] : "";
  });
  setText("title", `Seeds ${first} to ${first + COUNT - 1}`);
  setText("time", `${COUNT} pictures in ${milliseconds.toFixed(0)} ms`);
}

// A slider for each direction, the first few in sight; a double-click takes it back.
function prepareDirections(address) {
  const wanted = new Map((address.get("edits") ?? "").split(";").map((part) => {
    const colon = part.lastIndexOf(":");
    return [part.slice(0, colon), Number(part.slice(colon + 1)) || 0];
  }));
  directions.forEach((direction, k) => {
    const { name, range: [min, max] } = direction;
    const said = document.createElement("output");
    const slider = Object.assign(document.createElement("input"), { type: "range", min, max, step: 0.05, id: `direction-${k}`, className: "direction" });
    slider.value = wanted.get(name) ?? 0;
    slider.title = "Double-click: back to 0";
    slider.addEventListener("input", ask);
    slider.addEventListener("dblclick", () => ((slider.value = 0), ask()));
    const title = Object.assign(document.createElement("label"), { htmlFor: slider.id });
    const words = Object.assign(document.createElement("span"), { className: "name", textContent: titleOf(name) });
    title.append(words, said);
    document.getElementById(k < SHOWN ? "first" : "more").append(title, slider);
    Object.assign(direction, { slider, said });
    if (k >= SHOWN && Number(slider.value)) document.getElementById("rest").open = true;
  });
  document.getElementById("directions").hidden = !directions.length;
  document.getElementById("rest").hidden = directions.length <= SHOWN;
  setText("count", `${directions.length - SHOWN} more`);
  document.getElementById("reset").addEventListener("click", () => {
    for (const { slider } of directions) slider.value = 0;
    ask();
  });
}

// Name, tiles and classes of the model; the controls as the address has them.
function prepare() {
  setText("name", record.model);
  document.title = record.model;
  setText("facts", `${width}×${height} ${channels === 1 ? "grey" : "RGB"}, ${(record.bytes / 1e6).toFixed(1)} MB`);
  for (let k = 0; k < COUNT; k++) {
    const tile = document.createElement("figure");
    tile.innerHTML = `<canvas width="${width}" height="${height}"></canvas><figcaption><b></b><span></span></figcaption>`;
    document.getElementById("tiles").append(tile);
  }
  const classes = record.generator.num_classes;
  names = classes ? (record.labels ?? Array.from({ length: classes }, (_, k) => String(k))) : null;
  names?.forEach((name, k) => label.append(new Option(name, k)));
  document.getElementById("class-row").hidden = !names;
  const address = new URLSearchParams(location.search);
  seed.value = address.get("seed") ?? 0;
  truncation.value = address.get("truncation") ?? 1;
  label.value = names?.indexOf(address.get("label")) ?? -1;
  prepareDirections(address);
}

worker.addEventListener("error", () => showMessage("This browser cannot run the page: it needs module workers and WebAssembly."));
worker.addEventListener("message", ({ data }) => {
  ready ||= Boolean(data.ready);
  busy = !ready; // without a generator there is nothing to ask for
  if (data.error) return showMessage(data.error);
  showMessage("");
  if (data.ready || outdated) ask();
  if (data.pictures) showPictures(data);
});
for (const control of [seed, label, truncation]) control.addEventListener("input", ask);
dice.addEventListener("click", () => {
  seed.value = Math.floor(Math.random() * 1e6);
  ask();
});
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());

prepare();
showMessage("Loading the generator and ONNX Runtime (14 MB, once) …");
worker.postMessage({ record });
