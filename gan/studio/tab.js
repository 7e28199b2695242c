// A tab of the studio: a model that is opened, fields, and samples that follow them. createTab keeps the fields, the
// address and the samples in step, and leaves to the tab what it looks like. It takes
//   name                      of the tab, as in `?tab=name`
//   root                      the element that the tab fills; its class "waiting" goes with the first samples
//   models                    names of the offered models; the first one is opened where the address names none
//   fields                    by their names in the state, in the order of the address (see fields.js)
//   load(model)               asks the server what a model is
//   showModel(model)          shows it: `model.name` and what `load` brought
//   request(state)            asks the server for samples of `state`, {model, ...values of the fields}; null: none needed
//   render(answer, state, superseded)   shows them; `superseded()` says whether others are wanted by now
// and, as far as a tab needs them,
//   failed(state)             the request was refused; what is shown stays
//   turnedTo(), turnedFrom()  the tab came into sight, which otherwise opens a model the first time; it went out of sight
//   layout(model)             its size has changed
//   keydown(event)            a key was pressed while nobody types
//   related                   names of tabs whose model this one opens if it is first turned to from there
//   modelKey, modelTitle      the model's name in the address ("" leaves it out) and on the page
// and returns what is at the end of it. A state is all that samples depend on: what `state()` returned can be kept, and
// `set()` later restores it.
function createTab(tab) {
  const { name, root, fields, modelKey = "model", modelTitle = t("model"), related = [] } = tab;
  let model = null;
  let loads = 0; // so far; only the answer of the last one counts
  let untried = false; // the next request is the first of an address, which may ask for what there is not
  let notice = ""; // to stand above the next samples
  let written = null; // the parts of the address that are this tab's
  let restoring = null; // a promise

  const { message, showMessage } = messageBox();
  const picker = modelPicker(modelTitle, openAndAsk);
  const panel = make("div", { class: "panel" });
  const isHidden = (field) => (field.hidden ? field.hidden() : Boolean(field.box?.hidden));
  for (const field of Object.values(fields)) field.changed ??= () => ask();
  picker.offer(tab.models);

  // Returns whether the model is open now; `null` if another one is being opened by now.
  async function open(name) {
    const load = ++loads;
    const answer = await tab.load(name);
    if (load !== loads) return null;
    if (answer.error) {
      picker.show(model?.name);
      showMessage(answer.error);
      return false;
    }
    model = { ...answer, name };
    picker.show(name);
    panel.innerHTML = model.panel ?? ""; // made by model_panel.py, which escapes what a repository says
    showMessage("");
    tab.showModel(model);
    return true;
  }

  async function openAndAsk(name) {
    const done = await open(name);
    if (done) ask();
    return done;
  }

  const state = () => ({
    model: model.name,
    ...Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, isHidden(field) ? field.absent : field.get()])),
  });

  function set(values, how) {
    for (const [key, field] of Object.entries(fields)) if (values[key] !== undefined) field.set(values[key]);
    if (how && written) write(how);
    return ask();
  }

  function addressParts() {
    const parts = { ...(name !== FIRST_TAB && { tab: name }), ...(modelKey && { [modelKey]: model.name }) };
    for (const [key, field] of Object.entries(fields)) if (!isHidden(field)) parts[field.key ?? key] = field.write();
    return parts;
  }

  function write(how = "replaceState", parts = addressParts()) {
    written = parts;
    if (inSight(root)) writeAddress(how, parts);
  }

  // Opens the model of an address, sets all fields by it, and asks. What is impossible in it is said and left out.
  async function restore(query) {
    const [first] = picker.names();
    const wanted = (modelKey && query.get(modelKey)) || first;
    const done = wanted === model?.name || (await open(wanted));
    if (done === null) return;
    if (!done) {
      const refusal = message.textContent;
      if (wanted === first || !(await open(first))) return;
      notice = refusal;
    }
    for (const [key, field] of Object.entries(fields)) {
      const text = query.get(field.key ?? key);
      if (text === null) field.reset();
      else field.read(text);
    }
    untried = true;
    await ask();
  }

  const ask = latestOnly(async (superseded) => {
    if (!model) return;
    const [opened, requested, parts, first] = [model, state(), addressParts(), untried];
    untried = false;
    try {
      const answer = await tab.request(requested);
      if (opened !== model) return; // another model has been opened, and its samples are requested
      if (answer?.error) {
        showMessage(answer.error);
        tab.failed?.(requested);
        if (!first || answer.unreachable) return;
        notice = answer.error;
        for (const field of Object.values(fields)) field.reset();
        return void ask();
      }
      showMessage(notice);
      notice = "";
      root.classList.remove("waiting");
      if (answer) await tab.render(answer, requested, superseded);
      if (!superseded()) write("replaceState", parts); // browsers take a few a second only
    } catch (error) {
      console.error(error);
      showMessage(t("failed"));
    }
  });

  // What a tab that has nothing open yet is to restore: the address that the page was opened with, if it is this tab's; of
  // the tab that was shown before, what the two have in common.
  function addressToRestore() {
    if (!model && tabOf(openedWith) === name) return openedWith;
    const before = new URL(window.location.href).searchParams;
    if (!model && tabOf(before) === name) return before;
    return new URLSearchParams(related.includes(tabOf(before)) && before.has("model") ? { model: before.get("model") } : {});
  }

  function turnTo() {
    if (!pageHasArrived(name)) return;
    if (tab.turnedTo) return void tab.turnedTo();
    if (model) return void (written && write("replaceState", written));
    restoring ??= restore(addressToRestore()).finally(() => (restoring = null));
  }

  const layout = () => model && inSight(root) && tab.layout?.(model);
  watchSight(root, { turnedTo: turnTo, turnedFrom: () => tab.turnedFrom?.(), resized: layout });

  window.addEventListener("popstate", () => {
    const query = new URL(window.location.href).searchParams;
    if (tabOf(query) !== name) return;
    const same = written && Object.entries(written).every(([key, value]) => (query.get(key) ?? "") === String(value ?? ""));
    document.getElementById(`${name}-tab-button`).click();
    if (!same) restore(query);
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=range]), textarea, select, [role=listbox], [role=tablist]");
    if (!typing && model && inSight(root) && !event.metaKey && !event.ctrlKey && !event.altKey) tab.keydown?.(event);
  });

  // The usual order of a tab: a stage with a bar of tools, the message and the samples; beside it the controls.
  function arrange({ bar, stage, controls, facts = [] }) {
    root.classList.add("sided");
    root.append(
      make("div", { class: "stage" }, make("div", { class: "bar" }, ...bar), message, ...stage),
      make("div", { class: "controls" }, picker.box, ...controls,
        make("div", { class: "about" }, panel, ...facts.map((fact) => fact.box)), hubRow(root, message, openAndAsk)));
  }

  root.classList.add("waiting");
  return {
    get model() { return model; }, // that is open, or null
    state, // () => the present state
    set, // (values of some fields, how): sets them and asks; with `how` "pushState", the browser's back button leads back
    ask, // asks for samples of the present state
    write: (how) => written && write(how), // writes the address after a change that needs no new samples
    open, openAndAsk, // (model)
    offer: picker.offer, // (models): other ones than at the beginning
    restore, addressToRestore, // for tabs with a `turnedTo` of their own
    showMessage, // (text): shows what is wrong, "" nothing
    inSight: () => inSight(root),
    layout,
    // Parts of the page:
    arrange, message, picker: picker.box, link: copyButton("copy", t("copy"), t("copied"), () => window.location.href),
  };
}

const FIRST_TAB = "pictures"; // an address without `tab` is this one's
const tabOf = (query) => query.get("tab") || FIRST_TAB;
const inSight = (root) => root.offsetParent !== null; // and not in a tab behind another

// Whether the page shows the tab that its address asks for. Gradio shows the first one until the server has answered.
function pageHasArrived(name) {
  const wanted = tabOf(openedWith);
  window.studioHasArrived ||= name === wanted || !document.getElementById(`${wanted}-tab-button`);
  return window.studioHasArrived;
}

function watchSight(root, { turnedTo, turnedFrom, resized }) {
  let before = false;
  new ResizeObserver(() => {
    const now = inSight(root);
    if (now && !before) turnedTo();
    if (!now && before) turnedFrom();
    before = now;
    resized();
  }).observe(root);
  window.addEventListener("resize", resized);
}

function messageBox() {
  const message = make("p", { class: "message", role: "alert", hidden: true });
  const showMessage = (text) => {
    message.textContent = text || "";
    message.hidden = !text;
  };
  return { message, showMessage };
}

// Hidden while there is nothing to choose from.
function modelPicker(title, choose) {
  let names = [];
  let shown = "";
  const select = make("select", { "aria-label": title, onchange: () => choose(select.value) });
  const box = labelled(title, select);
  function offer(offered) {
    names = offered;
    select.replaceChildren(...names.map((name) => make("option", { value: name, text: name })));
    select.value = shown || names[0] || "";
    box.hidden = names.length < 2;
  }
  function show(name) {
    shown = name ?? "";
    offer(shown && !names.includes(shown) ? [...names, shown] : names);
  }
  return { box, offer, show, names: () => names };
}

// A field that opens a model of the Hub, or of this machine's folders where the registry allows them.
function hubRow(root, message, open) {
  const input = make("input", { type: "text", placeholder: t("hub_placeholder"), autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", onkeydown: (event) => event.key === "Enter" && !event.isComposing && load() });
  const button = make("button", { type: "button", text: t("load"), onclick: () => load() });
  async function load() {
    const name = input.value.trim();
    if (!name || button.disabled) return;
    button.disabled = true; // a download may take a while, and what is shown stays where it is
    button.textContent = t("loading");
    try {
      const done = await open(name);
      if (done) input.value = "";
      // What became of it stands above, and the field is at the end of a long column.
      (done ? root : message).scrollIntoView({ block: done ? "start" : "nearest" });
    } finally {
      button.disabled = false;
      button.textContent = t("load");
    }
  }
  return make("div", { class: "row hub" }, labelled(t("hub"), input), button);
}

// Buttons that turn to the views of a tab; `choose` is called with the name of one.
function viewButtons(title, names, choose) {
  return make("div", { class: "kinds", role: "group", "aria-label": title }, ...names.map((name) =>
    make("button", { type: "button", "data-view": name, text: t(`${name}_view`), onclick: () => choose(name) })));
}

// A row of the panel beside the samples.
function fact(name) {
  const value = make("dd");
  return { box: make("dl", {}, make("dt", { text: t(name) }), value), set: (text) => (value.textContent = text) };
}

const onSlider = (event) => Boolean(event.target.closest?.("input[type=range], .plane"));
