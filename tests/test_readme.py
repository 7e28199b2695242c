"""The README's promises to Spaces and to CI; what it and the other pages tell people is in `test_docs.py`."""

import json
import re
from pathlib import Path

from huggingface_hub import metadata_load

from gan.pipeline import PIPELINES

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


def test_the_bundled_models_are_whole() -> None:
    kinds = {kind.__name__: kind for kind in PIPELINES.values()}
    for index in (ROOT / "weights").glob("*/model_index.json"):
        kind = kinds[json.loads(index.read_text(encoding="utf-8"))["_class_name"]]
        files = {"generator", "training.json", "metrics.json", "README.md", *kind.sample_files}
        assert files <= {path.name for path in index.parent.iterdir()}, index.parent
        assert "TODO" not in (index.parent / "README.md").read_text(encoding="utf-8")
