"""Many samples: decoded by several processes, kept on disk, mapped into memory."""

import importlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan.data import DataReport, Decoder, LeftOut, Rows, decode, hold_out
from gan.data.cache import file_of, remembered, take

module = importlib.import_module("gan.data.decode")


def number(path: Any) -> tuple[np.ndarray, Counter[str]]:
    """A file that holds a number becomes three bytes; of an even one also how often it was read by this process."""
    text = Path(path).read_text()
    if text == "silent":
        raise LeftOut("silent")
    return np.full((2 if text == "7" else 1, 3), int(text), np.uint8), Counter(even=int(text) % 2 == 0)


DECODER = Decoder(number, "numbers", (ValueError, OSError), "numbers")


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    files = []
    for k in range(100):
        files.append(tmp_path / f"{k:02}.txt")
        files[-1].write_text({13: "damaged", 50: "silent"}.get(k, str(k)))
    return Rows(files, {}, {}, "numbers", "train", "the folder numbers")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files as are decoded by several processes and kept."""
    monkeypatch.setattr(module, "MIN_SHARED", 50)


def check(decoded: Any) -> None:
    expected = [k for k in range(100) for _ in range(2 if k == 7 else 1) if k not in (13, 50)]
    assert decoded.samples[:, 0].tolist() == expected
    assert decoded.kept.tolist() == expected
    assert decoded.left_out == {"damaged": {".txt": 1}, "silent": {".txt": 1}}
    assert decoded.counts["even"] == 49


def test_few_files_are_decoded_here(rows: Rows, tmp_path: Path) -> None:
    report = DataReport("numbers")
    check(decode(rows, DECODER, str(tmp_path / "cache"), report))
    assert report.left_out == {"damaged": {".txt": 1}, "silent": {".txt": 1}}
    assert not (tmp_path / "cache").exists()


def test_many_files_are_decoded_once(rows: Rows, tmp_path: Path, shared: None) -> None:
    for _ in range(2):
        report = DataReport("numbers")
        decoded = decode(rows, DECODER, str(tmp_path / "cache"), report)
        check(decoded)
        assert report.left_out == {"damaged": {".txt": 1}, "silent": {".txt": 1}}
        assert isinstance(decoded.samples, np.memmap)
        for file in rows.files[::2]:  # the second time nothing of them is read
            times = file.stat()
            file.write_bytes(b"x" * times.st_size)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    rows.files[0].write_text("99")  # a changed file
    assert decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers")).samples[0, 0] == 99


@pytest.mark.parametrize("file", ["samples.bin", "kept.npy", "facts.json"])
def test_a_damaged_cache_is_made_anew(rows: Rows, tmp_path: Path, shared: None, file: str) -> None:
    decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers"))
    (entry,) = (tmp_path / "cache").rglob(file)
    entry.write_bytes(entry.read_bytes()[:-5])
    check(decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers")))
    entry.unlink()
    check(decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers")))


def test_other_settings_are_another_entry(rows: Rows, tmp_path: Path, shared: None) -> None:
    decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers"))
    doubled = Decoder(lambda file: (number(file)[0] * 2, Counter()), "doubled", DECODER.unreadable, "numbers")
    assert decode(rows, doubled, str(tmp_path / "cache"), DataReport("numbers")).samples[3, 0] == 6


def test_a_cache_that_cannot_be_written(rows: Rows, tmp_path: Path, shared: None) -> None:
    (tmp_path / "file").write_text("no folder")
    report = DataReport("numbers")
    check(decode(rows, DECODER, str(tmp_path / "file" / "cache"), report))
    assert "cannot be kept in" in report.notes[0] and "--cache_dir" in report.notes[0]


def test_too_many_for_memory(rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 20)
    decoded = decode(rows, DECODER, None, DataReport("numbers"))
    check(decoded)
    assert isinstance(decoded.samples, np.memmap) and file_of(decoded.samples) is None


def test_parts_and_what_was_computed_are_kept_beside_the_samples(rows: Rows, tmp_path: Path, shared: None) -> None:
    samples = decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers")).samples
    part = take(samples, np.array([5, 0, 2]))
    assert isinstance(part, np.memmap) and part[:, 0].tolist() == [5, 0, 2]
    assert file_of(take(samples, np.array([5, 0, 2]))) == file_of(part) != file_of(samples)
    part[0] = 77  # in memory only
    assert take(samples, np.array([5, 0, 2]))[0, 0] == 5
    found = []

    def compute() -> str:
        found.append(1)
        return "result"

    assert [remembered(part, "key", compute) for _ in range(2)] == ["result"] * 2
    assert len(found) == 1
    assert [remembered(np.zeros(3), "key", compute) for _ in range(2)] == ["result"] * 2
    assert len(found) == 3


def test_two_processes_decode_once(rows: Rows, tmp_path: Path, shared: None) -> None:
    log = tmp_path / "log"

    def logged(file: Any) -> tuple[np.ndarray, Counter[str]]:
        with log.open("a") as lines:
            lines.write("1\n")
        return number(file)

    decoder = Decoder(logged, "logged", DECODER.unreadable, "numbers")
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            try:
                check(decode(rows, decoder, str(tmp_path / "cache"), DataReport("numbers")))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert len(log.read_text().split()) == 100


class Numbers:
    """A training set of bytes."""

    def __init__(self, samples: np.ndarray, split: str = "train"):
        self.samples, self.split = samples, split

    def __len__(self) -> int:
        return len(self.samples)

    def classes(self, indices: Any) -> None:
        return None

    def take(self, indices: np.ndarray, split: str) -> "Numbers":
        return Numbers(take(self.samples, indices), split)


def test_the_held_out_part_of_cached_samples(rows: Rows, tmp_path: Path, shared: None) -> None:
    plain = decode(rows, DECODER, None, DataReport("numbers")).samples
    mapped = decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers")).samples
    for few, many in zip(hold_out(Numbers(np.array(plain))), hold_out(Numbers(mapped))):
        assert np.array_equal(few.samples, many.samples)
        assert isinstance(many.samples, np.memmap)


def test_parts_that_cannot_be_kept_are_in_memory(rows: Rows, tmp_path: Path, shared: None) -> None:
    samples = decode(rows, DECODER, str(tmp_path / "cache"), DataReport("numbers")).samples
    kept = file_of(take(samples, np.array([1, 4])))
    assert kept is not None
    kept.unlink()
    (kept / "in the way").mkdir(parents=True)
    part = take(samples, np.array([1, 4]))
    assert file_of(part) is None and part[:, 0].tolist() == [1, 4]
