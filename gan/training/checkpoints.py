"""Checkpoints: `checkpoint-N/` folders that are whole or not there at all."""

import re
import shutil
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.logging import get_logger

from gan.errors import GANError

logger = get_logger(__name__)


def all_checkpoints(output_dir: Path) -> list[Path]:
    """The checkpoint folders, oldest first."""
    found = [path for path in output_dir.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name)]
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))


def clear(output_dir: Path) -> None:
    """Removes all checkpoints: those of a model that is being replaced."""
    for folder in all_checkpoints(output_dir):
        shutil.rmtree(folder, ignore_errors=True)


def save(accelerator: Accelerator, output_dir: Path, step: int, limit: int) -> bool:
    """Writes `checkpoint-step` beside its place and renames it, then removes all but the newest `limit`.

    Later ones are removed, too: a run that went on from before them has left them behind.
    A disk that is full costs the checkpoint, not the run: it says so, returns False, and what was there stays.
    """
    target, beside = output_dir / f"checkpoint-{step}", output_dir / f".checkpoint-{step}.saving"
    reason = None
    try:
        accelerator.save_state(str(beside))
    except Exception as error:  # OSError, and what safetensors and torch.save make of one
        reason = _short(error)
    failed = accelerator.reduce(torch.tensor(float(reason is not None), device=accelerator.device))
    if failed.item():  # on any process: all of them take the same way
        logger.warning(f"checkpoint-{step} could not be written ({reason}); training goes on. Make room.")
        if accelerator.is_main_process:
            shutil.rmtree(beside, ignore_errors=True)
        return False
    if accelerator.is_main_process:
        if target.exists():
            target.rename(output_dir / f".checkpoint-{step}.old.saving")  # removed below
        beside.rename(target)
        kept = all_checkpoints(output_dir)
        kept = kept[: kept.index(target) + 1][-limit:]
        halves = output_dir.glob(".checkpoint-*.saving")  # of runs that were killed
        for folder in [*all_checkpoints(output_dir), *halves]:
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)
    accelerator.wait_for_everyone()
    return True


def resume(accelerator: Accelerator, output_dir: Path, wanted: str) -> Path | None:
    """Loads a checkpoint into everything that `accelerator` prepared or registered.

    Args:
        wanted: a folder, in `output_dir` or anywhere, or `latest` for the newest in `output_dir` that can be read.

    Returns:
        The folder, or `None` if `latest` found no checkpoint at all.

    Raises:
        GANError: if the folder named is missing or damaged, or every checkpoint is damaged.
    """
    below = output_dir / wanted
    named = below if below.is_dir() else Path(wanted)
    candidates = all_checkpoints(output_dir)[::-1] if wanted == "latest" else [named]
    for folder in candidates:
        if not folder.is_dir():
            raise GANError(f"There is no checkpoint at {folder}; `--resume_from_checkpoint latest` finds the newest.")
        try:
            accelerator.load_state(str(folder))
            return folder
        except Exception as error:  # whatever a damaged file makes its reader raise
            if wanted != "latest":
                raise GANError(
                    f"{folder} cannot be read, or belongs to a model of another shape or objective ({_short(error)}); "
                    f"`--resume_from_checkpoint latest` finds the newest that can."
                ) from error
            logger.warning(
                f"{folder} is damaged, or of a model of another shape, and is passed over ({_short(error)})."
            )
    if candidates:
        raise GANError(
            f"No checkpoint in {candidates[0].parent} can be read, or they belong to a model of another shape or "
            f"objective; train without --resume_from_checkpoint."
        )
    return None


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()}".splitlines()[0].rstrip(".: ")
