// Grids of pictures to choose from: sixteen variations, and mixtures of rows with columns. Defines `variationsGrid` and
// `mixtureGrid`; `choose(codes)` is called with the one that is to be gone on with. After common.js and fields.js.

const tile = (className, name, onclick) => {
  const image = make("img", { alt: "" });
  image.decoding = "sync"; // no blank frame between two pictures
  return make("button", { type: "button", class: className, "aria-label": name, title: name, onclick }, image);
};

function variationsGrid(choose) {
  let shown = [];
  const grid = make("div", { class: "variations" });
  function show(pictures) {
    shown = pictures;
    while (grid.childElementCount < pictures.length) {
      const k = grid.childElementCount;
      grid.append(tile("choice", t("variation", { number: k + 1 }), () => choose(shown[k].codes)));
    }
    pictures.forEach((picture, k) => (grid.children[k].firstChild.src = png(picture.png)));
  }
  return { box: make("div", {}, make("p", { class: "hint", text: t("variations_info") }), grid), show };
}

function mixtureGrid(choose) {
  let shown = [];
  const grid = make("div", { class: "mixtures", style: `--columns: ${props.columns + 1}` });
  const head = (picture) => make("figure", { class: "head" },
    make("img", { src: png(picture.png), alt: "" }), make("figcaption", { text: picture.seed ?? t("present") }));
  function show({ rows, columns, pictures }) {
    shown = pictures;
    const cells = [make("span"), ...columns.map(head)];
    rows.forEach((row, r) => {
      cells.push(head(row));
      columns.forEach((column, c) => {
        const k = r * columns.length + c;
        const cell = tile("choice", t("mixture", { row: r + 1, column: c + 1 }), () => choose(shown[k].codes));
        cell.firstChild.src = png(pictures[k].png);
        cells.push(cell);
      });
    });
    const focused = [...grid.children].indexOf(document.activeElement);
    grid.replaceChildren(...cells);
    if (focused >= 0) grid.children[focused]?.focus();
  }
  return { box: make("div", {}, make("p", { class: "hint", text: t("mix_info") }), grid), show };
}
