"""ZIP and tar archives are read as the folder that they were made of."""

import importlib
import os
import shutil
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from gan import GANError
from gan.audio import data as audio
from gan.audio.task import AudioTask
from gan.data import DataReport, Decoder, archives, decode, list_files
from gan.data.archives import Members, is_file, open_archive, read_bytes
from gan.data.rows import Rows
from gan.image import data as image
from gan.image.task import ImageTask
from gan.text import data as text
from gan.text.task import TextTask
from gan.training import arguments

FORMATS = ("zip", "tar")
decoding = importlib.import_module("gan.data.decode")


def packed(folder: Path, kind: str) -> Path:
    return Path(shutil.make_archive(str(folder), kind, folder.parent, folder.name))


def loaded(modality: str, source: Path, *more: str) -> Any:
    words = [modality, "--train_data_dir", str(source), "--cache_dir", str(source.parent / "cache"), *more]
    args = arguments.parser({"image": ImageTask, "text": TextTask, "audio": AudioTask}).parse_args(words)
    vars(args).update({"window_length": 256, "tokens": "words"} if modality == "text" else {})
    return {"image": image, "audio": audio, "text": text}[modality].load(args)


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_with_classes_and_splits(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "pets"
    for k in range(12):
        path = root / ("test" if k % 3 == 0 else "train") / ("katzen 🐈" if k % 2 else "Hündin") / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    (root / "train" / "notes.txt").write_text("no picture")
    expected, found = loaded("image", root), loaded("image", packed(root, kind))
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(one.pixels, other.pixels) and np.array_equal(one.labels, other.labels)
        assert one.label_names == other.label_names == ["Hündin", "katzen 🐈"]
        assert one.name == other.name == "pets"
    assert found[0].report.left_out == {"of other kinds": {".txt": 1}}


@pytest.mark.parametrize("kind", FORMATS)
def test_sounds_that_a_table_names(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "notes"
    root.mkdir()
    for k in range(4):
        soundfile.write(root / f"{k}.wav", 0.5 * np.sin(np.arange(2000) * (k + 1) / 20), 8000)
    table = "\n".join(f"{k}.wav,{'low' if k < 2 else 'high'}" for k in range(4))
    (root / "metadata.csv").write_text(f"file_name,pitch\n{table}")
    flags = ("--label_column", "pitch", "--duration", "0.25")
    expected, found = (loaded("audio", source, *flags)[0] for source in (root, packed(root, kind)))
    assert np.array_equal(expected.audio, found.audio) and np.array_equal(expected.labels, found.labels)
    assert expected.label_names == found.label_names == {"pitch": ["high", "low"]}


@pytest.mark.parametrize("kind", FORMATS)
def test_texts(tmp_path: Path, kind: str) -> None:
    for name in ("sad", "glad"):
        (tmp_path / "songs" / name).mkdir(parents=True)
        (tmp_path / "songs" / name / "a.txt").write_text(f"a {name} line\nand another\n")
    expected, found = (
        loaded("text", source).train for source in (tmp_path / "songs", packed(tmp_path / "songs", kind))
    )
    assert (expected.texts, expected.label_names) == (found.texts, found.label_names)
    assert np.array_equal(expected.labels, found.labels) and found.name == "songs"


def write_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/"), content)
    return path


def test_what_is_listed_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", a__1=b"one", a__2=b"", b=b"x" * 50, **{"../c": b"up", ".hidden/d": b"no"})
    monkeypatch.setattr(archives, "MAX_BYTES", 10)
    report = DataReport("files")
    files = list_files(path, None, report)
    assert [file.relative_to(path).as_posix() for file in files] == ["a/1", "a/2", "c"]
    assert report.left_out == {"too large": {"": 1}}
    assert [read_bytes(file) for file in files] == [b"one", b"", b"up"]
    assert is_file(files[0]) and not is_file(path / "a") and not is_file(path / "b")
    with pytest.raises(OSError, match="is not there"):
        read_bytes(path / "b")
    assert read_bytes(path)[:2] == b"PK"  # of a file on disk


def test_names_in_utf8_that_are_not_said_to_be(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", kXXtzchen=b"")
    path.write_bytes(path.read_bytes().replace(b"kXXtzchen", "kätzchen".encode()))
    assert [file.name for file in open_archive(path).members] == ["kätzchen"]


def number(file: Any) -> tuple[np.ndarray, Counter[str]]:
    return np.array([[int(file.read())]], np.uint8), Counter()


def test_damaged_members_are_counted_and_processes_share_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "a.zip", **{f"{k:03}.txt": str(k).encode() for k in range(200)})
    content = bytearray(path.read_bytes())
    place = content.index(b"007.txt") + len("007.txt")
    content[place : place + 3] = b"\xff\xff\xff"
    path.write_bytes(content)
    monkeypatch.setattr(decoding, "MIN_SHARED", 50)
    monkeypatch.setattr(decoding, "cores", lambda: 2)
    archive = open_archive(path)
    rows = Rows(Members(archive, list(archive.members)), {}, {}, "numbers", "train", "the folder numbers")
    decoder = Decoder(number, "numbers", (ValueError, OSError), "numbers")
    for _ in range(2):  # decoded, and from the cache
        report = DataReport("numbers")
        decoded = decode(rows, decoder, str(tmp_path / "cache"), report)
        assert decoded.samples[:, 0].tolist() == [k for k in range(200) if k != 7]
        assert report.left_out == {"damaged": {".txt": 1}}
    assert decode(rows.take([3, 5]), decoder, None, DataReport("numbers")).samples[:, 0].tolist() == [3, 5]
    os.utime(path, (0, 0))
    assert rows.files.fingerprint != Members(open_archive(path), rows.files.paths[1:]).fingerprint


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_damaged_archives(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK, or not" * 100)
    with pytest.raises(GANError, match=rf"{name} is damaged, or no such archive \(.*\); make or download it again"):
        loaded("image", tmp_path / name)


def test_links_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        link = tarfile.TarInfo("a.txt")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        file.addfile(link)
    assert not open_archive(tmp_path / "a.tar").members
