"""Clips for tests: short tones, made in code."""

import numpy as np

from gan.audio.data import AudioSet

RATE, SAMPLES = 8_000, 2_048
COLUMNS = {"pitch": ["low", "high", "highest"], "shape": ["fades", "swells"]}


def tones(count: int = 200, seed: int = 0, split: str = "train") -> AudioSet:
    """A quarter of a second: tones of three pitches that fade or swell, a little different each time."""
    chance = np.random.default_rng(seed)
    labels = np.stack([np.arange(count) % 3, chance.integers(0, 2, count)], axis=1)
    pitch = np.array([400, 1100, 2600])[labels[:, :1]] * chance.uniform(0.85, 1.15, (count, 1))
    time = np.arange(SAMPLES)[None] / RATE
    fading = np.exp(-chance.uniform(10, 20, (count, 1)) * time)
    loud = np.where(labels[:, 1:] == 0, fading, fading[:, ::-1]) * chance.uniform(0.5, 0.9, (count, 1))
    audio = (32767 * loud * np.sin(2 * np.pi * pitch * time)).astype(np.int16)
    return AudioSet(audio, labels.astype(np.int64), {k: list(v) for k, v in COLUMNS.items()}, RATE, "tones", split)
