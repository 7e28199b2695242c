"""DiffAugment (Zhao et al. 2020) for a row of `ablation.py`: colour, translation and cutout for every picture.

Other than in `gan.training.augment`, nothing adapts: every transformation is always on, so that the strength of each
is all that keeps the generator from drawing it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.training.augment import inside
from gan.training.randomness import StepRandom


def augment(images: Tensor, p: float, random: StepRandom) -> Tensor:
    """Transforms pictures (n, channels, height, width) in [-1, 1]; `p` is not asked.

    In the paper's strengths: brightness shifts by half of the range at most, saturation is scaled by 0 to 2, contrast
    by 0.5 to 1.5, pictures move by an eighth of their side at most, and a square of half the side is cut out.
    """
    n, channels, height, width = images.shape

    def uniform(low: float, high: float) -> Tensor:
        return (low + (high - low) * random.uniform(n)).to(images.device)

    images = images + uniform(-0.5, 0.5).view(n, 1, 1, 1)
    if channels == 3:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * uniform(0, 2).view(n, 1, 1, 1)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * uniform(0.5, 1.5).view(n, 1, 1, 1)

    rows, columns = (_window(side, side // 8, uniform(-1, 1)) for side in (height, width))
    padded = F.pad(images, (width // 8, width // 8, height // 8, height // 8))
    images = rows[:, None] @ padded @ columns[:, None].mT

    hole = inside(height, uniform(0, 1))[:, None, :, None] * inside(width, uniform(0, 1))[:, None, None, :]
    return (images * (1 - hole)).contiguous(memory_format=torch.channels_last)


def _window(side: int, margin: int, shift: Tensor) -> Tensor:
    """(n, side, side + 2 margin) matrices that choose `side` rows of a padded picture; the shift is in [-1, 1]."""
    first = (margin * (1 + shift)).round().long()
    chosen = first[:, None] + torch.arange(side, device=shift.device)
    return F.one_hot(chosen, side + 2 * margin).to(shift.dtype)
