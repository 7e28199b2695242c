"""What is measured of clips, against what is known of it, and the figures that go into `metrics.json`."""

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from sounds import COLUMNS, RATE, tones
from torch import Tensor

from gan import AudioPipeline, GANError
from gan.audio import features
from gan.audio.data import AudioSet
from gan.audio.features import feature_space
from gan.audio.metrics import CEILING, NOISE, evaluate, measure, round_trip, with_noise, within
from gan.metrics.tables import metrics_tables

SHARES = {"precision", "recall", "density", "coverage"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where classifiers are kept, for one test; they see few clips."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(features, "EXAMPLES_SEEN", 1_600)


def values(figures: dict[str, Any]) -> dict[str, Any]:
    return {metric["type"]: metric for metric in figures["metrics"]}


def everything(clips: AudioSet) -> tuple[Tensor, Tensor]:
    indices = torch.arange(len(clips))
    labels = clips.classes(indices)
    assert labels is not None
    return clips.clips(indices), labels


def test_noise_is_as_loud_as_it_says_and_repeats() -> None:
    clips, _ = everything(tones(20))
    for decibels in NOISE:
        noisy = with_noise(clips, decibels)
        ratio = clips.square().mean(1) / (noisy - clips).square().mean(1)
        assert torch.allclose(10 * ratio.log10(), torch.full((20,), float(decibels)), atol=0.5)
        assert torch.equal(noisy, with_noise(clips, decibels))
    assert with_noise(torch.zeros(1, 100), 20).abs().max() == 0


def test_the_ceiling_keeps_what_is_heard() -> None:
    clips, _ = everything(tones(10))
    again = round_trip(clips, RATE)
    assert again.shape == clips.shape
    spectra = [torch.fft.rfft(part).abs() for part in (clips, again)]
    assert torch.equal(*(spectrum.argmax(1) for spectrum in spectra))


def test_how_far_samples_of_the_same_labels_are_apart() -> None:
    labels = torch.tensor([[0, 0], [0, 0], [0, 1], [0, 1], [1, 0]])
    place = torch.tensor([[0.0], [2.0], [10.0], [14.0], [99.0]])
    assert within(place, labels, torch.tensor([[0, 0], [0, 1]])) == 3
    assert within(place, labels, torch.tensor([[0, 1]])) == 4


def test_what_is_measured_of_clips_that_were_asked_for(cache: None) -> None:
    train_set, test_set, like = tones(240), tones(60, seed=1, split="test"), tones(120, seed=2)
    clips, asked = everything(like)
    space = feature_space("auto", train_set)
    figures = measure(clips, asked, train_set, test_set, space)
    found = values(figures)
    by_class = {"class_agreement_pitch", "class_agreement_shape"}
    assert set(found) == by_class | {"frechet_distance", "kernel_x1000", "diversity"} | SHARES
    for kind, metric in found.items():
        assert metric["samples"] == 120 and metric["split"] == "test"
        assert metric["higher_is_better"] == (None if kind == "diversity" else kind in SHARES | by_class)
        assert math.isfinite(metric["value"]) and math.isfinite(metric["reference"])
        assert all(metric["name"] in row["values"] for row in figures["baselines"])
    assert found["class_agreement_pitch"]["name"] == "Class agreement, pitch"
    assert found["class_agreement_pitch"]["value"] > 0.9 < found["class_agreement_pitch"]["reference"]
    assert found["diversity"]["value"] == pytest.approx(1, abs=0.35)
    names = [CEILING, *(f"held-out with noise at {decibels} dB" for decibels in NOISE)]
    assert [row["name"] for row in figures["baselines"]] == names
    distances = [row["values"]["Fréchet distance (classifier features)"] for row in figures["baselines"]]
    assert distances == sorted(distances)
    assert "120 clips against 60 of the test split" in figures["note"]

    sixteen_bits = torch.from_numpy(np.pad(like.audio, [(0, 0), (0, 500)]))  # longer: the end is cut
    assert measure(sixteen_bits, asked, train_set, test_set, space) == figures
    shown = metrics_tables(figures)
    assert f"| {CEILING} |" in shown and "| labels | Class agreement, pitch ↑ | Class agreement, shape ↑ |" in shown
    assert "Diversity within labels ≈" in shown and figures["note"] in shown
    json.dumps(figures, allow_nan=False)

    wrong = values(measure(clips, (asked + 1) % torch.tensor([3, 2]), train_set, test_set, space))
    assert wrong["class_agreement_pitch"]["value"] < 0.1 and wrong["class_agreement_shape"]["value"] < 0.2
    first = torch.tensor([(asked == labels).all(1).nonzero()[0, 0].item() for labels in asked])
    same = values(measure(clips[first], asked, train_set, test_set, space))
    assert same["diversity"]["value"] == 0 and same["coverage"]["value"] < found["coverage"]["value"]


def test_which_classes_are_drawn_where_none_was_asked_for(cache: None) -> None:
    train_set, test_set = tones(240), tones(60, seed=1, split="test")
    clips, labels = everything(tones(90, seed=2))
    low = clips[labels[:, 0] == 0]
    found = values(measure(low, None, train_set, test_set, feature_space("auto", train_set)))
    assert (found["classes_drawn_pitch"]["value"], found["classes_drawn_pitch"]["reference"]) == (1, 3)
    assert found["class_kl_pitch"]["value"] == pytest.approx(math.log(3), abs=0.01)
    assert found["classes_drawn_shape"]["value"] == 2 and "diversity" not in found


def test_one_column_needs_no_name(cache: None) -> None:
    train_set, test_set = tones(200), tones(60, seed=1, split="test")
    for clips in (train_set, test_set):
        assert clips.labels is not None
        clips.labels, clips.label_names = clips.labels[:, :1], {"pitch": COLUMNS["pitch"]}
    made, asked = everything(test_set)
    figures = measure(made, asked, train_set, test_set, feature_space("auto", train_set))
    assert figures["metrics"][0]["name"] == "Class agreement"


@pytest.mark.parametrize("labels", [True, False])
def test_what_evaluate_says(make_audio_pipeline: Callable[..., AudioPipeline], labels: bool) -> None:
    pipeline = make_audio_pipeline(COLUMNS if labels else None)
    train_set, test_set = tones(80), tones(50, seed=1, split="held-out tenth")
    figures = evaluate(pipeline, train_set, test_set)
    assert list(figures) == ["metrics", "baselines", "note", "neighbours"]
    metric = values(figures)["frechet_distance"]
    assert metric["name"] == "Fréchet distance (16 x 16 spectrograms)"
    assert (metric["split"], metric["samples"]) == ("held-out tenth", 80)
    assert metric["value"] > 2 * metric["reference"] > 0  # an untrained generator against real clips
    assert ("diversity" in values(figures)) == labels
    assert evaluate(pipeline, train_set, test_set) == figures
    assert values(evaluate(pipeline, train_set, test_set, num_clips=60))["frechet_distance"]["samples"] == 60
    assert pipeline.neighbours is not None
    assert Image.open(io.BytesIO(pipeline.neighbours)).mode == "RGB"
    assert "from a generated clip to the nearest training clip" in metrics_tables(figures)


def test_two_clips_are_enough(
    audio_pipeline: AudioPipeline, make_audio_pipeline: Callable[..., AudioPipeline]
) -> None:
    figures = evaluate(make_audio_pipeline(None), tones(3), tones(2, seed=1, split="test"))
    assert figures["metrics"] == [] and figures["neighbours"]["distance_ratio"] > 0
    assert "fewer than 50" in metrics_tables(figures)


def test_classes_and_columns_are_matched_by_name(make_audio_pipeline: Callable[..., AudioPipeline]) -> None:
    pipeline = make_audio_pipeline(COLUMNS)
    train_set, test_set = tones(60), tones(50, seed=1, split="test")
    expected = evaluate(pipeline, train_set, test_set)
    for clips in (train_set, test_set):
        assert clips.labels is not None
        clips.label_names = {"shape": COLUMNS["shape"], "pitch": ["HIGHEST", "low", "high"]}
        clips.labels = np.stack([clips.labels[:, 1], (clips.labels[:, 0] + 1) % 3], axis=1)
    found = evaluate(pipeline, train_set, test_set)
    assert values(found).keys() == values(expected).keys()
    for kind, metric in values(found).items():
        assert metric["value"] == pytest.approx(values(expected)[kind]["value"], rel=1e-3)
    assert test_set.labels is not None
    test_set.labels[:] = 0
    other = evaluate(pipeline, train_set, test_set)
    assert values(other)["frechet_distance"]["value"] != values(found)["frechet_distance"]["value"]


def test_data_of_other_labels_is_refused(make_audio_pipeline: Callable[..., AudioPipeline]) -> None:
    pipeline = make_audio_pipeline(COLUMNS)
    train_set, test_set = tones(30), tones(30, seed=1, split="test")
    test_set.label_names = {"pitch": ["low", "high", "deep"], "shape": COLUMNS["shape"]}
    with pytest.raises(GANError, match="does not know the class 'deep' of tones"):
        evaluate(pipeline, train_set, test_set)
    test_set.label_names, test_set.labels = {"pitch": COLUMNS["pitch"]}, np.zeros((30, 1), np.int64)
    with pytest.raises(GANError, match="labels pitch and shape, and tones is read with pitch; name the columns"):
        evaluate(pipeline, train_set, test_set)
    test_set.label_names = test_set.labels = None
    with pytest.raises(GANError, match="is read with none"):
        evaluate(pipeline, train_set, test_set)


def test_global_randomness_is_left_alone(audio_pipeline: AudioPipeline) -> None:
    train_set, test_set = tones(60), tones(50, seed=1, split="test")
    train_set.labels = test_set.labels = None
    pipeline = AudioPipeline(audio_pipeline.generator)
    state = torch.get_rng_state()
    evaluate(pipeline, train_set, test_set)
    assert torch.equal(torch.get_rng_state(), state)
