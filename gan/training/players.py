"""Generator and discriminator, each with its optimiser and learning-rate schedule, and the EMA."""

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.optimization import get_scheduler
from torch import Tensor, nn

from gan.errors import GANError
from gan.training.ema import EMA
from gan.training.task import Task

WARMUP_STEPS = 100  # by default, but at most a tenth of the run


@dataclass
class Player:
    """A network with its optimiser and learning-rate schedule.

    Attributes:
        network: prepared by Accelerate (autocast, data-parallel).
        unwrapped: the same network without.
        max_grad_norm: to which gradients are clipped, if at all.
    """

    accelerator: Accelerator
    network: nn.Module
    unwrapped: Any
    optimizer: Any
    scheduler: Any
    max_grad_norm: float | None

    def descend(self, loss: Tensor) -> None:
        """Adds the gradients of a loss and, where accumulation is complete, takes a step of the optimiser."""
        self.accelerator.backward(loss)
        if self.max_grad_norm and self.accelerator.sync_gradients:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()


@dataclass
class Players:
    """Who is trained.

    Attributes:
        generator: with an encoder in one module where there is one.
        discriminator: `None` where a task has none.
        ema: the average of the generator's weights, which is what is saved and sampled.
    """

    generator: Player
    discriminator: Player | None
    ema: EMA

    @property
    def all(self) -> list[Player]:
        return [self.generator] if self.discriminator is None else [self.generator, self.discriminator]

    @contextmanager
    def frozen_discriminator(self) -> Iterator[None]:
        """It takes no gradients in here: the generator's loss would leak into those that it has accumulated."""
        parameters = [] if self.discriminator is None else list(self.discriminator.unwrapped.parameters())
        trainable = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in trainable:
            parameter.requires_grad_(False)
        yield
        for parameter in trainable:
            parameter.requires_grad_(True)

    def accumulate(self) -> AbstractContextManager[None]:
        """A micro-batch is trained on in here. One for both players: Accelerate counts them by these calls."""
        return self.generator.accelerator.accumulate(*(player.network for player in self.all))

    def use_flags(self, args: argparse.Namespace) -> None:
        """Sets the optimisers and schedules to what the command line says: a checkpoint brings those of its run."""
        for player, rate in zip(self.all, _learning_rates(args)):
            groups, scheduler = player.optimizer.param_groups, player.scheduler
            for group, weight_decay in zip(groups, (args.adam_weight_decay, 0.0)):
                betas = args.adam_beta1, args.adam_beta2
                group |= {"initial_lr": rate, "betas": betas, "eps": args.adam_epsilon, "weight_decay": weight_decay}
            scheduler.base_lrs = [rate for _ in groups]
            scheduler._last_lr = [rate * factor(scheduler.last_epoch) for factor in scheduler.lr_lambdas]
            for group, now in zip(groups, scheduler._last_lr):
                group["lr"] = now

    def end_step(self, step: int, step_samples: int) -> None:
        """Moves the learning rates and the average on, after the `step`-th step of `step_samples` samples."""
        for player in self.all:
            player.scheduler.step()
        self.ema.update(self.generator.unwrapped, step_samples, step * step_samples)


def make_players(args: argparse.Namespace, task: Task, accelerator: Accelerator, step_samples: int) -> Players:
    """Gives a task's networks AdamW, a schedule and an average, all prepared by Accelerate.

    Args:
        args: the flags of the optimisation; `adam_beta1` and `lr_warmup_steps` are filled in where they are open.
        step_samples: training samples of one step, of all processes.

    Raises:
        GANError: if the learning rate would never be reached.
    """
    ema = EMA(task.generator, args.ema_half_life or args.max_train_steps * step_samples / 40)
    ema.model.to(accelerator.device)
    if args.adam_beta1 is None:  # momentum unsettles adversarial training, and helps where there is no discriminator
        args.adam_beta1 = 0.9 if task.discriminator is None else 0.0
    if args.lr_warmup_steps is None:
        args.lr_warmup_steps = min(WARMUP_STEPS, args.max_train_steps // 10)
    if args.lr_warmup_steps >= args.max_train_steps > 1:
        raise GANError(
            f"--lr_warmup_steps {args.lr_warmup_steps} leaves nothing of a run of {args.max_train_steps} steps; give "
            f"fewer, or leave it out."
        )
    networks = [task.generator] if task.discriminator is None else [task.generator, task.discriminator]
    betas = args.adam_beta1, args.adam_beta2
    optimizers = [
        torch.optim.AdamW(_groups(network, args.adam_weight_decay), rate, betas, eps=args.adam_epsilon, fused=True)
        for network, rate in zip(networks, _learning_rates(args))
    ]
    length = {
        "num_warmup_steps": args.lr_warmup_steps,
        "num_training_steps": args.max_train_steps,
    }
    schedulers = [get_scheduler(args.lr_scheduler, optimizer, **length) for optimizer in optimizers]
    prepared = accelerator.prepare(*networks, *optimizers)
    players = [
        Player(accelerator, network, accelerator.unwrap_model(network), optimizer, scheduler, args.max_grad_norm)
        for network, optimizer, scheduler in zip(prepared, prepared[len(networks) :], schedulers)
    ]
    return Players(players[0], players[1] if len(players) > 1 else None, ema)


def _learning_rates(args: argparse.Namespace) -> tuple[float, float]:
    """Of the generator and the discriminator."""
    return args.learning_rate, args.discr_learning_rate or args.learning_rate


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters for the optimiser: matrices and kernels decay, biases and gains do not."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim < 2], "weight_decay": 0.0},
    ]
