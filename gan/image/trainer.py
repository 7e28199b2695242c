"""What pictures bring to the training loop."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan.adversarial import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss
from gan.errors import GANError
from gan.image import data, metrics
from gan.image.augment import augment
from gan.image.networks import SIZES, ImageDiscriminator, ImageGenerator, grids, stage_channels
from gan.image.pipeline import ImagePipeline, contact_sheet
from gan.training.arguments import positive_float, positive_int
from gan.training.randomness import StepRandom
from gan.training.task import Batch

MOST_AUGMENTATION = 0.8  # above, the generator would start to draw the augmentations
WATCHED_SHARE, WATCHED_MOST = 0.05, 1_000  # of the training pictures, kept from the discriminator to see it overfit
WATCH_DECAY = 0.99  # a pass; of the running means that say how far


def resolution(text: str) -> tuple[int, int]:
    """An argparse type: `32` or `96x64` (height x width)."""
    sides = [int(side) for side in text.lower().split("x")]
    if len(sides) > 2 or min(sides) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a size like 32 or 96x64")
    return sides[0], sides[-1]


class ImageTask:
    """Pictures: a generator and discriminator after R3GAN, grey or RGB, with or without classes."""

    unit = "images"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags for pictures."""
        pictures = parser.add_argument_group("pictures")
        pictures.add_argument(
            "--dataset_name", default="glyphs", help="a Hub id, a local folder laid out as one, or the built-in glyphs"
        )
        pictures.add_argument("--image_column", help="column with the pictures; by default the one there is")
        pictures.add_argument("--label_column", help="column with the classes; by default `label`, if there is one")
        pictures.add_argument("--unconditional", action="store_true", help="pay no attention to classes")
        pictures.add_argument(
            "--resolution",
            type=resolution,
            help="32 or 96x64 (height x width); by default the pictures' own, up to 64",
        )
        pictures.add_argument(
            "--center_crop",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="crop to the shape of the resolution instead of stretching to it",
        )
        pictures.add_argument(
            "--image_channels", type=int, choices=(1, 3), help="grey or RGB; by default as the first picture is"
        )
        pictures.add_argument("--random_flip", action="store_true", help="mirrored pictures are as likely")
        pictures.add_argument("--model_size", choices=tuple(SIZES), default="small", help="of both networks")
        pictures.add_argument("--latent_dim", type=positive_int, default=64, help="numbers in a latent")
        pictures.add_argument(
            "--augment_target",
            type=float,
            default=0.5,
            help="how far the discriminator may overfit, from 0 to 1, before augmentation sets in; 1 turns it off",
        )
        pictures.add_argument(
            "--augment_images",
            type=positive_float,
            default=100_000,
            help="images over which its strength can rise from 0 to 1",
        )

    def __init__(self, args: argparse.Namespace):
        self.args = args
        pretrained = None
        if args.pretrained_model_name_or_path:
            pretrained = ImagePipeline.from_pretrained(
                args.pretrained_model_name_or_path,
                revision=args.revision,
                token=args.hub_token,
                cache_dir=args.cache_dir,
            )
            args.resolution = args.resolution or pretrained.resolution
            args.image_channels = pretrained.generator.config.image_channels
        if args.resolution:
            grids(args.resolution)  # refuses what cannot be used before any picture is read
        self.train_set, self.test_set = data.load(args)
        if self.train_set.skipped:
            print(f"{self.train_set.skipped} pictures could not be read and are left out.", flush=True)
        if pretrained is None:
            self.generator, self.discriminator = _from_scratch(args, self.train_set)
        else:
            self.generator, self.discriminator = _from_pretrained(args, pretrained, self.train_set)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last).train()

        order = np.random.default_rng(0).permutation(len(self.train_set))
        watched = min(WATCHED_MOST, int(WATCHED_SHARE * len(order))) if args.augment_target < 1 else 0
        self.watched_set = self.train_set.take(np.sort(order[:watched]), "watched")
        if watched:
            self.train_set = self.train_set.take(np.sort(order[watched:]), self.train_set.split)
        self.size = len(self.train_set)
        self.augment_p = 0.0
        self.memorised, self.told_apart = 0.0, 0.0  # running means of logit differences, for `_adapt`

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        batch: Batch = {
            "real": self.train_set.images(indices),
            "labels": self.train_set.classes(indices),
            "latents": random.normal(len(indices), self.args.latent_dim),
        }
        if len(self.watched_set):
            watched = (random.uniform(max(1, len(indices) // 4)) * len(self.watched_set)).long()
            batch["watched"] = self.watched_set.images(watched)
            batch["watched_labels"] = self.watched_set.classes(watched)
        return batch

    def generate(self, generator: nn.Module, batch: Batch) -> Tensor:
        return generator(batch["latents"], batch["labels"])

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
        self, discriminator: nn.Module, batch: Batch, fake: Tensor, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        fake_logits = discriminator(self._augment(fake, random), batch["labels"])
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

    def pipeline(self, generator: ImageGenerator, discriminator: ImageDiscriminator) -> ImagePipeline:
        return ImagePipeline(generator, discriminator, self.train_set.label_names)

    def dataset_record(self) -> dict[str, Any]:
        return {
            "name": self.train_set.name,
            "split": self.train_set.split,
            "images": len(self.train_set),
            "watched": len(self.watched_set),
            "skipped": self.train_set.skipped,
            "license": self.train_set.license,
            "fingerprint": self.train_set.fingerprint(),
        }

    def preview(self, pipeline: ImagePipeline, path: Path) -> Path:
        file = path.with_suffix(".png")
        contact_sheet(pipeline(seed=0, num_images=64).images).save(file)
        return file

    def evaluate(self, pipeline: ImagePipeline) -> dict[str, Any]:
        if self.test_set is None:
            print("There are too few pictures to hold some out, so nothing is measured.", flush=True)
            return {"metrics": []}
        return metrics.evaluate(pipeline, self.train_set, self.test_set)


def _from_scratch(args: argparse.Namespace, train_set: data.ImageSet) -> tuple[ImageGenerator, ImageDiscriminator]:
    shared: dict[str, Any] = {
        "resolution": train_set.resolution,
        "image_channels": train_set.channels,
        "num_classes": len(train_set.label_names or ()),
        "channels": tuple(stage_channels(train_set.resolution, args.model_size)),
        "blocks_per_stage": SIZES[args.model_size][2],
    }
    return ImageGenerator(latent_dim=args.latent_dim, **shared), ImageDiscriminator(**shared)


def _from_pretrained(
    args: argparse.Namespace, pipeline: ImagePipeline, train_set: data.ImageSet
) -> tuple[ImageGenerator, ImageDiscriminator]:
    """Both players of an earlier model. Classes are matched by name; new ones start from the mean of the old."""
    source = args.pretrained_model_name_or_path
    if train_set.resolution != pipeline.resolution:
        height, width = pipeline.resolution
        raise GANError(
            f"{source} draws pictures of {height}x{width}, so training cannot go on from it at another resolution; "
            f"leave --resolution out, or train from scratch."
        )
    if pipeline.discriminator is None:
        raise GANError(f"{source} has no discriminator, so training cannot go on from it; train from scratch.")
    if bool(pipeline.labels) != bool(train_set.label_names):
        raise GANError(
            f"{source} knows classes and the data has none; put the pictures into sub-folders, or train from scratch."
            if pipeline.labels
            else f"{source} knows no classes; train on from it with --unconditional."
        )
    args.latent_dim = pipeline.generator.config.latent_dim
    players = []
    for old in (pipeline.generator, pipeline.discriminator):
        new = type(old).from_config(old.config, num_classes=len(train_set.label_names or ()))
        weights = old.state_dict()
        if train_set.label_names and pipeline.labels:
            known = {name.casefold(): index for index, name in enumerate(pipeline.labels)}
            picked = [known.get(name.casefold()) for name in train_set.label_names]
            embedded = weights["embed.weight"]  # a column a class
            columns = [embedded.mean(1) if index is None else embedded[:, index] for index in picked]
            weights["embed.weight"] = torch.stack(columns, dim=1)
        new.load_state_dict(weights)
        players.append(new)
    return players[0], players[1]
