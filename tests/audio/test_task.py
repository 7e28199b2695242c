"""Sounds through the command line: whole models, an exact resume, fine-tuning, runs that go wrong."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from cli import Result, environment, model_files, read, train_each

from gan import AudioPipeline

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]  # the first test waits for all runs

TINY = ["audio", "--model_size", "tiny", "--train_batch_size", "4", "--max_train_steps", "6", "--report_to", "none"]
TINY += ["--duration", "0.25", "--no-evaluate", "--validation_steps", "3"]
SOUNDS = ["--train_data_dir", "sounds"]
SPOKEN = ["--train_data_dir", "spoken", "--label_column", "word", "voice"]
KEEPING = ["--checkpointing_steps", "3", "--gradient_accumulation_steps", "2", "--penalty_interval", "2"]
KEEPING += ["--augment_samples", "20", "--augment_target", "-100"]

LINES: dict[str, list[str]] = {"two labels": [*SPOKEN, *KEEPING]}
LINES["resumed"] = [*SPOKEN, *KEEPING, "--resume_from_checkpoint", "two labels/checkpoint-3"]
LINES["folders"] = SOUNDS
LINES["unconditional"] = [*SOUNDS, "--unconditional", "--sampling_rate", "16000"]
LINES["fine-tuned"] = ["--train_data_dir", "more", "--pretrained_model_name_or_path", "folders", "--learning_rate"]
LINES["fine-tuned"] += ["1e-9"]
LINES["turned"] = ["--train_data_dir", "spoken", "--label_column", "voice", "word", "--learning_rate", "1e-9"]
LINES["turned"] += ["--pretrained_model_name_or_path", "two labels"]
LINES["classes gone"] = [*SOUNDS, "--unconditional", "--pretrained_model_name_or_path", "two labels"]
LINES["classes come"] = [*SPOKEN, "--pretrained_model_name_or_path", "classes gone"]
LINES["columns come"] = [*SPOKEN, "--pretrained_model_name_or_path", "folders"]
LINES["columns go"] = [*SOUNDS, "--pretrained_model_name_or_path", "two labels"]
LINES["drums"] = ["--dataset_name", "drums", "--max_train_samples", "40", "--max_train_steps", "2"]

BAD = {  # after the runs above
    "another rate": (
        [*SOUNDS, "--pretrained_model_name_or_path", "folders", "--sampling_rate", "16000"],
        "folders makes 0.256 seconds at 8000 Hz, and cannot be fine-tuned",
    ),
    "no folder": (["--train_data_dir", "nowhere"], "The folder nowhere does not exist"),
    "no sounds": (["--train_data_dir", "empty"], "empty"),
    "no such column": (["--train_data_dir", "spoken", "--label_column", "pitch"], "'pitch'"),
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    (folder / "empty").mkdir()
    time = np.arange(1500) / 8000
    rows = ["file_name,word,voice"]
    for k in range(24):
        sound = np.sin(2 * np.pi * (200 + 300 * (k % 2) + 10 * k) * time) * np.exp(-8 * time)
        low_or_high = "high" if k % 2 else "low"
        for place in (f"sounds/{low_or_high}", f"more/{('HIGH', 'low', 'new')[k % 3]}", "spoken"):
            (folder / place).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / place / f"{k:02}.wav", sound, 8000)
        rows.append(f"{k:02}.wav,{low_or_high},{('Ada', 'Bob', 'Cleo')[k % 3]}")
    (folder / "spoken/metadata.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def results(work: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    runs = LINES | {name: line for name, (line, _) in BAD.items()}
    lines = [[*TINY, "--output_dir", name, *flags] for name, flags in runs.items()]
    found = train_each(lines, environment(tmp_path_factory.mktemp("home")), work, shared=())
    return dict(zip(runs, found, strict=True))


@pytest.mark.parametrize("name", LINES)
def test_a_run_writes_a_whole_model(results: dict[str, Result], work: Path, name: str) -> None:
    results[name].check()
    pipeline = AudioPipeline.from_pretrained(work / name)
    out = pipeline(seed=1, num_samples=2)
    assert np.array_equal(pipeline(seed=2).audios[0], out.audios[1])
    assert {"samples.png", "samples.wav", "README.md", "training.json"} <= model_files(work / name).keys()
    labels = {"two labels": {"word": ["high", "low"], "voice": ["Ada", "Bob", "Cleo"]}, "unconditional": None}
    labels |= {
        "classes gone": None,
        "classes come": labels["two labels"],
        "columns come": labels["two labels"],
        "resumed": labels["two labels"],
        "turned": labels["two labels"],
        "fine-tuned": {"label": ["HIGH", "low", "new"]},
    }
    if name != "drums":
        assert pipeline.labels == labels.get(name, {"label": ["high", "low"]})
    assert pipeline.sampling_rate == (16000 if name in ("unconditional", "drums") else 8000)
    assert len(list((work / name / "previews").glob("*.wav"))) == {"drums": 0, "resumed": 1}.get(name, 2)


def test_three_steps_and_three_more_are_six(results: dict[str, Result], work: Path) -> None:
    assert "Resumes from two labels/checkpoint-3." in results["resumed"].check().err
    whole, resumed = model_files(work / "two labels"), model_files(work / "resumed")
    different = {name for name in whole if whole[name] != resumed[name]}
    assert different <= {"training.json", "README.md"}
    assert len([name for name in whole if name.endswith(".safetensors")]) == 2


def test_classes_of_an_earlier_model_are_matched(results: dict[str, Result], work: Path) -> None:
    old, new = (
        AudioPipeline.from_pretrained(work / name).generator.embed.weight for name in ("folders", "fine-tuned")
    )
    assert np.allclose(old[:, :2].detach(), new[:, :2].detach(), atol=1e-5)
    like = [np.allclose(old[:, k].detach(), new[:, 2].detach(), atol=1e-5) for k in range(2)]
    assert sum(like) == 1  # a new class starts as one that it resembles
    assert read(work / "fine-tuned/training.json")["dataset"]["clips"] == 21


def test_columns_of_an_earlier_model_are_matched_by_name(results: dict[str, Result], work: Path) -> None:
    old, new = (AudioPipeline.from_pretrained(work / name).generator.embed.weight for name in ("two labels", "turned"))
    assert np.allclose(old.detach(), new.detach(), atol=1e-5)


def test_classes_go_and_come_when_a_model_is_fine_tuned(results: dict[str, Result]) -> None:
    assert "starts from the mean of the model's classes, as the data has none." in results["classes gone"].out
    assert "All classes start as the model is, as the model knows none." in results["classes come"].out


def test_label_columns_go_and_come(results: dict[str, Result]) -> None:
    assert "Label columns of the model: voice is new to it, word starts as label." in results["columns come"].out
    assert "Label columns of the model: label starts as word, voice as its mean." in results["columns go"].out


@pytest.mark.parametrize("name", BAD)
def test_wrong_use_is_one_sentence(results: dict[str, Result], name: str) -> None:
    assert BAD[name][1] in results[name].error
