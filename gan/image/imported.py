"""Fine-tuning of generators that other code trained (`gan.zoo`): as their authors train them, but for augmentation,
which is ours (ADA by r_v).

Both players of a file go on, or its generator against a new discriminator of ours.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from gan.errors import GANError
from gan.image.data import ImageSet
from gan.image.networks import ImageDiscriminator, size_preset
from gan.image.pipeline import ImagePipeline
from gan.training.adversarial import AdversarialObjective, keep_shape
from gan.training.arguments import LEARNING_RATE
from gan.training.class_transfer import AVERAGED, resembling, starts
from gan.training.losses import LOSSES
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated
from gan.zoo import DCGANGenerator, StyleGAN2Generator, ZooDiscriminator, ZooGenerator

MAX_COMPARED = 32  # classes of a model whose samples are drawn to see which a new one resembles
COMPARED_PIXELS = 32 * 32 * AVERAGED  # drawn of each of them
PATH_LENGTH_INTERVAL, PATH_LENGTH_DECAY = 4, 0.01  # steps; weight of the newest in the mean


class ImportedGenerator(nn.Module):
    """A generator as it is trained: with fresh noise and, where its family does so, the styles of two latents."""

    def __init__(self, generator: ZooGenerator):
        super().__init__()
        self.generator = generator

    def forward(self, latents: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        """Latents (n, latent_dim) and class indices (n,) to `samples` (n, channels, height, width) and their `codes`.

        Noise and second latents come from torch's global generator.
        """
        codes = self.generator.codes(latents, labels)
        self.generator.track(codes, labels)
        if self.generator.style_mixing:
            codes = self._mixed(codes, labels)
        samples = self.generator.draw(codes, noise="random")
        assert isinstance(samples, Tensor)
        return {"samples": samples, "codes": codes}

    def _mixed(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        """Mixing regularisation (Karras et al. 2019): from some layer on, the codes of another latent."""
        n, layers = codes.shape[:2]
        others = torch.randn(n, self.generator.latent_dim, device=codes.device)
        first = torch.randint(1, layers, (n, 1, 1), device=codes.device)
        first = torch.where(torch.rand_like(codes[:, :1, :1]) < self.generator.style_mixing, first, layers)
        place = torch.arange(layers, device=codes.device)[:, None]
        return torch.where(place < first, codes, self.generator.codes(others, labels))


class Critic(nn.Module):
    """A discriminator as it is trained: its logits are higher where samples look real, whatever its family, and real
    and generated samples are batches of their own, as batch norm and deviations within the batch would mix them."""

    def __init__(self, discriminator: ZooDiscriminator | ImageDiscriminator):
        super().__init__()
        self.discriminator = discriminator

    def forward(self, samples: Tensor, labels: Tensor | None = None, batches: int = 1) -> Tensor:
        """(n,) logits of samples in [-1, 1], which are so many batches, one behind the other."""
        parts = samples.chunk(batches)
        of_parts: Sequence[Tensor | None] = [None] * batches if labels is None else labels.chunk(batches)
        return torch.cat([self.logits(part, of_part) for part, of_part in zip(parts, of_parts, strict=True)])

    def logits(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """`forward` of one batch, which Accelerate does not wrap in autocast."""
        return self.discriminator.logits(samples, labels)

    def resolutions(self) -> list[nn.Module]:
        """The layers of each resolution, the finest first."""
        return [*self.discriminator.resolutions()]


class Imported(AdversarialObjective):
    """The loss and the penalties of the discriminator's family, with adaptive augmentation; path length
    regularisation of StyleGAN2 (Karras et al. 2020) where it is asked for.

    Args:
        args: those of `AdversarialObjective`, and `path_length_weight`.
        discriminator: whose family it is.
    """

    def __init__(self, args: argparse.Namespace, discriminator: ZooDiscriminator | ImageDiscriminator):
        super().__init__(args)
        if isinstance(discriminator, ZooDiscriminator):
            self.loss, self.penalises_generated = LOSSES[discriminator.loss], discriminator.penalises_generated
        self.steps, self.path_length = 0, 0.0

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return generator(batch["latents"], batch["labels"])

    def judge(self, discriminator: nn.Module, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        batches = max(1, len(samples) // self.args.train_batch_size)  # two where real and generated ones come together
        return {"sample": discriminator(samples, labels, batches=batches)}

    def generator_loss(
        self, discriminator: nn.Module, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        loss, logs = super().generator_loss(discriminator, batch, generated, random)
        if self.args.path_length_weight and self.steps % PATH_LENGTH_INTERVAL == 0:
            penalty = self._path_length_penalty(generated["samples"], generated["codes"])
            loss = loss + self.args.path_length_weight * PATH_LENGTH_INTERVAL * penalty
            logs["path_length_penalty"] = penalty.detach()
        self.steps += 1
        return loss, logs

    def _path_length_penalty(self, samples: Tensor, codes: Tensor) -> Tensor:
        """How far a step in w of the same length moves samples, against its running mean."""
        noise = torch.randn_like(samples) / math.sqrt(math.prod(samples.shape[2:]))
        (gradient,) = torch.autograd.grad((samples * noise).sum(), codes, create_graph=True)
        lengths = gradient.float().square().sum(2).mean(1).sqrt()
        mean = lengths.detach().mean()
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(mean)
            mean /= torch.distributed.get_world_size()
        self.path_length += PATH_LENGTH_DECAY * (float(mean) - self.path_length)
        return (lengths - self.path_length).square().mean()

    @property
    def description(self) -> str:
        """What the model card says of the loss."""
        return f"{self.loss.description} with {'R1 and R2 penalties' if self.penalises_generated else 'an R1 penalty'}"

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"steps": self.steps, "path_length": self.path_length}


def check(args: argparse.Namespace, pretrained: ImagePipeline) -> None:
    """Fills in `latent_dim` of an imported model.

    Raises:
        GANError: if the model and the flags do not go together, whatever the data.
    """
    source, generator = args.pretrained_model_name_or_path, pretrained.generator
    if args.resolution != pretrained.resolution:
        height, width = pretrained.resolution
        raise GANError(
            f"{source} draws pictures of {height}x{width}, and cannot be fine-tuned at another resolution; leave "
            f"--resolution out, or train from scratch."
        )
    if args.objective != "gan":
        raise GANError(
            f"{source} holds a {generator.family}, which is fine-tuned with --objective gan; leave --objective out."
        )
    if pretrained.discriminator is None and not args.new_discriminator:
        remedy = ", or convert it with that of its authors (python -m gan.hub convert --discriminator)"
        raise GANError(
            f"{source} holds a {generator.family} without a discriminator to train against; add --new_discriminator "
            f"for a new one{remedy * isinstance(generator, DCGANGenerator)}."
        )
    if args.path_length_weight and not isinstance(generator, StyleGAN2Generator):
        raise GANError(f"--path_length_weight belongs to StyleGAN2, and {source} holds a {generator.family}.")
    if args.group_column:
        raise GANError(f"A {generator.family} is not trained on pairs; leave --group_column out.")
    of_ours = () if args.new_discriminator else ("model_size", "patch_size")  # which no imported network has
    keep_shape(args, generator, {name: {name: getattr(args, name)} for name in of_ours})


def networks(
    args: argparse.Namespace, train_set: ImageSet, pretrained: ImagePipeline
) -> tuple[ImportedGenerator, Critic]:
    """The players of an imported model for the classes of the data, and the learning rates that were left open.

    Raises:
        GANError: if the classes of the data do not go with the model.
    """
    generator, discriminator = pretrained.generator, pretrained.discriminator
    names = train_set.columns()[1]
    if len(names) > 1:
        raise GANError(
            f"A {generator.family} knows one label column, and there are {len(names)}; name one with --label_column."
        )
    begin = _starts(train_set, pretrained)
    count = sum(map(len, names.values()))
    generator = generator.for_classes(count, begin)
    if discriminator is None or args.new_discriminator:
        discriminator = _new_discriminator(args, train_set, count)
    else:
        discriminator = discriminator.for_classes(count, begin)
    _fill_learning_rates(args, generator, discriminator)
    return ImportedGenerator(generator), Critic(discriminator)


def _starts(train_set: ImageSet, pretrained: ImagePipeline) -> Sequence[int | None]:
    """The class of the model that each class of the data starts as; () where only one of them has classes."""
    generator, wanted = pretrained.generator, list(train_set.columns()[1].values())
    known = [pretrained.class_names()] if generator.class_counts else []
    if not (known or wanted):
        return ()
    resembled: Callable[[int, Tensor], int | None] = lambda column, some: None  # noqa: E731
    if sum(generator.class_counts) <= MAX_COMPARED:
        drawn = min(AVERAGED, max(4, COMPARED_PIXELS // math.prod(train_set.resolution)))
        resembled = resembling(generator, train_set.images, drawn)
    classes = train_set.classes(torch.arange(len(train_set)))
    return next(iter(starts(known, wanted, classes, resembled)), ())


def _new_discriminator(args: argparse.Namespace, train_set: ImageSet, count: int) -> ImageDiscriminator:
    args.model_size = args.model_size or "small"
    shape = size_preset(train_set.resolution, args.model_size, args.patch_size or 1)
    return ImageDiscriminator(train_set.resolution, train_set.channels, count, **shape)


def _fill_learning_rates(
    args: argparse.Namespace, generator: ZooGenerator, discriminator: ZooDiscriminator | ImageDiscriminator
) -> None:
    """Those of the authors, where the command line says nothing."""
    if args.learning_rate is None:
        args.learning_rate = generator.learning_rate
        imported = isinstance(discriminator, ZooDiscriminator)
        args.discr_learning_rate = args.discr_learning_rate or (
            discriminator.learning_rate if imported else LEARNING_RATE
        )


def default_gamma(
    args: argparse.Namespace, discriminator: ZooDiscriminator | ImageDiscriminator, of_ours: float
) -> float:
    """The weight of the penalties in a family; `of_ours` where the discriminator is ours.

    Where it is constant, `gamma_final` is filled in.
    """
    if not isinstance(discriminator, ZooDiscriminator):
        return of_ours
    batch = args.train_batch_size * args.gradient_accumulation_steps * PartialState().num_processes
    gamma = discriminator.gamma(args.resolution[0], batch)
    if not LOSSES[discriminator.loss].relativistic:  # whose penalties fall, as ours do
        args.gamma_final = args.gamma_final or args.gamma or gamma
    return gamma
