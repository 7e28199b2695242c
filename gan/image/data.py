"""Pictures for training: from the Hub, from a local data set repository, from a plain folder, or drawn in code."""

import contextlib
import importlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import datasets
import numpy as np
import torch
from PIL import Image
from PIL.ExifTags import Base
from torch import Tensor

from gan.data import (
    HELD_OUT,
    MIN_SOURCES,
    PEEKED,
    DataReport,
    Decoder,
    Pairs,
    Rows,
    SampleKind,
    check_groups,
    counted,
    decode,
    duplicates,
    find_rows,
    group_numbers,
    has_same_classes,
    hold_out,
    remembered,
    take,
    unusable,
)
from gan.errors import GANError
from gan.image import glyphs
from gan.image.preprocessing import SIDEWAYS, UNREADABLE, as_floats, fit_picture, is_deep, is_grey, pages, white_level
from gan.utils.files import fingerprint
from gan.utils.subsets import training_subset

BUILT_IN = "glyphs"
GLYPHS_TRAIN, GLYPHS_TEST = 20_000, 2_000
GREY_SHARE = 0.95  # of the pictures without colours, above which all are made grey


def _openable() -> frozenset[str]:
    """Suffixes of the files that Pillow opens, with the plug-in for HEIC where it is installed."""
    with contextlib.suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
    known = Image.registered_extensions()  # loads Pillow's plug-ins
    return frozenset(suffix for suffix, kind in known.items() if kind in Image.OPEN)


_CONVERT = "convert them to PNG or JPEG first"
PICTURES = SampleKind(
    name="picture",
    plural="pictures",
    flag="image",
    feature=datasets.Image,
    suffixes=_openable(),
    advice={
        **dict.fromkeys((".heic", ".heif"), "install their plug-in with `pip install pillow-heif`"),
        **dict.fromkeys((".svg", ".cr2", ".nef", ".arw", ".dng", ".jxl", ".exr", ".pdf"), _CONVERT),
        **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), "take pictures out of them with ffmpeg first"),
    },
)


@dataclass
class ImageSet:
    """Decoded pictures and their classes.

    Attributes:
        pixels: uint8 (n, 1 or 3, height, width).
        labels: int64 (n,), (n, columns) of several label columns, or `None` without classes.
        label_names: class names by index, by column where there are several, or `None`.
        name: of the data set, for the card.
        split: which part this is.
        skipped: pictures that could not be read.
        license: as its repository states it, or `None`.
        report: what reading found, or `None`.
        groups: int64 (n,), the same number for pictures that belong together (`--group_column`), or `None`.
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    label_names: list[str] | dict[str, list[str]] | None
    name: str
    split: str
    skipped: int = 0
    license: str | None = None
    report: DataReport | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def resolution(self) -> tuple[int, int]:
        """(height, width)"""
        return self.pixels.shape[2], self.pixels.shape[3]

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return self.pixels.shape[1]

    def images(self, indices: Tensor) -> Tensor:
        """float32 (k, channels, height, width) in [-1, 1], channels last in memory."""
        pixels = torch.from_numpy(self.pixels[indices.numpy()])
        return as_floats(pixels).contiguous(memory_format=torch.channels_last)

    def classes(self, indices: Tensor) -> Tensor | None:
        """int64 (k,) class indices, or (k, columns)."""
        return None if self.labels is None else torch.from_numpy(self.labels[indices.numpy()])

    def columns(self) -> tuple[np.ndarray | None, dict[str, list[str]]]:
        """Labels int64 (n, columns), and the class names of each column, however many there are."""
        if self.labels is None or self.label_names is None:
            return None, {}
        several = isinstance(self.label_names, dict)
        names = self.label_names if isinstance(self.label_names, dict) else {"label": self.label_names}
        return (self.labels if several else self.labels[:, None]), names

    def in_order(self, wanted: list[str]) -> "ImageSet":
        """With its label columns in another order."""
        labels, names = self.columns()
        assert labels is not None
        places = [list(names).index(column) for column in wanted]
        return replace(self, labels=labels[:, places], label_names={column: names[column] for column in wanted})

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any pixel or label."""
        labels = b"" if self.labels is None else self.labels
        shape = str(self.pixels.shape).encode()
        return remembered(self.pixels, fingerprint(labels), lambda: fingerprint(shape, self.pixels, labels))

    def take(self, indices: np.ndarray, split: str) -> "ImageSet":
        """The pictures at these indices."""
        labels = None if self.labels is None else self.labels[indices]
        groups = None if self.groups is None else self.groups[indices]
        return replace(self, pixels=take(self.pixels, indices), labels=labels, split=split, groups=groups)


def load(args: Any, split: str | None = None) -> tuple[ImageSet, ImageSet | None]:
    """The training pictures and the held-out ones, as the command line asks for them; says what was found.

    The held-out set is the data set's own `test` or `validation` split; where it has none, a tenth of the training
    pictures is set aside (at most 2,000), always the same ones. Of fewer than 20 pictures none is: `None`.

    Args:
        args: `dataset_name`, `dataset_config_name`, `train_data_dir`, `cache_dir`, `hub_token`, `image_column`,
            `label_column` (names, or `None` for the one that is usually called so), `resolution`, `image_channels`,
            `center_crop`, `max_train_samples`, `unconditional`, `allow_any_label`, `group_column` (names, or `None`:
            pictures that share them belong together, and groups are held out whole where there are 20 or more).
        split: the data set's split to hold out instead.

    Raises:
        GANError: if there are no usable pictures, with the reason.
    """
    report = DataReport("pictures")
    test: ImageSet | None
    if args.train_data_dir is None and args.dataset_name == BUILT_IN:
        if args.group_column:
            raise GANError("The built-in glyphs have no columns to tell groups by; leave --group_column out.")
        train = _glyphs(args, min(GLYPHS_TRAIN, args.max_train_samples or GLYPHS_TRAIN), 0, "train")
        test = _glyphs(args, GLYPHS_TEST, 1, "test")
        report.name = train.name
        report.found = {"size": "{}x{}".format(*train.resolution), "colour": _colour_name(train.channels)}
    else:
        rows, test_rows = find_rows(args, PICTURES, report, split)
        form = _decide_form(rows, args, report)
        numbers = group_numbers([*(rows.groups or ()), *((test_rows and test_rows.groups) or ())])
        train = _image_set(rows, form, args, report, numbers[: len(rows)])
        test = None if test_rows is None else _image_set(test_rows, form, args, report, numbers[len(rows) :], train)
        if test is not None and not has_same_classes(test, train):
            report.note(unusable(test.split, train.name, "pictures"))
            test = None
    if test is None:
        train, test = hold_out(train, groups=train.groups)
    train = _without_lonely(train, args, report)
    report.describe(len(train), *train.columns())
    if test is not None:
        groups = _held_out_groups(train, test, report)
        report.describe_held_out(test.split, len(test), duplicates(train.pixels, test.pixels), groups)
    report.show()
    return replace(train, report=report), test


def _without_lonely(train: ImageSet, args: Any, report: DataReport) -> ImageSet:
    """Training pictures without those that are in no pair, where there are groups; describes these.

    Raises:
        GANError: if there are no pairs at all.
    """
    if train.groups is None:
        return train
    check_groups(train.groups, train.labels, args.group_column, "pictures")
    assert train.labels is not None
    kept = np.flatnonzero(Pairs(train.groups, train.labels).partners)
    if lonely := len(train) - len(kept):
        report.note(
            f"Not trained on: {counted(lonely, 'picture')} without another in the group that has another label, as "
            f"there is no pair."
        )
        train = train.take(kept, train.split)
    assert train.groups is not None
    report.describe_groups(args.group_column, train.groups)
    return train


def _held_out_groups(train: ImageSet, test: ImageSet, report: DataReport) -> int | None:
    """How many groups are held out, if none of them is trained on."""
    if train.groups is None or test.groups is None:
        return None
    held_out = np.unique(test.groups)
    shared = int(np.isin(held_out, train.groups).sum())
    if not shared:
        return len(held_out)
    if test.split == HELD_OUT:
        report.note(f"With fewer than {MIN_SOURCES} groups, single pictures are held out, and not whole groups.")
    else:
        report.note(f"Trained on, too: {shared:,} of the {len(held_out):,} groups of the {test.split} split.")
    return None


def _glyphs(args: Any, count: int, seed: int, split: str) -> ImageSet:
    pixels, labels = glyphs.draw_glyphs(count, args.resolution or (32, 32), seed)
    if args.image_channels == 1:
        pixels = pixels.float().mean(1, keepdim=True).round().to(torch.uint8)
    if args.unconditional:
        return ImageSet(pixels.numpy(), None, None, "glyphs", split, license="apache-2.0")
    return ImageSet(pixels.numpy(), labels.numpy(), list(glyphs.CLASS_NAMES), "glyphs", split, license="apache-2.0")


@dataclass(frozen=True)
class Form:
    """What every picture of a set is made.

    Attributes:
        resolution: (height, width).
        channels: 1 for grey, 3 for RGB.
        crop: to its shape, instead of stretching.
        white: the number that stands for white in pictures of more than 8 bits.
    """

    resolution: tuple[int, int]
    channels: int
    crop: bool
    white: int | None

    def fit(self, file: Any) -> tuple[np.ndarray, Counter[str]]:
        """A file to uint8 (1, channels, height, width), and what is to be counted about it."""
        with _open(file) as image:
            counts = Counter(grey=int(is_grey(image)), colour=int(not is_grey(image)))
            fitted = fit_picture(image, self.resolution, self.channels, self.crop, self.white)
            counts["animated"] = int(pages(image) > 1)
        return fitted[None], counts


def _open(file: Any) -> Image.Image:
    if file is None:
        raise ValueError("there is no picture")
    return Image.open(file)


def _decide_form(rows: Rows, args: Any, report: DataReport) -> Form:
    """What all pictures are made: as the command line says, or else as most of them are."""
    sizes: Counter[tuple[int, int]] = Counter()
    looked, grey, white = 0, 0, 0
    for image in _peek(rows):
        looked += 1
        sizes[_natural_resolution(image)] += 1
        grey += is_grey(image)
        if is_deep(image):
            white = max(white, white_level(image))
    resolution = args.resolution or (sizes.most_common(1)[0][0] if sizes else (64, 64))
    channels = args.image_channels or (1 if looked and grey > GREY_SHARE * looked else 3)
    report.found["size"] = "{}x{} ({})".format(*resolution, _how_sized(args, resolution, sizes))
    how = "as they are" if grey in (0, looked) else f"{grey:,} of {looked:,} looked at are grey"
    report.found["colour"] = f"{_colour_name(channels)} ({'asked for' if args.image_channels else how})"
    if 0 < grey < looked and not args.image_channels:
        report.note(
            f"Grey and coloured pictures are mixed; all are made {_colour_name(channels)}. --image_channels "
            f"{4 - channels} would make them {_colour_name(4 - channels)}."
        )
    if white not in (0, 1, 255, 65535):
        report.note(f"Pictures of 16 bits go up to {white:,} at most, which is taken for white.")
    return Form(resolution, channels, args.center_crop, white or None)


def _how_sized(args: Any, resolution: tuple[int, int], sizes: Counter[tuple[int, int]]) -> str:
    if args.resolution:
        return "asked for"
    if sizes.total() == sizes[resolution]:
        return "their own" if resolution != LARGEST else "the default for large pictures"
    return f"that of most, {sizes[resolution]:,} of {sizes.total():,} looked at"


def _peek(rows: Rows) -> Iterator[Image.Image]:
    """Some pictures from all over the set, opened; of those of more than 8 bits also the pixels are read."""
    for index in training_subset(len(rows), PEEKED):
        try:
            with _open(rows.files[index]) as image:
                if is_deep(image):
                    image.load()
                image.getexif()
                yield image
        except UNREADABLE:
            continue  # counted when it is decoded


def _colour_name(channels: int) -> str:
    return "grey" if channels == 1 else "RGB"


LARGEST = (64, 64)  # of a picture's own size that is kept


def _natural_resolution(image: Image.Image) -> tuple[int, int]:
    """The picture's own size, upright, where that is small and usable, else 64x64."""
    width, height = image.size
    if image.getexif().get(Base.Orientation, 1) in SIDEWAYS:
        width, height = height, width
    small = max(width, height) <= LARGEST[0] and min(width, height) >= 8 and width % 4 == 0 and height % 4 == 0
    return (height, width) if small else LARGEST


def _image_set(
    rows: Rows, form: Form, args: Any, report: DataReport, groups: np.ndarray, like: ImageSet | None = None
) -> ImageSet:
    """Decodes rows.

    Args:
        groups: int64, the number of each row's group, where there are groups.
        like: the training pictures, whose classes count.
    """
    decoder = Decoder(form.fit, f"{form} {Image.__version__}", UNREADABLE, "pictures")
    decoded = decode(rows, decoder, args.cache_dir, report)
    if not len(decoded.samples):
        raise GANError(f"None of the {counted(len(rows), 'picture')} in {rows.where} can be read.")
    if animated := decoded.counts["animated"]:
        report.note(f"Of animations and documents of several pages ({animated:,}) the first picture is used.")
    known = None if like is None else like.columns()[1]
    if known and len(known) == len(rows.names) == 1:  # whatever the column is called
        known = dict.fromkeys(rows.names, next(iter(known.values())))
    labels, names = rows.labels(decoded.kept, known)
    flat, label_names = labels, names
    if labels is not None and names is not None and len(names) == 1:
        flat, label_names = labels[:, 0], next(iter(names.values()))  # type: ignore[assignment]
    skipped = len(rows) - len(decoded.kept)
    kept_groups = None if rows.groups is None else groups[decoded.kept]
    return ImageSet(
        decoded.samples, flat, label_names, rows.name, rows.split, skipped, rows.license, groups=kept_groups
    )
