"""The language models that texts are scored by."""

import math

import pytest
import torch
from torch import Tensor

from gan.metrics.distances import frechet_distance
from gan.text import verses
from gan.text.data import IGNORED, TextSet, encode
from gan.text.lm_score import fit_scorer, score, states
from gan.text.tokenizer import BEGIN, END, UNKNOWN, train_tokenizer


@pytest.fixture(scope="module")
def words() -> tuple[Tensor, Tensor, int]:
    """Couplets to fit to, held-out ones, and how many words there are."""
    parts = verses.texts({"train": 300, "test": 60})
    tokenizer = train_tokenizer(parts["train"]["texts"], "words", 500)
    train, test = (
        encode(TextSet(part["texts"], None, None, "verses", split), tokenizer, 24).tokens
        for split, part in parts.items()
    )
    return train, test, tokenizer.get_vocab_size()


def test_it_learns_and_is_the_same_every_time(words: tuple[Tensor, Tensor, int]) -> None:
    train, test, size = words
    state = torch.get_rng_state()
    scorer = fit_scorer(train, size)
    counts = train[train != IGNORED].bincount(minlength=size) + 0.1
    unigram = -(counts / counts.sum()).log()[test[test != IGNORED]].mean()
    assert 1 < score(scorer, test) < 0.85 * unigram
    again = fit_scorer(train, size)
    assert score(again, test) == score(scorer, test)
    assert torch.equal(torch.get_rng_state(), state), "global state is as it was"
    assert not scorer.training


def test_real_text_is_easier_than_its_words_in_any_order(words: tuple[Tensor, Tensor, int]) -> None:
    train, test, size = words
    scorer = fit_scorer(train[:200], size)
    shuffled = test.clone()
    for row in shuffled:
        length = int((row > END).sum())
        row[:length] = row[:length].flip(0)
    assert score(scorer, shuffled) > score(scorer, test) + 0.5


def test_unknown_words_and_what_is_behind_the_end_are_left_out(words: tuple[Tensor, Tensor, int]) -> None:
    train, test, size = words
    scorer = fit_scorer(train[:40], size)
    few = test[:3]
    wider = torch.cat([few, torch.full((3, 5), IGNORED)], dim=1)
    assert score(scorer, wider) == pytest.approx(score(scorer, few))
    ending = torch.tensor([[UNKNOWN, END]])  # of which only the end counts
    logits, _ = scorer(torch.tensor([[BEGIN, UNKNOWN]]))
    assert score(scorer, ending) == pytest.approx(float(-logits[0, 1].log_softmax(0)[END].detach()), abs=0.05)
    assert math.isinf(float(logits[0, 0, UNKNOWN].detach()))


def test_texts_without_end() -> None:
    tokens = torch.arange(3, 9).repeat(30, 1)
    scorer = fit_scorer(tokens, 10, has_end=False)
    assert math.isfinite(score(scorer, tokens))
    assert math.isinf(float(scorer(tokens)[0][0, 0, END].detach()))


def test_two_texts_are_enough() -> None:
    tokens = torch.tensor([[3, 4, END], [4, END, IGNORED]])
    assert math.isfinite(score(fit_scorer(tokens, 6), tokens))


def test_real_texts_are_nearer_to_real_ones_than_shuffled_ones_are(words: tuple[Tensor, Tensor, int]) -> None:
    train, test, size = words
    scorer = fit_scorer(train[:200], size)
    shuffled = train[200:260].flip(1)  # what is behind the end comes first
    shuffled = torch.stack([torch.cat([row[row != IGNORED], row[row == IGNORED]]) for row in shuffled])
    near, far = (frechet_distance(states(scorer, texts), states(scorer, test)) for texts in (train[200:260], shuffled))
    assert 0 <= near < far / 2
    wider = torch.cat([test, torch.full((len(test), 5), IGNORED)], dim=1)
    assert torch.allclose(states(scorer, wider), states(scorer, test), atol=1e-5)
