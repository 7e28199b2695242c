"""Class labels: names, brought to one form when they are read, and their indices."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gan.errors import GANError

Label = str | int | Mapping[str, str | int] | None


def printable(text: str) -> str:
    """Text as any UTF-8 file can hold it: bytes that were no UTF-8, and control characters, as escapes (`\\xe9`)."""
    return "".join(_escape(c) if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def _escape(character: str) -> str:
    # A path keeps a byte that is no UTF-8 as a lone surrogate (PEP 383), which no file or console takes.
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()


def clean_name(text: object) -> str:
    """A class name in the one form in which it is kept: Unicode NFC, printable, no blanks around it, single ones in
    it. Of nothing but blanks: the empty string."""
    return printable(" ".join(unicodedata.normalize("NFC", str(text)).split()))


def listed(names: Sequence[str], most: int = 30) -> str:
    """Names for a sentence: "cat, dog"; of more than `most`, the first ones and how many others there are."""
    others = f" … and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + others


def natural_order(names: Iterable[str]) -> list[str]:
    """Numbers by their value, also in words (`page 2` before `page 10`), the rest by the order of characters."""
    words = sorted(names)
    if all(_NUMBER.fullmatch(word) for word in words):
        return sorted(words, key=float)
    # Every second piece is a number: pieces at the same place can be compared.
    return sorted(words, key=lambda word: [int(p) if k % 2 else p for k, p in enumerate(_DIGITS.split(word))])


_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_DIGITS = re.compile(r"(\d+)")


def label_index(name: str, names: Sequence[str]) -> int | None:
    """The index of a name in a list: of exactly that name, else of one that differs in case, blanks around it or its
    Unicode form only, else `None`."""
    if name in names:
        return names.index(name)
    folded = [clean_name(known).casefold() for known in names]
    wanted = clean_name(name).casefold()
    return folded.index(wanted) if wanted in folded else None


def check_labels(labels: list[str] | None, num_classes: int) -> None:
    """Raises `GANError` unless these are the names of so many classes, or there are none."""
    if labels and not all(isinstance(name, str) for name in labels):
        raise GANError("The labels are not all text.")
    if labels and len(labels) != num_classes:
        raise GANError(f"There are {len(labels)} labels for the {num_classes} classes.")


def by_column(labels: Any) -> dict[str, list[str]]:
    """Class names by label column, of labels as a pipeline takes or records them; a single column is `label`."""
    if not labels:
        return {}
    if isinstance(labels, Mapping) or isinstance(labels[0], list | tuple):
        return {column: list(names) for column, names in dict(labels).items()}
    return {"label": list(labels)}


def check_columns(columns: Mapping[str, Sequence[str]], class_counts: Sequence[int]) -> None:
    """Raises `GANError` unless these are names of the classes of so many label columns, or there are none."""
    if len(columns) not in (0, len(class_counts)):
        raise GANError(f"There are {len(columns)} columns of labels for the {len(class_counts)} of the generator.")
    for names, count in zip(columns.values(), class_counts):
        check_labels(list(names), count)


def column_indices(label: Label, columns: Mapping[str, Sequence[str]]) -> list[int | None]:
    """The class index of each label column, `None` where it isn't named.

    Args:
        label: a class name, several of different columns ("7, george", or "speaker=george" where a name is not
            enough), a dictionary of them by column, or a list with an index for each column.
        columns: the class names of each column.

    Raises:
        GANError: if there is no such class or column, or a name stands in several columns.
    """
    if label is None or label == "":
        return [None] * len(columns)
    if not columns:
        raise GANError(f"This model has no classes, so the label {label!r} cannot be used; leave it out.")
    if isinstance(label, list | tuple):
        return _checked_indices(label, columns)
    wanted = dict(label) if isinstance(label, Mapping) else _by_column(str(label), columns)
    for column in wanted.keys() - columns.keys():
        raise GANError(f"There are no labels called {column!r}; this model has {' and '.join(columns)}.")
    chosen = {
        column: label_index(str(name).strip(), columns[column])
        for column, name in wanted.items()
        if name not in (None, "")
    }
    for column, index in chosen.items():
        if index is None:
            raise GANError(f"There is no {column} {wanted[column]!r}; this model knows {listed(columns[column])}.")
    return [chosen.get(column) for column in columns]


def _checked_indices(indices: Sequence[Any], columns: Mapping[str, Sequence[str]]) -> list[int | None]:
    counts = [len(names) for names in columns.values()]
    whole = [isinstance(index, int) and not isinstance(index, bool) for index in indices]
    if len(indices) != len(counts) or not all(whole) or any(k not in range(n) for k, n in zip(indices, counts)):
        raise GANError(f"The class indices {list(indices)} cannot be used; this model has {counts} classes.")
    return list(indices)


def _by_column(label: str, columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """ "7, george" or "speaker=george" by column."""
    whole = [column for column, names in columns.items() if label_index(label.strip(), names) is not None]
    if len(whole) == 1:
        return {whole[0]: label}  # a name may hold a comma
    wanted: dict[str, str] = {}
    for part in label.split(","):
        column, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals:
            name = column
            homes = [column for column, names in columns.items() if label_index(name, names) is not None]
            if len(homes) != 1:
                known = "; ".join(f"{column}: {listed(names)}" for column, names in columns.items())
                trouble = "in several columns, so say which (column=name)" if homes else "unknown"
                raise GANError(f"The label {name!r} is {trouble}; this model knows {known}.")
            column = homes[0]
        wanted[column] = name
    return wanted


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
            f"The model knows {listed(labels)} and does not know the class {unknown!r} of {dataset}; measure it "
            f"on the data that it was trained on, or name the column with --label_column."
        )
    return torch.tensor(indices, dtype=torch.int64)
