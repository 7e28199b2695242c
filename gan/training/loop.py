"""The training loop. It knows no modality: a `Task` brings the data, the networks and their losses."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from gan.training.arguments import check_discriminator_flags, check_sources
from gan.training.launcher import make_accelerator
from gan.training.players import Players, make_players
from gan.training.publishing import Publisher, check_flags
from gan.training.randomness import ShuffledOrder, StepRandom
from gan.training.record import shown_command
from gan.training.run import Run, check_output_dir
from gan.training.task import Batch, Task
from gan.utils.hardware import use_all_cores

DEFAULT_STEPS = 6000  # with the other defaults: under ten minutes on two cores


def train(
    args: argparse.Namespace, task_class: type[Task], words: Sequence[str] = (), program: str = "-m gan.training"
) -> Path:
    """Runs a whole training as `args` (see `gan.training.arguments`) describe it.

    Args:
        words: the command line that `args` are parsed from, for the record.
        program: what stands before them.

    Returns:
        The folder of the model repository that was written.

    Raises:
        GANError: for anything that the user can mend.
    """
    check_sources(words)
    check_output_dir(args)
    check_flags(args)
    threads_before = torch.get_num_threads()
    accelerator = make_accelerator(args)
    if args.num_threads:
        torch.set_num_threads(args.num_threads)
    else:
        use_all_cores(accelerator)
    torch.set_flush_denormal(True)  # gradients near zero would crawl on a CPU
    # For the initial weights. What draws from the global state later (dropout, sampling of text) does so after its
    # task has seeded it for the micro-batch, so that resumed runs are exact.
    torch.manual_seed(args.seed)
    task = task_class(args)
    if task.discriminator is None:
        check_discriminator_flags(words, args.objective)
    publisher = Publisher(args, accelerator.is_main_process)
    micro_batches = args.gradient_accumulation_steps * (1 if task.discriminator is None else args.discriminator_steps)
    step_samples = args.train_batch_size * micro_batches * accelerator.num_processes
    args.max_train_steps = _run_length(args, task.size, step_samples)
    players = make_players(args, task, accelerator, step_samples)
    batches = MicroBatches(args, task, accelerator, micro_batches)
    run = Run(args, task, players, accelerator, publisher, shown_command(program, words), step_samples)

    while run.should_continue():
        with run.threads.step():
            logs = train_step(players, task, batches, accelerator, args, run.step)
        run.end_step()
        last = run.step == args.max_train_steps
        if run.step % args.logging_steps == 0 or last:
            run.log(logs)
        if run.step % args.validation_steps == 0 or last:
            run.validate()
        if run.step % args.validation_steps == 0:
            run.preview()
        if run.step % args.checkpointing_steps == 0:
            run.checkpoint()
        if publisher.is_due(run.step) and not last:
            run.push()

    run.finish()
    torch.set_num_threads(threads_before)  # a program that calls this goes on with its own
    return Path(args.output_dir)


class MicroBatches:
    """The micro-batches of this process: the samples and noise of each are a function of its number.

    Args:
        per_step: micro-batches of one step.
    """

    def __init__(self, args: argparse.Namespace, task: Task, accelerator: Accelerator, per_step: int):
        self.task, self.accelerator, self.per_step = task, accelerator, per_step
        self.seed, self.size = args.seed, args.train_batch_size
        self.order = ShuffledOrder(task.size, args.seed)

    def of_step(self, step: int) -> range:
        """The numbers of the micro-batches of a step."""
        return range(step * self.per_step, (step + 1) * self.per_step)

    def __getitem__(self, number: int) -> tuple[Batch, StepRandom]:
        """A micro-batch on the device, and what its losses draw from."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        random = StepRandom(self.seed, number, rank, world)
        indices = self.order.slice((number * world + rank) * self.size, self.size)
        batch = {
            name: None if value is None else value.to(self.accelerator.device, non_blocking=True)
            for name, value in self.task.batch(indices, random).items()
        }
        return batch, random


def train_step(
    players: Players, task: Task, batches: MicroBatches, accelerator: Accelerator, args: argparse.Namespace, step: int
) -> dict[str, Tensor]:
    """Trains the discriminator on every micro-batch of a step, and the generator on the last of them.

    Each takes one step of its optimiser in `--gradient_accumulation_steps` micro-batches.

    Args:
        step: steps that were taken before.

    Returns:
        The losses of the last micro-batch, and what else was logged.
    """
    generator, discriminator = players.generator, players.discriminator
    penalty = penalty_weight(args, step)
    logs: dict[str, Tensor] = {}
    numbers = batches.of_step(step)
    for number in numbers:
        batch, random = batches[number]
        trains_generator = number in numbers[-args.gradient_accumulation_steps :]
        # One `accumulate` for both players: its counter advances with every call.
        with accelerator.accumulate(*(player.network for player in players.all)):
            with torch.set_grad_enabled(trains_generator):
                generated = task.generate(generator.network, batch)  # one pass serves both losses

            if discriminator is not None:
                fake = generated["samples"].detach()
                loss, new_logs = task.discriminator_loss(
                    discriminator.network, discriminator.unwrapped, batch, fake, penalty, random
                )
                logs |= new_logs
                discriminator.descend(loss)

            if trains_generator:
                with players.frozen_discriminator():
                    fooled = discriminator and discriminator.unwrapped
                    loss, new_logs = task.generator_loss(fooled, batch, generated, random)
                    logs |= new_logs
                    generator.descend(loss)
    return logs


def penalty_weight(args: argparse.Namespace, step: int) -> float:
    """The weight of the R1 and R2 penalties in a step: gamma / 2, which falls along half a cosine.

    They are lazy: rare, and heavier for it (Karras et al. 2020, StyleGAN2).
    """
    if step % args.penalty_interval:
        return 0.0
    share = step / args.max_train_steps
    first, last = args.gamma, args.gamma_final or args.gamma / 10
    gamma = last + (first - last) * (1 + math.cos(math.pi * share)) / 2
    return gamma / 2 * args.penalty_interval


def _run_length(args: argparse.Namespace, size: int, step_samples: int) -> int:
    if args.max_train_steps is not None:
        return args.max_train_steps
    if args.num_train_epochs is None:
        return DEFAULT_STEPS
    return math.ceil(args.num_train_epochs * size / step_samples)
