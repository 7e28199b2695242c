"""What `accelerate config` and `accelerate launch` ask for, which reaches a program in its environment."""

import argparse
import os
from pathlib import Path

import psutil
from accelerate import Accelerator
from accelerate.commands.config.config_args import default_config_file
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin, parse_flag_from_env

from gan.errors import GANError
from gan.utils.distributed import join_processes
from gan.utils.hardware import native_precision

PRECISIONS = ("no", "bf16")
SHARDED = {
    "ACCELERATE_USE_DEEPSPEED": "DeepSpeed",
    "ACCELERATE_USE_FSDP": "FSDP",
    "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "tensor or context parallelism",
}


def make_accelerator(args: argparse.Namespace) -> Accelerator:
    """Joins the other processes, in the precision that the command line, Accelerate or the hardware says.

    Args:
        args: `gradient_accumulation_steps`, and `mixed_precision`, which is filled in where it is open.

    Raises:
        GANError: for what Accelerate was configured to do and this training cannot.
    """
    _check_environment()
    asked = configured_precision()
    if args.mixed_precision is None and asked not in (None, *PRECISIONS):
        raise GANError(
            f"accelerate is configured for {asked}, and training computes in float32 or bf16; give "
            f"--mixed_precision no or --mixed_precision bf16."
        )
    join_processes()
    AcceleratorState._reset_state()  # or a second run in one Python could not choose another precision
    accelerator = Accelerator(
        mixed_precision=args.mixed_precision or asked or native_precision(),
        # As a plugin: as a number, that of the environment would have priority over the flag.
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=args.gradient_accumulation_steps),
    )
    args.mixed_precision = accelerator.mixed_precision
    return accelerator


def configured_precision() -> str | None:
    """The precision that Accelerate was configured for, `None` if nobody chose one.

    `accelerate launch` hands down "no" also where it was neither configured nor given a flag.
    """
    asked = os.environ.get("ACCELERATE_MIXED_PRECISION")
    if asked == "no" and not Path(default_config_file).is_file():
        parent = psutil.Process().parent()
        words = parent.cmdline() if parent else []
        if not any(word.startswith(("--mixed_precision", "--config_file")) for word in words):
            return None
    return asked


def _check_environment() -> None:
    for name, method in SHARDED.items():
        if parse_flag_from_env(name):
            raise GANError(
                f"accelerate is configured for {method}, and training is data-parallel only; run `accelerate config` "
                f"anew, or start train.py with `python`."
            )
    backend = os.environ.get("ACCELERATE_DYNAMO_BACKEND", "NO")
    if backend.upper() != "NO":
        raise GANError(
            f"accelerate is configured to compile with {backend.lower()}, and what torch.compile makes cannot be "
            f"differentiated twice, as the R1 and R2 penalties must be; put `--dynamo_backend no` behind "
            f"`accelerate launch`, or run `accelerate config` anew."
        )
