"""Fixed random subsets: always the same samples, from all over a set, as many sets are sorted by class."""

import numpy as np
import torch
from torch import Tensor


def training_subset(available: int, count: int | None) -> np.ndarray:
    """int64 indices, in order, of `count` samples out of `available` (all with `None`), for training and splitting."""
    return np.sort(np.random.default_rng(0).permutation(available)[:count])


def fixed_random_subset(available: int, count: int, in_order: bool = True) -> Tensor:
    """int64 indices of `count` samples out of `available`, for measuring.

    Another generator than that of `training_subset`, as figures that were published depend on it.
    """
    chosen = torch.randperm(available, generator=torch.Generator().manual_seed(0))[:count]
    return chosen.sort()[0] if in_order else chosen
