"""The distances and shares, each against what is known of it, and the figures that go into `metrics.json`."""

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

from gan import GANError, ImagePipeline
from gan.image.data import ImageSet
from gan.image.features import feature_space
from gan.image.metrics import (
    NOISE,
    class_histogram,
    evaluate,
    fidelity_and_diversity,
    frechet_distance,
    kernel_distance,
    measure,
    spread,
    with_noise,
)
from gan.image.neighbours import memorisation, nearest, neighbour_sheet
from gan.image.wasserstein import _pyramid, sliced_wasserstein


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


def gaussian(n: int, features: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed))


def test_the_frechet_distance_of_gaussians() -> None:
    first, second = gaussian(50_000), gaussian(50_000, seed=1)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-5)
    shift = torch.tensor([3.0, 0, 0, 4])
    assert frechet_distance(first + shift, second) == pytest.approx(25, rel=0.02)  # |shift|^2
    assert frechet_distance(3 * first, second) == pytest.approx(4 * (3 - 1) ** 2, rel=0.02)  # d (sigma - sigma')^2


def test_the_kernel_distance_has_no_bias_and_sees_a_shift() -> None:
    distances = [kernel_distance(gaussian(100, seed=2 * k), gaussian(100, seed=2 * k + 1)) for k in range(20)]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / math.sqrt(20)
    assert min(distances) < 0  # of an unbiased estimate
    assert kernel_distance(gaussian(100) + 1, gaussian(100, seed=1)) > 10 * max(distances)


def test_the_kernel_distance_repeats_and_leaves_global_randomness_alone() -> None:
    state = torch.get_rng_state()
    assert kernel_distance(gaussian(50), gaussian(60, seed=1)) == kernel_distance(gaussian(50), gaussian(60, seed=1))
    assert torch.equal(torch.get_rng_state(), state)


def test_precision_recall_density_and_coverage_as_defined() -> None:
    fake, real, k = gaussian(40, 2), gaussian(30, 2, seed=1) * 1.5, 3
    far = torch.cdist(fake, real)
    real_radius = torch.cdist(real, real).sort(dim=1)[0][:, k]
    fake_radius = torch.cdist(fake, fake).sort(dim=1)[0][:, k]
    found = fidelity_and_diversity(fake, real, k)
    assert found["precision"] == pytest.approx(np.mean([(far[j] <= real_radius).any() for j in range(40)]))
    assert found["recall"] == pytest.approx(np.mean([(far[:, i] <= fake_radius).any() for i in range(30)]))
    assert found["density"] == pytest.approx(float((far <= real_radius).sum()) / 40 / k)
    assert found["coverage"] == pytest.approx(np.mean([(far[:, i] <= real_radius[i]).any() for i in range(30)]))


def test_one_mode_is_precise_and_covers_little() -> None:
    modes = torch.tensor([[0.0, 0], [100, 0], [0, 100], [100, 100]])
    real = gaussian(400, 2) + modes.repeat(100, 1)
    one = fidelity_and_diversity(gaussian(400, 2, seed=1) * 0.9, real)
    assert one["precision"] > 0.95 and one["density"] > 0.9
    assert one["recall"] < 0.3 and one["coverage"] < 0.3
    elsewhere = fidelity_and_diversity(gaussian(400, 2, seed=1) + 1e4, real)
    assert set(elsewhere.values()) == {0.0}


def test_classes_drawn() -> None:
    labels = torch.tensor([0, 1, 2, 3]).repeat(25)
    assert class_histogram(labels, labels, 4) == (4, 0.0)
    drawn, divergence = class_histogram(torch.zeros(50, dtype=torch.int64), labels, 4)
    assert drawn == 1 and divergence == pytest.approx(math.log(4))
    assert math.isfinite(class_histogram(torch.full((9,), 4), labels, 5)[1])  # a class that no real picture has


def test_noise_is_of_its_size_and_repeats() -> None:
    grey = torch.full((50, 1, 16, 16), 128, dtype=torch.uint8)
    for sigma in NOISE:
        noisy = with_noise(grey, sigma)
        assert noisy.dtype == torch.uint8
        assert float((noisy.float() - 128).std()) / 127.5 == pytest.approx(sigma, rel=0.05)
        assert torch.equal(noisy, with_noise(grey, sigma))


def test_a_part_is_from_all_over() -> None:
    assert spread(10, 10).tolist() == list(range(10))
    part = spread(1_000, 100)
    assert len(part.unique()) == 100 and (part.diff() > 0).all()
    assert part[0] < 100 and part[-1] >= 900 and 30 <= (part % 2).sum() <= 70


def test_the_nearest_come_first() -> None:
    distances, indices = nearest(torch.tensor([[0.0], [10.0]]), torch.tensor([[9.0], [1.0], [3.0]]), 2)
    assert indices.tolist() == [[1, 2], [0, 2]]
    assert distances.tolist() == [[1, 3], [1, 7]]


def test_copies_are_found() -> None:
    held_out = torch.rand(500, generator=torch.Generator().manual_seed(0)) + 1
    copied = held_out.clone()
    copied[:200] = 0
    assert memorisation(held_out, held_out) == {"distance_ratio": 1.0, "very_near": pytest.approx(0.01, abs=0.002)}
    assert memorisation(copied, held_out)["very_near"] >= 0.4
    assert memorisation(torch.zeros(500), held_out) == {"distance_ratio": 0.0, "very_near": 1.0}


def test_the_sheet_shows_a_picture_beside_its_nearest() -> None:
    train_set = image_set(30, 0, False, "train")
    generated = torch.from_numpy(train_set.pixels[:12])
    distances, indices = nearest(
        generated.flatten(1).float(), torch.from_numpy(train_set.pixels).flatten(1).float(), 5
    )
    sheet = np.asarray(neighbour_sheet(generated, distances, indices, train_set))
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
        assert math.isfinite(metric["value"]) and math.isfinite(metric["floor"])
    assert found["frechet_distance"]["name"] == "Fréchet distance (classifier features)"
    assert [row["name"] for row in figures["yardsticks"]] == [f"held-out with noise {sigma}" for sigma in NOISE]
    for metric in found.values():
        assert all(metric["name"] in row["values"] for row in figures["yardsticks"])
    distances = [row["values"]["Fréchet distance (classifier features)"] for row in figures["yardsticks"]]
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
        assert (found["value"], found["floor"]) == (agreement, 1.0)
    dark = values(measure(pixels[::2].repeat(2, 1, 1, 1), None, train_set, test_set, space))
    assert (dark["classes_drawn"]["value"], dark["classes_drawn"]["floor"]) == (1, 2)
    assert dark["class_kl"]["value"] == pytest.approx(math.log(2), abs=1e-3) and dark["class_kl"]["floor"] < 0.01


@pytest.mark.parametrize("labels", [True, False])
def test_what_evaluate_says(make_pipeline: Callable[..., ImagePipeline], labels: bool) -> None:
    pipeline = make_pipeline(labels=["Ada", "Bob", "Cleo"] if labels else None)
    train_set, test_set = image_set(60, 0, labels, "train"), image_set(40, 1, labels, "held-out tenth")
    figures = evaluate(pipeline, train_set, test_set)
    assert list(figures) == ["metrics", "yardsticks", "neighbours"]
    metric = values(figures)["sliced_wasserstein_distance"]
    assert metric["name"] == "Sliced Wasserstein distance"
    assert metric["split"] == "held-out tenth"
    assert metric["samples"] == 40
    assert metric["value"] > metric["floor"] > 0  # an untrained generator against real pictures
    assert evaluate(pipeline, train_set, test_set) == figures
    assert pipeline.neighbours is not None
    assert Image.open(io.BytesIO(pipeline.neighbours)).mode == "RGB"


def test_more_held_out_pictures_than_training_pictures(pipeline: ImagePipeline) -> None:
    figures = evaluate(pipeline, image_set(9, 0, True, "train"), image_set(40, 1, True, "test"))
    assert figures["metrics"][0]["samples"] == 9


def test_two_pictures_are_enough(pipeline: ImagePipeline) -> None:
    figures = evaluate(pipeline, image_set(3, 0, True, "train"), image_set(2, 1, True, "test"))
    assert figures["metrics"][0]["samples"] == 2


def test_the_classes_are_those_of_the_held_out_pictures(pipeline: ImagePipeline) -> None:
    train_set, test_set = image_set(30, 0, True, "train"), image_set(30, 1, True, "test")
    expected = evaluate(pipeline, train_set, test_set)
    assert test_set.labels is not None
    test_set.labels[:] = 0
    assert evaluate(pipeline, train_set, test_set)["metrics"][0]["value"] != expected["metrics"][0]["value"]


def test_classes_are_matched_by_name(pipeline: ImagePipeline) -> None:
    train_set, test_set = image_set(30, 0, True, "train"), image_set(30, 1, True, "test")
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
