"""The game of a generator and a discriminator, the same for every modality whose samples can be differentiated."""

import argparse
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan.cli import positive_float, whole_number
from gan.data import set_aside
from gan.errors import GANError
from gan.training.augment import augment
from gan.training.losses import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated, ObjectiveTask

MOST_AUGMENTATION = 0.8  # above, the generator would start to make what the augmentations do
WATCH_DECAY = 0.99  # a pass; of the running means that say how far the discriminator overfits
WATCHED_SHARE, WATCHED_MOST = 0.05, 1_000  # of the training samples, kept from the discriminator to see it overfit


def add_game_arguments(group: argparse._ArgumentGroup, unit: str) -> None:
    """Adds the flags of the discriminator's side; `unit` is what samples are called, in the plural."""
    group.add_argument(
        "--freeze_discriminator_layers",
        type=whole_number,
        default=0,
        help="its finest resolutions stay as they were in the model that is gone on from (FreezeD, Mo et al. 2020)",
    )
    group.add_argument(
        "--augment_target",
        type=float,
        default=0.5,
        help="how far the discriminator may overfit, from 0 to 1, before augmentation sets in; 1 turns it off",
    )
    group.add_argument(
        "--augment_samples",
        type=positive_float,
        default=100_000,
        help=f"{unit} over which its strength can rise from 0 to 1",
    )


class Game:
    """Relativistic pairing with R1 and R2 penalties (Huang et al. 2024) and adaptive augmentation.

    Args:
        args: `augment_target`, how far the discriminator may overfit, and `augment_samples`, over which the strength
            of augmentation can rise from 0 to 1.
    """

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
        both = torch.cat([self.augment(real, random), self.augment(fake, random)])
        twice = None if labels is None else torch.cat([labels, labels])
        real_logits, fake_logits = discriminator(both, twice).chunk(2)
        loss = relativistic_discriminator_loss(real_logits, fake_logits)
        logs = {"discriminator_loss": loss.detach(), "augment_p": torch.tensor(self.augment_p)}
        logs["overfitting"] = torch.tensor(self.memorised / self.told_apart if self.told_apart else 0.0)
        if "watched" in batch:
            with torch.no_grad():
                watched_logits = bare(self.augment(batch["watched"], random), batch["watched_labels"])
            self._adapt(
                real_logits.detach().mean(), fake_logits.detach().mean(), watched_logits.mean(), len(both) // 2
            )
        if penalty:
            # With respect to the sample before augmentation, and through it.
            r1 = gradient_penalty(lambda x: bare.logits(self.augment(x, random), labels), real)
            r2 = gradient_penalty(lambda x: bare.logits(self.augment(x, random), labels), fake)
            loss = loss + penalty * (r1 + r2)
            logs |= {"r1": r1.detach(), "r2": r2.detach()}
        return loss, logs

    def generator_loss(
        self, discriminator: nn.Module, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        fake_logits = discriminator(self.augment(generated["samples"], random), batch["labels"])
        with torch.no_grad():
            real_logits = discriminator(self.augment(batch["real"], random), batch["labels"])
        loss = relativistic_generator_loss(real_logits, fake_logits)
        return loss, {"generator_loss": loss.detach()}

    def augment(self, samples: Tensor, random: StepRandom) -> Tensor:
        """Samples (n, channels, height, width), each transformation applied with the probability of the moment."""
        return augment(samples, self.augment_p, random)

    def _adapt(self, real: Tensor, fake: Tensor, watched: Tensor, count: int) -> None:
        """Augments more while the discriminator overfits more than the target (ADA's r_v, Karras et al. 2020).

        r_v = (E[D(train)] - E[D(watched)]) / (E[D(train)] - E[D(generated)]): 0 where real samples that it never
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
        change = count / self.args.augment_samples * (1 if overfits else -1)
        self.augment_p = min(max(self.augment_p + change, 0.0), MOST_AUGMENTATION)

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("augment_p", "memorised", "told_apart")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class GameTask(ObjectiveTask):
    """The part of a `Task` that pictures and sounds share: a set whose samples are drawn, watched and labelled.

    Attributes:
        train_set: has `__len__` and `classes(indices)`.
        played: int64 indices of the samples in it that the players train on.
        watched: those of the others, kept from the discriminator, so that its overfitting shows (ADA).
    """

    args: argparse.Namespace
    unit: str
    train_set: Any
    played: Tensor
    watched: Tensor
    discriminator: Any

    def samples(self, indices: Tensor) -> Tensor:
        """What the discriminator sees of samples of the training set: float32 (k, channels, height, width)."""
        raise NotImplementedError

    def freeze(self) -> None:
        """Freezes the finest resolutions of the discriminator (FreezeD, Mo et al. 2020), as many as asked for.

        Raises:
            GANError: if there is no such discriminator to take over, or it has not so many.
        """
        wanted = self.args.freeze_discriminator_layers
        if not wanted:
            return
        if self.discriminator is None or not self.args.pretrained_model_name_or_path:
            raise GANError(
                "--freeze_discriminator_layers keeps what a discriminator has learnt, and here is none to go on from; "
                "name a model with --pretrained_model_name_or_path."
            )
        stages = self.discriminator.resolutions()
        if wanted >= len(stages):
            raise GANError(
                f"The discriminator has {len(stages)} resolutions, and {wanted} of them cannot be frozen; "
                f"--freeze_discriminator_layers takes at most {len(stages) - 1}."
            )
        for layers in stages[:wanted]:
            layers.requires_grad_(False)

    def dataset_record(self) -> dict[str, Any]:
        return {
            "name": self.train_set.name,
            "split": self.train_set.split,
            self.unit: self.size,
            "watched": len(self.watched),
            "skipped": self.train_set.skipped,
            "license": self.train_set.license,
            "fingerprint": self.train_set.fingerprint(),
        }

    def watch(self, share: float) -> None:
        """Takes a share of the training samples out of the game, always the same ones.

        At most `WATCHED_MOST`; of a share above 0 at least one, but of fewer than ten samples none, and never the last
        of a class.
        """
        least = int(share > 0 and len(self.train_set) >= 10)
        count = min(WATCHED_MOST, max(least, int(share * len(self.train_set))))
        self.watched, self.played = (torch.from_numpy(part) for part in set_aside(self.train_set, count))
        self.size = len(self.played)

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        chosen = self.played[indices]
        batch: Batch = {
            "real": self.samples(chosen),
            "labels": self.train_set.classes(chosen),
            "latents": random.normal(len(indices), self.args.latent_dim),
        }
        if len(self.watched):
            chosen = self.watched[(random.uniform(max(1, len(indices) // 4)) * len(self.watched)).long()]
            batch["watched"] = self.samples(chosen)
            batch["watched_labels"] = self.train_set.classes(chosen)
        return batch
