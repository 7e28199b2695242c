"""Sound as a picture, and the sound of a picture."""

import math

import pytest
import torch
from torch import Tensor

from gan.audio.spectrogram import analyse, synthesise, whole_length, window_size

RATES = {8000: 256, 11025: 256, 16000: 512, 22050: 512, 44100: 1024}


def tone(*frequencies: float, samples: int = 4096, rate: int = 8000) -> Tensor:
    """(1, samples): sines that fade in and out."""
    time = torch.arange(samples) / rate
    sines = torch.stack([torch.sin(2 * math.pi * frequency * time) for frequency in frequencies])
    return 0.9 * sines.mean(0, keepdim=True) * torch.hann_window(samples)


@pytest.mark.parametrize(("rate", "n_fft"), RATES.items())
def test_a_window_is_about_32_milliseconds(rate: int, n_fft: int) -> None:
    assert window_size(rate) == n_fft
    samples = whole_length(0.7, rate)
    assert 0.7 * rate <= samples < 0.7 * rate + 4 * n_fft and samples % (4 * n_fft) == 0
    assert whole_length(samples / rate, rate) == samples


def test_a_tone_is_a_line_at_its_frequency() -> None:
    picture = analyse(tone(1000), 256)
    assert picture.shape == (1, 1, 128, 64)
    assert picture[0, 0].mean(1).argmax() == 1000 / (8000 / 256)
    assert 0.8 < picture.max() < 1


def test_silence_and_full_scale() -> None:
    assert analyse(torch.zeros(2, 2048), 256) == pytest.approx(torch.full((2, 1, 128, 32), -1.0), abs=1e-5)
    full = torch.sin(2 * math.pi * 1000 * torch.arange(2048) / 8000)
    assert float(analyse(full[None], 256).max()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("n_fft", [256, 512])
def test_there_and_back(n_fft: int) -> None:
    noise = torch.randn(1, 4096, generator=torch.Generator().manual_seed(0)).clamp(-3, 3) * 0.1
    for sound, most in ((tone(440), 0.08), (tone(300, 1200, 2500), 0.12), (noise, 0.08)):
        picture = analyse(sound, n_fft)
        again = synthesise(picture, n_fft)
        assert again.shape == sound.shape
        loud = picture > -0.5
        assert (analyse(again, n_fft) - picture)[loud].abs().mean() < most
        assert float(again.norm() / sound.norm()) == pytest.approx(1, abs=0.1)


def test_more_steps_come_nearer() -> None:
    picture = analyse(tone(500, 830), 256)
    errors = [float((analyse(synthesise(picture, 256, steps), 256) - picture).abs().mean()) for steps in (0, 4, 32)]
    assert errors == sorted(errors, reverse=True)


def test_silence_stays_silent() -> None:
    assert synthesise(torch.full((1, 1, 128, 32), -1.0), 256).abs().max() < 1e-4


def test_a_clip_does_not_hear_its_neighbours() -> None:
    pictures = torch.cat([analyse(tone(frequency, 3 * frequency), 256) for frequency in (200, 310, 450, 700, 1010)])
    together = synthesise(pictures, 256)
    for k in range(5):
        assert torch.equal(synthesise(pictures[k : k + 1], 256)[0], together[k])
    assert torch.equal(synthesise(pictures[1:4], 256), together[1:4])
