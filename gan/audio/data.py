"""Sounds for training: from the Hub, from a local data set repository, from a plain folder, or synthesised in code."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import datasets
import numpy as np
import torch
from datasets import Dataset
from datasets.packaged_modules.audiofolder.audiofolder import AudioFolder
from torch import Tensor
from tqdm.auto import tqdm

from gan.audio import drums
from gan.audio.preprocessing import MOST_SECONDS, UNREADABLE, fit_clip, read_sound, sixteen_bits
from gan.audio.spectrogram import whole_length
from gan.data import (
    class_indices,
    classes_of,
    folder_classes,
    hold_out,
    in_order,
    label_columns,
    read_splits,
    sample_column,
    shown_name,
    visible_files,
    without_empty_classes,
)
from gan.errors import GANError
from gan.utils.files import fingerprint
from gan.utils.subsets import training_subset

DRUMS_TRAIN, DRUMS_TEST = 8_000, 1_000
LOWEST_RATE, HIGHEST_RATE = 4_000, 16_000  # between which data keep their own
SECONDS = 1.0
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
METADATA = "metadata.csv"

_Values = dict[str, list[str | None]]  # by column, the class of each clip
_Names = dict[str, list[str]]  # by column, the names of its classes


class _Undecoded(datasets.Audio):
    """A column of sound files as they are."""

    def encode_example(self, value: str) -> dict[str, Any]:
        return {"bytes": None, "path": value}


AudioFolder.BASE_FEATURE = _Undecoded  # its own wants torchcodec, and that FFmpeg, even to list files


@dataclass
class AudioSet:
    """Clips of one length and their classes.

    Attributes:
        audio: int16 (n, samples), 32767 for 1: half the memory of floats.
        labels: int64 (n, columns), or `None` without classes.
        label_names: by column, class names by index; or `None`.
        sampling_rate: in Hz.
        name: of the data set, for the card.
        split: which part this is.
        skipped: files that could not be read, or in which nothing is heard.
        license: as its repository states it, or `None`.
    """

    audio: np.ndarray
    labels: np.ndarray | None
    label_names: dict[str, list[str]] | None
    sampling_rate: int
    name: str
    split: str
    skipped: int = 0
    license: str | None = None

    def __len__(self) -> int:
        return len(self.audio)

    @property
    def samples(self) -> int:
        """In a clip."""
        return self.audio.shape[1]

    def clips(self, indices: Tensor) -> Tensor:
        """float32 (k, samples) in [-1, 1]."""
        return torch.from_numpy(self.audio[indices.numpy()]).float() / 32767

    def classes(self, indices: Tensor) -> Tensor | None:
        """int64 (k, columns) class indices."""
        return None if self.labels is None else torch.from_numpy(self.labels[indices.numpy()])

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any sample or label."""
        shape = f"{self.audio.shape} {self.sampling_rate}".encode()
        return fingerprint(shape, self.audio, b"" if self.labels is None else self.labels)

    def in_order(self, columns: list[str]) -> "AudioSet":
        """With its label columns in another order."""
        assert self.labels is not None and self.label_names is not None
        places = [list(self.label_names).index(column) for column in columns]
        names = {column: self.label_names[column] for column in columns}
        return replace(self, labels=self.labels[:, places], label_names=names)

    def take(self, indices: np.ndarray, split: str) -> "AudioSet":
        """The clips at these indices."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, audio=self.audio[indices], labels=labels, split=split)


def load(args: Any, split: str | None = None) -> tuple[AudioSet, AudioSet | None]:
    """The training clips and the held-out ones, as the command line asks for them.

    The held-out set is the data set's own `test` or `validation` split; where it has none, a tenth of the training
    clips is set aside (at most 2,000), always the same ones. Of fewer than 20 clips none is: `None`.

    Args:
        args: `dataset_name`, `dataset_config_name`, `train_data_dir`, `cache_dir`, `hub_token`, `audio_column`,
            `label_column` (names, or `None` for `label` if there is one), `unconditional`, `sampling_rate` (`None`:
            that of the first clip, if it is at most 16 kHz), `duration` (seconds, or `None` for one; rounded up to
            a whole number of hops), `normalize`, `max_train_samples`.
        split: the data set's split to hold out instead.

    Raises:
        GANError: if there are no usable clips, with the reason.
    """
    if args.sampling_rate is not None and args.sampling_rate < LOWEST_RATE:
        raise GANError(f"--sampling_rate {args.sampling_rate} is too low; give at least {LOWEST_RATE}.")
    if args.duration is not None and args.duration > MOST_SECONDS:
        raise GANError(f"--duration {args.duration:g} is too long; give at most {MOST_SECONDS} seconds.")
    if args.train_data_dir is not None:
        train, test = _from_folder(args), None
    elif args.dataset_name == "drums":
        train = _drums(args, min(DRUMS_TRAIN, args.max_train_samples or DRUMS_TRAIN), 0, "train")
        test = _drums(args, DRUMS_TEST, 1, "test")
    else:
        train, test = read_splits(args, split, "sounds", _from_split)
    if test is None:
        return hold_out(train)
    return train, test


def _drums(args: Any, count: int, seed: int, split: str) -> AudioSet:
    rate = args.sampling_rate or HIGHEST_RATE
    audio, labels = drums.synthesise(count, rate, whole_length(args.duration or SECONDS, rate), seed)
    names = {"label": list(drums.CLASS_NAMES)}
    if args.unconditional:
        return AudioSet(audio, None, None, rate, "drums", split, license="apache-2.0")
    return AudioSet(audio, labels[:, None], names, rate, "drums", split, license="apache-2.0")


def _from_folder(args: Any) -> AudioSet:
    root = Path(args.train_data_dir)
    if not root.is_dir():
        raise GANError(f"The folder {root} does not exist; --train_data_dir takes a folder of sounds.")
    if (root / METADATA).is_file():
        files, values = _from_metadata(root / METADATA, args)
    else:
        files, values = _from_tree(root, args)
    chosen = training_subset(len(files), args.max_train_samples)
    names = {column: in_order(set(filter(None, classes))) for column, classes in values.items()}
    labels = _indices({column: [classes[k] for k in chosen] for column, classes in values.items()}, names)
    audio, kept, rate = _read((files[k] for k in chosen), len(chosen), args, f"the folder {root}")
    if labels is not None:
        labels = labels[kept]
    skipped = len(chosen) - len(kept)
    labels, names = _with_clips(labels, names)
    return AudioSet(audio, labels, names or None, rate, root.resolve().name, "train", skipped)


def _from_tree(root: Path, args: Any) -> tuple[list[Path], _Values]:
    """The files of a folder and its sub-folders, which are classes."""
    if any(root.glob(f"*/{METADATA}")):
        raise GANError(f"The folder {root} is laid out as a data set with splits; give it with --dataset_name.")
    files = visible_files(root, SOUND_SUFFIXES)
    if not files:
        raise GANError(f"The folder {root} holds no sounds ({', '.join(SOUND_SUFFIXES)}).")
    labels, names = folder_classes(files, root, args.unconditional)
    if args.label_column not in (None, ["label"]) and not args.unconditional:
        raise GANError(
            f"The folder {root} has no {METADATA} that would hold the columns of --label_column; its sub-folders are "
            f"its classes."
        )
    return files, {} if labels is None or names is None else {"label": [names[label] for label in labels]}


def _from_metadata(table: Path, args: Any) -> tuple[list[Path], _Values]:
    """The files that a `metadata.csv` lists, and their classes."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise GANError(f"{table} is not a table of comma-separated values in UTF-8 ({error}).") from error
    if "file_name" not in header:
        raise GANError(f"{table} has no column file_name; its columns are {', '.join(header) or 'none'}.")
    if not rows:
        raise GANError(f"{table} lists no files.")
    columns = label_columns(args.label_column, header, str(table), args.unconditional)
    for number, row in enumerate(rows, 1):
        if not row["file_name"] or not (table.parent / row["file_name"]).is_file():
            raise GANError(f"{table} lists {row['file_name'] or 'no file'!r} in row {number}, which is not there.")
        for column in columns:
            if not row[column]:
                raise GANError(f"{table} has no {column} for {row['file_name']}; fill it in, or delete the row.")
    return [table.parent / row["file_name"] for row in rows], {name: [row[name] for row in rows] for name in columns}


def _from_split(split: Dataset, args: Any, split_name: str, like: AudioSet | None) -> AudioSet:
    column = sample_column(split, args.audio_column, datasets.Audio, "sound")
    where = f"the {split_name} split of {args.dataset_name}"
    values: _Values = {}
    names: _Names = {}
    for name in label_columns(args.label_column, split.column_names, "the data set", args.unconditional):
        values[name], names[name] = classes_of(split, name)
    if like is not None and like.label_names is not None and names.keys() == like.label_names.keys():
        names = like.label_names
    files = _files(split.select_columns([column]).cast_column(column, datasets.Audio(decode=False)), column)
    audio, kept, rate = _read(files, len(split), args, where, like)
    labels = _indices(values, names)
    if labels is not None:
        labels = labels[kept]
    if like is None:
        labels, names = _with_clips(labels, names)
    name = shown_name(args.dataset_name)
    skipped = len(split) - len(kept)
    return AudioSet(audio, labels, names or None, rate, name, split_name, skipped, split.info.license or None)


def _files(split: Dataset, column: str) -> Iterator[BinaryIO | str]:
    for row in split:
        cell = row[column] or {"bytes": b""}
        yield cell["path"] if cell["bytes"] is None else io.BytesIO(cell["bytes"])


def _indices(values: _Values, names: _Names) -> np.ndarray | None:
    """int64 (n, columns): where each class stands among the names; -1 if it does not, or there is none."""
    if not values:
        return None
    return np.stack([class_indices(classes, names[column]) for column, classes in values.items()], axis=1)


def _with_clips(labels: np.ndarray | None, names: _Names) -> tuple[np.ndarray | None, _Names]:
    """Labels (n, columns) and names without the classes of which there is no clip."""
    if labels is None:
        return None, names
    columns = [without_empty_classes(column, list(known)) for column, known in zip(labels.T, names.values())]
    return np.stack([column for column, _ in columns], axis=1), dict(zip(names, (known for _, known in columns)))


def _read(
    files: Iterable[Path | str | BinaryIO], count: int, args: Any, where: str, like: AudioSet | None = None
) -> tuple[np.ndarray, list[int], int]:
    """Reads and fits each file once. Returns int16 (kept, samples), the indices that were kept, the sampling rate."""
    rate = like.sampling_rate if like else args.sampling_rate
    audio: np.ndarray | None = None
    kept: list[int] = []
    for index, file in enumerate(tqdm(files, desc=f"Reading {where}", total=count, unit=" clips", leave=False)):
        try:
            sound, own_rate = read_sound(file)
            wanted = rate or min(max(own_rate, LOWEST_RATE), HIGHEST_RATE)
            fitted = fit_clip(sound, own_rate, wanted, whole_length(args.duration or SECONDS, wanted), args.normalize)
        except UNREADABLE:
            continue  # a damaged file among good ones: counted by the caller
        if audio is None:
            rate, audio = wanted, np.empty((count, len(fitted)), np.int16)
        audio[len(kept)] = sixteen_bits(fitted)
        kept.append(index)
    if audio is None:
        raise GANError(f"None of the {count} files in {where} can be read as sound and heard.")
    return audio[: len(kept)], kept, rate
