// One end of a morph: a picture of the user's or an example, a drawing, or a seed; and how the model rebuilds it.
// Defines `morphEnd`. After common.js, fields.js and draw.js.

// `changed` is called when the end is another, `layout` when its parts are, `showMessage` with what is wrong with a file.
function morphEnd(name, { example: firstExample, usual, changed, layout, showMessage }) {
  let model = null;
  let kind = "picture"; // or "draw" or "seed"
  let example = firstExample; // index; null where the picture is the user's
  let original = null; // the picture as it came, in base64
  let invert = null; // whether its colours are inverted; null: the server decides
  let fitted = null; // the picture as the server fitted it to the model
  let before = null; // what there was before a file that nobody has read yet
  let pad = null;

  const seed = seedField({ usual, max: props.limits.seed, bare: true, changed });
  const given = make("canvas", { class: "given", role: "img" });
  const rebuilt = make("canvas", { class: "rebuilt", role: "img" });
  const code = make("canvas", { class: "code", height: 1, "aria-hidden": "true" });
  const [givenCaption, rebuiltCaption, codeCaption] = [make("figcaption"), make("figcaption"), make("span")];
  const givenBox = make("div", { class: "square" }, given);
  const file = make("input", { type: "file", accept: "image/*", hidden: true, onchange: () => (take(file.files[0]), (file.value = "")) });
  const invertBox = make("input", { type: "checkbox", onchange: () => ((invert = invertBox.checked), (fitted = null), changed()) });
  const examples = make("div", { class: "examples" });
  const kits = { // what each kind is chosen or made with
    picture: make("div", { class: "kit" },
      make("button", { type: "button", class: "upload", text: t("upload"), onclick: () => file.click() }), file,
      make("div", { class: "tries" }, make("span", { text: t("examples") }), examples),
      make("label", { class: "check", title: t("invert_info") }, invertBox, make("span", { text: t("invert") }))),
    draw: make("div"),
    seed: make("div", { class: "kit" }, seed.box),
  };
  const kinds = Object.fromEntries(Object.keys(kits).map((kind) => [kind, make("button", {
    type: "button", text: t(`${kind}_kind`), "aria-pressed": "false", onclick: () => (choose(kind), changed()),
  })]));
  const pane = make("section", { class: "end", "aria-label": name },
    make("header", {}, make("b", { text: name }), make("div", { class: "kinds" }, ...Object.values(kinds))),
    make("div", { class: "squares" },
      make("figure", { class: "from" }, givenBox, givenCaption),
      make("div", { class: "coded" }, code, codeCaption),
      make("figure", { class: "to" }, make("div", { class: "square" }, rebuilt), rebuiltCaption)),
    ...Object.values(kits));
  takeDropped(pane, take);

  function choose(chosen) {
    kind = chosen;
    for (const [key, button] of Object.entries(kinds)) button.setAttribute("aria-pressed", String(key === kind));
    for (const [key, kit] of Object.entries(kits)) kit.hidden = key !== kind;
    pane.dataset.kind = kind;
    if (pad) givenBox.replaceChildren(kind === "draw" ? pad.canvas : given);
    layout();
  }

  function markExample() {
    [...examples.children].forEach((button, k) => button.setAttribute("aria-pressed", String(k === example)));
  }

  function chooseExample(index) {
    [example, original, invert, fitted] = [index, model.examples[index].png, false, null];
    markExample();
  }

  async function take(file) {
    if (!file) return;
    if (file.size > props.max_bytes) return showMessage(t("too_many_bytes", { max: props.max_bytes / 1e6 }));
    before = { kind, example, original, invert, fitted };
    [original, example, invert, fitted] = [await base64Of(file), null, null, null];
    markExample();
    choose("picture");
    changed();
  }

  // Another model: its examples, its shape, its colours to draw with.
  function showModel(opened) {
    model = opened;
    fitted = null;
    pad = drawingPad(model, changed);
    kits.draw.replaceChildren(pad.tools);
    examples.replaceChildren(...model.examples.map(({ png: picture, label }, k) => make("button", {
      type: "button", title: label || "", "aria-label": `${t("example")} ${k + 1}`, onclick: () => (chooseExample(k), changed()),
    }, make("img", { src: png(picture), alt: "" }))));
    if (example !== null) chooseExample(Math.min(example, model.examples.length - 1));
    choose(kind);
  }

  // The server's answer; `sent` is what `sent()` was when the request was made.
  async function show(answer, sent) {
    const same = JSON.stringify(sent) === JSON.stringify(end.sent());
    if (kind === "picture" && same) {
      if (!fitted) invertBox.checked = answer.inverted;
      [fitted, before] = [answer.taken, null];
    }
    if (answer.taken && kind === "picture") {
      const image = make("img", { src: png(answer.taken) });
      await image.decode();
      given.getContext("2d").drawImage(image, 0, 0);
    }
    givenCaption.textContent = t(kind !== "picture" ? "drawn" : example === null ? "yours" : "example");
    given.setAttribute("aria-label", givenCaption.textContent);
    rebuiltCaption.textContent = [kind === "seed" ? t("one_seed", { first: seed.get() }) : t("rebuilt"), answer.label].filter(Boolean).join(" · ");
    rebuilt.setAttribute("aria-label", rebuiltCaption.textContent);
    showCode(answer.code);
  }

  // Numbers as colours: paper is nought, ink is negative, the accent positive.
  function showCode(numbers) {
    codeCaption.textContent = t("code", { count: numbers.length });
    code.width = numbers.length;
    const context = code.getContext("2d");
    const style = getComputedStyle(pane);
    numbers.forEach((number, k) => {
      context.globalAlpha = Math.min(1, Math.abs(number) / 2);
      context.fillStyle = style.getPropertyValue(number > 0 ? "--primary-500" : "--body-text-color");
      context.clearRect(k, 0, 1, 1);
      context.fillRect(k, 0, 1, 1);
    });
  }

  // A file that the server could not read: back to what there was.
  function revert() {
    if (!before) return;
    ({ example, original, invert, fitted } = before);
    const { kind } = before;
    before = null;
    markExample();
    choose(kind);
  }

  // What the server is to take for this end. What it has fitted once is sent in that form from then on: it is small.
  function payload() {
    if (kind === "seed") return { seed: seed.get() };
    if (kind === "draw") return { picture: pad.picture(), invert: false };
    return fitted ? { picture: fitted, invert: false } : { picture: original, invert };
  }

  // Only a seed fits into an address.
  const field = {
    get: payload,
    write: () => (kind === "seed" ? seed.get() : ""),
    read: (text) => (/^\d+$/.test(text) ? (seed.set(Number(text)), choose("seed")) : field.reset()),
    reset: () => (chooseExample(Math.min(firstExample, model.examples.length - 1)), choose("picture")),
  };
  const end = { pane, field, canvases: [given, rebuilt], rebuilt, showModel, show, revert, sent: () => [kind, original, invert] };
  return end;
}
