// Sixteen pads, each a class and a seed, decoded beforehand so that a touch is heard at once. Defines `soundPads`. After
// common.js, playback.js and spectrogram.js.

const KEYS = [..."1234qwerasdfzxcv"]; // where they lie on a keyboard is what counts, whatever is printed on them
const CODES = KEYS.map((key) => (/\d/.test(key) ? `Digit${key}` : `Key${key.toUpperCase()}`));

// `changed` is called when a pad needs another clip, `selected` with the chosen pad whenever that or what it is changes.
function soundPads(root, player, { changed, selected }) {
  const grid = make("div", { class: "pads" });
  const pads = KEYS.map(makePad);
  let chosen = pads[0];

  function makePad(key, index) {
    const picture = soundPicture(root);
    const [name, number] = [make("b"), make("small")];
    const hit = make("button", { type: "button", class: "hit", "aria-keyshortcuts": key,
      onpointerdown: (event) => event.button === 0 && play(pad),
      onclick: (event) => event.detail === 0 && play(pad), // by a key: a finger was heard when it came down
    }, picture.box, make("kbd", { text: key, "aria-hidden": "true" }), name, number);
    const dice = iconButton("dice", t("reroll"), () => reroll(pad));
    const lock = iconButton("unlock", t("lock"), () => setLock(pad, !pad.locked));
    const box = make("div", { class: "pad" }, hit, lock, dice);
    grid.append(box);
    const pad = {
      index, box, hit, name, number, lock, picture, label: null, seed: index, locked: false, clip: null,
      settings: "", // what its clip was made of, as JSON
      starts: () => box.classList.add("playing"), at: picture.at, ends: () => box.classList.remove("playing"),
    };
    return pad;
  }

  function play(pad, when) {
    if (when === undefined) choose(pad);
    if (pad.clip) player.play(pad, pad.picture.buffer(), when);
  }

  function choose(pad) {
    chosen.box.classList.remove("chosen");
    chosen = pad;
    pad.box.classList.add("chosen");
    selected(pad);
  }

  function reroll(pad) {
    pad.seed = randomSeed();
    pad.fresh = true; // to be heard when it is there
    choose(pad);
    changed();
  }

  function setLock(pad, locked) {
    pad.locked = locked;
    pad.box.classList.toggle("locked", locked);
    pad.lock.setAttribute("aria-pressed", String(locked));
    setIcon(pad.lock, locked ? "lock" : "unlock");
    pad.lock.title = t(locked ? "unlock" : "lock");
    selected(chosen);
  }

  // The kit of a seed: pad k has seed + k. Those that are locked stay.
  function lay(seed) {
    for (const pad of pads) if (!pad.locked) pad.seed = seed + pad.index;
    selected(chosen);
  }

  // The pads whose clip isn't that of their class, their seed and the settings that all share.
  const missing = (shared) => pads.filter((pad) => pad.settings !== settingsOf(pad, shared));
  const settingsOf = (pad, shared) => JSON.stringify([pad.label, pad.seed, shared]);

  function show(requested, clips, shared) {
    requested.forEach(({ index, seed, label }, k) => {
      const pad = pads[index];
      const clip = clips[k];
      if (pad.seed !== seed || pad.label !== label) return; // the pad has been changed since
      player.stop(pad);
      pad.clip = clip;
      pad.settings = settingsOf(pad, shared);
      pad.picture.show(readWav(clip.wav));
      pad.name.textContent = clip.label || t("one_seed", { first: seed });
      pad.number.textContent = clip.label ? seed : "";
      pad.hit.setAttribute("aria-label", t("pad_title", { number: index + 1, label: clip.label || "", seed, key: KEYS[index] }));
      if (pad.fresh) play(pad);
      pad.fresh = false;
    });
    selected(chosen);
  }

  function press(event) {
    const index = CODES.indexOf(event.code);
    if (index < 0) return false;
    if (!event.repeat) play(pads[index]);
    return true;
  }

  return {
    grid, pads, choose, lay, reroll, setLock, missing, show, play, press,
    chosen: () => chosen,
    forget: () => pads.forEach((pad) => Object.assign(pad, { clip: null, settings: "" })),
    paint: () => pads.forEach((pad) => pad.picture.paint()),
    paintWaves: () => pads.forEach((pad) => pad.picture.paintWave()),
  };
}
