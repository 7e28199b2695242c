// What a tab lets its user choose. A field has
//   box             the element that shows it; while `box.hidden`, the field is no part of the tab's state
//   get(), set(v)   its value, as it is sent to the server
//   read(text)      takes its value from the address; what the field cannot hold is left out
//   write()         its value for the address, "" to be left out
//   reset()         back to what it is without an address
//   key             its name in the address, where that is another than its name in the state
//   changed()       called when the user changes it; `createTab` asks for new samples where a field says nothing else
// A tab may bring fields of its own of this form; `hidden()` then says whether it is part of the state.

const labelled = (title, ...children) => make("label", { class: "field" }, make("span", { text: title }), ...children);

// A number as it stands in an address; `null` where it is none.
const numberIn = (text) => (/^-?[\d.]+(e-?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : null);

function makeField(own) {
  const field = {
    read: (text) => field.set(text),
    write: () => field.get(),
    reset: () => field.set(field.usual),
    changed: null,
    ...own,
  };
  return field;
}

// A seed and a button for another. `title` is shown above it, or, with `bare`, is only its name for a screen reader.
function seedField({ usual, max, title = t("seed"), bare = false, ...own }) {
  let value = usual; // stays as it was while the number is being typed anew
  const input = make("input", { type: "number", min: 0, max, step: 1, value, "aria-label": title, oninput: () => {
    if (input.value !== "") (value = Number(input.value)), field.changed();
  } });
  const shuffle = make("button", { type: "button", text: t("dice"), onclick: () => (field.set(randomSeed()), field.changed()) });
  const field = makeField({
    usual, input,
    box: make("div", { class: "row" }, bare ? input : labelled(title, input), shuffle),
    get: () => value,
    set: (number) => (input.value = value = number),
    read: (text) => field.set(numberIn(text) ?? field.usual),
    ...own,
  });
  return field;
}

// A range and its number, which can be typed too. `zero` is the word for 0; with `brief`, the address leaves the usual
// value out.
function sliderField({ title, usual, min = 0, max, step, note = "", zero, brief = false, ...own }) {
  const input = make("input", { type: "range", min, max, step, "aria-label": title, oninput: () => (show(), field.changed()) });
  const number = make("input", {
    type: "text", inputmode: "decimal", class: "number", "aria-label": title, autocomplete: "off",
    onfocus: () => number.select(),
    onchange: () => {
      const before = field.get();
      field.set(numberIn(number.value.trim().replace(",", ".")) ?? before);
      if (field.get() !== before) field.changed();
    },
  });
  const small = make("small", { text: note });
  function show() {
    number.value = zero && field.get() === 0 ? zero : field.get().toFixed(step < 1 ? 2 : 0);
    input.style.setProperty("--share", (field.get() - min) / (max - min));
  }
  const field = makeField({
    usual, note: small,
    box: make("div", { class: "field slide" }, make("div", {}, make("span", { text: title }), number), input, small),
    get: () => Number(input.value), // between min and max, whatever it was set to
    set: (value) => ((input.value = value), show()),
    read: (text) => field.set(numberIn(text) ?? field.usual),
    write: () => (brief && field.get() === field.usual ? "" : field.get()),
    ...own,
  });
  field.reset();
  return field;
}

const setOptions = (select, names, any) =>
  select.replaceChildren(...[["", any], ...names.map((name) => [name, name])].map(([value, text]) => make("option", { value, text })));

// A class of a model, "" for any; hidden where the model has none.
function classField({ any, title = t("label"), ...own }) {
  let names = [];
  const select = make("select", { "aria-label": title, onchange: () => field.changed() });
  const box = labelled(title, select);
  box.classList.add("class-label");
  const field = makeField({
    usual: "", absent: "", box,
    // The classes of another model; one of the same name stays chosen.
    fill(found) {
      const before = select.value;
      names = found;
      setOptions(select, names, any);
      select.value = names.includes(before) ? before : "";
      box.hidden = !names.length;
    },
    get: () => select.value,
    set: (name) => (select.value = name),
    // In any case of letters. A class that the model doesn't have is requested all the same: the server says which it has.
    read(text) {
      const known = [text, ...names.filter((name) => name.toLowerCase() === text.toLowerCase())].find((name) => names.includes(name));
      if (!known) select.append(make("option", { value: text, text }));
      select.value = known ?? text;
      box.hidden = false;
    },
    reset: () => ((select.value = ""), field.fill(names)),
    ...own,
  });
  return field;
}

// A text, which counts once nobody has typed for a moment. `typed` is called at once.
function textField({ title, hint, max, typed = () => {}, ...own }) {
  let timer = 0;
  const wait = () => {
    typed();
    clearTimeout(timer);
    timer = setTimeout(() => field.changed(), 200);
  };
  // What an input method is still composing isn't text yet.
  const input = make("input", { type: "text", placeholder: hint, autocomplete: "off", spellcheck: "false", maxlength: max,
    oninput: (event) => event.isComposing || wait() });
  input.addEventListener("compositionend", wait);
  const field = makeField({
    usual: "", input, box: labelled(title, input),
    get: () => (input.disabled ? "" : input.value),
    set: (text) => ((input.value = text), typed()),
    ...own,
  });
  return field;
}
