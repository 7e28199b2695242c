"""The command line: the flags that every modality shares, under the names that diffusers' scripts gave them."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gan.cli import decay, expanded_path, positive_float, positive_int, whole_number
from gan.errors import GANError

if TYPE_CHECKING:
    from gan.training.task import Task

OF_PENALTIES = ("--gamma", "--gamma_final", "--penalty_interval")
# What is said of a discriminator means nothing to an objective without one.
OF_DISCRIMINATORS = {"--discr_learning_rate", "--discriminator_steps", *OF_PENALTIES}
OF_DISCRIMINATORS |= {"--augment_target", "--augment_samples"}
LEARNING_RATE = 4e-4
MIN_SEEN = 1_000  # samples that a model has seen before directions are looked for without being asked
TENSORBOARD, TRACKIO = ("tensorboard", "all"), ("trackio", "all")
LR_SCHEDULERS = ("linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup")


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    def _get_help_string(self, action: argparse.Action) -> str | None:  # "(default: None)" tells nobody anything
        return action.help if action.default in (None, False) else super()._get_help_string(action)


def parser(tasks: Mapping[str, type["Task"]], program: str = "train.py") -> argparse.ArgumentParser:
    """The parser of the training: one sub-command a modality, which adds flags of its own to the shared ones.

    Args:
        program: as it is started: a script, or `-m` and a module.
    """
    shown = f"python {program}" if program.startswith("-m") else program
    top = argparse.ArgumentParser(
        prog=shown,
        description="Trains a small adversarial generator and writes it as a model repository.",
        epilog=f"`{shown} image --help` lists the flags of a modality.",
        allow_abbrev=False,
    )
    modalities = top.add_subparsers(dest="modality", required=True, metavar="{" + ",".join(tasks) + "}")
    for name, task in tasks.items():
        summary = (task.__doc__ or "").splitlines()[0]
        sub = modalities.add_parser(
            name,
            help=summary,
            description=summary,
            formatter_class=_Formatter,
            allow_abbrev=False,  # or `--hub_tok` would slip past what keeps the token out of the record
        )
        add_shared_arguments(sub)
        task.add_arguments(sub)
    return top


def given_flags(words: Sequence[str]) -> set[str]:
    """The flags of a command line, without their values."""
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def check_sources(words: Sequence[str]) -> None:
    """Raises `GANError` where a command line names two sources of data, of which only one would be used."""
    for other in sorted({"--dataset_name", "--dataset_config_name"} & given_flags(words)):
        if "--train_data_dir" in given_flags(words):
            raise GANError(f"--train_data_dir is a source of data by itself; leave {other} out, or give it alone.")


def check_used(words: Sequence[str], args: argparse.Namespace, task: type["Task"]) -> None:
    """Raises `GANError` for a flag that was given and would have no effect."""
    unused = unused_flags(args) | task.unused_flags(args)
    for flag in sorted(unused.keys() & given_flags(words)):
        raise GANError(f"{flag} {unused[flag]}; leave it out.")


def unused_flags(args: argparse.Namespace) -> dict[str, str]:
    """Of the shared flags those that mean nothing beside the others, with the reason."""
    unused = {}
    if getattr(args, "unconditional", False):
        unused["--label_column"] = unused["--allow_any_label"] = "is about classes, which --unconditional leaves out"
    if args.lr_scheduler == "constant":
        unused["--lr_warmup_steps"] = "has no effect on --lr_scheduler constant, but on constant_with_warmup"
    if args.report_to not in TENSORBOARD:
        unused["--logging_dir"] = f"is where TensorBoard writes, which --report_to {args.report_to} leaves out"
    if args.report_to not in TRACKIO:
        unused["--tracker_project_name"] = f"is for Trackio, which --report_to {args.report_to} leaves out"
    name = getattr(args, "dataset_name", None)  # not every modality reads data sets
    if args.train_data_dir is None and name and Path(name).is_file():
        unused["--dataset_config_name"] = f"is for data sets with several configurations, and {name} is a file"
    return unused


def check_discriminator_flags(words: Sequence[str]) -> None:
    """Raises `GANError` for flags of a discriminator, where the objective has none."""
    for flag in sorted(OF_DISCRIMINATORS & given_flags(words)):
        raise GANError(f"{flag} belongs to a discriminator, and this objective has none; leave it out.")


def add_directions_argument(group: argparse._ArgumentGroup, unit: str) -> None:
    """Adds the flag of modalities whose models have directions; `unit` is what samples are called, in the plural."""
    group.add_argument(
        "--directions",
        action=argparse.BooleanOptionalAction,
        help=f"find directions at the end along which {unit} can be edited, and score them (default: after "
        f"{MIN_SEEN:,} samples and more; fewer teach nothing that could be steered)",
    )


def seed(text: str) -> int:
    """An argparse type: a whole number, brought below 2**62 where it is not: PyTorch's seeds have 64 bits."""
    return int(text) % 2**62


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that every modality understands."""
    for add in (_add_data, _add_run, _add_optimisation, _add_tracking, _add_hub):
        add(parser)


def _add_data(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    group.add_argument("--dataset_config_name", help="configuration of the data set on the Hub")
    group.add_argument(
        "--train_data_dir",
        type=expanded_path,
        help="a plain folder of files, or an archive of one, instead of --dataset_name",
    )
    group.add_argument("--cache_dir", type=expanded_path, help="where downloads and decoded samples are kept")
    group.add_argument(
        "--streaming",
        action="store_true",
        help="read the data set while it downloads, and no more than is used (text)",
    )
    group.add_argument("--max_train_samples", type=positive_int, help="use only so many samples, always the same ones")


def _add_run(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("run")
    group.add_argument(
        "--pretrained_model_name_or_path",
        type=expanded_path,
        help="a model to fine-tune, a folder or a Hub id; its architecture is kept",
    )
    group.add_argument("--revision", help="of the model to fine-tune")
    group.add_argument(
        "--output_dir",
        type=expanded_path,
        default="gan-model",
        help="where the model repository and checkpoints are written",
    )
    group.add_argument("--overwrite_output_dir", action="store_true", help="replace the model that output_dir holds")
    group.add_argument("--seed", type=seed, default=0, help="of initial weights, batches, noise and augmentation")
    group.add_argument(
        "--train_batch_size", type=positive_int, default=8, help="samples of a micro-batch, for each process"
    )
    group.add_argument(
        "--num_threads",
        type=positive_int,
        help="CPU threads; by default the fastest number, timed at the start and again at checkpoints. Results depend "
        "on it in their last digits",
    )
    group.add_argument(
        "--gradient_accumulation_steps",
        type=positive_int,
        default=os.environ.get("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "1"),
        help="micro-batches to one step",
    )
    length = group.add_mutually_exclusive_group()
    length.add_argument("--max_train_steps", type=positive_int, help="length of the run in steps")
    length.add_argument("--num_train_epochs", type=positive_int, help="or its length in epochs")
    group.add_argument(
        "--mixed_precision",
        choices=("no", "bf16"),
        help="float32 or bfloat16 (penalties stay in float32); by default what accelerate is configured for, or "
        "bf16 where the hardware computes in it",
    )


def _add_optimisation(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("optimisation")
    group.add_argument(
        "--learning_rate",
        type=positive_float,
        help=f"of the generator; by default {LEARNING_RATE:g}, or that of the authors of an imported model",
    )
    group.add_argument("--discr_learning_rate", type=positive_float, help="by default the generator's")
    group.add_argument(
        "--discriminator_steps",
        type=positive_int,
        default=1,
        help="updates of the discriminator to one of the generator, each with samples of its own",
    )
    group.add_argument(
        "--max_grad_norm", type=positive_float, help="each network's gradients are clipped to this norm"
    )
    group.add_argument("--lr_scheduler", choices=LR_SCHEDULERS, default="cosine", help="of both networks")
    group.add_argument(
        "--lr_warmup_steps",
        type=whole_number,
        help="steps of linear warm-up; by default 100, but at most a tenth of the run",
    )
    group.add_argument(
        "--adam_beta1",
        type=decay,
        help="of both optimisers; by default 0 against a discriminator, 0.9 without one, for text as the objective "
        "has it",
    )
    group.add_argument("--adam_beta2", type=decay, default=0.99, help="of both optimisers")
    group.add_argument(
        "--adam_weight_decay", type=decay, default=0.0, help="decoupled weight decay (AdamW), biases left out"
    )
    group.add_argument("--adam_epsilon", type=positive_float, default=1e-8, help="of both optimisers")
    group.add_argument(
        "--ema_half_life", type=positive_float, help="of the generator's EMA, in samples; by default a 40th of the run"
    )
    group.add_argument(
        "--gamma",
        type=positive_float,
        help="weight of the R1 and R2 penalties at the start; by default 0.5; for pictures, 0.5 for every 784 "
        "values, which are those of a grey one of 28x28, times --patch_size; for an imported model, as its family "
        "has it",
    )
    group.add_argument("--gamma_final", type=positive_float, help="and at the end; by default a tenth of it")
    group.add_argument("--penalty_interval", type=positive_int, default=8, help="steps between penalties")


def _add_tracking(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("logging and checkpoints")
    group.add_argument("--report_to", choices=("tensorboard", "trackio", "all", "none"), default="tensorboard")
    group.add_argument("--tracker_project_name", default="gan", help="project in the tracker")
    group.add_argument("--logging_dir", type=expanded_path, default="logs", help="tracker files, below output_dir")
    group.add_argument("--logging_steps", type=positive_int, default=50, help="steps between logged losses")
    group.add_argument(
        "--validation_steps",
        type=positive_int,
        default=500,
        help="steps between previews, and between validations where there is one",
    )
    group.add_argument(
        "--patience",
        type=positive_int,
        help="end after so many validations, one every --validation_steps, without a better score; the best weights "
        "are kept in any case (text of all objectives but seqgan and relgan; there, 10 by default)",
    )
    group.add_argument("--checkpointing_steps", type=positive_int, default=1000, help="steps between checkpoints")
    group.add_argument(
        "--checkpoints_total_limit", type=positive_int, default=2, help="how many to keep; older ones are removed"
    )
    group.add_argument(
        "--resume_from_checkpoint",
        type=expanded_path,
        help="a checkpoint folder, also below output_dir (checkpoint-1000), or `latest` for the newest whole one",
    )
    group.add_argument(
        "--evaluate", action=argparse.BooleanOptionalAction, default=True, help="measure the model at the end"
    )
    group.add_argument(
        "--half_weights", action="store_true", help="write the finished model's weights as float16: half the size"
    )


def _add_hub(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Hub")
    group.add_argument("--license", help="licence of the model, for its card: mit, apache-2.0, cc-by-4.0, ...")
    group.add_argument("--data_credit", help="a sentence for the card: whose data this is, and under what licence")
    group.add_argument("--push_to_hub", action="store_true", help="publish the model when it is done")
    group.add_argument("--push_every", type=positive_int, help="and every so many steps as it is, with --push_to_hub")
    group.add_argument("--create_space", action="store_true", help="and make a Space of the same name that opens it")
    group.add_argument(
        "--hub_model_id", help="user/name to publish under; by default output_dir's name, under your own"
    )
    group.add_argument("--hub_private_repo", action="store_true", help="make a new repository private")
    group.add_argument("--hub_token", help="a write token; better: `hf auth login`, or HF_TOKEN in the environment")
