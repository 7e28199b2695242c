"""Points on the unit circle."""

import torch
from torch import Tensor


def circle(count: int, seed: int) -> Tensor:
    """float32 (count, 2)."""
    angles = torch.rand(count, generator=torch.Generator().manual_seed(seed)) * 2 * torch.pi
    return torch.stack([angles.cos(), angles.sin()], dim=1)
