"""Class labels: names and their indices."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gan.errors import GANError


def label_index(name: str, names: Sequence[str]) -> int | None:
    """The index of a name in a list: of exactly that name, else of one that differs in case only, else `None`."""
    if name in names:
        return names.index(name)
    folded = [known.casefold() for known in names]
    return folded.index(name.casefold()) if name.casefold() in folded else None


def check_labels(labels: list[str] | None, num_classes: int) -> None:
    """Raises `GANError` unless these are the names of so many classes, or there are none."""
    if labels and not all(isinstance(name, str) for name in labels):
        raise GANError("The labels are not all text.")
    if labels and len(labels) != num_classes:
        raise GANError(f"There are {len(labels)} labels for the {num_classes} classes.")


def class_indices(labels: list[str], names: list[str], dataset: str) -> Tensor:
    """The model's index of each class of a data set, int64 (classes,); classes are matched by name.

    Args:
        labels: the model's classes.
        names: those of the data.
        dataset: its name.

    Raises:
        GANError: for a class that the model doesn't know.
    """
    indices = [label_index(name, labels) for name in names]
    if None in indices:
        unknown = names[indices.index(None)]
        raise GANError(
            f"The model knows {', '.join(labels)} and does not know the class {unknown!r} of {dataset}; measure it "
            f"on the data that it was trained on, or name the column with --label_column."
        )
    return torch.tensor(indices, dtype=torch.int64)
