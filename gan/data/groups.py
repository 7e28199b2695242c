"""Samples that belong together: the letters of a typeface, the designs of an emoji."""

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from torch import Tensor

from gan.errors import GANError


def group_numbers(keys: Sequence[Hashable]) -> np.ndarray:
    """int64 (n,): the same number for samples with the same key, in the order in which keys first come."""
    place: dict[Hashable, int] = {}
    return np.asarray([place.setdefault(key, len(place)) for key in keys], dtype=np.int64)


def check_groups(groups: np.ndarray, labels: np.ndarray | None, columns: Sequence[str], plural: str) -> None:
    """Raises `GANError` unless there are pairs: samples of one group with different labels.

    Args:
        groups: int64 (n,).
        labels: int64 (n,) or (n, label columns), or `None` without classes.
        columns: that groups are told by.
        plural: what samples are called.
    """
    called = " and ".join(columns)
    if labels is None:
        raise GANError(
            f"--group_column compares {plural} of one group with different labels, and no labels are used; name their "
            f"column with --label_column, or leave --group_column out."
        )
    if np.unique(groups, return_counts=True)[1].max() == 1:
        raise GANError(
            f"No two {plural} have the same {called}, so there are no groups; name other columns with --group_column, "
            f"or leave it out."
        )
    if not Pairs(groups, labels).partners.any():
        raise GANError(
            f"All {plural} with the same {called} have the same label, so that a group has nothing to compare; name "
            f"other columns with --group_column, or leave it out."
        )


class Pairs:
    """Finds partners of samples: others of their group with other labels.

    A pair of the same label would ask for two samples of one latent and one label, which a generator makes alike.

    Args:
        groups: int64 (n,).
        labels: int64 (n,) or (n, label columns).

    Attributes:
        partners: int64 (n,), how many each sample has.
    """

    def __init__(self, groups: np.ndarray, labels: np.ndarray):
        # Sorted by group and, within it, by label, the partners of a sample are its group but for a run of its label.
        label = np.unique(labels.reshape(len(labels), -1), axis=0, return_inverse=True)[1].ravel()
        self._order = np.lexsort((label, groups))
        group_start, group_size = _runs(groups[self._order][:, None])
        label_start, label_size = _runs(np.stack([groups, label], axis=1)[self._order])
        back = np.argsort(self._order)
        self._group_start, self._label_start = group_start[back], label_start[back]
        self._label_size = label_size[back]
        self.partners = (group_size - label_size)[back]

    def complete(self, indices: Tensor, chance: Tensor) -> Tensor:
        """Every second sample is replaced by a partner of the one before it, any of them as likely as the others.

        Every sample is so drawn as often as without pairs, where groups have about as many samples of each label; a
        group is drawn by its number of samples.

        Args:
            indices: int64 (2k,), of samples that have partners.
            chance: (k,) in [0, 1).

        Returns:
            int64 (2k,): rows 2j and 2j + 1 are a pair.
        """
        first = indices[::2].numpy()
        place = (chance.double().numpy() * self.partners[first]).astype(np.int64) + self._group_start[first]
        place += np.where(place >= self._label_start[first], self._label_size[first], 0)
        return torch.stack([indices[::2], torch.from_numpy(self._order[place])], dim=1).flatten()


def _runs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the run of equal rows (n, columns) begins that each is in, and how long it is: int64 (n,) each."""
    begins = np.concatenate([[True], (rows[1:] != rows[:-1]).any(1)])[: len(rows)]
    starts = np.flatnonzero(begins)
    run = np.cumsum(begins) - 1
    return starts[run], np.diff(np.append(starts, len(rows)))[run]
