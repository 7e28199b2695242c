"""The built-in drums: what each should be like, seen in its samples."""

import functools

import numpy as np
import pytest

from gan.audio import drums

RATE, SAMPLES, TAKES = 16_000, 16_384, 4
NAMES = drums.CLASS_NAMES


@functools.cache
def takes() -> np.ndarray:
    """float (instruments, takes, samples), each with a peak of 0.9."""
    audio, labels = drums.synthesise(TAKES * len(NAMES), RATE, SAMPLES, seed=0)
    return np.stack([audio[labels == k] for k in range(len(NAMES))]) / 32767


def of(name: str) -> np.ndarray:
    return takes()[NAMES.index(name)]


def centre(sounds: np.ndarray) -> np.ndarray:
    """The mean of the frequencies, weighted by their energy, in Hz."""
    energy = np.abs(np.fft.rfft(sounds)) ** 2
    return (energy * np.fft.rfftfreq(SAMPLES, 1 / RATE)).sum(-1) / energy.sum(-1)


def length(sounds: np.ndarray) -> np.ndarray:
    """Seconds until all but a thousandth of the energy is spent."""
    spent = np.square(sounds).cumsum(-1)
    return (spent > 0.999 * spent[..., -1:]).argmax(-1) / RATE


def test_classes_take_turns() -> None:
    audio, labels = drums.synthesise(25, 4000, 512, seed=3)
    assert (audio.shape, audio.dtype) == ((25, 512), np.int16)
    assert labels.dtype == np.int64
    assert labels.tolist() == [k % len(NAMES) for k in range(25)]
    assert 8 <= len(set(NAMES)) == len(NAMES) <= 11


def test_a_seed_is_a_set() -> None:
    audio, _ = drums.synthesise(15, 4000, 512, seed=3)
    assert np.array_equal(drums.synthesise(12, 4000, 512, seed=3)[0], audio[:12])  # more come after, not between
    other, _ = drums.synthesise(15, 4000, 512, seed=4)
    assert not (other == audio).all(1).any()
    assert not np.array_equal(audio[0], audio[len(NAMES)])  # two kicks


@pytest.mark.parametrize("name", NAMES)
def test_clips_are_clean(name: str) -> None:
    sounds = of(name)
    assert np.abs(sounds).max(1) == pytest.approx(0.9, abs=1e-4)
    assert np.abs(sounds.mean(1)).max() < 1e-4
    assert np.abs(sounds[:, -1]).max() < 1e-4
    assert np.abs(np.diff(sounds[:, -RATE // 50 :])).max() < 0.01  # they end without a click
    assert (np.abs(sounds) > 0.09).argmax(1).max() < 0.02 * RATE  # and begin at once
    assert length(sounds).max() < 0.6


@pytest.mark.parametrize(("rate", "samples"), [(4000, 1024), (8000, 8192), (44100, 2048), (16000, 512)])
def test_other_rates_and_lengths(rate: int, samples: int) -> None:
    audio, _ = drums.synthesise(2 * len(NAMES), rate, samples, seed=0)
    assert np.abs(audio.astype(int)).max(1).tolist() == [29490] * len(audio)
    assert np.abs(audio[:, -1]).max() <= 3


def test_skins_are_low_and_metal_is_high() -> None:
    order = ["kick", "low tom", "high tom", "cowbell", "crash", "open hat"]
    centres = [np.median(centre(of(name))) for name in order]
    assert centres == sorted(centres)
    assert centres[0] < 200
    assert centres[-1] > 5000
    assert centre(of("low tom")).max() < centre(of("high tom")).min()


def test_an_open_hat_rings_on() -> None:
    assert length(of("open hat")).min() > 2 * length(of("closed hat")).max()
    assert length(of("crash")).min() > length(of("closed hat")).max()
    assert length(of("rimshot")).max() < 0.05


def test_the_pitch_of_a_kick_falls() -> None:
    for sound in of("kick"):
        smooth = np.convolve(sound[: RATE // 10], np.ones(32) / 32, "valid")  # without the click
        periods = np.diff(np.flatnonzero(np.diff(np.sign(smooth)) > 0))
        assert periods[-1] > 1.2 * periods[0]


def test_hands_do_not_clap_as_one() -> None:
    quarters = np.square(of("clap")).cumsum(1)
    first_hand = quarters[:, RATE * 8 // 1000] / quarters[:, -1]
    assert first_hand.max() < 0.5


def test_a_cowbell_has_two_notes() -> None:
    for sound in of("cowbell"):
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(2 * SAMPLES)[SAMPLES:]))
        frequency = np.fft.rfftfreq(SAMPLES, 1 / RATE)
        low, high = ((450, 690), (700, 1060))
        notes = [frequency[np.where((frequency > a) & (frequency < b), spectrum, 0).argmax()] for a, b in (low, high)]
        assert 1.4 < notes[1] / notes[0] < 1.56
