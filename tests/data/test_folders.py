"""Folders as people have them."""

from pathlib import Path

import pytest

from gan import GANError
from gan.data import DataReport, check_folder, classes_by_folder, folder_splits, list_files, look_through

SUFFIXES = frozenset({".png"})


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def names(files: list[Path], root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def test_hidden_files_are_not_listed(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.png", ".git/2.png", "a/._1.png", "__MACOSX/a/1.png", "b.png")
    assert names(list_files(tmp_path, None, DataReport("files")), tmp_path) == ["a/1.png", "b.png"]


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", "cat/1.png")
    fill(tmp_path / "zoo", "dog/1.png")
    (tmp_path / "zoo" / "cat").symlink_to(tmp_path / "elsewhere" / "cat")
    (tmp_path / "zoo" / "dog" / "again").symlink_to(tmp_path / "zoo")
    (tmp_path / "zoo" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    report = DataReport("files")
    files = list_files(tmp_path / "zoo", None, report)
    assert names(files, tmp_path / "zoo") == ["cat/1.png", "dog/1.png"]
    assert report.left_out == {"links to nothing": {".png": 1}}


def test_what_a_run_wrote_is_left_out_and_said(tmp_path: Path) -> None:
    fill(tmp_path, "cat/1.png", "model/model_index.json", "model/samples.png", "other/sampling.json", "other/7.png")
    fill(tmp_path, "run/previews/step.png", "run/checkpoint-000500/x.png")
    report = DataReport("files")
    files = list_files(tmp_path, str(tmp_path / "run"), report)
    assert names(files, tmp_path) == ["cat/1.png"]
    assert report.notes == [f"What a run wrote into {tmp_path} is not trained on: model, other, run."]


def test_a_run_that_writes_beside_its_data(tmp_path: Path) -> None:
    fill(tmp_path, "cat/1.png", "previews/step.png", "checkpoint-500/x.png", "samples.png")
    assert names(list_files(tmp_path, str(tmp_path), DataReport("files")), tmp_path) == ["cat/1.png"]
    # without a run there they are as good as any
    assert "previews/step.png" in names(list_files(tmp_path, None, DataReport("files")), tmp_path)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["pets/cat/1", "pets/dog/1"], "pets"),
        (["a/b/cat/1", "a/b/dog/1"], "a/b"),
        (["pets/cat/1", "readme/1"], "."),
        (["pets/cat/1", "1"], "."),
        (["all/1", "all/2"], "all"),
    ],
)
def test_a_wrapper_is_looked_through(tmp_path: Path, files: list[str], found: str) -> None:
    assert look_through(tmp_path, [tmp_path / name for name in files]) == tmp_path / found


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (["train", "test"], ["train", "test"]),
        (["Training", "val", "Test"], ["Training", "Test", "val"]),
        (["train", "car"], ["train"]),
        (["test", "val"], ["train"]),
        (["cat", "dog"], ["train"]),
    ],
)
def test_splits(tmp_path: Path, folders: list[str], splits: list[str]) -> None:
    files = [tmp_path / folder / kind / "1.png" for folder in folders for kind in ("cat", "dog")]
    report = DataReport("files")
    found = folder_splits(tmp_path, files, report)
    assert list(found) == splits
    if len(splits) > 1:
        assert classes_by_folder(found[splits[0]], report) == ["cat", "dog"]
        assert "are taken for splits, not for classes" in report.notes[0]


def test_folders_beside_splits_are_left_out(tmp_path: Path) -> None:
    files = [tmp_path / folder / "1.png" for folder in ("train", "test", "extra")]
    report = DataReport("files")
    assert list(folder_splits(tmp_path, files, report)) == ["train", "test"]
    assert report.left_out == {"beside the splits": {".png": 1}}


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("cats.tar.gz", "tar -xf"),
        ("cats.tgz", "tar -xf"),
        ("cats.7z", "unpack it"),
        ("cats.parquet", "--dataset_name"),
        ("cat.png", "as many pictures as you have"),
        ("cats.txt", "takes a folder of pictures"),
    ],
)
def test_a_file_where_a_folder_is_wanted(tmp_path: Path, name: str, remedy: str) -> None:
    fill(tmp_path, name)
    with pytest.raises(GANError, match="and no folder; ") as caught:
        check_folder(tmp_path / name, "pictures", SUFFIXES)
    assert remedy in str(caught.value)
    with pytest.raises(GANError, match="does not exist"):
        check_folder(tmp_path / "nowhere", "pictures", SUFFIXES)
