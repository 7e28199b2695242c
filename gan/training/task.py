"""What a modality gives to the training loop."""

import argparse
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from gan.errors import GANError
from gan.pipeline import GANPipeline
from gan.training.randomness import StepRandom
from gan.zoo.fetch import is_single_file

Pipeline = TypeVar("Pipeline", bound=GANPipeline)
Batch = dict[str, Any]  # tensors, and None for what the data hasn't (labels)
Generated = dict[str, Any]  # what a forward pass gives the losses: "samples", a tensor, and what belongs to them


class Task(Protocol):
    """One modality, ready to train: its data, its networks and their losses.

    Attributes:
        generator: what is trained, averaged and saved: a generator, with an encoder in one module where there is one;
            not yet prepared by Accelerate.
        discriminator: what it is trained against, or `None`: then nothing of the discriminator is called.
        size: training samples.
        unit: what a sample is called, in the plural ("images").
        default_gamma: weight of the penalties where the command line gives none.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    size: int
    unit: str
    default_gamma: float

    def __init__(self, args: argparse.Namespace): ...

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the modality's own flags."""

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        """Flags that mean nothing beside the others, with the reason: {"--patience": "counts validations, ..."}."""

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        """The samples of a micro-batch and the noise that goes with them, on the CPU."""

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        """Generated `samples` for a micro-batch, differentiable in the generator, and what else its loss needs."""

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and values to log, a `discriminator_loss` among them.

        Args:
            fake: the generated `samples`, detached.
            discriminator: prepared by Accelerate (autocast, data-parallel).
            bare: the same network without, for the penalties in full precision.
            penalty: weight of the penalties now; 0 where this step has none.
        """

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and values to log, a `generator_loss` among them. The discriminator is frozen."""

    def state_dict(self) -> dict[str, Any]:
        """What the modality must remember in a checkpoint."""

    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def validate(self, generator: nn.Module) -> float | None:
        """A score on validation data, smaller is better, by which the best weights are kept; `None` keeps the last."""

    def pipeline(self, generator: nn.Module, discriminator: nn.Module | None) -> GANPipeline:
        """The model to save, without its record."""

    def dataset_record(self) -> dict[str, Any]:
        """What `training.json` says of the data."""

    def preview(self, pipeline: GANPipeline, path: Path) -> Path:
        """Writes fixed samples below `path` (without suffix); returns the file."""

    def evaluate(self, pipeline: GANPipeline) -> dict[str, Any]:
        """What `metrics.json` says: measured on held-out data, by every process (`gan.utils.distributed`)."""


def load_pretrained(args: argparse.Namespace, kind: type[Pipeline]) -> Pipeline | None:
    """The model to fine-tune, if the command line names one.

    Raises:
        GANError: if there is none there, or it isn't of that kind.
    """
    source = args.pretrained_model_name_or_path
    if not source:
        return None
    access = {"token": args.hub_token, "cache_dir": args.cache_dir}
    if kind.opens_single_files and is_single_file(source):
        if args.revision:
            raise GANError("--revision belongs to a model of ours; write user/name@revision/file for a checkpoint.")
        pipeline: GANPipeline = kind.from_single_file(source, **access)
    else:
        pipeline = kind.from_pretrained(source, revision=args.revision, **access)
    assert isinstance(pipeline, kind)
    return pipeline


class ObjectiveTask:
    """The part of a `Task` that it leaves to its objective: the forward passes, the losses and their state.

    Attributes:
        objective: has `generate`, `generator_loss`, `state_dict`, `load_state_dict` and, where there is a
            discriminator, `discriminator_loss`, all as in `Task`.
    """

    objective: Any
    default_gamma = 0.5

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        return {}

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return self.objective.generate(generator, batch)

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return self.objective.discriminator_loss(discriminator, bare, batch, fake, penalty, random)

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return self.objective.generator_loss(discriminator, batch, generated, random)

    def state_dict(self) -> dict[str, Any]:
        return self.objective.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.objective.load_state_dict(state)

    def validate(self, generator: nn.Module) -> float | None:
        return None
