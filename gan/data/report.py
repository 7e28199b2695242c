"""What reading a data set found, for the person who starts the run, for `training.json` and for the card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from gan.labels import printable

MAX_SUFFIXES = 6  # that a line names; the record has all of them


@dataclass
class DataReport:
    """What reading found. Filled in by whatever reads, printed once by `show`.

    Attributes:
        unit: what a sample is called, in the plural.
        name: of the data set.
        samples: that are trained on.
        left_out: by reason, how many files of each suffix ("" for none) are not used.
        found: what was decided about all samples, each with how: {"size": "32x32, their own"}.
        classes: by label column: the number of `classes`, and the `smallest` and `largest` with their samples.
        held_out: the part to measure on: `split`, `samples`, how many `duplicates` of them are trained on, and the
            number of `groups` where these are held out whole.
        notes: what would surprise, a sentence each, with its remedy.
    """

    unit: str
    name: str = ""
    samples: int = 0
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    held_out: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def leave_out(self, reason: str, files: Sequence[Any]) -> None:
        """Counts files that are not used, by their suffix."""
        if files:
            self.left_out.setdefault(reason, Counter()).update(suffix_of(file) for file in files)

    def note(self, sentence: str) -> None:
        """Remembers a surprise, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def add_left_out(self, left_out: Mapping[str, Counter[str]]) -> None:
        """Adds files that were counted already."""
        for reason, files in left_out.items():
            self.left_out.setdefault(reason, Counter()).update(files)

    def describe(self, samples: int, labels: np.ndarray | None, names: Mapping[str, Sequence[str]] | None) -> None:
        """What is trained on.

        Args:
            labels: int64 (n, columns), or `None`.
            names: by column, the classes' names.
        """
        self.samples = samples
        self.classes = {}
        for k, (column, known) in enumerate((names or {}).items()):
            counts = np.bincount(labels[:, k], minlength=len(known)) if labels is not None else np.zeros(len(known))
            low, high = int(counts.argmin()), int(counts.argmax())
            self.classes[column] = {
                "classes": len(known),
                "smallest": [known[low], int(counts[low])],
                "largest": [known[high], int(counts[high])],
            }
            folded = Counter(name.casefold() for name in known)
            twins = [name for name in known if folded[name.casefold()] > 1]
            if len(twins) > 1 and any(len(name) > 1 for name in twins):  # single letters are meant
                self.note(f"The classes {', '.join(twins)} differ in case only; they are kept apart.")

    def describe_groups(self, columns: Sequence[str], groups: np.ndarray) -> None:
        """Which samples belong together.

        Args:
            columns: that groups are told by.
            groups: int64 (n,), of the samples that are trained on.
        """
        sizes = np.unique(groups, return_counts=True)[1]
        range_ = f"{sizes.min():,}" if sizes.min() == sizes.max() else f"{sizes.min():,} to {sizes.max():,}"
        self.found["groups"] = f"{counted(len(sizes), 'group')} of {range_} by {' and '.join(columns)}"

    def describe_held_out(self, split: str, samples: int, duplicates: int, groups: int | None = None) -> None:
        """What is measured on.

        Args:
            groups: how many, where samples are grouped and none of these groups is trained on.
        """
        self.held_out = {"split": split, "samples": samples, "duplicates": duplicates}
        if groups is not None:
            self.held_out["groups"] = groups
        if duplicates:
            self.note(
                f"Trained on, too: {duplicates:,} of the {samples:,} held-out {self.unit}. What is measured on them "
                f"looks better than it is; remove the copies from the data."
            )

    def line(self) -> str:
        """Everything but the notes, in one line."""
        samples = counted(self.samples, self.unit.removesuffix("s"), self.unit)
        return printable(f"Data: {samples} of {self.name} to train on, {self.summary()}")

    def summary(self) -> str:
        """What was found beside the number of samples: size, classes, the held-out part, what was left out."""
        parts = [*self.found.values()]
        for column, about in self.classes.items():
            (low, fewest), (high, most) = about["smallest"], about["largest"]
            called = "" if column == "label" and len(self.classes) == 1 else f" of {column}"
            range_ = f"{fewest:,} each" if fewest == most else f"{fewest:,} ({low}) to {most:,} ({high}) each"
            parts.append(f"{counted(about['classes'], 'class', 'classes')}{called} of {range_}")
        if not self.classes:
            parts.append("no classes")
        if self.held_out is None:
            parts.append("none held out")
        else:
            whole = f", {counted(self.held_out['groups'], 'whole group')}" if "groups" in self.held_out else ""
            parts.append(f"{self.held_out['samples']:,} held out ({self.held_out['split']}{whole})")
        gone = self.left_out_lines()
        return printable("; ".join([", ".join(parts), *(["left out: " + ", ".join(gone)] if gone else [])]))

    def left_out_lines(self) -> list[str]:
        """How many files are not used, a line a reason."""
        return [f"{sum(files.values()):,} {reason}{_by_suffix(files)}" for reason, files in self.left_out.items()]

    def show(self) -> None:
        """Prints the line and the notes, by the main process."""
        for sentence in [self.line() + ".", *map(printable, self.notes)]:
            PartialState().print(sentence, flush=True)

    def record(self) -> dict[str, Any]:
        """For `training.json`; JSON."""
        return {
            "summary": self.summary(),
            "left_out": {reason: dict(files) for reason, files in self.left_out.items()},
            **self.found,
            "classes": self.classes,
            "held_out": self.held_out,
            "notes": [printable(note) for note in self.notes],
        }


def counted(count: int, singular: str, plural: str = "") -> str:
    """How many there are of a thing: "1 group", "2 groups"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def suffix_of(file: Any) -> str:
    """The suffix of a file's name in lower case, ".jpg"; "" where there is no name or suffix."""
    return printable(Path(file).suffix.lower()) if isinstance(file, str | Path) else ""


def _by_suffix(files: Counter[str]) -> str:
    """` (.txt 3, .mp4 1)`; nothing where no file has a name."""
    if set(files) == {""}:
        return ""
    told = [f"{suffix or 'no suffix'} {count:,}" for suffix, count in files.most_common(MAX_SUFFIXES)]
    more = len(files) - len(told)
    return " (" + ", ".join(told) + (f" and {more} more)" if more > 0 else ")")
