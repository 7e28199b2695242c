"""What can be measured on a clip without any label: the quantities that directions are named after."""

import math

import torch
from torch import Tensor

from gan.audio.spectrogram import FLOOR

LOWEST, HIGHEST = 60.0, 1000.0  # Hz: where the pitch is looked for
CANDIDATES = 96  # pitches, evenly spaced in octaves
HARMONICS, DECAY = 5, 0.84  # of the sum of harmonics
TEMPERATURE = 0.02  # of the softmax that picks a candidate, so that pitch is continuous
AUDIBLE = 1e-3  # of the energy of the loudest frame: 30 dB under it
ATTACKED = 0.5  # of it: where the attack ends


def attributes(spectrograms: Tensor, sampling_rate: int, n_fft: int) -> dict[str, Tensor]:
    """Attributes of clips.

    Args:
        spectrograms: (n, 1, n_fft / 2, frames) from `gan.audio.spectrogram.analyse`.
        sampling_rate: in Hz.
        n_fft: samples in a window.

    Returns:
        (n,) by name: `pitch` in octaves above 60 Hz (subharmonic summation, Hermes 1988); `brightness`, the centroid
        of the spectrum in octaves above 60 Hz; `attack`, the base-2 logarithm of the frames from the onset to half of
        the greatest energy; `length`, the frames from the onset to the last one within 30 dB of the loudest.
    """
    high = math.log(n_fft / 4)
    low = math.log(FLOOR)
    magnitude = ((spectrograms[:, 0].float().clamp(-1, 1) + 1) * ((high - low) / 2) + low).exp()
    power = magnitude.square()
    frequencies = torch.arange(power.shape[1], device=power.device) * sampling_rate / n_fft
    octaves = (frequencies.clamp_min(sampling_rate / n_fft / 2) / LOWEST).log2()
    spectrum = power.mean(2)
    energy = power.sum(1)
    loudest = energy.amax(1, keepdim=True)
    onset, end = _first(energy, AUDIBLE * loudest), energy.shape[1] - 1 - _first(energy.flip(1), AUDIBLE * loudest)
    attacked = _first(energy, ATTACKED * loudest)
    return {
        "pitch": _pitch(spectrum.sqrt(), sampling_rate / n_fft),
        "brightness": (spectrum * octaves).sum(1) / spectrum.sum(1),
        "attack": (attacked - onset + 1.0).log2(),
        "length": end - onset + 1.0,
    }


def _first(energy: Tensor, threshold: Tensor) -> Tensor:
    """(n,) frames, between frames interpolated, at which energy (n, frames) first reaches a threshold (n, 1)."""
    frame = (energy >= threshold).int().argmax(1, keepdim=True)
    before, here = energy.gather(1, (frame - 1).clamp_min(0)), energy.gather(1, frame)
    share = ((threshold - before) / (here - before).clamp_min(1e-12)).clamp(0, 1)
    return torch.where(frame > 0, frame - 1 + share, 0.0)[:, 0]


def _pitch(magnitude: Tensor, bin_width: float) -> Tensor:
    """(n,) octaves above the lowest candidate, of mean magnitudes (n, bins)."""
    octaves = torch.linspace(0, math.log2(HIGHEST / LOWEST), CANDIDATES, device=magnitude.device)
    bins = LOWEST * 2**octaves / bin_width
    total = magnitude.new_zeros(len(magnitude), CANDIDATES)
    for k in range(1, HARMONICS + 1):
        place = (k * bins).clamp_max(magnitude.shape[1] - 1.001)
        below = place.long()
        share = place - below
        total += DECAY ** (k - 1) * ((1 - share) * magnitude[:, below] + share * magnitude[:, below + 1])
    sharpened = (total / total.amax(1, keepdim=True) / TEMPERATURE).softmax(1)
    return (sharpened * octaves).sum(1)
