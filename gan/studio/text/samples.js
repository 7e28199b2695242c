// Texts while they are written: each token in the colour of the critic's score, and below them their seeds, classes and
// likelihoods. Defines `sampleSheet`. After common.js.

const VERSE_END = /[，。！？；]$/; // where a line of Chinese verse ends
const FULL_COLOUR = 1; // nats of score

// `actions`, {icon, title, act(seed)}, are buttons of each text where the model has a latent.
function sampleSheet(root, actions) {
  const tip = make("div", { class: "tip", role: "tooltip", hidden: true });
  const list = make("div", { class: "samples" });
  const facts = new WeakMap(); // of a token's element
  let samples = [];
  let model = "";
  let verse = false; // one line of it a line

  function makeSample() {
    const words = make("p", { class: "words" });
    const seed = make("b");
    const [label, likelihood, score] = [make("span"), make("span", { title: t("likelihood_title") }), make("span", { title: t("score_title") })];
    const sample = { words, seed, label, likelihood, score, tokens: [], ended: false };
    const copy = copyButton("copies", t("copy_text"), t("text_copied"), () => textOf(sample));
    const keep = iconButton("save", t("save_text"), () => saveText(textOf(sample), `seed-${sample.number}`));
    const buttons = actions.map(({ icon, title, act }) => {
      const button = iconButton(icon, title, () => act(sample.number));
      button.classList.add("of-latent");
      return button;
    });
    sample.box = make("article", { class: "sample" }, words,
      make("footer", {}, make("div", { class: "facts" }, seed, label, likelihood, score), make("div", { class: "do" }, ...buttons, copy, keep)));
    return sample;
  }

  // Makes room for the texts of a state. What was there fades, and is written over token by token.
  function begin({ model: name, seed, num_samples: count }, isVerse) {
    [model, verse] = [name, isVerse];
    list.classList.toggle("verse", verse);
    list.classList.toggle("single", count === 1);
    while (samples.length > count) samples.pop().box.remove();
    while (samples.length < count) samples.push(makeSample()), list.append(samples.at(-1).box);
    samples.forEach((sample, k) => {
      Object.assign(sample, { tokens: [], ended: false, number: seed + k });
      for (const token of sample.words.children) token.classList.add("old");
      sample.words.setAttribute("aria-busy", "true");
    });
    tip.hidden = true;
  }

  // Adds the tokens of an answer: of each sample those that are new, in the order of seeds; samples that wait in the queue
  // are missing at the end.
  function add(answered) {
    answered.forEach(({ label, tokens }, k) => {
      const sample = samples[k];
      for (const token of tokens) write(sample, token);
      sample.seed.textContent = t("one_seed", { first: sample.number });
      sample.label.textContent = label || "";
      showFacts(sample);
      if (sample.ended) finish(sample);
    });
  }

  function write(sample, [piece, likelihood, score]) {
    const index = sample.tokens.push({ piece, likelihood, score }) - 1;
    let token = sample.words.children[index];
    if (!token) sample.words.append((token = make("span", {}, make("mark"))));
    const mark = token.lastChild;
    const [space, word] = piece === null ? ["", ""] : piece.match(/^(\s*)([^]*)$/).slice(1);
    token.replaceChildren(space, mark);
    mark.textContent = word;
    token.className = piece === null ? "token end" : verse && VERSE_END.test(piece) ? "token stop" : "token";
    if (piece === null && index) sample.words.children[index - 1].classList.remove("stop");
    mark.className = score === null ? "" : score < 0 ? "less" : "more";
    mark.style.setProperty("--much", Math.min(1, Math.abs(score || 0) / FULL_COLOUR).toFixed(3));
    facts.set(mark, { piece, likelihood, score });
    if (piece === null) sample.ended = true;
  }

  function finish(sample) {
    while (sample.words.childElementCount > sample.tokens.length) sample.words.lastChild.remove();
    sample.words.setAttribute("aria-busy", "false");
  }

  function end() {
    for (const sample of samples) finish(sample);
  }

  function showFacts(sample) {
    const count = sample.tokens.length;
    const sum = (key) => sample.tokens.reduce((total, token) => total + token[key], 0);
    sample.likelihood.textContent = count ? `${signed(sum("likelihood") / count, false)} ${t("per_token")}` : "";
    const hasScore = count && sample.tokens[0].score !== null;
    sample.score.textContent = hasScore ? `${t("score")} ${signed(sum("score"), true)}` : "";
    sample.score.className = hasScore && Math.abs(sum("score")) >= 0.05 ? (sum("score") < 0 ? "less" : "more") : "";
  }

  // As they are read: verse with its lines.
  function textOf(sample) {
    const pieces = sample.tokens.map((token) => token.piece ?? "");
    return (verse ? pieces.map((piece) => piece.replace(VERSE_END, "$&\n")) : pieces).join("").trim();
  }

  const saveText = (text, name) => saveBlob(`${text}\n`, "text/plain;charset=utf-8", `${fileStem(model)}_${name}.txt`);

  function saveAll() {
    if (!samples.length) return;
    const texts = samples.map(textOf);
    const [first, last] = [samples[0].number, samples.at(-1).number];
    saveText(texts.join(texts.some((text) => text.includes("\n")) ? "\n\n" : "\n"), first === last ? `seed-${first}` : `seeds-${first}-${last}`);
  }

  const percent = (p) => (p >= 0.1 ? `${Math.round(100 * p)} %` : p >= 0.001 ? `${(100 * p).toFixed(1)} %` : "< 0.1 %");

  // What is known of the token below the pointer.
  function showTip(event) {
    const mark = event.target.closest?.("mark");
    const fact = facts.get(mark);
    tip.hidden = !fact || mark.parentElement.classList.contains("old");
    if (tip.hidden) return;
    const lines = [make("b", { text: fact.piece === null ? t("end_token") : fact.piece.trim() }),
      make("span", { text: t("token_title", { probability: percent(Math.exp(fact.likelihood)) }) })];
    if (fact.score !== null) lines.push(make("span", { text: t("token_score", { score: signed(fact.score, true, 2) }) }));
    tip.replaceChildren(...lines);
    const [at, of] = [mark.getBoundingClientRect(), root.getBoundingClientRect()];
    const left = at.left + at.width / 2 - of.left - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(of.width - tip.offsetWidth, left))}px`;
    tip.style.top = `${at.top - of.top - tip.offsetHeight - 6}px`;
  }
  list.onpointerover = list.onpointerdown = showTip;
  list.onpointerleave = () => (tip.hidden = true);
  root.append(tip);

  return { list, begin, add, end, saveAll, count: () => samples.reduce((total, sample) => total + sample.tokens.length, 0) };
}

// A number with a proper minus, and a plus where it matters.
function signed(number, plus, digits = 1) {
  const text = Math.abs(number).toFixed(plus ? digits : 2);
  return Number(text) === 0 ? text : (number < 0 ? "−" : plus ? "+" : "") + text;
}
