// Controls, pictures and the address of the page; the generator runs in worker.js.

const COUNT = 24; // pictures
const MAX_FIRST_SEED = 2 ** 32 - COUNT;
const [seed, dice, label, truncation] = ["seed", "dice", "label", "truncation"].map((id) => document.getElementById(id));
const setText = (id, text) => (document.getElementById(id).textContent = text);

let names = null; // of the classes; null where there are none
let ready = false; // the generator has been loaded
let busy = true; // the worker is loading or drawing
let outdated = false; // a control has been moved since the worker was asked

const record = await (await fetch("model.onnx.json")).json();
const worker = new Worker("worker.js", { type: "module" });
const [channels, height, width] = record.outputs.images.shape.slice(1);

function showMessage(text) {
  setText("message", text);
  document.getElementById("message").hidden = !text;
}

function settings() {
  const first = Math.min(MAX_FIRST_SEED, Math.max(0, Math.floor(Number(seed.value) || 0)));
  return { seed: first, count: COUNT, label: Number(label.value), truncation: Number(truncation.value) };
}

// The settings as a slider shows them, as a line of Python, and as an address.
function showSettings({ seed, label, truncation: psi }) {
  setText("psi", psi.toFixed(2));
  truncation.style.setProperty("--at", `${(100 * psi) / truncation.max}%`);
  const name = label < 0 ? "" : names[label];
  const named = name ? [`label=${JSON.stringify(name)}`] : [];
  setText("code", `pipeline(${[`seed=${seed}`, `num_images=${COUNT}`, `truncation=${psi}`, ...named].join(", ")}).images`);
  const address = new URLSearchParams({ seed, truncation: psi, ...(name && { label: name }) });
  history.replaceState(null, "", `?${address}`);
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
