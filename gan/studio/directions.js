// Sliders for the directions of a model: a field for createTab whose value is {name: strength}, those at 0 left out; its
// `pad`, a field, too, has two of them under one finger. Defines `directionsField`. After common.js, fields.js and pad.js.

// `changed` is called while a slider moves, `settled` once it has been let go, `lifted` when a finger leaves the pad; `shown`
// when the pad is shown, hidden or has other axes, `refuse(text)` with what is wrong with a new name of a direction;
// `rename(settings)` asks the server to keep it. `padOpen`: whether the pad is there from the beginning.
function directionsField({ changed, settled = () => {}, lifted = () => {}, shown, rename, refuse, padOpen = false }) {
  const SHOWN = 6; // before the rest is asked for
  const NAMES = "direction-names"; // of this browser: {model: {direction: name}}, where the server cannot keep them
  const LONGEST = 40; // letters of a name
  let model = "";
  let known = []; // the directions of the model, as the server calls them
  let sliders = {}; // fields by the names of their directions
  let former = {}; // names of directions by those that they had before: links of then still hold
  let unknown = {}; // strengths that an address has for directions that the model doesn't have: the server says which it has
  let open = false;
  let padShown = padOpen;

  const list = make("div", { class: "directions" });
  const more = make("button", { type: "button", class: "quiet", "aria-expanded": "false", onclick: () => ((open = !open), fold()) });
  const reset = make("button", { type: "button", class: "quiet", text: t("reset"), onclick: () => (field.reset(), changed(), settled()) });
  const padButton = make("button", { type: "button", class: "quiet", text: t("pad_button"), onclick: () => (showPad(!padShown), shown()) });
  const pad = directionsPad({
    get: (name) => sliders[name].get(),
    set: (name, strength) => sliders[name].set(strength),
    moved: () => (fold(), changed()),
    settled: () => (settled(), lifted()),
    turned: () => shown(),
  });
  const empty = make("p", { class: "hint", text: t("no_directions") });
  const here = make("p", { class: "hint", text: t("named_here"), hidden: true });
  const box = make("section", { class: "steering", "aria-label": t("directions") },
    make("header", {}, make("h2", { text: t("directions") }), padButton, reset), empty, pad.box, list, here, more);

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

  function showPad(wanted) {
    padShown = wanted;
    pad.box.hidden = !padShown || known.length < 2;
    padButton.setAttribute("aria-expanded", String(padShown));
    pad.show();
  }

  function slider({ name, title, range: [min, max] }) {
    const made = sliderField({ title, usual: 0, min, max, step: 0.05, changed: () => (mark(), pad.show(), changed()) });
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
    field.fill(known, of);
  }

  function toZero(slider) {
    slider.set(0);
    mark();
    pad.show();
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
    padButton.hidden = known.length < 2;
  }

  const mark = () => (reset.disabled = !Object.values(sliders).some((slider) => slider.get() !== 0));
  const escaped = (name) => name.replace(/[%;:]/g, encodeURIComponent);

  const field = {
    box,
    key: "edits",
    // The directions of another model; strengths of the same name stay.
    fill(directions, name) {
      const before = field.get();
      [known, model] = [directions, name];
      const own = ownNames()[model] ?? {};
      const called = directions.map((direction) => ({ ...direction, title: own[direction.name] ?? direction.title }));
      former = Object.fromEntries(directions.flatMap((direction) => direction.formerly.map((old) => [old, direction.name])));
      here.hidden = !directions.some((direction) => own[direction.name]);
      sliders = Object.fromEntries(called.map((direction) => [direction.name, slider(direction)]));
      list.replaceChildren(...Object.values(sliders).map((one) => one.box));
      pad.fill(called);
      showPad(padShown);
      field.set(before);
      unknown = {};
    },
    get: () => ({ ...Object.fromEntries(Object.entries(sliders).map(([name, one]) => [name, one.get()]).filter(([, value]) => value)), ...unknown }),
    set(given) {
      const strengths = Object.fromEntries(Object.entries(given).map(([name, value]) => [sliders[name] ? name : former[name] ?? name, value]));
      for (const [name, one] of Object.entries(sliders)) one.set(strengths[name] ?? 0);
      unknown = Object.fromEntries(Object.entries(strengths).filter(([name]) => !sliders[name]));
      fold();
      pad.show();
    },
    write: () => Object.entries(field.get()).map(([name, value]) => `${escaped(name)}:${value}`).join(";"),
    read(text) {
      const parts = text.split(";").map((part) => [part.slice(0, part.lastIndexOf(":")), numberIn(part.slice(part.lastIndexOf(":") + 1))]);
      field.set(Object.fromEntries(parts.filter(([name, value]) => name && value !== null).map(([name, value]) => [unescaped(name), value])));
    },
    reset: () => field.set({}),
    changed,
    // Which directions are under the finger, as "length;plural"; "none" where the pad is folded away and would not be.
    pad: {
      hidden: () => known.length < 2,
      get: () => undefined,
      write() {
        if (!padShown) return padOpen ? "none" : "";
        return padOpen && pad.isUsual() ? "" : pad.names().map(escaped).join(";");
      },
      read(text) {
        if (text !== "none") pad.choose(text.split(";").map(unescaped));
        showPad(text !== "none");
      },
      reset() {
        pad.choose([]);
        showPad(padOpen);
      },
    },
  };
  showPad(padOpen);
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
