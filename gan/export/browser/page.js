// Controls, pictures and the address; the work is done in worker.js.

const COUNT = 24;
const HIGHEST = 2 ** 32 - COUNT; // the first seed of the last pictures
const [seed, dice, label, truncation] = ["seed", "dice", "label", "truncation"].map((id) => document.getElementById(id));
const say = (id, text) => (document.getElementById(id).textContent = text);
const message = document.getElementById("message");

let names = null; // of the classes
let ready = false; // the generator is there
let busy = true;
let wanted = false; // something was moved meanwhile

const record = await (await fetch("model.onnx.json")).json();
const worker = new Worker("worker.js", { type: "module" });
const [channels, height, width] = record.outputs.images.shape.slice(1);

function fail(text) {
  message.hidden = false;
  message.textContent = text;
}

function settings() {
  const whole = Math.min(HIGHEST, Math.max(0, Math.floor(Number(seed.value) || 0)));
  return { seed: whole, count: COUNT, label: Number(label.value), truncation: Number(truncation.value) };
}

function ask() {
  const now = settings();
  say("psi", now.truncation.toFixed(2));
  truncation.style.setProperty("--at", `${(100 * now.truncation) / truncation.max}%`);
  const chosen = now.label < 0 ? "" : names[now.label];
  const python = [`seed=${now.seed}`, `num_images=${COUNT}`, `truncation=${now.truncation}`];
  if (chosen) python.push(`label=${JSON.stringify(chosen)}`);
  say("code", `pipeline(${python.join(", ")}).images`);
  const address = new URLSearchParams({ seed: now.seed, truncation: now.truncation });
  if (chosen) address.set("label", chosen);
  history.replaceState(null, "", `?${address}`);
  wanted = busy;
  if (busy) return;
  busy = true;
  worker.postMessage(now);
}

function show({ seed: first, pictures, labels, milliseconds }) {
  const tiles = document.querySelectorAll("#tiles figure");
  pictures.forEach((pixels, k) => {
    tiles[k].querySelector("canvas").getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
    tiles[k].querySelector("b").textContent = first + k;
    tiles[k].querySelector("span").textContent = names && labels ? names[labels[k]] : "";
  });
  say("title", `Seeds ${first} to ${first + COUNT - 1}`);
  say("time", `${COUNT} pictures in ${milliseconds.toFixed(0)} ms`);
}

function prepare() {
  say("name", record.model);
  document.title = record.model;
  const colour = channels === 1 ? "grey" : "RGB";
  say("facts", `${width}×${height} ${colour}, ${(record.bytes / 1e6).toFixed(1)} MB`);
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

worker.addEventListener("error", () => fail("This browser cannot run the page: it needs module workers and WebAssembly."));
worker.addEventListener("message", ({ data }) => {
  ready ||= Boolean(data.ready);
  busy = !ready; // without a generator there is nothing to ask for
  if (data.error) return fail(data.error);
  message.hidden = true;
  if (data.ready || wanted) ask();
  if (data.pictures) show(data);
});
for (const control of [seed, label, truncation]) control.addEventListener("input", ask);
dice.addEventListener("click", () => {
  seed.value = Math.floor(Math.random() * 1e6);
  ask();
});
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());

prepare();
fail("Fetching the generator and what runs it (14 MB, once)…");
worker.postMessage({ record });
