"""From files to one array of samples: by all cores, once, and kept on disk where there are many."""

import multiprocessing
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from gan.data.cache import CHUNK, IN_MEMORY, Decoded, cache_root, cached, entry_name
from gan.data.prune import VARIABLE, cache_limit, prune
from gan.data.report import DataReport, suffix_of
from gan.data.rows import Rows
from gan.utils.hardware import cores

PEEKED = 1_000  # files that are looked at to decide for all of them
MIN_SHARED = 2_000  # files that are decoded by several processes and kept on disk; fewer are decoded at every start
BLOCK = 32  # files that a process decodes before it hands them over

Found = tuple[np.ndarray, Counter[str]]  # samples (k, ...) of a file, and what is to be counted about it


class LeftOut(ValueError):
    """A file that is whole, and of no use; its message is the reason."""


@dataclass(frozen=True)
class Decoder:
    """How files become samples.

    Attributes:
        function: a file (a path or its content) to its samples; raises `LeftOut`, or one of `unreadable`.
        settings: changes with what the function makes of a file.
        unreadable: what damaged files make it raise.
        unit: samples, in the plural.
    """

    function: Callable[[Any], Found]
    settings: str
    unreadable: tuple[type[Exception], ...]
    unit: str

    def __call__(self, file: Any) -> Found | str:
        """A file's samples, or the reason why it has none."""
        try:
            return self.function(file)
        except LeftOut as error:
            return str(error)
        except self.unreadable:
            return "damaged"


def decode(rows: Rows, decoder: Decoder, cache_dir: str | None, report: DataReport) -> Decoded:
    """Decodes every file once; what is left out and cannot be kept is added to the report.

    Args:
        cache_dir: where many samples are kept; by default below `HF_HOME`.
    """
    if len(rows) < MIN_SHARED:
        decoded = _decode(rows, decoder, None)
    else:
        entry, limit = cache_root(cache_dir) / entry_name(rows.files, decoder.settings), cache_limit()
        try:
            decoded = cached(entry, lambda file: _decode(rows, decoder, file))
        except OSError as error:
            report.note(
                f"Decoded {decoder.unit} cannot be kept in {entry.parent} ({error.strerror}), so that every start "
                f"decodes them anew; name another folder with --cache_dir."
            )
            decoded = _decode(rows, decoder, None)
        else:
            if prune(entry.parent, entry, limit):
                report.note(
                    f"All decoded samples in {entry.parent} took more than {limit:g} GB, so that those used longest "
                    f"ago are removed; the variable {VARIABLE} changes that."
                )
    report.add_left_out(decoded.left_out)
    return decoded


def _decode(rows: Rows, decoder: Decoder, target: Path | None) -> Decoded:
    """Decodes into memory, or into a file (a temporary one, if they are too many and no `target` is given)."""
    kept: list[int] = []
    left_out: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    with _Writer(target) as writer:
        for index, result in enumerate(_results(rows, decoder)):
            if isinstance(result, str):
                left_out.setdefault(result, Counter())[suffix_of(rows.name_of(index))] += 1
            else:
                writer.add(result[0])
                counts.update(result[1])
                kept += [index] * len(result[0])
        return Decoded(writer.samples(), np.asarray(kept, dtype=np.int64), left_out, counts)


class _Writer:
    """Collects samples of one shape: in memory, or in a file where there is one or they are too many."""

    def __init__(self, target: Path | None):
        self.file: Any = None if target is None else target.open("wb+")
        self.parts: list[np.ndarray] = []  # that are not in the file
        self.waiting, self.count = 0, 0  # bytes of the parts; samples
        self.like = np.empty((0,))

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.file is not None:
            self.file.close()

    def add(self, samples: np.ndarray) -> None:
        """Adds samples (k, ...)."""
        self.parts.append(samples)
        self.like = samples
        self.waiting += samples.nbytes
        self.count += len(samples)
        if self.file is None and self.waiting > IN_MEMORY:
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 (it is mapped below, and goes when the samples do)
        if self.file is not None and self.waiting > CHUNK:
            self._flush()

    def _flush(self) -> None:
        for part in self.parts:
            self.file.write(np.ascontiguousarray(part).data)
        self.parts, self.waiting = [], 0

    def samples(self) -> np.ndarray:
        """All of them: (n, ...)."""
        if self.file is None or not self.count:
            return np.concatenate(self.parts) if self.parts else self.like
        self._flush()
        self.file.flush()
        return np.memmap(self.file, self.like.dtype, "c", shape=(self.count, *self.like.shape[1:]))


def _results(rows: Rows, decoder: Decoder) -> Iterator[Found | str]:
    """What the decoder makes of each file, in order."""
    bar = tqdm(total=len(rows), desc=f"Reading {rows.where}", unit=f" {decoder.unit}", leave=False)
    with closing(bar):
        for result in _in_parallel(rows.files, decoder) if _is_shared(rows) else map(decoder, rows.files):
            bar.update()
            yield result


def _is_shared(rows: Rows) -> bool:
    return len(rows) >= MIN_SHARED and cores() > 1 and sys.platform == "linux"


_WORK: tuple[Sequence[Any], Decoder] | None = None  # what forked processes decode: their memory is this one's


def _in_parallel(files: Sequence[Any], decoder: Decoder) -> Iterator[Found | str]:
    global _WORK
    _WORK = files, decoder
    starts = range(0, len(files), BLOCK)
    try:
        with multiprocessing.get_context("fork").Pool(cores(), _ignore_interrupt) as pool:
            for block in pool.imap(_decode_block, starts):
                yield from block
    finally:
        _WORK = None


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _decode_block(start: int) -> list[Found | str]:
    assert _WORK is not None
    files, decoder = _WORK
    return [decoder(file) for file in files[start : start + BLOCK]]
