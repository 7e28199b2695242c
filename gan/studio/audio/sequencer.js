// A step sequencer: a bar of sixteen steps that plays the pads. Defines `soundSequencer`. After common.js, playback.js and
// pads.js.

// `changed` is called whenever the pattern or the tempo is another.
function soundSequencer(player, pads, changed) {
  const COUNT = 16;
  const [AHEAD, EVERY] = [0.12, 30]; // seconds that are scheduled ahead; milliseconds between two schedulings
  const DRUMS = [[/kick|bass/i, 0b1000001010000000], [/snare|clap/i, 0b0000100000001000], [/hat/i, 0b1010101010101010]];
  let rows = pads.pads.map(() => 0); // of each pad its steps, the first one in the highest bit
  let suggested = ""; // the pattern that the kit began with
  let timer = 0;
  let next = { step: 0, time: 0 };
  let scheduled = []; // steps that are still to be lit

  const run = make("button", { type: "button", onclick: () => (timer ? stop() : start()) });
  const clear = make("button", { type: "button", text: t("clear"), onclick: () => ((rows = rows.map(() => 0)), show()) });
  const steps = Array.from({ length: COUNT }, (_, k) => make("button", {
    type: "button", class: "step", onclick: () => ((rows[pads.chosen().index] ^= bit(k)), show()),
  }));
  const tempoValue = make("output");
  const tempo = make("input", { type: "range", min: 60, max: 180, step: 1, value: 104, "aria-label": t("tempo"), oninput: () => show() });
  const name = make("b");
  const bar = make("section", { class: "sequencer", "aria-label": t("beat") },
    make("div", { class: "row" }, run, name, make("label", { class: "tempo" }, make("span", { text: t("tempo") }), tempo, tempoValue), clear),
    make("div", { class: "steps" }, ...steps));
  run.textContent = t("play_beat");

  const bit = (step) => 1 << (COUNT - 1 - step);

  function show() {
    const pad = pads.chosen();
    name.textContent = [t("pad", { number: pad.index + 1 }), pad.clip?.label].filter(Boolean).join(" · ");
    steps.forEach((step, k) => {
      step.setAttribute("aria-pressed", String(Boolean(rows[pad.index] & bit(k))));
      step.setAttribute("aria-label", t("step", { number: k + 1 }));
    });
    tempoValue.textContent = tempo.value;
    tempo.style.setProperty("--share", (tempo.value - tempo.min) / (tempo.max - tempo.min));
    pads.pads.forEach((one) => one.box.classList.toggle("used", rows[one.index] > 0));
    changed();
  }

  // A pattern for a new kit: on the first pads that are called as the parts of a drum kit are.
  function suggest() {
    rows = rows.map(() => 0);
    for (const [called, row] of DRUMS) {
      const pad = pads.pads.find((one) => called.test(one.label || ""));
      if (pad) rows[pad.index] = row;
    }
    if (rows.every((row) => !row)) rows[0] = 0b1000100010001000;
    suggested = pattern();
  }

  function start() {
    player.wake();
    next = { step: 0, time: player.now() + 0.06 };
    timer = setInterval(schedule, EVERY);
    run.textContent = t("stop_beat");
    schedule();
    requestAnimationFrame(light);
  }

  // Clips are started by the clock of the sound card, a little ahead; the timer only has to come often enough.
  function schedule() {
    while (next.time < player.now() + AHEAD) {
      next.time = Math.max(next.time, player.now()); // steps that a busy browser missed are not made up for
      for (const pad of pads.pads) if (rows[pad.index] & bit(next.step)) pads.play(pad, next.time);
      scheduled.push({ ...next });
      next = { step: (next.step + 1) % COUNT, time: next.time + 15 / Number(tempo.value) };
    }
  }

  function light() {
    while (scheduled.length && scheduled[0].time <= player.now()) {
      const { step } = scheduled.shift();
      steps.forEach((button, k) => button.classList.toggle("now", k === step));
    }
    if (timer) requestAnimationFrame(light);
    else steps.forEach((button) => button.classList.remove("now"));
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    scheduled = [];
    run.textContent = t("play_beat");
    player.stopAll();
  }

  // As an address says it, such as "1-8280_5-0808": pads and their steps in hexadecimal digits.
  const pattern = () => rows.map((row, k) => row && `${k + 1}-${row.toString(16).padStart(4, "0")}`).filter(Boolean).join("_") || "0";

  function read(text) {
    rows = rows.map(() => 0);
    for (const [, pad, row] of text.matchAll(/(\d+)-([0-9a-f]{4})/g)) if (rows[pad - 1] !== undefined) rows[pad - 1] = parseInt(row, 16);
  }

  return {
    bar, show, suggest, stop, pattern, read,
    reset: () => read(suggested),
    changed: () => pattern() !== suggested,
    plays: () => timer > 0, toggle: () => (timer ? stop() : start()),
    tempo: () => Number(tempo.value), setTempo: (value) => (tempo.value = value),
  };
}
