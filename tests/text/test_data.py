"""Where texts come from, and how they become tokens."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from gan.errors import GANError
from gan.text import data
from gan.text.data import IGNORED, TextSet
from gan.text.tokenizer import END, UNKNOWN

NOTHING: dict[str, Any] = {
    "dataset_name": None,
    "dataset_config_name": None,
    "train_data_dir": None,
    "cache_dir": None,
    "hub_token": None,
    "text_column": None,
    "label_column": None,
    "max_train_samples": None,
    "streaming": False,
    "unconditional": False,
}


def load(**asked: Any) -> data.Splits:
    return data.load(Namespace(**(NOTHING | asked)))


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_folder_of_plain_files(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", ["one", "", "  two  "])
    write(tmp_path / "sub/b.txt", ["\ufeffthree"])
    splits = load(train_data_dir=str(tmp_path))
    assert splits.train.texts == ["one", "two", "three"] and splits.train.labels is None
    assert splits.validation is None and splits.test is None, "too few to hold any out"


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    write(tmp_path / "sad/x.txt", ["alas"])
    write(tmp_path / "glad/x.txt", ["hurrah", "hurrah again"])
    train = load(train_data_dir=str(tmp_path)).train
    assert train.label_names == ["glad", "sad"] and train.labels.tolist() == [0, 0, 1]
    assert load(train_data_dir=str(tmp_path), unconditional=True).train.labels is None


def test_texts_are_held_out_once(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", [f"line {k}" for k in range(200)])
    splits = load(train_data_dir=str(tmp_path))
    parts = [set(part.texts) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [180, 10, 10]
    assert len(set.union(*parts)) == 200
    again = load(train_data_dir=str(tmp_path))
    assert again.test.texts == splits.test.texts and again.train.fingerprint() == splits.train.fingerprint()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A data set as on the Hub, with classes by name and splits of its own."""
    for split, count in (("train", 12), ("validation", 3), ("test", 4)):
        rows = [{"verse": f"{split} verse {k}", "mood": ["glad", "sad"][k % 2], "number": k} for k in range(count)]
        write(tmp_path / "set" / f"{split}.jsonl", [json.dumps(row) for row in rows])
    return tmp_path / "set"


@pytest.mark.parametrize("streaming", [False, True])
def test_a_repository(repository: Path, streaming: bool) -> None:
    splits = load(dataset_name=str(repository), text_column="verse", label_column="mood", streaming=streaming)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [12, 3, 4]
    assert splits.train.label_names == ["glad", "sad"] and splits.test.labels.tolist() == [0, 1, 0, 1]
    assert splits.train.name == "set" and splits.test.texts[0] == "test verse 0"


def test_a_stream_is_read_no_further_than_asked(repository: Path) -> None:
    splits = load(dataset_name=str(repository), text_column="verse", streaming=True, max_train_samples=5)
    assert len(splits.train) == 5


def test_only_the_training_texts_are_fewer_in_a_stream(repository: Path) -> None:
    splits = load(dataset_name=str(repository), text_column="verse", streaming=True, max_train_samples=2)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [2, 3, 4]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_split_of_other_classes_is_of_no_use(
    tmp_path: Path, streaming: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    moods = {"train": ["glad", "sad"], "validation": ["sad"], "test": ["glad", "odd"]}
    for split, there in moods.items():
        rows = [{"text": f"{split} {k}", "mood": there[k % len(there)]} for k in range(60)]
        write(tmp_path / f"{split}.jsonl", [json.dumps(row) for row in rows])
    splits = load(dataset_name=str(tmp_path), label_column="mood", streaming=streaming)
    assert f"The test split of {tmp_path.name} has other classes than the texts to train on" in capsys.readouterr().out
    assert splits.validation.split == "validation" and set(splits.validation.labels.tolist()) == {1}
    assert (splits.test.split, len(splits.test), len(splits.train)) == ("held-out twentieth", 3, 57)


def test_empty_cells_and_other_columns_are_passed_over(tmp_path: Path) -> None:
    broken = {"bytes": b"not a picture", "path": None}
    rows = {"text": ["one", None, "", "two"], "image": [broken] * 4}
    features = datasets.Features({"text": datasets.Value("string"), "image": datasets.Image()})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "train.parquet")
    for streaming in (False, True):
        assert load(dataset_name=str(tmp_path), streaming=streaming).train.texts == ["one", "two"]


def test_a_damaged_stream_is_one_sentence(repository: Path) -> None:
    with (repository / "train.jsonl").open("a") as file:
        file.write("{not json\n")
    with pytest.raises(GANError, match="could not be loaded"):
        load(dataset_name=str(repository), text_column="verse", streaming=True)


def test_every_class_has_texts_to_train_on(tmp_path: Path) -> None:
    for k in range(100):
        write(tmp_path / f"author {k:02}/x.txt", [f"line {k} {n}" for n in range(1 if k % 2 else 9)])
    splits = load(train_data_dir=str(tmp_path))
    assert len(splits.train.label_names) == 100 and len(splits.test) > 10
    assert set(splits.train.labels.tolist()) == set(range(100))
    few = load(train_data_dir=str(tmp_path), max_train_samples=30).train
    assert set(few.labels.tolist()) == set(range(len(few.label_names)))


def test_wrong_columns_are_named(repository: Path) -> None:
    with pytest.raises(GANError, match="no column of texts in the data set; its columns are verse, mood, number"):
        load(dataset_name=str(repository))
    with pytest.raises(GANError, match="no text column 'verses'"):
        load(dataset_name=str(repository), text_column="verses")
    with pytest.raises(GANError, match="The column 'number' of the data set holds no text"):
        load(dataset_name=str(repository), text_column="number")
    with pytest.raises(GANError, match="no label column 'tone'"):
        load(dataset_name=str(repository), text_column="verse", label_column="tone")


def test_bad_folders_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(GANError, match=r"does not exist; --train_data_dir takes a folder of \.txt files"):
        load(train_data_dir=str(tmp_path / "none"))
    with pytest.raises(GANError, match=r"holds no \.txt files"):
        load(train_data_dir=str(tmp_path))
    write(tmp_path / "a.txt", ["", "  "])
    with pytest.raises(GANError, match="are empty"):
        load(train_data_dir=str(tmp_path))
    (tmp_path / "a.txt").write_bytes("床前明月光".encode("gb18030"))
    with pytest.raises(GANError, match=r"a\.txt is not UTF-8 text .* convert it"):
        load(train_data_dir=str(tmp_path))


def test_built_in_verses() -> None:
    splits = load(dataset_name="verses")
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [8000, 500, 500]
    assert not set(splits.train.texts) & set(splits.test.texts)
    assert splits.train.label_names == ["spring", "summer", "autumn", "winter"]
    assert np.bincount(splits.train.labels).min() > 1500
    assert load(dataset_name="verses", unconditional=True).train.labels is None


def test_tokens_end_or_are_cut() -> None:
    texts = TextSet(["a b", "a b c d e", "b b b b"], None, None, "toy", "train")
    tokenizer = data.learn_tokenizer(texts, "words", 100)
    assert data.natural_length(texts, tokenizer) in (4, 5)
    encoded = data.encode(texts, tokenizer, 4)
    b = tokenizer.token_to_id("b")
    assert encoded.cut == 1 and encoded.unknown == 0
    assert encoded.tokens.shape == (3, 5)
    assert encoded.tokens[0].tolist()[2:] == [END, IGNORED, IGNORED]
    assert encoded.tokens[1, 4] == IGNORED, "cut, so it doesn't end there"
    assert encoded.tokens[2].tolist() == [b, b, b, b, END]


def test_the_unknown_is_counted() -> None:
    tokenizer = data.learn_tokenizer(TextSet(["a b"], None, None, "toy", "train"), "words", 100)
    encoded = data.encode(TextSet(["a z", "y b"], None, None, "toy", "test"), tokenizer, 4)
    assert encoded.unknown == 2 and int((encoded.tokens == UNKNOWN).sum()) == 2


def test_fingerprints_tell_texts_and_labels_apart() -> None:
    def of(texts: list[str], labels: list[int] | None) -> str:
        return TextSet(texts, None if labels is None else np.array(labels), None, "toy", "train").fingerprint()

    prints = {of(["a", "b"], None), of(["a", "c"], None), of(["a", "b"], [0, 1]), of(["a", "b"], [1, 0])}
    assert len(prints) == 4


def test_classes_of_a_batch() -> None:
    texts = TextSet(["a", "b", "c"], np.array([2, 0, 1]), ["x", "y", "z"], "toy", "train")
    assert texts.classes(torch.tensor([2, 0])).tolist() == [1, 2]
