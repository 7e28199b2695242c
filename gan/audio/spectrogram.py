"""Log-magnitude spectrograms of sounds, and back.

A magnitude spectrogram holds no phases. They are first estimated from the peaks of each frame (single pass spectrogram
inversion, Beauregard et al. 2015), then made consistent by a few steps of the fast Griffin-Lim algorithm (Perraudin et
al. 2013).
"""

import math

import torch
from torch import Tensor

FLOOR = 1e-3  # magnitude below which all is silence: about 95 dB under a full-scale tone
STEPS = 8  # of Griffin-Lim; more are hardly heard
MOMENTUM = 0.99


def window_size(sampling_rate: int) -> int:
    """Samples in a window: about 32 ms, a power of two."""
    return 2 ** round(math.log2(0.032 * sampling_rate))


def whole_length(seconds: float, sampling_rate: int) -> int:
    """Samples in a clip of at least so many seconds: 16 hops, or any multiple, so that a network can halve frames."""
    step = 16 * (window_size(sampling_rate) // 4)
    return step * max(1, math.ceil(seconds * sampling_rate / step - 1e-6))


def analyse(audio: Tensor, n_fft: int) -> Tensor:
    """Clips to log-magnitude spectrograms.

    Args:
        audio: (n, samples) in [-1, 1]; samples divide by n_fft / 4, the hop.
        n_fft: samples in a (Hann) window.

    Returns:
        (n, 1, n_fft / 2, samples / hop): -1 is silence, 1 a full-scale tone. The row of the highest frequency and the
        last frame, which is centred on the end, are left out: they are inaudible.
    """
    magnitude = _stft(audio, n_fft)[:, :-1, :-1].abs()
    low, high = _range(n_fft)
    return ((magnitude + FLOOR).log().sub(low).mul(2 / (high - low)).sub(1))[:, None]


def synthesise(spectrograms: Tensor, n_fft: int, steps: int = STEPS) -> Tensor:
    """Spectrograms (n, 1, n_fft / 2, frames), as from `analyse`, to clips (n, samples), about [-1, 1]."""
    # One by one: on some CPUs an FFT rounds by the size of the batch, and a clip must not hear its neighbours.
    return torch.cat([_synthesise(one, n_fft, steps) for one in spectrograms.split(1)])


def _synthesise(spectrograms: Tensor, n_fft: int, steps: int) -> Tensor:
    low, high = _range(n_fft)
    magnitude = ((spectrograms[:, 0].float() + 1) * ((high - low) / 2) + low).exp().sub(FLOOR).clamp_min(0)
    magnitude = torch.nn.functional.pad(magnitude, (0, 1, 0, 1))
    length = spectrograms.shape[3] * (n_fft // 4)
    phase = _estimate_phase(magnitude)
    before = torch.zeros_like(phase)
    for _ in range(steps):
        consistent = _stft(_istft(magnitude * phase, n_fft, length), n_fft)
        ahead = consistent - before * (MOMENTUM / (1 + MOMENTUM))
        phase, before = ahead / ahead.abs().clamp_min(1e-8), consistent
    return _istft(magnitude * phase, n_fft, length)


def _estimate_phase(magnitude: Tensor) -> Tensor:
    """Phases (n, bins, frames), as unit vectors: every bin turns at the frequency of the peak nearest to it."""
    bins = torch.arange(magnitude.shape[1], device=magnitude.device)[None, :, None].expand_as(magnitude)
    below, here, above = (magnitude[:, k : magnitude.shape[1] - 2 + k] for k in range(3))
    peak = torch.nn.functional.pad((here > below) & (here >= above), (0, 0, 1, 1))
    # A parabola through a peak and its neighbours, in decibels, has its top between the bins.
    down, mid, up = ((part + 1e-6).log() for part in (below, here, above))
    offset = (0.5 * (down - up) / (down - 2 * mid + up).clamp_max(-1e-6)).clamp(-0.5, 0.5)
    frequency = bins + torch.nn.functional.pad(offset, (0, 0, 1, 1))
    far = 2 * magnitude.shape[1]
    last = torch.where(peak, bins, -far).cummax(1).values
    following = torch.where(peak, bins, far).flip(1).cummin(1).values.flip(1)
    nearest = torch.where(bins - last <= following - bins, last, following)
    frequency = torch.where(
        nearest.abs() < far, frequency.gather(1, nearest.clamp(0, magnitude.shape[1] - 1)), bins.float()
    )
    turned = (2 * math.pi / 4) * frequency.cumsum(2)  # a hop is a quarter of a window
    return torch.polar(torch.ones_like(turned), turned + math.pi * bins)  # bins beside a peak have opposite signs


def _range(n_fft: int) -> tuple[float, float]:
    """The logarithms of the magnitudes of silence and of a full-scale tone (a Hann window sums to n_fft / 2)."""
    return math.log(FLOOR), math.log(n_fft / 4)


def _stft(audio: Tensor, n_fft: int) -> Tensor:
    window = torch.hann_window(n_fft, device=audio.device)
    return torch.stft(audio.float(), n_fft, n_fft // 4, window=window, return_complex=True)


def _istft(spectrum: Tensor, n_fft: int, length: int) -> Tensor:
    window = torch.hann_window(n_fft, device=spectrum.device)
    return torch.istft(spectrum, n_fft, n_fft // 4, window=window, length=length)
