"""`training.json`: how a model came to be. It is published, so it holds no token and no folder of the machine."""

import argparse
import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch
from accelerate import Accelerator

from gan.cli import without_folders, without_token
from gan.data import shown_name
from gan.training.task import Task

PRIVATE_ARGUMENTS = ("hub_token", "cache_dir", "modality")  # what is not written, or stands elsewhere in it


def shown_command(program: str, words: Sequence[str]) -> str:
    """The command line as it may be published: absolute folders lose what leads to them, the token is left out.

    Args:
        program: `train.py`, or `-m gan.training` where the package is installed.
        words: the arguments behind it.
    """
    return f"accelerate launch {program} " + shlex.join(without_folders(word) for word in without_token(list(words)))


def training_record(
    args: argparse.Namespace, task: Task, accelerator: Accelerator, command: str, seen: int, **progress: Any
) -> dict[str, Any]:
    """The contents of `training.json`.

    Args:
        args: as they were used, with all defaults filled in.
        seen: samples that were trained on, counted as often as they were drawn.
        progress: `steps`, `seconds` and whatever else belongs beside them.
    """
    arguments = {name: value for name, value in vars(args).items() if name not in PRIVATE_ARGUMENTS}
    if args.pretrained_model_name_or_path:  # a folder like weights/fashion would read as somebody's model on the Hub
        arguments["pretrained_model_name_or_path"] = shown_name(args.pretrained_model_name_or_path)
    on_gpu = accelerator.device.type == "cuda"
    return {
        "modality": args.modality,
        "command": command,
        "dataset": task.dataset_record(),
        "seed": args.seed,
        **progress,
        f"{task.unit}_seen": seen,
        f"{task.unit}_per_second": round(seen / max(progress["seconds"], 1e-9), 1),
        "arguments": {
            name: without_folders(value) if isinstance(value, str) else value for name, value in arguments.items()
        },
        "machine": {
            "device": torch.cuda.get_device_name() if on_gpu else platform.machine() + " CPU",
            "threads": torch.get_num_threads(),
            "processes": accelerator.num_processes,
        },
        "versions": {name: version(name) for name in ("torch", "diffusers", "accelerate")},
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
