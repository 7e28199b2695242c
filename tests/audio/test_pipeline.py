"""`AudioPipeline`: seeds, labels of several columns, morphs, and a model repository."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from gan import AudioPipeline, GANError, GANPipeline


def test_a_clip_is_a_function_of_its_seed(audio_pipeline: AudioPipeline) -> None:
    out = audio_pipeline(seed=5, num_samples=19)
    assert out.audios.shape == (19, 2048, 1) and out.audios.dtype == np.float32
    assert out.sampling_rate == 8000 and out.seeds == list(range(5, 24))
    assert np.abs(out.audios).max() <= 1 and np.abs(out.audios).max(1).min() > 0
    for k in (0, 7, 18):
        alone = audio_pipeline(seed=5 + k)
        assert np.array_equal(alone.audios[0], out.audios[k]) and alone.labels == [out.labels[k]]
    assert np.array_equal(audio_pipeline(seed=9, num_samples=4).audios, out.audios[4:8])


def test_labels_are_drawn_or_named(audio_pipeline: AudioPipeline) -> None:
    names = audio_pipeline(seed=0, num_samples=24).labels
    assert {name.split(", ")[0] for name in names} == {"zero", "one", "two"}
    assert {name.split(", ")[1] for name in names} == {"Ada", "Bob"}
    for label in ("two, bob", "Bob,TWO", "speaker=Bob, digit=two", {"digit": "two", "speaker": "Bob"}):
        assert audio_pipeline(num_samples=3, label=label).labels == ["two, Bob"] * 3
    some = audio_pipeline(num_samples=8, label="Bob").labels
    assert {name.split(", ")[1] for name in some} == {"Bob"} and len(set(some)) > 1
    # What is named does not change what is drawn.
    assert [name.split(", ")[0] for name in some] == [name.split(", ")[0] for name in names[:8]]
    assert audio_pipeline(num_samples=8, label="").labels == names[:8] == audio_pipeline(num_samples=8).labels


def test_arguments_of_diffusers(audio_pipeline: AudioPipeline) -> None:
    meant = audio_pipeline(seed=5, num_samples=3)
    out = audio_pipeline(generator=[torch.Generator().manual_seed(seed) for seed in (5, 6, 7)])
    assert np.array_equal(out.audios, meant.audios) and (out.labels, out.seeds) == (meant.labels, [])
    latents, classes = audio_pipeline.latents([5, 6, 7])
    for class_labels in (classes, classes.tolist(), meant.labels):
        out = audio_pipeline(latents=latents, class_labels=class_labels)
        assert np.array_equal(out.audios, meant.audios) and out.labels == meant.labels
    clips, rate, seeds, _ = audio_pipeline(seed=5, batch_size=3, output_type="pt", return_dict=False)
    assert np.array_equal(clips.numpy(), meant.audios) and (rate, seeds) == (8000, [5, 6, 7])
    assert audio_pipeline(class_labels=["two, Bob", {"digit": "one", "speaker": "Ada"}]).labels == [
        "two, Bob",
        "one, Ada",
    ]
    for wrong in ([[0, 5]], [[0]], [[0, True]]):
        with pytest.raises(GANError, match=r"class indices .* cannot be used; this model has \[3, 2\] classes"):
            audio_pipeline(class_labels=wrong)
    with pytest.raises(GANError, match="'pil' here; give one of np, pt"):
        audio_pipeline(output_type="pil")


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("three", "'three' is unknown; this model knows digit: zero, one, two; speaker: Ada, Bob"),
        ("digit=Ada", "no digit 'Ada'; this model knows zero, one, two"),
        ("pitch=high", "no labels called 'pitch'; this model has digit and speaker"),
        ({"speaker": "Cleo"}, "no speaker 'Cleo'"),
    ],
)
def test_labels_that_are_unknown(audio_pipeline: AudioPipeline, label: str, sentence: str) -> None:
    with pytest.raises(GANError, match=sentence):
        audio_pipeline(label=label)


def test_a_name_in_two_columns(make_audio_pipeline: Callable[..., AudioPipeline]) -> None:
    pipeline = make_audio_pipeline({"first": ["a", "b"], "second": ["b", "c"]})
    with pytest.raises(GANError, match="'b' is in several columns, so say which"):
        pipeline(label="b")
    assert pipeline(label="second=b, a").labels == ["a, b"]
    twice = make_audio_pipeline({"first": ["b", "a"], "second": ["b", "c"]})
    assert 'label={"first": "b", "second": "b"}' in twice.example()


def test_a_name_with_a_comma(make_audio_pipeline: Callable[..., AudioPipeline]) -> None:
    pipeline = make_audio_pipeline({"first": ["hat, closed", "kick"]})
    assert pipeline(label="hat, closed").labels == ["hat, closed"]
    assert 'label="hat, closed"' in pipeline.example()


def test_without_classes(make_audio_pipeline: Callable[..., AudioPipeline]) -> None:
    pipeline = make_audio_pipeline(None)
    assert pipeline(seed=3, num_samples=2).labels is None
    assert pipeline.interpolate(0, 1, 3).audios.shape == (3, 2048, 1)
    with pytest.raises(GANError, match="has no classes, so the label 'kick' cannot be used"):
        pipeline(label="kick")


def test_a_way_between_two_seeds(audio_pipeline: AudioPipeline) -> None:
    way = audio_pipeline.interpolate(3, 8, steps=5)
    assert way.seeds == [] and len(way.audios) == 5
    assert np.array_equal(way.audios[0], audio_pipeline(seed=3).audios[0])
    assert np.array_equal(way.audios[-1], audio_pipeline(seed=8).audios[0])
    half = audio_pipeline.between(3, 8, torch.tensor([0.5]))
    assert np.allclose(half.audios[0], way.audios[2], atol=1e-5)
    assert audio_pipeline.interpolate(3, 8, 2, label="two, Ada").labels == ["two, Ada"] * 2
    with pytest.raises(GANError, match="at least 2 steps"):
        audio_pipeline.interpolate(0, 1, steps=1)


def test_truncation(audio_pipeline: AudioPipeline) -> None:
    def spread(psi: float) -> float:
        pictures = audio_pipeline.spectrograms(
            torch.from_numpy(audio_pipeline(num_samples=8, truncation=psi, label="two, Ada").audios[..., 0])
        )
        return float(pictures.std(0).mean())

    assert spread(0.2) < spread(0.6) < spread(1)
    with pytest.raises(GANError, match="truncation of 3"):
        audio_pipeline(truncation=3)


def test_saved_and_loaded(audio_pipeline: AudioPipeline, tmp_path: Path) -> None:
    audio_pipeline.save_pretrained(tmp_path / "spoken")
    again = GANPipeline.from_pretrained(tmp_path / "spoken")
    assert isinstance(again, AudioPipeline) and again.labels == audio_pipeline.labels
    assert again.duration == 2048 / 8000
    expected = audio_pipeline(seed=4, num_samples=3)
    assert np.array_equal(again(seed=4, num_samples=3).audios, expected.audios)
    sheet = Image.open(tmp_path / "spoken/samples.png")
    assert sheet.mode == "RGB" and len(sheet.getcolors(2**20)) > 100
    sound, rate = soundfile.read(io.BytesIO((tmp_path / "spoken/samples.wav").read_bytes()))
    assert rate == 8000 and len(sound) == 3 * 2048
    card = (tmp_path / "spoken/README.md").read_text()
    assert "samples.wav" in card and "digit (zero, one, two) and speaker (Ada, Bob)" in card
    assert 'label="zero, Ada"' in card and "pipeline_tag: text-to-audio" in card


def test_labels_that_do_not_fit(audio_pipeline: AudioPipeline) -> None:
    for labels, sentence in (
        ({"digit": ["zero", "one", "two"]}, "1 columns of labels for the 2 of the generator"),
        ({"digit": ["zero"], "speaker": ["Ada", "Bob"]}, "1 labels for the 3 classes"),
    ):
        with pytest.raises(GANError, match=sentence):
            AudioPipeline(audio_pipeline.generator, None, labels)
