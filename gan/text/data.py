"""Text for training: from the Hub, from a local data set repository, from plain files, or written in code."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel
from tokenizers import Tokenizer
from torch import Tensor

from gan.errors import GANError
from gan.sources import (
    fingerprint,
    folder_classes,
    in_order,
    label_columns,
    load_splits,
    some,
    visible_files,
    without_empty_classes,
)
from gan.text import oracle, verses
from gan.text.tokens import END, IGNORED, UNKNOWN, train_tokenizer

HELD_OUT_SHARE, HELD_OUT_MOST = 0.05, 1_000  # of the training texts, once for validation and once for the test
MOST_LENGTH, LENGTH_SHARE = 256, 0.995  # of the default length: that of so many of the texts, but no more
STREAMED = 1_000_000  # texts taken from a stream, unless --max_train_samples says otherwise
BUILT_IN = ("verses", "oracle")


@dataclass
class TextSet:
    """Texts and their classes.

    Attributes:
        texts: one sample each.
        labels: int64 (n,), or `None` without classes.
        label_names: class names by index, or `None`.
        name: of the data set, for the card.
        split: which part this is.
        license: as its repository states it, or `None`.
        tokenizer: where the data set brings its own vocabulary.
        has_end: whether texts differ in length.
    """

    texts: list[str]
    labels: np.ndarray | None
    label_names: list[str] | None
    name: str
    split: str
    license: str | None = None
    tokenizer: Tokenizer | None = None
    has_end: bool = True

    def __len__(self) -> int:
        return len(self.texts)

    def classes(self, indices: Tensor) -> Tensor | None:
        """int64 (k,) class indices."""
        return None if self.labels is None else torch.from_numpy(self.labels[indices.numpy()])

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any text or label."""
        return fingerprint("\n".join(self.texts).encode(), b"" if self.labels is None else self.labels)

    def take(self, indices: np.ndarray, split: str) -> "TextSet":
        """The texts at these indices."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, texts=[self.texts[k] for k in indices], labels=labels, split=split)


@dataclass
class Splits:
    """What is trained on, what choices are made on, and what is measured on; `None` of too few texts."""

    train: TextSet
    validation: TextSet | None
    test: TextSet | None


def load(args: Any) -> Splits:
    """The texts that the command line asks for.

    Where the data set has no validation or test split, a twentieth of the training texts (at most 1,000) is set aside
    for each, always the same ones; of fewer than 40 texts none is.

    Args:
        args: `dataset_name`, `dataset_config_name` (of the built-in oracle: a file with other weights),
            `train_data_dir`, `cache_dir`, `hub_token`, `text_column`, `label_column`, `max_train_samples`,
            `streaming`, `unconditional`.

    Raises:
        GANError: if there are no usable texts, with the reason.
    """
    if args.train_data_dir is not None:
        found = {"train": _from_folder(args)}
    elif args.dataset_name in BUILT_IN:
        written = _oracle(args) if args.dataset_name == "oracle" else verses.texts()
        found = {split: TextSet(split=split, name=args.dataset_name, **part) for split, part in written.items()}
        if args.unconditional:
            found = {split: replace(part, labels=None, label_names=None) for split, part in found.items()}
    else:
        found = _from_dataset(args)
    train = found["train"]
    if args.max_train_samples is not None:
        train = train.take(some(len(train), args.max_train_samples), train.split)
    validation, test = found.get("validation"), found.get("test")
    held_out = min(HELD_OUT_MOST, int(HELD_OUT_SHARE * len(train)))
    if held_out >= 2 and (validation is None or test is None):
        order = np.random.default_rng(0).permutation(len(train))
        first, second = (np.sort(order[k * held_out : (k + 1) * held_out]) for k in range(2))
        rest = order[2 * held_out :] if validation is None and test is None else order[held_out:]
        test = test or train.take(second if validation is None else first, "held-out twentieth")
        validation = validation or train.take(first, "twentieth to choose by")
        train = train.take(np.sort(rest), "train without what is held out")
    return Splits(train, validation, test)


def _oracle(args: Any) -> dict[str, dict[str, Any]]:
    return oracle.texts(oracle.Oracle(path=args.dataset_config_name))


def _from_folder(args: Any) -> TextSet:
    root = Path(args.train_data_dir)
    if not root.is_dir():
        raise GANError(f"The folder {root} does not exist; --train_data_dir takes a folder of .txt files.")
    files = visible_files(root, (".txt",))
    if not files:
        raise GANError(f"The folder {root} holds no .txt files; --train_data_dir takes plain text, a sample a line.")
    classes, names = folder_classes(files, root, args.unconditional)
    texts: list[str] = []
    labels: list[int] = []
    for path, label in zip(files, classes or [0] * len(files)):
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        except UnicodeDecodeError as error:
            raise GANError(
                f"{path} is not UTF-8 text (byte {error.start}); convert it, for instance with "
                f"`iconv -f GB18030 -t UTF-8`."
            ) from error
        except OSError as error:
            raise GANError(f"{path} cannot be read ({error.strerror}).") from error
        lines = [line for line in lines if line]
        texts += lines
        labels += [label] * len(lines)
    if not texts:
        raise GANError(f"The .txt files in {root} are empty.")
    chosen = None if classes is None else np.asarray(labels, dtype=np.int64)
    if chosen is not None and names is not None:
        chosen, names = without_empty_classes(chosen, names)
    return TextSet(texts, chosen, names, root.resolve().name, "train")


def _from_dataset(args: Any) -> dict[str, TextSet]:
    splits = load_splits(args, "texts", streaming=args.streaming)
    train = "train" if "train" in splits else next(iter(splits))
    names = {"train": train, "validation": "valid" if "valid" in splits else "validation", "test": "test"}
    found: dict[str, TextSet] = {}
    for role, split in names.items():
        if split in splits and (role == "train" or split != train):
            found[role] = _from_split(splits[split], args, split, found.get("train"))
    return found


def _from_split(split: Any, args: Any, split_name: str, like: TextSet | None) -> TextSet:
    features: Any = split.features or next(iter(split), {})  # a stream may not know before its first row
    column = args.text_column or next((name for name in ("text", "sentence", "caption") if name in features), None)
    if column is None or column not in features:
        wanted = "column of texts" if column is None else f"text column {column!r}"
        raise GANError(
            f"There is no {wanted} in the data set; its columns are {', '.join(features)}. Name one with "
            f"--text_column."
        )
    asked = None if args.label_column is None else [args.label_column]
    labels_from = next(iter(label_columns(asked, features, "the data set", args.unconditional)), None)
    rows = islice(split, args.max_train_samples or STREAMED) if args.streaming else split
    texts, raw = [], []
    for row in rows:
        text = row[column]
        if not isinstance(text, str):
            raise GANError(f"The column {column!r} of the data set holds no text; name another with --text_column.")
        text = " ".join(text.split())
        if text:
            texts.append(text)
            raw.append(None if labels_from is None else row[labels_from])
    if not texts:
        raise GANError(f"The {split_name} split of {args.dataset_name} holds no text.")
    labels, names = _labels(raw, features.get(labels_from), like) if labels_from is not None else (None, None)
    name = Path(args.dataset_name).resolve().name if Path(args.dataset_name).is_dir() else args.dataset_name
    return TextSet(texts, labels, names, name, split_name, split.info.license or None)


def _labels(raw: list[Any], feature: Any, like: TextSet | None) -> tuple[np.ndarray, list[str]]:
    """Class indices (n,) and names, those of the training split where there is one."""
    if isinstance(feature, ClassLabel):
        values = [None if value is None or value < 0 else feature.names[value] for value in raw]
        named = list(feature.names)
    else:
        values = [None if value is None else str(value) for value in raw]
        named = in_order(set(values) - {None})
    names = like.label_names if like and like.label_names else named
    place = {name: index for index, name in enumerate(names)}
    labels = np.asarray([-1 if value is None else place.get(value, -1) for value in values], dtype=np.int64)
    if labels.min() < 0:
        raise GANError(
            f"{(labels < 0).sum()} texts have no class that the training texts have; name another column with "
            f"--label_column, or train with --unconditional."
        )
    return (labels, names) if like else without_empty_classes(labels, names)


@dataclass
class Encoded:
    """Texts as tokens.

    Attributes:
        tokens: int64 (n, length): the tokens of each, `END` where it ends, `IGNORED` behind.
        cut: texts that were longer than fits, of which only the beginning is kept.
        unknown: tokens that stand for what the vocabulary hasn't.
    """

    tokens: Tensor
    cut: int
    unknown: int


def learn_tokenizer(train: TextSet, kind: str, vocab_size: int) -> Tokenizer:
    """The data set's own vocabulary, or one learnt from its training texts."""
    return train.tokenizer or train_tokenizer(train.texts, kind, vocab_size)


def natural_length(train: TextSet, tokenizer: Tokenizer) -> int:
    """Tokens that 99.5 % of the training texts fit into, at most 256."""
    lengths = np.sort([len(encoding.ids) for encoding in tokenizer.encode_batch_fast(train.texts)])
    return int(min(MOST_LENGTH, max(1, lengths[int(LENGTH_SHARE * (len(lengths) - 1))])))


def encode(texts: TextSet, tokenizer: Tokenizer, max_length: int) -> Encoded:
    """Texts as tokens, those that are longer than `max_length` cut off there."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts.texts, add_special_tokens=False)]
    tokens: Any = np.full((len(ids), max_length + texts.has_end), IGNORED, dtype=np.int64)
    for row, sample in zip(tokens, ids):
        row[: min(len(sample), max_length)] = sample[:max_length]
        if texts.has_end and len(sample) <= max_length:
            row[len(sample)] = END
    cut = sum(len(sample) > max_length for sample in ids)
    return Encoded(torch.from_numpy(tokens), cut, int((tokens == UNKNOWN).sum()))
