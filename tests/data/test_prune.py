"""The cache of decoded samples stays below a size."""

import importlib
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from gan import GANError
from gan.data import DataReport, Decoder, Rows, decode
from gan.data.cache import cache_root, file_of, take
from gan.data.prune import VARIABLE, cache_limit, prune

decoding = importlib.import_module("gan.data.decode")
SIZE = 10**6  # bytes of an entry's samples


def entry(root: Path, name: str, age: float) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "samples.bin").write_bytes(bytes(SIZE))
    (folder / "facts.json").write_text("{}")
    os.utime(folder / "facts.json", (time.time() - age, time.time() - age))
    return folder


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    entries = [entry(tmp_path, name, age) for name, age in (("a", 50), ("b", 900), ("c", 10), ("d", 800))]
    assert prune(tmp_path, entries[1], limit=0.0025) == 2  # MB: two of four fit
    assert [folder.exists() for folder in entries] == [False, True, True, False]  # b is this run's, however old
    assert prune(tmp_path, entries[1], limit=0.0025) == 0
    assert prune(tmp_path, entries[1], limit=0) == 1
    assert entries[1].exists()


def test_what_another_process_works_on_stays(tmp_path: Path) -> None:
    kept, busy = entry(tmp_path, "a", 0), entry(tmp_path, "b", 900)
    with FileLock(busy.with_suffix(".lock")):
        assert prune(tmp_path, kept, limit=0) == 0
    assert prune(tmp_path, kept, limit=0) == 1


def test_halves_of_killed_processes_go_after_a_day(tmp_path: Path) -> None:
    kept = entry(tmp_path, "a", 0)
    for name, age in ((".saving-new", 60), (".saving-old", 2 * 86_400)):
        (tmp_path / name / "new").mkdir(parents=True)
        for path in (tmp_path / name / "new", tmp_path / name):
            os.utime(path, (time.time() - age, time.time() - age))
    prune(tmp_path, kept, limit=50)
    assert (tmp_path / ".saving-new").exists() and not (tmp_path / ".saving-old").exists()


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_limits_that_cannot_be(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(GANError, match=f"The variable GAN_CACHE_GB is '{text}'; it takes a number of GB, such as 50."):
        cache_limit()


def test_a_run_whose_entry_is_removed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MIN_SHARED", 2)
    monkeypatch.setenv(VARIABLE, "0")

    def byte(path: Any) -> tuple[np.ndarray, Counter[str]]:
        return np.full((1, 3), int(Path(path).read_text()), np.uint8), Counter()

    found = []
    for name in ("first", "second"):
        files = [tmp_path / f"{name}-{k}.txt" for k in range(4)]
        for k, file in enumerate(files):
            file.write_text(str(k))
        report = DataReport("numbers")
        rows = Rows(files, {}, {}, "numbers", "train", "the folder numbers")
        decoded = decode(rows, Decoder(byte, "bytes", (ValueError,), "numbers"), str(tmp_path / "cache"), report)
        found.append(decoded.samples)
    assert "took more than 0 GB, so that those used longest ago are removed" in report.notes[0]
    assert file_of(found[0]) is not None and not file_of(found[0]).exists()
    assert found[0][:, 0].tolist() == [0, 1, 2, 3]
    assert take(found[0], np.array([2, 1]))[:, 0].tolist() == [2, 1]
    assert [path.name for path in cache_root(str(tmp_path / "cache")).iterdir() if path.is_dir()] == [
        file_of(found[1]).parent.name
    ]
