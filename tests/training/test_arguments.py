"""The command line: names, defaults, and what is refused before anything starts."""

import argparse

import pytest

from gan.image.task import ImageTask
from gan.training import arguments

# The names that diffusers' training scripts gave to what they share with ours.
DIFFUSERS = {
    "dataset_name",
    "dataset_config_name",
    "train_data_dir",
    "image_column",
    "max_train_samples",
    "cache_dir",
    "resolution",
    "center_crop",
    "random_flip",
    "pretrained_model_name_or_path",
    "revision",
    "output_dir",
    "seed",
    "train_batch_size",
    "num_train_epochs",
    "max_train_steps",
    "gradient_accumulation_steps",
    "learning_rate",
    "lr_scheduler",
    "lr_warmup_steps",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "max_grad_norm",
    "mixed_precision",
    "report_to",
    "logging_dir",
    "tracker_project_name",
    "validation_steps",
    "checkpointing_steps",
    "checkpoints_total_limit",
    "resume_from_checkpoint",
    "push_to_hub",
    "hub_model_id",
    "hub_private_repo",
    "hub_token",
}


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    return arguments.parser({"image": ImageTask})


def refused(parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the parser says as it exits with code 2: its last line."""
    with pytest.raises(SystemExit) as exit:
        parser.parse_args(list(words))
    assert exit.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_no_flag_is_needed(parser: argparse.ArgumentParser) -> None:
    args = parser.parse_args(["image"])
    assert args.modality == "image"
    assert args.dataset_name == "glyphs"
    assert args.train_data_dir is None
    assert args.resolution is None
    assert args.evaluate and args.center_crop
    assert not (args.push_to_hub or args.hub_private_repo or args.overwrite_output_dir or args.unconditional)


def test_flags_have_the_names_that_diffusers_gave_them(parser: argparse.ArgumentParser) -> None:
    assert not DIFFUSERS - set(vars(parser.parse_args(["image"])))


def test_a_modality_is_needed(parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]) -> None:
    assert "{image}" in refused(parser, capsys)
    assert "'picture'" in refused(parser, capsys, "picture")


@pytest.mark.parametrize("words", [["--help"], ["image", "--help"]])
def test_help_reads_well(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        parser.parse_args(words)
    assert exit.value.code == 0
    text = capsys.readouterr().out
    assert "None" not in text
    assert "default: False" not in text
    if "image" in words:
        assert "(default: 0.99)" in text
        for name in vars(parser.parse_args(["image"])):
            assert name == "modality" or f"--{name}" in text, name


def test_every_flag_is_explained(parser: argparse.ArgumentParser) -> None:
    (modalities,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for action in modalities.choices["image"]._actions:
        assert action.help or action.dest == "report_to", action.dest


@pytest.mark.parametrize(("text", "size"), [("32", (32, 32)), ("96x64", (96, 64)), ("28X28", (28, 28))])
def test_resolution_is_height_by_width(parser: argparse.ArgumentParser, text: str, size: tuple[int, int]) -> None:
    assert parser.parse_args(["image", "--resolution", text]).resolution == size


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--resolution", "large"),
        ("--resolution", "32x"),
        ("--resolution", "32x32x3"),
        ("--resolution", "0"),
        ("--resolution", "-32"),
        ("--train_batch_size", "0"),
        ("--train_batch_size", "1.5"),
        ("--gradient_accumulation_steps", "-1"),
        ("--max_train_steps", "many"),
        ("--max_train_steps", "0"),
        ("--penalty_interval", "0"),
        ("--checkpointing_steps", "0"),
        ("--learning_rate", "0"),
        ("--learning_rate", "-1e-3"),
        ("--learning_rate", "nan"),
        ("--learning_rate", "inf"),
        ("--gamma", "-1"),
        ("--ema_half_life", "0"),
        ("--seed", "x"),
        ("--image_channels", "4"),
        ("--model_size", "huge"),
        ("--lr_scheduler", "magic"),
        ("--mixed_precision", "fp16"),
        ("--report_to", "wandb"),
    ],
)
def test_values_that_cannot_be(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], flag: str, value: str
) -> None:
    said = refused(parser, capsys, "image", f"{flag}={value}")
    assert said.startswith("train.py image: error: ")
    assert flag in said
    assert value in said


def test_unknown_flags(parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--learning_rat" in refused(parser, capsys, "image", "--learning_rat", "1e-3")  # no guessing either


def test_switches_go_both_ways(parser: argparse.ArgumentParser) -> None:
    args = parser.parse_args(["image", "--no-evaluate", "--no-center_crop"])
    assert not args.evaluate
    assert not args.center_crop


def test_schedulers_are_those_that_diffusers_has() -> None:
    from diffusers.optimization import SchedulerType

    assert set(arguments.LR_SCHEDULERS) <= {kind.value for kind in SchedulerType}
