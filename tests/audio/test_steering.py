"""Sounds are steered as images are: guidance, directions and mixing."""

from pathlib import Path

import numpy as np

from gan import AudioPipeline, GANPipeline


def test_guidance_keeps_the_seed(audio_pipeline: AudioPipeline):
    together = audio_pipeline(seed=2, num_samples=3, critic_steps=2, critic_step_size=0.2).audios
    alone = audio_pipeline(seed=4, critic_steps=2, critic_step_size=0.2).audios
    assert np.abs(together[2] - alone[0]).max() < 1e-3
    assert not np.allclose(alone, audio_pipeline(seed=4).audios, atol=1e-3)


def test_a_seed_and_its_codes_are_the_same_clip(audio_pipeline: AudioPipeline):
    found = audio_pipeline.draw(audio_pipeline.codes_of(3, truncation=0.8))
    assert np.abs(found.audios - audio_pipeline(seed=3, truncation=0.8).audios).max() < 1e-3
    assert found.sampling_rate == audio_pipeline.sampling_rate


def test_directions(audio_pipeline: AudioPipeline, tmp_path: Path):
    audio_pipeline.find_directions(num_samples=200, num_scored=10)
    assert {"pitch", "brightness", "attack", "length"} <= set(audio_pipeline.directions.vectors)
    audio_pipeline.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    edited = loaded.edit(1, {"brightness": 2.0, "length": -1.0})
    assert edited.audios.shape == audio_pipeline(seed=1).audios.shape
    assert not np.allclose(edited.audios, audio_pipeline(seed=1).audios, atol=1e-3)


def test_mixing(audio_pipeline: AudioPipeline):
    mixed = audio_pipeline.mix(1, 2, "coarse")
    assert not np.allclose(mixed.audios, audio_pipeline(seed=1).audios, atol=1e-3)
