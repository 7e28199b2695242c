"""How many threads a process computes with."""

import os

import torch
from accelerate import Accelerator


def use_all_cores(accelerator: Accelerator) -> None:
    """Undoes what `accelerate launch` does to a single process on a CPU: it gives it one thread."""
    launched = "ACCELERATE_MIXED_PRECISION" in os.environ and os.environ.get("OMP_NUM_THREADS") == "1"
    if launched and accelerator.device.type == "cpu" and accelerator.num_processes == 1:
        torch.set_num_threads(os.cpu_count() or 1)
