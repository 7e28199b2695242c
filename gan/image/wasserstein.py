"""The sliced Wasserstein distance, which needs no network.

Between the patches of generated and of real pictures at every scale of a Laplacian pyramid (Karras et al. 2018,
"Progressive growing of GANs", §5): it sees colour, texture and layout.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.blocks import Downsample, Upsample

PATCH = 7  # side, in pixels
PATCHES = 16  # of each picture and scale
PROJECTIONS = 256
SMALLEST = 14  # side of the coarsest scale


def sliced_wasserstein(first: Tensor, second: Tensor, seed: int = 0) -> float:
    """The mean over scales of the sliced Wasserstein-1 distance between patch distributions, times 1,000.

    Args:
        first, second: pictures (n, channels, height, width) in [-1, 1], as many in both; each channel and scale is
            measured in units of its standard deviation in `second`.
        seed: of the patch positions and projections.
    """
    generator = torch.Generator().manual_seed(seed)
    distances = []
    for a, b in zip(_pyramid(first), _pyramid(second), strict=True):
        # One scale for both, so that a difference in colour or contrast counts.
        mean, deviation = b.mean((0, 2, 3), keepdim=True), b.std((0, 2, 3), keepdim=True) + 1e-8
        a, b = (a - mean) / deviation, (b - mean) / deviation
        positions = torch.rand(len(a), PATCHES, 2, generator=generator)
        a, b = _patches(a, positions), _patches(b, positions)
        directions = F.normalize(torch.randn(a.shape[1], PROJECTIONS, generator=generator), dim=0)
        # NumPy's sort: torch's takes ten times as long.
        sorted_a, sorted_b = (np.sort((patches @ directions).T.numpy()) for patches in (a, b))
        distances.append(np.abs(sorted_a - sorted_b).mean())
    return 1000 * float(np.mean(distances))


def _pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian pyramid, finest scale first."""
    levels = []
    down, up = Downsample(), Upsample()
    while min(images.shape[2:]) >= 2 * SMALLEST and images.shape[2] % 2 == 0 and images.shape[3] % 2 == 0:
        coarse = down(images)
        levels.append(images - up(coarse))
        images = coarse
    return [*levels, images]


def _patches(images: Tensor, positions: Tensor) -> Tensor:
    """(n * PATCHES, channels * PATCH^2) patches at relative positions."""
    n, _, height, width = images.shape
    rows = (positions[..., 0] * (height - PATCH + 1)).long()
    columns = (positions[..., 1] * (width - PATCH + 1)).long()
    offsets = torch.arange(PATCH)
    y = (rows[..., None] + offsets)[:, :, :, None]  # (n, patches, PATCH, 1)
    x = (columns[..., None] + offsets)[:, :, None, :]
    sample = torch.arange(n)[:, None, None, None]
    return images.permute(0, 2, 3, 1)[sample, y, x].flatten(0, 1).flatten(1)
