"""What pictures can be trained for: the forward pass and the losses of the GAN, the VAE and the VAE-GAN."""

import argparse
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.adversarial import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss
from gan.image.augment import augment
from gan.image.autoencoder import gaussian_nll, kl_divergence
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

MOST_AUGMENTATION = 0.8  # above, the generator would start to draw the augmentations
WATCH_DECAY = 0.99  # a pass; of the running means that say how far the discriminator overfits


class GAN:
    """Relativistic pairing with R1 and R2 penalties (Huang et al. 2024) and adaptive augmentation."""

    networks: ClassVar[tuple[str, ...]] = ("generator", "discriminator")

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.augment_p = 0.0
        self.memorised, self.told_apart = 0.0, 0.0  # running means of logit differences, for `_adapt`

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return {"samples": generator(batch["latents"], batch["labels"])}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        real, labels = batch["real"], batch["labels"]
        both = torch.cat([self._augment(real, random), self._augment(fake, random)])
        twice = None if labels is None else torch.cat([labels, labels])
        real_logits, fake_logits = discriminator(both, twice).chunk(2)
        loss = relativistic_discriminator_loss(real_logits, fake_logits)
        logs = {"discriminator_loss": loss.detach(), "augment_p": torch.tensor(self.augment_p)}
        logs["overfitting"] = torch.tensor(self.memorised / self.told_apart if self.told_apart else 0.0)
        if "watched" in batch:
            with torch.no_grad():
                watched_logits = bare(self._augment(batch["watched"], random), batch["watched_labels"])
            self._adapt(
                real_logits.detach().mean(), fake_logits.detach().mean(), watched_logits.mean(), len(both) // 2
            )
        if penalty:
            # With respect to the picture before augmentation, and through it.
            r1 = gradient_penalty(lambda x: bare.logits(self._augment(x, random), labels), real)
            r2 = gradient_penalty(lambda x: bare.logits(self._augment(x, random), labels), fake)
            loss = loss + penalty * (r1 + r2)
            logs |= {"r1": r1.detach(), "r2": r2.detach()}
        return loss, logs

    def generator_loss(
        self, discriminator: nn.Module, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        fake_logits = discriminator(self._augment(generated["samples"], random), batch["labels"])
        with torch.no_grad():
            real_logits = discriminator(self._augment(batch["real"], random), batch["labels"])
        loss = relativistic_generator_loss(real_logits, fake_logits)
        return loss, {"generator_loss": loss.detach()}

    def _augment(self, images: Tensor, random: StepRandom) -> Tensor:
        return augment(images, self.augment_p, random, self.args.random_flip)

    def _adapt(self, real: Tensor, fake: Tensor, watched: Tensor, count: int) -> None:
        """Augments more while the discriminator overfits more than the target (ADA's r_v, Karras et al. 2020).

        r_v = (E[D(train)] - E[D(watched)]) / (E[D(train)] - E[D(generated)]): 0 where real pictures that it never
        trained on look as real to it as those it did, 1 where they look generated. Unlike the sign of D(real) it
        means something under a relativistic loss.
        """
        means = torch.stack([real, fake, watched])
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(means)
            count *= torch.distributed.get_world_size()
        real, fake, watched = means.tolist()
        self.memorised = WATCH_DECAY * self.memorised + (1 - WATCH_DECAY) * (real - watched)
        self.told_apart = WATCH_DECAY * self.told_apart + (1 - WATCH_DECAY) * (real - fake)
        overfits = self.memorised > self.args.augment_target * self.told_apart
        change = count / self.args.augment_images * (1 if overfits else -1)
        self.augment_p = min(max(self.augment_p + change, 0.0), MOST_AUGMENTATION)

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("augment_p", "memorised", "told_apart")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


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


class VAEGAN(GAN):
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
        fake, real = self._augment(generated["samples"], random.copy()), self._augment(batch["real"], random)
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
OBJECTIVES: dict[str, type[GAN | VAE]] = {"gan": GAN, "vae": VAE, "vaegan": VAEGAN}
