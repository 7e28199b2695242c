"""The built-in data set `drums`: one-shots of eleven instruments, synthesised in code, no two alike.

The recipes are those of analogue drum machines, the Roland TR-808 before all: swept sines for skins, six square waves
out of tune for metal, filtered noise for wires, hands and beads. Every knob is turned at random.
"""

import math
from collections.abc import Callable

import numpy as np
from tqdm.auto import tqdm

from gan.audio.preprocessing import PEAK, sixteen_bits

# Hz, of the bank behind hats, cymbal and cowbell (Werner, Abel & Smith 2014, "The TR-808 Cymbal: a
# physically-informed, circuit-bendable, digital model"). In real ones resistors put them off by up to a fifth.
_BANK = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])
_FADE = 0.01  # seconds in which the end of a clip goes to zero
_RUMBLE = 20  # Hz; what is below is taken away
_SIXTY_DECIBELS = math.log(1000)


class _Machine:
    """What one clip is made with: a clock, chance and the usual modules."""

    def __init__(self, sampling_rate: int, samples: int, random: np.random.Generator):
        self.rate = sampling_rate
        self.random = random
        self.time = np.arange(samples) / sampling_rate
        self.frequency = np.fft.rfftfreq(samples, 1 / sampling_rate)

    def knob(self, low: float, high: float) -> float:
        """A random setting between two positive ones; each doubling is as likely."""
        return low * (high / low) ** self.random.random()

    def decay(self, seconds: float, start: float = 0.0) -> np.ndarray:
        """An envelope that jumps to 1 and falls by 60 dB in so many seconds, at most until the end of the clip."""
        since = self.time - start
        length = min(seconds, self.time[-1] - start)
        return np.where(since < 0, 0, np.exp(-_SIXTY_DECIBELS / length * np.abs(since)))

    def sine(self, frequency: float, sweep: float = 1.0, seconds: float = 0.03) -> np.ndarray:
        """A sine that begins `sweep` times as high and falls to its frequency; from zero, so as not to click."""
        fallen = 1 - np.exp(-self.time / seconds)
        return np.sin(2 * math.pi * frequency * (self.time + (sweep - 1) * seconds * fallen))

    def squares(self, frequencies: np.ndarray) -> np.ndarray:
        """Square waves in sum: triangles, differentiated, so that little folds back at half the sampling rate
        (Välimäki 2005, "Discrete-time synthesis of the sawtooth waveform with reduced aliasing")."""
        step = frequencies[:, None] / self.rate
        phase = self.random.random(step.shape) + step * np.arange(len(self.time) + 1)
        triangles = np.abs(2 * (phase - np.floor(phase)) - 1)
        return (np.diff(triangles) / (2 * step)).sum(0)

    def metal(self, tune: float) -> np.ndarray:
        """The bank, each oscillator a little off."""
        return self.squares(_BANK * tune * self.random.uniform(0.9, 1.1, len(_BANK)))

    def noise(self) -> np.ndarray:
        return self.random.standard_normal(len(self.time))

    def band(self, sound: np.ndarray, low: float, high: float, order: int = 2) -> np.ndarray:
        """The part of a lasting sound between two frequencies, with a Butterworth filter's slopes, as loud as 1."""
        frequency = self.frequency + 1e-3
        response = (1 + (low / frequency) ** (2 * order)) * (1 + (frequency / high) ** (2 * order))
        filtered = np.fft.irfft(np.fft.rfft(sound) / np.sqrt(response), len(sound))
        return filtered / filtered.std()

    def finish(self, sound: np.ndarray) -> np.ndarray:
        """Without rumble, its end at zero and its peak at 0.9."""
        j = 1j * self.frequency
        sound = np.fft.irfft(np.fft.rfft(sound) * j / (j + _RUMBLE), len(sound))
        sound *= np.clip((self.time[-1] - self.time) / _FADE, 0, 1)
        return sound * (PEAK / np.abs(sound).max())


def _drive(sound: np.ndarray, amount: float) -> np.ndarray:
    """Soft clipping."""
    return np.tanh(amount * sound / np.abs(sound).max())


def _kick(m: _Machine) -> np.ndarray:
    """A sine that falls into the deep, and the click of the beater."""
    body = m.sine(m.knob(40, 62), m.knob(3, 8), m.knob(0.01, 0.04)) * m.decay(m.knob(0.25, 0.95))
    click = m.band(m.noise(), 1000, m.knob(2500, 6000)) * m.decay(m.knob(0.008, 0.025))
    return _drive(body + m.knob(0.01, 0.2) * click, m.knob(0.7, 4))


def _snare(m: _Machine) -> np.ndarray:
    """Two modes of the skin, and the noise of the wires beneath it."""
    pitch, length = m.knob(160, 250), m.knob(0.08, 0.3)
    skin = m.sine(pitch, 1.5, 0.01) * m.decay(length)
    skin += m.knob(0.2, 0.7) * m.sine(pitch * m.knob(1.6, 2), 1.3, 0.01) * m.decay(0.6 * length)
    wires = m.band(m.noise(), m.knob(700, 2500), m.knob(5000, 9000)) * m.decay(m.knob(0.15, 0.5))
    return _drive(skin + m.knob(0.15, 0.6) * wires, m.knob(0.5, 2.5))


def _clap(m: _Machine) -> np.ndarray:
    """Several hands, one after the other, and the room."""
    centre = m.knob(850, 1500)
    hands = m.band(m.noise(), centre / 1.3, centre * m.knob(1.2, 2))
    gap, count = m.knob(0.008, 0.014), m.random.integers(3, 5)
    bursts = sum(m.decay(0.04, k * gap * m.random.uniform(0.95, 1.05)) for k in range(count))
    return hands * (bursts + m.knob(0.3, 0.8) * m.decay(m.knob(0.12, 0.5), count * gap))


def _hat(m: _Machine, length: float) -> np.ndarray:
    metal = m.band(m.metal(m.knob(0.9, 1.6)), m.knob(4500, 7000), 12000, order=3)
    hiss = m.band(m.noise(), m.knob(4000, 7000), 12000)
    return (metal + m.knob(0.15, 0.8) * hiss) * m.decay(length)


def _closed_hat(m: _Machine) -> np.ndarray:
    """The high harmonics of the bank, cut short."""
    return _hat(m, m.knob(0.04, 0.13))


def _open_hat(m: _Machine) -> np.ndarray:
    """The same, left to ring."""
    return _hat(m, m.knob(0.35, 0.8))


def _low_tom(m: _Machine) -> np.ndarray:
    return _tom(m, m.knob(85, 125))


def _high_tom(m: _Machine) -> np.ndarray:
    return _tom(m, m.knob(160, 250))


def _tom(m: _Machine, pitch: float) -> np.ndarray:
    """A skin that is loosened as it comes to rest, its second mode (1.59 times as high), and a breath of noise."""
    length, sweep = m.knob(0.3, 0.85), m.knob(1.15, 1.8)
    skin = m.sine(pitch, sweep, m.knob(0.03, 0.08)) * m.decay(length)
    skin += m.knob(0.05, 0.4) * m.sine(1.59 * pitch, sweep, 0.04) * m.decay(0.4 * length)
    breath = m.band(m.noise(), 100, m.knob(600, 3000)) * m.decay(m.knob(0.04, 0.2))
    return _drive(skin + m.knob(0.02, 0.15) * breath, m.knob(0.5, 2))


def _crash(m: _Machine) -> np.ndarray:
    """Two bands of the bank, the lower one gone sooner, and a splash."""
    bank, length = m.metal(m.knob(0.8, 1.7)), m.knob(0.85, 1.2)
    lower = m.band(bank, m.knob(1800, 2800), m.knob(3500, 4500)) * m.decay(m.knob(0.4, 0.7) * length)
    upper = m.band(bank + m.knob(0.5, 3) * m.noise(), m.knob(3500, 5000), 12000) * m.decay(length)
    splash = m.band(m.noise(), 700, 6000) * m.decay(m.knob(0.1, 0.3))
    return m.knob(0.4, 1) * lower + upper + m.knob(0.2, 0.8) * splash


def _rimshot(m: _Machine) -> np.ndarray:
    """The stick on wood: two short modes, hard driven."""
    pitch, length = m.knob(400, 560), m.knob(0.025, 0.07)
    wood = m.sine(pitch) * m.decay(length) + m.knob(0.5, 1.2) * m.sine(pitch * m.knob(3.2, 4)) * m.decay(0.8 * length)
    stick = m.band(m.noise(), 2000, 7000) * m.decay(0.006)
    return _drive(wood + m.knob(0.05, 0.4) * stick, m.knob(1, 4))


def _cowbell(m: _Machine) -> np.ndarray:
    """Two squares a false fifth apart; a clonk, then a ring."""
    pitch = m.knob(480, 680)
    bell = m.band(m.squares(pitch * np.array([1, m.knob(1.42, 1.54)])), pitch, m.knob(1500, 3500))
    return bell * (m.decay(m.knob(0.06, 0.12)) + m.knob(0.3, 0.9) * m.decay(m.knob(0.3, 0.8)))


def _shaker(m: _Machine) -> np.ndarray:
    """Beads that hit a gourd at random, less and less (PhISEM: Cook 1997), after a swing."""
    beads = m.noise() * (m.random.random(len(m.time)) < m.knob(0.06, 0.4))
    centre = m.knob(2800, 6000)
    swing = 1 - np.exp(-m.time / m.knob(0.008, 0.025))
    return m.band(beads, centre / 1.3, centre * 1.4) * swing**2 * m.decay(m.knob(0.15, 0.4))


_INSTRUMENTS: dict[str, Callable[[_Machine], np.ndarray]] = {
    "kick": _kick,
    "snare": _snare,
    "clap": _clap,
    "closed hat": _closed_hat,
    "open hat": _open_hat,
    "low tom": _low_tom,
    "high tom": _high_tom,
    "crash": _crash,
    "rimshot": _rimshot,
    "cowbell": _cowbell,
    "shaker": _shaker,
}
CLASS_NAMES: tuple[str, ...] = tuple(_INSTRUMENTS)


def synthesise(count: int, sampling_rate: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Drums, always the same ones; the first of a thousand are those of a hundred.

    Returns:
        int16 (count, samples) with a peak of 0.9, and int64 (count,) classes, which take turns.
    """
    play = list(_INSTRUMENTS.values())
    audio: np.ndarray = np.empty((count, samples), np.int16)
    for index in tqdm(range(count), desc="Playing the drums", unit=" clips", leave=False):
        machine = _Machine(sampling_rate, samples, np.random.default_rng((seed, index)))
        audio[index] = sixteen_bits(machine.finish(play[index % len(play)](machine)))
    return audio, np.arange(count, dtype=np.int64) % len(play)
