"""From files to one array of samples."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from gan.data.report import suffix_of
from gan.data.rows import Rows

PEEKED = 1_000  # files that are looked at to decide for all of them

Found = tuple[np.ndarray, Counter[str]]  # samples (k, ...) of a file, and what is to be counted about it


@dataclass
class Decoded:
    """Samples and where they came from.

    Attributes:
        samples: (n, ...).
        kept: int64 (n,): the row that each is of.
        left_out: by reason, how many files of each suffix.
        counts: what was counted about the files.
    """

    samples: np.ndarray
    kept: np.ndarray
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class LeftOut(ValueError):
    """A file that is whole, and of no use; its message is the reason."""


def decode(
    rows: Rows,
    function: Callable[[Any], Found],
    unreadable: tuple[type[Exception], ...],
    unit: str,
    allocate: Callable[[tuple[int, ...], Any], np.ndarray] = np.empty,
) -> Decoded:
    """Decodes every file once.

    Args:
        function: a file (a path or its content) to its samples; raises `LeftOut`, or one of `unreadable`.
        unit: samples, for the progress bar.
        allocate: (shape, dtype) to an array.
    """
    decoded = Decoded(np.empty((0,)), np.empty(0, np.int64))
    found: list[np.ndarray] = []
    kept: list[int] = []
    single: np.ndarray | None = None  # where every file is one sample: filled in place
    for index, file, result in _each(rows.files, function, unreadable, rows.where, unit):
        if isinstance(result, Exception):
            reason = str(result) if isinstance(result, LeftOut) else "damaged"
            decoded.left_out.setdefault(reason, Counter())[suffix_of(file)] += 1
            continue
        samples, counts = result
        decoded.counts.update(counts)
        if single is None and not found and len(samples) == 1:
            single = allocate((len(rows), *samples.shape[1:]), samples.dtype)
        if single is not None and not found and len(samples) == 1:
            single[len(kept)] = samples[0]
        else:
            found.append(samples)
        kept += [index] * len(samples)
    first = [] if single is None else [single[: len(kept) - sum(map(len, found))]]
    if first or found:
        decoded.samples = first[0] if not found else np.concatenate([*first, *found])
    decoded.kept = np.asarray(kept, dtype=np.int64)
    return decoded


def _each(
    files: Sequence[Any],
    function: Callable[[Any], Found],
    unreadable: tuple[type[Exception], ...],
    where: str,
    unit: str,
) -> Iterator[tuple[int, Any, Found | Exception]]:
    """Index and file, and what the function finds of it or raises."""
    bar = tqdm(files, desc=f"Reading {where}", unit=f" {unit}", leave=False)
    for index, file in enumerate(bar):
        result: Found | Exception
        try:
            result = function(file)
        except unreadable as error:
            result = error
        yield index, file, result
