"""Metrics of texts that need no model: n-grams that are shared, repeated or copied.

Texts are lists of the model's tokens, without their ends.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from gan.text.tokenizer import END, IGNORED

ORDERS = (2, 3, 4, 5)  # of BLEU
MAX_ORDER = max(ORDERS)
Text = Sequence[int]


def as_lists(tokens: Tensor) -> list[list[int]]:
    """Texts of int64 (n, length), see `gan.text.data.Encoded`."""
    return [[token for token in row if token not in (IGNORED, END)] for row in tokens.tolist()]


def bleu(hypotheses: Sequence[Text], references: Sequence[Text]) -> dict[int, float]:
    """BLEU-2 to BLEU-5 (Papineni et al. 2002) of a corpus, by sacrebleu: every hypothesis against all references.

    Matches are counted over all hypotheses before they are divided, without smoothing: 0 where no n-gram of that order
    occurs in any reference. Averages of smoothed sentence scores, as in some papers, are higher.

    Returns:
        By order, from 0 to 1.
    """
    index = _Index(references)
    return _corpus_bleu(hypotheses, [index.sufficient(text, None) for text in hypotheses])


def self_bleu(texts: Sequence[Text], count: int | None = None) -> dict[int, float]:
    """BLEU of the first `count` texts against all of the texts but themselves (Zhu et al. 2018). At least two texts.

    The higher, the less diverse they are. Texygen counts a text among its own references, which this does not.
    """
    index = _Index(texts)
    hypotheses = texts[:count]
    return _corpus_bleu(hypotheses, [index.sufficient(text, number) for number, text in enumerate(hypotheses)])


def paired_bleu(hypotheses: Sequence[Sequence[Any]], references: Sequence[Sequence[Any]]) -> float:
    """BLEU-4 of a corpus, each text of tokens or words against its own reference: from 0 to 1."""
    return _corpus_bleu(hypotheses, [[reference] for reference in references])[4]


def distinct(texts: Sequence[Text], order: int) -> float:
    """Distinct-n (Li et al. 2016): the number of distinct n-grams, n = `order`, over the number of all.

    It falls with the number of texts: compare sets of one size only.
    """
    ngrams = [ngram for text in texts for ngram in _ngrams(text, order)]
    return len(set(ngrams)) / max(1, len(ngrams))


def copied(texts: Sequence[Text], training: Sequence[Text]) -> float:
    """The share of texts that are training texts, token for token."""
    known = set(map(tuple, training))
    return sum(tuple(text) in known for text in texts) / max(1, len(texts))


def longest_copied_runs(texts: Sequence[Text], training: Sequence[Text]) -> list[int]:
    """Of each text, how many consecutive tokens at most occur consecutively in some training text."""
    # A character a token, so that Python's string search finds them; chr(0) separates texts.
    corpus = chr(0).join(map(_as_string, training))
    longest = []
    for text in map(_as_string, texts):
        length = 0
        for start in range(len(text)):
            while start + length < len(text) and text[start : start + length + 1] in corpus:
                length += 1
        longest.append(length)
    return longest


def _as_string(text: Text) -> str:
    return "".join(chr(token + 1) for token in text)


def _ngrams(text: Text, order: int) -> list[tuple[int, ...]]:
    return [tuple(text[start : start + order]) for start in range(len(text) - order + 1)]


def _corpus_bleu(hypotheses: Sequence[Text], references: Sequence[Sequence[Text]]) -> dict[int, float]:
    """BLEU by order; each hypothesis has references of its own."""
    from sacrebleu.metrics import BLEU  # only to measure with: a Space does without

    width = max(map(len, references), default=0)
    streams: Any = [[_words(own[k]) if k < len(own) else None for own in references] for k in range(width)]
    found = BLEU(max_ngram_order=MAX_ORDER, tokenize="none", force=True).corpus_score(
        [_words(text) for text in hypotheses], streams
    )
    lengths = found.sys_len, found.ref_len
    return {
        order: BLEU.compute_bleu(found.counts[:order], found.totals[:order], *lengths, max_ngram_order=order).score
        / 100
        for order in ORDERS
    }


def _words(text: Text) -> str:
    return " ".join(map(str, text))


class _Index:
    """Finds, among many references, the few that suffice for a hypothesis to have the same BLEU as against all.

    sacrebleu compares a hypothesis with every reference, which takes minutes for a thousand of each. But the count of
    an n-gram is clipped to its largest count in one reference, and the brevity penalty depends on the reference of the
    nearest length only: one reference for every n-gram of the hypothesis and one for its length are enough.
    """

    def __init__(self, references: Sequence[Text]):
        self.references = references
        # Two texts that have an n-gram at least so many times, as one of them may be the hypothesis itself.
        self.containing: dict[tuple[tuple[int, ...], int], list[int]] = defaultdict(list)
        for number, text in enumerate(references):
            for ngram, count in _counts(text).items():
                for times in range(1, count + 1):
                    if len(self.containing[ngram, times]) < 2:
                        self.containing[ngram, times].append(number)

    def sufficient(self, text: Text, own: int | None) -> list[Text]:
        """The references that suffice for a text.

        Args:
            own: index of the text itself among the references, which is left out.
        """
        others = (number for number in range(len(self.references)) if number != own)
        # Of two lengths that are equally near, the brevity penalty takes the shorter.
        chosen = {
            min(others, key=lambda number: (abs(len(self.references[number]) - len(text)), self._length(number)))
        }
        for ngram, count in _counts(text).items():
            for times in range(count, 0, -1):
                found = [number for number in self.containing.get((ngram, times), ()) if number != own]
                if found:
                    chosen.add(found[0])
                    break
        return [self.references[number] for number in sorted(chosen)]

    def _length(self, number: int) -> int:
        return len(self.references[number])


def _counts(text: Text) -> Counter[tuple[int, ...]]:
    return Counter(ngram for order in range(1, MAX_ORDER + 1) for ngram in _ngrams(text, order))
