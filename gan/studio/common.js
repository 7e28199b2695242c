// What the scripts of all tabs share; each is loaded with this before it. Given by gr.HTML: element, props, server.

const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
const say = (key, values = {}) => props.strings[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// What the page was opened with. The first tab to be loaded notes it, before any writes an address of its own.
const opened = (window.studioOpened ??= new URL(window.location.href).searchParams);
const PARTS = ["tab", "model", "data", "seed", "n", "psi", "label", "a", "b"];

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

const png = (base64) => `data:image/png;base64,${base64}`;

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

// The largest size at which a picture's pixels are whole device pixels, in CSS pixels.
function crispWidth(width, height, roomAcross, roomDown = Infinity) {
  const ratio = window.devicePixelRatio || 1;
  const scale = Math.max(1, Math.floor(Math.min(roomAcross / width, roomDown / height) * ratio) / ratio);
  return width * scale;
}

