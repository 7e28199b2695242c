"""Where training data come from, whatever they are of: the Hub, or a local folder laid out as there."""

import hashlib
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets import DatasetDict, IterableDatasetDict
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from gan import hub
from gan.errors import GANError


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
    try:
        found = datasets.load_dataset(
            name, args.dataset_config_name, cache_dir=args.cache_dir, token=args.hub_token, streaming=streaming
        )
    except (HfHubHTTPError, OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise GANError(_why_not(name, local, what, error)) from error
    if not isinstance(found, DatasetDict | IterableDatasetDict) or not found:
        raise GANError(f"The data set {name} has no split to train on.")
    return found


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


def some(count: int, most: int | None) -> np.ndarray:
    """Indices of at most `most` out of `count`, always the same; from all over, as many sets are sorted by class."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


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
    if len(names) < 2 or "" in names or unconditional:
        return None, None
    return [names.index(parent) for parent in parents], names


def fingerprint(*parts: bytes | np.ndarray) -> str:
    """Sixteen hexadecimal digits that change with any byte of the data."""
    digest = hashlib.sha256()
    for part in parts:
        whole = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part
        for chunk in np.array_split(whole, max(1, whole.nbytes // 2**26)):
            digest.update(np.ascontiguousarray(chunk))
    return digest.hexdigest()[:16]
