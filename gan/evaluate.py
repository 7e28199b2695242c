"""What the commands that measure a model, `python -m gan.MODALITY.evaluate`, share."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any, TypeVar

from accelerate import PartialState

from gan.cli import positive_int, without_folders, without_token
from gan.data import HELD_OUT
from gan.errors import GANError
from gan.hub.card import model_card
from gan.metrics.tables import metrics_tables
from gan.pipeline import METRICS, PICTURES, GANPipeline
from gan.utils.distributed import synchronized
from gan.utils.files import files_into

Held = TypeVar("Held", bound=Any)  # a set of samples


def command_line(modality: str, description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that say which model, and where to write."""
    top = argparse.ArgumentParser(
        prog=f"python -m gan.{modality}.evaluate", description=description, allow_abbrev=False
    )
    top.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    top.add_argument("--revision", help="of a model on the Hub")
    top.add_argument("--output_dir", help="where to write; by default into MODEL, if that is a folder")
    return top


def add_data_arguments(
    top: argparse.ArgumentParser, what: str, built_in: str, label_columns: str | None = None
) -> argparse._ArgumentGroup:
    """Adds the arguments that say which data, and returns their group.

    Args:
        what: a sample is, in the plural ("pictures").
        built_in: names of data sets that are made in code, for the help.
        label_columns: how many there can be, as argparse's `nargs`.
    """
    data = top.add_argument_group(f"held-out {what}", "By default the data that the model was trained on.")
    data.add_argument("--dataset_name", help=f"a Hub id, a local folder laid out as one, or {built_in}")
    data.add_argument("--dataset_config_name", help="configuration of the data set")
    data.add_argument("--train_data_dir", help=f"a plain folder of {what}; a part of it is held out")
    data.add_argument("--split", help="the held-out part; by default test, validation, or a part set aside")
    data.add_argument(
        "--label_column", nargs=label_columns, help="column with the classes; by default `label`, if there is one"
    )
    data.add_argument("--max_train_samples", type=positive_int, help=f"use only so many training {what}")
    data.add_argument("--cache_dir", help="where downloads are kept")
    data.add_argument("--hub_token", help="a read token; better: `hf auth login`")
    return data


def load_model(args: argparse.Namespace, kind: type[GANPipeline]) -> GANPipeline:
    """The model that the command line names, on the accelerator if there is one.

    Raises:
        GANError: if there is none, or it isn't of that kind.
    """
    pipeline = kind.from_pretrained(args.model, revision=args.revision, token=args.hub_token, cache_dir=args.cache_dir)
    return pipeline.to(PartialState().device)


def complete(args: argparse.Namespace, pipeline: GANPipeline, defaults: dict[str, Any], what: str) -> None:
    """Adds what isn't given: as the model was trained, if the data set is the same, or else `defaults`.

    Raises:
        GANError: if no data set is given, and the model doesn't know its own.
    """
    recorded = pipeline.training_record.get("arguments", {})
    asked = (args.dataset_name, args.train_data_dir)
    trained_on = (recorded.get("dataset_name"), recorded.get("train_data_dir"))
    if asked == (None, None) and trained_on == (None, None):
        raise GANError(f"{args.model} does not say what it was trained on; name held-out {what} with --dataset_name.")
    # Or samples that it was trained on would count as held out.
    same = asked == (None, None) or without_folders(asked[1] or asked[0]) == (trained_on[1] or trained_on[0])
    for name, default in defaults.items():
        if getattr(args, name, None) is None:
            setattr(args, name, recorded.get(name, default) if same else default)


def held_out(
    args: argparse.Namespace, pipeline: GANPipeline, train_set: Any, test_set: Held | None, what: str
) -> Held:
    """The test set, which has a `split`.

    Args:
        args: `model`, and `split` that was asked for, if one was.
        train_set: has `name`, `split` and `__len__`.
        what: samples are called, in the plural.

    Raises:
        GANError: if there is none, it is another split than the one that was asked for, or a part set aside that the
            model was trained on.
    """
    split = args.split
    if test_set is None:
        raise GANError(f"{train_set.name} has {len(train_set)} {what}, too few to hold some out and measure.")
    if split and test_set.split != split:
        raise GANError(
            f"{train_set.name} has no usable split {split!r} beside the one to train on; its held-out {what} are the "
            f"{test_set.split}: leave --split out."
        )
    if test_set.split == HELD_OUT:
        check_untrained(args, pipeline, train_set, what)
    return test_set


def check_untrained(args: argparse.Namespace, pipeline: GANPipeline, train_set: Any, what: str) -> None:
    """Where a part of a data set is set aside to measure on, it must be the part that training set aside.

    Args:
        train_set: the other part; has `name`, `split` and `__len__`.

    Raises:
        GANError: if the model was trained on another part of it.
    """
    trained = pipeline.training_record.get("dataset", {})
    count = trained.get(pipeline.unit, 0) + trained.get("watched", 0)
    as_trained = trained.get("split", train_set.split), count or len(train_set)
    if trained.get("name") == train_set.name and as_trained != (train_set.split, len(train_set)):
        raise GANError(
            f"{args.model} was trained on some of the {what} of {train_set.name} that would be held out here; name "
            f"the data as in training (--max_train_samples, --label_column, --unconditional), or others."
        )


def report(
    args: argparse.Namespace, pipeline: GANPipeline, figures: dict[str, Any], dataset: str, modality: str
) -> None:
    """Prints what was measured; where there is a folder to write to, renews the record and the card there.

    Of several processes the main one does.

    Args:
        dataset: name of the data that the model was measured on.

    Raises:
        GANError: if it cannot be written.
    """
    words = shlex.join(without_folders(word) for word in without_token(sys.argv[1:]))
    pipeline.metrics = figures | {"dataset": dataset, "command": f"python -m gan.{modality}.evaluate {words}"}
    folder = args.output_dir or (args.model if Path(args.model).is_dir() else None)
    with synchronized():
        if not PartialState().is_main_process:
            return
        print(metrics_tables(pipeline.metrics), flush=True)
        if folder is not None:
            name = Path(args.model).resolve().name if Path(args.model).is_dir() else args.model
            written = _write(pipeline, Path(folder), name)
            print(f"\n{', '.join(written[:-1])} and {written[-1]} are in {folder}.", flush=True)


def _write(pipeline: GANPipeline, folder: Path, repo_id: str) -> list[str]:
    """Writes what was measured beside its place first, then renames it; returns the names of the files."""
    text = json.dumps(pipeline.metrics, indent=2, ensure_ascii=False) + "\n"
    try:
        with files_into(folder) as temporary:
            (temporary / METRICS).write_text(text, encoding="utf-8")
            pipeline.write_pictures(temporary)
            model_card(pipeline, repo_id).save(temporary / "README.md")
            written = sorted((file.name for file in temporary.iterdir()), key=lambda name: (name == "README.md", name))
        for file in set(PICTURES.values()) - set(written):  # of an earlier evaluation
            (folder / file).unlink(missing_ok=True)
    except OSError as error:
        raise GANError(
            f"The figures could not be written to {folder} ({error.strerror}); choose another --output_dir."
        ) from error
    return written
