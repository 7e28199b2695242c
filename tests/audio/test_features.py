"""The spaces that clips are compared in: the classifier and its cache, the speech embedding, coarse spectrograms."""

import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from sounds import tones

from gan import GANError
from gan.audio import features, speech
from gan.audio.data import AudioSet
from gan.audio.features import FEATURES, classifier_for, coarse_spectrograms, feature_space


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where classifiers are kept, for one test; they see few clips."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setattr(features, "EXAMPLES_SEEN", 400)
    return tmp_path / "huggingface/gan-studio/classifiers"


def everything(clips: AudioSet) -> tuple[torch.Tensor, torch.Tensor | None]:
    indices = torch.arange(len(clips))
    return clips.clips(indices), clips.classes(indices)


def test_the_classifier_hears_both_columns_of_clips_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "EXAMPLES_SEEN", 3_200)
    held_out, labels = everything(tones(60, seed=1))
    classifier = classifier_for(tones())
    assert not classifier.training
    heard = classifier.predict(held_out)
    assert labels is not None and heard.shape == labels.shape == (60, 2)
    assert ((heard == labels).double().mean(0) > 0.9).all()
    noisy = held_out + 0.01 * torch.randn(held_out.shape, generator=torch.Generator().manual_seed(0))
    assert ((classifier.predict(noisy) == labels).double().mean(0) > 0.8).all()


def test_it_is_trained_once_and_kept_whole(cache: Path) -> None:
    first = classifier_for(tones())
    (kept,) = cache.iterdir()
    assert {file.name for file in kept.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    written = (kept / "config.json").stat().st_mtime_ns
    again = classifier_for(tones())
    assert (kept / "config.json").stat().st_mtime_ns == written
    pictures = first.spectrograms(everything(tones(20, seed=2))[0])
    assert torch.allclose(first(pictures)[0], again(pictures)[0], atol=1e-5)


def test_a_damaged_one_is_named(cache: Path) -> None:
    classifier_for(tones())
    (weights,) = cache.rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(GANError, match=r"is damaged; remove that folder\.$"):
        classifier_for(tones())


def test_training_leaves_global_randomness_alone_and_repeats() -> None:
    state = torch.get_rng_state()
    first = features.train_classifier(tones())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(3)
    again = features.train_classifier(tones())
    assert torch.equal(first.to_features.weight, again.to_features.weight)


@pytest.mark.parametrize(("rate", "samples"), [(8000, 2048), (16000, 32768), (4000, 512)])
def test_every_length_and_rate_fits_the_classifier(rate: int, samples: int) -> None:
    classifier = features.AudioClassifier(rate, samples, [2, 3]).eval()
    pictures = classifier.spectrograms(torch.zeros(2, samples))
    assert max(pictures.shape[2:]) <= 64 and pictures.max() == -1  # silence
    found, logits = classifier(pictures)
    assert found.shape == (2, FEATURES) and [head.shape for head in logits] == [(2, 2), (2, 3)]


@pytest.mark.parametrize("reason", ["no classes", "too few", "are all of one class"])
def test_what_no_classifier_can_be_trained_on(reason: str) -> None:
    train_set = tones(199 if reason == "too few" else 200)
    if reason == "no classes":
        train_set.labels = train_set.label_names = None
    elif train_set.labels is not None and reason != "too few":
        train_set.labels[:] = 1
    with pytest.raises(GANError, match=reason):
        feature_space("classifier", train_set)
    space = feature_space("auto", train_set)
    assert (space.kind, space.classifier) == ("spectrogram", None)
    assert not Path(constants.HF_HOME).exists()


def test_the_classifier_is_the_first_choice() -> None:
    space = feature_space("auto", tones())
    assert space.name == "classifier features" and space.classifier is not None
    clips, _ = everything(tones(70, seed=1))
    found = space(clips)
    assert found.shape == (70, FEATURES) and found.dtype == torch.float32
    assert torch.equal(space.predict(clips, found), space.classifier.predict(clips))


def test_the_coarse_spectrogram_knows_high_from_low_and_early_from_late() -> None:
    time = torch.arange(4096) / 8000
    low, high = (torch.sin(2 * torch.pi * pitch * time) for pitch in (300, 3000))
    low[2048:] = 0
    pictures = coarse_spectrograms(8000)(torch.stack([low, high])).view(2, 16, 16)
    assert pictures[0, :3, :7].min() > pictures[0, 8:].max() and pictures[0, :, 10:].max() < -0.9
    assert pictures[1].mean(1).argmax() in (11, 12)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopen_wakeword", None)  # makes its import fail
    with pytest.raises(GANError, match="pip install pyopen-wakeword"):
        feature_space("speech", tones())


def test_resampled_tones_are_the_same_tones() -> None:
    def tone(rate: int) -> torch.Tensor:
        return torch.sin(2 * torch.pi * 440 * torch.arange(rate) / rate)[None]

    same = speech._at_16_khz(tone(16_000), 16_000)[:, speech.SILENCE :]
    assert torch.allclose(same, tone(16_000), atol=1e-4)
    for rate in (8_000, 22_050):
        heard = speech._at_16_khz(tone(rate), rate)
        assert heard[:, : speech.SILENCE].abs().max() == 0
        middle = slice(2_000, 14_000)
        assert torch.allclose(heard[:, speech.SILENCE :][:, middle], tone(16_000)[:, middle], atol=5e-3)


def test_the_speech_embedding_where_it_is_installed() -> None:
    pytest.importorskip("pyopen_wakeword")
    train_set = tones(20)
    space = feature_space("speech", train_set)
    assert space.name == "speech embedding" and space.classifier is None
    clips, _ = everything(train_set)
    found = space(clips[:4])
    assert found.shape == (4, speech.FEATURES) and found.dtype == torch.float32
    assert found.std(0).max() > 0 and torch.equal(space(clips[2:3])[0], found[2])
