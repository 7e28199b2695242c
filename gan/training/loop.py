"""The training loop. It knows no modality: a `Task` brings the data, the networks and their losses."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gan.training.arguments import LEARNING_RATE, check_discriminator_flags, check_sources, check_used
from gan.training.batches import MicroBatches
from gan.training.launcher import make_accelerator
from gan.training.players import Players, make_players
from gan.training.publishing import Publisher, check_flags
from gan.training.record import shown_command
from gan.training.run import Run, check_output_dir
from gan.training.task import Task
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
    threads = torch.get_num_threads()
    run = setup(args, task_class, words, program)
    while run.should_continue():
        with run.threads.step():
            logs = train_step(run.players, run.task, run.batches, args, run.step)
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
        if run.publisher.is_due(run.step) and not last:
            run.push()
    run.finish()
    torch.set_num_threads(threads)  # a program that calls this goes on with its own
    return Path(args.output_dir)


def setup(args: argparse.Namespace, task_class: type[Task], words: Sequence[str], program: str) -> Run:
    """Data, networks and optimisers, from the start or from a checkpoint; fills in the flags that were left open."""
    check_sources(words)
    check_used(words, args, task_class)
    check_output_dir(args)
    check_flags(args)
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
        check_discriminator_flags(words)
    args.gamma = args.gamma or task.default_gamma
    args.learning_rate = args.learning_rate or LEARNING_RATE
    publisher = Publisher(args, accelerator.is_main_process)
    batches = MicroBatches(args, task, accelerator)
    args.max_train_steps = _run_length(args, task.size, batches.step_samples)
    players = make_players(args, task, accelerator, batches.step_samples)
    return Run(args, task, players, batches, accelerator, publisher, shown_command(program, words))


def train_step(
    players: Players, task: Task, batches: MicroBatches, args: argparse.Namespace, step: int
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
        with players.accumulate():
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
