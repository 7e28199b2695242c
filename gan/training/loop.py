"""The training loop. It knows no modality: a `Task` brings the data, the players and their losses."""

import argparse
import math
import platform
import shlex
import signal
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.logging import get_logger
from diffusers.optimization import get_scheduler
from tqdm.auto import tqdm

from gan.cli import without_folders, without_token
from gan.data import shown_name
from gan.errors import GANError
from gan.pipeline import INDEX
from gan.training import checkpoints
from gan.training.early_stopping import Best
from gan.training.ema import EMA
from gan.training.publishing import Publisher, check_flags
from gan.training.randomness import ShuffledOrder, StepRandom
from gan.training.task import Task
from gan.training.trackers import Trackers
from gan.utils.distributed import join_processes, synchronized
from gan.utils.hardware import native_precision, use_all_cores

logger = get_logger(__name__)
SHOWN = ("discriminator_loss", "generator_loss")  # beside the progress bar
PRIVATE_ARGUMENTS = ("hub_token", "cache_dir", "modality")  # those not to write into training.json


class _Progress:
    """Where the run stands, and what it must not be gone on without; saved in every checkpoint."""

    def __init__(self, identity: dict[str, Any]) -> None:
        self.step = 0
        self.seconds = 0.0
        self.identity = identity

    def state_dict(self) -> dict[str, Any]:
        return vars(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class _Stop:
    """Turns Ctrl-C and SIGTERM into a wish to stop after the current step; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.wanted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def end(self) -> None:
        """From here on both end the program at once."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _note(self, number: int, frame: Any) -> None:
        self.wanted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\nStopping after this step; the model and a checkpoint will be saved.", file=sys.stderr, flush=True)


def train(args: argparse.Namespace, task_class: type[Task]) -> Path:
    """Runs a whole training as `args` (see `gan.training.arguments`) describe it.

    Returns:
        The folder of the model repository that was written.

    Raises:
        GANError: for anything that the user can mend.
    """
    output_dir = Path(args.output_dir)
    _check_output_dir(args, output_dir)
    check_flags(args)
    args.mixed_precision = args.mixed_precision or native_precision()
    join_processes()
    accelerator = Accelerator(
        mixed_precision=args.mixed_precision, gradient_accumulation_steps=args.gradient_accumulation_steps
    )
    use_all_cores(accelerator)
    torch.set_flush_denormal(True)  # gradients near zero would crawl on a CPU
    torch.manual_seed(args.seed)  # for the initial weights: nothing later draws from global state

    task = task_class(args)
    publisher = Publisher(args, accelerator.is_main_process)
    passes = args.gradient_accumulation_steps * (1 if task.discriminator is None else args.discriminator_steps)
    step_samples = args.train_batch_size * passes * accelerator.num_processes
    args.max_train_steps = _run_length(args, task.size, step_samples)
    ema = EMA(task.generator, args.ema_half_life or args.max_train_steps * step_samples / 40)
    ema.model.to(accelerator.device)
    if args.adam_beta1 is None:  # momentum upsets a game, and helps where there is none
        args.adam_beta1 = 0.9 if task.discriminator is None else 0.0
    players = [task.generator] if task.discriminator is None else [task.generator, task.discriminator]
    optimizers = [
        torch.optim.AdamW(
            _groups(player, args.adam_weight_decay),
            rate,
            (args.adam_beta1, args.adam_beta2),
            eps=args.adam_epsilon,
            fused=True,
        )
        for player, rate in zip(players, (args.learning_rate, args.discr_learning_rate or args.learning_rate))
    ]
    schedulers = [
        get_scheduler(
            args.lr_scheduler,
            optimizer,
            num_warmup_steps=min(args.lr_warmup_steps, args.max_train_steps // 10),
            num_training_steps=args.max_train_steps,
        )
        for optimizer in optimizers
    ]
    prepared = accelerator.prepare(*players, *optimizers)
    players, optimizers = prepared[: len(players)], prepared[len(players) :]
    bare_players = [accelerator.unwrap_model(player) for player in players]
    generator, discriminator = players[0], players[1] if len(players) > 1 else None
    bare_generator, bare_discriminator = bare_players[0], bare_players[1] if discriminator else None
    judging = [p for player in bare_players[1:] for p in player.parameters() if p.requires_grad]  # what isn't frozen
    progress = _Progress(
        {
            "--seed": args.seed,
            "--train_batch_size": args.train_batch_size,
            "--gradient_accumulation_steps": args.gradient_accumulation_steps,
            "--discriminator_steps": args.discriminator_steps,
            "the number of processes": accelerator.num_processes,
            "the data": task.dataset_record()["fingerprint"],
            "how many samples are trained on": task.size,
        }
    )
    identity = dict(progress.identity)
    best = Best()
    accelerator.register_for_checkpointing(progress, ema, task, best, *schedulers)

    if args.resume_from_checkpoint:
        folder = checkpoints.resume(accelerator, output_dir, args.resume_from_checkpoint)
        changed = [name for name, value in progress.identity.items() if identity[name] != value]
        if changed:
            raise GANError(
                f"{folder} cannot be gone on from exactly: {' and '.join(changed)} changed since; give what it was, "
                f"or start anew from its model with --pretrained_model_name_or_path."
            )
        logger.info(f"Goes on from {folder}." if folder else "There is no checkpoint yet: starts from the beginning.")
    elif accelerator.is_main_process:
        checkpoints.clear(output_dir)  # of the model that --overwrite_output_dir replaces
    trackers = Trackers(args, output_dir, accelerator.is_main_process)
    order = ShuffledOrder(task.size, args.seed)
    stop = _Stop()
    started, earlier = time.monotonic(), progress.seconds
    bar = tqdm(
        total=args.max_train_steps * step_samples,
        initial=progress.step * step_samples,
        unit=f" {task.unit}",
        unit_scale=True,
        smoothing=0.05,
        disable=not accelerator.is_main_process,
    )

    def save_checkpoint() -> None:
        # The losses tell of the weights before the last step, so what is about to be saved is looked at itself.
        norms = [float(torch.nn.utils.get_total_norm(player.parameters())) for player in bare_players]
        _check_finite(dict(zip(("generator_weights", "discriminator_weights"), norms)), output_dir)
        progress.seconds = earlier + time.monotonic() - started
        checkpoints.save(accelerator, output_dir, progress.step, args.checkpoints_total_limit)

    def update(player: int) -> None:
        if args.max_grad_norm and accelerator.sync_gradients:
            accelerator.clip_grad_norm_(players[player].parameters(), args.max_grad_norm)
        optimizers[player].step()
        optimizers[player].zero_grad()

    logs: dict[str, torch.Tensor] = {}
    while (
        progress.step < args.max_train_steps
        and not best.is_stale(args.patience)
        and not _any_process(accelerator, stop.wanted)
    ):
        for k in range(passes):
            pass_number = progress.step * passes + k
            generators_turn = k >= passes - args.gradient_accumulation_steps
            random = StepRandom(args.seed, pass_number, accelerator.process_index, accelerator.num_processes)
            position = pass_number * accelerator.num_processes + accelerator.process_index
            indices = order.slice(position * args.train_batch_size, args.train_batch_size)
            batch = {
                name: None if value is None else value.to(accelerator.device, non_blocking=True)
                for name, value in task.batch(indices, random).items()
            }
            # One `accumulate` for both players: its counter advances with every call.
            with accelerator.accumulate(*players):
                with torch.set_grad_enabled(generators_turn):
                    generated = task.generate(generator, batch)  # one pass serves both players' losses

                if discriminator is not None:
                    # Lazy penalties: rare, and heavier for it (Karras et al. 2020, StyleGAN2).
                    due = progress.step % args.penalty_interval == 0
                    share = progress.step / args.max_train_steps
                    gamma = _cosine(args.gamma, args.gamma_final or args.gamma / 10, share)
                    penalty = gamma / 2 * args.penalty_interval if due else 0.0
                    loss, new_logs = task.discriminator_loss(
                        discriminator, bare_discriminator, batch, generated["samples"].detach(), penalty, random
                    )
                    logs |= new_logs
                    accelerator.backward(loss)
                    update(1)

                if generators_turn:
                    _require_grad(judging, False)  # or the loss would leak into its accumulated gradients
                    loss, new_logs = task.generator_loss(bare_discriminator, batch, generated, random)
                    logs |= new_logs
                    accelerator.backward(loss)
                    update(0)
                    _require_grad(judging, True)

        progress.step += 1
        for scheduler in schedulers:
            scheduler.step()
        ema.update(bare_generator, step_samples, progress.step * step_samples)
        bar.update(step_samples)

        if progress.step % args.logging_steps == 0 or progress.step == args.max_train_steps:
            figures = {name: float(value) for name, value in logs.items()}
            figures["learning_rate"] = schedulers[0].get_last_lr()[0]
            figures[f"{task.unit}_per_second"] = bar.format_dict["rate"] or 0.0
            _check_finite(figures, output_dir)
            bar.set_postfix({name: f"{value:.3g}" for name, value in figures.items() if name in SHOWN})
            trackers.log(figures, progress.step)
        if progress.step % args.validation_steps == 0 or progress.step == args.max_train_steps:
            score = task.validate(ema.model)  # by every process, so that all of them stop at the same step
            if score is not None:
                best.offer(score, progress.step, ema.model)
                trackers.log({"validation": score}, progress.step)
                logger.info(f"Step {progress.step}: {score:.4f} on validation data, the best {best.score:.4f}.")
        if progress.step % args.validation_steps == 0 and accelerator.is_main_process:
            path = output_dir / "previews" / f"step-{progress.step:06d}"
            try:
                path.parent.mkdir(exist_ok=True)
                trackers.log_sample(task.preview(task.pipeline(ema.model, bare_discriminator), path), progress.step)
            except OSError as error:
                logger.warning(f"The preview {path} could not be written ({error.strerror}); training goes on.")
        if progress.step % args.checkpointing_steps == 0:
            save_checkpoint()
        if publisher.is_due(progress.step) and progress.step < args.max_train_steps:
            progress.seconds = earlier + time.monotonic() - started
            pipeline = task.pipeline(ema.model, bare_discriminator)
            pipeline.training_record = _record(args, task, progress, best, step_samples, accelerator)
            publisher.push_during(pipeline, progress.step)

    bar.close()
    progress.seconds = earlier + time.monotonic() - started
    stopped = progress.step < args.max_train_steps and not best.is_stale(args.patience)
    if progress.step % args.checkpointing_steps and progress.step > 0:
        save_checkpoint()
    best.restore(ema.model)  # after the checkpoint, whose average is still the running one
    pipeline = task.pipeline(ema.model, bare_discriminator)
    pipeline.training_record = _record(args, task, progress, best, step_samples, accelerator)
    if args.half_weights:
        pipeline.halve_weights()  # before it is measured

    def save_model() -> None:
        with synchronized():
            if accelerator.is_main_process:
                pipeline.save_pretrained(output_dir, repo_id=publisher.repo_id)

    save_model()  # before anything else can go wrong
    stop.end()
    unfinished = stopped or _any_process(accelerator, stop.wanted)  # wanted during the last step, or the saving
    if args.evaluate and not unfinished:
        try:
            measured = task.evaluate(pipeline)  # by every process
            pipeline.metrics = measured | {"command": pipeline.training_record["command"]}
            save_model()
        except GANError as error:  # a finished model is published nevertheless
            logger.warning(f"The model could not be measured: {error}")
    if accelerator.is_main_process:
        print(f"The model is in {output_dir}.", flush=True)
        if stopped:
            kept = checkpoints.all_checkpoints(output_dir)  # on a full disk not the step of now, or none at all
            print(
                f"Stopped at step {progress.step} of {args.max_train_steps}; "
                + (
                    f"the same command with `--resume_from_checkpoint latest` goes on from {kept[-1].name}."
                    if kept
                    else "there is no checkpoint to go on from."
                ),
                flush=True,
            )
        elif unfinished:
            print("Stopped before the model was measured and published.", flush=True)
        trackers.close()
        if not unfinished:
            publisher.push(pipeline, output_dir)
    accelerator.wait_for_everyone()
    if accelerator.num_processes > 1:
        # Gloo's thread still lets go of that barrier, for which it needs the GIL. Without the pause the end of the
        # players, which takes the process group along, could hold the GIL and wait for it: seen on a busy core.
        time.sleep(0.5)
    accelerator.end_training()
    return output_dir


def _check_output_dir(args: argparse.Namespace, output_dir: Path) -> None:
    if output_dir.exists() and not output_dir.is_dir():
        raise GANError(f"{output_dir} is a file; --output_dir takes a folder.")
    kept, wanted = checkpoints.all_checkpoints(output_dir), args.resume_from_checkpoint
    begins = not wanted or (wanted == "latest" and not kept)
    if ((output_dir / INDEX).exists() or kept) and begins and not args.overwrite_output_dir:
        go_on = "go on with `--resume_from_checkpoint latest`" if kept else FURTHER
        raise GANError(
            f"{output_dir} already holds a model{'' if kept else ' and no checkpoint'}; {go_on}, replace it with "
            f"--overwrite_output_dir, or choose another --output_dir."
        )
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GANError(
            f"The folder {output_dir} cannot be made ({error.strerror}); choose another --output_dir."
        ) from error


def _run_length(args: argparse.Namespace, size: int, step_samples: int) -> int:
    if args.max_train_steps is not None:
        return args.max_train_steps
    if args.num_train_epochs is None:
        return DEFAULT_STEPS
    return math.ceil(args.num_train_epochs * size / step_samples)


FURTHER = "train it further with --pretrained_model_name_or_path"
DEFAULT_STEPS = 6000  # with the other defaults: under ten minutes on two cores


def _groups(player: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters for the optimiser: matrices and kernels decay, what is added or scaled by does not."""
    parameters = [parameter for parameter in player.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim < 2], "weight_decay": 0.0},
    ]


def _require_grad(parameters: list[torch.nn.Parameter], wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)


def _cosine(first: float, last: float, share: float) -> float:
    """From `first` to `last` along half a cosine; `share` goes from 0 to 1."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def _any_process(accelerator: Accelerator, wanted: bool) -> bool:
    """Whether any process was asked to stop, so that all of them leave the loop at the same step."""
    if accelerator.num_processes == 1:
        return wanted
    return bool(accelerator.reduce(torch.tensor(float(wanted), device=accelerator.device)).item())


def _check_finite(figures: dict[str, float], output_dir: Path) -> None:
    broken = [name for name, value in figures.items() if not math.isfinite(value)]
    if broken:
        kept = checkpoints.all_checkpoints(output_dir)
        raise GANError(
            f"Training broke down: {broken[0]} is not a number any more. Lower --learning_rate"
            f"{' or raise --gamma' * any('discriminator' in name for name in figures)}; "
            + (f"{kept[-1]} is the last good checkpoint." if kept else "no checkpoint was written before.")
        )


def _record(
    args: argparse.Namespace,
    task: Task,
    progress: _Progress,
    best: Best,
    step_samples: int,
    accelerator: Accelerator,
) -> dict[str, Any]:
    """The contents of `training.json`. Folders lose what leads to them: it is published."""
    seen = progress.step * step_samples
    arguments = {name: value for name, value in vars(args).items() if name not in PRIVATE_ARGUMENTS}
    if args.pretrained_model_name_or_path:  # a folder like weights/fashion would read as somebody's model on the Hub
        arguments["pretrained_model_name_or_path"] = shown_name(args.pretrained_model_name_or_path)
    words = without_token(sys.argv[1:])
    return {
        "modality": args.modality,
        "command": "accelerate launch train.py " + shlex.join(without_folders(word) for word in words),
        "dataset": task.dataset_record(),
        "seed": args.seed,
        "steps": progress.step,
        **({"best_step": best.step} if best.weights else {}),
        f"{task.unit}_seen": seen,
        "seconds": round(progress.seconds, 1),
        f"{task.unit}_per_second": round(seen / max(progress.seconds, 1e-9), 1),
        "arguments": {
            name: without_folders(value) if isinstance(value, str) else value for name, value in arguments.items()
        },
        "machine": {
            "device": torch.cuda.get_device_name()
            if accelerator.device.type == "cuda"
            else platform.machine() + " CPU",
            "threads": torch.get_num_threads(),
            "processes": accelerator.num_processes,
        },
        "versions": {name: version(name) for name in ("torch", "diffusers", "accelerate")},
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
