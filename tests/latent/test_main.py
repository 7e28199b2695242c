"""The command that finds directions."""

from pathlib import Path

import pytest

from gan import GANPipeline, ImagePipeline
from gan.latent.__main__ import main


def test_directions_are_found_scored_and_written(
    pipeline: ImagePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model = tmp_path / "model"
    pipeline.save_pretrained(model)
    assert main(["directions", str(model), "--num_samples", "200", "--num_scored", "10"]) == 0
    printed = capsys.readouterr().out
    assert "| brightness | " in printed and f"directions.json are in {model}" in printed
    loaded = GANPipeline.from_pretrained(model)
    assert loaded.directions.records["brightness"]["monotone"] > 0.5
    assert loaded.edit(1, {"brightness": 2.0}).images


def test_a_model_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["directions", str(tmp_path)]) == 2
    assert "error: " in capsys.readouterr().err
