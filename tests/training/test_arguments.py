"""The command line: names, defaults, and what is refused before anything starts."""

import argparse
import re
from pathlib import Path

import pytest

from gan.audio.task import AudioTask
from gan.errors import GANError
from gan.image.task import ImageTask
from gan.text.task import TextTask
from gan.training import arguments

TASKS = {"image": ImageTask, "text": TextTask, "audio": AudioTask}

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


def test_every_flag_is_read_somewhere() -> None:
    files = (Path(__file__).parents[2] / "gan").rglob("*.py")
    code = (
        "".join(file.read_text(encoding="utf-8") for file in files) + '"image_column" "audio_column"'
    )  # made of parts
    (modalities,) = (a for a in arguments.parser(TASKS)._actions if isinstance(a, argparse._SubParsersAction))
    for modality in TASKS:
        for action in modalities.choices[modality]._actions:
            assert action.dest == "help" or re.search(rf'args\.{action.dest}\b|"{action.dest}"', code), action.dest


UNUSED = {
    "image --kl_weight 2": "--kl_weight belongs to --objective vae or vaegan, and not to gan; leave it out.",
    "image --objective vae --reconstruction_weight 2": "--reconstruction_weight belongs to --objective vaegan",
    "image --patience 3": "--patience counts validations",
    "audio --patience 3": "--patience counts validations",
    "image --streaming": "--streaming is for texts: pictures and sounds are decoded once",
    "audio --streaming": "--streaming is for texts",
    "image --augment_target 1 --augment_samples 9": "--augment_samples is how fast augmentation sets in",
    "image --no-center_crop": "--no-center_crop means nothing to the built-in glyphs",
    "image --label_column kind": "--label_column means nothing to the built-in glyphs",
    "audio --slice even": "--slice means nothing to the built-in drums",
    "audio --no-normalize": "--no-normalize means nothing to the built-in drums",
    "audio --train_data_dir x --unconditional --label_column y": "which --unconditional leaves out",
    "image --lr_scheduler constant --lr_warmup_steps 9": "--lr_warmup_steps has no effect on --lr_scheduler constant",
    "image --report_to none --logging_dir x": "--logging_dir is where TensorBoard writes, which --report_to none",
    "text --tracker_project_name x": "--tracker_project_name is for Trackio, which --report_to tensorboard leaves out",
    "text --objective seqgan --gamma 1": "--gamma is about R1 and R2 penalties, and --objective seqgan has none",
    "text --objective relgan --penalty_interval 1": "--penalty_interval is about R1 and R2 penalties",
    "text --objective relgan --patience 1": "--patience counts validations, and --objective relgan has none",
    "text --num_heads 2": "--num_heads is about attention, and --architecture lstm has none",
    "text --train_data_dir x --text_column y": "--text_column is for data sets and tables, not for folders of text",
    "text --train_data_dir x --streaming": "--streaming is for data sets and tables",
    "text --label_column y": "--label_column means nothing to the built-in verses",
    "text --dataset_name oracle --vocab_size 9": "--vocab_size means nothing to the built-in oracle",
    f"image --dataset_name {__file__} --dataset_config_name x": "--dataset_config_name is for data sets with several",
}


@pytest.mark.parametrize("line", UNUSED)
def test_flags_without_effect_are_refused(line: str) -> None:
    words = line.split()
    args = arguments.parser(TASKS).parse_args(words)
    with pytest.raises(GANError) as error:
        arguments.check_used(words, args, TASKS[args.modality])
    assert UNUSED[line] in str(error.value) and str(error.value).endswith("; leave it out.")


@pytest.mark.parametrize(
    "line",
    [
        "image --train_data_dir x --label_column y --no-center_crop --augment_samples 9 --lr_warmup_steps 5",
        "image --objective vaegan --kl_weight 2 --reconstruction_weight 3 --report_to all --logging_dir x",
        "audio --dataset_name user/x --dataset_config_name y --slice onset --no-normalize --label_column a b",
        "text --patience 3 --architecture memory --num_heads 2 --report_to trackio --tracker_project_name x",
        "text --dataset_name oracle --dataset_config_name weights.safetensors --max_length 9",
        "text --train_data_dir x.jsonl --text_column y --streaming --text_unit file",
        "text --objective relgan --pretrained_model_name_or_path x --num_heads 2 --discr_learning_rate 1",
    ],
)
def test_flags_with_an_effect_are_not(line: str) -> None:
    args = arguments.parser(TASKS).parse_args(line.split())
    arguments.check_used(line.split(), args, TASKS[args.modality])
