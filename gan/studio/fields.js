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

// The classes of a model, a picker a label column ({name, title, labels}); hidden where the model has none. The value is
// "" for any class, a name or, of several label columns, the names that are chosen by column. A class that the model
// doesn't have is requested all the same: the server says which it has.
function classField({ any, ...own }) {
  let columns = [];
  let unknown = ""; // asked of a model without classes
  const box = make("div", { class: "labels" });
  const selects = () => [...box.querySelectorAll("select")];
  function show(names) {
    selects().forEach((select, k) => {
      const [text, { labels }] = [names[k] ?? "", columns[k]];
      const name = labels.find((one) => one === text) ?? labels.find((one) => one.toLowerCase() === text.toLowerCase());
      if (text && !name) select.append(make("option", { value: text, text }));
      select.value = name ?? text;
    });
  }
  const field = makeField({
    usual: "", absent: "", box,
    hidden: () => !columns.length && !unknown,
    // The columns of another model; what has the same name in it stays chosen.
    fill(found) {
      const before = Object.fromEntries(columns.map(({ name }, k) => [name, selects()[k].value]));
      [columns, unknown] = [found, ""];
      box.replaceChildren(...columns.map(({ title, labels }) => {
        const select = make("select", { "aria-label": title, onchange: () => field.changed() });
        setOptions(select, labels, any);
        const picker = labelled(title, select);
        picker.classList.add("class-label");
        return picker;
      }));
      show(columns.map(({ name, labels }) => (labels.includes(before[name]) ? before[name] : "")));
      box.hidden = !columns.length;
    },
    // Leaves the first column out, or takes it in again.
    hideFirst: (hidden) => box.firstChild && (box.firstChild.hidden = hidden),
    get() {
      const names = selects().map((select) => (select.parentElement.hidden ? "" : select.value));
      if (columns.length < 2) return names[0] ?? unknown;
      return Object.fromEntries(columns.map(({ name }, k) => [name, names[k]]).filter(([, value]) => value));
    },
    set: (value) => (typeof value === "string" ? field.read(value) : show(columns.map(({ name }) => value[name]))),
    // In an address as the pipeline reads it: "7", or "digit=7, speaker=george".
    write: () => (columns.length < 2 ? field.get() : Object.entries(field.get()).map((pair) => pair.join("=")).join(", ")),
    read(text) {
      if (!columns.length) unknown = text;
      show(columns.length < 2 ? [text] : byColumn(text, columns));
    },
    reset() {
      show([]);
      field.fill(columns); // without what the model doesn't have
    },
    ...own,
  });
  return field;
}

// The class of each column in a text: "digit=7, speaker=george", in any order, or "7, george", in theirs.
function byColumn(text, columns) {
  const pieces = text.split(", ");
  if (pieces.length === columns.length && columns.every(({ labels }, k) => labels.includes(pieces[k]))) return pieces;
  const stands = (words) => `, ${text}, `.toLowerCase().includes(`, ${words.toLowerCase()}, `);
  const found = columns.map(({ name, labels }) => labels.find((label) => stands(`${name}=${label}`)) ?? labels.find(stands) ?? "");
  return found.some(Boolean) ? found : [text];
}

// A text, which counts once nobody has typed for `pause` ms. `typed` is called at once.
function textField({ title, hint, max, pause = 200, typed = () => {}, ...own }) {
  let timer = 0;
  const wait = () => {
    typed();
    clearTimeout(timer);
    timer = setTimeout(() => field.changed(), pause);
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
