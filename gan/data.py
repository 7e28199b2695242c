"""Where training data come from, whatever they are of: the Hub, or a local folder laid out as there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from accelerate import PartialState
from datasets import ClassLabel, Dataset, DatasetDict, IterableDatasetDict
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from gan.errors import GANError
from gan.hub import client as hub
from gan.utils.subsets import training_subset


def load_splits(args: Any, what: str, streaming: bool = False) -> DatasetDict | IterableDatasetDict:
    """The splits of a data set on the Hub or in a local folder laid out as there.

    Args:
        args: `dataset_name`, `dataset_config_name`, `cache_dir`, `hub_token`.
        what: the data set is of, in the plural, for errors.
        streaming: read while it is downloaded, instead of after.

    Raises:
        GANError: if there is none, or it cannot be loaded, with the reason.
    """
    name = args.dataset_name
    local = bool(name) and Path(name).is_dir()
    if not local and (not name or name.startswith((".", "/", "~")) or name.count("/") > 1):
        raise GANError(
            f"The folder {name} does not exist; --dataset_name takes a Hub id, such a folder, or a built-in set."
        )
    datasets.disable_progress_bars()
    with loading(name, what):
        found = datasets.load_dataset(
            name, args.dataset_config_name, cache_dir=args.cache_dir, token=args.hub_token, streaming=streaming
        )
    if not isinstance(found, DatasetDict | IterableDatasetDict) or not found:
        raise GANError(f"The data set {name} has no split to train on.")
    return found


@contextmanager
def loading(name: str, what: str) -> Iterator[None]:
    """Turns what keeps a data set from being loaded, or a stream from being read, into a `GANError`."""
    try:
        yield
    except (HfHubHTTPError, OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise GANError(_why_not(name, Path(name).is_dir(), what, error)) from error


def tell_unusable(split: str, name: str, what: str) -> None:
    """Says that a split beside the training samples cannot be used."""
    PartialState().print(
        f"The {split} split of {name} has other classes than the {what} to train on; some of these are held out "
        f"instead.",
        flush=True,
    )


def _why_not(name: str, local: bool, what: str, error: Exception) -> str:
    """Why a data set could not be loaded."""
    missing = isinstance(error, (datasets.exceptions.DatasetNotFoundError, FileNotFoundError))
    if local and missing:
        return (
            f"The folder {name} holds no data set; --dataset_name takes one laid out as on the Hub, a plain folder of "
            f"{what} is for --train_data_dir."
        )
    if not local and (hub.http_status(error) or isinstance(error, (ConnectionError, HFValidationError))):
        return f"The data set {name} could not be loaded: {hub.reason(error)}"
    if missing:
        gated = "gated" in str(error)
        return f"The data set {name} " + (
            "is gated; ask for access on its page on the Hub, then log in with `hf auth login`."
            if gated
            else "was not found on the Hub; check the name, or log in with `hf auth login` if it is private."
        )
    vague = isinstance(error, datasets.exceptions.DatasetGenerationError)
    told = (vague and error.__cause__) or error
    first_line = (str(told).strip() or type(told).__name__).splitlines()[0].rstrip(".")
    return f"The data set {name} could not be loaded ({first_line}); check its files."


def read_splits(
    args: Any, split: str | None, what: str, read: Callable[[Dataset, Any, str, Any], Any]
) -> tuple[Any, Any | None]:
    """The training samples of a data set, and those of a split beside them, if there is one that can be used.

    Args:
        args: as for `load_splits`, and `max_train_samples`.
        split: the other one; with `None` the test or else the validation split.
        what: the data set is of, in the plural, for errors.
        read: (split, args, name of the split, training set or `None`) to a set, which has `labels` (-1: no class) and
            `label_names`.

    Raises:
        GANError: if there is none, it cannot be loaded, or training samples have no class.
    """
    splits = load_splits(args, what)
    train_name = "train" if "train" in splits else next(iter(splits))
    held_out = ("test", "validation", "valid") if split is None else (split,)
    test_name = next((name for name in held_out if name in splits and name != train_name), None)
    train_split = splits[train_name]
    if args.max_train_samples is not None:
        train_split = train_split.select(training_subset(len(train_split), args.max_train_samples))
    train = read(train_split, args, train_name, None)
    if train.labels is not None and train.labels.min() < 0:
        raise GANError(
            f"{(train.labels.reshape(len(train), -1) < 0).any(1).sum()} {what} of {args.dataset_name} have no class; "
            f"name another column with --label_column, or train with --unconditional."
        )
    if test_name is None:
        return train, None
    test = read(splits[test_name], args, test_name, train)
    usable = test.label_names == train.label_names and (test.labels is None or test.labels.min() >= 0)
    if not usable:
        tell_unusable(test_name, args.dataset_name, what)
    return train, test if usable else None


def shown_name(repository: str) -> str:
    """What a card calls a data set or model: its Hub id, or the name of its folder."""
    return Path(repository).resolve().name if Path(repository).is_dir() else repository


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


def hold_out(train: Any) -> tuple[Any, Any | None]:
    """Sets a tenth of the training samples aside, at most 2,000, always the same ones; `None` of fewer than 20.

    Args:
        train: has `__len__`, `classes(indices)` and `take(indices, split)`.
    """
    aside, rest = set_aside(train, min(HELD_OUT_MOST, int(HELD_OUT_SHARE * len(train))))
    if len(aside) < 2:
        return train, None
    return train.take(rest, "train without the held-out tenth"), train.take(aside, HELD_OUT)


HELD_OUT = "held-out tenth"
HELD_OUT_SHARE, HELD_OUT_MOST = 0.1, 2_000


def sample_column(split: Dataset, wanted: str | None, kind: type, what: str) -> str:
    """The column of samples: the one asked for, or else the one there is.

    Args:
        kind: `datasets.Image` or `datasets.Audio`; the flag that names a column is called after it.
        what: a sample is called ("picture").

    Raises:
        GANError: if there is no such column, or it holds something else.
    """
    name = kind.__name__.lower()
    if wanted is not None and wanted in split.column_names:
        feature = split.features[wanted]
        if isinstance(feature, kind) or getattr(feature, "dtype", None) in ("binary", "string"):
            return wanted
        raise GANError(f"The column {wanted!r} of the data set holds no {what}s; name another with --{name}_column.")
    found = [column for column, feature in split.features.items() if isinstance(feature, kind)]
    if wanted is None and found:
        return name if name in found else found[0]
    raise GANError(
        f"There is no {f'column of {what}s' if wanted is None else f'{what} column {wanted!r}'} in the data set; its "
        f"columns are {', '.join(split.column_names)}. Name one with --{name}_column."
    )


def label_columns(wanted: Sequence[str] | None, columns: Iterable[str], where: str, unconditional: bool) -> list[str]:
    """The columns of classes: those asked for, or else `label` if there is one; none where they don't matter.

    Raises:
        GANError: if one that was asked for isn't there.
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
    return list(wanted or (["label"] if "label" in columns else []))


def classes_of(split: Dataset, column: str) -> tuple[list[str | None], list[str]]:
    """The class of each sample, `None` where there is none, and the names of the classes.

    Raises:
        GANError: if the column holds something else.
    """
    feature = split.features[column]
    if not isinstance(feature, ClassLabel | datasets.Value):
        raise GANError(
            f"The column {column!r} of the data set holds no classes; name another with --label_column, or train with "
            f"--unconditional."
        )
    return class_names(split[column], feature)


def class_names(values: Iterable[Any], feature: Any) -> tuple[list[str | None], list[str]]:
    """The class that each cell of a column names, `None` where it names none, and the names of the classes."""
    if isinstance(feature, ClassLabel):
        names = list(feature.names)
        return [None if value is None or value < 0 else names[value] for value in values], names
    words = [None if value is None else str(value) for value in values]
    return words, in_order(set(words) - {None})


def class_indices(classes: Iterable[str | None], names: Sequence[str]) -> np.ndarray:
    """int64 (n,): where each class stands among the names; -1 if it does not, or there is none."""
    place: dict[str | None, int] = {name: index for index, name in enumerate(names)}
    return np.asarray([place.get(name, -1) for name in classes], dtype=np.int64)


def in_order(names: Iterable[str | None]) -> list[str]:
    """Numbers by their value, words by the alphabet."""
    words = sorted(str(name) for name in names)
    try:
        return sorted(words, key=float)
    except ValueError:
        return words


def without_empty_classes(labels: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Labels and names without the classes of which there is no sample: a model would learn nothing of them.

    Args:
        labels: int64 (n,), -1 where there is no class.
    """
    there = [index for index in np.unique(labels) if index >= 0]
    place: np.ndarray = np.full(len(names) + 1, -1, dtype=np.int64)  # the last stands for no class
    place[there] = np.arange(len(there))
    return place[labels], [names[index] for index in there]


def visible_files(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a folder and its sub-folders that end in one of `suffixes`, in order; hidden ones, which other
    programs leave behind, are none of them."""
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def folder_classes(
    files: list[Path], root: Path, unconditional: bool
) -> tuple[list[int], list[str]] | tuple[None, None]:
    """The class of each file and the classes' names: the sub-folders of `root`, if there are several and no file is
    beside them.

    Args:
        unconditional: pay no attention to them.
    """
    parents = [path.relative_to(root).parts[0] if path.parent != root else "" for path in files]
    names = sorted(set(parents))
    if unconditional or len(names) < 2:
        return None, None
    if "" in names:
        beside = files[parents.index("")].name
        PartialState().print(
            f"The sub-folders of {root} are not taken for classes, as there are files beside them ({beside}).",
            flush=True,
        )
        return None, None
    return [names.index(parent) for parent in parents], names
