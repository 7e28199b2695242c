"""Text for training: from the Hub, from a local data set repository, from plain files, or written in code."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from gan.data import (
    class_indices,
    class_names,
    folder_classes,
    label_columns,
    load_splits,
    loading,
    set_aside,
    shown_name,
    tell_unusable,
    visible_files,
    without_empty_classes,
)
from gan.errors import GANError
from gan.text import oracle, verses
from gan.text.tokenizer import END, IGNORED, SPECIAL, UNKNOWN, train_tokenizer
from gan.utils.files import fingerprint
from gan.utils.subsets import training_subset

HELD_OUT_SHARE, HELD_OUT_MOST = 0.05, 1_000  # of the training texts, once for validation and once for the test
MOST_LENGTH, LENGTH_SHARE = 256, 0.995  # of the default length: that of so many of the texts, but no more
STREAMED = 1_000_000  # texts taken from a stream, unless --max_train_samples says otherwise
BUILT_IN = ("verses", "oracle")
TESTED, CHOSEN_BY = "held-out twentieth", "twentieth to choose by"  # parts of the training texts that are set aside


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
    if train.labels is not None and train.labels.min() < 0:
        raise GANError(
            f"{(train.labels < 0).sum()} texts of {args.dataset_name} have no class; name another column with "
            f"--label_column, or train with --unconditional."
        )
    if args.max_train_samples is not None:
        train = train.take(training_subset(len(train), args.max_train_samples), train.split)
    if train.labels is not None and train.label_names is not None:
        labels, names = without_empty_classes(train.labels, train.label_names)
        train = replace(train, labels=labels, label_names=names)
    validation, test = (_matched(found.get(role), train) for role in ("validation", "test"))
    share = min(HELD_OUT_MOST, int(HELD_OUT_SHARE * len(train)))
    if share >= 2 and (validation is None or test is None):
        aside, rest = set_aside(train, share * ((validation is None) + (test is None)))
        order = np.random.default_rng(0).permutation(len(train))
        first, second = np.split(order[np.isin(order, aside)], [share])
        test = test or train.take(np.sort(second if validation is None else first), TESTED)
        validation = validation or train.take(np.sort(first), CHOSEN_BY)
        train = train.take(rest, "train without what is held out")
    return Splits(train, validation, test)


def _matched(texts: TextSet | None, train: TextSet) -> TextSet | None:
    """A split with the classes of the training texts; `None`, and it is said, where its texts have others."""
    if texts is None:
        return None
    if train.label_names is None:
        return replace(texts, labels=None, label_names=None)
    own = texts.label_names or []
    classes = [None if k < 0 else own[k] for k in ([] if texts.labels is None else texts.labels)]
    labels = class_indices(classes, train.label_names)
    if texts.labels is None or labels.min() < 0:
        tell_unusable(texts.split, train.name, "texts")
        return None
    return replace(texts, labels=labels, label_names=train.label_names)


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
            lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").split("\n")]
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
    return TextSet(texts, chosen, names, root.resolve().name, "train")


def _from_dataset(args: Any) -> dict[str, TextSet]:
    splits = load_splits(args, "texts", streaming=args.streaming)
    train = "train" if "train" in splits else next(iter(splits))
    names = {"train": train, "validation": "valid" if "valid" in splits else "validation", "test": "test"}
    found: dict[str, TextSet] = {}
    for role, split in names.items():
        if split in splits and (role == "train" or split != train):
            most = (args.max_train_samples if role == "train" else None) or STREAMED  # that a stream is read of
            found[role] = _from_split(splits[split], args, split, most)
    return found


def _from_split(split: Any, args: Any, split_name: str, most: int) -> TextSet:
    with loading(args.dataset_name, "texts"):
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
    rows = split.select_columns([column, *([] if labels_from is None else [labels_from])])
    texts, raw = [], []
    with loading(args.dataset_name, "texts"):  # a stream is only read now
        for row in islice(rows, most) if args.streaming else rows:
            text = row[column] or ""  # an empty cell of a table is nothing
            if not isinstance(text, str):
                raise GANError(
                    f"The column {column!r} of the data set holds no text; name another with --text_column."
                )
            if text := " ".join(text.split()):
                texts.append(text)
                raw.append(None if labels_from is None else row[labels_from])
    if not texts:
        raise GANError(f"The {split_name} split of {args.dataset_name} holds no text.")
    labels, names = None, None
    if labels_from is not None:
        classes, names = class_names(raw, features.get(labels_from))
        labels = class_indices(classes, names)
    return TextSet(texts, labels, names, shown_name(args.dataset_name), split_name, split.info.license or None)


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
    """The data set's own vocabulary, or one learnt from its training texts.

    Raises:
        GANError: if nothing but the special tokens fits into it.
    """
    tokenizer = train.tokenizer or train_tokenizer(train.texts, kind, vocab_size)
    if tokenizer.get_vocab_size() <= len(SPECIAL):
        raise GANError(f"--vocab_size {vocab_size} has room for no {kind}; give more than {len(SPECIAL)}.")
    return tokenizer


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
