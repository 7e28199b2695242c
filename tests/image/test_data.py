"""Pictures for training, from folders and data sets as people have them."""

import argparse
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets import ClassLabel, Value
from PIL import Image

from gan import GANError
from gan.data import cache
from gan.image import data
from gan.image.data import ImageSet
from gan.image.task import ImageTask
from gan.training import arguments

Load = Callable[..., tuple[ImageSet, ImageSet]]


def picture(seed: int, width: int = 16, height: int = 16, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def block(color: Any, mode: str = "RGB", size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new(mode, size, color)


def folder(root: Path, names: Sequence[str], first_seed: int = 0) -> Path:
    for seed, name in enumerate(names, first_seed):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(seed).save(root / name)
    return root


def dataset(root: Path, features: dict[str, Any], split: str = "train", **columns: Any) -> Path:
    """Writes a split as the Hub keeps it, and returns the folder."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    rows = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    rows.to_parquet(root / "data" / f"{split}-00000-of-00001.parquet")
    return root


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`data.load` with the flags of a command line."""

    def loaded(*flags: str | Path) -> tuple[ImageSet, ImageSet]:
        words = ["image", "--cache_dir", str(tmp_path / "cache"), *map(str, flags)]
        args: argparse.Namespace = arguments.parser({"image": ImageTask}).parse_args(words)
        return data.load(args)

    return loaded


def refusal(load: Load, *flags: str | Path) -> str:
    with pytest.raises(GANError) as caught:
        load(*flags)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


# Plain folders


def test_a_folder_of_pictures(load: Load, tmp_path: Path) -> None:
    folder(tmp_path / "holiday", [f"{k}.png" for k in range(12)])
    train, test = load("--train_data_dir", tmp_path / "holiday")
    assert (len(train), test) == (12, None)  # too few to set any aside
    assert train.pixels.dtype == np.uint8
    assert (train.resolution, train.channels) == ((16, 16), 3)
    assert (train.labels, train.label_names, train.name, train.skipped) == (None, None, "holiday", 0)
    assert train.classes(torch.arange(3)) is None
    order = sorted(range(12), key=lambda k: f"{k}.png")
    for place, k in enumerate(order):
        assert np.array_equal(train.pixels[place].transpose(1, 2, 0), np.asarray(picture(k)))


def test_sub_folders_are_classes(load: Load, tmp_path: Path) -> None:
    names = [f"{kind}/{k}/{k}.png" for kind in ("cat", "Dog", "猫") for k in range(5)]
    train, _ = load("--train_data_dir", folder(tmp_path / "zoo", names))
    assert train.label_names == ["Dog", "cat", "猫"]
    assert train.labels is not None
    assert train.labels.dtype == np.int64
    assert train.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    classes = train.classes(torch.tensor([14, 0]))
    assert classes is not None and classes.tolist() == [2, 0]


def test_when_sub_folders_are_not_classes(load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zoo = folder(tmp_path / "zoo", ["cat/1.png", "dog/1.png"])
    assert load("--train_data_dir", zoo, "--unconditional")[0].labels is None
    assert load("--train_data_dir", folder(tmp_path / "one", ["all/1.png", "all/2.png"]))[0].labels is None
    folder(zoo, ["3.png"])  # a picture of no class
    capsys.readouterr()
    assert load("--train_data_dir", zoo)[0].labels is None
    assert "are not taken for classes, as there are files beside them (3.png)." in capsys.readouterr().out


def test_hidden_files_are_not_meant(load: Load, tmp_path: Path) -> None:
    zoo = folder(tmp_path / "zoo", ["cat/1.png", "dog/1.png", ".ipynb_checkpoints/1.png"])
    (zoo / "._cover.png").write_bytes(b"what macOS keeps beside a file")
    train, _ = load("--train_data_dir", zoo)
    assert (len(train), train.label_names, train.skipped) == (2, ["cat", "dog"], 0)


def test_a_class_without_a_readable_picture_is_none(load: Load, tmp_path: Path) -> None:
    zoo = folder(tmp_path / "zoo", ["ape/1.png", "cat/1.png", "dog/1.png"])
    (zoo / "cat/1.png").write_bytes(b"not a picture")
    train, _ = load("--train_data_dir", zoo)
    assert train.label_names == ["ape", "dog"]
    assert train.labels is not None and train.labels.tolist() == [0, 1]


def test_a_corrupt_picture_among_good_ones_is_skipped_and_counted(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "zoo", [f"{kind}/{k:02}.png" for kind in ("cat", "dog") for k in range(20)])
    (root / "cat" / "00.png").write_bytes(b"not a picture")
    (root / "cat" / "07.png").write_bytes((root / "cat" / "07.png").read_bytes()[:200])
    (root / "dog" / "05.png").write_bytes(b"")
    (root / "dog" / "notes.txt").write_text("not meant to be one")
    train, test = load("--train_data_dir", root)
    assert train.skipped == 3
    assert len(train) + len(test) == 37
    assert train.labels is not None and test.labels is not None
    assert np.bincount(np.concatenate([train.labels, test.labels])).tolist() == [18, 19]  # each with its own class


def test_damaged_metadata_costs_a_picture_at_most(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", ["1.png", "2.png"])
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(3).save(root / "3.webp", exif=turned)
    content = (root / "3.webp").read_bytes()
    place = content.index(b"MM\x00*")
    (root / "3.webp").write_bytes(content[: place + 3] + b"\x12" + content[place + 4 :])
    assert len(load("--train_data_dir", root)[0]) >= 2


def test_a_part_of_a_set_too_large_for_memory_is_no_copy_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 1, 4, 4), dtype=np.uint8)
    whole = ImageSet(pixels, np.arange(10), None, "own", "train")
    for most in (cache.IN_MEMORY, 0):
        monkeypatch.setattr(cache, "IN_MEMORY", most)
        part = whole.take(np.array([7, 1, 4]), "some")
        assert isinstance(part.pixels, np.memmap) == (most == 0)
        assert np.array_equal(part.pixels, pixels[[7, 1, 4]]) and part.labels.tolist() == [7, 1, 4]


@pytest.mark.parametrize("flag", ["--train_data_dir", "--dataset_name"])
def test_folders_that_are_missing(load: Load, tmp_path: Path, flag: str) -> None:
    said = refusal(load, flag, tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in said
    assert "does not exist" in said


def test_folders_without_a_picture(load: Load, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = refusal(load, "--train_data_dir", tmp_path / "empty")
    assert str(tmp_path / "empty") in said
    assert ".png" in said
    assert "holds no data set" in refusal(load, "--dataset_name", tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").write_text("text")
    assert "no pictures" in refusal(load, "--train_data_dir", tmp_path / "empty")
    said = refusal(load, "--train_data_dir", tmp_path / "empty" / "notes.txt")
    assert "is a file and no folder" in said and "takes a folder of pictures" in said


def test_folders_without_a_readable_picture(load: Load, tmp_path: Path) -> None:
    for k in range(3):
        (tmp_path / f"{k}.jpg").write_bytes(b"\xff\xd8\xff nothing else")
    assert "None of the 3 pictures" in refusal(load, "--train_data_dir", tmp_path)


# Kinds of pictures


def only(load: Load, root: Path, *flags: str) -> np.ndarray:
    """The one picture of a folder, (height, width, channels)."""
    train, _ = load("--train_data_dir", root, *flags)
    assert len(train) == 1
    return train.pixels[0].transpose(1, 2, 0)


def test_what_is_transparent_is_white(load: Load, tmp_path: Path) -> None:
    image = block((255, 0, 0, 255), "RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))  # the left half is transparent black
    image.paste((0, 0, 255, 128), (12, 0, 16, 16))
    image.save(tmp_path / "1.png")
    found = only(load, tmp_path)
    assert (found[:, :8] == 255).all()
    assert (found[:, 8:12] == (255, 0, 0)).all()
    assert np.abs(found[:, 12:].astype(int) - (127, 127, 255)).max() <= 1


def test_transparent_palettes(load: Load, tmp_path: Path) -> None:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([0, 0, 0, 0, 200, 0, 0, 0, 200])
    image.paste(1, (8, 0, 16, 16))
    image.save(tmp_path / "1.png", transparency=0)
    found = only(load, tmp_path)
    assert (found[:, :8] == 255).all()
    assert (found[:, 8:] == (0, 200, 0)).all()


def test_transparent_grey(load: Load, tmp_path: Path) -> None:
    image = Image.new("LA", (16, 16), (90, 255))
    image.paste((0, 0), (0, 0, 8, 16))
    image.save(tmp_path / "1.png")
    found = only(load, tmp_path)
    assert found.shape == (16, 16, 1)
    assert (found[:, :8] == 255).all()
    assert (found[:, 8:] == 90).all()


@pytest.mark.parametrize(("suffix", "order"), [("png", "<u2"), ("tiff", "<u2"), ("tiff", ">u2")])
def test_sixteen_bits(load: Load, tmp_path: Path, suffix: str, order: str) -> None:
    levels = np.linspace(0, 65535, 256).reshape(16, 16).astype(order)
    Image.fromarray(levels).save(tmp_path / f"1.{suffix}")
    found = only(load, tmp_path)
    assert found.shape == (16, 16, 1)
    assert np.array_equal(found[..., 0], levels >> 8)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_colour_spaces(load: Load, tmp_path: Path, mode: str) -> None:
    block((200, 40, 40)).convert(mode).save(tmp_path / "1.jpg", quality=100)
    found = only(load, tmp_path)
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - (200, 40, 40)).max() < 12


def test_an_animation_counts_as_its_first_picture(load: Load, tmp_path: Path) -> None:
    frames = [block((250, 0, 0)), block((0, 250, 0))]
    frames[0].save(tmp_path / "1.gif", save_all=True, append_images=frames[1:])
    assert np.abs(only(load, tmp_path).astype(int) - (250, 0, 0)).max() < 8


def test_photographs_are_turned_upright(load: Load, tmp_path: Path) -> None:
    image = block((255, 255, 255), size=(32, 16))
    image.paste((0, 0, 0), (0, 0, 16, 16))  # dark on the left
    turned = Image.Exif()
    turned[0x0112] = 6  # turn by 90 degrees clockwise
    image.save(tmp_path / "1.jpg", exif=turned, quality=100)
    found = only(load, tmp_path)
    assert found.shape == (32, 16, 3)
    assert found[:12].max() < 40  # dark above
    assert found[20:].min() > 215


@pytest.mark.parametrize(
    ("mode", "others", "channels"), [("1", "L", 1), ("L", "L", 1), ("L", "RGB", 3), ("P", "L", 3)]
)
def test_grey_or_colour_as_the_set_is(load: Load, tmp_path: Path, mode: str, others: str, channels: int) -> None:
    picture(0, mode=mode).save(tmp_path / "1.png")
    picture(1, mode=others).save(tmp_path / "2.png")
    picture(2, mode="L").save(tmp_path / "3.png")
    train, _ = load("--train_data_dir", tmp_path)
    assert train.pixels.shape == (3, channels, 16, 16)
    mixed = [note for note in train.report.notes if "Grey and coloured pictures are mixed" in note]
    assert bool(mixed) == (channels == 3)
    for wanted in (1, 3):
        train, _ = load("--train_data_dir", tmp_path, "--image_channels", str(wanted))
        assert train.channels == wanted


@pytest.mark.parametrize("suffix", ["avif", "jfif", "ppm", "pgm", "tga", "qoi", "jp2", "ico", "dib", "pcx", "apng"])
def test_every_format_that_pillow_opens(load: Load, tmp_path: Path, suffix: str) -> None:
    for seed in range(3):
        kind = {"jfif": "JPEG", "dib": "BMP", "apng": "PNG", "pgm": "PPM"}.get(suffix)
        picture(seed).save(tmp_path / f"{seed}.{suffix}", format=kind)
    train, _ = load("--train_data_dir", tmp_path)
    assert (len(train), train.report.left_out) == (3, {})


def test_other_files_are_counted_by_suffix(load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path / "set", ["1.png", "2.png"])
    for name in ("a.heic", "b.heic", "notes.txt", "README"):
        (root / name).write_bytes(b"something else")
    (root / "3.jpg").write_bytes(b"damaged")
    train, _ = load("--train_data_dir", root)
    assert train.report.left_out["of other kinds"] == {".heic": 2, ".txt": 1, "": 1}
    assert train.report.left_out["damaged"] == {".jpg": 1}
    said = capsys.readouterr().out
    assert "4 of other kinds (.heic 2, " in said
    assert "pip install pillow-heif" in said


@pytest.mark.parametrize("largest", [255, 1023, 4095, 16383, 65535])
def test_bits_are_those_of_the_set(load: Load, tmp_path: Path, largest: int) -> None:
    ramp = np.linspace(0, largest, 256).reshape(16, 16).astype(np.uint16)
    for k, share in enumerate((1, 0.5)):  # the second is darker and stays so
        Image.fromarray((ramp * share).astype(np.uint16)).save(tmp_path / f"{k}.png")
    train, _ = load("--train_data_dir", tmp_path)
    assert train.pixels[0].max() == 255
    assert train.pixels[1].max() == 127
    assert any("taken for white" in note for note in train.report.notes) == (255 < largest < 65535)


def test_animations_are_said(load: Load, tmp_path: Path) -> None:
    for name in ("1.gif", "2.tiff", "3.webp"):
        picture(0).save(tmp_path / name, save_all=True, append_images=[picture(1)])
    picture(2).save(tmp_path / "4.gif")
    assert "several pages (3) the first" in load("--train_data_dir", tmp_path)[0].report.notes[0]


# Sizes


@pytest.mark.parametrize(
    ("size", "resolution"),
    [((28, 28), (28, 28)), ((36, 20), (20, 36)), ((64, 64), (64, 64)), ((100, 100), (64, 64)), ((30, 30), (64, 64))],
)
def test_small_pictures_keep_their_size(
    load: Load, tmp_path: Path, size: tuple[int, int], resolution: tuple[int, int]
) -> None:
    picture(0, *size).save(tmp_path / "1.png")
    picture(1, 50, 70).save(tmp_path / "2.png")
    assert load("--train_data_dir", tmp_path)[0].resolution == resolution


def test_cropping_keeps_proportions_and_stretching_does_not(load: Load, tmp_path: Path) -> None:
    image = block((0, 0, 0), size=(64, 32))
    image.paste((255, 255, 255), (16, 0, 48, 32))  # a white square in the middle
    image.save(tmp_path / "1.png")
    cropped = only(load, tmp_path, "--resolution", "16")
    assert cropped.min() > 230
    stretched = only(load, tmp_path, "--resolution", "16", "--no-center_crop")
    assert stretched[:, :3].max() < 25
    assert stretched[:, 5:11].min() > 230


def test_pictures_need_not_be_square(load: Load, tmp_path: Path) -> None:
    folder(tmp_path, ["1.png"])
    train, _ = load("--train_data_dir", tmp_path, "--resolution", "24x12")
    assert train.pixels.shape == (1, 3, 24, 12)
    images = train.images(torch.tensor([0]))
    assert images.shape == (1, 3, 24, 12)


def test_what_the_networks_get(load: Load, tmp_path: Path) -> None:
    folder(tmp_path, [f"{k}.png" for k in range(5)])
    train, _ = load("--train_data_dir", tmp_path)
    images = train.images(torch.tensor([3, 0, 3]))
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.min() >= -1 and images.max() <= 1
    assert torch.equal(images[0], images[2])
    assert np.array_equal(((images[1] + 1) * 127.5).round().numpy(), train.pixels[0])


def test_the_size_is_that_of_most(load: Load, tmp_path: Path) -> None:
    picture(0, 20, 20).save(tmp_path / "0.png")
    for seed in range(1, 4):
        picture(seed, 32, 24).save(tmp_path / f"{seed}.png")
    train, _ = load("--train_data_dir", tmp_path)
    assert train.resolution == (24, 32)
    assert train.report.found["size"] == "24x32 (that of most, 3 of 4 looked at)"


# Splits and tables in a folder


def test_splits_of_a_folder(load: Load, tmp_path: Path) -> None:
    names = [
        f"{split}/{kind}/{k}.png" for split in ("train", "val", "test") for kind in ("cat", "dog") for k in range(4)
    ]
    train, test = load("--train_data_dir", folder(tmp_path / "data", names))
    assert (len(train), train.split, len(test), test.split) == (8, "train", 8, "test")
    assert train.label_names == test.label_names == ["cat", "dog"]
    assert train.report.left_out == {"of the split val": {".png": 8}}
    wrapped = folder(tmp_path / "archive", [f"data-1.0/{name}" for name in names])
    assert load("--train_data_dir", wrapped)[1].split == "test"


def test_a_test_folder_of_other_classes(load: Load, tmp_path: Path) -> None:
    names = [f"train/{kind}/{k:02}.png" for kind in ("cat", "dog") for k in range(12)]
    train, test = load("--train_data_dir", folder(tmp_path / "data", [*names, "test/1.png", "test/2.png"]))
    assert (len(train), test.split) == (22, "held-out tenth")
    assert any("other classes" in note for note in train.report.notes)


def test_copies_across_the_held_out_line_are_found(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "data", [f"train/{k}.png" for k in range(6)])
    folder(root, ["test/a.png", "test/b.png"], first_seed=5)
    train, _ = load("--train_data_dir", root)
    assert train.report.held_out == {"split": "test", "samples": 2, "duplicates": 1}
    assert train.report.notes[-1].startswith("Trained on, too: 1 of the 2 held-out pictures")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_table_beside_pictures(load: Load, tmp_path: Path, suffix: str) -> None:
    root = folder(tmp_path / "data", [f"images/{k}.png" for k in range(6)])
    rows = [("images\\" if k else "images/") + f"{k}.png" for k in range(5)]
    breeds = ["b", "a", " a", "b ", "a"]
    if suffix == "csv":
        lines = ["file_name,breed,caption", *(f"{file},{breed},x y" for file, breed in zip(rows, breeds))]
    else:
        lines = [json.dumps({"file_name": file, "breed": breed}) for file, breed in zip(rows, breeds)]
    (root / f"metadata.{suffix}").write_text("\n".join(lines))
    train, _ = load("--train_data_dir", root, "--label_column", "breed")
    assert train.label_names == ["a", "b"]
    assert train.labels is not None and train.labels.tolist() == [1, 0, 0, 1, 0]
    assert train.report.left_out == {f"not listed in metadata.{suffix}": {".png": 1}}
    unnamed, _ = load("--train_data_dir", root)
    assert unnamed.labels is None
    assert any("--label_column can name a column: breed" in note for note in unnamed.report.notes)
    assert load("--train_data_dir", root / f"metadata.{suffix}", "--label_column", "breed")[0].label_names == [
        "a",
        "b",
    ]
    assert "'mood'" in refusal(load, "--train_data_dir", root, "--label_column", "mood")


def test_a_label_column_without_a_table(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "data", ["1.png", "2.png"])
    assert "no metadata.csv" in refusal(load, "--train_data_dir", root, "--label_column", "breed")
    assert "nor a metadata.csv" in refusal(load, "--train_data_dir", root, "--label_column", "label")


def test_class_folders_with_names_as_they_come(load: Load, tmp_path: Path) -> None:
    names = ["cafe\u0301/1.png", "10/1.png", "2/1.png", " tea /1.png", os.fsdecode(b"th\xe9") + "/1.png"]
    train, _ = load("--train_data_dir", folder(tmp_path / "data", names))
    assert train.label_names == ["2", "10", "café", "tea", "th\\xe9"]


def test_as_many_classes_as_pictures(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "data", [f"{k}/1.png" for k in range(24)])
    assert "24 classes of 24 pictures" in refusal(load, "--train_data_dir", root)
    assert len(load("--train_data_dir", root, "--allow_any_label")[0].label_names) == 24
    assert load("--train_data_dir", root, "--unconditional")[0].labels is None


# Held-out pictures


def test_a_tenth_is_held_out(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", [f"{kind}/{k:02}.png" for kind in "ab" for k in range(20)])
    train, test = load("--train_data_dir", root)
    assert (len(train), len(test)) == (36, 4)
    assert test.split == "held-out tenth"
    assert "without" in train.split
    seen, held = ({picture.tobytes() for picture in part.pixels} for part in (train, test))
    assert len(seen | held) == 40
    again = load("--train_data_dir", root, "--seed", "5")  # always the same ones: figures of runs can be compared
    assert np.array_equal(again[1].pixels, test.pixels)
    assert train.label_names == test.label_names == ["a", "b"]


def test_no_class_is_held_out_whole(load: Load, tmp_path: Path) -> None:
    alone, pairs = [f"alone{k}/0.png" for k in range(15)], [f"pair{k}/{i}.png" for k in range(15) for i in "01"]
    train, test = load("--train_data_dir", folder(tmp_path / "set", [*alone, *pairs]))
    assert sorted(set(train.labels)) == list(range(30))
    assert 2 <= len(test) < 4  # of 45
    assert all(test.label_names[label].startswith("pair") for label in test.labels)
    lonely = [f"{k:02}/0.png" for k in range(20)]
    train, test = load("--train_data_dir", folder(tmp_path / "lonely", lonely), "--allow_any_label")
    assert (len(train), test) == (20, None)


def test_a_part_of_the_pictures(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", [f"{kind}/{k:02}.png" for kind in "abc" for k in range(12)])
    train, _ = load("--train_data_dir", root, "--max_train_samples", "15")
    assert len(train) == 15
    assert train.label_names == ["a", "b", "c"]  # from all over, not from the first folder alone
    assert np.array_equal(load("--train_data_dir", root, "--max_train_samples", "15")[0].pixels, train.pixels)
    assert len(load("--train_data_dir", root, "--max_train_samples", "1000")[0]) == 33


def test_the_fingerprint_is_of_every_pixel_and_label(load: Load, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", ["a/1.png", "a/2.png", "b/1.png"])
    train, _ = load("--train_data_dir", root)
    fingerprint = train.fingerprint()
    assert len(fingerprint) == 16
    assert int(fingerprint, 16) >= 0
    assert load("--train_data_dir", root)[0].fingerprint() == fingerprint
    train.pixels[2, 1, 5, 5] ^= 1
    assert train.fingerprint() != fingerprint
    train.pixels[2, 1, 5, 5] ^= 1
    assert train.fingerprint() == fingerprint
    assert train.labels is not None
    train.labels[0] = 1
    assert train.fingerprint() != fingerprint
    assert load("--train_data_dir", root, "--unconditional")[0].fingerprint() != fingerprint


def test_taking_a_part(load: Load, tmp_path: Path) -> None:
    train, _ = load("--train_data_dir", folder(tmp_path / "set", ["a/1.png", "a/2.png", "b/1.png"]))
    part = train.take(np.array([2, 0]), "some")
    assert np.array_equal(part.pixels, train.pixels[[2, 0]])
    assert part.labels is not None and part.labels.tolist() == [1, 0]
    assert (part.split, part.name, part.label_names) == ("some", "set", ["a", "b"])


# Data sets as on the Hub

PICTURES = [picture(seed) for seed in range(30)]
SHAPES = {"image": datasets.Image(), "label": ClassLabel(names=["square", "circle", "star"])}


def test_a_local_data_set(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "shapes", SHAPES, image=PICTURES, label=[k % 3 for k in range(30)])
    dataset(root, SHAPES, "test", image=PICTURES[:6], label=[2, 1, 0, 2, 1, 0])
    train, test = load("--dataset_name", root)
    assert (len(train), len(test)) == (30, 6)
    assert (train.split, test.split, train.name) == ("train", "test", "shapes")
    assert train.label_names == test.label_names == ["square", "circle", "star"]
    assert train.labels is not None and test.labels is not None
    assert train.labels.tolist() == [k % 3 for k in range(30)]
    assert test.labels.tolist() == [2, 1, 0, 2, 1, 0]
    assert np.array_equal(train.pixels[7].transpose(1, 2, 0), np.asarray(PICTURES[7]))
    part, whole = load("--dataset_name", root, "--max_train_samples", "10")
    assert (len(part), len(whole)) == (10, 6)
    assert load("--dataset_name", root, "--unconditional")[0].labels is None
    assert load("--dataset_name", root, "--resolution", "8x12")[1].resolution == (8, 12)


def test_a_data_set_without_a_test_split(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(tmp_path / "sets" / "shapes", {"image": datasets.Image()}, image=PICTURES)
    monkeypatch.chdir(tmp_path)
    train, test = load("--dataset_name", "sets/shapes")
    assert (len(train), len(test), test.split) == (27, 3, "held-out tenth")
    assert train.labels is None
    assert train.name == "shapes"  # not taken for a Hub id, although it looks like one


def test_columns_that_are_not_asked_for_are_not_read(load: Load, tmp_path: Path) -> None:
    broken = [{"bytes": b"not a picture", "path": None}] * 30
    features = {"image": datasets.Image(), "mask": datasets.Image()}
    train, test = load("--dataset_name", dataset(tmp_path / "shapes", features, image=PICTURES, mask=broken))
    assert (len(train), len(test), train.skipped) == (27, 3, 0)


@pytest.mark.parametrize("feature", [Value("string"), ClassLabel(names=["circle", "square", "star"])])
def test_a_test_split_may_lack_a_class(load: Load, tmp_path: Path, feature: Any) -> None:
    features = {"image": datasets.Image(), "label": feature}
    root = dataset(tmp_path / "shapes", features, image=PICTURES[:4], label=["star", "circle", "square", "star"])
    dataset(root, features, "test", image=PICTURES[:2], label=["square", "star"])
    train, test = load("--dataset_name", root)
    assert train.label_names == test.label_names == ["circle", "square", "star"]
    assert test.labels is not None and (test.split, test.labels.tolist()) == ("test", [1, 2])


def test_a_class_that_no_picture_has_is_none(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "shapes", SHAPES, image=PICTURES[:4], label=[2, 0, 0, 2])
    dataset(root, SHAPES, "test", image=PICTURES[:2], label=[2, 0])
    train, test = load("--dataset_name", root)
    assert train.label_names == test.label_names == ["square", "star"]
    assert train.labels is not None and train.labels.tolist() == [1, 0, 0, 1]
    assert test.labels is not None and test.labels.tolist() == [1, 0]


def test_a_test_split_of_other_classes_is_of_no_use(
    load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = dataset(tmp_path / "shapes", SHAPES, image=PICTURES, label=[k % 2 for k in range(30)])
    dataset(root, SHAPES, "test", image=PICTURES[:2], label=[0, 2])
    assert load("--dataset_name", root)[1].split == "held-out tenth"
    assert "has other classes than the pictures to train on; some of these are held out" in capsys.readouterr().out


def test_a_test_split_without_labels_is_of_no_use(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "shapes", SHAPES, image=PICTURES, label=[k % 3 for k in range(30)])
    dataset(root, SHAPES, "test", image=PICTURES[:6], label=[-1] * 6)
    train, test = load("--dataset_name", root)
    assert (len(train), len(test), test.split) == (27, 3, "held-out tenth")


@pytest.mark.parametrize(
    ("feature", "values", "names"),
    [
        (Value("string"), ["star", "circle", "star"], ["circle", "star"]),
        (Value("int64"), [10, 9, 10], ["9", "10"]),
        (Value("bool"), [True, False, True], ["False", "True"]),
    ],
)
def test_labels_that_are_no_class_labels(
    load: Load, tmp_path: Path, feature: Any, values: list[Any], names: list[str]
) -> None:
    features = {"img": datasets.Image(), "kind": feature}
    root = dataset(tmp_path / "shapes", features, img=PICTURES[:3], kind=values)
    train, _ = load("--dataset_name", root, "--label_column", "kind")
    assert train.label_names == names
    assert train.labels is not None and train.labels.tolist() == [1, 0, 1]
    assert load("--dataset_name", root)[0].labels is None  # only a column called `label` is taken unasked


def test_wrong_columns(load: Load, tmp_path: Path) -> None:
    features = SHAPES | {"boxes": datasets.List(Value("int64"))}
    boxes = [[1, 2]] * 30
    root = dataset(tmp_path / "shapes", features, image=PICTURES, label=[k % 3 for k in range(30)], boxes=boxes)
    for flag in ("--image_column", "--label_column"):
        said = refusal(load, "--dataset_name", root, flag, "pixels")
        assert "'pixels'" in said
        assert "image, label, boxes" in said
        assert flag in said
    assert "no pictures" in refusal(load, "--dataset_name", root, "--image_column", "label")
    assert "neither classes" in refusal(load, "--dataset_name", root, "--label_column", "image")
    assert "neither classes" in refusal(load, "--dataset_name", root, "--label_column", "boxes")


def test_a_data_set_of_something_else(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "poems", {"text": Value("string"), "author": Value("string")}, text=["a"], author=["b"])
    said = refusal(load, "--dataset_name", root)
    assert "no column of pictures" in said
    assert "text, author" in said


@pytest.mark.parametrize("declared", [False, True])
def test_columns_that_hold_no_classes(load: Load, tmp_path: Path, declared: bool) -> None:
    names = [f"number {k}" for k in range(30)]
    features = {"image": datasets.Image(), "label": ClassLabel(names=names) if declared else Value("string")}
    root = dataset(tmp_path / "shapes", features, image=PICTURES, label=names)
    if declared:  # the data set itself calls them classes
        assert load("--dataset_name", root)[0].label_names == names
    else:
        assert "30 classes of 30 pictures" in refusal(load, "--dataset_name", root)
        assert load("--dataset_name", root, "--allow_any_label")[0].label_names == sorted(
            names, key=lambda n: int(n[7:])
        )
    measured = {"image": datasets.Image(), "label": Value("float32")}
    root = dataset(tmp_path / "measured", measured, image=PICTURES, label=[k / 8 for k in range(30)])
    assert "which are no classes" in refusal(load, "--dataset_name", root)


@pytest.mark.parametrize("feature", [SHAPES["label"], Value("string")])
def test_pictures_without_a_class(load: Load, tmp_path: Path, feature: Any) -> None:
    values = [None, "star" if isinstance(feature, Value) else 2] * 3
    root = dataset(tmp_path / "shapes", SHAPES | {"label": feature}, image=PICTURES[:6], label=values)
    said = refusal(load, "--dataset_name", root)
    assert said.startswith("There is no class for 3 of the 6 pictures of ")
    assert "--unconditional" in said
    assert len(load("--dataset_name", root, "--unconditional")[0]) == 6


def test_unreadable_rows_are_skipped_and_counted(load: Load, tmp_path: Path) -> None:
    cells: list[Any] = [*PICTURES]
    cells[3] = None
    cells[8] = {"bytes": b"not a picture", "path": None}
    root = dataset(tmp_path / "shapes", SHAPES, image=cells, label=[k % 3 for k in range(30)])
    train, test = load("--dataset_name", root)
    assert train.skipped == 2
    assert len(train) + len(test) == 28


def test_a_damaged_data_set(load: Load, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.parquet").write_bytes(b"not parquet")
    assert str(tmp_path / "set") in refusal(load, "--dataset_name", tmp_path / "set")


def test_a_plain_folder_as_a_data_set(load: Load, tmp_path: Path) -> None:
    names = [f"train/{kind}/{k}.png" for kind in ("2", "10") for k in range(3)]
    root = folder(tmp_path / "set", [*names, "test/2/a.png", "test/10/a.png"])
    picture(50).save(root / "train" / "2" / "b.jfif", format="JPEG")
    train, test = load("--dataset_name", root)
    assert (len(train), len(test), train.label_names) == (7, 2, ["2", "10"])


def test_a_single_table_as_a_data_set(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "shapes", SHAPES, image=PICTURES[:4], label=[0, 1, 0, 1])
    table = next(root.rglob("*.parquet"))
    assert len(load("--dataset_name", table)[0]) == 4
    assert "--dataset_name" in refusal(load, "--train_data_dir", table)
    assert "--dataset_name" in refusal(load, "--train_data_dir", root)
    assert "The file shapes.parquet does not exist" in refusal(load, "--dataset_name", "shapes.parquet")


def test_a_data_set_with_a_script(load: Load, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "set.py").write_text("import datasets")
    assert "no code of a data set is run here" in refusal(load, "--dataset_name", tmp_path / "set")


def test_a_cache_that_cannot_be_written(load: Load, tmp_path: Path) -> None:
    root = dataset(tmp_path / "shapes", SHAPES, image=PICTURES[:4], label=[0, 1, 0, 1])
    (tmp_path / "file").write_text("no folder")
    said = refusal(load, "--dataset_name", root, "--cache_dir", tmp_path / "file" / "cache")
    assert str(tmp_path / "file") in said and "--cache_dir" in said and "HF_HOME" in said


# Built in


def test_glyphs_need_no_file(load: Load) -> None:
    train, test = load("--max_train_samples", "60", "--resolution", "16x12")
    assert (len(train), train.resolution, train.channels) == (60, (16, 12), 3)
    assert len(test) == data.GLYPHS_TEST
    assert train.label_names is not None and len(train.label_names) == 26
    assert (train.name, train.split, test.split, train.license) == ("glyphs", "train", "test", "apache-2.0")
    assert not {image.tobytes() for image in train.pixels} & {image.tobytes() for image in test.pixels}


@pytest.mark.parametrize("kind", ["binary", "large_binary", "struct"])
def test_parquet_of_bytes_that_other_programs_wrote(load: Load, tmp_path: Path, kind: str) -> None:
    files = []
    for k in range(6):
        buffer = io.BytesIO()
        picture(k).save(buffer, "PNG")
        files.append(buffer.getvalue())
    column = pa.array([{"bytes": file, "path": "x.png"} for file in files]) if kind == "struct" else pa.array(files)
    column = column.cast(pa.large_binary()) if kind == "large_binary" else column
    (tmp_path / "set").mkdir()
    pq.write_table(pa.table({"img": column, "label": pa.array(list("ababab"))}), tmp_path / "set" / "train.parquet")
    for more in ([], ["--image_column", "img"]):
        train, _ = load("--dataset_name", tmp_path / "set", *more)
        assert len(train) == 6 and train.label_names == ["a", "b"]
        assert np.array_equal(train.pixels[3], np.asarray(picture(3)).transpose(2, 0, 1))
