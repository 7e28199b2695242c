// Sliders for the directions of a model: a field for createTab whose value is {name: strength}, those at 0 left out. Defines
// `directionsField`. After common.js and fields.js.

// `changed` is called while a slider moves, `settled` once it has been let go, `refuse(text)` with what is wrong with a new
// name of a direction; `rename(settings)` asks the server to keep it.
function directionsField({ changed, settled = () => {}, rename, refuse }) {
  const SHOWN = 6; // before the rest is asked for
  const NAMES = "direction-names"; // of this browser: {model: {direction: name}}, where the server cannot keep them
  const LONGEST = 40; // letters of a name
  let model = "";
  let sliders = {}; // fields by the names of their directions
  let former = {}; // names of directions by those that they had before: links of then still hold
  let unknown = {}; // strengths that an address has for directions that the model doesn't have: the server says which it has
  let open = false;

  const list = make("div", { class: "directions" });
  const more = make("button", { type: "button", class: "quiet", "aria-expanded": "false", onclick: () => ((open = !open), fold()) });
  const reset = make("button", { type: "button", class: "quiet", text: t("reset"), onclick: () => (field.reset(), changed(), settled()) });
  const empty = make("p", { class: "hint", text: t("no_directions") });
  const here = make("p", { class: "hint", text: t("named_here"), hidden: true });
  const box = make("section", { class: "steering", "aria-label": t("directions") },
    make("header", {}, make("h2", { text: t("directions") }), reset), empty, list, here, more);

  // Where a browser keeps nothing for pages, as in some private windows, names hold until the page is left.
  let kept = {};
  function ownNames() {
    try {
      kept = JSON.parse(localStorage.getItem(NAMES)) ?? kept;
    } catch {}
    return kept;
  }
  function keepNames(names) {
    kept = names;
    try {
      localStorage.setItem(NAMES, JSON.stringify(names));
    } catch {}
  }

  function slider({ name, title, range: [min, max] }) {
    const called = ownNames()[model]?.[name] ?? title;
    const made = sliderField({ title: called, usual: 0, min, max, step: 0.05, changed: () => (mark(), changed()) });
    made.box.classList.toggle("centred", min < 0);
    made.box.title = t("reset_slider");
    made.box.addEventListener("change", settled);
    const range = made.box.querySelector("input[type=range]");
    range.addEventListener("dblclick", () => toZero(made));
    range.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace" || event.key === "0") toZero(made);
      if (event.key === "F2") ask();
    });
    const words = made.box.querySelector("span");
    const pencil = iconButton("edit", t("rename"), () => ask());
    pencil.tabIndex = -1; // F2 does it from the slider
    words.after(pencil);

    // The name becomes a field for another one, until Enter keeps it or Escape does not.
    function ask() {
      const input = make("input", { type: "text", class: "name", maxlength: LONGEST, value: words.textContent, "aria-label": t("rename"),
        onkeydown: (event) => {
          if (event.key === "Enter" && !event.isComposing) input.blur();
          if (event.key === "Escape") (input.value = words.textContent), input.blur();
          event.stopPropagation();
        },
        onblur: () => {
          input.replaceWith(words);
          pencil.hidden = false;
          const wanted = input.value.trim();
          if (wanted && wanted !== words.textContent) call(name, wanted);
        } });
      words.replaceWith(input);
      pencil.hidden = true;
      input.select();
    }
    return made;
  }

  async function call(name, wanted) {
    const of = model;
    const answer = await rename({ model: of, name, wanted });
    if (answer.error) return void refuse(answer.error);
    if (of !== model) return; // of another model by now
    if (answer.directions) return void (field.fill(answer.directions, of), changed());
    const names = ownNames();
    keepNames({ ...names, [of]: { ...names[of], [name]: wanted } });
    const { box } = sliders[name];
    box.querySelector("span").textContent = wanted;
    for (const input of box.querySelectorAll("input")) input.setAttribute("aria-label", wanted);
    here.hidden = false;
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
    fill(directions, name) {
      const before = field.get();
      model = name;
      former = Object.fromEntries(directions.flatMap((direction) => direction.formerly.map((old) => [old, direction.name])));
      here.hidden = !directions.some((direction) => ownNames()[model]?.[direction.name]);
      sliders = Object.fromEntries(directions.map((direction) => [direction.name, slider(direction)]));
      list.replaceChildren(...Object.values(sliders).map((one) => one.box));
      field.set(before);
      unknown = {};
    },
    get: () => ({ ...Object.fromEntries(Object.entries(sliders).map(([name, one]) => [name, one.get()]).filter(([, value]) => value)), ...unknown }),
    set(given) {
      const strengths = Object.fromEntries(Object.entries(given).map(([name, value]) => [sliders[name] ? name : former[name] ?? name, value]));
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
