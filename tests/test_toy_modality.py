"""A modality that is registered in one line is trained, measured, published, loaded, sampled and gone on from."""

import json
from pathlib import Path

import pytest
from cli import files, python, read
from hub_server import HubServer

TESTS = Path(__file__).parent
TRAIN = "import sys, toy; from gan.training.__main__ import main; sys.exit(main(sys.argv[1:]))"
SAMPLE = "import sys, toy; from gan.sample import main; sys.exit(main(sys.argv[1:]))"
LOOK = """
import sys, torch, toy
from gan import GANPipeline
here, there = (GANPipeline.from_pretrained(source) for source in sys.argv[1:])
assert type(here) is type(there) is toy.PointPipeline
torch.testing.assert_close(here(seed=7, num_samples=3)[1:2], there(seed=8))
"""


@pytest.mark.hub
@pytest.mark.processes
def test_the_whole_way_of_a_new_modality(tmp_path: Path):
    with HubServer(tmp_path / "hub") as hub:
        env = hub.env(tmp_path / "home")
        env["HF_TOKEN"] = "hf_anyTokenWillDo"
        env["PYTHONPATH"] = f"{TESTS}:{TESTS.parent}"
        flags = ["points", "--max_train_steps", "40", "--train_batch_size", "16", "--report_to", "none"]
        push = ["--push_to_hub", "--hub_model_id", "tester/circle", "--output_dir", "model"]
        python("-c", TRAIN, *flags, *push, env=env, cwd=tmp_path).check()
        model = tmp_path / "model"
        assert read(model / "model_index.json")["generator"] == ["gan", "PointGenerator"]
        assert read(model / "metrics.json")["metrics"][0]["name"] == "Fréchet distance"
        assert "gan.training points" in (model / "README.md").read_text(encoding="utf-8")
        assert "samples.json" in hub.repos["model", "tester/circle"].files()

        python("-c", LOOK, "model", "tester/circle", env=env, cwd=tmp_path).check()
        more = ["tester/circle", "--num_samples", "5", "--seed", "3", "--output_dir", "samples"]
        python("-c", SAMPLE, *more, env=env, cwd=tmp_path).check()
        samples = [name for name in files(tmp_path / "samples") if name.endswith("3.json")]
        assert len(json.loads((tmp_path / "samples" / samples[0]).read_text())) == 2
        further = ["--pretrained_model_name_or_path", "tester/circle", "--output_dir", "more", "--no-evaluate"]
        python("-c", TRAIN, *flags, *further, env=env, cwd=tmp_path).check()
