"""Critic guidance: latents climb the density of what the discriminator takes for real, before they are drawn.

A trained discriminator knows where its generator fails. Che et al. 2020 ("Your GAN is secretly an energy-based
model") sample latents from log p(z) + D(G(z, c), c) by Langevin dynamics; here they follow its gradient without noise,
from the latent of the seed, so that every sample stays that of its seed.
"""

import torch
from torch import Tensor, nn

from gan.errors import GANError, check_whole

MAX_STEPS = 50
STEP_SIZE = 0.06  # where a model does not say which suits it
RECOMMENDED = {"steps": 5, "step_size": STEP_SIZE, "prior": 1.0}


def guide(
    generator: nn.Module,
    discriminator: nn.Module,
    latents: Tensor,
    labels: Tensor | None,
    truncation: float,
    steps: int,
    step_size: float,
    prior: float = 1.0,
) -> Tensor:
    """Gradient ascent on prior log p(z) + D(G(z, c), c): z <- z - step_size / 2 (prior z - grad_z D(G(z, c), c)).

    The prior pulls latents to the mean, as truncation does, and costs recall as truncation does; without it (0)
    latents keep their length and samples their variety.

    Args:
        generator, discriminator: of a model, not in training; `logits` of the second are higher where samples look
            real.
        latents: (n, latent_dim).
        labels: of the samples, as both take them.
        truncation: psi, with which the samples are drawn.
        prior: weight of log p(z); 1 is the density of the model.

    Returns:
        (n, latent_dim).
    """
    with torch.inference_mode(False), torch.enable_grad():
        z = latents.clone()
        labels = None if labels is None else labels.clone()
        for _ in range(steps):
            z = z.detach().requires_grad_()
            logits = discriminator.logits(generator.draw(generator.codes(z, labels, truncation)), labels)
            (gradient,) = torch.autograd.grad(logits.sum(), z)
            z = z - step_size / 2 * (prior * z - gradient)
        return z.detach()


def check_guidance(steps: int, step_size: float, prior: float = 1.0) -> None:
    """Raises `GANError` unless these are a number of steps, a size and a weight that can be used."""
    refusal = f"{steps!r} critic steps cannot be taken; they go from 0 (no guidance) to {MAX_STEPS}."
    check_whole(steps, 0, MAX_STEPS, refusal)
    if isinstance(step_size, bool) or not isinstance(step_size, int | float) or not 0 < step_size <= 1:
        raise GANError(f"A critic step size of {step_size!r} cannot be used; it is above 0 and at most 1.")
    if isinstance(prior, bool) or not isinstance(prior, int | float) or not 0 <= prior <= 1:
        raise GANError(f"A prior of weight {prior!r} cannot be used in critic guidance; it goes from 0 to 1.")
