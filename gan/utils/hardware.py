"""What the hardware computes in natively, and on how many threads."""

import os

import torch
from accelerate import Accelerator, PartialState


def native_precision() -> str:
    """bf16 where the hardware computes in it; emulated, it is slower than float32, "no"."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "no"


def use_all_cores(state: Accelerator | PartialState) -> None:
    """Undoes what `accelerate launch` does to a single process on a CPU: it gives it one thread."""
    if _is_left_to_accelerate() and state.device.type == "cpu" and state.num_processes == 1:
        torch.set_num_threads(cores())


def thread_candidates(state: Accelerator | PartialState) -> list[int]:
    """Numbers of threads worth trying, the most first; one where there is no choice.

    That is on a GPU, beside other processes of the same run, or where OMP_NUM_THREADS has decided.
    """
    most = torch.get_num_threads()
    decided = "OMP_NUM_THREADS" in os.environ and not _is_left_to_accelerate()
    if decided or state.device.type != "cpu" or state.num_processes > 1:
        return [most]
    return sorted({most, max(1, most // 2), 1}, reverse=True)


def cores() -> int:
    """Cores that this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_left_to_accelerate() -> bool:
    """Whether `accelerate launch` has set the threads to its default of one."""
    return "ACCELERATE_MIXED_PRECISION" in os.environ and os.environ.get("OMP_NUM_THREADS") == "1"
