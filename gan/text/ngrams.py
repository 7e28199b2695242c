"""What can be counted of texts with no model at all: runs of tokens that are shared, repeated or copied.

Texts are lists of tokens as the model's tokenizer cuts them, without their ends.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics import BLEU
from torch import Tensor

from gan.text.tokenizer import END, IGNORED

ORDERS = (2, 3, 4, 5)  # of BLEU
LONGEST = max(ORDERS)
Text = Sequence[int]


def as_lists(tokens: Tensor) -> list[list[int]]:
    """Texts of int64 (n, length), see `gan.text.data.Encoded`."""
    return [[token for token in row if token not in (IGNORED, END)] for row in tokens.tolist()]


def bleu(hypotheses: Sequence[Text], references: Sequence[Text]) -> dict[int, float]:
    """BLEU-2 to BLEU-5 (Papineni et al. 2002) of a corpus, by sacrebleu: every hypothesis against all references.

    Matches are counted over all hypotheses before they are divided, without smoothing: 0 where no run of that length
    occurs in any reference. Averages of smoothed scores of sentences, as some papers have them, are higher.

    Returns:
        By order, from 0 to 1.
    """
    index = _Index(references)
    return _corpus_bleu(hypotheses, [index.witnesses(text, None) for text in hypotheses])


def self_bleu(texts: Sequence[Text], count: int | None = None) -> dict[int, float]:
    """BLEU of the first `count` texts against all of the texts but themselves (Zhu et al. 2018). At least two texts.

    The higher, the more alike they are. Texygen counts a text among its own references, which this does not.
    """
    index = _Index(texts)
    hypotheses = texts[:count]
    return _corpus_bleu(hypotheses, [index.witnesses(text, number) for number, text in enumerate(hypotheses)])


def distinct(texts: Sequence[Text], order: int) -> float:
    """The share of different runs of `order` tokens among all of them (Li et al. 2016).

    It falls with the number of texts: compare sets of one size only.
    """
    runs = [run for text in texts for run in _runs(text, order)]
    return len(set(runs)) / max(1, len(runs))


def copied(texts: Sequence[Text], training: Sequence[Text]) -> float:
    """The share of texts that are training texts, token for token."""
    known = set(map(tuple, training))
    return sum(tuple(text) in known for text in texts) / max(1, len(texts))


def longest_copied_runs(texts: Sequence[Text], training: Sequence[Text]) -> list[int]:
    """Of each text, how many consecutive tokens at most occur consecutively in some training text."""
    # A character a token, so that Python's own search finds them; chr(0) stands between texts.
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


def _runs(text: Text, order: int) -> list[tuple[int, ...]]:
    return [tuple(text[start : start + order]) for start in range(len(text) - order + 1)]


def _corpus_bleu(hypotheses: Sequence[Text], references: Sequence[Sequence[Text]]) -> dict[int, float]:
    """BLEU by order; the references of each hypothesis are its own."""
    most = max(map(len, references), default=0)
    streams: Any = [[_words(own[k]) if k < len(own) else None for own in references] for k in range(most)]
    found = BLEU(max_ngram_order=LONGEST, tokenize="none", force=True).corpus_score(
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
    """Finds, among many references, the few that a hypothesis has the same score against as against all of them.

    A library compares a hypothesis with every reference, which takes minutes for a thousand of each. But a run counts
    as often as the reference with most of it has it, and the brevity penalty looks at the reference of the nearest
    length only: one reference for every run of the hypothesis, and one for its length, tell the same.
    """

    def __init__(self, references: Sequence[Text]):
        self.references = references
        # Two texts that have a run at least so often: one of them may be the hypothesis itself.
        self.having: dict[tuple[tuple[int, ...], int], list[int]] = defaultdict(list)
        for number, text in enumerate(references):
            for run, count in _counts(text).items():
                for times in range(1, count + 1):
                    if len(self.having[run, times]) < 2:
                        self.having[run, times].append(number)

    def witnesses(self, text: Text, own: int | None) -> list[Text]:
        """The references that matter to a text.

        Args:
            own: where the text itself is among the references; it is no reference of its own.
        """
        others = (number for number in range(len(self.references)) if number != own)
        # Of lengths that are as near, the brevity penalty takes the shorter.
        chosen = {
            min(others, key=lambda number: (abs(len(self.references[number]) - len(text)), self._length(number)))
        }
        for run, count in _counts(text).items():
            for times in range(count, 0, -1):
                found = [number for number in self.having.get((run, times), ()) if number != own]
                if found:
                    chosen.add(found[0])
                    break
        return [self.references[number] for number in sorted(chosen)]

    def _length(self, number: int) -> int:
        return len(self.references[number])


def _counts(text: Text) -> Counter[tuple[int, ...]]:
    return Counter(run for order in range(1, LONGEST + 1) for run in _runs(text, order))
