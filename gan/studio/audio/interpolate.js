// Two seeds and the way between them. The server sends all clips of the way at once, so that moving along it asks
// nobody. Given: common.js, audio.js, spectrogram.js. Makes `soundWay`.

function soundWay(root, player, { seeds, changed, moved }) {
  const FILM = 9; // pictures of the film strip
  let clips = []; // of the way: {wav, label, file}, each with its buffer
  let place = 0.5;
  let marching = 0;

  const picture = soundPicture(root);
  const centre = {
    starts: () => between.classList.add("playing"),
    at: picture.at,
    ends: () => between.classList.remove("playing"),
  };
  const step = () => Math.round(place * (clips.length - 1));
  const slider = make("input", {
    type: "range", min: 0, max: 1, step: "any", class: "way", "aria-label": say("interpolation_slider"),
    oninput: () => (rest(), go(Number(slider.value))),
    onchange: () => sound(),
    onkeydown: (event) => {
      const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      rest();
      go((step() + move) / (clips.length - 1));
      sound();
    },
  });
  const film = make("div", { class: "film" });
  const frames = Array.from({ length: FILM }, (_, k) => {
    const frame = soundPicture(root);
    film.append(make("button", { type: "button", tabindex: "-1", "aria-hidden": "true", onclick: () => (rest(), go(k / (FILM - 1)), sound()) }, frame.box));
    return frame;
  });
  const caption = make("div", { class: "caption", "aria-live": "polite" });
  const play = make("button", { type: "button", class: "main", text: say("play_clip"), onclick: () => (rest(), sound()) });
  const march = make("button", { type: "button", text: say("play_interpolation"), onclick: () => (marching ? rest() : walk()) });
  const between = make("section", { class: "between" },
    make("div", { class: "face", onclick: () => (rest(), sound()) }, picture.box), caption,
    make("div", { class: "track" }, make("b", { text: "A" }), slider, make("b", { text: "B" })), film,
    make("div", { class: "row" }, play, march));
  const ends = ["A", "B"].map(makeEnd);
  const panes = make("div", { class: "panes" }, ends[0].pane, between, ends[1].pane);

  function makeEnd(name, index) {
    const picture = soundPicture(root);
    const label = make("span");
    const seed = make("input", { type: "number", min: 0, max: limits.seed, step: 1, value: seeds[index], "aria-label": `${say("seed")} ${name}`,
      oninput: () => seed.value !== "" && changed() });
    const shuffle = make("button", { type: "button", text: say("dice"), onclick: () => ((seed.value = Math.floor(Math.random() * 1e6)), changed()) });
    const end = {
      picture, label, seed,
      starts: () => pane.classList.add("playing"), at: picture.at, ends: () => pane.classList.remove("playing"),
    };
    const pane = make("section", { class: "end", "aria-label": name },
      make("header", {}, make("b", { text: name }), label),
      make("div", { class: "face", onclick: () => (rest(), player.only(end, picture.buffer())) }, picture.box),
      make("div", { class: "row" }, seed, shuffle));
    return Object.assign(end, { pane });
  }

  function show(found) {
    clips = found.map((clip) => ({ ...clip, buffer: readWav(clip.wav) }));
    ends.forEach((end, k) => {
      const clip = clips.at(k ? -1 : 0);
      end.picture.show(clip.buffer);
      end.label.textContent = clip.label || "";
    });
    frames.forEach((frame, k) => frame.show(clips[Math.round((k / (FILM - 1)) * (clips.length - 1))].buffer));
    go(place);
  }

  function go(share) {
    place = Math.min(1, Math.max(0, share));
    slider.value = place;
    slider.style.setProperty("--share", place);
    slider.setAttribute("aria-valuetext", say("interpolation_place", { share: Math.round(100 * place) }));
    const clip = clips[step()];
    if (!clip || clip.buffer === picture.buffer()) return;
    picture.show(clip.buffer);
    caption.textContent = [`${Math.round((100 * step()) / (clips.length - 1))} %`, clip.label].filter(Boolean).join(" · ");
    moved();
  }

  const sound = () => player.only(centre, clips[step()].buffer);

  // From A to B, a clip after the other, every other of them.
  function walk() {
    march.textContent = say("stop_clip");
    marching = 1;
    const from = place < 1 ? 2 * Math.ceil(step() / 2) : 0;
    const next = (k) => {
      if (!marching || k >= clips.length) return rest();
      go(k / (clips.length - 1));
      player.only(centre, clips[k].buffer, () => next(k + 2));
    };
    next(from);
  }

  function rest() {
    marching = 0;
    march.textContent = say("play_interpolation");
    player.stopAll();
  }

  const pictures = () => [picture, ...frames, ...ends.map((end) => end.picture)];
  return {
    panes, show, go, rest, sound,
    seeds: () => ends.map((end) => Number(end.seed.value)),
    setSeeds: (values) => ends.forEach((end, k) => (end.seed.value = values[k])),
    place: () => place,
    clip: () => clips[step()],
    paint: () => pictures().forEach((picture) => picture.paint()),
    paintWaves: () => pictures().forEach((picture) => picture.paintWave()),
  };
}
