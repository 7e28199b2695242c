// Sliders for the directions of a model: a field for createTab whose value is {name: strength}, those at 0 left out. Defines
// `directionsField`. After common.js and fields.js.

// `changed` is called while a slider moves, `settled` once it has been let go.
function directionsField({ changed, settled }) {
  const SHOWN = 6; // before the rest is asked for
  let sliders = {}; // fields by the names of their directions
  let unknown = {}; // strengths that an address has for directions that the model doesn't have: the server says which it has
  let open = false;

  const list = make("div", { class: "directions" });
  const more = make("button", { type: "button", class: "plain", "aria-expanded": "false", onclick: () => ((open = !open), fold()) });
  const reset = make("button", { type: "button", class: "plain", text: t("reset"), onclick: () => (field.reset(), changed(), settled()) });
  const empty = make("p", { class: "hint", text: t("no_directions") });
  const box = make("section", { class: "steering", "aria-label": t("directions") },
    make("header", {}, make("h2", { text: t("directions") }), reset), empty, list, more);

  function slider({ name, title, range: [min, max] }) {
    const made = sliderField({ title, usual: 0, min, max, step: 0.05, changed: () => (mark(), changed()) });
    made.box.classList.toggle("centred", min < 0);
    made.box.title = t("reset_slider");
    made.box.addEventListener("change", settled);
    made.box.addEventListener("dblclick", () => toZero(made));
    made.box.querySelector("input[type=range]").addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace" || event.key === "0") toZero(made);
    });
    return made;
  }

  function toZero(slider) {
    slider.set(0);
    mark();
    changed();
    settled();
  }

  // The rest is folded away, but for sliders that have been moved.
  function fold() {
    const boxes = [...list.children];
    const used = Object.values(sliders).map((slider) => slider.get() !== 0);
    boxes.forEach((one, k) => (one.hidden = !open && k >= SHOWN && !used[k]));
    const hidden = boxes.filter((one) => one.hidden).length;
    more.hidden = boxes.length <= SHOWN || (!open && !hidden);
    more.textContent = open ? t("fewer_directions") : t("more_directions", { count: hidden });
    more.setAttribute("aria-expanded", String(open));
    reset.disabled = !used.some(Boolean);
    empty.hidden = boxes.length > 0;
    reset.hidden = !boxes.length;
  }

  const mark = () => (reset.disabled = !Object.values(sliders).some((slider) => slider.get() !== 0));
  const escaped = (name) => name.replace(/[%;:]/g, encodeURIComponent);

  const field = {
    box,
    key: "edits",
    // The directions of another model; strengths of the same name stay.
    fill(directions) {
      const before = field.get();
      sliders = Object.fromEntries(directions.map((direction) => [direction.name, slider(direction)]));
      list.replaceChildren(...Object.values(sliders).map((one) => one.box));
      field.set(before);
      unknown = {};
    },
    get: () => ({ ...Object.fromEntries(Object.entries(sliders).map(([name, one]) => [name, one.get()]).filter(([, value]) => value)), ...unknown }),
    set(strengths) {
      for (const [name, one] of Object.entries(sliders)) one.set(strengths[name] ?? 0);
      unknown = Object.fromEntries(Object.entries(strengths).filter(([name]) => !sliders[name]));
      fold();
    },
    write: () => Object.entries(field.get()).map(([name, value]) => `${escaped(name)}:${value}`).join(";"),
    read(text) {
      const parts = text.split(";").map((part) => [part.slice(0, part.lastIndexOf(":")), numberIn(part.slice(part.lastIndexOf(":") + 1))]);
      field.set(Object.fromEntries(parts.filter(([name, value]) => name && value !== null).map(([name, value]) => [unescaped(name), value])));
    },
    reset: () => field.set({}),
    changed,
  };
  return field;
}

// An address that somebody has typed may hold a single "%".
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
