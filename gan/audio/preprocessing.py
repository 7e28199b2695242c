"""Any sound file, made fit for a network: the same for training data and for a sound that somebody uploads."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

PEAK = 0.9
MAX_SECONDS = 60  # of a file that are read, unless it is cut into clips
SILENCE = 1e-4  # between the lowest and the highest sample: three steps of 16 bits
ONSET_LEVEL = 1e-4  # of the energy of the loudest moment: 40 dB under it
MOMENT, LEAD_IN, FADE_OUT = 0.005, 0.01, 0.005  # seconds
RISE, BEFORE = 4.0, 10  # an onset has so many times the energy of the moments before it, so many of them
BLOCK = 2**18  # samples of a recording that are read at once
# Formats of libsndfile with other usual suffixes than their name; RAW files do not say what they hold.
SUFFIXES = {
    "AIFF": (".aif", ".aiff", ".aifc"),
    "AU": (".au", ".snd"),
    "IRCAM": (".sf", ".ircam"),
    "MAT4": (".mat",),
    "MAT5": (".mat",),
    "MP3": (".mp3", ".mp2"),
    "MPC2K": (".mpc",),
    "NIST": (".sph", ".nist"),
    "OGG": (".ogg", ".oga", ".opus"),
    "PAF": (".paf", ".fap"),
    "RAW": (),
    "SVX": (".iff", ".svx", ".8svx"),
    "WAV": (".wav", ".wave"),
    "WAVEX": (),
}

# What a damaged file, or one without a sound in it, makes the functions below raise.
UNREADABLE = (OSError, ValueError, TypeError, soundfile.SoundFileError)


class Silent(ValueError):
    """Nothing is heard in a sound."""


def openable() -> frozenset[str]:
    """Suffixes of the files that libsndfile opens."""
    known = soundfile.available_formats()
    return frozenset(suffix for name in known for suffix in SUFFIXES.get(name, (f".{name.lower()}",)))


def read_sound(file: Path | str | BinaryIO) -> tuple[np.ndarray, int]:
    """The first minute of a sound file.

    Returns:
        float32 (samples,), several channels averaged, and its sampling rate in Hz. Full scale is 1; files of floats
        may go beyond.

    Raises:
        one of `UNREADABLE`: if it is no sound file.
    """
    with soundfile.SoundFile(file) as sound:
        channels = sound.read(MAX_SECONDS * sound.samplerate, dtype="float32", always_2d=True)
        return _one_channel(channels), sound.samplerate


def _one_channel(channels: np.ndarray) -> np.ndarray:
    """The mean of channels (samples, channels); the first of them where they cancel each other out."""
    mean = channels.mean(1)
    return channels[:, 0] if len(mean) and np.ptp(mean) < SILENCE <= np.ptp(channels[:, 0]) else mean


def read_recording(file: Path | str | BinaryIO, sampling_rate: int) -> np.ndarray:
    """A whole sound file, however long: float32 (samples,) at this rate, several channels averaged.

    Raises:
        one of `UNREADABLE`: if it is no sound file, or a sample is not a finite number.
    """
    with soundfile.SoundFile(file) as sound:
        stream = soxr.ResampleStream(sound.samplerate, sampling_rate, 1)
        parts = []
        while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
            parts.append(stream.resample_chunk(_one_channel(block)))
        parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    whole = np.concatenate(parts)
    if not np.isfinite(whole).all():
        raise ValueError("a sample is not a finite number")
    return whole


def cut(recording: np.ndarray, sampling_rate: int, samples: int, by_onset: bool) -> list[np.ndarray]:
    """Clips of a recording (any,), each (samples,) or, the last one, at least half of it. They don't overlap.

    Args:
        by_onset: a clip begins where a sound sets in; otherwise where the one before ends.
    """
    starts = list(range(0, max(1, len(recording) - samples // 2), samples))
    if by_onset:
        starts, end = [], 0
        for begin in onsets(recording, sampling_rate):
            if begin >= end:
                starts.append(begin)
                end = begin + samples
    return [recording[start : start + samples] for start in starts]


def onsets(recording: np.ndarray, sampling_rate: int) -> list[int]:
    """Samples, a little before their attack, at which sounds set in."""
    energy = _energy(recording, sampling_rate)
    if not len(energy):
        return [0]
    sums = np.concatenate([np.zeros(BEFORE + 1), energy.cumsum()])
    before = (sums[BEFORE : BEFORE + len(energy)] - sums[: len(energy)]) / BEFORE
    rises = np.flatnonzero((energy > ONSET_LEVEL * energy.max()) & (energy > RISE * before))
    lead, length = round(LEAD_IN * sampling_rate), round(MOMENT * sampling_rate)
    return [max(0, int(moment) * length - lead) for moment in rises]


def fit_clip(sound: np.ndarray, own_rate: int, sampling_rate: int, samples: int, normalize: bool = True) -> np.ndarray:
    """A sound, resampled, and as long as asked for: followed by silence where it is shorter, else cropped from where
    it begins to be heard.

    Args:
        sound: (any,), sampled at `own_rate`.
        normalize: makes its peak 0.9; otherwise it is cut at ±1.

    Returns:
        float32 (samples,) in [-1, 1].

    Raises:
        Silent: if nothing is heard in it.
        ValueError: if a sample is not a finite number.
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
        raise Silent("nothing is heard")
    if normalize:
        sound = sound * (PEAK / np.abs(sound).max())
    return np.pad(sound.clip(-1, 1), (0, samples - len(sound)))


def onset(sound: np.ndarray, sampling_rate: int) -> int:
    """The sample, a little before its attack, at which a sound (any,) begins to be heard."""
    energy = _energy(sound, sampling_rate)
    first = int((energy > ONSET_LEVEL * energy.max()).argmax()) * round(MOMENT * sampling_rate)
    return max(0, first - round(LEAD_IN * sampling_rate))


def _energy(sound: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Of each moment of a sound (any,): float64 (moments,)."""
    length = round(MOMENT * sampling_rate)
    moments = (sound - sound.mean())[: len(sound) // length * length].reshape(-1, length)
    return np.square(moments, dtype=np.float64).mean(1)


def sixteen_bits(audio: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as int16, 32767 for 1."""
    return (audio * 32767).round().astype(np.int16)


def wav(audio: np.ndarray, sampling_rate: int) -> bytes:
    """A clip (samples,) or (samples, channels) in [-1, 1] as a WAV file of 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1), sampling_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
