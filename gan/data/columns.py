"""Columns of a data set: which hold samples, which hold classes, and whether these can be classes at all."""

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any

import datasets
import numpy as np
from datasets import ClassLabel, Dataset

from gan.data.report import DataReport
from gan.errors import GANError
from gan.labels import clean_name, natural_order

FINE_AND_COARSE = ("fine_label", "coarse_label")
LABEL_NAMES = ("labels", "class", "category", "class_label", "target", *FINE_AND_COARSE)  # beside `label`
MAX_CLASS_SHARE, MIN_CHECKED = 0.75, 20  # classes a sample; sets of fewer samples are not checked
CAPTION_WORDS = 4  # on average, of what reads like sentences


def add_label_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the flag that insists on classes which look like none."""
    group.add_argument(
        "--allow_any_label",
        action="store_true",
        help="take the classes also where they look like captions, measurements or names of single samples",
    )


def sample_column(split: Dataset, wanted: str | None, kind: type, what: str) -> str:
    """The column of samples: the one asked for, or else the one that is declared as such, or the one of plain bytes.

    Args:
        kind: `datasets.Image` or `datasets.Audio`; the flag that names a column is called after it.
        what: a sample is called ("picture").

    Raises:
        GANError: if there is no such column, or it holds something else.
    """
    name = kind.__name__.lower()
    if wanted is not None and wanted in split.column_names:
        feature = split.features[wanted]
        if isinstance(feature, kind) or _is_bytes(feature) or getattr(feature, "dtype", None) == "string":
            return wanted
        raise GANError(f"The column {wanted!r} of the data set holds no {what}s; name another with --{name}_column.")
    found = [column for column, feature in split.features.items() if isinstance(feature, kind)]
    found = found or [column for column, feature in split.features.items() if _is_bytes(feature)]
    if wanted is None and found:
        return name if name in found else found[0]
    raise GANError(
        f"There is no {f'column of {what}s' if wanted is None else f'{what} column {wanted!r}'} in the data set; its "
        f"columns are {', '.join(split.column_names)}. Name one with --{name}_column."
    )


def _is_bytes(feature: Any) -> bool:
    """Whether a column holds files: plain bytes, or bytes with a path, as other programs write them."""
    inner = feature.get("bytes") if isinstance(feature, dict) else None
    return getattr(feature, "dtype", None) in ("binary", "large_binary") or getattr(inner, "dtype", None) == "binary"


def label_columns(
    wanted: Sequence[str] | None,
    columns: Iterable[str],
    where: str,
    unconditional: bool,
    class_columns: Iterable[str] = (),
) -> list[str]:
    """The columns of classes: those asked for, or else `label`, or else the one that is usually called so; none where
    classes don't matter.

    Args:
        class_columns: those that are known to hold classes.

    Raises:
        GANError: if one that was asked for isn't there, or nothing says which of several is meant.
    """
    columns = list(columns)
    if unconditional:
        return []
    for column in wanted or []:
        if column not in columns:
            raise GANError(
                f"There is no label column {column!r} in {where}; its columns are {', '.join(columns)}. Name one with "
                f"--label_column, or train with --unconditional."
            )
    if wanted or "label" in columns:
        return list(wanted or ["label"])
    known = set(class_columns)
    candidates = [name for name in columns if name in known or name.casefold() in ("label", *LABEL_NAMES)]
    if set(candidates) == set(FINE_AND_COARSE):  # as CIFAR-100 has them
        return list(FINE_AND_COARSE[:1])
    if len(candidates) > 1:
        raise GANError(
            f"Classes could be in several columns of {where}: {', '.join(candidates)}. Name one with --label_column, "
            f"or train with --unconditional."
        )
    return candidates


def classes_of(split: Dataset, column: str) -> tuple[list[str | None], list[str]]:
    """The class of each sample, `None` where there is none, and the names of the classes.

    Raises:
        GANError: if the column holds something else.
    """
    feature = split.features[column]
    if not isinstance(feature, ClassLabel | datasets.Value):
        raise GANError(
            f"The column {column!r} of the data set holds neither classes nor groups; name another with "
            f"--label_column or --group_column, or train with --unconditional."
        )
    return class_names(split[column], feature)


def class_names(values: Iterable[Any], feature: Any) -> tuple[list[str | None], list[str]]:
    """The class that each cell of a column names, `None` where it names none, and the names of the classes."""
    if isinstance(feature, ClassLabel):
        names = [clean_name(name) for name in feature.names]
        if len(set(names)) < len(names):  # differed in blanks around them, or in their Unicode form
            words = [None if value is None or value < 0 else names[value] for value in values]
            return words, list(dict.fromkeys(names))
        return [None if value is None or value < 0 else names[value] for value in values], names
    words = [_cell_name(value) for value in values]
    if all(word is None or _WHOLE.fullmatch(word) for word in words):  # numbers of which one is missing somewhere
        words = [word and word.partition(".")[0] for word in words]
    return words, in_order(words)


_WHOLE = re.compile(r"-?\d+\.0+")


def _cell_name(value: Any) -> str | None:
    """The class that a cell names; whole numbers may be stored as fractions, as where some are missing.

    Raises:
        GANError: if there are several in it.
    """
    if isinstance(value, list | dict):
        kind = "list" if isinstance(value, list) else "table of them"
        raise GANError(
            f"A label is {value}, which is no class but a {kind}; name another column with --label_column, or train "
            f"with --unconditional."
        )
    if value is None or value != value:
        return None
    return clean_name(int(value) if isinstance(value, float) and value.is_integer() else value) or None


def check_classes(
    classes: Sequence[str | None], names: Sequence[str], where: str, plural: str, are_folders: bool = False
) -> None:
    """Refuses what is surely no column of classes: measurements, captions, and names of single samples.

    Args:
        classes: of each sample.
        names: of the classes.
        where: they stand ("The column 'text' of poems").
        plural: what samples are called.
        are_folders: whether the classes are sub-folders, whose names may be numbers.

    Raises:
        GANError: with the remedy.
    """
    found = set(classes) - {None}
    other = "" if are_folders else "name another column with --label_column, "
    remedy = f"{other}train with --unconditional, or insist with --allow_any_label"
    if len(found) > 1 and not are_folders and _are_measured(names):
        raise GANError(f"{where} holds numbers like {names[0]} and {names[1]}, which are no classes; {remedy}.")
    if len(classes) >= MIN_CHECKED and len(found) > MAX_CLASS_SHARE * len(classes):
        words = sum(len(name.split()) for name in names) / len(names)
        look = ", which look like captions" if words >= CAPTION_WORDS else ""
        raise GANError(
            f"{where} would make {len(found):,} classes of {len(classes):,} {plural}{look}, too few {plural} to learn "
            f"a class from; {remedy}."
        )


def _are_measured(names: Sequence[str]) -> bool:
    """Whether all are numbers, and some of them no whole ones."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return False
    return any(number != number // 1 for number in numbers)


def in_order(names: Iterable[str | None]) -> list[str]:
    """Different names in natural order, without `None`."""
    return natural_order({name for name in names if name is not None})


def class_indices(classes: Iterable[str | None], names: Sequence[str]) -> np.ndarray:
    """int64 (n,): where each class stands among the names; -1 if it does not, or there is none."""
    place: dict[str | None, int] = {name: index for index, name in enumerate(names)}
    return np.asarray([place.get(name, -1) for name in classes], dtype=np.int64)


def without_empty_classes(labels: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Labels and names without the classes of which there is no sample: a model would learn nothing of them.

    Args:
        labels: int64 (n,), -1 where there is no class.
    """
    there = [index for index in np.unique(labels) if index >= 0]
    place: np.ndarray = np.full(len(names) + 1, -1, dtype=np.int64)  # the last stands for no class
    place[there] = np.arange(len(there))
    return place[labels], [names[index] for index in there]


def tell_columns(
    columns: Iterable[str], used: Sequence[str], wanted: Sequence[str] | None, report: DataReport
) -> None:
    """Notes which column was taken for the classes, where it wasn't asked for, and which others could be."""
    others = [name for name in columns if name not in used]
    if wanted or list(used) == ["label"]:
        return
    if used:
        usual = [name for name in others if name.casefold() in LABEL_NAMES]
        instead = f", instead of {', '.join(usual)}" if usual else ""
        report.note(f"The column {used[0]} is taken for the classes{instead}; --label_column names another.")
    elif others:
        report.note(f"No classes are used; --label_column can name a column: {', '.join(others)}.")
