// A sheet of clips: each with its picture, which plays when it is clicked, its seed and class, and its file. Defines
// `clipCard` and `clipSheet`. After common.js, playback.js and spectrogram.js.

// A clip on the page: `show(clip)` gives it another sound.
function clipCard(root, player) {
  const picture = soundPicture(root);
  const face = make("div", { class: "face", onclick: () => card.play() }, picture.box);
  const go = iconButton("play", t("play_clip"), () => (player.plays(card) ? player.stop(card) : card.play()));
  const [seed, label] = [make("b"), make("span")];
  const keep = iconButton("save", t("save_wav"), () => saveBytes(card.clip.wav, "audio/wav", card.clip.file));
  const box = make("article", { class: "clip" }, face, make("footer", {}, go, make("div", { class: "facts" }, seed, label), keep));
  const card = {
    box, picture, clip: null,
    play: (after) => player.only(card, picture.buffer(), after),
    show(clip) {
      player.stop(card);
      card.clip = clip;
      picture.show(readWav(clip.wav));
      seed.textContent = t("one_seed", { first: clip.seed });
      label.textContent = clip.label || "";
      go.setAttribute("aria-label", [t("play_clip"), seed.textContent, clip.label].filter(Boolean).join(", "));
    },
    starts: () => (box.classList.add("playing"), setIcon(go, "stop")),
    at: picture.at,
    ends: () => (box.classList.remove("playing"), setIcon(go, "play")),
  };
  return card;
}

// As many as are asked for, as large as all of them are in sight.
function clipSheet(root, player) {
  const list = make("div", { class: "clips" });
  const cards = [];

  function show(clips) {
    while (cards.length > clips.length) player.stop(cards.at(-1)), cards.pop().box.remove();
    while (cards.length < clips.length) cards.push(clipCard(root, player)), list.append(cards.at(-1).box);
    layout();
    clips.forEach((clip, k) => cards[k].show(clip));
  }

  function layout() {
    if (!cards.length || !list.clientWidth) return;
    const most = Math.max(1, Math.floor((list.clientWidth + 20) / (onPhone() ? 160 : 200)));
    const columns = [1, 2, 3, 4, 5, 6].filter((k) => k <= Math.min(most, cards.length)).sort((a, b) => worth(b) - worth(a))[0];
    const rows = Math.ceil(cards.length / columns);
    const room = onPhone() ? 0.46 * visibleHeight() : visibleHeight() - (list.getBoundingClientRect().top + window.scrollY) - 56;
    const face = Math.floor((room - (rows - 1) * 18) / rows - 44);
    list.style.setProperty("--columns", columns);
    list.style.setProperty("--face", `${Math.max(onPhone() ? 84 : 116, Math.min(face, onPhone() ? 180 : 420))}px`);
  }

  // Best are full rows, and about as many columns as suits wide pictures.
  const worth = (columns) => -Math.abs(columns - Math.sqrt(2 * cards.length)) - (cards.length % columns ? 1 : 0);

  // One after the other; again, and they stop.
  function playAll() {
    if (cards.some((card) => player.plays(card))) return player.stopAll();
    const next = (k) => k < cards.length && cards[k].play(() => next(k + 1));
    next(0);
  }

  const playFirst = () => cards[0]?.play();

  return { list, show, layout, playAll, playFirst, paint: () => cards.forEach((card) => card.picture.paint()), paintWaves: () => cards.forEach((card) => card.picture.paintWave()) };
}
