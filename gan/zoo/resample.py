"""Resampling of images by finite impulse response filters, the way that StyleGANs do it."""

import torch.nn.functional as F
from torch import Tensor


def resample(
    x: Tensor, kernel: Tensor | None, padding: tuple[int, int, int, int], up: int = 1, down: int = 1, gain: float = 1.0
) -> Tensor:
    """Zeros between the pixels, padding, a true convolution, and every so many pixels kept.

    Args:
        x: (n, channels, height, width).
        kernel: (height, width), or (taps,) for both axes one after the other; `None` leaves the pixels as they are.
        padding: left, right, top, bottom, in pixels after the zeros came in; negative numbers crop.
        up, down: of both axes.
        gain: that the result is multiplied by.

    Returns:
        (n, channels, height, width) of the new size.
    """
    n, channels, height, width = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, channels, height, 1, width, 1), (0, up - 1, 0, 0, 0, up - 1))
        x = x.reshape(n, channels, height * up, width * up)
    x = F.pad(x, padding)
    if kernel is None:
        return x[:, :, ::down, ::down] * gain
    flipped = kernel.flip(list(range(kernel.ndim))).to(x.dtype)

    def filtered(x: Tensor, taps: Tensor, stride: tuple[int, int]) -> Tensor:
        """Every channel by the same taps (height, width). Depthwise: many times as fast as channels in the batch."""
        return F.conv2d(x, taps.expand(channels, 1, *taps.shape), stride=stride, groups=channels)

    if kernel.ndim == 2:
        return filtered(x, flipped * gain, (down, down))
    root = gain**0.5
    return filtered(filtered(x, flipped[:, None] * root, (down, 1)), flipped[None, :] * root, (1, down))


def around(kernel: Tensor, up: int = 1, down: int = 1) -> tuple[int, int, int, int]:
    """The padding (left, right, top, bottom) for `resample` which keeps images where they are, and makes their sides
    `up / down` times as long."""
    height, width = kernel.shape[0], kernel.shape[-1]
    (left, right), (top, bottom) = (((taps + up - down) // 2, (taps - max(up, down)) // 2) for taps in (width, height))
    return left, right, top, bottom
