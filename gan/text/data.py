"""Text for training: from the Hub, from tables and folders of plain text, or generated in code."""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import ClassLabel
from tokenizers import Tokenizer
from torch import Tensor

from gan.data import (
    FILE_COLUMN,
    DataReport,
    FolderPart,
    check_classes,
    check_folder,
    class_indices,
    class_names,
    classes_by_folder,
    counted,
    data_name,
    find_table,
    folder_splits,
    label_columns,
    list_files,
    listed_files,
    load_splits,
    loading,
    look_through,
    read_table,
    set_aside,
    shown_name,
    tell_columns,
    unusable,
    without_empty_classes,
)
from gan.errors import GANError
from gan.labels import clean_name, natural_order
from gan.text import oracle, verses
from gan.text.preprocessing import (
    LATIN_1,
    OTHER_SUFFIXES,
    SUFFIXES,
    has_layout,
    read_text,
    split_units,
    windows,
)
from gan.text.tokenizer import BYTES, END, IGNORED, SPECIAL, token_starts, train_tokenizer
from gan.utils.files import fingerprint
from gan.utils.subsets import training_subset

HELD_OUT_SHARE, MAX_HELD_OUT = 0.05, 1_000  # of the training texts, once for validation and once for the test
MAX_LENGTH, LENGTH_SHARE = 256, 0.995  # of the default length: this share of the texts fits, but no more tokens
MAX_STREAMED = 1_000_000  # texts taken from a stream, unless --max_train_samples says otherwise
BUILT_IN = ("verses", "oracle")
TEXT_COLUMNS = ("text", "sentence", "caption")
TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".arrow")
ROLES = {"test": "test", "testing": "test"}  # of folders; all other held-out ones are for validation
HELD_OUT, VALIDATION = "held-out twentieth", "validation twentieth"  # parts of the training texts that are set aside


@dataclass
class TextSet:
    """Texts and their classes.

    Attributes:
        texts: one sample each.
        labels: int64 (n,), or `None` without classes; -1 where there is none.
        label_names: class names by index, or `None`.
        name: of the data set, for the card.
        split: which part this is.
        license: as its repository states it, or `None`.
        tokenizer: where the data set has its own vocabulary.
        has_end: whether texts differ in length.
        continued: bool (n,), which texts are windows that don't end where their text does; `None` without any.
    """

    texts: list[str]
    labels: np.ndarray | None
    label_names: list[str] | None
    name: str
    split: str
    license: str | None = None
    tokenizer: Tokenizer | None = None
    has_end: bool = True
    continued: np.ndarray | None = None

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
        labels, continued = (None if of is None else of[indices] for of in (self.labels, self.continued))
        texts = [self.texts[k] for k in indices]
        return replace(self, texts=texts, labels=labels, continued=continued, split=split)


@dataclass
class Splits:
    """What is trained on, validated on and measured on; `None` of too few texts. `report`: what reading found."""

    train: TextSet
    validation: TextSet | None
    test: TextSet | None
    report: DataReport


def load(args: Any) -> Splits:
    """The texts that the command line asks for; prints what was found.

    Where the data set has no validation or test split, a twentieth of the training texts (at most 1,000) is set aside
    for each, always the same ones; of fewer than 40 texts none is. Long texts are cut into windows before, so that no
    token is on both sides.

    Args:
        args: `dataset_name`, `dataset_config_name` (of the built-in oracle: a file with other weights),
            `train_data_dir`, `cache_dir`, `hub_token`, `text_column`, `label_column`, `max_train_samples`,
            `streaming`, `unconditional`, `allow_any_label`; `text_unit` and `tokens`, see `gan.text.preprocessing`
            and `gan.text.tokenizer`; `window_length`, tokens of a window, or `None` to leave long texts whole.

    Raises:
        GANError: if there are no usable texts, with the reason.
    """
    report = DataReport("texts")
    found = {
        role: _in_windows(texts, args, report if role == "train" else None)
        for role, texts in _read(args, report).items()
    }
    train = found["train"]
    if train.labels is not None and train.labels.min() < 0:
        raise GANError(
            f"There is no class for {(train.labels < 0).sum():,} of the {len(train):,} texts of {train.name}; name "
            f"another column with --label_column, or train with --unconditional."
        )
    if args.max_train_samples is not None:
        train = train.take(training_subset(len(train), args.max_train_samples), train.split)
    if train.labels is not None and train.label_names is not None:
        labels, names = without_empty_classes(train.labels, train.label_names)
        train = replace(train, labels=labels, label_names=names)
    validation, test = (_matched(found.get(role), train, report) for role in ("validation", "test"))
    splits = _with_held_out(train, validation, test, report)
    _describe(splits)
    return splits


def _read(args: Any, report: DataReport) -> dict[str, TextSet]:
    """By role, the splits of the data set that the command line names."""
    if args.train_data_dir is not None and is_table(args.train_data_dir):
        args = Namespace(**vars(args) | {"dataset_name": args.train_data_dir, "train_data_dir": None})
    if args.train_data_dir is not None:
        return _from_folder(args, report)
    if args.dataset_name not in BUILT_IN:
        return _from_dataset(args, report)
    generated = _oracle(args) if args.dataset_name == "oracle" else verses.texts()
    found = {split: TextSet(split=split, name=args.dataset_name, **part) for split, part in generated.items()}
    if args.unconditional:
        found = {split: replace(part, labels=None, label_names=None) for split, part in found.items()}
    return found


def is_table(path: str) -> bool:
    """Whether this is called as tables are."""
    return Path(path).suffix.lower() in TABLE_SUFFIXES


def _oracle(args: Any) -> dict[str, dict[str, Any]]:
    return oracle.texts(oracle.Oracle(path=args.dataset_config_name))


def _in_windows(texts: TextSet, args: Any, report: DataReport | None) -> TextSet:
    """The texts, long ones as windows; those of the training texts are described in the report."""
    if args.window_length is None or not texts.has_end:
        return texts
    in_windows = partial(windows, length=args.window_length, token_starts=token_starts(args.tokens))
    parts = [in_windows(text) for text in texts.texts]
    counts = np.array([len(part) for part in parts])
    if counts.max(initial=0) < 2:
        return texts
    if report is not None:
        cut = int((counts > 1).sum())
        report.found["windows"] = (
            f"{counts[counts > 1].sum():,} windows of at most {args.window_length} tokens, cut from "
            f"{counted(cut, 'long text')}"
        )
    continued = [k + 1 < len(part) for part in parts for k in range(len(part))]
    return replace(
        texts,
        texts=[window for part in parts for window in part],
        labels=None if texts.labels is None else texts.labels.repeat(counts),
        continued=np.array(continued),
    )


def _matched(texts: TextSet | None, train: TextSet, report: DataReport) -> TextSet | None:
    """A split with the classes of the training texts; `None`, and a note, where its texts have others."""
    if texts is None:
        return None
    if train.label_names is None:
        return replace(texts, labels=None, label_names=None)
    own = texts.label_names or []
    classes = [None if k < 0 else own[k] for k in ([] if texts.labels is None else texts.labels)]
    labels = class_indices(classes, train.label_names)
    if texts.labels is None or labels.min() < 0:
        report.note(unusable(texts.split, train.name, "texts"))
        return None
    return replace(texts, labels=labels, label_names=train.label_names)


def _with_held_out(train: TextSet, validation: TextSet | None, test: TextSet | None, report: DataReport) -> Splits:
    """Sets a twentieth of the training texts aside for each split that is missing."""
    share = min(MAX_HELD_OUT, int(HELD_OUT_SHARE * len(train)))
    if share >= 2 and (validation is None or test is None):
        aside, rest = set_aside(train, share * ((validation is None) + (test is None)))
        order = np.random.default_rng(0).permutation(len(train))
        first, second = np.split(order[np.isin(order, aside)], [share])
        test = test or train.take(np.sort(second if validation is None else first), HELD_OUT)
        validation = validation or train.take(np.sort(first), VALIDATION)
        train = train.take(rest, "train without what is held out")
    return Splits(train, validation, test, report)


def _describe(splits: Splits) -> None:
    """Completes the report, and prints it."""
    report, train, test = splits.report, splits.train, splits.test
    report.name = train.name
    labels = None if train.labels is None else train.labels[:, None]
    report.describe(len(train), labels, None if train.label_names is None else {"label": train.label_names})
    if test is not None:
        known = set(train.texts)
        report.describe_held_out(test.split, len(test), sum(text in known for text in test.texts))
    report.show()


# Folders of plain text


def _from_folder(args: Any, report: DataReport) -> dict[str, TextSet]:
    """By role, the texts of a folder, or of a single file; sub-folders or a table beside the files hold classes."""
    path = Path(args.train_data_dir)
    if path.is_file() and path.suffix.lower() in (*SUFFIXES, *OTHER_SUFFIXES):
        report.found["unit"] = f"a {args.text_unit} each"
        return {
            "train": _read_part(FolderPart(path.parent, "train", [path]), None, clean_name(path.stem), args, report)
        }
    check_folder(path, "texts", frozenset((*SUFFIXES, *OTHER_SUFFIXES)))
    files = _text_files(path, list_files(path, getattr(args, "output_dir", None), report), report)
    root = look_through(path, files)
    name = data_name(path)
    report.found["unit"] = f"a {args.text_unit} each"
    found: dict[str, TextSet] = {}
    for part in folder_splits(root, files, report).values():  # the training split first
        role = ROLES.get(part.split.casefold(), "validation") if found else "train"
        classes = None if args.unconditional else _classes_of_files(part, path, args, report)
        found[role] = _read_part(part, classes, name, args, report)
    train = found["train"]
    if train.labels is not None and train.label_names is not None and not args.allow_any_label:
        of_texts = [None if k < 0 else train.label_names[k] for k in train.labels]
        check_classes(of_texts, train.label_names, f"The folder {root}", "texts", are_folders=True)
    return found


def _text_files(root: Path, files: list[Path], report: DataReport) -> list[Path]:
    """Those of the files that are texts: .txt ones if there are any, else other plain text, such as code."""
    tables = [file for file in files if file.suffix.lower() in TABLE_SUFFIXES]
    for suffixes in (SUFFIXES, OTHER_SUFFIXES):
        usable = [file for file in files if file.suffix.lower() in suffixes]
        if usable:
            used = set(usable)
            report.leave_out("of other kinds", [file for file in files if file not in used and not _is_metadata(file)])
            return usable
    if tables:
        raise GANError(
            f"The folder {root} holds no .txt files, but tables like {tables[0].name}; name it with --dataset_name "
            f"{root}."
        )
    others = Counter(file.suffix.lower() or "no suffix" for file in files)
    what = (
        f" (it holds {', '.join(f'{count:,} {suffix}' for suffix, count in others.most_common(5))})" if files else ""
    )
    raise GANError(f"The folder {root} holds no .txt files{what}; --train_data_dir takes plain text.")


def _is_metadata(file: Path) -> bool:
    return file.stem == "metadata" and file.suffix.lower() in TABLE_SUFFIXES


def _classes_of_files(part: FolderPart, path: Path, args: Any, report: DataReport) -> list[str | None] | None:
    """The class of each file: of a table in or above its folder, or of sub-folders; `None` without classes."""
    folders = [folder for folder in (part.root, *part.root.parents) if folder.is_relative_to(path)]
    table = next((found for found in map(find_table, folders) if found is not None), None)
    wanted = None if args.label_column is None else [args.label_column]
    if table is not None:
        rows = read_table(table)
        column = next(iter(label_columns(wanted, rows.columns, str(table), False)), None)
        others = [name for name in rows.columns if name != FILE_COLUMN]
        tell_columns(others, [] if column is None else [column], wanted, report)
        if column is not None:
            cells, _ = class_names([row[column] for row in rows.rows], None)
            by_file = {file.resolve(): cell for file, cell in zip(listed_files(rows, None, "file_name"), cells)}
            return [by_file.get(file.resolve()) for file in part.files]
    elif wanted is not None and wanted != ["label"]:
        raise GANError(
            f"The folder {part.root} has no metadata.csv with the column {args.label_column!r}; leave --label_column "
            f"out, as its sub-folders are its classes, or write the table (file_name,{args.label_column})."
        )
    found = classes_by_folder(part, report)
    return None if found is None else list(found)


def _read_part(
    part: FolderPart, classes: list[str | None] | None, name: str, args: Any, report: DataReport
) -> TextSet:
    """The texts of files, each with the class of its file."""
    texts: list[str] = []
    labels: list[str | None] = []
    latin: list[Path] = []
    layouts = 0
    for path, label in zip(part.files, classes or [None] * len(part.files)):
        content, encoding = read_text(path)
        units = split_units(content, args.text_unit)
        if not units:
            report.leave_out("empty", [path])
        latin += [path] * (encoding == LATIN_1)
        layouts += has_layout(content)
        texts += units
        labels += [label] * len(units)
    if not texts:
        raise GANError(
            f"The {', '.join(sorted({file.suffix for file in part.files}))} files in {part.root} are empty."
        )
    if latin:
        report.note(
            f"Taken for Latin-1: {counted(len(latin), 'file')} ({latin[0].name}); convert to UTF-8 if letters are "
            f"wrong."
        )
    if args.text_unit == "line" and layouts > 0.5 * len(part.files):
        report.note(
            f"Every line of {name} is a text of its own, without indentation; --text_unit paragraph or file keeps the "
            f"lines of a poem, of wrapped prose or of code in one text."
        )
    if classes is None:
        return TextSet(texts, None, None, name, part.split)
    names = natural_order({label for label in labels if label is not None})
    return TextSet(texts, class_indices(labels, names), names, name, part.split)


# Data sets that `datasets` reads


def _from_dataset(args: Any, report: DataReport) -> dict[str, TextSet]:
    splits = load_splits(args, "texts", streaming=args.streaming)
    train = "train" if "train" in splits else next(iter(splits))
    names = {"train": train, "validation": "valid" if "valid" in splits else "validation", "test": "test"}
    found: dict[str, TextSet] = {}
    for role, split in names.items():
        if split in splits and (role == "train" or split != train):
            max_rows = (args.max_train_samples if role == "train" else None) or MAX_STREAMED  # read of a stream
            found[role] = _from_split(splits[split], args, split, max_rows, report if role == "train" else None)
    return found


def _from_split(split: Any, args: Any, split_name: str, max_rows: int, report: DataReport | None) -> TextSet:
    """The texts and classes of a split; the training split's are described in the report."""
    is_train, report = report is not None, report or DataReport("texts")
    with loading(args.dataset_name, "texts"):
        features: Any = split.features or next(iter(split), {})  # a stream may not know before its first row
    column = _text_column(args, features, split)
    candidates = [name for name in features if name != column]
    known = [name for name in candidates if isinstance(features[name], ClassLabel)]
    wanted = None if args.label_column is None else [args.label_column]
    label_column = next(iter(label_columns(wanted, candidates, "the data set", args.unconditional, known)), None)
    if not args.unconditional:
        tell_columns(candidates, [] if label_column is None else [label_column], wanted, report)
    texts, cells, empty = _read_rows(split, column, label_column, args, max_rows)
    if not texts:
        raise GANError(f"The {split_name} split of {args.dataset_name} holds no text.")
    if empty:
        report.leave_out("without text", [""] * empty)
    name, license = shown_name(args.dataset_name), split.info.license or None
    if label_column is None:
        return TextSet(texts, None, None, name, split_name, license)
    classes, names = class_names(cells, features.get(label_column))
    if is_train and not args.allow_any_label:
        check_classes(classes, names, f"The column {label_column!r} of {name}", "texts")
    return TextSet(texts, class_indices(classes, names), names, name, split_name, license)


def _text_column(args: Any, features: Iterable[str], split: Any) -> str:
    if split.info.builder_name == "text" and args.text_unit != "line":
        raise GANError(
            f"--dataset_name reads plain text line by line; name the folder with --train_data_dir to have a "
            f"{args.text_unit} a text."
        )
    features = list(features)
    column = args.text_column or next((name for name in TEXT_COLUMNS if name in features), None)
    if column is None or column not in features:
        wanted = "column of texts" if column is None else f"text column {column!r}"
        raise GANError(
            f"There is no {wanted} in the data set; its columns are {', '.join(features)}. Name one with "
            f"--text_column."
        )
    return column


def _read_rows(
    split: Any, column: str, label_column: str | None, args: Any, max_rows: int
) -> tuple[list[str], list[Any], int]:
    """Texts, the cell of the label column of each, and how many rows have no text."""
    rows = split.select_columns([column, *([] if label_column is None else [label_column])])
    texts: list[str] = []
    cells: list[Any] = []
    empty = 0
    with loading(args.dataset_name, "texts"):  # a stream is only read now
        for row in islice(rows, max_rows) if args.streaming else rows:
            text = row[column] or ""  # an empty cell of a table is nothing
            if not isinstance(text, str):
                raise GANError(
                    f"The column {column!r} of the data set holds no text; name another with --text_column."
                )
            line = " ".join(text.split())
            units = [line] if args.text_unit == "line" and line else split_units(text, args.text_unit)
            empty += not units
            texts += units
            cells += [None if label_column is None else row[label_column]] * len(units)
    return texts, cells, empty


# Tokens


@dataclass
class Encoded:
    """Texts as tokens.

    Attributes:
        tokens: int64 (n, length): the tokens of each, `END` where it ends, `IGNORED` behind.
        cut: how many texts were longer than fits; only their beginning is kept.
    """

    tokens: Tensor
    cut: int


def learn_tokenizer(train: TextSet, kind: str, vocab_size: int) -> Tokenizer:
    """The data set's own vocabulary, or one learnt from its training texts.

    Raises:
        GANError: if nothing but the special tokens fits into it, or not every byte of byte pairs.
    """
    least = len(SPECIAL) + BYTES
    if train.tokenizer is None and kind == "bpe" and vocab_size < least:
        raise GANError(f"--vocab_size {vocab_size} has no room for the {BYTES} bytes of bpe; give at least {least}.")
    tokenizer = train.tokenizer or train_tokenizer(train.texts, kind, vocab_size)
    if tokenizer.get_vocab_size() <= len(SPECIAL):
        raise GANError(f"--vocab_size {vocab_size} has room for no {kind}; give more than {len(SPECIAL)}.")
    return tokenizer


def natural_length(train: TextSet, tokenizer: Tokenizer) -> int:
    """The default of --max_length: the length in tokens of 99.5 % of the training texts, at most 256."""
    lengths = np.sort([len(encoding.ids) for encoding in tokenizer.encode_batch_fast(train.texts)])
    return int(min(MAX_LENGTH, max(1, lengths[int(LENGTH_SHARE * (len(lengths) - 1))])))


def encode(texts: TextSet, tokenizer: Tokenizer, max_length: int) -> Encoded:
    """Texts as tokens, cut off where they are longer than `max_length`."""
    ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts.texts, add_special_tokens=False)]
    tokens: Any = np.full((len(ids), max_length + texts.has_end), IGNORED, dtype=np.int64)
    continued = np.zeros(len(ids), dtype=bool) if texts.continued is None else texts.continued
    for row, sample, goes_on in zip(tokens, ids, continued):
        row[: min(len(sample), max_length)] = sample[:max_length]
        if texts.has_end and len(sample) <= max_length and not goes_on:
            row[len(sample)] = END
    cut = sum(len(sample) > max_length for sample in ids)
    return Encoded(torch.from_numpy(tokens), cut)
