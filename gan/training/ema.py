"""The exponential moving average of a network's weights: the generator that is sampled."""

import copy

import torch
from torch import nn


class EMA:
    """Averages parameters and copies buffers (k-diffusion's rule; diffusers' `EMAModel` loses buffers).

    The half-life is given in samples, and never exceeds `warmup` times the samples seen so far, so that the average
    forgets the untrained weights (Karras et al. 2020, "ema rampup").

    Args:
        model: the network to follow; a copy is made.
        half_life: in samples.
        warmup: a share of the samples seen.
    """

    def __init__(self, model: nn.Module, half_life: float, warmup: float = 0.05):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.half_life, self.warmup = half_life, warmup

    @torch.no_grad()
    def update(self, model: nn.Module, batch_size: int, samples_seen: int) -> None:
        """Moves the average towards `model` after a step of `batch_size` samples."""
        half_life = min(self.half_life, max(self.warmup * samples_seen, 1e-8))
        decay = 0.5 ** (batch_size / half_life)
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)
        for average, buffer in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(buffer)

    def state_dict(self) -> dict:
        return self.model.state_dict()

    def load_state_dict(self, state: dict) -> None:
        self.model.load_state_dict(state)
