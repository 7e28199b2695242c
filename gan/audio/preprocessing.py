"""Any sound file, made fit for a network: the same for training data and for a sound that somebody uploads."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

PEAK = 0.9
MOST_SECONDS = 60  # of a file that are read
SILENCE = 1e-4  # between the lowest and the highest sample: three steps of 16 bits
ONSET_LEVEL = 1e-4  # of the energy of the loudest moment: 40 dB under it
MOMENT, LEAD_IN, FADE_OUT = 0.005, 0.01, 0.005  # seconds

# What a damaged file, or one without a sound in it, makes the functions below raise.
UNREADABLE = (OSError, ValueError, TypeError, soundfile.SoundFileError)


def read_sound(file: Path | str | BinaryIO) -> tuple[np.ndarray, int]:
    """The first minute of a WAV, FLAC, OGG or MP3 file.

    Returns:
        float32 (samples,), several channels averaged, and its sampling rate in Hz. Full scale is 1; files of floats
        may go beyond.

    Raises:
        one of `UNREADABLE`: if it is no sound file.
    """
    with soundfile.SoundFile(file) as sound:
        channels = sound.read(MOST_SECONDS * sound.samplerate, dtype="float32", always_2d=True)
        return channels.mean(1), sound.samplerate


def fit_clip(sound: np.ndarray, own_rate: int, sampling_rate: int, samples: int, normalize: bool = True) -> np.ndarray:
    """A sound, resampled, and as long as asked for: followed by silence where it is shorter, else cropped from where
    it begins to be heard.

    Args:
        sound: (any,), sampled at `own_rate`.
        normalize: makes its peak 0.9; otherwise it is cut at ±1.

    Returns:
        float32 (samples,) in [-1, 1].

    Raises:
        ValueError: if nothing is heard in it, or a sample is not a finite number.
    """
    if not np.isfinite(sound).all():
        raise ValueError("a sample is not a finite number")
    if own_rate != sampling_rate:
        sound = soxr.resample(sound, own_rate, sampling_rate)
    if len(sound) > samples:
        start = min(onset(sound, sampling_rate), len(sound) - samples)
        sound = sound[start : start + samples].copy()
        fade = round(FADE_OUT * sampling_rate)  # or it would end in a click
        sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    if not sound.size or np.ptp(sound) < SILENCE:
        raise ValueError("nothing is heard")
    if normalize:
        sound = sound * (PEAK / np.abs(sound).max())
    return np.pad(sound.clip(-1, 1), (0, samples - len(sound)))


def onset(sound: np.ndarray, sampling_rate: int) -> int:
    """The sample, a little before its attack, at which a sound (any,) begins to be heard."""
    length = round(MOMENT * sampling_rate)
    moments = (sound - sound.mean())[: len(sound) // length * length].reshape(-1, length)
    energy = np.square(moments, dtype=np.float64).mean(1)
    first = int((energy > ONSET_LEVEL * energy.max()).argmax()) * length
    return max(0, first - round(LEAD_IN * sampling_rate))


def sixteen_bits(audio: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as int16, 32767 for 1."""
    return (audio * 32767).round().astype(np.int16)


def wav(audio: np.ndarray, sampling_rate: int) -> bytes:
    """A clip (samples,) or (samples, channels) in [-1, 1] as a WAV file of 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1), sampling_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
