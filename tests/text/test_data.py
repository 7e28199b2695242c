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
    "allow_any_label": False,
    "text_unit": "line",
    "tokens": "words",
    "window_length": 256,
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


def test_a_folder_for_every_text_has_no_classes(tmp_path: Path) -> None:
    for k in range(30):
        write(tmp_path / f"poem {k}/x.txt", [f"line of poem {k}"])
    with pytest.raises(GANError, match="would make 30 classes of 30 texts"):
        load(train_data_dir=str(tmp_path))
    assert len(load(train_data_dir=str(tmp_path), unconditional=True).train) == 30
    assert len(load(train_data_dir=str(tmp_path), allow_any_label=True).train.label_names) == 30


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
    with pytest.raises(GANError, match="does not exist; --train_data_dir takes a folder of texts"):
        load(train_data_dir=str(tmp_path / "none"))
    with pytest.raises(GANError, match=r"holds no \.txt files"):
        load(train_data_dir=str(tmp_path))
    write(tmp_path / "a.txt", ["", "  "])
    with pytest.raises(GANError, match="are empty"):
        load(train_data_dir=str(tmp_path))
    (tmp_path / "a.txt").write_bytes("床前明月光".encode("gb18030"))
    with pytest.raises(GANError, match=r"a\.txt is not UTF-8 text.* it looks like GB18030; convert it"):
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
    assert encoded.cut == 1 and not (encoded.tokens == UNKNOWN).any()
    assert encoded.tokens.shape == (3, 5)
    assert encoded.tokens[0].tolist()[2:] == [END, IGNORED, IGNORED]
    assert encoded.tokens[1, 4] == IGNORED, "cut, so it doesn't end there"
    assert encoded.tokens[2].tolist() == [b, b, b, b, END]


def test_what_the_vocabulary_lacks_is_the_unknown_token() -> None:
    tokenizer = data.learn_tokenizer(TextSet(["a b"], None, None, "toy", "train"), "words", 100)
    encoded = data.encode(TextSet(["a z", "y b"], None, None, "toy", "test"), tokenizer, 4)
    assert int((encoded.tokens == UNKNOWN).sum()) == 2


def test_fingerprints_tell_texts_and_labels_apart() -> None:
    def of(texts: list[str], labels: list[int] | None) -> str:
        return TextSet(texts, None if labels is None else np.array(labels), None, "toy", "train").fingerprint()

    prints = {of(["a", "b"], None), of(["a", "c"], None), of(["a", "b"], [0, 1]), of(["a", "b"], [1, 0])}
    assert len(prints) == 4


def test_classes_of_a_batch() -> None:
    texts = TextSet(["a", "b", "c"], np.array([2, 0, 1]), ["x", "y", "z"], "toy", "train")
    assert texts.classes(torch.tensor([2, 0])).tolist() == [1, 2]


def book(path: Path, words: int = 40_000) -> Path:
    """A book in one line, every word of it another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(" ".join(f"w{k}x" for k in range(words)))
    return path


@pytest.mark.parametrize("tokens", ["words", "characters", "bpe"])
def test_a_book_becomes_windows_with_no_token_on_both_sides(tmp_path: Path, tokens: str) -> None:
    whole = book(tmp_path / "book/t.txt").read_text()
    splits = load(train_data_dir=str(tmp_path / "book"), tokens=tokens, window_length=64)
    parts = [splits.train, splits.validation, splits.test]
    assert len(splits.train) > 500 and len(splits.test) > 25
    windows = {text: whole.index(text) for part in parts for text in part.texts}
    places = sorted((place, place + len(text)) for text, place in windows.items())
    assert len(places) == sum(map(len, parts)), "no two are the same"
    assert all(end <= begin for (_, end), (begin, _) in zip(places, places[1:]))
    assert "".join(whole.split()) == "".join("".join(whole[a:b].split()) for a, b in places), "nothing is left out"
    tokenizer = data.learn_tokenizer(splits.train, tokens, 500)
    encoded = data.encode(splits.train, tokenizer, 64)
    assert encoded.cut == 0 or tokens == "bpe"
    assert int((encoded.tokens == END).sum()) == int((~splits.train.continued).sum()) <= 1


def test_a_long_text_among_short_ones_is_cut_into_windows_of_its_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book(tmp_path / "long/t.txt", 900)
    write(tmp_path / "short/t.txt", [f"line {k}" for k in range(10)])
    splits = load(train_data_dir=str(tmp_path), window_length=64)
    train = splits.train
    assert train.label_names == ["long", "short"] and np.bincount(train.labels).tolist()[1] < 11
    assert train.continued[train.labels == 1].sum() == 0 and train.continued[train.labels == 0].any()
    assert "15 windows of at most 64 tokens, cut from 1 long text" in capsys.readouterr().out
    assert len(load(train_data_dir=str(tmp_path), window_length=None, unconditional=True).train) == 11


POEMS = "\n\n".join("\n".join(f"    line {j} of poem {k}" for j in range(4)) for k in range(50))


def test_units_keep_line_breaks_and_indentation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.txt").write_text(POEMS + "\n\n\n")
    lines = load(train_data_dir=str(tmp_path))
    assert len(lines.train) == 180 and lines.train.texts[0].startswith("line ")
    assert "--text_unit paragraph or file keeps the lines of a poem" in capsys.readouterr().out
    poems = load(train_data_dir=str(tmp_path), text_unit="paragraph", tokens="bpe")
    assert "keeps the lines of a poem" not in capsys.readouterr().out
    assert sorted([*poems.train.texts, *poems.validation.texts, *poems.test.texts]) == sorted(POEMS.split("\n\n"))
    assert load(train_data_dir=str(tmp_path), text_unit="file", tokens="bpe", window_length=None).train.texts == [
        POEMS
    ]
    tokenizer = data.learn_tokenizer(poems.train, "bpe", 500)
    ids = data.encode(poems.train, tokenizer, 200).tokens[0]
    assert tokenizer.decode(ids[ids > END].tolist()) == poems.train.texts[0]


def test_units_of_columns(tmp_path: Path) -> None:
    rows = [{"text": f"first {k}\n  second\n\nthird"} for k in range(3)]
    write(tmp_path / "set/train.jsonl", [json.dumps(row) for row in rows])
    texts = {unit: load(dataset_name=str(tmp_path / "set"), text_unit=unit).train.texts for unit in data_units()}
    assert texts["line"][0] == "first 0 second third"
    assert texts["paragraph"][:2] == ["first 0\n  second", "third"]
    assert texts["file"][0] == "first 0\n  second\n\nthird"


def data_units() -> tuple[str, ...]:
    return ("line", "paragraph", "file")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1", "utf-32"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = "Über allen Gipfeln\r\nist Ruh, in allen Wipfeln\rspürest du"
    (tmp_path / "t.txt").write_bytes(text.encode(encoding))
    found = load(train_data_dir=str(tmp_path)).train.texts
    assert found == ["Über allen Gipfeln", "ist Ruh, in allen Wipfeln", "spürest du"]
    assert ("Taken for Latin-1: 1 file (t.txt)" in capsys.readouterr().out) == (encoding == "latin-1")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("GB18030", "床前明月光，疑是地上霜。举头望明月，低头思故乡。"),
        ("BIG5", "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"),
        ("SHIFT_JIS", "古池や蛙飛びこむ水の音"),
        ("EUC-KR", "나 보기가 역겨워 가실 때에는 말없이 고이 보내 드리오리다"),
        ("CP1251", "Я помню чудное мгновенье: передо мной явилась ты"),
        ("KOI8-R", "Я помню чудное мгновенье: передо мной явилась ты"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "t.txt").write_bytes(text.encode(encoding))
    with pytest.raises(
        GANError, match=f"it looks like {encoding}; convert it, for instance with `iconv -f {encoding}"
    ):
        load(train_data_dir=str(tmp_path))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(GANError, match=r"t\.txt holds no text; take it out"):
        load(train_data_dir=str(tmp_path))


def test_names_are_trimmed_in_one_form_and_in_natural_order(tmp_path: Path) -> None:
    for name in ("class 10", "class 2", " spring", "e\u0301te\u0301"):
        write(tmp_path / "folder" / name / "t.txt", [f"line {k} of {name.strip()}" for k in range(3)])
    assert load(train_data_dir=str(tmp_path / "folder")).train.label_names == ["class 2", "class 10", "spring", "été"]
    rows = [{"text": f"text {k}", "label": ["a", " a", "b ", "b"][k % 4]} for k in range(24)]
    write(tmp_path / "set/train.jsonl", [json.dumps(row) for row in rows])
    train = load(dataset_name=str(tmp_path / "set")).train
    assert train.label_names == ["a", "b"] and np.bincount(train.labels).tolist() == [12, 12]


def test_what_is_left_out_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a.txt", ["one", "two"])
    write(tmp_path / "b.TXT", ["three"])
    write(tmp_path / "notes.md", ["# notes"])
    (tmp_path / "c.doc").write_bytes(b"\xd0\xcf\x11")
    (tmp_path / "empty.txt").write_text("\n \n")
    splits = load(train_data_dir=str(tmp_path))
    assert splits.train.texts == ["one", "two", "three"]
    assert splits.report.left_out == {"of other kinds": {".md": 1, ".doc": 1}, "empty": {".txt": 1}}
    shown = capsys.readouterr().out
    assert shown.startswith("Data: 3 texts of ") and "2 of other kinds (" in shown and "1 empty (.txt 1)" in shown
    assert splits.report.record()["left_out"]["empty"] == {".txt": 1}


def test_code_and_notes_are_texts_where_there_is_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return 1\n")
    (tmp_path / "picture.png").write_bytes(b"")
    train = load(train_data_dir=str(tmp_path), text_unit="file", tokens="bpe").train
    assert train.texts == ["def f():\n    return 1"]


@pytest.mark.parametrize("name", ["labels", "category", "fine_label"])
def test_label_columns_of_other_names(tmp_path: Path, name: str) -> None:
    rows = [{"text": f"text {k}", name: "ab"[k % 2]} for k in range(24)]
    write(tmp_path / "train.jsonl", [json.dumps(row) for row in rows])
    assert load(dataset_name=str(tmp_path)).train.label_names == ["a", "b"]
    rows = [row | {"class": "x"} for row in rows]
    write(tmp_path / "train.jsonl", [json.dumps(row) for row in rows])
    with pytest.raises(GANError, match=f"could be in several columns of the data set: {name}, class"):
        load(dataset_name=str(tmp_path))


def test_captions_and_measurements_are_no_classes(tmp_path: Path) -> None:
    rows = [{"text": f"text {k}", "label": k / 7, "caption": f"a caption of picture {k}"} for k in range(30)]
    write(tmp_path / "train.jsonl", [json.dumps(row) for row in rows])
    with pytest.raises(GANError, match="holds numbers like"):
        load(dataset_name=str(tmp_path))
    with pytest.raises(GANError, match="which look like captions"):
        load(dataset_name=str(tmp_path), label_column="caption")
    assert len(load(dataset_name=str(tmp_path), label_column="caption", allow_any_label=True).train.label_names) == 30


@pytest.mark.parametrize("flag", ["train_data_dir", "dataset_name"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_table_is_a_data_set(tmp_path: Path, flag: str, suffix: str) -> None:
    path = tmp_path / f"poems{suffix}"
    rows = datasets.Dataset.from_dict({"text": [f"text {k}" for k in range(24)], "label": ["a", "b"] * 12})
    if suffix == ".parquet":
        rows.to_parquet(path)
    elif suffix == ".jsonl":
        rows.to_json(path)
    else:
        rows.to_csv(path, sep="\t" if suffix == ".tsv" else ",", index=False)
    train = load(**{flag: str(path)}).train
    assert len(train) == 24 and train.label_names == ["a", "b"] and train.name == "poems"


def test_single_files_and_folders_of_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "one/poems.txt", ["one", "two"])
    assert load(train_data_dir=str(path)).train.texts == ["one", "two"]
    write(tmp_path / "tables/a.csv", ["text", "one"])
    with pytest.raises(GANError, match=r"no \.txt files, but tables like a\.csv; name it with --dataset_name"):
        load(train_data_dir=str(tmp_path / "tables"))
    (tmp_path / "texts.zip").write_bytes(b"PK")
    with pytest.raises(GANError, match=r"texts\.zip is damaged, or no such archive"):
        load(train_data_dir=str(tmp_path / "texts.zip"))
    with pytest.raises(GANError, match="reads plain text line by line; name the folder with --train_data_dir"):
        load(dataset_name=str(tmp_path / "one"), text_unit="paragraph")


def test_folders_of_splits_are_splits_and_a_wrapper_is_none(tmp_path: Path) -> None:
    for split, count in (("Training", 20), ("valid", 4), ("test", 6)):
        for label in ("glad", "sad"):
            write(tmp_path / "wrapper" / split / label / "t.txt", [f"{split} {label} {k}" for k in range(count)])
    splits = load(train_data_dir=str(tmp_path))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [40, 8, 12]
    assert splits.train.label_names == ["glad", "sad"] and splits.test.split == "test"


def test_a_table_beside_files_has_their_classes(tmp_path: Path) -> None:
    for k in range(4):
        write(tmp_path / f"{k}.txt", [f"line {n} of {k}" for n in range(3)])
    write(tmp_path / "metadata.csv", ["file_name, mood", *(f"{k}.txt,{['glad', ' sad'][k % 2]}" for k in range(4))])
    train = load(train_data_dir=str(tmp_path), label_column="mood").train
    assert train.label_names == ["glad", "sad"] and train.labels.tolist() == [0] * 3 + [1] * 3 + [0] * 3 + [1] * 3
    with pytest.raises(GANError, match="no label column 'tone'"):
        load(train_data_dir=str(tmp_path), label_column="tone")
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(GANError, match=r"has no metadata\.csv with the column 'mood'"):
        load(train_data_dir=str(tmp_path), label_column="mood")


def test_texts_on_both_sides_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split, count in (("train", 30), ("test", 8)):
        write(tmp_path / f"{split}.jsonl", [json.dumps({"text": f"text {k}"}) for k in range(count)])
    splits = load(dataset_name=str(tmp_path))
    assert splits.report.held_out == {"split": "test", "samples": 8, "duplicates": 8}
    assert "Trained on, too: 8 of the 8 held-out texts" in capsys.readouterr().out


def test_the_output_of_a_run_is_not_trained_on(tmp_path: Path) -> None:
    write(tmp_path / "t.txt", ["one", "two"])
    write(tmp_path / "out/samples.txt", ["generated"])
    (tmp_path / "out/model_index.json").write_text("{}")
    assert load(train_data_dir=str(tmp_path)).train.texts == ["one", "two"]


def test_a_table_beside_texts_without_a_usual_name(tmp_path: Path) -> None:
    write(tmp_path / "0.txt", ["one"])
    write(tmp_path / "metadata.csv", ["file_name,mood", "0.txt,sad"])
    assert load(train_data_dir=str(tmp_path)).report.notes == [
        "No classes are used; --label_column can name a column: mood."
    ]


def test_byte_pairs_need_room_for_every_byte(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", ["one", "two"])
    with pytest.raises(GANError, match="--vocab_size 258 has no room for the 256 bytes of bpe; give at least 259"):
        data.learn_tokenizer(load(train_data_dir=str(tmp_path)).train, "bpe", 258)


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text\nGröße\n".encode("latin-1"))
    with pytest.raises(
        GANError, match=r"a\.csv is not in UTF-8 .*`iconv -f WINDOWS-1252 -t UTF-8 a\.csv > converted\.csv`"
    ):
        load(dataset_name=str(tmp_path / "a.csv"))


def test_rows_without_text_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["text,label", "one,1", ",2", "two,2"])
    assert load(dataset_name=str(tmp_path / "a.csv")).report.left_out_lines() == ["1 without text"]
