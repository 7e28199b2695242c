"""What pictures can be trained for: the forward pass and the losses of the GAN, the VAE and the VAE-GAN."""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.adversarial import relativistic_generator_loss
from gan.image.autoencoder import gaussian_nll, kl_divergence
from gan.training.game import Game
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated


class VAE:
    """The evidence lower bound (Kingma & Welling 2014), in nats a number of the picture. There is no discriminator."""

    networks = ("generator", "encoder")

    def __init__(self, args: argparse.Namespace):
        self.args = args

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return generator(batch["latents"], batch["labels"], batch["real"])

    def generator_loss(
        self, discriminator: None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        reconstruction = gaussian_nll(generated["samples"], batch["real"])
        coding, logs = coding_loss(generated, batch, self.args.kl_weight, every=1)
        loss = reconstruction + coding
        return loss, {"generator_loss": loss.detach(), "reconstruction_loss": reconstruction.detach(), **logs}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class VAEGAN(Game):
    """A GAN half of whose pictures are rebuilt from real ones, and should look like them to the discriminator.

    Larsen et al. 2016: the likelihood of the bound is that of the discriminator's features, so that what it pays no
    attention to need not be rebuilt. Here it is that of all its stages and the picture itself, each with a variance
    of its own, and both halves come from one pass of the generator.
    """

    networks = ("generator", "discriminator", "encoder")
    EVERY = 2  # every second picture is rebuilt, the others come from the prior

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return generator(batch["latents"], batch["labels"], batch["real"][:: self.EVERY], every=self.EVERY)

    def generator_loss(
        self, discriminator: nn.Module, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        # A real picture and the rebuilt one are augmented alike, or their features could not be compared.
        fake, real = self.augment(generated["samples"], random.copy()), self.augment(batch["real"], random)
        fake_logits, fake_features = discriminator(fake, batch["labels"], return_features=True)
        with torch.no_grad():
            real_logits, real_features = discriminator(real, batch["labels"], return_features=True)
        adversarial = relativistic_generator_loss(real_logits, fake_logits)
        pairs = zip([fake, *fake_features], [real, *real_features], strict=True)
        reconstruction = torch.stack([gaussian_nll(a[:: self.EVERY], b[:: self.EVERY]) for a, b in pairs]).mean()
        coding, logs = coding_loss(generated, batch, self.args.kl_weight, self.EVERY)
        loss = adversarial + self.args.reconstruction_weight * (reconstruction + coding)
        return loss, {"generator_loss": adversarial.detach(), "reconstruction_loss": reconstruction.detach(), **logs}


def coding_loss(generated: Generated, batch: Batch, kl_weight: float, every: int) -> tuple[Tensor, dict[str, Tensor]]:
    """What the encoder's answers cost, and figures to log: the KL divergence, in nats a number of the picture, and
    the cross-entropy of the classes that it names.
    """
    kl = kl_divergence(generated["mean"], generated["log_variance"])
    loss, logs = kl_weight * kl / batch["real"][0].numel(), {"kl": kl.detach()}
    if "class_logits" in generated:
        classification = F.cross_entropy(generated["class_logits"], batch["labels"][::every])
        loss, logs = loss + CLASS_WEIGHT * classification, logs | {"classification_loss": classification.detach()}
    return loss, logs


CLASS_WEIGHT = 1.0
OBJECTIVES: dict[str, type[Game | VAE]] = {"gan": Game, "vae": VAE, "vaegan": VAEGAN}
