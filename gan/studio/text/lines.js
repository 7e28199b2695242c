// Texts below one another to choose from, with the words marked that are others than above. Defines `markedWords` and
// `textLines`. After common.js.

// The words of a text as elements: those that `before` does not have at their place, in the longest common order, are marked.
function markedWords(text, before) {
  const split = (whole) => whole.match(/\p{Script=Han}|[\p{L}\p{N}'’-]+|\s+|./gu) ?? [];
  const [words, others] = [split(text), split(before)];
  const common = Array.from({ length: words.length + 1 }, () => new Array(others.length + 1).fill(0)); // of what is left
  for (let i = words.length - 1; i >= 0; i--) {
    for (let j = others.length - 1; j >= 0; j--) {
      common[i][j] = words[i] === others[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  let j = 0;
  return words.map((word, i) => {
    while (j < others.length && words[i] !== others[j] && common[i][j + 1] === common[i][j]) j += 1;
    const kept = words[i] === others[j];
    if (kept) j += 1;
    return kept || !word.trim() ? word : make("em", { text: word });
  });
}

// `choose(codes)` is called with the one that is to be gone on with; `names(k, count)` is what stands before a line.
function textLines({ choose, names = () => "" }) {
  let shown = [];
  const list = make("ol", { class: "lines" });

  // `compared`: whether what is new in a line, compared with the one above it, is marked.
  function show(lines, compared) {
    shown = lines;
    while (list.childElementCount > lines.length) list.lastChild.remove();
    while (list.childElementCount < lines.length) {
      const k = list.childElementCount;
      list.append(make("li", {}, make("button", { type: "button", class: "line", onclick: () => choose(shown[k].codes) }, make("i"), make("span"))));
    }
    lines.forEach(({ text }, k) => {
      const [name, words] = list.children[k].firstChild.children;
      name.textContent = names(k, lines.length);
      words.replaceChildren(...markedWords(text, compared && k ? lines[k - 1].text : text));
    });
  }

  return { box: list, show, texts: () => shown.map(({ text }) => text) };
}
