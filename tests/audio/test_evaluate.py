"""`python -m gan.audio.evaluate`: what it prints, writes and refuses."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from cli import environment, files, in_two_processes
from huggingface_hub import constants
from sounds import RATE, tones

from gan import AudioPipeline, GANPipeline
from gan.audio import features
from gan.audio.evaluate import main

NAMES = {"word": ["low", "high"], "voice": ["Ada", "Bob"]}


def sounds(folder: Path, count: int, words: tuple[str, str] = ("low", "high")) -> Path:
    """A plain folder with `metadata.csv`."""
    folder.mkdir()
    rows = ["file_name,word,voice"]
    for k, clip in enumerate(tones(count).audio):
        soundfile.write(folder / f"{k:03}.wav", clip, RATE)
        rows.append(f"{k:03}.wav,{words[k % 2]},{NAMES['voice'][k % 3 % 2]}")
    (folder / "metadata.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def work(make_audio_pipeline: Callable[..., AudioPipeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the model `model`, as trained on 40 clips in `sounds`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setattr(features, "EXAMPLES_SEEN", 400)
    sounds(tmp_path / "sounds", 40)
    pipeline = make_audio_pipeline(NAMES)
    arguments = {"train_data_dir": "sounds", "label_column": ["word", "voice"]}
    pipeline.training_record = {"arguments": arguments, "dataset": {"name": "sounds"}, "modality": "audio"}
    pipeline.save_pretrained(tmp_path / "model")
    return tmp_path


def evaluate(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command, as a shell would run it."""
    monkeypatch.setattr(sys, "argv", ["evaluate", *words])
    return main()


def test_it_prints_a_table_and_renews_the_record(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sounds(work / "many", 500)
    words = ["--train_data_dir", "many", "--label_column", "word", "voice", "--num_clips", "70"]
    assert evaluate(monkeypatch, "model", *words, "--hub_token", "hf_secret") == 0
    shown = capsys.readouterr().out
    measured = json.loads((work / "model/metrics.json").read_text())
    assert {metric["samples"] for metric in measured["metrics"]} == {70}
    assert measured["command"] == f"python -m gan.audio.evaluate model {' '.join(words)}"
    card = (work / "model/README.md").read_text()
    for place in (shown, card):
        assert "| real (reference) |" in place and "| analysis-synthesis (ceiling) |" in place
        assert "from a generated clip to the nearest training clip" in place
    assert "python -m gan.audio.evaluate model" in card and "hf_secret" not in card
    assert "![Generated clips and their nearest training clips](neighbours.png)" in card
    assert GANPipeline.from_pretrained(work / "model").metrics == measured


def test_what_is_not_given_is_as_the_model_was_trained(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluate(monkeypatch, "model", "--output_dir", "figures") == 0
    measured = json.loads((work / "figures/metrics.json").read_text())
    assert measured["neighbours"]["features"] == "16 x 16 spectrograms"
    assert "the held-out tenth split has 4" in measured["note"]
    assert (work / "figures/neighbours.png").exists() and not (work / "model/metrics.json").exists()


@pytest.mark.processes
def test_two_processes_measure_what_one_does(
    work: Path,
    make_audio_pipeline: Callable[..., AudioPipeline],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (sounds(work / "many", 500) / "metadata.csv").unlink()
    make_audio_pipeline(None).save_pretrained(work / "unconditional")
    words = ["unconditional", "--train_data_dir", "many", "--num_clips", "100", "--output_dir", "figures"]
    assert evaluate(monkeypatch, *words) == 0
    one, said = files(work / "figures"), capsys.readouterr().out
    two = in_two_processes("-m", "gan.audio.evaluate", *words, env=environment(work / "home"), cwd=work).check()
    assert files(work / "figures") == one and two.out == said and "Fréchet distance" in said


BAD = {
    "no such model": (["nowhere/at/all"], "neither a folder here nor an id"),
    "no such folder": (["model", "--train_data_dir", "nowhere"], "The folder nowhere does not exist"),
    "no such split": (["model", "--split", "validation"], "has no usable split 'validation'"),
    "no such column": (["model", "--label_column", "pitch"], "'pitch'"),
    "one column of two": (["model", "--label_column", "word"], "labels word and voice, and sounds is read with word"),
    "other classes": (
        ["model", "--train_data_dir", "seasons", "--label_column", "word", "voice"],
        "does not know the class 'spring' of seasons",
    ),
    "too few": (["model", "--train_data_dir", "few", "--label_column", "word", "voice"], "few has 10 clips, too few"),
    "no classifier": (["model", "--features", "classifier"], "36 clips are too few"),
    "unknown data": (["stranger"], "does not say what it was trained on"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(
    name: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line, sentence = BAD[name]
    sounds(work / "few", 10)
    sounds(work / "seasons", 40, ("spring", "high"))
    stranger = GANPipeline.from_pretrained(work / "model")
    stranger.training_record = {}
    stranger.save_pretrained(work / "stranger")
    assert evaluate(monkeypatch, *line) == 2
    error = capsys.readouterr().err.split("\n")[-2]
    assert error.startswith("error: ") and sentence in error and error.endswith(".")
    assert not (work / "model/metrics.json").exists()
