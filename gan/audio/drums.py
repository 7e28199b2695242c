"""The built-in data set `drums`: one-shots, synthesised in code. For now only noise."""

import numpy as np

CLASS_NAMES: tuple[str, ...] = ("kick", "snare")


def synthesise(count: int, sampling_rate: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels: np.ndarray = np.arange(count) % len(CLASS_NAMES)
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (count, samples)).astype(np.float32), labels
