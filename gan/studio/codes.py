"""Codes as a text that fits into an address: 16 bits a number."""

import base64
import binascii

import numpy as np
import torch
from torch import Tensor

from gan.errors import GANError
from gan.latent.steering import DirectedPipeline

STEPS = 4096  # a standard deviation: optimisation takes smaller steps than an eighth of it
UNREADABLE = "These codes cannot be read: they are not whole, or of another model. Start again from a seed."


def codes_text(pipeline: DirectedPipeline, codes: Tensor) -> str:
    """Codes (1, layers, width) as letters, digits, "-" and "_"; 8 standard deviations from the mean are the most."""
    mean, deviation = _scale(pipeline)
    steps = ((codes[0] - mean) / deviation * STEPS).round().clamp(-32767, 32767)
    return base64.urlsafe_b64encode(steps.numpy().astype("<i2").tobytes()).decode().rstrip("=")


def read_codes(pipeline: DirectedPipeline, text: str) -> Tensor:
    """The codes (1, layers, width) that `codes_text` wrote.

    Raises:
        GANError: if it is no such text, or of another model.
    """
    mean, deviation = _scale(pipeline)
    try:
        numbers = base64.b64decode(str(text) + "=" * (-len(str(text)) % 4), altchars=b"-_", validate=True)
        steps = torch.from_numpy(np.frombuffer(numbers, "<i2").astype(np.float32)).view(mean.shape)
    except (binascii.Error, ValueError, RuntimeError) as error:
        raise GANError(UNREADABLE) from error
    return (mean + deviation * steps / STEPS)[None]


def _scale(pipeline: DirectedPipeline) -> tuple[Tensor, Tensor]:
    """What codes are written in: their mean and standard deviation; 1 where they never vary."""
    mean, deviation = pipeline.code_space.mean.cpu(), pipeline.code_space.deviation.cpu()
    return mean, torch.where(deviation > 0, deviation, 1)
