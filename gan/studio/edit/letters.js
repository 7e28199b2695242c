// Words in the letters of one seed, as large as the stage is. Defines `lettersPane`. After common.js and fields.js.

// `changed` is called while somebody types, `room()` returns the width and height in which the words should fit.
function lettersPane({ changed, room }) {
  const LARGEST = 5; // CSS pixels a pixel of the model
  const PRINTED = 4; // pixels of a file a pixel of the model
  let shown = null; // the last answer of the server
  let asked = 0; // the aspect that lines were last broken for

  const image = make("img", { alt: "" });
  image.decoding = "sync"; // no blank frame between two pictures
  const missing = make("p", { class: "hint", role: "status" });
  const field = textField({ key: "text", title: t("typed_text"), max: props.limits.text, pause: 0, changed });
  const words = make("div", { class: "words" }, image);
  const box = make("div", { class: "type" }, field.box, words,
    make("p", { class: "hint", text: t("type_info") }), missing);

  // In steps, so that words don't jump into other lines while a window is being resized.
  const aspect = () => {
    const { width, height } = room();
    return Math.min(20, Math.max(0.5, Math.round((2 * width) / height) / 2));
  };

  function show(answer, { text, aspect: of }) {
    [shown, asked] = [answer, of];
    image.src = png(answer.png);
    image.alt = text.trim() || field.input.placeholder;
    missing.textContent = answer.missing.length ? t("missing_letters", { letters: answer.missing.map((one) => `“${one}”`).join(" ") }) : "";
  }

  function layout() {
    if (!shown) return;
    const { width, height } = room();
    const scale = Math.min(LARGEST, width / shown.width, height / shown.height);
    image.style.width = `${scale * shown.width}px`;
    image.style.height = `${scale * shown.height}px`;
  }

  // On white, and larger than the model draws it: a word is to be printed or sent.
  function download() {
    if (!shown) return;
    const canvas = make("canvas", { width: PRINTED * shown.width, height: PRINTED * shown.height });
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    save(canvas.toDataURL(), shown.file);
  }

  function offer({ specimen, grey }) {
    field.input.placeholder = specimen;
    words.classList.toggle("ink", grey); // of the page's colour, and not in colours of their own
    [shown, asked] = [null, 0];
    image.removeAttribute("src");
  }

  return { box, field, show, layout, aspect, download, offer, broken: () => asked };
}
