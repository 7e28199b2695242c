"""Differentiable augmentation against small data sets (Karras et al. 2020, "Training generative adversarial networks
with limited data"; Zhao et al. 2020, DiffAugment).

Each transformation is applied to an image (or the spectrogram of a sound) with probability p, to real and
generated ones alike, so that below p = 0.8 or so the generator doesn't learn to draw the augmentations. Geometry is a
product with two small matrices a grid, one for its rows and one for its columns: unlike `grid_sample` that can be
differentiated twice, as the gradient penalties need.
"""

import torch
from torch import Tensor

from gan.training.randomness import StepRandom

# Strengths, in the units of each transformation.
SHIFT = 0.125  # largest shift, as a share of the side
SCALE = 0.2  # standard deviation of log2(zoom)
BRIGHTNESS = 0.2  # standard deviation, on the [-1, 1] scale
CONTRAST = 0.5  # standard deviation of log2(factor)
SATURATION = 1.0  # standard deviation of log2(factor)
CUTOUT = 0.5  # side of the hole, as a share of the image's


def augment(images: Tensor, p: float, random: StepRandom, together: int = 1) -> Tensor:
    """Transforms images, each transformation with probability p.

    Args:
        images: (n, channels, height, width) in [-1, 1].
        together: so many in a row are transformed alike: images that are compared with each other, whose likeness a
            transformation of each would hide.
    """
    if p == 0:
        return images
    n, channels, height, width = images.shape
    device, draws = images.device, n // together

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(together).to(device)

    def gate(values: Tensor) -> Tensor:  # the transformation where chance takes it, elsewhere the identity (0)
        return spread(values * (random.uniform(draws) < p))

    zoom, stretch = gate(random.normal(draws) * SCALE), gate(random.normal(draws) * SCALE)
    shift_y, shift_x = (gate((random.uniform(draws) * 2 - 1) * SHIFT) for _ in range(2))
    rows = _resampling_matrix(height, torch.exp2(zoom + stretch), shift_y)
    columns = _resampling_matrix(width, torch.exp2(zoom - stretch), shift_x)
    images = rows[:, None] @ images @ columns[:, None].mT

    offset = gate(random.normal(draws) * BRIGHTNESS).view(n, 1, 1, 1)
    contrast = torch.exp2(gate(random.normal(draws) * CONTRAST)).view(n, 1, 1, 1)
    images = images * contrast + offset
    if channels == 3:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * torch.exp2(gate(random.normal(draws) * SATURATION)).view(n, 1, 1, 1)

    hole = gate(torch.ones(draws))
    centres = spread(random.uniform(draws)), spread(random.uniform(draws))
    holes = inside(height, centres[0])[:, :, None] * inside(width, centres[1])[:, None]
    return (images * (1 - holes * hole.view(n, 1, 1))[:, None]).contiguous(memory_format=torch.channels_last)


def _resampling_matrix(size: int, zoom: Tensor, shift: Tensor) -> Tensor:
    """(n, size, size) matrices that zoom about the middle, shift, and reflect at the border."""
    pixels = torch.arange(size, device=zoom.device, dtype=torch.float32)
    middle = (size - 1) / 2
    source = (pixels - middle) / zoom[:, None] + middle - shift[:, None] * size
    source = (source.remainder(2 * (size - 1)) - (size - 1)).abs().neg() + (size - 1)  # triangle wave: 0 .. size - 1
    return (1 - (source[:, :, None] - pixels).abs()).clamp_min(0)


def inside(size: int, centre: Tensor) -> Tensor:
    """(n, size) of ones within half a hole of each centre in [0, 1], zeros elsewhere."""
    pixels = (torch.arange(size, device=centre.device) + 0.5) / size
    return ((pixels - centre[:, None]).abs() < CUTOUT / 2).float()
