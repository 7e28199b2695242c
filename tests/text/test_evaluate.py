"""`python -m gan.text.evaluate`: what it prints, writes and refuses."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli import environment, files, in_two_processes
from tokenizers import Tokenizer

from gan import GANPipeline, TextPipeline
from gan.text import lm_score
from gan.text.evaluate import main


def songs(folder: Path, tokenizer: Tokenizer, count: int) -> None:
    """Writes lines of characters that the tiny model knows."""
    characters = [tokenizer.id_to_token(k) for k in range(3, tokenizer.get_vocab_size())]
    lines = ["".join(characters[(k * j + k + j) % len(characters)] for j in range(4 + k % 7)) for k in range(count)]
    folder.mkdir()
    (folder / "songs.txt").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def work(
    make_text_pipeline: Callable[..., TextPipeline],
    tokenizer: Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder with the model `model`, as trained on the lines in `songs`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lm_score, "MAX_EPOCHS", 1)
    songs(tmp_path / "songs", tokenizer, 80)
    pipeline = make_text_pipeline()
    pipeline.training_record = {"arguments": {"train_data_dir": "songs"}, "dataset": {"name": "songs"}}
    pipeline.save_pretrained(tmp_path / "model")
    return tmp_path


def evaluate(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command, as a shell would run it."""
    monkeypatch.setattr(sys, "argv", ["evaluate", *words])
    return main()


def test_it_prints_tables_and_renews_the_record(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(monkeypatch, "model", "--sweep", "0.7", "--hub_token", "hf_secret") == 0
    shown = capsys.readouterr().out
    measured = json.loads((work / "model/metrics.json").read_text())
    assert measured["metrics"][0]["samples"] == 4 and measured["metrics"][0]["split"] == "held-out twentieth"
    assert measured["command"] == "python -m gan.text.evaluate model --sweep 0.7"
    card = (work / "model/README.md").read_text()
    for place in (shown, card):
        assert f"| **generated** | **{measured['metrics'][0]['value']}** |" in place
        assert "| real (reference) |" in place and "| unigram |" in place and "| without its critic (MLE) |" in place
        assert "| LM score / reverse LM score at temperature | 0.7 | 1.0 |" in place
    assert "sweep.png" in card and "hf_secret" not in card and "Measured at temperature 1 by" in card
    assert "metrics.json, sweep.png and README.md are in model." in shown
    assert not [path for path in (work / "model").iterdir() if path.name.startswith(".")]

    loaded = GANPipeline.from_pretrained(work / "model")
    assert loaded.metrics == measured
    loaded.save_pretrained(work / "copy")
    assert (work / "copy/sweep.png").read_bytes() == (work / "model/sweep.png").read_bytes()

    # Without a sweep, the picture of the one before goes.
    assert evaluate(monkeypatch, "model", "--sweep", "--split", "validation twentieth") == 0
    assert not (work / "model/sweep.png").exists() and "sweep.png" not in (work / "model/README.md").read_text()
    assert json.loads((work / "model/metrics.json").read_text())["metrics"][0]["split"] == "validation twentieth"


def test_it_can_write_elsewhere(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["model", "--num_texts", "30", "--output_dir", "measured_elsewhere", "--sweep", "0.5"]
    assert evaluate(monkeypatch, *words, "--train_data_dir", str(work / "songs")) == 0
    assert {path.name for path in (work / "measured_elsewhere").iterdir()} == {
        "README.md",
        "metrics.json",
        "sweep.png",
    }
    record = json.loads((work / "measured_elsewhere/metrics.json").read_text())
    assert record["command"].endswith("--train_data_dir songs")
    assert {metric["type"]: metric["samples"] for metric in record["metrics"]}["lm_score"] == 30
    assert not (work / "model/metrics.json").exists()


@pytest.mark.processes
def test_two_processes_measure_what_one_does(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()  # nothing is shortened in other processes either
    monkeypatch.chdir(work)
    words = ["model", "--num_texts", "40", "--sweep", "0.5", "0.8", "--output_dir", "measured_elsewhere"]
    assert evaluate(monkeypatch, *words) == 0
    one, printed = files(work / "measured_elsewhere"), capsys.readouterr().out
    two = in_two_processes("-m", "gan.text.evaluate", *words, env=environment(work / "home"), cwd=work).check()
    assert files(work / "measured_elsewhere") == one and two.out == printed


BAD = {
    "no such model": (["nowhere/at/all"], "neither a folder here nor an id"),
    "no such folder": (["model", "--train_data_dir", "nowhere"], "The folder nowhere does not exist"),
    "no such split": (["model", "--split", "validation"], "has no usable split 'validation'"),
    "too few": (["model", "--train_data_dir", "few"], "few has 10 texts, too few"),
    "unknown data": (["stranger"], "does not say what it was trained on; name held-out texts"),
    "a file in the way": (["model", "--sweep", "--output_dir", "songs/songs.txt"], "could not be written"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(
    name: str, work: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line, sentence = BAD[name]
    songs(work / "few", tokenizer, 10)
    stranger = GANPipeline.from_pretrained(work / "model")
    stranger.training_record = {}
    stranger.save_pretrained(work / "stranger")
    assert evaluate(monkeypatch, *line) == 2
    error = capsys.readouterr().err.split("\n")[-2]
    assert error.startswith("error: ") and sentence in error and error.endswith(".")
    assert not (work / "model/metrics.json").exists()
