"""Two processes are one with their joint batch."""

import sys
from pathlib import Path

import pytest
from cli import ROOT, by_torchrun, environment, in_two_processes, python, read
from safetensors.torch import load_file

from gan.image.evaluate import main

pytestmark = pytest.mark.processes

FLAGS = ["image", "--model_size", "tiny", "--resolution", "8", "--max_train_samples", "40", "--max_train_steps", "6"]
FLAGS += ["--adam_epsilon", "1e-4"]  # below it Adam would blow rounding up to steps of its own
FLAGS += ["--mixed_precision", "no", "--report_to", "none", "--checkpointing_steps", "3"]
FLAGS += ["--discriminator_steps", "2", "--max_grad_norm", "1"]
FLAGS += ["--augment_target", "-9", "--augment_samples", "100"]  # augmentation on, and adapting


def test_two_processes_equal_one_with_twice_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    env, script = environment(tmp_path / "home", CUDA_VISIBLE_DEVICES=""), ROOT / "train.py"
    flags = [*FLAGS, "--train_batch_size", "8", "--output_dir", one]
    python(script, *flags, env=env, cwd=tmp_path).check()
    flags = [*FLAGS, "--train_batch_size", "4", "--output_dir", two]
    done = by_torchrun(script, *flags, env=env, cwd=tmp_path).check()
    assert done.out.count("The model is in") == 1
    assert sorted(path.name for path in two.glob("checkpoint-*")) == ["checkpoint-3", "checkpoint-6"]
    for player in ("generator", "discriminator"):
        name = f"{player}/diffusion_pytorch_model.safetensors"
        first, second = load_file(one / name), load_file(two / name)
        assert first.keys() == second.keys()
        for key in first.keys() - {"to_logit.bias"}:  # a relativistic loss does not see it: rounding moves it
            assert (first[key] - second[key]).abs().max() < 1e-5, key

    # Both measured it in the end: what one process finds, to the last digit.
    measured = read(two / "metrics.json")
    monkeypatch.setattr(sys, "argv", ["evaluate", str(two)])
    assert main() == 0
    again = read(two / "metrics.json")
    assert again["metrics"] == measured["metrics"] and again["neighbours"] == measured["neighbours"]


def test_what_all_processes_meet_is_said_once(tmp_path: Path) -> None:
    done = in_two_processes(
        ROOT / "train.py", "image", "--train_data_dir", "nowhere", env=environment(tmp_path), cwd=tmp_path
    )
    (error,) = [line for line in done.said if line.startswith("error: ")]
    assert "The folder nowhere does not exist" in error and done.code
