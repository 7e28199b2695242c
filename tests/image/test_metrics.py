"""What is measured of pictures, against what is known of it, and the figures that go into `metrics.json`."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from torch import Tensor

from gan import GANError, ImageGenerator, ImagePipeline
from gan.image import metrics
from gan.image.data import ImageSet
from gan.image.features import PIXELS, feature_space
from gan.image.metrics import NOISE, evaluate, measure, picture_sheet, with_noise
from gan.image.wasserstein import _pyramid, sliced_wasserstein
from gan.metrics.neighbours import nearest
from gan.metrics.tables import metrics_tables


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


def test_noise_is_of_its_size_and_repeats() -> None:
    grey = torch.full((50, 1, 16, 16), 128, dtype=torch.uint8)
    for sigma in NOISE:
        noisy = with_noise(grey, sigma)
        assert noisy.dtype == torch.uint8
        assert float((noisy.float() - 128).std()) / 127.5 == pytest.approx(sigma, rel=0.05)
        assert torch.equal(noisy, with_noise(grey, sigma))


def test_the_sheet_shows_a_picture_beside_its_nearest() -> None:
    train_set = image_set(30, 0, False, "train")
    generated = torch.from_numpy(train_set.pixels[:12])
    distances, indices = nearest(
        generated.flatten(1).float(), torch.from_numpy(train_set.pixels).flatten(1).float(), 5
    )
    sheet = np.asarray(picture_sheet(generated, distances, indices, train_set))
    side = 64  # 16 pixels, four times
    first, copy = sheet[40 : 40 + side, 12 : 12 + side], sheet[40 : 40 + side, 24 + side : 24 + 2 * side]
    assert np.array_equal(first, copy)
    assert np.array_equal(first[::4, ::4], train_set.pixels[0].transpose(1, 2, 0))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))


def values(figures: dict[str, Any]) -> dict[str, Any]:
    return {metric["type"]: metric for metric in figures["metrics"]}


@pytest.mark.parametrize("asked", [True, False])
def test_what_is_measured_in_a_feature_space(cache: None, asked: bool) -> None:
    train_set, test_set, like = (
        image_set(n, seed, True, split, (1, 8, 8))
        for seed, (n, split) in enumerate([(1_000, "train"), (60, "test"), (60, "like")])
    )
    space = feature_space("auto", train_set)
    classes = like.classes(torch.arange(60)) if asked else None
    figures = measure(torch.from_numpy(like.pixels), classes, train_set, test_set, space)
    found = values(figures)
    assert {name.split(" (")[1] for name in (metric["name"] for metric in found.values()) if "(" in name} == {
        "classifier features)"
    }
    shares = {"precision", "recall", "density", "coverage"}
    by_class = {"class_agreement"} if asked else {"classes_drawn", "class_kl"}
    assert set(found) == {"frechet_distance", "kernel_x1000", "sliced_wasserstein_distance"} | shares | by_class
    for kind, metric in found.items():
        assert metric["samples"] == 60 and metric["split"] == "test"
        assert metric["higher_is_better"] == (kind in shares | {"class_agreement", "classes_drawn"})
        assert math.isfinite(metric["value"]) and math.isfinite(metric["reference"])
    assert found["frechet_distance"]["name"] == "Fréchet distance (classifier features)"
    assert [row["name"] for row in figures["baselines"]] == [f"held-out with noise {sigma}" for sigma in NOISE]
    for metric in found.values():
        assert all(metric["name"] in row["values"] for row in figures["baselines"])
    distances = [row["values"]["Fréchet distance (classifier features)"] for row in figures["baselines"]]
    assert distances == sorted(distances)
    assert measure(torch.from_numpy(like.pixels), classes, train_set, test_set, space) == figures


def test_the_classifier_sees_whether_the_class_is_the_one_asked_for(cache: None) -> None:
    def shades(n: int, split: str) -> ImageSet:
        """Dark pictures and bright ones."""
        labels = np.arange(n) % 2
        chance = np.random.default_rng(n).integers(0, 100, (n, 1, 8, 8))
        return ImageSet((chance + 150 * labels[:, None, None, None]).astype(np.uint8), labels, ["a", "b"], "x", split)

    train_set, test_set, like = shades(1_000, "train"), shades(40, "test"), shades(42, "generated")
    space = feature_space("auto", train_set)
    pixels, asked = torch.from_numpy(like.pixels), like.classes(torch.arange(42))
    assert asked is not None
    for classes, agreement in ((asked, 1.0), (1 - asked, 0.0)):
        found = values(measure(pixels, classes, train_set, test_set, space))["class_agreement"]
        assert (found["value"], found["reference"]) == (agreement, 1.0)
    dark = values(measure(pixels[::2].repeat(2, 1, 1, 1), None, train_set, test_set, space))
    assert (dark["classes_drawn"]["value"], dark["classes_drawn"]["reference"]) == (1, 2)
    assert dark["class_kl"]["value"] == pytest.approx(math.log(2), abs=1e-3) and dark["class_kl"]["reference"] < 0.01


@pytest.mark.parametrize("labels", [True, False])
def test_what_evaluate_says(make_pipeline: Callable[..., ImagePipeline], labels: bool) -> None:
    pipeline = make_pipeline(labels=["Ada", "Bob", "Cleo"] if labels else None)
    train_set, test_set = image_set(24, 0, labels, "train"), image_set(12, 1, labels, "held-out tenth")
    figures = evaluate(pipeline, train_set, test_set)
    assert list(figures) == ["metrics", "baselines", "note", "neighbours"]
    metric = values(figures)["sliced_wasserstein_distance"]
    assert metric["name"] == "Sliced Wasserstein distance"
    assert metric["split"] == "held-out tenth"
    assert metric["samples"] == 12
    assert metric["value"] > metric["reference"] > 0  # an untrained generator against real pictures
    assert evaluate(pipeline, train_set, test_set) == figures
    assert pipeline.neighbours is not None
    assert Image.open(io.BytesIO(pipeline.neighbours)).mode == "RGB"


@pytest.mark.parametrize("columns", [1, 2])
def test_without_a_classifier_the_nearest_training_picture_tells_the_class(
    pipeline: ImagePipeline, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "feature_space", lambda kind, train_set: PIXELS)
    train_set, test_set = image_set(60, 0, True, "train"), image_set(40, 0, True, "test")
    if columns > 1:
        pipeline = two_columns()
        for images in (train_set, test_set):
            assert images.labels is not None
            images.labels = np.stack([images.labels, images.labels % 2], axis=1)
            images.label_names = {"who": ["Ada", "Bob", "Cleo"], "where": ["in", "out"]}
    figures = evaluate(pipeline, train_set, test_set)
    found = [record for record in figures["metrics"] if record["type"] == "neighbour_agreement"]
    of = ["", " of who", " of where"][:1] if columns == 1 else [" of who", " of where"]
    assert [record["name"] for record in found] == [f"Class agreement{column} with the nearest" for column in of]
    for record in found:
        assert 0 <= record["value"] <= record["reference"] <= 1
    assert figures["neighbours"]["singled_out"].keys() == {"generated", "held_out"}
    assert "half as far as the next" in metrics_tables(figures)


def two_columns() -> ImagePipeline:
    """A tiny model of two label columns."""
    torch.manual_seed(0)
    generator = ImageGenerator((16, 16), 3, (3, 2), 12, 16, (16, 16, 16))
    return ImagePipeline(generator, labels={"who": ["Ada", "Bob", "Cleo"], "where": ["in", "out"]})


def test_more_held_out_pictures_than_training_pictures(pipeline: ImagePipeline) -> None:
    figures = evaluate(pipeline, image_set(9, 0, True, "train"), image_set(40, 1, True, "test"))
    assert figures["metrics"][0]["samples"] == 9


def test_two_pictures_are_enough(pipeline: ImagePipeline) -> None:
    figures = evaluate(pipeline, image_set(3, 0, True, "train"), image_set(2, 1, True, "test"))
    assert figures["metrics"][0]["samples"] == 2


def test_the_classes_are_those_of_the_held_out_pictures(pipeline: ImagePipeline) -> None:
    train_set, test_set = image_set(12, 0, True, "train"), image_set(9, 1, True, "test")
    expected = evaluate(pipeline, train_set, test_set)
    assert test_set.labels is not None
    test_set.labels[:] = 0
    assert evaluate(pipeline, train_set, test_set)["metrics"][0]["value"] != expected["metrics"][0]["value"]


def test_classes_are_matched_by_name(pipeline: ImagePipeline) -> None:
    train_set, test_set = image_set(12, 0, True, "train"), image_set(9, 1, True, "test")
    expected = evaluate(pipeline, train_set, test_set)
    for images in (train_set, test_set):
        assert images.labels is not None
        images.label_names = ["cleo", "ada", "bob"]
        images.labels = (images.labels + 1) % 3
    assert evaluate(pipeline, train_set, test_set) == expected


def test_data_of_other_classes_is_refused(pipeline: ImagePipeline) -> None:
    train_set, test_set = image_set(30, 0, True, "train"), image_set(30, 1, True, "test")
    train_set.label_names = test_set.label_names = ["Ada", "Bob", "Dora"]
    with pytest.raises(GANError, match="does not know the class 'Dora' of blobs"):
        evaluate(pipeline, train_set, test_set)


def test_global_randomness_is_left_alone(pipeline: ImagePipeline) -> None:
    state = torch.get_rng_state()
    evaluate(pipeline, image_set(20, 0, True, "train"), image_set(20, 1, True, "test"))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_faded_and_tinted_copy_is_told_from_the_original() -> None:
    images = torch.rand(40, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    tinted = 0.3 * images + torch.tensor([0.3, -0.3, 0.0]).view(3, 1, 1)
    assert sliced_wasserstein(tinted, images) > 100
