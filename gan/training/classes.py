"""The classes of the data and those of the model that training goes on from."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gan.errors import GANError

# The weights of grids that tell classes apart, and the axis that counts them.
CLASS_AXIS = {"embed.weight": 1, "to_class.weight": 0, "to_class.bias": 0}


def check_labelled(source: str, old: Sequence[str] | None, new: Sequence[str] | None, samples: str) -> None:
    """Refuses to take classes away from a model, or to give some to a model without.

    Args:
        source: of the model.
        old, new: class names of the model and of the data, if there are any.
        samples: what the data is called ("pictures").

    Raises:
        GANError: if only one of them has classes.
    """
    if bool(old) != bool(new):
        raise GANError(
            f"{source} knows classes and the data has none; put the {samples} into sub-folders, or train from scratch."
            if old
            else f"{source} knows no classes; train on from it with --unconditional."
        )


def matched(
    weights: dict[str, Tensor],
    old: Sequence[Sequence[str]],
    new: Sequence[Sequence[str]],
    class_axis: Mapping[str, int] = CLASS_AXIS,
) -> dict[str, Tensor]:
    """Weights of a network that knows the classes `old`, for one that knows the classes `new`.

    Classes are matched by name, whatever its case; those that are new start from the mean of the old.

    Args:
        old, new: the class names of each label column; as many columns.
        class_axis: the weights that tell classes apart, and the axis that counts classes in each.
    """
    for name in class_axis.keys() & weights.keys():
        axis, parts = class_axis[name], []
        columns = weights[name].split([len(names) for names in old], axis) if old else ()
        for column, known, wanted in zip(columns, old, new, strict=True):
            place = {label.casefold(): index for index, label in enumerate(known)}
            indices = [place.get(label.casefold()) for label in wanted]
            parts += [column.mean(axis) if k is None else column.select(axis, k) for k in indices]
        weights[name] = torch.stack(parts, axis)
    return weights
