"""Text with a latent: adversarial, denoising, variational and plain autoencoders."""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.autoencoder import SMALL, LatentDiscriminator, TextAutoencoder, TextEncoder, encoded, normalised
from gan.text.likelihood import nll
from gan.text.networks import TextGenerator
from gan.text.objectives.base import Components, Losses, TextObjective
from gan.text.pipeline import TextPipeline
from gan.text.tokenizer import IGNORED
from gan.training.losses import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

# What a new encoder's config takes over from its generator's.
OF_BOTH: tuple[str, ...] = ("vocab_size", "max_length", "latent_dim", "latent_tokens", "architecture")
OF_BOTH += ("embedding_size", "hidden_size", "num_layers", "num_heads", "dropout")


class Autoencoder(TextObjective):
    """A plain autoencoder, the baseline: no more than the mean and variances of its latents are those of the prior."""

    has_latent = True
    max_grad_norm = 5.0
    variational = False

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        super().__init__(args, generator, pretrained)
        self.args = args
        encoder = self._encoder(generator) if pretrained is None else pretrained.encoder
        assert encoder is not None
        if args.normalise_latents and args.train_batch_size == 1:
            raise GANError(
                "Latents cannot be normalised over a batch of one text; use a larger --train_batch_size, or "
                "--no-normalise_latents."
            )
        noise = args.word_dropping or 0.0, args.latent_noise or 0.0
        self.generator = TextAutoencoder(generator, encoder, *noise, normalise=bool(args.normalise_latents))

    def _encoder(self, generator: TextGenerator) -> TextEncoder:
        shape = {name: generator.config[name] for name in OF_BOTH}
        return TextEncoder(variational=self.variational, **shape)

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return generator(batch["tokens"], batch["labels"])

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        loss = reconstruction_loss(generated, batch)
        return loss, {"generator_loss": loss.detach(), "reconstruction_loss": loss.detach()}

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        """Nats a token of held-out texts, given their latents, and of telling the latents by a Gaussian of theirs.

        The latter is the KL divergence from the prior of a Gaussian with the mean and variances of all latents: with
        it a model cannot win by latents that the prior never gives. Of normalised latents it is about 0.
        """
        latents = encoded(self._finished(generator.encoder), tokens, seed=0)
        found = float(nll(generator.generator, None, tokens, classes, latents=latents))
        return found + self.prior_weight * gaussian_kl(latents) * len(tokens) / int((tokens != IGNORED).sum())

    prior_weight = 0.0  # of the second term

    def components(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> Components:
        return Components(generator.generator, discriminator, encoder=self._finished(generator.encoder))

    def _finished(self, encoder: TextEncoder) -> TextEncoder:
        """The encoder; if latents are normalised in training, one whose latents of training texts are."""
        return normalised(encoder, self.training_texts) if self.args.normalise_latents else encoder


class VAE(Autoencoder):
    """A variational autoencoder (Bowman et al. 2016), whose KL divergence is free up to so many nats in each number of
    the latent (Kingma et al. 2016): without, a generator of text learns to leave the latent alone."""

    variational = True
    prior_weight = 1.0

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        mean, log_variance = generated["mean"].float(), generated["log_variance"].float()
        kl = (mean.square() + log_variance.exp() - 1 - log_variance).mean(0) / 2  # of each number
        tokens_a_text = int((batch["tokens"] != IGNORED).sum()) / len(batch["tokens"])
        reconstruction = reconstruction_loss(generated, batch)
        loss = reconstruction + self.args.kl_weight * kl.clamp(min=self.args.free_bits).sum() / tokens_a_text
        return loss, {
            "generator_loss": loss.detach(),
            "reconstruction_loss": reconstruction.detach(),
            "kl": kl.sum().detach(),
        }


class AdversarialAutoencoder(Autoencoder):
    """AAE (Makhzani et al. 2015): a discriminator tells latents of texts from samples of the prior N(0, I), and the
    encoder learns to fool it. What it judges are latents, not words, so that gradients pass.

    The losses are those of all adversarial objectives here: relativistic pairing with R1 and R2 penalties.
    """

    adam_betas = (0.5, 0.99)
    reuses = LatentDiscriminator
    prior_weight = 1.0

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        super().__init__(args, generator, pretrained)
        earlier = pretrained and pretrained.discriminator
        self.discriminator = earlier or LatentDiscriminator(generator.config.latent_dim)

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> Losses:
        prior = random.normal(*fake.shape).to(fake)
        real_logits, fake_logits = discriminator(torch.cat([prior, fake])).chunk(2)
        loss = relativistic_discriminator_loss(real_logits, fake_logits)
        logs = {"discriminator_loss": loss.detach()}
        if penalty:
            r1, r2 = (gradient_penalty(bare, latents.float()) for latents in (prior, fake))
            loss = loss + penalty * (r1 + r2)
            logs |= {"r1": r1.detach(), "r2": r2.detach()}
        return loss, logs

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        assert discriminator is not None
        latents = generated["samples"]
        fake_logits = discriminator(latents)
        with torch.no_grad():
            real_logits = discriminator(random.normal(*latents.shape).to(latents))
        adversarial = relativistic_generator_loss(real_logits, fake_logits)
        reconstruction = reconstruction_loss(generated, batch)
        loss = reconstruction + self.args.adversarial_weight * adversarial
        return loss, {"generator_loss": adversarial.detach(), "reconstruction_loss": reconstruction.detach()}


class DenoisingAutoencoder(AdversarialAutoencoder):
    """DAAE (Shen et al. 2020, "Educating text autoencoders"): words are dropped from what the encoder of an AAE reads
    (--word_dropping), so that texts which share words become neighbours, and interpolation and edits keep words."""


def reconstruction_loss(generated: Generated, batch: Batch) -> Tensor:
    """Mean nats a token of the texts, given their latents."""
    tokens = batch["tokens"]
    return F.cross_entropy(generated["logits"], tokens[tokens != IGNORED])


def gaussian_kl(latents: Tensor) -> float:
    """Nats of KL divergence from N(0, I) of the Gaussian with the mean and variances of latents (n, latent_dim)."""
    mean, variance = latents.mean(0), latents.var(0, correction=0).clamp_min(SMALL)
    return float((mean.square() + variance - 1 - variance.log()).sum()) / 2
