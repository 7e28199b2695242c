"""The README's promises to Spaces and to CI."""

import re
from pathlib import Path

from huggingface_hub import metadata_load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_space_runs_the_gradio_that_was_tested() -> None:
    metadata = metadata_load(ROOT / "README.md")
    assert metadata is not None
    (pin,) = re.findall(r"^gradio==(\S+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert metadata["sdk"] == "gradio"
    assert metadata["sdk_version"] == pin
    assert (ROOT / metadata["app_file"]).is_file()
    assert metadata["suggested_hardware"] == "cpu-basic"
    assert len(metadata["short_description"]) <= 60


def test_ci_runs_the_readmes_test_command() -> None:
    (line,) = re.findall(r"^(pip install -r requirements-dev.txt && .*?) +#", README, re.MULTILINE)
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith(line)


def test_every_picture_and_file_that_the_readme_names_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
    for script in re.findall(r"python (benchmarks/\w+\.py)", README):
        assert (ROOT / script).is_file(), script


def test_the_bundled_models_are_there() -> None:
    for name in ("fashion", "emoji", "digits", "drums"):
        folder = ROOT / "weights" / name
        assert {path.name for path in folder.iterdir()} >= {
            "model_index.json",
            "generator",
            "discriminator",
            "training.json",
            "metrics.json",
            "README.md",
            "samples.png",
        }
        assert "TODO" not in (folder / "README.md").read_text(encoding="utf-8")
