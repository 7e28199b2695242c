// Two ends, each a picture, a drawing or a seed, and the interpolation between them. The server sends all of its frames at
// once, so that moving along it asks nobody. After common.js, fields.js, tab.js, draw.js and end.js.

const root = element.querySelector(".morph");
const [FILM, SWEEP] = [9, 2200]; // frames of the film strip; milliseconds from one end to the other
let strip = null; // an image of all frames, one below the other
let steps = 33; // how many they are
let place = 0.5; // 0 at A, 1 at B
let playing = 0; // the requested animation frame

const ends = ["A", "B"].map((name, index) => morphEnd(name, {
  example: 3 * index, usual: 7 + 33 * index, changed: () => tab.ask(), layout: () => tab.layout(), showMessage: (text) => tab.showMessage(text),
}));
const fields = { a: ends[0].field, b: ends[1].field, label: classField({ any: t("as_seen") }) };
const tab = createTab({
  name: "morph", root, models: [], fields, load: server.open_model,
  showModel, render, turnedTo, layout,
  async request(state) {
    const sent = ends.map((end) => end.sent());
    return { sent, ...(await server.morph(state)) };
  },
  failed: () => ends.forEach((end) => end.revert()),
});

const bar = make("div", { class: "bar" }, make("p", { class: "lead", text: t("morph_lead") }), tab.picker, fields.label.box);
const frame = make("canvas", { class: "frame", role: "img", "aria-label": t("morph_frame") });
const slider = make("input", {
  type: "range", min: 0, max: 1, step: "any", value: place, "aria-label": t("morph_slider"), class: "interpolation",
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
const play = make("button", { type: "button", text: t("play"), onclick: () => (playing ? stop() : start()) });
const saveButton = make("button", { type: "button", onclick: saveMorph });
const between = make("section", { class: "between" }, frame,
  make("div", { class: "track" }, make("b", { text: "A" }), slider, make("b", { text: "B" })), film,
  make("div", { class: "row" }, play, saveButton));
const panes = make("div", { class: "panes" }, ends[0].pane, between, ends[1].pane);
root.append(bar, tab.message, panes);

// Each time the tab is turned to, another tab's model may have become one that has an encoder.
async function turnedTo() {
  const query = tab.addressToRestore();
  const own = query === openedWith;
  const wanted = (own ? query : new URL(window.location.href).searchParams).get("model") || "";
  const asked = own || ["pictures", "edit"].includes(tabOf(new URL(window.location.href).searchParams)); // for that model
  const { models, error } = await server.models(wanted);
  tab.showMessage(error || (models?.length ? "" : t("no_encoder")));
  panes.hidden = bar.hidden = !models?.length;
  if (panes.hidden) return;
  tab.offer(models);
  const model = [wanted, tab.model?.name].find((name) => models.includes(name)) ?? models[0];
  const other = asked && wanted && model !== wanted;
  if (model === tab.model?.name) tab.write();
  else if (tab.model) await tab.openAndAsk(model);
  else await tab.restore(new URLSearchParams({ ...(own && Object.fromEntries(query)), model }));
  // Said last, because samples that arrive take away what is said.
  if (other) tab.showMessage([error || t("not_taken", { model: wanted }), t("shown_instead", { model }), tab.message.textContent].join(" "));
}

function showModel(model) {
  fields.label.fill(model.columns);
  saveButton.textContent = t("save_as", { format: { gif: "GIF", mp4: "MP4", webp: "WebP" }[model.animation] });
  for (const canvas of [frame, ...ends.flatMap((end) => end.canvases)]) setSize(canvas, model);
  film.replaceChildren(...Array.from({ length: FILM }, (_, k) => make("button", {
    type: "button", tabindex: "-1", "aria-hidden": "true", onclick: () => (stop(), show(k / (FILM - 1))),
  }, setSize(make("canvas"), model))));
  for (const end of ends) end.showModel(model);
}

const setSize = (canvas, { width, height }) => Object.assign(canvas, { width, height });

async function render(answer) {
  const image = make("img", { src: png(answer.strip) });
  await image.decode();
  [strip, steps] = [image, answer.steps];
  for (const [k, end] of ends.entries()) {
    drawFrame(end.rebuilt, k * (steps - 1));
    await end.show(answer.ends[k], answer.sent[k]);
  }
  [...film.children].forEach((button, k) => drawFrame(button.firstChild, Math.round((k / (FILM - 1)) * (steps - 1))));
  show(place);
}

function drawFrame(canvas, index) {
  const { width, height } = tab.model;
  canvas.getContext("2d").drawImage(strip, 0, index * height, width, height, 0, 0, width, height);
}

function show(share) {
  place = Math.min(1, Math.max(0, share));
  slider.value = place;
  slider.style.setProperty("--share", place);
  slider.setAttribute("aria-valuetext", `${Math.round(100 * place)} %`);
  if (strip) drawFrame(frame, Math.round(place * (steps - 1)));
}

// To and fro until it is stopped.
function start() {
  play.textContent = t("pause");
  let [direction, before] = [place < 1 ? 1 : -1, performance.now()];
  const step = (now) => {
    const next = place + (direction * (now - before)) / SWEEP;
    if (next >= 1 || next <= 0) direction = -direction;
    before = now;
    show(next);
    if (tab.inSight()) playing = requestAnimationFrame(step);
    else stop();
  };
  playing = requestAnimationFrame(step);
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = t("play");
}

async function saveMorph() {
  if (!tab.model) return;
  saveButton.disabled = true;
  const file = await server.save_morph(tab.state());
  saveButton.disabled = false;
  if (file.error) tab.showMessage(file.error);
  else saveBytes(file.data, file.type, file.name);
}

function layout({ width, height }) {
  const across = onPhone() ? (panes.clientWidth - 12) / 2 : 256;
  const small = crispWidth(width, height, across, onPhone() ? across : Math.max(140, (visibleHeight() - 400) / 2));
  root.style.setProperty("--small", `${small}px`);
  const top = between.getBoundingClientRect().top + window.scrollY;
  const room = onPhone() ? panes.clientWidth : between.clientWidth;
  const large = crispWidth(width, height, room, onPhone() ? 0.5 * visibleHeight() : Math.max(280, visibleHeight() - top - 200));
  root.style.setProperty("--large", `${large}px`);
  root.style.setProperty("--ratio", `${width} / ${height}`);
}
