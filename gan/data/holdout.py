"""The part of the training samples that is held out where a data set has no such split."""

from typing import Any

import numpy as np
import torch

from gan.data.cache import file_of, remembered

HELD_OUT = "held-out tenth"
HELD_OUT_SHARE, MAX_HELD_OUT = 0.1, 2_000
MIN_SOURCES = 20  # of which whole ones are held out


def set_aside(train: Any, count: int, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Indices of `count` samples at most, always the same ones, and of the others. No class is set aside whole.

    Args:
        train: has `__len__` and `classes(indices)`.
        groups: (n,), the same number for samples that belong together: then `count` whole groups are set aside.
    """
    _, group = np.unique(np.arange(len(train)) if groups is None else groups, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(np.unique(group)))
    chosen = np.isin(group, order[:count])
    labels = train.classes(torch.arange(len(train)))
    if labels is not None:
        columns = labels.numpy().reshape(len(train), -1).T
        last = np.any([chosen & ~np.isin(column, column[~chosen]) for column in columns], axis=0)
        chosen &= ~np.isin(group, group[last])
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def hold_out(
    train: Any, recordings: np.ndarray | None = None, groups: np.ndarray | None = None
) -> tuple[Any, Any | None]:
    """Sets a tenth of the training samples aside, at most 2,000, always the same ones; `None` of fewer than 20.

    Args:
        train: has `__len__`, `classes(indices)` and `take(indices, split)`.
        recordings: int64 (n,): which recording each sample was cut from, in order. Whole ones are set aside where
            there are 20 or more, and else the end of each.
        groups: int64 (n,): which samples belong together. Whole groups are set aside where there are 20 or more.
    """
    if groups is not None and len(np.unique(groups)) < MIN_SOURCES:
        groups = None
    sources = recordings if groups is None else groups
    if sources is None:
        aside, rest = set_aside(train, min(MAX_HELD_OUT, int(HELD_OUT_SHARE * len(train))))
    elif len(np.unique(sources)) < MIN_SOURCES:
        aside, rest = _ends(sources)
    else:
        share = HELD_OUT_SHARE if groups is None else min(HELD_OUT_SHARE, MAX_HELD_OUT / len(train))
        aside, rest = set_aside(train, int(share * len(np.unique(sources))), sources)
    aside = aside[:MAX_HELD_OUT]
    if len(aside) < 2:
        return train, None
    return train.take(rest, "train without the held-out tenth"), train.take(aside, HELD_OUT)


def _ends(recordings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the last tenth of each recording, and of what comes before."""
    _, first, source, counts = np.unique(recordings, return_index=True, return_inverse=True, return_counts=True)
    place = np.arange(len(recordings)) - first[source]
    chosen = place >= np.ceil((1 - HELD_OUT_SHARE) * counts)[source]
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def duplicates(train: np.ndarray, test: np.ndarray) -> int:
    """How many samples of `test` (n, ...) are also in `train` (m, ...), to the last bit."""
    source = file_of(test)
    key = "duplicates" if source is None else f"duplicates-{source.parent.name}-{source.stem}"
    return int(remembered(train, key, lambda: str(_count_duplicates(train, test))))


def _count_duplicates(train: np.ndarray, test: np.ndarray) -> int:
    held_out = {hash(sample.tobytes()) for sample in test}
    found = held_out & {hash(sample.tobytes()) for sample in train}
    return sum(hash(sample.tobytes()) in found for sample in test)
