"""What Accelerate is configured for is obeyed or refused."""

import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import psutil
import pytest

from gan import GANError
from gan.training import arguments
from gan.training.launcher import configured_precision, make_accelerator


def asked(mixed_precision: str | None = None, gradient_accumulation_steps: int = 1) -> Namespace:
    return Namespace(mixed_precision=mixed_precision, gradient_accumulation_steps=gradient_accumulation_steps)


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_its_precision_is_used_unless_a_flag_says_otherwise(
    precision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "default_config.yaml").touch()
    monkeypatch.setattr("gan.training.launcher.default_config_file", str(tmp_path / "default_config.yaml"))
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", precision)
    args = asked()
    assert make_accelerator(args).mixed_precision == args.mixed_precision == precision
    other = asked({"no": "bf16", "bf16": "no"}[precision])
    assert make_accelerator(other).mixed_precision == other.mixed_precision != precision


def test_a_precision_that_nobody_chose_is_that_of_the_hardware(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gan.training.launcher.default_config_file", str(tmp_path / "missing.yaml"))
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")  # as `accelerate launch` does
    assert configured_precision() is None
    words = [sys.executable, "-c", "print(flush=True); input()", "--mixed_precision", "no"]
    with psutil.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launch:
        launch.stdout.readline()  # before, its words may not be there yet
        monkeypatch.setattr(psutil.Process, "parent", lambda process: launch)
        assert configured_precision() == "no"
        launch.communicate(b"\n")


def test_its_accumulation_is_the_default_of_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "3")
    parser = arguments.parser({"any": _NoTask})
    assert parser.parse_args(["any"]).gradient_accumulation_steps == 3
    flag = parser.parse_args(["any", "--gradient_accumulation_steps", "2"]).gradient_accumulation_steps
    assert flag == make_accelerator(asked("no", flag)).gradient_accumulation_steps == 2


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ACCELERATE_MIXED_PRECISION", "fp16", "configured for fp16, and training computes in float32 or bf16"),
        ("ACCELERATE_DYNAMO_BACKEND", "INDUCTOR", "configured to compile with inductor, .*`--dynamo_backend no`"),
        ("ACCELERATE_USE_FSDP", "true", "configured for FSDP, and training is data-parallel only"),
        ("ACCELERATE_USE_DEEPSPEED", "true", "configured for DeepSpeed"),
    ],
)
def test_what_training_cannot_is_refused(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(GANError, match=sentence):
        make_accelerator(asked())


class _NoTask:
    """Adds no flags."""

    @staticmethod
    def add_arguments(parser: object) -> None: ...
