"""The model card: complete with whatever is known, silent about the rest."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from gan import GANPipeline, ImagePipeline
from gan.hub.wheel import NAME as WHEEL
from gan.metrics.tables import metrics_tables

UNFINISHED = re.compile(r"TODO|FIXME|\[More Information Needed\]|\bNone\b|\bnan\b|\{\w*\}", re.IGNORECASE)


def unfinished(text: str) -> re.Match[str] | None:
    return UNFINISHED.search(text.replace(WHEEL, ""))  # whose name holds a "none" that is meant


def front_matter(text: str) -> dict[str, Any]:
    return yaml.safe_load(text.split("---\n")[1])


def test_the_card_of_a_trained_model_is_complete(repository: Path) -> None:
    text = (repository / "README.md").read_text()
    assert not unfinished(text), unfinished(text)
    assert "![Samples](samples.png)" in text
    assert (repository / "samples.png").is_file()
    for fact in ("Ada, Bob, Cleo", "16x16", "user/faces", "1,631 images", "3,000", "Faces by A. Painter", "9 minutes"):
        assert fact in text, fact
    assert "accelerate launch train.py image --dataset_name user/faces --license cc-by-4.0" in text


def test_metadata(repository: Path) -> None:
    data = front_matter((repository / "README.md").read_text())
    assert data["license"] == "cc-by-4.0"
    assert data["library_name"] == "gan-studio"
    assert data["pipeline_tag"] == "unconditional-image-generation"
    assert data["datasets"] == ["user/faces"]
    assert {"gan", "safetensors", "ImagePipeline"} <= set(data["tags"])


def test_the_model_index_says_what_metrics_json_says(repository: Path) -> None:
    measured = json.loads((repository / "metrics.json").read_text())["metrics"]
    results = ModelCard.load(repository / "README.md").data.eval_results  # read as the Hub's own client reads it
    assert [result.metric_value for result in results] == [metric["value"] for metric in measured]
    assert [result.metric_name for result in results] == [metric["name"] for metric in measured]
    assert [result.dataset_split for result in results] == [metric["split"] for metric in measured]
    assert results[0].dataset_name == "user/faces"
    shown = (repository / "README.md").read_text()
    assert "|  | Sliced Wasserstein distance ↓ |" in shown and "2,000 samples against the test split" in shown
    assert "| **generated** | **31.25** |\n| real (reference) | 4.5 |" in shown


def test_figures_are_of_the_data_that_they_were_measured_on(pipeline: ImagePipeline, repository: Path) -> None:
    pipeline.metrics |= {"dataset": "user/others"}
    (result, *_) = ModelCard(pipeline.card("user/three-friends", published=True)).data.eval_results
    assert (result.dataset_type, result.dataset_name) == ("user/others", "user/others")


@pytest.mark.parametrize(
    ("read", "features", "warned"), [(0.56, "classifier", True), (0.56, "other", False), (0.9, "classifier", False)]
)
def test_distances_by_a_poor_classifier_come_with_a_warning(read: float, features: str, warned: bool) -> None:
    shared = {"samples": 163, "split": "test", "value": 1.0, "higher_is_better": False}
    distance = shared | {
        "name": f"Distance ({features} features)",
        "features": f"{features} features",
        "reference": 0.5,
    }
    text = metrics_tables({"metrics": [distance], "classifier_accuracy": read})
    assert ("right on only 56% of held-out samples" in text and "--features efficientnet" in text) == warned


def test_usage_names_the_repository_and_runs(repository: Path, pipeline: ImagePipeline, tmp_path: Path) -> None:
    text = pipeline.card("user/three-friends", published=True)
    assert "\n# three-friends\n" in text
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(code) == 1
    assert 'from_pretrained("user/three-friends")' in code[0]
    assert "--pretrained_model_name_or_path user/three-friends" in text
    # The same lines, with a folder for the repository: what the card promises works.
    lines = code[0].replace("user/three-friends", str(repository)).replace('f"{', f'f"{tmp_path}/{{')
    names: dict[str, Any] = {}
    exec(lines, names)
    assert names["out"].seeds == list(range(7, 23))
    assert (tmp_path / "7.png").is_file()


def test_a_model_that_nothing_is_known_of(make_pipeline: Callable[..., ImagePipeline], tmp_path: Path) -> None:
    make_pipeline((20, 12), 1, None).save_pretrained(tmp_path / "mystery")
    text = (tmp_path / "mystery" / "README.md").read_text()
    assert not unfinished(text), unfinished(text)
    assert "20x12" in text
    assert "grey" in text
    data = front_matter(text)
    assert "license" not in data
    assert "model-index" not in data
    assert "How it was made" not in text
    assert "What was measured" not in text
    assert not (tmp_path / "mystery" / "training.json").exists()


@pytest.mark.parametrize("known", ["dataset", "machine", "arguments", "command", "seconds"])
def test_any_part_of_the_record_may_be_missing(pipeline: ImagePipeline, record: dict[str, Any], known: str) -> None:
    del record[known]
    pipeline.training_record = record
    text = pipeline.card("user/model", published=True)
    assert not unfinished(text), unfinished(text)
    assert front_matter(text)["model_name" if "model_name" in text else "library_name"]


def test_a_local_data_set_is_not_passed_off_as_one_of_the_hub(pipeline: ImagePipeline, record: dict[str, Any]) -> None:
    record["dataset"]["name"] = "my-folder"
    pipeline.training_record = record
    text = pipeline.card("user/model", published=True)
    assert "datasets" not in front_matter(text)
    assert "my-folder" in text


def test_a_folder_gives_the_card_its_title(
    pipeline: ImagePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sketches").mkdir()
    monkeypatch.chdir(tmp_path / "sketches")
    pipeline.save_pretrained(".")
    assert "\n# sketches\n" in Path("README.md").read_text()
    assert isinstance(GANPipeline.from_pretrained("."), ImagePipeline)
