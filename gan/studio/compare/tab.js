// The objectives side by side: a column each, the same seeds in the same places, and below what was measured. Here the
// "model" of createTab is a data set, whose models stand in the columns. After common.js, fields.js and tab.js.

const root = element.querySelector(".compare");
const { start, limits, compared } = props;
const datasets = Object.keys(compared);

const fields = {
  seed: seedField({ usual: start.seed, max: limits.seed }),
  truncation: sliderField({ key: "psi", title: t("truncation"), usual: start.truncation, max: limits.truncation, step: 0.01 }),
  label: classField({ any: t("any_label") }),
};
fields.truncation.box.title = t("truncation_info");
const tab = createTab({
  name: "compare", root, models: datasets, modelKey: datasets.length > 1 ? "data" : "", modelTitle: t("dataset"), fields,
  load: server.open_comparison,
  showModel, render, layout,
  request: ({ model, ...settings }) => server.compare({ dataset: model, ...settings }),
});

const columns = make("div", { class: "columns" });
const table = make("table");
root.append(
  make("p", { class: "lead", text: t("compare_lead") }),
  make("div", { class: "bar" }, tab.picker, ...Object.values(fields).map((field) => field.box)),
  tab.message, columns, make("h2", { text: t("measured") }), table);

function showModel({ name, columns: labels, rows }) {
  const models = Object.entries(compared[name]); // [objective, model] a column
  fields.label.fill(labels);
  columns.replaceChildren(...models.map(([objective, model]) => make("section", { class: "column" },
    make("header", {}, make("h2", { text: t(`${objective}_name`) }), make("small", { text: model })),
    make("p", { text: t(`${objective}_says`) }),
    make("div", { class: "sheet" }))));
  const speed = row({ name: t("speed"), note: t("speed_note"), cells: models.map(() => ""), best: null });
  speed.classList.add("speed");
  table.replaceChildren(
    make("thead", {}, make("tr", {}, make("th"), ...models.map(([objective]) => make("th", { scope: "col", text: t(`${objective}_name`) })))),
    make("tbody", {}, ...rows.map(row), speed));
  root.style.setProperty("--models", models.length);
}

function row({ name, note, cells, best }) {
  return make("tr", {}, make("th", { scope: "row" }, make("span", { text: name }), make("small", { text: note })),
    ...cells.map((text, k) => make("td", { text, class: k === best ? "best" : "" })));
}

function render(answer) {
  answer.columns.forEach(({ pictures, seeds, labels, milliseconds }, k) => {
    const sheet = columns.children[k].querySelector(".sheet");
    while (sheet.childElementCount > pictures.length) sheet.lastChild.remove();
    while (sheet.childElementCount < pictures.length) sheet.append(make("img"));
    pictures.forEach((picture, i) => {
      const image = sheet.children[i];
      image.decoding = "sync"; // no blank frame between two pictures
      image.src = png(picture);
      image.alt = image.title = [t("picture", { seed: seeds[i] }), labels[i]].filter(Boolean).join(", ");
    });
    table.querySelector(".speed").children[k + 1].textContent = t("milliseconds", { ms: milliseconds });
  });
  tab.layout();
}

function layout({ width, height }) {
  const [across, gap] = [columns.firstChild.querySelector(".sheet").clientWidth, onPhone() ? 4 : 8];
  const [fewest, most] = onPhone() ? [2, 2] : [4, 6];
  let best = { tile: 0 };
  for (let count = fewest; count <= most; count++) {
    if (12 % count) continue; // full rows only
    const tile = crispWidth(width, height, (across - (count - 1) * gap) / count);
    if (tile > best.tile) best = { tile, count };
  }
  root.style.setProperty("--count", best.count);
  root.style.setProperty("--tile", `${best.tile}px`);
  root.style.setProperty("--gap", `${gap}px`);
}
