"""Work distributed over the processes that `torchrun` or `accelerate launch` started; one alone does all of it.

Results don't depend on the number of processes. Every function here is a barrier: all processes must call it, with the
same arguments.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import gather, gather_object, parse_flag_from_env
from torch import Tensor
from tqdm.auto import tqdm

from gan.errors import GANError

PATIENCE = timedelta(hours=3)  # to wait for another process; it may be training a classifier on one thread

Item = TypeVar("Item")
Found = TypeVar("Found")


def join_processes() -> PartialState:
    """Joins the process group, if several processes were started."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if "LOCAL_RANK" in os.environ and (accelerator is None or accelerator.type == "mps"):
        # They can communicate on CPUs only: Accelerate must be told, or each of them would believe to be alone.
        os.environ["ACCELERATE_USE_CPU"] = "true"
    return PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"), timeout=PATIENCE)


def map_batches(function: Callable[..., Tensor], *tensors: Tensor, batch: int, what: str | None = None) -> Tensor:
    """Applies a function to tensors batch by batch, each batch on one of the processes.

    Args:
        function: takes a batch of rows of each tensor, returns a tensor with as many rows, on the CPU.
        tensors: (n, ...).
        batch: rows of a batch; the last one may have fewer.
        what: description of the progress bar, which is shown if it takes long.

    Returns:
        (n, ...) on every process, on the CPU.
    """
    state = PartialState()
    batches = list(zip(*(tensor.split(batch) for tensor in tensors), strict=True))
    # With fewer batches than processes, the others compute the first again: gathering needs the shape of a row.
    share = batches[state.process_index :: state.num_processes] or batches[:1]
    bar = tqdm(share, desc=what, unit="batch", leave=False, delay=5, disable=not (what and state.is_main_process))
    found = torch.cat([function(*rows) for rows in bar])
    if state.num_processes == 1:
        return found
    turns = math.ceil(len(batches) / state.num_processes)
    padded = found.new_zeros(turns * batch, *found.shape[1:])  # shares that are gathered must be equally large
    padded[: len(found)] = found
    shares = gather(padded.to(state.device)).cpu().unflatten(0, (state.num_processes, turns, batch))
    return shares.transpose(0, 1).flatten(0, 2)[: len(tensors[0])]


def map_items(function: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
    """Applies a function to each item, each on one of the processes; all results on every process.

    Args:
        function: returns numbers, strings, and lists and dicts of them.
    """
    state = PartialState()
    shares = gather_object([[function(item) for item in items[state.process_index :: state.num_processes]]])
    return [shares[k % state.num_processes][k // state.num_processes] for k in range(len(items))]


@contextmanager
def synchronized() -> Iterator[None]:
    """A barrier behind the block; a `GANError` of one process is raised on all of them."""
    error = None
    try:
        yield
    except GANError as raised:
        error = raised
    messages = [message for message in gather_object([error and str(error)]) if message is not None]
    if messages:
        raise error or GANError(messages[0])
