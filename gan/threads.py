"""How many threads a process computes with."""

import os

import torch
from accelerate import Accelerator, PartialState


def use_all_cores(state: Accelerator | PartialState) -> None:
    """Undoes what `accelerate launch` does to a single process on a CPU: it gives it one thread."""
    launched = "ACCELERATE_MIXED_PRECISION" in os.environ and os.environ.get("OMP_NUM_THREADS") == "1"
    if launched and state.device.type == "cpu" and state.num_processes == 1:
        torch.set_num_threads(cores())


def cores() -> int:
    """Cores that this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
