"""Tables beside files."""

import unicodedata
from pathlib import Path

import pytest

from gan import GANError
from gan.data import DataReport, find_table, listed_files, read_table
from gan.data.tables import tell_tables


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,label\n1.png,a b\n2.png,\n"),
        ("metadata.csv", "\ufefffile_name , label\r\n 1.png ,a b \r\n2.png,\r\n\r\n"),
        ("metadata.csv", "file_name;label\n1.png;a b\n2.png;\n"),
        ("metadata.csv", 'file_name,label\n"1.png","a b"\n2.png'),
        ("metadata.tsv", "file_name\tlabel\n1.png\ta b\n2.png\t\n"),
        ("metadata.csv", "file_name,label\n1.png,a b\n2.png,\n".encode("utf-16")),
        ("metadata.jsonl", '{"file_name": " 1.png", "label ": "a b"}\n\n{"file_name": "2.png"}\n'),
    ],
)
def test_blanks_and_separators(tmp_path: Path, name: str, text: str | bytes) -> None:
    table = read_table(write(tmp_path / name, text))
    assert table.columns == ["file_name", "label"]
    assert table.rows == [{"file_name": "1.png", "label": "a b"}, {"file_name": "2.png", "label": None}]


@pytest.mark.parametrize("text", ["[1]\n", "{", b"\xff\xff\xff"])
def test_what_is_no_table(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(GANError, match="not a table of JSON lines"):
        read_table(write(tmp_path / "metadata.jsonl", text))


def test_paths_from_other_systems(tmp_path: Path) -> None:
    composed, decomposed = "café.png", unicodedata.normalize("NFD", "café.png")
    (tmp_path / "sub").mkdir()
    for name in ("sub/1.png", decomposed):
        write(tmp_path / name, "")
    table = read_table(write(tmp_path / "metadata.csv", f"file_name\nsub\\1.png\n./sub/1.png\n{composed}\n"))
    assert listed_files(table, None, "--image_column") == [tmp_path / "sub/1.png"] * 2 + [tmp_path / decomposed]


def test_another_column_of_files(tmp_path: Path) -> None:
    write(tmp_path / "1.png", "")
    table = read_table(write(tmp_path / "metadata.csv", "picture,label\n1.png,a\n"))
    assert listed_files(table, "picture", "--image_column") == [tmp_path / "1.png"]
    with pytest.raises(GANError, match=r"no column file_name; its columns are picture, label.*--image_column"):
        listed_files(table, None, "--image_column")


def test_one_table_a_folder(tmp_path: Path) -> None:
    assert find_table(tmp_path) is None
    write(tmp_path / "metadata.csv", "")
    assert find_table(tmp_path) == tmp_path / "metadata.csv"
    write(tmp_path / "metadata.jsonl", "")
    with pytest.raises(GANError, match="keep one of them"):
        find_table(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [("metadata.csv", "file_name,said\r1.png,a\u2028b\r"), ("metadata.jsonl", '{"said": "a\u2028b"}')],
)
def test_only_line_breaks_end_a_row(tmp_path: Path, name: str, text: str) -> None:
    assert [row["said"] for row in read_table(write(tmp_path / name, text)).rows] == ["a\u2028b"]


def test_files_that_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set").mkdir()
    write(tmp_path / "set/1.png", "")
    write(tmp_path / "set/metadata.csv", f"file_name\n{tmp_path}/set/1.png\n")
    monkeypatch.chdir(tmp_path)
    assert listed_files(read_table(Path("set/metadata.csv")), None, "--image_column") == [Path("set/1.png")]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(GANError, match="several columns called 'label'; rename or remove one of them"):
        read_table(write(tmp_path / "metadata.csv", "file_name,label,label\n1.png,a,b\n"))


def test_tables_that_are_not_read_are_named(tmp_path: Path) -> None:
    for name, said in (
        (
            "labels.csv",
            "labels.csv is not read; to have classes from it, give it as --train_data_dir, with --audio_column",
        ),
        (
            "metadata.json",
            "metadata.json is not read; to have classes from it, write it as JSON lines, metadata.jsonl",
        ),
        ("cat/metadata.csv", "one table, above all folders, lists the files of all of them"),
        ("notes.txt", None),
    ):
        report = DataReport("sounds")
        tell_tables([tmp_path / "1.wav", tmp_path / name], "--audio_column", report)
        assert said in report.notes[0] if said else not report.notes
