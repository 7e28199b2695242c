"""Losses and penalties that every modality shares. Logits are higher where a sample looks real."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def relativistic_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The relativistic pairing loss (Jolicoeur-Martineau 2018; Huang et al. 2024): real k should beat fake k."""
    return F.softplus(fake_logits - real_logits).mean()


def relativistic_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The generator's side of it: fake k should beat real k."""
    return F.softplus(real_logits - fake_logits).mean()


def gradient_penalty(logits_of: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
    """The zero-centred gradient penalty (Mescheder et al. 2018): R1 on real samples, R2 on generated ones.

    Args:
        logits_of: samples to logits (n,); runs in full precision.
        samples: (n, ...); gradients are taken with respect to these, summed over all but the first axis.

    Returns:
        The mean over samples of the squared gradient norm, differentiable in the parameters behind `logits_of`.
    """
    samples = samples.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(logits_of(samples).sum(), samples, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
