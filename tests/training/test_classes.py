"""Classes of the data against those of the model that training goes on from."""

import pytest
import torch

from gan import GANError
from gan.training.classes import check_labelled, matched


def test_classes_are_matched_by_name_in_each_column() -> None:
    weights = {"embed.weight": torch.arange(5.0)[None].repeat(2, 1), "other": torch.zeros(1)}
    new = matched(weights, [["zero", "one", "two"], ["Ada", "Bob"]], [["TWO", "four", "zero"], ["Bob"]])
    assert new["embed.weight"][0].tolist() == [2, 1, 0, 4]
    assert matched({"other": torch.zeros(1)}, [], []) == {"other": torch.zeros(1)}


def test_only_the_weights_that_are_named_tell_classes_apart() -> None:
    weights = {"embed.weight": torch.ones(3, 2), "embed_class.weight": torch.tensor([[1.0], [3.0]])}
    new = matched(weights, [["a", "b"]], [["B", "c", "a"]], {"embed_class.weight": 0})
    assert new["embed_class.weight"].flatten().tolist() == [3, 2, 1]
    assert torch.equal(new["embed.weight"], torch.ones(3, 2))


def test_a_model_is_not_given_classes_nor_do_they_go() -> None:
    check_labelled("m", ["a"], ["b", "c"], "pictures")
    check_labelled("m", None, None, "pictures")
    with pytest.raises(GANError, match="m knows classes and the data has none; put the texts into sub-folders"):
        check_labelled("m", ["a"], None, "texts")
    with pytest.raises(GANError, match="m knows no classes; train on from it with --unconditional"):
        check_labelled("m", None, ["a"], "texts")
