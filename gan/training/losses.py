"""Losses and penalties that every modality shares. Logits are higher where a sample looks real."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def relativistic_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The relativistic pairing loss (Jolicoeur-Martineau 2018; Huang et al. 2024): real k should beat fake k."""
    return F.softplus(fake_logits - real_logits).mean()


def relativistic_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The generator's side of it: fake k should beat real k."""
    return F.softplus(real_logits - fake_logits).mean()


def logistic_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The logistic loss of Goodfellow et al. 2014, StyleGAN's: real logits should be positive, the others negative."""
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def logistic_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The generator's side of it, which does not saturate."""
    return F.softplus(-fake_logits).mean()


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The hinge loss (Lim & Ye 2017): beyond 1 and -1, logits are right enough."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The generator's side of it."""
    return -fake_logits.mean()


@dataclass(frozen=True)
class Loss:
    """The two sides of a game, each a function of real and generated logits.

    Attributes:
        relativistic: whether the generator's side looks at real logits, too.
        description: for the model card.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    relativistic: bool
    description: str


LOSSES = {
    "relativistic": Loss(
        relativistic_discriminator_loss, relativistic_generator_loss, True, "relativistic pairing (Huang et al. 2024)"
    ),
    "logistic": Loss(
        logistic_discriminator_loss, logistic_generator_loss, False, "non-saturating logistic (Goodfellow et al. 2014)"
    ),
    "hinge": Loss(hinge_discriminator_loss, hinge_generator_loss, False, "hinge (Lim & Ye 2017)"),
}


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
