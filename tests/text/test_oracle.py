"""The synthetic oracle: fixed weights, and the exact likelihood of texts."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gan.text.oracle import LENGTH, VOCABULARY, Oracle


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle()


def test_it_likes_its_own_words_best(oracle: Oracle) -> None:
    own = oracle.sample(200, seed=0)
    assert own.shape == (200, LENGTH) and own.min() >= 0 and own.max() < VOCABULARY
    shuffled = own.flatten()[torch.randperm(own.numel())].view_as(own)
    assert oracle.nll(own) == pytest.approx(5.9, abs=0.2)
    assert oracle.nll(shuffled) > oracle.nll(own) + 3


def test_it_is_always_the_same(oracle: Oracle) -> None:
    assert torch.equal(oracle.sample(3, seed=4), Oracle().sample(3, seed=4))
    assert not torch.equal(oracle.sample(3, seed=4), oracle.sample(3, seed=5))


def test_the_published_layout_of_weights_is_read(oracle: Oracle, tmp_path: Path) -> None:
    weights = {name.removesuffix("_l0"): tensor.clone() for name, tensor in oracle.state_dict().items()}
    save_file(weights, tmp_path / "oracle.safetensors")
    again = Oracle(path=tmp_path / "oracle.safetensors")
    assert torch.equal(again.sample(2, seed=0), oracle.sample(2, seed=0))
