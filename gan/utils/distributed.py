"""Work shared out over the processes that `torchrun` or `accelerate launch` started; one alone does all of it.

What is computed doesn't depend on how many there are. They wait for each other here: each of them must come to every
call, with the same arguments.
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


def start() -> PartialState:
    """Meets the other processes, if there are any."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if "LOCAL_RANK" in os.environ and (accelerator is None or accelerator.type == "mps"):
        # They can meet on CPUs only: Accelerate must be told, or each of them would believe to be alone.
        os.environ["ACCELERATE_USE_CPU"] = "true"
    return PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"), timeout=PATIENCE)


def in_shares(function: Callable[..., Tensor], *tensors: Tensor, batch: int, what: str | None = None) -> Tensor:
    """What a function makes of tensors, batch by batch, each batch by one of the processes.

    Args:
        function: as many rows of each tensor to a tensor of as many rows, on the CPU.
        tensors: (n, ...).
        batch: rows at once; the last batch may have fewer.
        what: it does, for the progress bar that is shown if it takes long.

    Returns:
        (n, ...) on every process, on the CPU.
    """
    state = PartialState()
    batches = list(zip(*(tensor.split(batch) for tensor in tensors), strict=True))
    # Where there are fewer batches than processes, the others do the first again: they must know what rows look like.
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


def each(function: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
    """What a function finds of each item, each done by one of the processes; on every process.

    Args:
        function: returns numbers, strings, and lists and dicts of them.
    """
    state = PartialState()
    shares = gather_object([[function(item) for item in items[state.process_index :: state.num_processes]]])
    return [shares[k % state.num_processes][k // state.num_processes] for k in range(len(items))]


@contextmanager
def synchronized() -> Iterator[None]:
    """All processes wait for each other behind what is done in here; a `GANError` of one is raised on all of them."""
    error = None
    try:
        yield
    except GANError as raised:
        error = raised
    said = [sentence for sentence in gather_object([error and str(error)]) if sentence is not None]
    if said:
        raise error or GANError(said[0])
