// The objectives side by side: a column each, the same seeds in the same places, and below what was measured.
// Given: common.js, and by gr.HTML element, props, server.

const root = element.querySelector(".compare");
const from = opened.get("tab") === "compare" ? opened : new URLSearchParams();
const number = (key, otherwise, most) => {
  const value = Number(from.get(key) ?? NaN);
  return value >= 0 && value <= most ? value : otherwise;
};
let size = null; // width, height, labels and rows of what is compared
let shown = null; // the data set whose models stand in the columns

const message = make("p", { class: "message", role: "alert", hidden: true });
const datasets = Object.keys(props.compared);
const choice = make("select", { "aria-label": say("dataset"), onchange: open },
  ...datasets.map((name) => make("option", { value: name, text: name })));
const seed = make("input", {
  type: "number", min: 0, max: 4294967295, step: 1, value: Math.floor(number("seed", props.start.seed, 4294967295)),
  oninput: () => seed.value !== "" && ask(),
});
const shuffle = make("button", { type: "button", text: say("dice"), onclick: () => {
  seed.value = Math.floor(Math.random() * 1e6);
  ask();
} });
const truncation = make("input", {
  type: "range", min: 0, max: props.max_truncation, step: 0.01, value: number("psi", props.start.truncation, props.max_truncation),
  title: say("truncation_info"), oninput: () => (tellTruncation(), ask()),
});
const psi = make("output");
const label = make("select", { onchange: () => ask() });
const field = (name, ...children) => make("label", { class: "field" }, make("span", { text: say(name) }), ...children);
const bar = make("div", { class: "bar" },
  make("label", { class: "field", ...(datasets.length < 2 && { hidden: true }) }, make("span", { text: say("dataset") }), choice),
  make("div", { class: "row" }, field("seed", seed), shuffle),
  make("label", { class: "field slide" }, make("span", { text: say("truncation") }, ), make("div", { class: "row" }, truncation, psi)),
  make("label", { class: "field labels" }, make("span", { text: say("label") }), label));
const lead = make("p", { class: "lead", text: say("compare_lead") });
const columns = make("div", { class: "columns" });
const table = make("table");
root.append(lead, bar, message, columns, make("h2", { text: say("measured") }), table);

function tellTruncation() {
  psi.textContent = Number(truncation.value).toFixed(2);
  truncation.style.setProperty("--share", truncation.value / props.max_truncation);
}

const chosen = () => Object.entries(props.compared[shown]); // [objective, model] a column

async function open() {
  const name = choice.value;
  const answer = await server.open_comparison(name);
  if (name !== choice.value) return; // another one was chosen meanwhile
  if (answer.error) {
    choice.value = shown ?? name;
    return tell(answer.error);
  }
  [size, shown] = [answer, name];
  label.replaceChildren(...[["", say("any_label")], ...size.labels.map((name) => [name, name])].map(([value, text]) => make("option", { value, text })));
  label.parentElement.hidden = !size.labels.length;
  if (size.labels.includes(from.get("label"))) label.value = from.get("label");
  columns.replaceChildren(...chosen().map(([objective, model]) => make("section", { class: "column" },
    make("header", {}, make("h2", { text: say(`${objective}_name`) }), make("small", { text: model })),
    make("p", { text: say(`${objective}_says`) }),
    make("div", { class: "sheet" }))));
  table.replaceChildren(
    make("thead", {}, make("tr", {}, make("th"), ...chosen().map(([objective]) => make("th", { scope: "col", text: say(`${objective}_name`) })))),
    make("tbody", {}, ...size.rows.map(row), row({ name: say("speed"), note: say("speed_note"), cells: chosen().map(() => ""), best: null })));
  table.querySelector("tbody").lastChild.classList.add("speed");
  root.style.setProperty("--models", chosen().length);
  ask();
}

function row({ name, note, cells, best }) {
  return make("tr", {}, make("th", { scope: "row" }, make("span", { text: name }), make("small", { text: note })),
    ...cells.map((text, k) => make("td", { text, class: k === best ? "best" : "" })));
}

const ask = latest(async () => {
  if (!size) return;
  const asked = { dataset: shown, seed: Number(seed.value), truncation: Number(truncation.value), label: label.value };
  const answer = await server.compare(asked);
  if (asked.dataset !== shown) return;
  tell(answer.error || "");
  if (answer.error) return;
  answer.columns.forEach(({ pictures, seeds, labels, milliseconds }, k) => {
    const sheet = columns.children[k].querySelector(".sheet");
    while (sheet.childElementCount > pictures.length) sheet.lastChild.remove();
    while (sheet.childElementCount < pictures.length) sheet.append(new Image());
    pictures.forEach((picture, i) => {
      const image = sheet.children[i];
      image.decoding = "sync"; // no blank frame between two pictures
      image.src = png(picture);
      image.alt = image.title = [say("picture", { seed: seeds[i] }), labels[i]].filter(Boolean).join(", ");
    });
    table.querySelector(".speed").children[k + 1].textContent = say("milliseconds", { ms: milliseconds });
  });
  layout();
  address();
});

function layout() {
  if (!size || !inSight()) return;
  const phone = matchMedia("(max-width: 860px)").matches;
  const [across, gap] = [columns.firstChild.querySelector(".sheet").clientWidth, phone ? 4 : 8];
  const [few, most] = phone ? [2, 2] : [4, 6];
  let best = { width: 0 };
  for (let count = few; count <= most; count++) {
    if (12 % count) continue; // full rows only
    const width = crispWidth(size.width, size.height, (across - (count - 1) * gap) / count);
    if (width > best.width) best = { width, count };
  }
  root.style.setProperty("--count", best.count);
  root.style.setProperty("--tile", `${best.width}px`);
  root.style.setProperty("--gap", `${gap}px`);
}

function address() {
  if (!inSight() || !size) return;
  const data = datasets.length > 1 ? shown : "";
  writeAddress("replaceState", { tab: "compare", data, seed: seed.value, psi: truncation.value, label: label.value });
}

function tell(text) {
  message.textContent = text;
  message.hidden = !text;
}

tellTruncation();
if (datasets.includes(from.get("data"))) choice.value = from.get("data");
let wasInSight = false;
new ResizeObserver(() => {
  if (inSight() && !wasInSight) size ? address() : open();
  wasInSight = inSight();
  layout();
}).observe(root);
window.addEventListener("resize", layout);
