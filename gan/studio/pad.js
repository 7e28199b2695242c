// A pad: two directions of a model under one finger. Defines `directionsPad`. After common.js and fields.js.

// `get(name)` and `set(name, strength)` are about a direction; `moved` is called once two have been set, `settled` when the
// finger is lifted, `turned` when other directions are chosen.
function directionsPad({ get, set, moved, settled, turned }) {
  const [STEP, STICKY] = [0.05, 0.03]; // of a strength; share of a range within which the middle holds the finger
  let directions = []; // {name, title, range}
  const axis = (title, k) => make("select", { "aria-label": title, onchange: () => (keepApart(k), show(), turned()) });
  const axes = [axis(t("pad_across"), 0), axis(t("pad_up"), 1)];
  let shown = ["", ""]; // the names of both when they were last shown
  const [dot, across, up] = ["dot", "across", "up"].map((name) => make("i", { class: name }));
  const values = [make("span", { class: "x" }), make("span", { class: "y" })];
  const plane = make("div", { class: "plane", tabindex: "0", role: "application", title: t("pad_info") }, across, up, ...values, dot);
  const box = make("div", { class: "latent-pad" }, plane, make("div", { class: "axes" }, labelled("→", axes[0]), labelled("↑", axes[1])));

  const chosen = () => axes.map((select) => directions.find(({ name }) => name === select.value));
  const share = (value, [min, max]) => (value - min) / (max - min);

  // The other axis takes what this one had, where the user has chosen the same for both.
  function keepApart(k) {
    if (axes[0].value === axes[1].value) axes[1 - k].value = shown[k];
  }

  // The place of the point, and what it says.
  function show() {
    shown = axes.map((select) => select.value);
    const pair = chosen();
    if (!pair[0] || !pair[1]) return;
    pair.forEach(({ name, title, range }, k) => {
      const strength = get(name);
      plane.style.setProperty(k ? "--y" : "--x", share(strength, range));
      plane.style.setProperty(k ? "--zero-y" : "--zero-x", share(Math.min(Math.max(0, range[0]), range[1]), range));
      values[k].textContent = `${title} ${signedStrength(strength)}`;
    });
    plane.setAttribute("aria-label", t("pad_name", { x: values[0].textContent, y: values[1].textContent }));
  }

  function place(shares) {
    chosen().forEach(({ name, range: [min, max] }, k) => {
      const held = Math.min(1, Math.max(0, shares[k]));
      const zero = share(0, [min, max]);
      const strength = Math.abs(held - zero) < STICKY ? 0 : min + held * (max - min);
      set(name, Number((Math.round(strength / STEP) * STEP).toFixed(2)));
    });
    show();
    moved();
  }

  function at(event) {
    const { left, top, width, height } = plane.getBoundingClientRect();
    place([(event.clientX - left) / width, 1 - (event.clientY - top) / height]);
  }

  const toMiddle = () => (place(chosen().map(({ range }) => share(0, range))), settled());

  plane.onpointerdown = (event) => {
    if (event.button) return;
    plane.setPointerCapture(event.pointerId);
    at(event);
  };
  plane.onpointermove = (event) => plane.hasPointerCapture(event.pointerId) && at(event);
  plane.onlostpointercapture = () => settled();
  plane.ondblclick = toMiddle;
  plane.onkeydown = (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key] ?? [0, 0];
    if (["0", "Delete", "Backspace"].includes(event.key)) toMiddle();
    else if (!x && !y) return;
    else place(chosen().map(({ name, range: [min, max] }, k) => share(get(name) + (k ? y : x) * Math.max(STEP, (max - min) / 24), [min, max])));
    event.preventDefault();
  };
  plane.onkeyup = (event) => event.key.startsWith("Arrow") && settled();

  // The directions of another model; those that are chosen stay where it has them.
  function fill(found) {
    const before = axes.map((select) => select.value);
    directions = found;
    for (const select of axes) select.replaceChildren(...directions.map(({ name, title }) => make("option", { value: name, text: title })));
    choose(before);
  }

  const usual = (k) => directions[k]?.name ?? "";

  // An axis gets its usual direction where there is none of the name that is asked for, and both where they would be one.
  function choose(asked) {
    const names = axes.map((_, k) => (directions.some(({ name }) => name === asked[k]) ? asked[k] : usual(k)));
    axes.forEach((select, k) => (select.value = names[0] === names[1] ? usual(k) : names[k]));
    show();
  }

  return {
    box, fill, show,
    names: () => axes.map((select) => select.value),
    isUsual: () => axes.every((select, k) => select.value === usual(k)),
    choose,
  };
}

const signedStrength = (value) => `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value).toFixed(2)}`;
