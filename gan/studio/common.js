// What all scripts of the page share. It is put before each of them, and so are fields.js and tab.js; gr.HTML gives each
// its `element`, `props` and `server`.

const language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
// The words of the page in the language of the browser; `values` are put in for {names}.
const t = (key, values = {}) => props.strings[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Where the server cannot be reached, Gradio's client answers with nothing; it becomes an error like any other.
server = new Proxy(server, {
  get: (functions, name) => async (...values) => (await functions[name](...values)) ?? { error: t("unreachable"), unreachable: true },
});

// The address that the page was opened with. The first script to be loaded notes it, before any writes another.
const openedWith = (window.studioOpenedWith ??= new URL(window.location.href).searchParams);

// Writes what is shown into the address, so that the address restores it. Of what stood there only Gradio's own
// parameters stay, such as `__theme`.
function writeAddress(how, parts) {
  const url = new URL(window.location.href);
  const kept = [...url.searchParams].filter(([key]) => key.startsWith("__"));
  const written = Object.entries(parts).filter(([, value]) => value !== undefined && value !== "");
  url.search = new URLSearchParams([...kept, ...written]);
  if (how === "replaceState" && url.href === window.location.href) return;
  window.history[how](null, "", url);
  // A Space is shown in a frame; this is how it tells the page around it.
  if (window.parent !== window) window.parent.postMessage({ queryString: url.search, hash: "" }, "https://huggingface.co");
}

// Turns to another tab, which may not have been shown yet, and to what its address there asks for.
function openTab(name, parts) {
  writeAddress("pushState", { tab: name, ...parts });
  document.getElementById(`${name}-tab-button`).click();
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function save(url, name) {
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
}

function saveBlob(content, type, name) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  save(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const saveBytes = (base64, type, name) => saveBlob(bytesOf(base64), type, name);

// A file of the user's in base64; "" where it cannot be read.
function base64Of(file) {
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1] || "");
    reader.onerror = () => done("");
    reader.readAsDataURL(file);
  });
}

// Lets files be dropped on an element, which has the class "over" meanwhile; `take` is called with the first.
function takeDropped(box, take) {
  box.addEventListener("dragover", (event) => (event.preventDefault(), box.classList.add("over")));
  box.addEventListener("dragleave", (event) => box.contains(event.relatedTarget) || box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
}

// A model's name as part of a file's: "user/emoji" becomes "emoji".
const fileStem = (model) => model.split("/").pop().replace(/[^\p{L}\p{N}_.-]+/gu, "-");

const ICONS = {
  earlier: "M10 3 5 8l5 5", later: "m6 3 5 5-5 5", back: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
  copy: "M6.5 9.5a3 3 0 0 0 4.2 0l2.4-2.4a3 3 0 0 0-4.2-4.2l-.9.9M9.5 6.5a3 3 0 0 0-4.2 0L2.9 8.9a3 3 0 0 0 4.2 4.2l.9-.9",
  png: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10", zip: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10", save: "M8 2v8m-3.5-3L8 10.5 11.5 7M3 13.5h10",
  copies: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  edit: "M3 13l.8-3.2L10.6 3 13 5.4l-6.8 6.8z", undo: "M5.5 3 2.5 6l3 3M2.5 6h7a3.5 3.5 0 0 1 0 7H6", redo: "m10.5 3 3 3-3 3M13.5 6h-7a3.5 3.5 0 0 0 0 7H10",
  font: "M3 13 7.3 3h1.4L13 13M4.7 9.5h6.6M1.5 13h3M11 13h3.5",
  film: "M2.5 3.5h11v9h-11zM5.5 3.5v9M10.5 3.5v9M2.5 6.5h3M2.5 9.5h3M10.5 6.5h3M10.5 9.5h3",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.3a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z",
  similar: "M2.5 6c2-2 3.5-2 5.5 0s3.5 2 5.5 0M2.5 10.5c2-2 3.5-2 5.5 0s3.5 2 5.5 0",
  play: "M5 3.2v9.6L12.5 8z", stop: "M4.5 4.5h7v7h-7z",
  dice: "M2.5 2.5h11v11h-11zM5.5 5.5v0M10.5 5.5v0M8 8v0M5.5 10.5v0M10.5 10.5v0",
  lock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5", unlock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 4.7-1.2",
};

// A button with an icon and words; where there is no room for these, they are its name.
function iconButton(icon, name, onclick) {
  const button = make("button", { type: "button", "data-action": icon, title: name, "aria-label": name, onclick }, make("span", { text: name }));
  button.insertAdjacentHTML("afterbegin", `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`);
  return button;
}

function setIcon(button, icon) {
  button.querySelector("path").setAttribute("d", ICONS[icon]);
}

// Shows for a moment on a button of `iconButton` what came of pressing it.
function flash(button, words) {
  button.classList.add("flash");
  button.lastChild.textContent = words;
  setTimeout(() => {
    button.classList.remove("flash");
    button.lastChild.textContent = button.title;
  }, 1600);
}

// A button that puts `text()` into the clipboard and flashes `done`.
function copyButton(icon, name, done, text) {
  const button = iconButton(icon, name, async () => {
    try {
      await navigator.clipboard.writeText(text());
      flash(button, done);
    } catch {
      flash(button, t("failed"));
    }
  });
  return button;
}

// A button that fetches a ZIP (base64) and saves it; `showMessage` is called with an error of the server.
function zipButton(name, ask, fileName, showMessage) {
  const button = iconButton("zip", name, async () => {
    const [file, answer] = [fileName(), await ask()];
    if (answer.unreachable) flash(button, t("failed"));
    else if (answer.error) showMessage(answer.error);
    else saveBytes(answer.data, "application/zip", file);
  });
  return button;
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
const randomSeed = () => Math.floor(Math.random() * 1e6);
const onPhone = () => matchMedia("(max-width: 860px)").matches;

// The height in which pictures are to fit. In a frame that grows with its content, as a Space's, the window is no measure.
const visibleHeight = () => (window.parent === window ? window.innerHeight : Math.min(window.innerHeight, 900));

// Makes `work` run for the latest call only: calls made while it runs are answered by one more run after it, however many
// they are. `work` is passed `superseded()`, which is true as soon as another run waits.
function latestOnly(work) {
  let [running, waiting] = [false, false];
  return async function run() {
    waiting = true;
    if (running) return;
    running = true;
    try {
      while (waiting) {
        waiting = false;
        await work(() => waiting);
      }
    } finally {
      running = false;
    }
  };
}

// The largest size at which a picture's pixels are whole device pixels, in CSS pixels; smaller where none of them fits.
function crispWidth(width, height, roomAcross, roomDown = Infinity) {
  const ratio = window.devicePixelRatio || 1;
  const fit = Math.max(0, Math.min(roomAcross / width, roomDown / height) * ratio);
  return (width * (fit >= 1 ? Math.floor(fit) : fit)) / ratio;
}

