"""Attributes of clips, of tones that are known."""

import math

import pytest
import torch

from gan.audio.attributes import attributes
from gan.audio.spectrogram import analyse

RATE, N_FFT = 8000, 256


def tone(
    frequency: float, harmonics: int = 5, start: float = 0.1, end: float = 0.5, rise: float = 0.0
) -> torch.Tensor:
    """(1, 1, bins, frames) of a tone between two moments, in seconds, that takes a while to rise."""
    seconds = torch.arange(8192) / RATE
    wave = sum(torch.sin(2 * math.pi * k * frequency * seconds) / k for k in range(1, harmonics + 1))
    envelope = ((seconds >= start) & (seconds < end)) * ((seconds - start) / max(rise, 1e-6)).clamp(0, 1)
    return analyse((0.3 * wave * envelope)[None], N_FFT)


def measured(**settings: float) -> dict[str, float]:
    found = attributes(tone(**settings), RATE, N_FFT)
    assert all(value.shape == (1,) and value.isfinite().all() for value in found.values())
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize("frequency", [125.0, 200.0, 320.0, 500.0])
def test_pitch_is_in_octaves(frequency: float):
    assert measured(frequency=frequency)["pitch"] == pytest.approx(math.log2(frequency / 60), abs=0.15)


def test_more_harmonics_are_brighter_and_not_higher():
    dull, bright = measured(frequency=250, harmonics=1), measured(frequency=250, harmonics=8)
    assert bright["brightness"] > dull["brightness"] + 0.2
    assert bright["pitch"] == pytest.approx(dull["pitch"], abs=0.15)


def test_length_and_attack_are_in_frames():
    frames = RATE / (N_FFT // 4)
    found = measured(frequency=200, start=0.2, end=0.6)
    assert found["length"] == pytest.approx(0.4 * frames, abs=6)  # a window is 4 frames long
    slow = measured(frequency=200, rise=0.3)
    assert slow["attack"] > measured(frequency=200)["attack"] + 1
