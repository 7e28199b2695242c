"""What happens around the steps of a training: resuming, logging, validation, checkpoints, publishing, the end."""

import argparse
import math
import time
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.logging import get_logger
from torch import Tensor
from tqdm.auto import tqdm

from gan.data import shown_name
from gan.errors import GANError
from gan.latent.steering import DirectedPipeline
from gan.pipeline import INDEX, GANPipeline
from gan.training import checkpoints
from gan.training.arguments import MIN_SEEN
from gan.training.batches import MicroBatches
from gan.training.early_stopping import EarlyStopping
from gan.training.players import Players
from gan.training.publishing import Publisher
from gan.training.record import training_record
from gan.training.signals import StopSignal
from gan.training.task import Task
from gan.training.threads import ThreadTuner
from gan.training.trackers import Trackers
from gan.utils.distributed import synchronized
from gan.utils.hardware import thread_candidates

logger = get_logger(__name__)
SHOWN = ("discriminator_loss", "generator_loss")  # beside the progress bar
FINE_TUNE = "fine-tune it with --pretrained_model_name_or_path"


class Progress:
    """Where the run stands, and the settings without which a resumed run would not be the uninterrupted one.

    Saved in every checkpoint.
    """

    def __init__(self, args: argparse.Namespace, task: Task, num_processes: int) -> None:
        self.step = 0
        self.seconds = 0.0
        self.threads: dict[str, Any] = {}
        source = args.pretrained_model_name_or_path
        self.identity = {
            "--seed": args.seed,
            "--objective": getattr(args, "objective", None),
            "--group_column": getattr(args, "group_column", None),
            "--pretrained_model_name_or_path": source and shown_name(source),
            "--train_batch_size": args.train_batch_size,
            "--gradient_accumulation_steps": args.gradient_accumulation_steps,
            "--discriminator_steps": args.discriminator_steps,
            "the number of processes": num_processes,
            "the data": task.dataset_record()["fingerprint"],
            "how many samples are trained on": task.size,
        }

    def state_dict(self) -> dict[str, Any]:
        return vars(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class Run:
    """One training from its start, or the checkpoint that it resumes, to the finished model.

    Args:
        command: the command line, for the record.

    Raises:
        GANError: if the checkpoint to resume from cannot be used.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        task: Task,
        players: Players,
        batches: MicroBatches,
        accelerator: Accelerator,
        publisher: Publisher,
        command: str,
    ):
        self.args, self.task, self.players, self.batches = args, task, players, batches
        self.accelerator, self.publisher, self.command = accelerator, publisher, command
        self.output_dir = Path(args.output_dir)
        self.progress = Progress(args, task, accelerator.num_processes)
        self.early_stopping = EarlyStopping()
        candidates = [args.num_threads] if args.num_threads else thread_candidates(accelerator)
        alone = accelerator.device.type == "cpu" and accelerator.num_processes == 1
        self.threads = ThreadTuner(candidates, exclusive=alone)
        self._resume()
        self.trackers = Trackers(args, self.output_dir, accelerator.is_main_process)
        self.stop_signal = StopSignal()
        self._started, self._seconds_before = time.monotonic(), self.progress.seconds
        self.bar = tqdm(
            total=args.max_train_steps * batches.step_samples,
            initial=self.progress.step * batches.step_samples,
            unit=f" {task.unit}",
            unit_scale=True,
            smoothing=0.05,
            disable=not accelerator.is_main_process,
        )

    def _resume(self) -> None:
        schedulers = [player.scheduler for player in self.players.all]
        self.accelerator.register_for_checkpointing(
            self.progress, self.players.ema, self.task, self.early_stopping, *schedulers
        )
        if self.args.resume_from_checkpoint:
            wanted = dict(self.progress.identity)
            folder = checkpoints.resume(self.accelerator, self.output_dir, self.args.resume_from_checkpoint)
            changed = [name for name, value in self.progress.identity.items() if wanted[name] != value]
            if changed:
                raise GANError(
                    f"{folder} cannot be resumed exactly: {' and '.join(changed)} changed since; give what it was, or "
                    f"fine-tune its model with --pretrained_model_name_or_path."
                )
            if self.step > self.args.max_train_steps:
                raise GANError(
                    f"{folder} has {self.step} steps behind it, and --max_train_steps or --num_train_epochs asks for "
                    f"{self.args.max_train_steps}; raise it."
                )
            self.players.use_flags(self.args)
            self.threads.load_state_dict(self.progress.threads)
            found = f"Resumes from {folder}."
            logger.info(found if folder else "There is no checkpoint yet: starts from the beginning.")
        elif self.accelerator.is_main_process:
            checkpoints.clear(self.output_dir)  # of the model that --overwrite_output_dir replaces

    @property
    def step(self) -> int:
        """How many steps have been taken."""
        return self.progress.step

    @property
    def is_complete(self) -> bool:
        return self.step >= self.args.max_train_steps or self.early_stopping.should_stop(self.args.patience)

    def should_continue(self) -> bool:
        """Whether another step follows; the same on all processes."""
        return not self.is_complete and not _any_process(self.accelerator, self.stop_signal.received)

    def end_step(self) -> None:
        """Counts a step."""
        self.progress.step += 1
        self.players.end_step(self.step, self.batches.step_samples)
        self.bar.update(self.batches.step_samples)

    def log(self, logs: dict[str, Tensor]) -> None:
        """Shows and tracks the losses of a step.

        Raises:
            GANError: if one of them is not finite any more.
        """
        values = {name: float(value) for name, value in logs.items()}
        values["learning_rate"] = self.players.generator.scheduler.get_last_lr()[0]
        values[f"{self.task.unit}_per_second"] = self.bar.format_dict["rate"] or 0.0
        _check_finite(values, self.output_dir)
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in values.items() if name in SHOWN})
        self.trackers.log(values, self.step)

    def validate(self) -> None:
        """Scores the averaged generator; by every process, so that all of them stop at the same step."""
        score = self.task.validate(self.players.ema.model)
        if score is not None:
            self.early_stopping.update(score, self.step, self.players.ema.model)
            self.trackers.log({"validation": score}, self.step)
            logger.info(f"Step {self.step}: {score:.4f} on validation data, the best {self.early_stopping.score:.4f}.")

    def preview(self) -> None:
        """Writes and tracks fixed samples."""
        if not self.accelerator.is_main_process:
            return
        path = self.output_dir / "previews" / f"step-{self.step:06d}"
        try:
            path.parent.mkdir(exist_ok=True)
            self.trackers.log_sample(self.task.preview(self._unrecorded_pipeline(), path), self.step)
        except OSError as error:
            logger.warning(f"The preview {path} could not be written ({error.strerror}); training goes on.")

    def checkpoint(self) -> None:
        """Writes `checkpoint-N`, after which threads are timed again.

        Raises:
            GANError: if the weights are not finite any more.
        """
        self.threads.start_timing()
        self._write_checkpoint()

    def _write_checkpoint(self) -> None:
        # The losses tell of the weights before the last step, so what is about to be saved is looked at itself.
        names = ("generator_weights", "discriminator_weights")
        norms = [float(torch.nn.utils.get_total_norm(player.unwrapped.parameters())) for player in self.players.all]
        _check_finite(dict(zip(names, norms)), self.output_dir)
        self._stop_the_clock()
        self.progress.threads = self.threads.state_dict()
        checkpoints.save(self.accelerator, self.output_dir, self.step, self.args.checkpoints_total_limit)

    def push(self) -> None:
        """Publishes the model as it is, beside the training."""
        self._stop_the_clock()
        self.publisher.push_during(self._pipeline(), self.step)

    def finish(self) -> None:
        """Saves, measures and publishes the model."""
        self.bar.close()
        self._stop_the_clock()
        stopped = not self.is_complete
        if self.step % self.args.checkpointing_steps and self.step > 0:
            self._write_checkpoint()  # the uninterrupted run has none here, and would not time threads
        self.threads.settle()
        self.early_stopping.restore(self.players.ema.model)  # after the checkpoint, which holds the running average
        pipeline = self._pipeline()
        if self.args.half_weights:
            pipeline.halve_weights()  # before it is measured
        self._save(pipeline)  # before anything else can go wrong
        self.stop_signal.release()
        # A signal may also have come during the last step, or the saving.
        unfinished = stopped or _any_process(self.accelerator, self.stop_signal.received)
        if self.args.evaluate and not unfinished:
            self._evaluate(pipeline)
        if isinstance(pipeline, DirectedPipeline) and pipeline.can_be_directed and not unfinished:
            self._find_directions(pipeline)
        if self.accelerator.is_main_process:
            print(f"The model is in {self.output_dir}.", flush=True)
            if stopped:
                print(
                    f"Stopped at step {self.step} of {self.args.max_train_steps}; {self._how_to_resume()}.", flush=True
                )
            elif unfinished:
                print("Stopped before the model was measured and published.", flush=True)
            self.trackers.close()
            if not unfinished:
                self.publisher.push(pipeline, self.output_dir)
        _end(self.accelerator)

    def _how_to_resume(self) -> str:
        kept = checkpoints.all_checkpoints(self.output_dir)  # on a full disk not the step of now, or none at all
        if not kept:
            return "there is no checkpoint to resume from"
        return f"the same command with `--resume_from_checkpoint latest` resumes from {kept[-1].name}"

    def _stop_the_clock(self) -> None:
        self.progress.seconds = self._seconds_before + time.monotonic() - self._started

    def _unrecorded_pipeline(self) -> GANPipeline:
        discriminator = self.players.discriminator
        return self.task.pipeline(self.players.ema.model, discriminator and discriminator.unwrapped)

    def _pipeline(self) -> GANPipeline:
        """The model with its record."""
        pipeline = self._unrecorded_pipeline()
        progress: dict[str, Any] = {"steps": self.step}
        if self.early_stopping.weights:
            progress["best_step"] = self.early_stopping.step
        progress["seconds"] = round(self.progress.seconds, 1)
        seen = self.step * self.batches.step_samples
        pipeline.training_record |= training_record(
            self.args, self.task, self.accelerator, self.command, seen, **progress
        )
        return pipeline

    def _save(self, pipeline: GANPipeline) -> None:
        with synchronized():
            if self.accelerator.is_main_process:
                pipeline.save_pretrained(self.output_dir, repo_id=self.publisher.repo_id)

    def _evaluate(self, pipeline: GANPipeline) -> None:
        try:
            pipeline.metrics = self.task.evaluate(pipeline) | {"command": self.command}  # by every process
            self._save(pipeline)
        except GANError as error:  # a finished model is published nevertheless
            logger.warning(f"The model could not be measured: {error}")

    def _find_directions(self, pipeline: DirectedPipeline) -> None:
        """By the main process alone: the same samples are looked at whatever the number of processes."""
        wanted, seen = self.args.directions, self.step * self.batches.step_samples
        if wanted is False or (wanted is None and seen < MIN_SEEN):
            return
        if self.accelerator.is_main_process:
            print("Finding directions to edit along (--no-directions leaves that out).", flush=True)
            pipeline.find_directions(progress=True)
        self._save(pipeline)


def check_output_dir(args: argparse.Namespace) -> None:
    """Makes the folder of the model.

    Raises:
        GANError: if it cannot be made, or holds a model that nobody asked to replace or resume.
    """
    output_dir = Path(args.output_dir)
    if output_dir.exists() and not output_dir.is_dir():
        raise GANError(f"{output_dir} is a file; --output_dir takes a folder.")
    kept, wanted = checkpoints.all_checkpoints(output_dir), args.resume_from_checkpoint
    begins = not wanted or (wanted == "latest" and not kept)
    if ((output_dir / INDEX).exists() or kept) and begins and not args.overwrite_output_dir:
        remedy = "resume with `--resume_from_checkpoint latest`" if kept else FINE_TUNE
        raise GANError(
            f"{output_dir} already holds a model{'' if kept else ' and no checkpoint'}; {remedy}, replace it with "
            f"--overwrite_output_dir, or choose another --output_dir."
        )
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GANError(
            f"The folder {output_dir} cannot be made ({error.strerror}); choose another --output_dir."
        ) from error


def _any_process(accelerator: Accelerator, condition: bool) -> bool:
    """Whether it holds on any process: one answer for all of them, so that they leave the loop at the same step."""
    if accelerator.num_processes == 1:
        return condition
    return bool(accelerator.reduce(torch.tensor(float(condition), device=accelerator.device)).item())


def _check_finite(values: dict[str, float], output_dir: Path) -> None:
    broken = [name for name, value in values.items() if not math.isfinite(value)]
    if broken:
        kept = checkpoints.all_checkpoints(output_dir)
        raise GANError(
            f"Training broke down: {broken[0]} is not a number any more. Lower --learning_rate"
            f"{' or raise --gamma' * any('discriminator' in name for name in values)}; "
            + (f"{kept[-1]} is the last good checkpoint." if kept else "no checkpoint was written before.")
        )


def _end(accelerator: Accelerator) -> None:
    accelerator.wait_for_everyone()
    if accelerator.num_processes > 1:
        # Gloo's thread still lets go of that barrier, for which it needs the GIL. Without the pause the end of the
        # players, which takes the process group along, could hold the GIL and wait for it: seen on a busy core.
        time.sleep(0.5)
    accelerator.end_training()
