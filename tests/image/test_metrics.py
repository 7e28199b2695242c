"""The sliced Wasserstein distance and the figures that go into `metrics.json`."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gan import ImagePipeline
from gan.image.data import ImageSet
from gan.image.metrics import _pyramid, evaluate, sliced_wasserstein


def blobs(n: int, channels: int = 3, height: int = 16, width: int = 16, seed: int = 0) -> Tensor:
    """Soft random pictures."""
    chance = torch.rand(n, channels, height // 4, width // 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(chance, size=(height, width), mode="bilinear")


def image_set(n: int, seed: int, labels: bool, split: str, shape: tuple[int, int, int] = (3, 16, 16)) -> ImageSet:
    images = blobs(n, *shape, seed=seed)
    pixels = ((images + 1) * 127.5).round().to(torch.uint8).numpy()
    classes = np.arange(n, dtype=np.int64) % 3 if labels else None
    return ImageSet(pixels, classes, ["Ada", "Bob", "Cleo"] if labels else None, "blobs", split)


def test_a_set_is_at_no_distance_from_itself() -> None:
    images = blobs(20)
    assert sliced_wasserstein(images, images.clone()) == 0


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (3, 24, 16), (3, 20, 36)], ids=str)
def test_every_resolution_can_be_measured(shape: tuple[int, int, int]) -> None:
    distance = sliced_wasserstein(blobs(10, *shape, seed=0), blobs(10, *shape, seed=1))
    assert math.isfinite(distance)
    assert distance > 0


def test_it_grows_with_noise() -> None:
    images, noise = blobs(40), torch.randn(40, 3, 16, 16, generator=torch.Generator().manual_seed(9))
    distances = [sliced_wasserstein(images + level * noise, images) for level in (0, 0.1, 0.3, 1)]
    assert distances == sorted(distances)
    assert distances[1] > 0


def test_other_pictures_of_a_kind_are_nearer_than_pictures_of_another() -> None:
    images = blobs(60, seed=0)
    same_kind = sliced_wasserstein(blobs(60, seed=1), images)
    stripes = torch.sign(torch.sin(torch.arange(16.0))).expand(60, 3, 16, 16)
    assert sliced_wasserstein(stripes, images) > 3 * same_kind


def test_it_sees_pictures_that_are_all_the_same() -> None:
    images = blobs(60, seed=0)
    repeated = blobs(1, seed=1).expand(60, -1, -1, -1)
    assert sliced_wasserstein(repeated, images) > 2 * sliced_wasserstein(blobs(60, seed=1), images)


def test_it_repeats_exactly_and_leaves_global_randomness_alone() -> None:
    first, second = blobs(12, seed=0), blobs(12, seed=1)
    state = torch.get_rng_state()
    assert sliced_wasserstein(first, second) == sliced_wasserstein(first, second)
    assert sliced_wasserstein(first, second, seed=1) != sliced_wasserstein(first, second)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_pyramid_loses_nothing() -> None:
    images = blobs(2, 3, 64, 32)
    levels = _pyramid(images)
    assert [tuple(level.shape[2:]) for level in levels] == [(64, 32), (32, 16)]
    upsampled = torch.nn.functional.interpolate(levels[1], scale_factor=2, mode="bilinear")
    assert torch.allclose(levels[0] + upsampled, images, atol=1e-6)


@pytest.mark.parametrize("labels", [True, False])
def test_what_evaluate_says(make_pipeline: Callable[..., ImagePipeline], labels: bool) -> None:
    pipeline = make_pipeline(labels=["Ada", "Bob", "Cleo"] if labels else None)
    train_set, test_set = image_set(60, 0, labels, "train"), image_set(40, 1, labels, "held-out tenth")
    figures = evaluate(pipeline, train_set, test_set)
    assert list(figures) == ["metrics"]
    (metric,) = figures["metrics"]
    assert set(metric) == {"name", "value", "floor", "split", "samples"}
    assert metric["name"] == "Sliced Wasserstein distance"
    assert metric["split"] == "held-out tenth"
    assert metric["samples"] == 40
    assert metric["value"] > metric["floor"] > 0  # an untrained generator against real pictures
    assert evaluate(pipeline, train_set, test_set) == figures


def test_more_held_out_pictures_than_training_pictures(pipeline: ImagePipeline) -> None:
    figures = evaluate(pipeline, image_set(9, 0, True, "train"), image_set(40, 1, True, "test"))
    assert figures["metrics"][0]["samples"] == 9


def test_the_classes_are_those_of_the_held_out_pictures(pipeline: ImagePipeline) -> None:
    train_set, test_set = image_set(30, 0, True, "train"), image_set(30, 1, True, "test")
    expected = evaluate(pipeline, train_set, test_set)
    assert test_set.labels is not None
    test_set.labels[:] = 0
    assert evaluate(pipeline, train_set, test_set)["metrics"][0]["value"] != expected["metrics"][0]["value"]


def test_global_randomness_is_left_alone(pipeline: ImagePipeline) -> None:
    state = torch.get_rng_state()
    evaluate(pipeline, image_set(20, 0, True, "train"), image_set(20, 1, True, "test"))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_faded_and_tinted_copy_is_told_from_the_original() -> None:
    images = torch.rand(40, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    tinted = 0.3 * images + torch.tensor([0.3, -0.3, 0.0]).view(3, 1, 1)
    assert sliced_wasserstein(tinted, images) > 100
