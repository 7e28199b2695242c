"""A table beside files: `metadata.csv` or `metadata.jsonl`, which names each file and its classes."""

import csv
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.data.archives import is_file, read_bytes
from gan.data.report import DataReport
from gan.errors import GANError

TABLES = ("metadata.csv", "metadata.jsonl", "metadata.tsv")
TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl")
FILE_COLUMN = "file_name"


@dataclass
class Table:
    """A table that is read.

    Attributes:
        path: where it is.
        columns: their names.
        rows: by column, the cells; `None` where there is none.
    """

    path: Path
    columns: list[str]
    rows: list[dict[str, Any]]


def find_table(folder: Path) -> Path | None:
    """The table of a folder, if it has one.

    Raises:
        GANError: if it has several.
    """
    found = [folder / name for name in TABLES if is_file(folder / name)]
    if len(found) > 1:
        raise GANError(f"The folder {folder} has {' and '.join(path.name for path in found)}; keep one of them.")
    return found[0] if found else None


def tell_tables(files: Sequence[Path], flag: str, report: DataReport) -> None:
    """Notes which of the files beside samples could be a table of their classes, which is not read.

    Args:
        flag: that names the column of files.
    """
    suffixes = (*TABLE_SUFFIXES, ".json")
    other = [file for file in files if file.name.lower().endswith(suffixes)]
    if other and other[0].name in TABLES:
        report.note(f"{other[0]} is not read; one table, above all folders, lists the files of all of them.")
    elif other and other[0].suffix.lower() == ".json":
        report.note(f"{other[0]} is not read; to have classes from it, write it as JSON lines, metadata.jsonl.")
    elif other:
        report.note(
            f"{other[0]} is not read; to have classes from it, give it as --train_data_dir, with {flag} for the "
            f"column of files."
        )


def read_table(path: Path) -> Table:
    """Reads a table of values separated by commas, semicolons or tabs, or of JSON lines. Blanks around column names
    and cells are not part of them.

    Raises:
        GANError: if it is no such table.
    """
    try:
        content = read_bytes(path)
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        columns, rows = _json_lines(text) if path.suffix.lower() == ".jsonl" else _separated(text)
    except OSError as error:
        raise GANError(f"{path} cannot be read ({error.strerror or error}).") from error
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        what = "JSON lines" if path.suffix.lower() == ".jsonl" else "comma-separated values"
        raise GANError(f"{path} is not a table of {what} in UTF-8 ({error}); save it anew as that.") from error
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise GANError(f"{path} has several columns called {twice[0]!r}; rename or remove one of them.")
    return Table(path, columns, rows)


def _separated(text: str) -> tuple[list[str], list[dict[str, Any]]]:
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)  # the first of equals
    lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if line]
    columns = [name.strip() for name in lines[0]] if lines else []
    rows = [{name: cell.strip() for name, cell in zip(columns, line)} for line in lines[1:]]
    return columns, [{name: row.get(name) or None for name in columns} for row in rows]


def _json_lines(text: str) -> tuple[list[str], list[dict[str, Any]]]:
    rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no object")
    rows = [{str(k).strip(): v.strip() if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [{name: row.get(name) for name in columns} for row in rows]


def listed_files(table: Table, column: str | None, flag: str) -> list[Path]:
    """The file of each row. Backslashes and another Unicode form than that of the file's name are forgiven.

    Args:
        column: that names them; by default `file_name`.
        flag: that would name another one.

    Raises:
        GANError: if there is no such column, or a file is not there.
    """
    column = column or FILE_COLUMN
    if column not in table.columns:
        raise GANError(
            f"{table.path} has no column {column}; its columns are {', '.join(table.columns) or 'none'}. Name the one "
            f"of file names with {flag}."
        )
    if not table.rows:
        raise GANError(f"{table.path} lists no files.")
    files = []
    for number, row in enumerate(table.rows, 1):
        file = _file_of(table.path.parent, row[column])
        if file is None:
            raise GANError(
                f"{table.path} lists {row[column] or 'no file'!r} in row {number}, which is not there; names are "
                f"those of files below the table's folder, with their suffix."
            )
        files.append(file)
    return files


def _as_listed(folder: Path, file: Path) -> Path:
    """A file below a folder as it is found there, also if it was named in full."""
    if file.is_absolute() and file.resolve().is_relative_to(folder.resolve()):
        return folder / file.resolve().relative_to(folder.resolve())
    return folder / file


def _file_of(folder: Path, cell: Any) -> Path | None:
    if not isinstance(cell, str):
        return None
    name = cell.strip()
    for spelling in (name, name.replace("\\", "/")):
        for form in (spelling, *(unicodedata.normalize(form, spelling) for form in ("NFC", "NFD"))):
            if form and is_file(folder / form):
                return _as_listed(folder, Path(form))
    return None
