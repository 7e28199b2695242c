// The interpolation between two seeds. The server sends all of its clips at once, so that moving along it asks nobody.
// Defines `soundInterpolation`. After common.js, fields.js, playback.js and spectrogram.js.

// `seeds` are the fields of the two ends; `moved` is called whenever another clip is chosen.
function soundInterpolation(root, player, { seeds, moved }) {
  const FILM = 9; // pictures of the film strip
  let clips = []; // {wav, label, file}, each with its buffer
  let place = 0.5; // 0 at A, 1 at B
  let autoplay = false;

  const picture = soundPicture(root);
  const centre = {
    starts: () => between.classList.add("playing"),
    at: picture.at,
    ends: () => between.classList.remove("playing"),
  };
  const step = () => Math.round(place * (clips.length - 1));
  const slider = make("input", {
    type: "range", min: 0, max: 1, step: "any", class: "interpolation", "aria-label": t("interpolation_slider"),
    oninput: () => (pause(), go(Number(slider.value))),
    onchange: () => sound(),
    onkeydown: (event) => {
      const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      pause();
      go((step() + move) / (clips.length - 1));
      sound();
    },
  });
  const film = make("div", { class: "film" });
  const frames = Array.from({ length: FILM }, (_, k) => {
    const frame = soundPicture(root);
    film.append(make("button", { type: "button", tabindex: "-1", "aria-hidden": "true", onclick: () => (pause(), go(k / (FILM - 1)), sound()) }, frame.box));
    return frame;
  });
  const caption = make("div", { class: "caption", "aria-live": "polite" });
  const play = make("button", { type: "button", text: t("play_clip"), onclick: () => (pause(), sound()) });
  const auto = make("button", { type: "button", text: t("play_interpolation"), onclick: () => (autoplay ? pause() : playThrough()) });
  const between = make("section", { class: "between" },
    make("div", { class: "face", onclick: () => (pause(), sound()) }, picture.box), caption,
    make("div", { class: "track" }, make("b", { text: "A" }), slider, make("b", { text: "B" })), film,
    make("div", { class: "row" }, play, auto));
  const ends = ["A", "B"].map(makeEnd);
  const panes = make("div", { class: "panes" }, ends[0].pane, between, ends[1].pane);

  function makeEnd(name, index) {
    const picture = soundPicture(root);
    const label = make("span");
    const end = {
      picture, label,
      starts: () => pane.classList.add("playing"), at: picture.at, ends: () => pane.classList.remove("playing"),
    };
    const pane = make("section", { class: "end", "aria-label": name },
      make("header", {}, make("b", { text: name }), label),
      make("div", { class: "face", onclick: () => (pause(), player.only(end, picture.buffer())) }, picture.box),
      seeds[index].box);
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
    slider.setAttribute("aria-valuetext", t("interpolation_place", { share: Math.round(100 * place) }));
    const clip = clips[step()];
    if (!clip || clip.buffer === picture.buffer()) return;
    picture.show(clip.buffer);
    caption.textContent = [`${Math.round((100 * step()) / (clips.length - 1))} %`, clip.label].filter(Boolean).join(" · ");
    moved();
  }

  const sound = () => player.only(centre, clips[step()].buffer);

  // Every other clip from here to B, one after another.
  function playThrough() {
    auto.textContent = t("stop_clip");
    autoplay = true;
    const from = place < 1 ? 2 * Math.ceil(step() / 2) : 0;
    const next = (k) => {
      if (!autoplay || k >= clips.length) return pause();
      go(k / (clips.length - 1));
      player.only(centre, clips[k].buffer, () => next(k + 2));
    };
    next(from);
  }

  function pause() {
    autoplay = false;
    auto.textContent = t("play_interpolation");
    player.stopAll();
  }

  const pictures = () => [picture, ...frames, ...ends.map((end) => end.picture)];
  return {
    panes, show, go, pause, sound,
    place: () => place,
    clip: () => clips[step()],
    paint: () => pictures().forEach((picture) => picture.paint()),
    paintWaves: () => pictures().forEach((picture) => picture.paintWave()),
  };
}
