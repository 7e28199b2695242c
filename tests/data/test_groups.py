"""Samples that belong together: pairs of them, and whole groups that are held out."""

from typing import Any

import numpy as np
import pytest
import torch

from gan import GANError
from gan.data import Pairs, check_groups, group_numbers, hold_out, set_aside
from gan.training.randomness import ShuffledOrder, StepRandom

GROUPS = np.array([0, 1, 0, 1, 0, 2, 2, 3])
LABELS = np.array([0, 0, 1, 0, 1, 0, 1, 0])


class Labelled:
    """A training set of labels, and of groups."""

    def __init__(self, labels: np.ndarray, groups: np.ndarray, split: str = "train"):
        self.labels, self.groups, self.split = labels, groups, split

    def __len__(self) -> int:
        return len(self.labels)

    def classes(self, indices: Any) -> torch.Tensor:
        return torch.from_numpy(self.labels[indices.numpy()])

    def take(self, indices: np.ndarray, split: str) -> "Labelled":
        return Labelled(self.labels[indices], self.groups[indices], split)


def test_groups_are_numbered_as_they_come() -> None:
    assert group_numbers([("b", "x"), ("a", "x"), ("b", "x"), ("b", "y")]).tolist() == [0, 1, 0, 2]


def test_partners_are_of_the_same_group_and_of_another_label() -> None:
    pairs = Pairs(GROUPS, LABELS)
    assert pairs.partners.tolist() == [2, 0, 1, 0, 1, 1, 1, 0]
    chance = torch.tensor([0.0, 0.49, 0.5, 0.999, 0.7, 0.2])
    first = torch.tensor([0, 0, 0, 0, 2, 5])
    drawn = pairs.complete(torch.stack([first, torch.full((6,), 7)], dim=1).flatten(), chance)
    assert drawn.view(-1, 2).tolist() == [[0, 2], [0, 2], [0, 4], [0, 4], [2, 0], [5, 6]]


def test_of_several_label_columns_one_has_to_differ() -> None:
    labels = np.array([[0, 0], [0, 1], [0, 0]])
    assert Pairs(np.zeros(3, dtype=int), labels).partners.tolist() == [1, 2, 1]


def test_samples_are_drawn_as_often_as_without_pairs() -> None:
    groups, labels = np.repeat(np.arange(40), 5), np.tile(np.arange(5), 40)
    indices, chance = ShuffledOrder(200, 0).slice(0, 80_000), StepRandom(0, 0).uniform(40_000)
    drawn = Pairs(groups, labels).complete(indices, chance)
    pairs = drawn.view(-1, 2).numpy()
    assert (groups[pairs[:, 0]] == groups[pairs[:, 1]]).all() and (labels[pairs[:, 0]] != labels[pairs[:, 1]]).all()
    assert np.bincount(drawn) == pytest.approx(400, rel=0.2)
    assert len(np.unique(pairs, axis=0)) == 200 * 4


@pytest.mark.parametrize(
    ("groups", "labels", "reason"),
    [
        ([0, 0, 1], None, "no labels are used; name their column with --label_column"),
        ([0, 1, 2], [0, 1, 1], "No two pictures have the same family and style, so there are no groups"),
        ([0, 0, 1], [1, 1, 0], "All pictures with the same family and style have the same label"),
    ],
)
def test_what_makes_no_pairs_is_refused(groups: list[int], labels: list[int] | None, reason: str) -> None:
    known = None if labels is None else np.array(labels)
    with pytest.raises(GANError, match=reason):
        check_groups(np.array(groups), known, ["family", "style"], "pictures")


def test_whole_groups_are_held_out() -> None:
    groups = np.tile(np.arange(30), 4)
    train, test = hold_out(Labelled(np.repeat(np.arange(4), 30), groups), groups=groups)
    assert len(np.unique(test.groups)) == 3 and len(test) == 12
    assert not np.isin(test.groups, train.groups).any()
    again = hold_out(Labelled(np.repeat(np.arange(4), 30), groups), groups=groups)
    assert np.array_equal(test.groups, again[1].groups)


def test_of_few_groups_single_samples_are_held_out() -> None:
    groups = np.tile(np.arange(10), 10)
    train, test = hold_out(Labelled(np.zeros(100, dtype=int), groups), groups=groups)
    assert len(test) == 10 and np.isin(test.groups, train.groups).all()


def test_no_class_goes_with_a_group() -> None:
    groups = np.repeat(np.arange(10), 3)
    labels = np.where(np.arange(30) % 3 == 2, groups + 1, 0)  # each group has a label of its own
    aside, rest = set_aside(Labelled(labels, groups), 4, groups)
    assert len(aside) == 0 and len(rest) == 30


def test_recordings_of_which_there_are_few_lose_their_ends() -> None:
    recordings = np.repeat([4, 7], [10, 20])
    train, test = hold_out(Labelled(np.zeros(30, dtype=int), recordings), recordings)
    assert test.groups.tolist() == [4, 7, 7] and len(train) == 27
