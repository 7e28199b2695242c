"""Decoded samples on disk: made once, mapped into memory, shared by all processes of a machine and by later runs.

An entry is a folder named by a fingerprint of the sources and of what is made of them. It is written beside its place
and renamed, under a lock, and made anew where it is damaged.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from huggingface_hub import constants

from gan.data.prune import FACTS, note_use
from gan.utils.files import fingerprint, new_folder

SAMPLES, KEPT = "samples.bin", "kept.npy"
VERSION = 1  # of how samples are decoded and kept
IN_MEMORY = 2 * 2**30  # bytes; larger sets that cannot be kept lie in a temporary file
CHUNK = 2**24  # bytes that are copied at once


@dataclass
class Decoded:
    """Samples and where they came from.

    Attributes:
        samples: (n, ...).
        kept: int64 (n,): the row that each is of.
        left_out: by reason, how many files of each suffix.
        counts: what was counted about the files.
    """

    samples: np.ndarray
    kept: np.ndarray
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


def cache_root(cache_dir: str | None) -> Path:
    """The folder of all entries."""
    return Path(cache_dir or constants.HF_HOME) / "gan-studio" / "data"


def entry_name(files: Sequence[Any], settings: str) -> str:
    """A fingerprint of the files, by path, size and time of change, and of what is made of them.

    Args:
        files: paths, or a column of a data set, which has a `fingerprint`.
    """
    digest = hashlib.sha256(os.fsencode(f"{VERSION} {settings} {len(files)} {Path.cwd()}"))
    if hasattr(files, "fingerprint"):
        digest.update(files.fingerprint.encode())
        return digest.hexdigest()[:32]
    for file in files:
        about = os.stat(file)  # noqa: PTH116 (there can be a million)
        digest.update(b"%s\0%d %d\0" % (os.fsencode(file), about.st_size, about.st_mtime_ns))
    return digest.hexdigest()[:32]


def cached(entry: Path, make: Callable[[Path], Decoded]) -> Decoded:
    """What an entry holds; if there is none, or it is damaged, it is made first, by one process at a time.

    Args:
        make: decodes, with the samples in the file that it is given.

    Raises:
        OSError: if the entry cannot be written.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(entry.with_suffix(".lock")):  # also for loading: nobody removes it meanwhile
        found = _load(entry)
        if found is None:
            shutil.rmtree(entry, ignore_errors=True)
            with new_folder(entry) as folder:
                _write(folder, make(folder / SAMPLES))
            found = _load(entry)
            assert found is not None
    note_use(entry)
    return found


def _write(folder: Path, decoded: Decoded) -> None:
    np.save(folder / KEPT, decoded.kept)
    facts = {
        "shape": decoded.samples.shape,
        "dtype": decoded.samples.dtype.str,
        "left_out": {reason: dict(files) for reason, files in decoded.left_out.items()},
        "counts": dict(decoded.counts),
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _load(entry: Path) -> Decoded | None:
    """An entry, if it is there and whole."""
    try:
        facts = json.loads((entry / FACTS).read_text(encoding="utf-8"))
        kept = np.load(entry / KEPT)
        samples = open_samples(entry / SAMPLES, tuple(facts["shape"]), np.dtype(facts["dtype"]))
        if len(kept) != len(samples):
            return None
        left_out = {reason: Counter(files) for reason, files in facts["left_out"].items()}
        return Decoded(samples, kept, left_out, Counter(facts["counts"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def open_samples(file: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Samples that lie in a file. What is written to them stays in memory.

    Raises:
        ValueError: if the file has not this size.
    """
    if file.stat().st_size != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        raise ValueError(f"{file} is damaged")
    return np.memmap(file, dtype, "c", shape=shape)


def file_of(samples: np.ndarray) -> Path | None:
    """The cached file that samples are mapped from, if they are."""
    return Path(samples.filename) if isinstance(samples, np.memmap) and samples.filename else None


def take(samples: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Some of the samples, in memory; of cached ones, in a file beside theirs that is kept as theirs is; of too many,
    in a temporary file."""
    shape = (len(indices), *samples.shape[1:])
    source = file_of(samples)
    if source is not None:
        target = source.with_name(f"take-{fingerprint(source.name.encode(), indices)}.bin")
        try:
            return open_samples(target, shape, samples.dtype)
        except (OSError, ValueError):
            if _copy(samples, indices, target):
                return open_samples(target, shape, samples.dtype)
    if int(np.prod(shape, dtype=np.int64)) * samples.itemsize <= IN_MEMORY:
        return samples[indices]
    file = tempfile.TemporaryFile()  # noqa: SIM115 (it is mapped, and goes when the run does)
    taken: np.ndarray = np.memmap(file, samples.dtype, "w+", shape=shape)
    return np.take(samples, indices, axis=0, out=taken, mode="clip")  # "raise" would fill a copy in memory first


def _copy(samples: np.ndarray, indices: np.ndarray, target: Path) -> bool:
    """Writes some of the samples to a file; whether there was room."""
    rows = max(1, CHUNK // max(1, samples[:1].nbytes))
    part = target.with_suffix(f".{os.getpid()}")
    try:
        with part.open("wb") as file:
            for start in range(0, len(indices), rows):
                file.write(samples[indices[start : start + rows]].data)
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        return False
    return True


def remembered(samples: np.ndarray, key: str, make: Callable[[], str]) -> str:
    """What was computed of cached samples before, under this key; of others it is computed."""
    source = file_of(samples)
    if source is None:
        return make()
    file = source.with_name(f"{source.stem}-{key}.txt")
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        text = make()
    with contextlib.suppress(OSError):  # then it is computed again the next time
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    return text
