"""The cache of decoded samples stays below a size: what was used longest ago goes first."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gan.errors import GANError

VARIABLE, DEFAULT = "GAN_CACHE_GB", 50.0  # of the environment; 10**9 bytes
FACTS = "facts.json"  # of an entry, whose time is that of its last use
ABANDONED = 24 * 3600  # seconds since a half entry was last written to: its process is gone


def cache_limit() -> float:
    """GB that all decoded samples may take on disk.

    Raises:
        GANError: if the variable holds no such number.
    """
    text = os.environ.get(VARIABLE, "").strip()
    try:
        limit = float(text or DEFAULT)
    except ValueError:
        limit = -1.0
    if not limit >= 0:
        raise GANError(f"The variable {VARIABLE} is {text!r}; it takes a number of GB, such as {DEFAULT:g}.")
    return limit


def note_use(entry: Path) -> None:
    """Remembers that an entry is used now."""
    with suppress(OSError):  # as where the cache is another user's
        os.utime(entry / FACTS)


def prune(root: Path, kept: Path, limit: float) -> int:
    """Removes entries until the others take no more than `limit` GB; returns how many.

    Safe beside other processes: an entry that is being written or opened is locked, and stays; of one that a training
    has mapped, the files go from the disk when it ends. (Windows does not remove mapped files: they stay.)

    Args:
        root: the folder of all entries.
        kept: the entry of this process, which stays however large.
    """
    for half in root.glob(".*"):  # what processes have left behind that were killed
        if time.time() - max(_times(half), default=time.time()) > ABANDONED:
            shutil.rmtree(half, ignore_errors=True)
    entries = {path: _used(path) for path in root.iterdir() if (path / FACTS).is_file()}
    sizes = {path: sum(_size(file) for file in _files(path)) for path in entries}
    total, removed = sum(sizes.values()), 0
    for entry in sorted(entries.keys() - {kept}, key=lambda path: entries[path]):
        if total <= limit * 10**9:
            break
        if _remove(entry):
            total -= sizes[entry]
            removed += 1
    return removed


def _remove(entry: Path) -> bool:
    aside = entry.with_name(f".removed-{entry.name}-{os.getpid()}")
    try:
        with FileLock(entry.with_suffix(".lock"), timeout=0):
            entry.rename(aside)  # at once: nobody finds half an entry
    except (Timeout, OSError):
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):  # it may go at any time
        yield from (path for path in folder.rglob("*") if path.is_file())


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # another process removed it just now
        return 0


def _times(folder: Path) -> Iterator[float]:
    for path in [folder, *_files(folder)]:
        with suppress(OSError):
            yield path.stat().st_mtime


def _used(entry: Path) -> float:
    try:
        return (entry / FACTS).stat().st_mtime
    except OSError:
        return 0.0
