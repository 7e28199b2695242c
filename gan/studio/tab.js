// A tab of the studio: a model that is opened, fields, and samples that follow them. createTab keeps three things in
// step, the fields, the address and what is shown, and leaves to the tab what it looks like. It takes
//   name                      of the tab, as in `?tab=name`
//   root                      the element that the tab fills; its class "waiting" goes with the first samples
//   models                    names of the offered models; the first one is opened where the address names none
//   fields                    by their names in the state, in the order of the address (see fields.js)
//   load(model)               asks the server what a model is
//   showModel(model)          shows it: `model.name` and what `load` brought
//   request(state)            asks the server for samples of `state`: {model, ...values of the fields}; null: none needed
//   render(answer, state, superseded)   shows them; `superseded()` says whether others have been asked for meanwhile
// and, as far as a tab needs them,
//   failed(state)             what was asked for was refused; what is shown stays
//   turnedTo()                the tab comes into sight, instead of opening its model and restoring the address
//   turnedFrom()              it went out of sight
//   layout()                  its size has changed
//   keydown(event)            a key was pressed while nobody types
//   related                   names of tabs whose model this one opens too, if it is turned to from there
//   modelKey, modelTitle      the model's name in the address ("" leaves it out) and on the page
function createTab(tab) {
  const { name, root, fields, modelKey = "model", modelTitle = say("model"), related = [] } = tab;
  let model = null;
  let loads = 0; // so far; only the answer of the last one counts
  let untried = false; // the next request is the first of an address, which may ask for what there is not
  let notice = ""; // to stand above the next samples
  let shown = null; // what the address says of this tab while it is in sight

  for (const field of Object.values(fields)) field.changed ??= () => ask();
  const isHidden = (field) => (field.hidden ? field.hidden() : Boolean(field.box?.hidden));

  const message = make("p", { class: "message", role: "alert", hidden: true });
  function tell(text) {
    message.textContent = text || "";
    message.hidden = !text;
  }

  // The model and who opens another.

  const picker = make("select", { "aria-label": modelTitle, onchange: () => openAndAsk(picker.value) });
  const modelBox = labelled(modelTitle, picker);
  modelBox.classList.add("models");
  const panel = make("div", { class: "panel" });
  let models = []; // that are offered
  function offer(names) {
    models = names;
    picker.replaceChildren(...names.map((name) => make("option", { value: name, text: name })));
    if (model) picker.value = model.name;
    modelBox.hidden = names.length < 2;
  }
  offer(tab.models);

  // Returns whether the model is open now; `null` if another one has been asked for meanwhile.
  async function open(name) {
    const load = ++loads;
    const answer = await tab.load(name);
    if (load !== loads) return null;
    if (answer.error) {
      if (model) picker.value = model.name;
      tell(answer.error);
      return false;
    }
    model = { ...answer, name };
    offer(models.includes(name) ? models : [...models, name]);
    panel.innerHTML = model.panel ?? ""; // made by model_panel.py, which escapes what a repository says
    tell("");
    tab.showModel(model);
    return true;
  }

  async function openAndAsk(name) {
    const done = await open(name);
    if (done) ask();
    return done;
  }

  // State and address.

  const state = () => ({
    model: model.name,
    ...Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, isHidden(field) ? field.absent : field.get()])),
  });

  function parts() {
    const written = Object.entries(fields).filter(([, field]) => !isHidden(field)).map(([key, field]) => [field.key ?? key, field.write()]);
    return { ...(name !== FIRST_TAB && { tab: name }), ...(modelKey && { [modelKey]: model.name }), ...Object.fromEntries(written) };
  }

  // Writes what is shown now; `how` is "pushState" where the browser's back button is to lead back.
  function write(how = "replaceState", written = parts()) {
    shown = written;
    if (inSight()) writeAddress(how, shown);
  }

  const inSight = () => root.offsetParent !== null; // and not in a tab behind another

  // Sets some fields and asks for what they say.
  function set(values, how) {
    for (const [key, value] of Object.entries(values)) fields[key].set(value);
    if (how && shown) write(how);
    return ask();
  }

  // Opens the model of an address, sets all fields by it, and asks. What cannot be is said, and what can be is shown.
  async function restore(query) {
    const wanted = (modelKey && query.get(modelKey)) || models[0];
    const there = wanted === model?.name || (await open(wanted));
    if (there === null) return;
    if (!there) {
      const refusal = message.textContent;
      if (wanted === models[0] || !(await open(models[0]))) return;
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

  // Samples.

  const ask = latestOnly(async (superseded) => {
    if (!model) return;
    const [of, asked, written, first] = [model, state(), parts(), untried];
    untried = false;
    try {
      const answer = await tab.request(asked);
      if (of !== model) return; // another model was opened meanwhile, and asked
      if (answer?.error) {
        tell(answer.error);
        tab.failed?.(asked);
        if (!first || answer.unreachable) return;
        notice = answer.error;
        for (const field of Object.values(fields)) field.reset();
        return void ask();
      }
      tell(notice);
      notice = "";
      root.classList.remove("waiting");
      if (answer) await tab.render(answer, asked, superseded);
      write("replaceState", written);
    } catch (error) {
      console.error(error);
      tell(say("failed"));
    }
  });

  // In sight and out of it.

  // The address that the page was opened with, if it is this tab's; of another tab's, what the two have in common.
  function addressToRestore() {
    const before = new URL(window.location.href).searchParams;
    if (!model && tabOf(openedWith) === name) return openedWith;
    return new URLSearchParams(related.includes(tabOf(before)) && before.has("model") ? { model: before.get("model") } : {});
  }

  let restoring = null;
  async function turnTo() {
    if (tab.turnedTo) return tab.turnedTo();
    if (model) return shown && write("replaceState", shown);
    restoring ??= restore(addressToRestore()).finally(() => (restoring = null));
  }

  let wasInSight = false;
  new ResizeObserver(() => {
    const before = wasInSight;
    wasInSight = inSight();
    if (wasInSight && !before) turnTo();
    if (!wasInSight && before) tab.turnedFrom?.();
    layout();
  }).observe(root);
  const layout = () => model && inSight() && tab.layout?.(model);
  window.addEventListener("resize", layout);

  window.addEventListener("popstate", () => {
    const query = new URL(window.location.href).searchParams;
    if (tabOf(query) !== name) return;
    const same = shown && Object.entries(shown).every(([key, value]) => (query.get(key) ?? "") === String(value ?? ""));
    document.getElementById(`${name}-tab-button`).click();
    if (!same) restore(query);
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=range]), textarea, select, [role=listbox], [role=tablist]");
    if (!typing && model && inSight() && !event.metaKey && !event.ctrlKey && !event.altKey) tab.keydown?.(event);
  });

  // The usual order of a tab: a stage with a bar of tools, the message and the samples; beside it the controls.
  function arrange({ bar, stage, controls, facts = [] }) {
    root.classList.add("sided");
    root.append(
      make("div", { class: "stage" }, make("div", { class: "bar" }, ...bar), message, ...stage),
      make("div", { class: "controls" }, modelBox, ...controls, make("div", { class: "about" }, panel, ...facts.map((fact) => fact.box)), hubRow(openAndAsk)));
  }

  root.classList.add("waiting");
  return { arrange, message, modelBox, tell, offer, open, openAndAsk, ask, set, state, restore,
    // Writes the address after a change that needs no samples.
    write: (how) => shown && write(how),
     addressToRestore, inSight, layout, get model() { return model; },
    link: copyButton("copy", say("copy"), say("copied"), () => window.location.href) };

  // A field that opens a model of the Hub, or of this machine's folders where the registry allows them.
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
        // What became of it stands above, and the field is at the end of a long column.
        (done ? root : message).scrollIntoView({ block: done ? "start" : "nearest" });
      } finally {
        button.disabled = false;
        button.textContent = say("load");
      }
    }
    return make("div", { class: "row hub" }, labelled(say("hub"), input), button);
  }
}

const FIRST_TAB = "pictures"; // an address without `tab` is this one's
const tabOf = (query) => query.get("tab") || FIRST_TAB;

// A line of the panel beside the samples.
function fact(name) {
  const value = make("dd");
  return { box: make("dl", {}, make("dt", { text: say(name) }), value), set: (text) => (value.textContent = text) };
}

const onSlider = (event) => Boolean(event.target.closest?.("input[type=range]"));
