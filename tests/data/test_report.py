"""What is said about data."""

from pathlib import Path

import numpy as np
import pytest

from gan.data import DataReport
from gan.data.holdout import duplicates


def test_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    report = DataReport("pictures", "zoo")
    report.found = {"size": "16x16 (their own)", "colour": "RGB (as they are)"}
    report.leave_out("of other kinds", [Path("a.TXT"), Path("b.txt"), Path("c")])
    report.describe(5, np.array([[0], [0], [0], [1], [1]]), {"label": ["cat", "dog"]})
    report.describe_held_out("test", 4, 0)
    assert report.line() == (
        "Data: 5 pictures of zoo to train on, 16x16 (their own), RGB (as they are), 2 classes of 2 (dog) to 3 (cat) "
        "each, 4 held out (test); left out: 3 of other kinds (.txt 2, no suffix 1)"
    )
    report.note("Beware.")
    report.note("Beware.")
    report.show()
    assert capsys.readouterr().out.splitlines() == [report.line() + ".", "Beware."]
    record = report.record()
    assert record["left_out"] == {"of other kinds": {".txt": 2, "": 1}}
    assert record["classes"] == {"label": {"classes": 2, "smallest": ["dog", 2], "largest": ["cat", 3]}}
    assert record["held_out"] == {"split": "test", "samples": 4, "duplicates": 0}
    assert record["notes"] == ["Beware."]


def test_one_is_not_many() -> None:
    report = DataReport("texts", "zoo")
    report.describe(1, None, None)
    assert report.line().startswith("Data: 1 text of zoo to train on")


def test_copies_across_the_held_out_line() -> None:
    train = np.arange(24, dtype=np.int16).reshape(8, 3)
    test = np.concatenate([train[[2, 5]], train[:1] + 100])
    assert duplicates(train, test) == 2
    report = DataReport("clips")
    report.describe_held_out("test", 3, 2)
    assert report.notes[0].startswith("Trained on, too: 2 of the 3 held-out clips")


def test_classes_that_differ_in_case_only() -> None:
    for names, said in [(["Cat", "cat"], 1), (["A", "a"], 0), (["cat", "dog"], 0)]:
        report = DataReport("pictures")
        report.describe(2, np.array([[0], [1]]), {"label": names})
        assert len(report.notes) == said


def test_names_that_no_console_prints() -> None:
    report = DataReport("pictures", "caf\udce9")
    assert "caf\\xe9" in report.line()
    report.leave_out("damaged", ["a.\udcff"])
    report.line().encode("utf-8")
