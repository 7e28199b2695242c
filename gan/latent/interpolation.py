"""The way between two latents."""

import torch
from torch import Tensor


def slerp(first: Tensor, last: Tensor, share: Tensor) -> Tensor:
    """Spherical interpolation: directions along the great circle, lengths linearly. The ends are exact.

    Args:
        first, last: (1, features).
        share: (n, 1) from 0 to 1.

    Returns:
        (n, features).
    """
    lengths = first.norm(), last.norm()
    one, other = first / lengths[0].clamp_min(1e-8), last / lengths[1].clamp_min(1e-8)
    angle = torch.arccos((one * other).sum().clamp(-1, 1))
    if angle < 1e-3 or angle > torch.pi - 1e-3:  # no great circle, or no single one
        return (1 - share) * first + share * last
    direction = (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other) / torch.sin(angle)
    between = direction * ((1 - share) * lengths[0] + share * lengths[1])
    return torch.where(share == 0, first, torch.where(share == 1, last, between))
