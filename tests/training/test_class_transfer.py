"""Classes of the data against those of the model that is fine-tuned."""

import pytest
import torch

from gan import GANError
from gan.audio.networks import AudioGenerator
from gan.training.class_transfer import by_name, check_labelled, matched, resembling, starts


def test_classes_are_matched_by_name_in_each_column() -> None:
    weights = {"embed.weight": torch.arange(5.0)[None].repeat(2, 1), "other": torch.zeros(1)}
    begin = [by_name(["zero", "one", "two"], ["TWO", "four", "zero"]), by_name(["Ada", "Bob"], ["Bob"])]
    assert begin == [[2, None, 0], [1]]
    new = matched(weights, [3, 2], begin)
    assert new["embed.weight"][0].tolist() == [2, 1, 0, 4]
    assert matched({"other": torch.zeros(1)}, [], []) == {"other": torch.zeros(1)}


def test_only_the_weights_that_are_named_tell_classes_apart() -> None:
    weights = {"embed.weight": torch.ones(3, 2), "embed_class.weight": torch.tensor([[1.0], [3.0]])}
    new = matched(weights, [2], [[1, None, 0]], {"embed_class.weight": 0})
    assert new["embed_class.weight"].flatten().tolist() == [3, 2, 1]
    assert torch.equal(new["embed.weight"], torch.ones(3, 2))


def test_a_new_class_starts_as_the_one_that_it_resembles(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    generator = AudioGenerator(8000, 1024, 128, (3, 2), latent_dim=4, channels=(8, 8, 8), blocks_per_stage=1)
    generator.embed.weight.data.mul_(10)  # so that classes differ, as those of a trained one do
    names = [["one", "two", "three"], ["Ada", "Bob"]]
    with torch.no_grad():
        weights = torch.tensor([0.0, 0.0, 1.0, 0.5, 0.5]).expand(64, -1)
        like_three = generator(torch.randn(64, 4), weights)
    classes = torch.tensor([[0, 0], [1, 1]]).repeat(32, 1)
    like = resembling(generator, lambda some: like_three[some])
    begin = starts(names, [["two", "trois"], ["BOB", "Ada"]], classes, like)
    assert begin == [[1, 2], [1, 0]]
    assert capsys.readouterr().out == "New classes start as those that they resemble: trois as three.\n"
    assert starts(names, [["four"], ["Ada"]], torch.ones(1, 2), like)[0] == [None]


def test_a_model_is_not_given_classes_nor_do_they_go() -> None:
    check_labelled("m", ["a"], ["b", "c"], "pictures")
    check_labelled("m", None, None, "pictures")
    with pytest.raises(GANError, match="m knows classes and the data has none; put the texts into two or more sub"):
        check_labelled("m", ["a"], None, "texts")
    with pytest.raises(GANError, match="m knows no classes; fine-tune it with --unconditional"):
        check_labelled("m", None, ["a"], "texts")
