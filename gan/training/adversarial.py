"""A generator against a discriminator, the same for every modality whose samples can be differentiated."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from gan.cli import positive_float, whole_number
from gan.data import Pairs, set_aside
from gan.errors import GANError
from gan.training.arguments import add_directions_argument
from gan.training.augment import augment
from gan.training.losses import LOSSES, Loss, gradient_penalty
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated, ObjectiveTask

MAX_AUGMENT_P = 0.8  # above, the generator would start to make what the augmentations do
GAP_DECAY = 0.99  # a micro-batch; of the running means in ADA's r_v
# Of the training samples, kept from the discriminator to see it overfit.
VALIDATION_SHARE, MAX_VALIDATION_SAMPLES = 0.05, 1_000


def add_adversarial_arguments(group: argparse._ArgumentGroup, unit: str) -> None:
    """Adds the flags of the discriminator's side; `unit` is what samples are called, in the plural."""
    group.add_argument(
        "--freeze_discriminator_layers",
        type=whole_number,
        default=0,
        help="so many of its finest resolutions keep the weights of the fine-tuned model (FreezeD, Mo et al. 2020)",
    )
    group.add_argument(
        "--augment_target",
        type=float,
        default=0.5,
        help="how far the discriminator may overfit, from 0 to 1 (r_v, Karras et al. 2020), before augmentation sets "
        "in; 1 turns it off",
    )
    group.add_argument(
        "--augment_samples",
        type=positive_float,
        default=100_000,
        help=f"{unit} over which the probability of augmentation can rise from 0 to 1",
    )
    add_directions_argument(group, unit)


class AdversarialObjective:
    """Relativistic pairing loss with R1 and R2 penalties (Huang et al. 2024), adaptive augmentation (ADA).

    Args:
        args: `augment_target`, how far the discriminator may overfit, and `augment_samples`, over which the
            probability of augmentation can rise from 0 to 1.

    Attributes:
        loss: of both players.
        penalises_generated: whether there is an R2 beside the R1.
    """

    networks: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    loss: Loss = LOSSES["relativistic"]
    penalises_generated = True

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.augment_p = 0.0
        # Running means of E[D(train)] - E[D(validation)] and E[D(train)] - E[D(generated)], for r_v.
        self.validation_gap, self.generated_gap = 0.0, 0.0

    @property
    def overfitting(self) -> float:
        """ADA's r_v: 0 where the discriminator tells nothing of what it trained on, 1 where it knows it by heart."""
        return self.validation_gap / self.generated_gap if self.generated_gap else 0.0

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        return {"samples": generator(batch["latents"], batch["labels"])}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        real, labels = batch["real"], batch["labels"]
        both = torch.cat([self.augment(real, random), self.augment(fake, random)])
        judged = self.contests(discriminator, both, batch)
        losses = {f"{name}_loss": self.loss.discriminator(*logits) for name, logits in judged.items()}
        loss = self.weigh([*losses.values()])
        logs = {"discriminator_loss": loss.detach(), "augment_p": torch.tensor(self.augment_p)}
        logs["overfitting"] = torch.tensor(self.overfitting)
        if len(losses) > 1:
            logs |= {name: value.detach() for name, value in losses.items()}
        if "validation" in batch:
            validation = self.augment(batch["validation"], random)
            with torch.no_grad():
                unseen = self.judge(bare, validation, batch["validation_labels"])
            of_three = [(*judged[name], logits) for name, logits in unseen.items()]
            means = [torch.stack([logits.detach().mean() for logits in each]) for each in of_three]
            self._adapt(_mean(means), len(real))
        if penalty:
            # With respect to the sample before augmentation, and through it.
            def logits_of(x: Tensor) -> Tensor:
                return self.penalised(bare, self.augment(x, random), labels, random)

            penalties = {
                name: gradient_penalty(logits_of, samples)
                for name, samples in (("r1", real), ("r2", fake))[: 1 + self.penalises_generated]
            }
            loss = loss + penalty * sum(penalties.values())
            logs |= {name: value.detach() for name, value in penalties.items()}
        return loss, logs

    def contests(self, discriminator: nn.Module, both: Tensor, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Logits of what the discriminator should prefer and of what it should not, by what is judged.

        Args:
            both: the real samples of a batch, and as many generated ones behind them.
        """
        labels = batch["labels"]
        both_labels = None if labels is None else torch.cat([labels, labels])
        return {name: logits.chunk(2) for name, logits in self.judge(discriminator, both, both_labels).items()}

    def weigh(self, losses: list[Tensor]) -> Tensor:
        """The discriminator's loss of those of `contests`."""
        return _mean(losses)

    def judge(self, discriminator: nn.Module, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        """Logits by what is judged; each kind counts as much in the loss."""
        return {"sample": discriminator(samples, labels)}

    def penalised(self, bare: nn.Module, samples: Tensor, labels: Tensor | None, random: StepRandom) -> Tensor:
        """The logits whose gradients are penalised, in full precision."""
        return bare.logits(samples, labels)  # type: ignore[operator]

    def generator_loss(
        self, discriminator: nn.Module, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        fake = self.judge(discriminator, self.augment(generated["samples"], random), batch["labels"])
        real = fake
        if self.loss.relativistic:
            with torch.no_grad():
                real = self.judge(discriminator, self.augment(batch["real"], random), batch["labels"])
        loss = _mean(self.loss.generator(real[name], fake[name]) for name in fake)
        return loss, {"generator_loss": loss.detach()}

    def augment(self, samples: Tensor, random: StepRandom) -> Tensor:
        """Samples (n, channels, height, width), each transformation applied with the probability of the moment."""
        return augment(samples, self.augment_p, random)

    def _adapt(self, means: Tensor, count: int) -> None:
        """Augments more while the discriminator overfits more than the target (ADA's r_v, Karras et al. 2020).

        r_v = (E[D(train)] - E[D(validation)]) / (E[D(train)] - E[D(generated)]): 0 where real samples that it never
        trained on look as real to it as those it did, 1 where they look generated. Unlike the sign of D(real) it
        means something under a relativistic loss.

        Args:
            means: (3,) mean logits of training, generated and validation samples, of this process.
            count: training samples behind them.
        """
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(means)
            count *= torch.distributed.get_world_size()
        train, generated, validation = means.tolist()
        self.validation_gap = GAP_DECAY * self.validation_gap + (1 - GAP_DECAY) * (train - validation)
        self.generated_gap = GAP_DECAY * self.generated_gap + (1 - GAP_DECAY) * (train - generated)
        overfits = self.validation_gap > self.args.augment_target * self.generated_gap
        change = count / self.args.augment_samples * (1 if overfits else -1)
        self.augment_p = min(max(self.augment_p + change, 0.0), MAX_AUGMENT_P)

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("augment_p", "validation_gap", "generated_gap")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def _mean(values: Iterable[Tensor]) -> Tensor:
    return torch.stack([*values]).mean(0)


def keep_shape(args: argparse.Namespace, generator: Any, asked: Mapping[str, Mapping[str, Any]]) -> None:
    """Fills in `latent_dim` of a model that is fine-tuned.

    Args:
        generator: of that model.
        asked: by the name of a flag, what it asks of the generator's config, beside `--latent_dim`, which every model
            has; flags that are not given are passed over.

    Raises:
        GANError: where the command line asks for another shape than that of the model.
    """
    config = generator.config
    for flag, wanted in {**asked, "latent_dim": {"latent_dim": args.latent_dim}}.items():
        known = {name: config.get(name) for name in wanted}
        known = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
        if getattr(args, flag) is not None and known != wanted:
            raise GANError(
                f"{args.pretrained_model_name_or_path} keeps its networks, which are not those of --{flag} "
                f"{getattr(args, flag)}; leave that out, or train from scratch."
            )
    args.latent_dim = config.latent_dim


class AdversarialTask(ObjectiveTask):
    """The part of a `Task` that images and sounds share: what the discriminator trains on and is validated on.

    Attributes:
        train_set: has `__len__` and `classes(indices)`.
        train_indices: int64 indices of the samples in it that generator and discriminator train on.
        validation_indices: those of the others, which show how far the discriminator overfits (ADA).
        groups: int64 (n,) of the training set where batches are made of pairs, two samples of one group with one
            latent; or `None`.
        validation_share: validation samples beside a batch, as a share of it.
    """

    args: argparse.Namespace
    unit: str
    train_set: Any
    train_indices: Tensor
    validation_indices: Tensor
    discriminator: Any
    groups: np.ndarray | None = None
    validation_share = 0.25

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        unused = {
            "--patience": "counts validations, and only texts are validated while they are learnt",
            "--streaming": "is for texts: pictures and sounds are decoded once, and kept on disk below --cache_dir",
        }
        if args.augment_target >= 1:
            unused["--augment_samples"] = "is how fast augmentation sets in, which --augment_target 1 turns off"
        return unused

    def samples(self, indices: Tensor) -> Tensor:
        """What the discriminator sees of samples of the training set: float32 (k, channels, height, width)."""
        raise NotImplementedError

    def freeze_discriminator(self) -> None:
        """Freezes the finest resolutions of the discriminator (FreezeD, Mo et al. 2020), as many as asked for.

        Raises:
            GANError: if there is no fine-tuned discriminator, or it has not so many.
        """
        wanted = self.args.freeze_discriminator_layers
        if not wanted:
            return
        if self.discriminator is None or not self.args.pretrained_model_name_or_path:
            raise GANError(
                "--freeze_discriminator_layers keeps what a discriminator has learnt, and here is none to fine-tune; "
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
            "validation": len(self.validation_indices),
            "skipped": self.train_set.skipped,
            "license": self.train_set.license,
            "fingerprint": self.train_set.fingerprint(),
            **({} if self.train_set.report is None else {"report": self.train_set.report.record()}),
        }

    def split_validation(self, share: float) -> None:
        """Keeps a share of the training samples from the discriminator, always the same ones.

        At most `MAX_VALIDATION_SAMPLES`; of a share above 0 at least one, but of fewer than ten samples none, and
        never the last of a class. Where there are groups, whole ones: at least one, but of fewer than ten none.
        """
        size = len(self.train_set)
        sources = size if self.groups is None else len(np.unique(self.groups))
        most = MAX_VALIDATION_SAMPLES * sources // size  # as many groups as have so many samples
        count = min(most, max(int(share > 0 and sources >= 10), int(share * sources)))
        parts = set_aside(self.train_set, count, self.groups)
        self.validation_indices, self.train_indices = (torch.from_numpy(part) for part in parts)
        self.size = len(self.train_indices)
        if self.groups is not None:
            aside, rest = parts
            self._pairs = Pairs(self.groups[rest], self.train_set.labels[rest])
            if len(aside):
                self._validation_pairs = Pairs(self.groups[aside], self.train_set.labels[aside])

    def batch(self, indices: Tensor, random: StepRandom) -> Batch:
        if self.groups is None:
            latents = random.normal(len(indices), self.args.latent_dim)
        else:
            indices = self._pairs.complete(indices, random.uniform(len(indices) // 2))
            latents = random.normal(len(indices) // 2, self.args.latent_dim).repeat_interleave(2, dim=0)
        chosen = self.train_indices[indices]
        batch: Batch = {"real": self.samples(chosen), "labels": self.train_set.classes(chosen), "latents": latents}
        if self.groups is not None:
            batch["groups"] = torch.from_numpy(self.groups[chosen.numpy()])
        if len(self.validation_indices):
            chosen = self._draw_validation(max(1, int(len(indices) * self.validation_share)), random)
            batch["validation"] = self.samples(chosen)
            batch["validation_labels"] = self.train_set.classes(chosen)
        return batch

    def _draw_validation(self, count: int, random: StepRandom) -> Tensor:
        """Indices of validation samples, in pairs where there are groups."""
        available = len(self.validation_indices)
        if self.groups is None:
            return self.validation_indices[(random.uniform(count) * available).long()]
        pairs = max(1, count // 2)
        drawn = (random.uniform(pairs) * available).long().repeat_interleave(2)
        return self.validation_indices[self._validation_pairs.complete(drawn, random.uniform(pairs))]
