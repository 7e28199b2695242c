// What the scripts of all tabs share; each is loaded with this before it. Given by gr.HTML: element, props, server.

const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
const say = (key, values = {}) => props.strings[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Where the server cannot be reached, Gradio's client answers with nothing: say so as the server says other errors.
server = new Proxy(server, {
  get: (functions, name) => async (...given) => (await functions[name](...given)) ?? { error: say("unreachable") },
});

// What the page was opened with. The first tab to be loaded notes it, before any writes an address of its own.
const opened = (window.studioOpened ??= new URL(window.location.href).searchParams);
const PARTS = ["tab", "model", "data", "seed", "n", "psi", "t", "k", "p", "lambda", "best", "prefix", "acrostic", "label", "view", "a", "b", "pads", "beat", "bpm"];

// Writes what is shown into the address, so that it restores it: parts of this tab, and none of another.
function writeAddress(how, parts) {
  const url = new URL(window.location.href);
  for (const key of PARTS) url.searchParams.delete(key);
  for (const key of PARTS) {
    if (parts[key] !== undefined && parts[key] !== "") url.searchParams.set(key, parts[key]);
  }
  if (how === "replaceState" && url.href === window.location.href) return;
  window.history[how](null, "", url);
  // A Space is shown in a frame; this is how it tells the page around it.
  if (window.parent !== window) window.parent.postMessage({ queryString: url.search, hash: "" }, "https://huggingface.co");
}

const inSight = () => element.offsetParent !== null; // and not in a tab behind another

function save(url, name) {
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
}

function saveBytes(base64, type, name) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  save(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

const ICONS = {
  earlier: "M10 3 5 8l5 5", later: "m6 3 5 5-5 5", back: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
  copy: "M6.5 9.5a3 3 0 0 0 4.2 0l2.4-2.4a3 3 0 0 0-4.2-4.2l-.9.9M9.5 6.5a3 3 0 0 0-4.2 0L2.9 8.9a3 3 0 0 0 4.2 4.2l.9-.9",
  png: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10", zip: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10", save: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10",
  copies: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.3a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z",
  play: "M5 3.2v9.6L12.5 8z", stop: "M4.5 4.5h7v7h-7z",
  dice: "M2.5 2.5h11v11h-11zM5.5 5.5v0M10.5 5.5v0M8 8v0M5.5 10.5v0M10.5 10.5v0",
  lock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5", unlock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 4.7-1.2",
};

// A button with an icon and words, which stand beside it or, where there is no room, are its name.
function iconButton(key, name, onclick) {
  const button = make("button", { type: "button", "data-action": key, title: name, "aria-label": name, onclick }, make("span", { text: name }));
  button.insertAdjacentHTML("afterbegin", `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[key]}"/></svg>`);
  return button;
}

function setIcon(button, key) {
  button.querySelector("path").setAttribute("d", ICONS[key]);
}

// Says for a moment on a button of `iconButton` what became of it.
function flash(button, words) {
  button.classList.add("said");
  button.lastChild.textContent = words;
  setTimeout(() => {
    button.classList.remove("said");
    button.lastChild.textContent = button.title;
  }, 1600);
}

// An element with attributes, "text" and "on..." among them, and children.
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made[name] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// A field that opens a model of the Hub, or of this machine's folders where the registry allows them. `open` takes its
// name, says in the tab's message what is wrong with it, and returns whether it is open.
function hubRow(open) {
  const input = make("input", { type: "text", placeholder: say("hub_placeholder"), autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", onkeydown: (event) => event.key === "Enter" && !event.isComposing && load() });
  const button = make("button", { type: "button", text: say("load"), onclick: () => load() });
  async function load() {
    const name = input.value.trim();
    if (!name || button.disabled) return;
    button.disabled = true; // a download may take a while, and what is shown stays where it is
    button.textContent = say("loading");
    try {
      const done = await open(name);
      if (done) input.value = "";
      // What has become of it is to be seen above, and the field is at the end of a long column.
      (done ? element : element.querySelector(".message")).scrollIntoView({ block: done ? "start" : "nearest" });
    } finally {
      button.disabled = false;
      button.textContent = say("load");
    }
  }
  return make("div", { class: "row hub" }, make("label", { class: "field" }, make("span", { text: say("hub") }), input), button);
}

const png = (base64) => `data:image/png;base64,${base64}`;

// Asks the server; answers null if the same has been asked again meanwhile.
function newest(ask) {
  let turns = 0;
  return async (...given) => {
    const turn = ++turns;
    const answer = await ask(...given);
    return turn === turns ? answer : null;
  };
}

// Does not begin again while it is under way.
function alone(work) {
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    await work().finally(() => (busy = false));
  };
}

// Asks the server for the newest state only: what is asked while an answer is on its way waits, and replaces what waits.
function latest(ask) {
  let busy = false;
  let again = false;
  return async function run() {
    if (busy) return void (again = true);
    busy = true;
    try {
      await ask();
    } finally {
      busy = false;
    }
    if (again) {
      again = false;
      await run();
    }
  };
}

// The largest size at which a picture's pixels are whole device pixels, in CSS pixels; smaller where none of them fits.
function crispWidth(width, height, roomAcross, roomDown = Infinity) {
  const ratio = window.devicePixelRatio || 1;
  const fit = Math.max(0, Math.min(roomAcross / width, roomDown / height) * ratio);
  return (width * (fit >= 1 ? Math.floor(fit) : fit)) / ratio;
}

