"""What pictures can be trained for: the forward pass and the losses of the GAN, the VAE and the VAE-GAN."""

import argparse
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.image.networks import ImageEncoder, ImageGenerator
from gan.training.adversarial import Game
from gan.training.losses import relativistic_generator_loss
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


if TYPE_CHECKING:
    pass

FINEST = (2 / 255) ** 2 / 12  # variance of the rounding of pixels to 8 bits: no likelihood is sharper


class Autoencoder(nn.Module):
    """Encoder and generator in one, so that one optimiser, one average and one data-parallel wrapper serve both."""

    def __init__(self, generator: ImageGenerator, encoder: ImageEncoder):
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(self, latents: Tensor, labels: Tensor | None, images: Tensor, every: int = 1) -> dict[str, Tensor]:
        """Generates pictures: every `every`-th, from the first on, rebuilds one of `images`, the others are new.

        Args:
            latents: (n, latent_dim) from N(0, I): the latents of new pictures, and for rebuilt ones the noise of the
                reparametrisation `z = mean + deviation * noise`.
            labels: (n,) class indices, or `None`.
            images: (ceil(n / every), channels, height, width) in [-1, 1].

        Returns:
            `samples` (n, channels, height, width), and for the pictures that are rebuilt the encoder's `mean` and
            `log_variance` (m, latent_dim), and `class_logits` (m, num_classes) where there are classes.
        """
        code = self.encoder(images)
        encoded = code.mean.float() + torch.exp(code.log_variance.float() / 2) * latents[::every]
        latents = latents.clone()
        latents[::every] = encoded
        outputs = {"samples": self.generator(latents, labels), "mean": code.mean, "log_variance": code.log_variance}
        if code.class_logits is not None:
            outputs["class_logits"] = code.class_logits
        return outputs


def gaussian_nll(prediction: Tensor, target: Tensor) -> Tensor:
    """Nats a number of `target` under a Gaussian about `prediction`, without the constant.

    All numbers share the variance that makes them likeliest, which is their mean squared error (Rybkin et al. 2021,
    "Simple and effective VAE training with calibrated decoders"): nothing is left to weigh against the KL divergence.
    """
    error = (prediction.float() - target.float()).square().mean()
    variance = error.detach().clone()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(variance)
        variance /= torch.distributed.get_world_size()
    variance = variance.clamp_min(FINEST)
    return (error / variance + torch.log(variance)) / 2


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Nats a picture from the encoder's Gaussians (n, latent_dim) to the prior N(0, I)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
