"""Classes of the data against those of the model that is fine-tuned."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan import ImageDiscriminator, ImageEncoder, ImageGenerator
from gan.audio.networks import AudioDiscriminator, AudioGenerator
from gan.training.class_transfer import (
    by_name,
    column_places,
    matched,
    resembling,
    starts,
    transferred,
    with_columns,
)


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


SMALL: dict[str, Any] = {"resolution": (8, 8), "channels": (16, 16), "num_classes": 3}
SOUND: dict[str, Any] = {"samples": 8192, "n_fft": 128, "channels": (8, 8, 8, 8, 8), "num_classes": (3, 2)}


def labels(count: int, num_classes: Any) -> Tensor:
    """Every sample between all classes: float (count, classes of all columns)."""
    counts = (num_classes,) if isinstance(num_classes, int) else num_classes
    return torch.cat([torch.full((count, k), 1 / k) for k in counts], dim=1)


def moved(network: nn.Module) -> nn.Module:
    """As if it had been trained: no weight is zero any more."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return network.eval()


@pytest.mark.parametrize(
    "kind", [(ImageGenerator, ImageDiscriminator, SMALL), (AudioGenerator, AudioDiscriminator, SOUND)]
)
def test_without_its_classes_a_model_is_the_mean_of_them(kind: Any) -> None:
    torch.manual_seed(0)
    config, none = kind[2], 0 if isinstance(kind[2]["num_classes"], int) else ()
    generator, discriminator = (moved(network(**config)) for network in kind[:2])
    counts = generator.class_counts
    latents = torch.randn(4, generator.latent_dim)
    between = labels(4, config["num_classes"])
    drawn = generator(latents, between)
    bare = transferred(generator, counts, none, []).eval()
    assert bare.embed is None and bare.config.num_classes == none
    torch.testing.assert_close(bare(latents), drawn, rtol=1e-4, atol=1e-4)
    judge = transferred(discriminator, counts, none, []).eval()
    torch.testing.assert_close(judge(drawn), discriminator(drawn, between), rtol=1e-4, atol=1e-4)

    # And back: any class draws what the model without classes drew, and counts as much.
    again = transferred(bare, (), config["num_classes"], []).eval()
    torch.testing.assert_close(again(latents, between), drawn, rtol=1e-4, atol=1e-4)
    assert again.embed.weight.abs().sum() > 0  # or the two factors of its effect would both have no gradient
    judge_again = transferred(judge, (), config["num_classes"], []).eval()
    torch.testing.assert_close(judge_again(drawn, between), judge(drawn), rtol=1e-4, atol=1e-4)


def test_without_classes_an_encoder_names_none() -> None:
    encoder = ImageEncoder(**SMALL, latent_dim=4)
    images = torch.randn(2, 3, 8, 8)
    bare = transferred(encoder, (3,), 0, [])
    assert bare(images).class_logits is None
    torch.testing.assert_close(bare(images).mean, encoder(images).mean)
    assert transferred(bare, (), 3, [])(images).class_logits.shape == (2, 3)


def test_label_columns_are_matched_by_name_or_by_their_classes() -> None:
    known = {"digit": ["0", "1"], "speaker": ["ann", "bob"]}
    assert column_places(known, {"speaker": ["cy"]}) == [1]
    assert column_places(known, {"label": ["ANN", "dan"]}) == [1]
    assert column_places(known, {"mood": ["sad"], "digit": ["7"], "who": ["bob"]}) == [None, 0, 1]
    assert column_places(known, {"mood": ["sad"]}) == [None]
    assert column_places({"label": ["0", "1"]}, {"digit": ["1"], "twice": ["1"]}) == [0, None]


KINDS: list[Any] = [
    (ImageGenerator, ImageDiscriminator, SMALL | {"num_classes": (3, 2)}),
    (AudioGenerator, AudioDiscriminator, SOUND),
]


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_and_more_label_columns(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    networks = dict(zip(("generator", "discriminator"), (moved(network(**kind[2])) for network in kind[:2])))
    generator, discriminator = networks["generator"], networks["discriminator"]
    latents = torch.randn(4, generator.latent_dim)
    known = {"digit": ["0", "1", "2"], "speaker": ["ann", "bob"]}
    bobs = torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0, 1]]).expand(4, -1)  # any digit
    drawn = generator(latents, bobs)

    fewer, names = with_columns(networks, known, {"speaker": ["bob"]})
    assert names == [["ann", "bob"]]
    assert capsys.readouterr().out == "Label columns of the model: digit as its mean.\n"
    bob = torch.ones(4, dtype=torch.long)
    torch.testing.assert_close(fewer["generator"].eval()(latents, bob), drawn, rtol=1e-4, atol=1e-4)
    judged = discriminator(drawn, bobs)
    torch.testing.assert_close(fewer["discriminator"].eval()(drawn, bob), judged, rtol=1e-4, atol=1e-4)

    more, names = with_columns(fewer, {"speaker": ["ann", "bob"]}, {"mood": ["sad", "glad"], "who": ["Bob", "cy"]})
    assert names == [[""], ["ann", "bob"]]
    assert capsys.readouterr().out == "Label columns of the model: mood is new to it, who starts as speaker.\n"
    begin = starts(names, [["sad", "glad"], ["Bob", "cy"]], torch.tensor([[0, 1], [1, 1]]), lambda column, some: 0)
    assert begin == [[0, 0], [1, 0]]
    assert capsys.readouterr().out == "New classes start as those that they resemble: cy as ann.\n"
    tuned = transferred(more["generator"], more["generator"].class_counts, (2, 2), begin).eval()
    for mood in (0, 1):
        glad_bob = torch.tensor([[mood, 0]]).expand(4, -1)
        torch.testing.assert_close(tuned(latents, glad_bob), drawn, rtol=1e-4, atol=1e-4)
