// Two ends, each a picture, a drawing or a seed, and the way between them. The server sends all frames of the way at
// once, so that moving along it asks nobody. Given: common.js and draw.js, and by gr.HTML element, props, server.

const root = element.querySelector(".morph");
const [COUNT, FORTH] = [9, 2200]; // frames of the film strip; milliseconds from one end to the other
let last = null; // the name of the model that was opened last
let model = null; // what opening() says of the model
let strip = null; // an image of all frames, one below the other
let steps = 33;
let place = 0.5;
let playing = 0;

const message = make("p", { class: "message", role: "alert", hidden: true });
const choice = make("select", { "aria-label": say("model"), onchange: () => openModel(choice.value) });
const label = make("select", { "aria-label": say("label"), onchange: () => refresh() });
const bar = make("div", { class: "bar" },
  make("p", { class: "lead", text: say("morph_lead") }),
  make("label", { class: "field" }, make("span", { text: say("model") }), choice),
  make("label", { class: "field labels" }, make("span", { text: say("label") }), label));
const frame = make("canvas", { class: "frame", role: "img", "aria-label": say("morph_frame") });
const slider = make("input", {
  type: "range", min: 0, max: 1, step: "any", value: place, "aria-label": say("morph_slider"), class: "way",
  oninput: () => (stop(), show(Number(slider.value))),
  onkeydown: (event) => {
    const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    stop();
    show((Math.round(place * (steps - 1)) + move) / (steps - 1));
  },
});
const film = make("div", { class: "film" });
const play = make("button", { type: "button", class: "main", onclick: () => (playing ? stop() : start()) });
const keep = make("button", { type: "button", onclick: keepFile });
const between = make("section", { class: "between" }, frame,
  make("div", { class: "track" }, make("b", { text: "A" }), slider, make("b", { text: "B" })), film,
  make("div", { class: "row" }, play, keep));
const ends = ["A", "B"].map(makeEnd);
const panes = make("div", { class: "panes" }, ends[0].pane, between, ends[1].pane);
root.append(bar, message, panes);
root.classList.add("waiting");
play.textContent = say("play");

function makeEnd(name, index) {
  const end = { kind: "picture", example: index * 3, original: null, invert: null, taken: null, seed: 7 + 33 * index };
  const kinds = {};
  for (const kind of ["picture", "draw", "seed"]) {
    kinds[kind] = make("button", {
      type: "button", text: say(`${kind}_kind`), "aria-pressed": "false", onclick: () => (choose(end, kind), refresh(end)),
    });
  }
  const given = make("canvas", { class: "given", role: "img" });
  const rebuilt = make("canvas", { class: "rebuilt", role: "img" });
  const file = make("input", { type: "file", accept: "image/*", hidden: true, onchange: () => (takeFile(end, file.files[0]), (file.value = "")) });
  const invert = make("input", { type: "checkbox", onchange: () => ((end.invert = invert.checked), (end.taken = null), refresh(end)) });
  const seed = make("input", {
    type: "number", min: 0, max: 4294967295, step: 1, value: end.seed, "aria-label": say("seed"),
    oninput: () => { if (seed.value !== "") { end.seed = Number(seed.value); refresh(end); } },
  });
  const shuffle = make("button", { type: "button", text: say("dice"), onclick: () => {
    end.seed = seed.value = Math.floor(Math.random() * 1e6);
    refresh(end);
  } });
  const examples = make("div", { class: "examples" });
  const kits = {
    picture: make("div", { class: "kit" },
      make("button", { type: "button", class: "upload", text: say("upload"), onclick: () => file.click() }), file,
      make("div", { class: "tries" }, make("span", { text: say("examples") }), examples),
      make("label", { class: "check", title: say("invert_info") }, invert, make("span", { text: say("invert") }))),
    draw: make("div"),
    seed: make("div", { class: "kit" }, make("div", { class: "row" }, seed, shuffle)),
  };
  const givenCaption = make("figcaption");
  const rebuiltCaption = make("figcaption");
  const code = make("canvas", { class: "code", height: 1, "aria-hidden": "true" });
  const givenBox = make("div", { class: "square" }, given);
  const codeCaption = make("span");
  const pane = make("section", { class: "end", "aria-label": name },
    make("header", {}, make("b", { text: name }), make("div", { class: "kinds" }, ...Object.values(kinds))),
    make("div", { class: "squares" },
      make("figure", { class: "from" }, givenBox, givenCaption),
      make("div", { class: "coded" }, code, codeCaption),
      make("figure", { class: "to" }, make("div", { class: "square" }, rebuilt), rebuiltCaption)),
    ...Object.values(kits));
  pane.ondragover = (event) => (event.preventDefault(), pane.classList.add("over"));
  pane.ondragleave = (event) => pane.contains(event.relatedTarget) || pane.classList.remove("over");
  pane.ondrop = (event) => {
    event.preventDefault();
    pane.classList.remove("over");
    if (event.dataTransfer.files.length) takeFile(end, event.dataTransfer.files[0]);
  };
  return Object.assign(end, {
    name, pane, kinds, kits, given, givenBox, givenCaption, rebuilt, rebuiltCaption, code, codeCaption, examples, invertBox: invert, seedField: seed,
  });
}

function choose(end, kind) {
  end.kind = kind;
  for (const [key, button] of Object.entries(end.kinds)) button.setAttribute("aria-pressed", String(key === kind));
  for (const [key, kit] of Object.entries(end.kits)) kit.hidden = key !== kind;
  end.pane.dataset.kind = kind;
  end.givenBox.replaceChildren(kind === "draw" ? end.pad.canvas : end.given);
  layout();
}

function chooseExample(end, index) {
  Object.assign(end, { example: index, original: model.examples[index].png, invert: false, taken: null });
  for (const [k, button] of [...end.examples.children].entries()) button.setAttribute("aria-pressed", String(k === index));
}

async function takeFile(end, file) {
  if (!file) return;
  if (file.size > props.max_bytes) return tell(say("too_many_bytes", { max: props.max_bytes / 1e6 }));
  const before = { kind: end.kind, example: end.example, original: end.original, invert: end.invert, taken: end.taken };
  const url = await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => done("");
    reader.readAsDataURL(file);
  });
  Object.assign(end, { original: url.split(",")[1] || "", example: null, invert: null, taken: null, before });
  for (const button of end.examples.children) button.setAttribute("aria-pressed", "false");
  choose(end, "picture");
  refresh(end);
}

// What the server is to take for an end. What it has fitted once is sent in that form from then on: it is small.
function payload(end) {
  if (end.kind === "seed") return { seed: end.seed };
  if (end.kind === "draw") return { picture: end.pad.picture(), invert: false };
  return end.taken ? { picture: end.taken, invert: false } : { picture: end.original, invert: end.invert };
}

const asked = () => ({ model: model.model, a: payload(ends[0]), b: payload(ends[1]), label: label.value });

const ask = latest(async () => {
  const of = model;
  const sent = ends.map((end) => [end.kind, end.original, end.invert]);
  const value = await server.morph(asked());
  if (of !== model) return; // another model was chosen meanwhile, and asked
  if (value.error) {
    tell(value.error);
    for (const end of ends) {
      if (!end.before) continue; // the file that nobody could read: back to what was there
      const { kind, ...before } = end.before;
      Object.assign(end, before, { before: null });
      for (const [k, button] of [...end.examples.children].entries()) button.setAttribute("aria-pressed", String(k === end.example));
      choose(end, kind);
    }
    return;
  }
  tell("");
  const image = new Image();
  image.src = png(value.strip);
  await image.decode();
  [strip, steps] = [image, value.steps];
  for (const [k, end] of ends.entries()) {
    const { taken, inverted, label, code } = value.ends[k];
    const same = sent[k].every((part, i) => part === [end.kind, end.original, end.invert][i]);
    if (end.kind === "picture" && same) {
      if (!end.taken) end.invertBox.checked = inverted;
      Object.assign(end, { taken, before: null });
    }
    await showEnd(end, taken, label, code, k * (steps - 1));
  }
  root.classList.remove("waiting");
  show(place);
  drawFilm();
  address();
});

function refresh() {
  if (model) ask();
}

async function showEnd(end, taken, name, code, row) {
  const words = [name].filter(Boolean);
  if (taken && end.kind === "picture") {
    const image = new Image();
    image.src = png(taken);
    await image.decode();
    end.given.getContext("2d").drawImage(image, 0, 0);
  }
  frameTo(end.rebuilt, row);
  const given = { picture: end.example === null ? "yours" : "example", draw: "drawn", seed: "drawn" }[end.kind];
  end.givenCaption.textContent = say(given);
  end.given.setAttribute("aria-label", say(given));
  end.rebuiltCaption.textContent = [end.kind === "seed" ? say("one_seed", { first: end.seed }) : say("rebuilt"), ...words].join(" · ");
  end.rebuilt.setAttribute("aria-label", end.rebuiltCaption.textContent);
  end.codeCaption.textContent = say("code", { count: code.length });
  // Numbers as colours: paper is nought, ink is negative, the accent positive.
  end.code.width = code.length;
  const context = end.code.getContext("2d");
  const style = getComputedStyle(root);
  code.forEach((number, k) => {
    context.globalAlpha = Math.min(1, Math.abs(number) / 2);
    context.fillStyle = style.getPropertyValue(number > 0 ? "--primary-500" : "--body-text-color");
    context.clearRect(k, 0, 1, 1);
    context.fillRect(k, 0, 1, 1);
  });
}

function frameTo(canvas, row) {
  canvas.getContext("2d").drawImage(strip, 0, row * model.height, model.width, model.height, 0, 0, model.width, model.height);
}

function show(share) {
  place = Math.min(1, Math.max(0, share));
  slider.value = place;
  slider.style.setProperty("--share", place);
  slider.setAttribute("aria-valuetext", `${Math.round(100 * place)} %`);
  if (strip) frameTo(frame, Math.round(place * (steps - 1)));
}

function drawFilm() {
  for (const [k, button] of [...film.children].entries()) frameTo(button.firstChild, Math.round((k / (COUNT - 1)) * (steps - 1)));
}

function start() {
  play.textContent = say("pause");
  let [forth, before] = [place < 1 ? 1 : -1, performance.now()];
  const step = (now) => {
    let next = place + (forth * (now - before)) / FORTH;
    if (next >= 1 || next <= 0) forth = -forth;
    before = now;
    show(next);
    if (inSight()) playing = requestAnimationFrame(step);
    else stop();
  };
  playing = requestAnimationFrame(step);
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = say("play");
}

async function keepFile() {
  if (!model) return;
  keep.disabled = true;
  const file = await server.save_morph(asked());
  keep.disabled = false;
  if (file.error) tell(file.error);
  else saveBytes(file.data, file.type, file.name);
}

function tell(text) {
  message.textContent = text;
  message.hidden = !text;
}

const fetchModel = newest(server.open_model);
async function openModel(name) {
  const answer = await fetchModel(name);
  if (answer === null) return; // another one was chosen meanwhile
  if (answer.error) {
    choice.value = last ?? name;
    return tell(answer.error);
  }
  model = answer;
  last = choice.value = name;
  label.replaceChildren(...[["", say("as_seen")], ...model.labels.map((name) => [name, name])].map(([value, text]) => make("option", { value, text })));
  label.parentElement.hidden = !model.labels.length;
  keep.textContent = say(model.grey ? "save_gif" : "save_webp");
  for (const canvas of [frame, ...ends.flatMap((end) => [end.given, end.rebuilt])]) setSize(canvas);
  film.replaceChildren(...Array.from({ length: COUNT }, (_, k) => make("button", {
    type: "button", tabindex: "-1", "aria-hidden": "true", onclick: () => (stop(), show(k / (COUNT - 1))),
  }, setSize(make("canvas")))));
  for (const end of ends) {
    end.taken = null;
    end.pad = drawingPad(model, () => refresh());
    end.kits.draw.replaceChildren(end.pad.tools);
    end.examples.replaceChildren(...model.examples.map((example, k) => make("button", {
      type: "button", title: example.label || "", "aria-label": `${say("example")} ${k + 1}`, onclick: () => (chooseExample(end, k), refresh()),
    }, make("img", { src: png(example.png), alt: "" }))));
    if (end.example !== null) chooseExample(end, end.example);
    choose(end, end.kind);
  }
  refresh();
}

function setSize(canvas) {
  return Object.assign(canvas, { width: model.width, height: model.height });
}

function layout() {
  if (!model || !inSight()) return;
  const phone = matchMedia("(max-width: 860px)").matches;
  const sight = window.parent === window ? window.innerHeight : Math.min(window.innerHeight, 900);
  const across = phone ? (panes.clientWidth - 12) / 2 : 256;
  root.style.setProperty("--small", `${crispWidth(model.width, model.height, across, phone ? across : Math.max(140, (sight - 400) / 2))}px`);
  const top = between.getBoundingClientRect().top + window.scrollY;
  const room = phone ? panes.clientWidth : between.clientWidth;
  root.style.setProperty("--large", `${crispWidth(model.width, model.height, room, phone ? 0.5 * sight : Math.max(280, sight - top - 200))}px`);
  root.style.setProperty("--ratio", `${model.width} / ${model.height}`);
}

function address() {
  if (!inSight() || !model) return;
  const [a, b] = ends.map((end) => (end.kind === "seed" ? end.seed : ""));
  writeAddress("replaceState", { tab: "morph", model: model.model, a, b, label: label.value });
}

// Each time the tab is turned to: the first tab's model may have become one that has an encoder.
async function turnedTo() {
  const query = new URL(window.location.href).searchParams;
  const first = !last;
  const from = first && opened.get("tab") === "morph" ? opened : query;
  const wanted = from.get("model") || "";
  const { models, error } = await server.models(wanted);
  if (!models?.length) {
    tell(error || say("no_encoder"));
    panes.hidden = bar.hidden = true;
    return;
  }
  tell(error);
  panes.hidden = bar.hidden = false;
  choice.replaceChildren(...models.map((name) => make("option", { value: name, text: name })));
  choice.parentElement.hidden = models.length < 2;
  if (first && from === opened) {
    for (const [k, key] of ["a", "b"].entries()) {
      if (!/^\d+$/.test(opened.get(key) || "")) continue;
      Object.assign(ends[k], { kind: "seed", seed: Number(opened.get(key)) });
      ends[k].seedField.value = ends[k].seed;
    }
  }
  const name = models.includes(wanted) ? wanted : models.includes(last) ? last : models[0];
  if (name !== last) {
    await openModel(name);
    const class_ = first && from === opened ? opened.get("label") || "" : "";
    if (model && model.labels.includes(class_)) (label.value = class_), refresh();
  } else choice.value = name;
  address();
}

let wasInSight = false;
new ResizeObserver(() => {
  if (inSight() && !wasInSight) turnedTo();
  wasInSight = inSight();
  layout();
}).observe(root);
window.addEventListener("resize", layout);
