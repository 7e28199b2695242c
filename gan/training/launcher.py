"""What `accelerate config` and `accelerate launch` ask for, which reaches a program in its environment."""

import argparse
import os

from accelerate import Accelerator
from accelerate.logging import get_logger
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin, parse_flag_from_env

from gan.errors import GANError
from gan.utils.distributed import join_processes
from gan.utils.hardware import native_precision

logger = get_logger(__name__)
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
    asked = os.environ.get("ACCELERATE_MIXED_PRECISION")
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
    if args.mixed_precision is None and asked == "no" and native_precision() == "bf16":
        logger.info("Trains in float32, as accelerate says; --mixed_precision bf16 is faster on this hardware.")
    args.mixed_precision = accelerator.mixed_precision
    return accelerator


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
