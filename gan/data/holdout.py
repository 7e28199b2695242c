"""The part of the training samples that is held out where a data set has no such split."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gan.data.cache import file_of, remembered

HELD_OUT = "held-out tenth"
HELD_OUT_SHARE, MAX_HELD_OUT = 0.1, 2_000
MIN_SOURCES = 20  # of which whole ones are held out


def set_aside(train: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of `count` samples at most, always the same ones, and of the others. No class is set aside whole.

    Args:
        train: has `__len__` and `classes(indices)`.
    """
    order = np.random.default_rng(0).permutation(len(train))
    aside, rest = order[:count], order[count:]
    labels = train.classes(torch.from_numpy(order))
    if labels is not None:
        columns = labels.numpy().reshape(len(order), -1).T
        last = np.any([~np.isin(column[:count], column[count:]) for column in columns], axis=0)
        aside, rest = aside[~last], np.concatenate([aside[last], rest])
    return np.sort(aside), np.sort(rest)


def hold_out(train: Any, groups: np.ndarray | None = None) -> tuple[Any, Any | None]:
    """Sets a tenth of the training samples aside, at most 2,000, always the same ones; `None` of fewer than 20.

    Args:
        train: has `__len__`, `classes(indices)` and `take(indices, split)`.
        groups: int64 (n,), in order: samples that are alike as they come from one source, such as a recording. Whole
            sources are set aside where there are 20 or more, and else the end of each.
    """
    if groups is None:
        aside, rest = set_aside(train, min(MAX_HELD_OUT, int(HELD_OUT_SHARE * len(train))))
    else:
        aside, rest = _groups_aside(train, groups)
    if len(aside) < 2:
        return train, None
    return train.take(rest, "train without the held-out tenth"), train.take(aside, HELD_OUT)


@dataclass
class _Sources:
    """The first sample of each source, as `set_aside` sees samples."""

    train: Any
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def classes(self, indices: torch.Tensor) -> torch.Tensor | None:
        return self.train.classes(torch.from_numpy(self.first[indices.numpy()]))


def _groups_aside(train: Any, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, first, source, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    if len(first) >= MIN_SOURCES:
        chosen = np.isin(source, set_aside(_Sources(train, first), int(HELD_OUT_SHARE * len(first)))[0])
    else:
        place = np.arange(len(groups)) - first[source]  # within its source
        chosen = place >= np.ceil((1 - HELD_OUT_SHARE) * counts)[source]
    aside = np.flatnonzero(chosen)[:MAX_HELD_OUT]
    return aside, np.setdiff1d(np.arange(len(groups)), np.flatnonzero(chosen))


def duplicates(train: np.ndarray, test: np.ndarray) -> int:
    """How many samples of `test` (n, ...) are also in `train` (m, ...), to the last bit."""
    source = file_of(test)
    key = "duplicates" if source is None else f"duplicates-{source.parent.name}-{source.stem}"
    return int(remembered(train, key, lambda: str(_count_duplicates(train, test))))


def _count_duplicates(train: np.ndarray, test: np.ndarray) -> int:
    held_out = {hash(sample.tobytes()) for sample in test}
    found = held_out & {hash(sample.tobytes()) for sample in train}
    return sum(hash(sample.tobytes()) in found for sample in test)
