"""Data sets that `datasets` reads: on the Hub, in a folder laid out as there, or in a single table."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
from accelerate import PartialState
from datasets import DatasetDict, IterableDatasetDict
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from gan.errors import GANError
from gan.hub import client as hub
from gan.labels import printable

TABLE_BUILDERS = {
    ".csv": ("csv", {}),
    ".tsv": ("csv", {"sep": "\t"}),
    ".json": ("json", {}),
    ".jsonl": ("json", {}),
    ".parquet": ("parquet", {}),
    ".arrow": ("arrow", {}),
    ".txt": ("text", {}),
}
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
FULL = (errno.ENOSPC, errno.EDQUOT)


def load_splits(args: Any, what: str, streaming: bool = False) -> DatasetDict | IterableDatasetDict:
    """The splits of a data set on the Hub, in a local folder laid out as there, or in a single table.

    Args:
        args: `dataset_name`, `dataset_config_name`, `cache_dir`, `hub_token`.
        what: the data set is of, in the plural, for errors.
        streaming: read while it is downloaded, instead of after.

    Raises:
        GANError: if there is none, or it cannot be loaded, with the reason.
    """
    name = args.dataset_name
    builder, options = name, {"name": args.dataset_config_name, "token": args.hub_token}
    if name and Path(name).is_file():
        builder, options = _table_builder(Path(name), what)
    elif not name or not Path(name).is_dir():
        _check_hub_id(name)
    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity(logging.CRITICAL)  # what fails is said in a sentence of ours
    with loading(name, what):
        found = datasets.load_dataset(builder, cache_dir=args.cache_dir, streaming=streaming, **options)
    if not isinstance(found, DatasetDict | IterableDatasetDict) or not found:
        raise GANError(f"The data set {name} has no split to train on.")
    return found


def _table_builder(path: Path, what: str) -> tuple[str, dict[str, Any]]:
    if path.suffix.lower() not in TABLE_BUILDERS:
        raise GANError(
            f"{path} is a file; --dataset_name takes a Hub id, a folder laid out as one, a built-in set or a table "
            f"({', '.join(TABLE_BUILDERS)}), and a plain folder or archive of {what} is for --train_data_dir."
        )
    builder, options = TABLE_BUILDERS[path.suffix.lower()]
    return builder, {"data_files": {"train": str(path)}, **options}


def _check_hub_id(name: str | None) -> None:
    """Raises `GANError` for what can only be meant as a path, and leads nowhere."""
    if name and Path(name).suffix.lower() in TABLE_BUILDERS:
        raise GANError(f"The file {name} does not exist; check its path.")
    if not name or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise GANError(
            f"The folder {name} does not exist; --dataset_name takes a Hub id, such a folder, or a built-in set."
        )


@contextmanager
def loading(name: str, what: str) -> Iterator[None]:
    """Turns what keeps a data set from being loaded, or a stream from being read, into a `GANError`."""
    try:
        yield
    except (HfHubHTTPError, OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        if isinstance(error, RuntimeError) and "scripts are no longer supported" not in str(error):
            raise
        raise GANError(_why_not(name, Path(name).exists(), what, error)) from error


def tell_unusable(split: str, name: str, what: str) -> None:
    """Says that a split beside the training samples cannot be used."""
    PartialState().print(unusable(split, name, what), flush=True)


def has_same_classes(test: Any, train: Any) -> bool:
    """Whether a split beside the training samples has their classes, and each of its samples has one.

    Args:
        test, train: have `label_names` and `labels` (-1: no class).
    """
    return test.label_names == train.label_names and (test.labels is None or test.labels.min() >= 0)


def unusable(split: str, name: str, what: str) -> str:
    """That a split beside the training samples cannot be used."""
    return (
        f"The {split} split of {name} has other classes than the {what} to train on; some of these are held out "
        f"instead."
    )


def _why_not(name: str, local: bool, what: str, error: Exception) -> str:
    """Why a data set could not be loaded."""
    if isinstance(error, RuntimeError):
        return _script(name, local)
    if _is_full(error):
        streamed = ", or read it with --streaming" if what == "texts" else f"; {what} are not streamed, but kept"
        return (
            f"The data set {name} does not fit on the disk; name a folder on a larger one with --cache_dir, or in the "
            f"variable HF_HOME{streamed}."
        )
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        place = error.filename or "the cache of data sets"
        return (
            f"{place} cannot be written ({error.strerror}); name a folder for data with --cache_dir, or in the "
            f"variable HF_HOME."
        )
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
    undecodable = next((cause for cause in _causes(error) if isinstance(cause, UnicodeDecodeError)), None)
    if undecodable is not None:
        return (
            f"The data set {name} is not in UTF-8 ({undecodable}); save it as that, for instance with "
            f"`iconv -f WINDOWS-1252 -t UTF-8 {Path(name).name} > converted{Path(name).suffix}`."
        )
    vague = isinstance(error, datasets.exceptions.DatasetGenerationError)
    cause = (vague and error.__cause__) or error
    first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".")
    return f"The data set {name} could not be loaded ({first_line}); check its files."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__


def _is_full(error: BaseException) -> bool:
    """Whether it was a full disk that led to an error. `datasets` also looks beforehand, and says so in words."""
    found = (cause for cause in _causes(error) if isinstance(cause, OSError))
    return any(cause.errno in FULL or "disk space" in str(cause) for cause in found)


def _script(name: str, local: bool) -> str:
    start = f"The data set {name} is read by a script of its own, and no code of a data set is run here; "
    if local:
        return start + "save it as Parquet files, and name their folder with --dataset_name."
    return start + (
        f"fetch the Parquet files that the Hub made of it with `hf download {name} --repo-type dataset --revision "
        f"refs/convert/parquet --local-dir data`, and train with --dataset_name data."
    )


def shown_name(repository: str) -> str:
    """What a card calls a data set or model: its Hub id, or the name of its folder."""
    path = Path(repository)
    if path.is_file():
        return printable(path.resolve().stem)
    return printable(path.resolve().name if path.is_dir() else repository)
