"""Pictures for training: from the Hub, from a local data set repository, from a plain folder, or drawn in code."""

import functools
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from datasets import Dataset
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from gan.data import (
    class_indices,
    classes_of,
    folder_classes,
    hold_out,
    label_columns,
    read_splits,
    sample_column,
    shown_name,
    visible_files,
    without_empty_classes,
)
from gan.errors import GANError
from gan.image import glyphs
from gan.image.preprocessing import UNREADABLE, fit_picture, upright
from gan.utils.files import fingerprint
from gan.utils.subsets import training_subset

GLYPHS_TRAIN, GLYPHS_TEST = 20_000, 2_000
IN_MEMORY = 2 * 2**30  # bytes; larger sets are kept in a temporary file
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass
class ImageSet:
    """Decoded pictures and their classes.

    Attributes:
        pixels: uint8 (n, 1 or 3, height, width).
        labels: int64 (n,), or `None` without classes.
        label_names: class names by index, or `None`.
        name: of the data set, for the card.
        split: which part this is.
        skipped: pictures that could not be read.
        license: as its repository states it, or `None`.
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    label_names: list[str] | None
    name: str
    split: str
    skipped: int = 0
    license: str | None = None

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
        return (pixels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def classes(self, indices: Tensor) -> Tensor | None:
        """int64 (k,) class indices."""
        return None if self.labels is None else torch.from_numpy(self.labels[indices.numpy()])

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any pixel or label."""
        return fingerprint(str(self.pixels.shape).encode(), self.pixels, b"" if self.labels is None else self.labels)

    def take(self, indices: np.ndarray, split: str) -> "ImageSet":
        """The pictures at these indices."""
        labels = None if self.labels is None else self.labels[indices]
        pixels = _allocate((len(indices), *self.pixels.shape[1:]))
        np.take(self.pixels, indices, axis=0, out=pixels, mode="clip")  # "raise" would fill a copy in memory first
        return replace(self, pixels=pixels, labels=labels, split=split)


def load(args: Any, split: str | None = None) -> tuple[ImageSet, ImageSet | None]:
    """The training pictures and the held-out ones, as the command line asks for them.

    The held-out set is the data set's own `test` or `validation` split; where it has none, a tenth of the training
    pictures is set aside (at most 2,000), always the same ones. Of fewer than 20 pictures none is: `None`.

    Args:
        args: `dataset_name`, `dataset_config_name`, `train_data_dir`, `cache_dir`, `hub_token`, `image_column`,
            `label_column`, `resolution`, `image_channels`, `center_crop`, `max_train_samples`, `unconditional`.
        split: the data set's split to hold out instead.

    Raises:
        GANError: if there are no usable pictures, with the reason.
    """
    if args.train_data_dir is not None:
        train, test = _from_folder(args), None
    elif args.dataset_name == "glyphs":
        train = _glyphs(args, min(GLYPHS_TRAIN, args.max_train_samples or GLYPHS_TRAIN), 0, "train")
        test = _glyphs(args, GLYPHS_TEST, 1, "test")
    else:
        train, test = read_splits(args, split, "pictures", _from_split)
    if test is None:
        return hold_out(train)
    return train, test


def _glyphs(args: Any, count: int, seed: int, split: str) -> ImageSet:
    pixels, labels = glyphs.draw_glyphs(count, args.resolution or (32, 32), seed)
    if args.image_channels == 1:
        pixels = pixels.float().mean(1, keepdim=True).round().to(torch.uint8)
    if args.unconditional:
        return ImageSet(pixels.numpy(), None, None, "glyphs", split, license="apache-2.0")
    return ImageSet(pixels.numpy(), labels.numpy(), list(glyphs.CLASS_NAMES), "glyphs", split, license="apache-2.0")


def _from_folder(args: Any) -> ImageSet:
    root = Path(args.train_data_dir)
    if not root.is_dir():
        raise GANError(f"The folder {root} does not exist; --train_data_dir takes a folder of pictures.")
    files = visible_files(root, IMAGE_SUFFIXES)
    files = [files[index] for index in training_subset(len(files), args.max_train_samples)]
    if not files:
        raise GANError(f"The folder {root} holds no pictures ({', '.join(IMAGE_SUFFIXES)}).")
    labels, names = folder_classes(files, root, args.unconditional)
    decoded = _decode([functools.partial(Image.open, path) for path in files], args, f"the folder {root}")
    return _image_set(decoded, labels, names, root.resolve().name, "train", None)


def _from_split(split: Dataset, args: Any, split_name: str, like: ImageSet | None) -> ImageSet:
    column = sample_column(split, args.image_column, datasets.Image, "picture")
    raw = split.select_columns([column]).cast_column(column, datasets.Image(decode=False))
    labels: list[int] | None = None
    names: list[str] | None = None
    asked = None if args.label_column is None else [args.label_column]
    for label_column in label_columns(asked, split.column_names, "the data set", args.unconditional):
        classes, names = classes_of(split, label_column)
        if like is not None and like.label_names is not None:
            names = like.label_names
        labels = class_indices(classes, names).tolist()

    def opener(index: int) -> Callable[[], Image.Image]:
        def open_one() -> Image.Image:
            cell = raw[index][column]
            return Image.open(io.BytesIO(cell["bytes"]) if cell["bytes"] is not None else cell["path"])

        return open_one

    where = f"the {split_name} split of {args.dataset_name}"
    decoded = _decode([opener(index) for index in range(len(split))], args, where, like)
    name = shown_name(args.dataset_name)
    return _image_set(decoded, labels, names, name, split_name, split.info.license or None, like is None)


def _image_set(
    decoded: tuple[np.ndarray, list[int], int],
    labels: list[int] | None,
    names: list[str] | None,
    name: str,
    split: str,
    license: str | None,
    to_train_on: bool = True,
) -> ImageSet:
    pixels, kept, skipped = decoded
    chosen = None if labels is None else np.asarray([labels[index] for index in kept], dtype=np.int64)
    if chosen is not None and names is not None and to_train_on:
        chosen, names = without_empty_classes(chosen, names)
    return ImageSet(pixels, chosen, names, name, split, skipped, license)


def _decode(
    openers: list[Callable[[], Image.Image]], args: Any, where: str, like: ImageSet | None = None
) -> tuple[np.ndarray, list[int], int]:
    """Opens, crops and resizes each picture once. Returns pixels, the indices that could be read, and how many not."""

    resolution = like.resolution if like else args.resolution
    channels = like.channels if like else args.image_channels
    pixels: np.ndarray | None = None
    kept: list[int] = []
    for index, open_one in enumerate(tqdm(openers, desc=f"Reading {where}", unit=" pictures", leave=False)):
        try:
            with open_one() as image:
                size = resolution or _natural_resolution(upright(image))
                depth = channels or (1 if _is_grey(image) else 3)
                fitted = fit_picture(image, size, depth, args.center_crop)
        except UNREADABLE:
            continue  # a damaged picture among good ones: counted below
        if pixels is None:
            resolution, channels = size, depth
            pixels = _allocate((len(openers), channels, *resolution))
        pixels[len(kept)] = fitted
        kept.append(index)
    if pixels is None:
        raise GANError(f"None of the {len(openers)} pictures in {where} can be read.")
    return pixels[: len(kept)], kept, len(openers) - len(kept)


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")


def _natural_resolution(image: Image.Image) -> tuple[int, int]:
    """The picture's own size where that is small and usable, else 64x64."""
    width, height = image.size
    small = max(width, height) <= 64 and min(width, height) >= 8 and width % 4 == 0 and height % 4 == 0
    return (height, width) if small else (64, 64)


def _allocate(shape: tuple[int, ...]) -> np.ndarray:
    if np.prod(shape, dtype=np.int64) <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    return np.memmap(tempfile.TemporaryFile(), np.uint8, "w+", shape=shape)  # the file goes when the run does
