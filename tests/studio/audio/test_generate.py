"""Audio models in the registry, and their clips as files."""

import io
import math

import numpy as np
import pytest
import soundfile
import torch

from gan import AudioDiscriminator, AudioGenerator, AudioPipeline, GANError, ImagePipeline
from gan.studio.audio.generate import (
    MAX_CLIPS,
    PADS,
    clip_name,
    generate_clips,
    generate_kit,
    interpolate_clips,
    kit_classes,
    pad_name,
)
from gan.studio.audio.steering import Steering
from gan.studio.audio.tab import panel_rows
from gan.studio.model_panel import describe, panel_html
from gan.studio.registry import Registry
from gan.studio.strings import EN, ZH

FAILING = [
    ({"seed": -1}, "not a whole number from 0"),
    ({"seed": None}, "must be numbers"),
    ({"seed": math.inf}, "must be numbers"),
    ({"num_samples": 0}, f"ask for 1 to {MAX_CLIPS}"),
    ({"num_samples": MAX_CLIPS + 1}, f"ask for 1 to {MAX_CLIPS}"),
    ({"truncation": 7}, "truncation of 7"),
    ({"label": "four"}, "The label 'four' is unknown"),
    ({"label": {"speaker": "four"}}, "There is no speaker 'four'; this model knows ann, bob"),
]


def samples(wav):
    """The samples of a WAV file's bytes, whole numbers."""
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        assert (file.format, file.subtype, file.channels) == ("WAV", "PCM_16", 1)
        return file.read(dtype="int16")


def whole(audio):
    """Samples in [-1, 1], as sixteen bits hold them."""
    return np.clip(np.asarray(audio).reshape(-1) * 32768, -32768, 32767)


def close(wav, audio):
    return np.abs(samples(wav) - whole(audio)).max() <= 1


def test_the_tab_is_offered_its_models(audio_registry, audio_models):
    assert audio_registry.names("audio") == ["voices", "hits"] and audio_registry.default("audio") == "voices"
    assert audio_registry.get("hits").discriminator is None
    with pytest.raises(GANError, match="blots makes images, not clips; choose one of voices, hits"):
        audio_registry.get("blots", AudioPipeline)
    with pytest.raises(GANError, match="hits makes clips, not images; choose one of blots"):
        audio_registry.get("hits", ImagePipeline)
    with pytest.raises(GANError, match="none is offered here"):
        Registry({"blots": str(audio_models / "blots")}).get("blots", AudioPipeline)


def test_an_audio_model_is_described(audio_registry):
    facts = describe("voices", audio_registry.get("voices"))
    assert (facts["kind"], facts["sampling_rate"], facts["samples"]) == ("audio", 8000, 2048)
    assert facts["labels"]["speaker"] == ["ann", "bob"] and facts["training"]["clips_seen"] == 1280
    html = panel_html(facts, panel_rows(facts, EN), EN)
    assert "0.256 s at 8 kHz" in html and "1,280 clips seen" in html and "2: ann, bob" in html
    assert "<b>" not in html and "3: one, two, &lt;b&gt;three" in html
    assert ZH["column_speaker"] in panel_html(facts, panel_rows(facts, ZH), ZH)


def test_clips_are_those_of_the_pipeline(audio_registry):
    pipeline = audio_registry.get("voices")
    clips, milliseconds = generate_clips(audio_registry, "voices", 40, 3, 0.7, {"speaker": "bob"})
    direct = pipeline(40, 3, truncation=0.7, label={"speaker": "bob"})
    assert milliseconds > 0 and [clip.seed for clip in clips] == [40, 41, 42]
    assert [clip.label for clip in clips] == direct.labels and all(label.endswith(", bob") for label in direct.labels)
    assert all(close(clip.wav, audio) for clip, audio in zip(clips, direct.audios, strict=True))
    assert clip_name("user/voices", clips[0], 0.7).startswith("user-voices_seed-40_")


@pytest.mark.parametrize(("change", "message"), FAILING)
def test_what_cannot_sound_is_said(audio_registry, change, message):
    with pytest.raises(GANError, match=message):
        generate_clips(
            audio_registry, "voices", **{"seed": 0, "num_samples": 1, "truncation": 1.0, "label": None} | change
        )


def test_an_interpolation_has_both_ends(audio_registry):
    pipeline = audio_registry.get("hits")
    clips, _ = interpolate_clips(audio_registry, "hits", 3, 9, 5, 1.0, None)
    assert len(clips) == 5 and all(clip.seed is None for clip in clips)
    for clip, seed in ((clips[0], 3), (clips[-1], 9)):
        assert close(clip.wav, pipeline(seed).audios[0]) and clip.label == pipeline(seed).labels[0]
    with pytest.raises(GANError, match="ask for 2 to 32"):
        interpolate_clips(audio_registry, "hits", 3, 9, 1, 1.0, None)


def test_clips_are_steered(audio_registry):
    pipeline = audio_registry.get("hits")
    edits = {"component 1": 1.5}

    def made(**steering):
        return generate_clips(audio_registry, "hits", 5, 2, 0.8, "snare", Steering(**steering))[0]

    plain, moved, mixed = made(), made(edits=edits), made(layers="coarse", other_seed=9)
    assert [clip.label for clip in moved] == ["snare"] * 2
    assert len({clip.wav for clip in [*plain, *moved, mixed[0]]}) == 5
    assert close(moved[1].wav, pipeline.edit(6, edits, "snare", 0.8).audios[0])
    assert close(mixed[1].wav, pipeline.mix(6, 9, "coarse", "snare", 0.8).audios[0])
    ends, _ = interpolate_clips(audio_registry, "hits", 5, 6, 3, 0.8, "snare", Steering(edits=edits))
    assert close(ends[0].wav, samples(moved[0].wav) / 32768) and close(ends[-1].wav, samples(moved[1].wav) / 32768)
    pads, _ = generate_kit(audio_registry, "hits", [(5, "snare"), (6, "kick")], 0.8, {}, Steering(edits=edits))
    assert close(pads[0].wav, samples(moved[0].wav) / 32768)


def test_guided_clips_are_those_of_the_pipeline(tmp_path):
    torch.manual_seed(0)
    shape = {"samples": 2048, "num_classes": (), "channels": (16, 16, 16)}
    audio_pipeline = AudioPipeline(AudioGenerator(latent_dim=8, **shape), AudioDiscriminator(**shape))
    audio_pipeline.save_pretrained(tmp_path / "model")
    registry = Registry({"model": str(tmp_path / "model")})
    clips, _ = generate_clips(registry, "model", 5, 2, 1.0, None, Steering(critic_steps=2))
    direct = audio_pipeline(5, 2, critic_steps=2).audios
    assert all(close(clip.wav, audio) for clip, audio in zip(clips, direct, strict=True))


@pytest.mark.parametrize(
    ("steering", "message"),
    [
        ({"critic_steps": 3}, "has no discriminator"),
        ({"layers": "finest"}, "choose coarse, middle, fine"),
        ({"layers": "fine", "other_seed": -1}, "not a whole number from 0"),
        ({"edits": {"beauty": 1.0}}, "There is no direction 'beauty'"),
        ({"edits": [1]}, "Edits are strengths"),
    ],
)
def test_what_cannot_be_steered_is_said(audio_registry, steering, message):
    with pytest.raises(GANError, match=message):
        generate_clips(audio_registry, "hits", 0, 1, 1.0, None, Steering(**steering))


def test_a_kit_deals_out_the_classes(audio_registry):
    pipeline = audio_registry.get("hits")
    assert kit_classes(pipeline) == ["kick"] * 6 + ["snare"] * 5 + ["closed hat"] * 5
    clips, _ = generate_kit(audio_registry, "hits", [(7, "snare"), (123, "kick"), (9, None)], 0.8, {})
    assert [clip.seed for clip in clips] == [7, 123, 9]
    assert close(clips[1].wav, pipeline(123, truncation=0.8, label="kick").audios[0])
    assert clips[2].label == pipeline(9).labels[0]
    assert [pad_name(k, clip) for k, clip in enumerate(clips)][:2] == ["01-snare-seed7.wav", "02-kick-seed123.wav"]


def test_pads_of_several_columns_share_the_others(audio_registry):
    clips, _ = generate_kit(audio_registry, "voices", [(7, "one"), (8, None)], 1.0, {"speaker": "ann"})
    assert clips[0].label == "one, ann" and clips[1].label.endswith(", ann")
    assert pad_name(0, clips[0]) == "01-one-ann-seed7.wav"


@pytest.mark.parametrize(
    ("pads", "message"),
    [
        ([], "ask for 1 to 16"),
        ([(0, None)] * (PADS + 1), "ask for 1 to 16"),
        ([(0, "gong")], "There is no label 'gong'"),
    ]
    + [([(None, None)], "must be numbers"), ([(-1, None)], "not a whole number from 0")],
)
def test_what_is_no_kit_is_said(audio_registry, pads, message):
    with pytest.raises(GANError, match=message):
        generate_kit(audio_registry, "hits", pads, 1.0, {})
