"""A public embedding of speech (Lin et al. 2020, "Training keyword spotters with limited and synthesized speech").

Google's speech_embedding, trained on millions of clips of spoken phrases, as the package pyopen-wakeword brings it: a
mel spectrogram and a convolutional network in TensorFlow Lite, whose library it has aboard.
"""

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.errors import GANError

RATE = 16_000
WINDOW, STEP, MELS, FEATURES = 76, 8, 32, 96  # frames of 10 ms that a vector sees, and between vectors
SAMPLES = 160 * (WINDOW + 3)  # that fill a window
SILENCE = 4_000  # samples: spoken digits with it before, and not behind, are told apart by neighbours


def is_installed() -> bool:
    """Whether the package is there."""
    try:
        import pyopen_wakeword  # noqa: F401
    except ImportError:
        return False
    return True


def embedding(sampling_rate: int) -> Callable[[Tensor], Tensor]:
    """A function of clips (n, samples) in [-1, 1] to vectors (n, 96), the mean over a clip.

    Raises:
        GANError: if the package is missing.
    """
    if not is_installed():
        raise GANError("The speech embedding is not installed; `pip install pyopen-wakeword` brings it.")
    import pyopen_wakeword

    place = Path(pyopen_wakeword.__file__).parent
    mel = _Network(place, "melspectrogram")
    network = _Network(place, "embedding_model")

    def one(clip: np.ndarray) -> np.ndarray:
        frames = mel(clip[None]).reshape(-1, MELS) / 10 + 2  # the scale that the embedding was trained on
        windows = range(0, len(frames) - WINDOW + 1, STEP)
        return np.mean([network(frames[None, k : k + WINDOW, :, None]).ravel() for k in windows], axis=0)

    def features(clips: Tensor) -> Tensor:
        heard = 32767 * _at_16_khz(clips, sampling_rate)
        return torch.from_numpy(np.stack([one(clip) for clip in heard.numpy()]))

    return features


def _at_16_khz(clips: Tensor, rate: int) -> Tensor:
    """Clips (n, samples) at the rate of the embedding, after the silence that it expects before a word."""
    count = round(clips.shape[1] * RATE / rate)
    spectrum = torch.fft.rfft(F.pad(clips, (0, clips.shape[1])))  # silence: or the start would be heard at the end
    spectrum = F.pad(spectrum, (0, count + 1 - spectrum.shape[1]))  # cuts, too
    resampled = torch.fft.irfft(spectrum, n=2 * count)[:, :count] * (RATE / rate)
    return F.pad(resampled, (max(SILENCE, SAMPLES - count), 0))


class _Network:
    """A network of TensorFlow Lite, by the C library in the package."""

    def __init__(self, place: Path, name: str):
        from pyopen_wakeword.wakeword import TfLiteWakeWord

        (library,) = (place / "lib").glob("*tensorflowlite_c.*")
        self.library = TfLiteWakeWord(library).lib  # which declares the functions
        self.model = self.library.TfLiteModelCreateFromFile(str(place / "models" / f"{name}.tflite").encode())
        self.interpreter = self.library.TfLiteInterpreterCreate(self.model, None)
        self.shape: tuple[int, ...] = ()

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """float32 of the network's shape, which may vary, to float32 (size,)."""
        if values.shape != self.shape:
            sides = (ctypes.c_int32 * values.ndim)(*values.shape)
            self.library.TfLiteInterpreterResizeInputTensor(self.interpreter, 0, sides, values.ndim)
            self.library.TfLiteInterpreterAllocateTensors(self.interpreter)
            self.shape = values.shape
        given = np.ascontiguousarray(values, np.float32)
        target = self.library.TfLiteInterpreterGetInputTensor(self.interpreter, 0)
        self.library.TfLiteTensorCopyFromBuffer(target, given.ctypes.data, given.nbytes)
        self.library.TfLiteInterpreterInvoke(self.interpreter)
        source = self.library.TfLiteInterpreterGetOutputTensor(self.interpreter, 0)
        found = np.empty(self.library.TfLiteTensorByteSize(source) // 4, np.float32)
        self.library.TfLiteTensorCopyToBuffer(source, found.ctypes.data, found.nbytes)
        return found
