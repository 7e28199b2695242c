"""Samples before they are decoded: which files there are, and the classes of each."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, Value

from gan.data.archives import Members, is_archive, open_archive
from gan.data.columns import (
    check_classes,
    class_indices,
    class_names,
    classes_of,
    label_columns,
    sample_column,
    tell_columns,
    without_empty_classes,
)
from gan.data.folders import (
    HELD_OUT_NAMES,
    FolderPart,
    check_folder,
    classes_by_folder,
    data_name,
    folder_splits,
    list_files,
    look_through,
    usable_files,
)
from gan.data.groups import group_numbers
from gan.data.kinds import SampleKind
from gan.data.report import DataReport, counted
from gan.data.repositories import load_splits, shown_name
from gan.data.tables import (
    FILE_COLUMN,
    TABLE_SUFFIXES,
    TABLES,
    Table,
    find_table,
    listed_files,
    read_table,
    tell_tables,
)
from gan.errors import GANError
from gan.labels import clean_name, natural_order
from gan.utils.subsets import training_subset

FOLDER_BUILDERS = ("imagefolder", "audiofolder")  # of `datasets`, for plain files


@dataclass
class Rows:
    """Samples that are not decoded yet.

    Attributes:
        files: of each, its path, or its content (`None`: there is none).
        classes: by label column, the class of each sample; `None` where it has none.
        names: by label column, the classes' names.
        name: of the data set.
        split: which part this is.
        where: it was found, for errors ("the folder cats").
        license: as its repository states it, or `None`.
        by_folder: whether the classes are sub-folders.
        declared: the label columns that are declared to hold classes.
        groups: of each sample, what it has in the columns of `--group_column`; `None` without.
    """

    files: Sequence[Any]
    classes: dict[str, list[str | None]]
    names: dict[str, list[str]]
    name: str
    split: str
    where: str
    license: str | None = None
    by_folder: bool = False
    declared: frozenset[str] = frozenset()
    groups: list[tuple[str, ...]] | None = None

    def __len__(self) -> int:
        return len(self.files)

    def name_of(self, index: int) -> str | Path:
        """The name of a file, as far as it has one."""
        if isinstance(self.files, Members):
            return self.files.paths[index]
        return "" if isinstance(self.files, Cells) else self.files[index]

    def take(self, indices: Iterable[int]) -> "Rows":
        """The rows at these indices."""
        classes = {column: [values[k] for k in indices] for column, values in self.classes.items()}
        opened = isinstance(self.files, Cells | Members)
        files = self.files.select(indices) if opened else [self.files[k] for k in indices]  # type: ignore[attr-defined]
        groups = None if self.groups is None else [self.groups[k] for k in indices]
        return replace(self, files=files, classes=classes, groups=groups)

    def labels(
        self, kept: np.ndarray, known: Mapping[str, list[str]] | None = None
    ) -> tuple[np.ndarray | None, dict[str, list[str]] | None]:
        """Class indices of the samples that could be decoded, and the classes' names by column.

        Args:
            kept: which rows these are.
            known: names of the classes that are trained on; without, those of which there is a sample.

        Returns:
            int64 (len(kept), columns), -1 for a class that is not known or missing; `None` twice without classes, or
            where none are known.
        """
        if not self.classes or known == {}:
            return None, None
        names = dict(known) if known is not None and known.keys() == self.names.keys() else self.names
        columns = {c: class_indices([self.classes[c][k] for k in kept], names[c]) for c in names}
        if known is None:
            shrunk = {column: without_empty_classes(labels, names[column]) for column, labels in columns.items()}
            columns, names = {c: s[0] for c, s in shrunk.items()}, {c: s[1] for c, s in shrunk.items()}
        return np.stack(list(columns.values()), axis=1), names


class Cells(Sequence[Any]):
    """The files in a column of a `datasets` split."""

    def __init__(self, split: Dataset, column: str):
        self.split, self.column = split, column

    def __len__(self) -> int:
        return len(self.split)

    @property
    def fingerprint(self) -> str:
        """Changes with the data set, the rows and the column."""
        return f"{self.split._fingerprint} {self.column}"

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._file(cell) for cell in self.split[index][self.column]]
        return self._file(self.split[int(index)][self.column])

    def __iter__(self) -> Iterator[Any]:
        return (self._file(row[self.column]) for row in self.split)

    def select(self, indices: Iterable[int]) -> "Cells":
        """The cells at these indices."""
        return Cells(self.split.select(indices), self.column)

    def _file(self, cell: dict[str, Any] | None) -> Any:
        if cell is None:
            return None
        return cell["path"] if cell["bytes"] is None else io.BytesIO(cell["bytes"])


def find_rows(args: Any, kind: SampleKind, report: DataReport, split: str | None = None) -> tuple[Rows, Rows | None]:
    """The training samples that the command line asks for, and those of a split to measure on, if there is one.

    Args:
        args: `dataset_name`, `dataset_config_name`, `train_data_dir`, `cache_dir`, `hub_token`, `label_column` (a name
            or a list of them), `unconditional`, `allow_any_label`, `max_train_samples`, the column of samples and,
            where samples can be grouped, `group_column` (a list of names).
        split: to measure on; by default the test or else the validation split.

    Raises:
        GANError: if there are no samples, or their classes cannot be used.
    """
    name = args.dataset_name or ""
    if args.train_data_dir is not None:
        train, test = _from_folder(Path(args.train_data_dir), args, kind, report, split)
    elif Path(name).is_file() and Path(name).suffix.lower() in TABLE_SUFFIXES:
        train, test = _from_folder(Path(name), args, kind, report, split)
    else:
        train, test = _from_repository(args, kind, report, split)
    report.name = train.name
    _check_labels(train, args, kind)
    if args.max_train_samples is not None:
        train = train.take(_subset(train, args.max_train_samples))
    return train, test


def _subset(train: Rows, count: int) -> np.ndarray:
    """Indices of `count` samples, always the same ones; of grouped ones whole groups, as long as they fit."""
    if train.groups is None:
        return training_subset(len(train), count)
    group = group_numbers(train.groups)
    sizes = np.bincount(group)
    order = np.random.default_rng(0).permutation(len(sizes))
    fits = np.cumsum(sizes[order]) <= count
    return np.flatnonzero(np.isin(group, order[fits] if fits.any() else order[:1]))


def _check_labels(train: Rows, args: Any, kind: SampleKind) -> None:
    """Raises `GANError` where training samples have no class, or their classes are surely none."""
    for column, classes in train.classes.items():
        if None in classes:
            raise GANError(
                f"There is no class for {classes.count(None):,} of the {len(classes):,} {kind.plural} of "
                f"{args.dataset_name}; name another column with --label_column, or train with --unconditional."
            )
        if not args.allow_any_label and column not in train.declared:
            place = "sub-folders" if train.by_folder else f"column {column!r}"
            check_classes(classes, train.names[column], f"The {place} of {train.name}", kind.plural, train.by_folder)


def _roles(names: Sequence[str], split: str | None) -> tuple[str, str | None]:
    """Which of the splits is trained on, and which is measured on, if any."""
    train = "train" if "train" in names else names[0]
    wanted = HELD_OUT_NAMES if split is None else (split,)
    return train, next((name for name in wanted if name in names and name != train), None)


def _wanted_columns(args: Any) -> list[str] | None:
    return [args.label_column] if isinstance(args.label_column, str) else args.label_column


def _group_columns(args: Any, columns: Iterable[str], where: str) -> list[str]:
    """The columns that tell groups apart, of which there may be none.

    Raises:
        GANError: if one is not there, or is a label column, too.
    """
    wanted = getattr(args, "group_column", None) or []
    columns = list(columns)
    for column in wanted:
        if column not in columns:
            raise GANError(
                f"There is no column {column!r} in {where}; its columns are {', '.join(columns)}. Name others with "
                f"--group_column."
            )
        if column in (_wanted_columns(args) or []):
            raise GANError(
                f"The column {column} cannot be label and group at once: samples of one group differ in their labels; "
                f"name another one with --label_column or --group_column."
            )
    return wanted


def _groups(words: Mapping[str, list[str | None]], where: str) -> list[tuple[str, ...]] | None:
    """What each sample has in the columns of groups; `None` without any.

    Args:
        words: by column, what each sample has; `None` where there is nothing.

    Raises:
        GANError: if there is nothing somewhere.
    """
    for column, cells in words.items():
        if None in cells:
            raise GANError(
                f"There is no {column} in {counted(cells.count(None), 'row')} of {where}, so nothing says which group "
                f"that belongs to; fill it in, or name other columns with --group_column."
            )
    return list(zip(*words.values())) if words else None  # type: ignore[arg-type]


# Folders


def _from_folder(
    path: Path, args: Any, kind: SampleKind, report: DataReport, split: str | None
) -> tuple[Rows, Rows | None]:
    """The samples of a folder, or those that a single table lists, to train and to measure on."""
    if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES:
        part = FolderPart(path.parent, "train", [])
        return _listed(part, read_table(path), args, kind, report, clean_name(path.stem)), None
    check_folder(path, kind.plural, kind.suffixes)
    everything = list_files(path, getattr(args, "output_dir", None), report)
    files = usable_files([file for file in everything if file.name not in TABLES], kind, report)
    if not files:
        gone = report.left_out_lines()
        other = f"; left out: {', '.join(gone)}" if gone else ""
        if any(file.suffix.lower() in (".parquet", ".arrow") for file in everything):
            other = f"; it is laid out as a data set on the Hub: give it with --dataset_name {path}"
        raise GANError(f"The folder {path} holds no {kind.plural} ({kind.usual_suffixes()}){other}.")
    base = look_through(path, files)
    tables = [find_table(folder) for folder in (base, *base.parents) if folder.is_relative_to(path)]
    table = next((read_table(found) for found in tables if found is not None), None)
    parts = folder_splits(base, files, report)
    names = list(parts)
    wanted = names[0], (_roles(names, split)[1] if split else next(iter(names[1:]), None))
    name = data_name(path)
    found, has_table = [], False
    for part in (parts[role] for role in wanted if role is not None):
        own = find_table(part.root) if len(parts) > 1 else None
        own_table = table if own is None else read_table(own)
        has_table |= own_table is not None
        if own_table is None:
            found.append(_tree(part, args, kind, report, name))
        else:
            found.append(_listed(part, own_table, args, kind, report, name))
    for role in names:
        if role not in wanted:
            report.leave_out(f"of the split {role}", parts[role].files)
    if not has_table and not args.unconditional:
        tell_tables(everything, f"--{kind.flag}_column", report)
    if is_archive(path):
        found = [replace(rows, files=Members(open_archive(path), rows.files)) for rows in found]
    return found[0], found[1] if len(found) > 1 else None


def _tree(part: FolderPart, args: Any, kind: SampleKind, report: DataReport, name: str) -> Rows:
    """The files of a folder; its sub-folders are their classes."""
    where = f"the folder {part.root}"
    wanted = _wanted_columns(args)
    if getattr(args, "group_column", None):
        raise GANError(f"The folder {part.root} has no metadata.csv that would hold the columns of --group_column.")
    if wanted not in (None, ["label"]) and not args.unconditional:
        raise GANError(
            f"The folder {part.root} has no metadata.csv that would hold the columns of --label_column; its "
            f"sub-folders are its classes."
        )
    if kind.column_of(args) is not None:
        raise GANError(
            f"The folder {part.root} has no metadata.csv with the column {kind.column_of(args)!r}; leave "
            f"--{kind.flag}_column out."
        )
    classes = None if args.unconditional else classes_by_folder(part, report)
    if classes is None and wanted and not args.unconditional:
        raise GANError(
            f"The folder {part.root} has neither sub-folders that are classes nor a metadata.csv with the column "
            f"{wanted[0]!r}; train with --unconditional, or write one (file_name,{wanted[0]})."
        )
    if classes is None:
        return Rows(part.files, {}, {}, name, part.split, where)
    names = {"label": natural_order(set(classes))}
    return Rows(part.files, {"label": list(classes)}, names, name, part.split, where, by_folder=True)


def _listed(part: FolderPart, table: Table, args: Any, kind: SampleKind, report: DataReport, name: str) -> Rows:
    """The files that a table lists, and their classes: those of its columns, or else of sub-folders."""
    flag = f"--{kind.flag}_column"
    files = listed_files(table, kind.column_of(args), flag)
    where = f"the folder {part.root}"
    chosen = [k for k, file in enumerate(files) if not part.files or file.is_relative_to(part.root)]
    if not chosen:
        raise GANError(f"{table.path} lists no files of {part.root}.")
    listed = {files[k] for k in chosen}
    report.leave_out(f"not listed in {table.path.name}", [file for file in part.files if file not in listed])
    grouped = _group_columns(args, table.columns, str(table.path))
    columns = [c for c in table.columns if c not in (kind.column_of(args) or FILE_COLUMN, *grouped)]
    others = [column for column in table.columns if column not in grouped]
    used = label_columns(_wanted_columns(args), others, str(table.path), args.unconditional)
    files = [files[k] for k in chosen]
    rows = [table.rows[k] for k in chosen]
    groups = _groups({c: class_names([row[c] for row in rows], None)[0] for c in grouped}, str(table.path))
    if not used and not args.unconditional:
        by_folder = classes_by_folder(FolderPart(part.root, part.split, files), report)
        if by_folder is not None:
            names = {"label": natural_order(set(by_folder))}
            of_folder: dict[str, list[str | None]] = {"label": list(by_folder)}
            return Rows(files, of_folder, names, name, part.split, where, by_folder=True, groups=groups)
    if not args.unconditional:
        tell_columns(columns, used, _wanted_columns(args), report)
    classes: dict[str, list[str | None]] = {}
    names = {}
    for column in used:
        classes[column], names[column] = class_names([row[column] for row in rows], None)
        if None in classes[column]:
            missing = files[classes[column].index(None)].name
            raise GANError(f"{table.path} has no {column} for {missing}; fill it in, or delete the row.")
    return Rows(files, classes, names, name, part.split, where, groups=groups)


# Data sets that `datasets` reads


def _from_repository(args: Any, kind: SampleKind, report: DataReport, split: str | None) -> tuple[Rows, Rows | None]:
    """The samples of a data set on the Hub, or in a folder laid out as there, to train and to measure on."""
    splits = load_splits(args, kind.plural)
    train, test = _roles(list(splits), split)
    if _is_plain_folder(args, splits[train]):
        trial = DataReport(report.unit)
        if (_from_folder(Path(args.dataset_name), args, kind, trial, split)[1] is None) == (len(splits) == 1):
            return _from_folder(Path(args.dataset_name), args, kind, report, split)
    rows = _split_rows(splits[train], train, args, kind, report)
    return rows, None if test is None else _split_rows(splits[test], test, args, kind, report)


def _is_plain_folder(args: Any, split: Dataset) -> bool:
    folder = Path(args.dataset_name)
    return folder.is_dir() and split.info.builder_name in FOLDER_BUILDERS and not (folder / "README.md").is_file()


def _split_rows(split: Dataset, split_name: str, args: Any, kind: SampleKind, report: DataReport) -> Rows:
    column = sample_column(split, kind.column_of(args), kind.feature, kind.name)
    raw = split.select_columns([column])
    if getattr(split.features[column], "dtype", None) == "large_binary":  # as Polars writes it
        raw = raw.cast_column(column, Value("binary"))
    raw = raw.cast_column(column, kind.feature(decode=False))
    grouped = _group_columns(args, split.column_names, "the data set")
    groups = _groups({c: classes_of(split, c)[0] for c in grouped}, f"the {split_name} split of {args.dataset_name}")
    possible = [name for name in split.column_names if name not in grouped]
    known = [name for name in possible if isinstance(split.features[name], ClassLabel)]
    used = label_columns(_wanted_columns(args), possible, "the data set", args.unconditional, known)
    classes: dict[str, list[str | None]] = {}
    names: dict[str, list[str]] = {}
    for label in used:
        classes[label], names[label] = classes_of(split, label)
        if split.info.builder_name in FOLDER_BUILDERS:  # which has the names of folders as they come
            names[label] = natural_order(names[label])
    if not args.unconditional:
        others = [name for name in possible if name != column]
        tell_columns(others, used, _wanted_columns(args), report)
    where = f"the {split_name} split of {args.dataset_name}"
    license = split.info.license or None
    name, declared = shown_name(args.dataset_name), frozenset(known)
    files = Cells(raw, column)
    return Rows(files, classes, names, name, split_name, where, license, declared=declared, groups=groups)
