// Texts as they are being written: each token in the colour of the critic's opinion, and below what is known of them.
// Given: common.js. Makes `sampleSheet`.

const STOP = /[，。！？；]$/; // where a line of Chinese verse ends
const FULL = 1; // nats of opinion that have the full colour

function sampleSheet(root) {
  const tip = make("div", { class: "tip", role: "tooltip", hidden: true });
  const list = make("div", { class: "samples" });
  const facts = new WeakMap(); // of a token's element
  let samples = [];
  let verse = false;

  function makeSample() {
    const words = make("p", { class: "words" });
    const seed = make("b");
    const [label, likelihood, opinion] = [make("span"), make("span", { title: say("likelihood_title") }), make("span", { title: say("opinion_title") })];
    const sample = { words, seed, label, likelihood, opinion, tokens: [], ended: false };
    const copy = iconButton("copies", say("copy_text"), async () => {
      try {
        await navigator.clipboard.writeText(textOf(sample));
        flash(copy, say("text_copied"));
      } catch {
        flash(copy, say("failed"));
      }
    });
    const keep = iconButton("save", say("save_text"), () => saveText(textOf(sample), `seed-${sample.number}`));
    sample.box = make("article", { class: "sample" }, words,
      make("footer", {}, make("div", { class: "facts" }, seed, label, likelihood, opinion), make("div", { class: "do" }, copy, keep)));
    return sample;
  }

  // A fresh start: so many texts from this seed on. What was there fades, and is written over token by token.
  function begin(seed, count, isVerse) {
    verse = isVerse;
    list.classList.toggle("verse", verse);
    list.classList.toggle("alone", count === 1);
    while (samples.length > count) samples.pop().box.remove();
    while (samples.length < count) samples.push(makeSample()), list.append(samples.at(-1).box);
    samples.forEach((sample, k) => {
      Object.assign(sample, { tokens: [], ended: false, number: seed + k });
      for (const token of sample.words.children) token.classList.add("old");
      sample.words.setAttribute("aria-busy", "true");
    });
    tip.hidden = true;
  }

  // Adds what an answer brought. Samples are in the order of their seeds; those that wait for their turn aren't in it.
  function add(brought) {
    brought.forEach(({ label, tokens }, k) => {
      const sample = samples[k];
      for (const token of tokens) write(sample, token);
      sample.seed.textContent = say("one_seed", { first: sample.number });
      sample.label.textContent = label || "";
      tell(sample);
      if (sample.ended) finish(sample);
    });
  }

  function write(sample, [piece, likelihood, opinion]) {
    const index = sample.tokens.push({ piece, likelihood, opinion }) - 1;
    let token = sample.words.children[index];
    if (!token) sample.words.append((token = make("span", {}, make("mark"))));
    const mark = token.lastChild;
    const [space, word] = piece === null ? ["", ""] : piece.match(/^(\s*)([^]*)$/).slice(1);
    token.replaceChildren(space, mark);
    mark.textContent = word;
    token.className = piece === null ? "token end" : verse && STOP.test(piece) ? "token stop" : "token";
    if (piece === null && index) sample.words.children[index - 1].classList.remove("stop");
    mark.className = opinion === null ? "" : opinion < 0 ? "less" : "more";
    mark.style.setProperty("--much", Math.min(1, Math.abs(opinion || 0) / FULL).toFixed(3));
    facts.set(mark, { piece, likelihood, opinion });
    if (piece === null) sample.ended = true;
  }

  function finish(sample) {
    while (sample.words.childElementCount > sample.tokens.length) sample.words.lastChild.remove();
    sample.words.setAttribute("aria-busy", "false");
  }

  function end() {
    for (const sample of samples) finish(sample);
  }

  function tell(sample) {
    const count = sample.tokens.length;
    const sum = (key) => sample.tokens.reduce((total, token) => total + token[key], 0);
    sample.likelihood.textContent = count ? `${signed(sum("likelihood") / count, false)} ${say("per_token")}` : "";
    const judged = count && sample.tokens[0].opinion !== null;
    sample.opinion.textContent = judged ? `${say("opinion")} ${signed(sum("opinion"), true)}` : "";
    sample.opinion.className = judged && Math.abs(sum("opinion")) >= 0.05 ? (sum("opinion") < 0 ? "less" : "more") : "";
  }

  // As they are read: verse with its lines.
  function textOf(sample) {
    const pieces = sample.tokens.map((token) => token.piece ?? "");
    return (verse ? pieces.map((piece) => piece.replace(STOP, "$&\n")) : pieces).join("").trim();
  }

  function saveText(text, name) {
    const url = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain;charset=utf-8" }));
    save(url, `${sheet.model.split("/").pop().replace(/[^\p{L}\p{N}_.-]+/gu, "-")}_${name}.txt`);
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }

  function saveAll() {
    const texts = samples.map(textOf);
    const [first, last] = [samples[0].number, samples.at(-1).number];
    saveText(texts.join(texts.some((text) => text.includes("\n")) ? "\n\n" : "\n"), first === last ? `seed-${first}` : `seeds-${first}-${last}`);
  }

  const likely = (p) => (p >= 0.1 ? `${Math.round(100 * p)} %` : p >= 0.001 ? `${(100 * p).toFixed(1)} %` : "< 0.1 %");

  function point(event) {
    const mark = event.target.closest?.("mark");
    const fact = facts.get(mark);
    tip.hidden = !fact || mark.parentElement.classList.contains("old");
    if (tip.hidden) return;
    const lines = [make("b", { text: fact.piece === null ? say("end_token") : fact.piece.trim() }),
      make("span", { text: say("token_title", { probability: likely(Math.exp(fact.likelihood)) }) })];
    if (fact.opinion !== null) lines.push(make("span", { text: say("token_opinion", { opinion: signed(fact.opinion, true, 2) }) }));
    tip.replaceChildren(...lines);
    const [at, of] = [mark.getBoundingClientRect(), root.getBoundingClientRect()];
    const left = at.left + at.width / 2 - of.left - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(of.width - tip.offsetWidth, left))}px`;
    tip.style.top = `${at.top - of.top - tip.offsetHeight - 6}px`;
  }
  list.onpointerover = list.onpointerdown = point;
  list.onpointerleave = () => (tip.hidden = true);
  root.append(tip);

  const sheet = { list, model: "", begin, add, end, saveAll, count: () => samples.reduce((total, sample) => total + sample.tokens.length, 0) };
  return sheet;
}

// A number with a proper minus, and a plus where it matters.
function signed(number, plus, digits = 1) {
  const text = Math.abs(number).toFixed(plus ? digits : 2);
  return Number(text) === 0 ? text : (number < 0 ? "−" : plus ? "+" : "") + text;
}
