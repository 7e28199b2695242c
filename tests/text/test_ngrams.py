"""What is counted of texts, against counts by hand and against the library without our shortcut."""

import pytest
import torch
from sacrebleu.metrics import BLEU

from gan.text import verses
from gan.text.ngrams import as_lists, bleu, copied, distinct, longest_copied_runs, self_bleu
from gan.text.tokenizer import END, IGNORED, train_tokenizer


@pytest.fixture(scope="module")
def couplets() -> list[list[int]]:
    """Sixty couplets as words."""
    texts = verses.texts({"train": 60})["train"]["texts"]
    return [found.ids for found in train_tokenizer(texts, "words", 500).encode_batch(texts)]


def by_library(hypotheses: list[list[int]], references: list[list[list[int]]]) -> dict[int, float]:
    """BLEU of each hypothesis against references of its own, all of which the library reads."""
    words = [" ".join(map(str, text)) for text in hypotheses]
    streams = [[" ".join(map(str, own[k])) for own in references] for k in range(len(references[0]))]
    return {
        order: BLEU(max_ngram_order=order, tokenize="none", smooth_method="none", force=True)
        .corpus_score(words, streams)
        .score
        / 100
        for order in (2, 3, 4, 5)
    }


def test_bleu_is_that_of_the_library_against_all_references(couplets: list[list[int]]) -> None:
    hypotheses, references = couplets[:15], couplets[15:]
    hypotheses = [*hypotheses, hypotheses[0] + hypotheses[1], hypotheses[2][:3], hypotheses[3] * 3]  # of odd lengths
    assert bleu(hypotheses, references) == pytest.approx(by_library(hypotheses, [references] * len(hypotheses)))


def test_self_bleu_leaves_the_text_itself_out(couplets: list[list[int]]) -> None:
    texts = couplets[:12]
    others = [texts[:k] + texts[k + 1 :] for k in range(len(texts))]
    assert self_bleu(texts) == pytest.approx(by_library(texts, others))
    assert self_bleu(texts, 4) == pytest.approx(by_library(texts[:4], others[:4]))
    assert self_bleu([[3, 4, 5, 6, 7], [8, 9, 10, 11, 12]])[2] == 0
    # A text that is there twice is a copy of the other.
    assert self_bleu([[3, 4, 5, 6, 7], [3, 4, 5, 6, 7]])[5] == pytest.approx(1)


def test_bleu_by_hand() -> None:
    # Words: all 4 are in some reference; pairs: 3 4 is, 4 5 is not, and the second text has none. A reference is as
    # long as each text, so that brevity costs nothing.
    scores = bleu([[3, 4, 5], [9]], [[3, 4, 6], [5, 5, 7, 8], [9]])
    assert scores[2] == pytest.approx((4 / 4 * 1 / 2) ** 0.5)
    assert scores[3] == scores[4] == scores[5] == 0
    # Of two 3s one is in a reference: a word counts as often as the reference with most of it has it.
    assert bleu([[3, 3]], [[3, 4]])[2] == 0


def test_distinct() -> None:
    texts = [[3, 4, 3, 4], [3, 4]]
    assert distinct(texts, 1) == pytest.approx(2 / 6)
    assert distinct(texts, 2) == pytest.approx(2 / 4)  # 34, 43, 34 and 34
    assert distinct(texts, 3) == 1
    assert distinct([[3], []], 2) == 0


def test_copies() -> None:
    training = [[3, 4, 5, 6], [7, 8, 9]]
    texts = [[3, 4, 5, 6], [9, 4, 5, 6, 3], [6, 7], [10, 11], []]
    assert copied(texts, training) == 0.2
    assert longest_copied_runs(texts, training) == [4, 3, 1, 0, 0]  # 6 and 7 are of different texts


def test_runs_of_large_vocabularies() -> None:
    training = [[0xD7FF, 0xD800, 0xDFFF, 70_000]]  # what Unicode has no characters for, and what is wide
    assert longest_copied_runs([[5, 0xD800, 0xDFFF, 70_000]], training) == [3]


def test_texts_of_tokens() -> None:
    assert as_lists(torch.tensor([[5, 6, END], [7, END, IGNORED], [END, IGNORED, IGNORED]])) == [[5, 6], [7], []]
