"""`python -m gan.image.evaluate`: what it prints, writes and refuses."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest
from cli import environment, files, in_two_processes, pictures
from huggingface_hub import constants
from PIL import Image

from gan import GANPipeline, ImagePipeline
from gan.image.evaluate import main


@pytest.fixture
def work(make_pipeline: Callable[..., ImagePipeline], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the model `model`, as trained on 40 pictures in `pictures`."""
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "pictures", 40)
    pipeline = make_pipeline(labels=["day", "night"])
    pipeline.training_record = {"arguments": {"train_data_dir": "pictures"}, "dataset": {"name": "pictures"}}
    pipeline.save_pretrained(tmp_path / "model")
    return tmp_path


def evaluate(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command, as a shell would run it."""
    monkeypatch.setattr(sys, "argv", ["evaluate", *words])
    return main()


def test_it_prints_a_table_and_renews_the_record(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = work / "model/generator/diffusion_pytorch_model.safetensors"
    before = weights.stat().st_mtime_ns
    assert evaluate(monkeypatch, "model", "--hub_token", "hf_secret") == 0
    shown = capsys.readouterr().out
    measured = json.loads((work / "model/metrics.json").read_text())
    assert measured["metrics"][0]["samples"] == 4
    assert measured["command"] == "python -m gan.image.evaluate model"
    assert measured["dataset"] == "pictures"
    card = (work / "model/README.md").read_text()
    for place in (shown, card):
        assert f"| **generated** | **{measured['metrics'][0]['value']}** |" in place
        assert "| real (reference) |" in place and "| held-out with noise 0.05 |" in place
    assert "python -m gan.image.evaluate model" in card and "neighbours.png" in card and "hf_secret" not in card
    assert weights.stat().st_mtime_ns == before
    assert not [path for path in (work / "model").iterdir() if path.name.startswith(".")]

    loaded = GANPipeline.from_pretrained(work / "model")
    assert loaded.metrics == measured
    loaded.save_pretrained(work / "copy")
    assert (work / "copy/neighbours.png").read_bytes() == (work / "model/neighbours.png").read_bytes()
    copied = (work / "copy/README.md").read_text().replace("copy", "model")  # and with it a checksum
    checksums = re.compile(r"\b[0-9a-f]{8}(?= -->)")
    assert checksums.sub("", copied) == checksums.sub("", card)


def test_it_can_write_elsewhere(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluate(monkeypatch, "model", "--train_data_dir", str(work / "pictures"), "--output_dir", "figures") == 0
    assert {path.name for path in (work / "figures").iterdir()} == {"README.md", "metrics.json", "neighbours.png"}
    assert json.loads((work / "figures/metrics.json").read_text())["command"].endswith(
        "model --train_data_dir pictures --output_dir figures"
    )
    assert not (work / "model/metrics.json").exists()


def test_it_holds_out_the_pictures_that_training_held_out(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.loads((work / "model/training.json").read_text())
    record["arguments"]["max_train_samples"] = 20
    (work / "model/training.json").write_text(json.dumps(record))
    assert evaluate(monkeypatch, "model") == 0
    assert json.loads((work / "model/metrics.json").read_text())["metrics"][0]["samples"] == 2


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ({"split": "train"}, []),  # its classes could not be held out then, or had no test split that matched
        ({"split": "train without the held-out tenth", "images": 34, "watched": 2}, ["--max_train_samples", "30"]),
        ({"split": "train without the held-out tenth", "images": 25, "watched": 1}, []),  # the folder has grown
    ],
)
def test_it_measures_on_no_picture_that_was_trained_on(
    trained: dict[str, str | int],
    words: list[str],
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = json.loads((work / "model/training.json").read_text())
    record["dataset"] |= trained
    (work / "model/training.json").write_text(json.dumps(record))
    assert evaluate(monkeypatch, "model", *words) == 2
    error = capsys.readouterr().err
    assert "model was trained on some of the pictures of pictures that would be held out here" in error
    assert not (work / "model/metrics.json").exists()


def test_classes_can_be_left_out(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert evaluate(monkeypatch, "model", "--unconditional") == 0
    measured = json.loads((work / "model/metrics.json").read_text())["metrics"]
    assert "class_agreement" not in [figure["type"] for figure in measured]


def test_classes_are_left_out_as_in_training(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    shown = [Image.open(path) for path in sorted((work / "pictures").rglob("*.png"))]
    rows = {"image": shown, "label": [None] * len(shown)}
    (work / "set/data").mkdir(parents=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(work / "set/data/train-00000-of-00001.parquet")
    record = json.loads((work / "model/training.json").read_text())
    record["arguments"] = {"dataset_name": "set", "unconditional": True}
    (work / "model/training.json").write_text(json.dumps(record))
    assert evaluate(monkeypatch, "model", "--output_dir", "figures") == 0
    assert evaluate(monkeypatch, "model", "--output_dir", "figures", "--no-unconditional") == 2


@pytest.mark.processes
def test_two_processes_measure_what_one_does(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "HF_HOME", str(work / "huggingface"))
    pictures(work / "many", 1_200, 16)  # enough to train a classifier
    words = ["model", "--train_data_dir", "many", "--output_dir", "figures"]
    assert evaluate(monkeypatch, *words) == 0
    one, said = files(work / "figures"), capsys.readouterr().out
    home = work / "home"  # without a classifier
    two = in_two_processes("-m", "gan.image.evaluate", *words, env=environment(home), cwd=work).check()
    assert files(work / "figures") == one and two.out == said
    (kept,) = [path.parent for path in (home / "huggingface").rglob("config.json")]
    assert files(kept) == files(work / "huggingface/gan-studio/classifiers" / kept.name)

    # What only one process meets, all of them end by.
    (kept / "config.json").write_text("{")
    two = in_two_processes("-m", "gan.image.evaluate", *words, env=environment(home), cwd=work)
    (error,) = [line for line in two.said if line.startswith("error: ")]
    assert two.code == 2 and "is damaged; remove that folder." in error


BAD = {
    "no such model": (["nowhere/at/all"], "neither a folder here nor an id"),
    "no such folder": (["model", "--train_data_dir", "nowhere"], "The folder nowhere does not exist"),
    "no such split": (["model", "--split", "validation"], "has no usable split 'validation'"),
    "other classes": (["model", "--train_data_dir", "seasons"], "does not know the class 'spring' of seasons"),
    "too few": (["model", "--train_data_dir", "few"], "few has 10 pictures, too few"),
    "no classifier": (["model", "--features", "classifier"], "36 pictures are too few"),
    "unknown data": (["stranger"], "does not say what it was trained on"),
    "a file in the way": (["model", "--output_dir", "pictures/day/001.png"], "could not be written"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(
    name: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line, sentence = BAD[name]
    pictures(work / "few", 10)
    (pictures(work / "seasons", 40) / "day").rename(work / "seasons/spring")
    stranger = GANPipeline.from_pretrained(work / "model")
    stranger.training_record = {}
    stranger.save_pretrained(work / "stranger")
    assert evaluate(monkeypatch, *line) == 2
    error = capsys.readouterr().err.split("\n")[-2]
    assert error.startswith("error: ") and sentence in error and error.endswith(".")
    assert not (work / "model/metrics.json").exists()
