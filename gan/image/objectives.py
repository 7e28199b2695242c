"""The objectives of image models: GAN, VAE and VAE-GAN, each a forward pass and its losses."""

import argparse
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.image.networks import ImageEncoder, ImageGenerator
from gan.training.adversarial import AdversarialObjective
from gan.training.augment import augment
from gan.training.losses import relativistic_generator_loss
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

CLASS_WEIGHT = 1.0  # of the encoder's cross-entropy
MIN_VARIANCE = (2 / 255) ** 2 / 12  # of the rounding of pixels to 8 bits: no likelihood is sharper


class Autoencoder(nn.Module):
    """Encoder and generator as one module, so that they share an optimiser, an EMA and a data-parallel wrapper."""

    def __init__(self, generator: ImageGenerator, encoder: ImageEncoder):
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(self, latents: Tensor, labels: Tensor | None, images: Tensor, every: int = 1) -> Generated:
        """A batch of samples: every `every`-th, from the first on, reconstructs one of `images`, the others are new.

        Args:
            latents: (n, latent_dim) from N(0, I): the latents of new samples, and for reconstructions the noise of the
                reparametrisation `z = mean + deviation * noise`.
            labels: (n,) class indices, (n, columns) of several label columns, or `None`.
            images: (ceil(n / every), channels, height, width) in [-1, 1].

        Returns:
            `samples` (n, channels, height, width), and for the m reconstructions the encoder's `mean` and
            `log_variance` (m, latent_dim), and `class_logits`, a tuple of (m, classes) of each label column, where
            there are classes.
        """
        posterior = self.encoder(images)
        encoded = posterior.mean.float() + torch.exp(posterior.log_variance.float() / 2) * latents[::every]
        latents = latents.clone()
        latents[::every] = encoded
        samples = self.generator(latents, labels)
        outputs = {"samples": samples, "mean": posterior.mean, "log_variance": posterior.log_variance}
        if posterior.class_logits is not None:
            outputs["class_logits"] = posterior.class_logits.split(self.encoder.class_counts, dim=1)
        return outputs


def gaussian_nll(prediction: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of `target` under a Gaussian about `prediction`, in nats a value, without the constant.

    All values share one variance, the most likely one, which is the mean squared error (Rybkin et al. 2021, "Simple
    and effective VAE training with calibrated decoders"): no weight has to balance it against the KL divergence.
    """
    error = (prediction.float() - target.float()).square().mean()
    variance = error.detach().clone()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(variance)
        variance /= torch.distributed.get_world_size()
    variance = variance.clamp_min(MIN_VARIANCE)
    return (error / variance + torch.log(variance)) / 2


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of the encoder's Gaussians (n, latent_dim) from the prior N(0, I), in nats an image."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2


def coding_loss(generated: Generated, batch: Batch, kl_weight: float, every: int) -> tuple[Tensor, dict[str, Tensor]]:
    """The encoder's losses and logs: KL divergence, in nats a value of the image, and cross-entropy of the classes,
    summed over label columns.

    Args:
        every: of `Autoencoder.forward`.
    """
    kl = kl_divergence(generated["mean"], generated["log_variance"])
    loss, logs = kl_weight * kl / batch["real"][0].numel(), {"kl": kl.detach()}
    if "class_logits" in generated:
        columns = batch["labels"][::every].unsqueeze(1).flatten(1).unbind(1)
        pairs = zip(generated["class_logits"], columns, strict=True)
        classification = torch.stack([F.cross_entropy(logits, column) for logits, column in pairs]).sum()
        loss, logs = loss + CLASS_WEIGHT * classification, logs | {"classification_loss": classification.detach()}
    return loss, logs


class PairedGAN(AdversarialObjective):
    """A GAN of pairs: two samples of one group, such as two letters of a typeface, are drawn from one latent.

    Batches hold pairs in rows 2k and 2k + 1 (`gan.data.Pairs`). The discriminator judges every sample, as ever, and
    every pair (`SiameseNetwork`), each by the relativistic pairing loss, half of the whole. Pairs have a network of
    their own: in features that it shares with single samples, it learnt nothing about what goes together.

    A generated pair could be told by the looks of either sample. So the discriminator also prefers real pairs to real
    samples of two groups (the matching-aware discriminator of Reed et al. 2016, "Generative adversarial text to image
    synthesis"), half of what is said of pairs: to all in the batch with different labels, as one for each pair taught
    it nothing.
    """

    def contests(self, discriminator: nn.Module, both: Tensor, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        labels, groups = batch["labels"], batch["groups"]
        rows = neighbours(len(both))
        real = rows[: len(rows) // 2]
        strangers = torch.cartesian_prod(real[:, 0], real[:, 1])
        one, other = strangers.unbind(1)
        unlike = (labels[one] != labels[other]).view(len(strangers), -1).any(1)  # as are those of pairs
        apart = (unlike & (groups[one] != groups[other])).cpu()
        strangers = strangers[apart]
        logits, of_pairs = discriminator(both, torch.cat([labels, labels]), pairs=torch.cat([rows, strangers]))
        together, generated, mixed = of_pairs.split([len(real), len(real), len(strangers)])
        found = {"sample": logits.chunk(2), "pair": (together, generated)}
        beside = together.repeat_interleave(len(real))[apart]  # the real pair of each stranger's first picture
        return found | ({"match": (beside, mixed)} if len(mixed) else {})

    def weigh(self, losses: list[Tensor]) -> Tensor:
        sample, *of_pairs = losses
        return (sample + torch.stack(of_pairs).mean()) / 2

    def judge(self, discriminator: nn.Module, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        logits, pair_logits = discriminator(samples, labels, pairs=neighbours(len(samples)))
        return {"sample": logits, "pair": pair_logits}

    def penalised(self, bare: nn.Module, samples: Tensor, labels: Tensor | None, random: StepRandom) -> Tensor:
        # Half of the loss is the samples', half the pairs', and so should be the penalty. One pass does for both: with
        # a sign drawn for each pair, the mixed terms of the squared gradient are zero on average. A pair is one input
        # of twice the size, so that the mean over samples is half of that over pairs already.
        logits, pair_logits = bare.logits(samples, labels, neighbours(len(samples)))  # type: ignore[operator]
        signs = (random.uniform(len(pair_logits)) < 0.5).to(logits) * 2 - 1
        return torch.cat([logits * math.sqrt(0.5), pair_logits * signs])

    def augment(self, samples: Tensor, random: StepRandom) -> Tensor:
        # Alike for both: a zoom or a contrast of each would hide what a group has in common.
        return augment(samples, self.augment_p, random, together=2)


def neighbours(count: int) -> Tensor:
    """int64 (count / 2, 2): rows 2k and 2k + 1."""
    return torch.arange(count).view(-1, 2)


class VAE:
    """The evidence lower bound (Kingma & Welling 2014), in nats a value of the image. There is no discriminator."""

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


class VAEGAN(AdversarialObjective):
    """VAE-GAN (Larsen et al. 2016): a GAN that also reconstructs real images, in the features of the discriminator.

    Its likelihood is that of the discriminator's features, which ignore what does not matter to realism; here of those
    of all stages and of the pixels, each with a variance of its own. Half of a batch are reconstructions, the other
    half samples from the prior, in one pass of the generator.
    """

    networks = ("generator", "discriminator", "encoder")
    EVERY = 2  # every second image is a reconstruction, the others come from the prior

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return generator(batch["latents"], batch["labels"], batch["real"][:: self.EVERY], every=self.EVERY)

    def generator_loss(
        self, discriminator: nn.Module, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        # A real image and its reconstruction get the same augmentation, or their features could not be compared.
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


OBJECTIVES: dict[str, type[AdversarialObjective | VAE]] = {"gan": AdversarialObjective, "vae": VAE, "vaegan": VAEGAN}
