// A small canvas to draw on, in shades that the model knows: `canvas`, its `tools`, and `picture()`, a PNG in base64.
// Defines `drawingPad`. After common.js.

function drawingPad({ width, height, grey, dark }, changed) {
  const SIZE = 336; // of its longer side; the server fits it to the model
  const canvas = make("canvas", {
    width: Math.round((SIZE * width) / Math.max(width, height)),
    height: Math.round((SIZE * height) / Math.max(width, height)),
    class: "pad", "aria-label": t("draw_here"), role: "img",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paper = dark ? "#000000" : "#ffffff";
  const shades = grey
    ? (dark ? ["#ffffff", "#b0b0b0", "#606060", paper] : ["#000000", "#505050", "#a0a0a0", paper])
    : ["#1b1a18", "#d14a19", "#f2b632", "#3f8f4f", "#2f6fb0", paper];
  let shade = shades[0];
  let brush = SIZE / 12;
  let last = null;
  const undone = [];

  function clear() {
    undone.length = 0;
    fill();
  }
  function fill() {
    context.fillStyle = paper;
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.classList.add("empty");
  }
  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  }
  function stroke(to) {
    context.strokeStyle = shade;
    context.lineWidth = brush;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...to);
    context.stroke();
    last = to;
    canvas.classList.remove("empty");
    changed();
  }
  canvas.onpointerdown = (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    undone.push(context.getImageData(0, 0, canvas.width, canvas.height));
    if (undone.length > 20) undone.shift();
    last = at(event);
    stroke(last);
  };
  canvas.onpointermove = (event) => {
    if (last) for (const point of event.getCoalescedEvents?.() || [event]) stroke(at(point));
  };
  canvas.onpointerup = canvas.onpointercancel = () => (last = null);

  const swatches = shades.map((color) =>
    make("button", {
      type: "button", class: "swatch", style: `--shade: ${color}`, "aria-pressed": String(color === shade),
      title: color === paper ? t("eraser") : color, "aria-label": color === paper ? t("eraser") : color,
      onclick: (event) => {
        shade = color;
        for (const other of swatches) other.setAttribute("aria-pressed", String(other === event.currentTarget));
      },
    }, ...(color === paper ? [make("i", { text: "×" })] : [])),
  );
  const size = make("input", {
    type: "range", min: 6, max: 72, value: brush, title: t("brush"), "aria-label": t("brush"),
    oninput: () => (brush = Number(size.value)),
  });
  const undo = make("button", {
    type: "button", class: "plain", text: t("undo"),
    onclick: () => {
      const before = undone.pop();
      if (!before) return;
      context.putImageData(before, 0, 0);
      canvas.classList.toggle("empty", !undone.length);
      changed();
    },
  });
  const wipe = make("button", { type: "button", class: "plain", text: t("clear"), onclick: () => (clear(), changed()) });
  clear();
  const tools = make("div", { class: "kit" }, make("div", { class: "swatches" }, ...swatches), size, make("div", { class: "row" }, undo, wipe));
  return { canvas, tools, picture: () => canvas.toDataURL("image/png").split(",")[1] };
}
