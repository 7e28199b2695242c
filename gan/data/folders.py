"""Folders as people have them: splits, class folders, a wrapper around them, links, and what a run wrote into them."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gan.data.archives import is_archive, open_archive
from gan.data.report import DataReport
from gan.errors import GANError
from gan.labels import clean_name, natural_order

TRAIN_NAMES = ("train", "training")
HELD_OUT_NAMES = ("test", "testing", "validation", "valid", "val", "eval", "dev")
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
# What marks a folder that a training or `gan.sample` wrote, and what else a training writes beside the index.
OUTPUT_MARKS = ("model_index.json", "training.json", "sampling.json")
OUTPUT_ENTRIES: tuple[str, ...] = ("previews", "logs", "generator", "discriminator", "encoder", "samples.png")
OUTPUT_ENTRIES += ("samples.wav", "neighbours.png", "sweep.png", "README.md", *OUTPUT_MARKS[:2], "metrics.json")
CHECKPOINT = re.compile(r"checkpoint-\d+")
HIDDEN = (".", "__MACOSX")  # how names begin that other programs leave behind


@dataclass
class FolderPart:
    """The files of one split of a folder.

    Attributes:
        root: the folder whose sub-folders may be classes.
        split: its name: "train" where the folder has no splits.
        files: in order.
    """

    root: Path
    split: str
    files: list[Path]


def check_folder(path: Path, plural: str, suffixes: frozenset[str]) -> None:
    """Refuses what is no folder, with what to write instead.

    Raises:
        GANError: if it is a file, and no archive that can be read as a folder, or is not there.
    """
    if path.is_dir() or is_archive(path):
        return
    if not path.exists():
        raise GANError(f"The folder {path} does not exist; --train_data_dir takes a folder of {plural}.")
    folder = path.name.split(".")[0] or plural
    suffix = path.suffix.lower()
    if ".tar" in path.name.lower() or suffix == ".tgz":
        remedy = f"unpack it with `mkdir {folder} && tar -xf {path} -C {folder}`, and give --train_data_dir {folder}"
    elif suffix in ARCHIVES:
        remedy = "unpack it, and give the folder that this makes"
    elif suffix in (".parquet", ".arrow"):
        remedy = f"a table with {plural} in it is given with --dataset_name {path}"
    elif suffix in suffixes:
        remedy = f"give the folder that it is in, with as many {plural} as you have: --train_data_dir {path.parent}"
    else:
        remedy = f"--train_data_dir takes a folder of {plural}"
    kind = "an archive" if suffix in ARCHIVES else "a file"
    raise GANError(f"{path} is {kind} and no folder; {remedy}.")


def list_files(root: Path, output_dir: str | None, report: DataReport) -> list[Path]:
    """All files of a folder and its sub-folders, links followed, or of an archive; in order.

    Hidden ones, which other programs leave behind, are none of them; neither is what a run wrote into the folder, and
    the report says so.

    Args:
        output_dir: of the run that is about to start.
    """
    if is_archive(root):
        archive = open_archive(root)
        report.leave_out("too large", archive.too_large)
        return sorted(filter(partial(_is_visible, root), archive.members), key=lambda path: path.parts)
    outputs = {Path(output_dir).resolve()} if output_dir else set()
    files: list[Path] = []
    written: list[Path] = []
    for path, is_output in _walk(root, frozenset(), outputs, report):
        (written if is_output else files).append(path)
    if written:
        folders = natural_order({str(path.relative_to(root)) for path in written})
        report.note(
            f"What a run wrote into {root} is not trained on: {', '.join(folders[:4])}{' ...' * (len(folders) > 4)}."
        )
    return sorted(files, key=lambda path: path.parts)  # as paths are, and faster


def _is_visible(root: Path, path: Path) -> bool:
    return not any(part.startswith(HIDDEN) for part in _below(root, path))


def _below(root: Path, path: Path) -> tuple[str, ...]:
    """The parts of a path below a folder. `relative_to` would take seconds for as many files as there can be."""
    return path.parts[len(root.parts) :]


def _walk(folder: Path, above: frozenset[Path], outputs: set[Path], report: DataReport) -> Iterator[tuple[Path, bool]]:
    """Files, and the uppermost entries that a run wrote, each with whether it is one of these."""
    real = folder.resolve()
    if real in above:  # a link to a folder that it is in
        return
    try:
        entries = list(os.scandir(folder))
    except OSError:
        report.leave_out("unreadable as a folder", [folder])
        return
    # Where a training writes beside the data, its own entries are known by name.
    is_mixed = not above and (real in outputs or any((folder / mark).is_file() for mark in OUTPUT_MARKS[:2]))
    for entry in entries:
        if entry.name.startswith(HIDDEN):
            continue
        path = folder / entry.name  # two thirds of what parsing `entry.path` takes
        if (is_mixed and entry.name in OUTPUT_ENTRIES) or CHECKPOINT.fullmatch(entry.name):
            yield path, True
        elif entry.is_dir():
            if path.resolve() in outputs or any((path / mark).is_file() for mark in OUTPUT_MARKS):
                yield path, True
            else:
                yield from _walk(path, above | {real}, outputs, report)
        elif entry.is_file():
            yield path, False
        else:
            report.leave_out("links to nothing", [path])


def data_name(path: Path) -> str:
    """What data in a folder or an archive are called."""
    return clean_name(path.stem if is_archive(path) else path.resolve().name)


def look_through(root: Path, files: list[Path]) -> Path:
    """The folder itself, or the one around everything, as unpacked archives often have it."""
    while files:
        first = _below(root, files[0])
        if len(first) < 2 or any(path.parts[len(root.parts)] != first[0] for path in files):
            break
        root = root / first[0]
    return root


def folder_splits(root: Path, files: list[Path], report: DataReport) -> dict[str, FolderPart]:
    """The splits of a folder: by its sub-folders where one is called `train` and another `test` or `validation`.

    Args:
        root: the folder, behind a wrapper.
        files: its samples.

    Returns:
        By role, "train" first: the parts. Other folders beside these are left out, and the report says so.
    """
    by_name: dict[str, list[Path]] = {}
    for path in files:
        parts = _below(root, path)
        by_name.setdefault(parts[0] if len(parts) > 1 else "", []).append(path)
    folded = {name.casefold().strip(): name for name in by_name}
    train = next((folded[name] for name in TRAIN_NAMES if name in folded), None)
    held_out = [folded[name] for name in HELD_OUT_NAMES if name in folded]
    if train is None or not held_out:
        return {"train": FolderPart(root, "train", files)}
    for name, others in by_name.items():
        if name not in (train, *held_out):
            report.leave_out("beside the splits", others)
    report.note(f"The folders {', '.join([train, *held_out])} of {root} are taken for splits, not for classes.")
    return {
        name: FolderPart(look_through(root / name, by_name[name]), name, by_name[name]) for name in (train, *held_out)
    }


def classes_by_folder(part: FolderPart, report: DataReport) -> list[str] | None:
    """The class of each file: the sub-folder of the root that it is in, if there are several and no file is beside
    them; else `None`."""
    below = [_below(part.root, path) for path in part.files]
    names = {name: clean_name(name) or repr(name) for name in {parts[0] for parts in below if len(parts) > 1}}
    parents = [names[parts[0]] if len(parts) > 1 else "" for parts in below]
    if len(set(parents)) < 2:
        return None
    if "" in parents:
        beside = part.files[parents.index("")].name
        report.note(
            f"The sub-folders of {part.root} are not taken for classes, as there are files beside them ({beside})."
        )
        return None
    return parents


def usable_files(files: list[Path], kind: Any, report: DataReport) -> list[Path]:
    """Those files that can be opened; the others are counted, with what to do about those that hold samples too."""
    usable: list[Path] = []
    other: list[Path] = []
    for path in files:
        (usable if path.suffix.lower() in kind.suffixes else other).append(path)
    report.leave_out("of other kinds", other)
    for suffix in natural_order({path.suffix.lower() for path in other} & kind.advice.keys()):
        report.note(f"{suffix} files cannot be opened and are left out: {kind.advice[suffix]}.")
    return usable
