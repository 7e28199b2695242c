"""Measuring a model on held-out data: what the commands `python -m gan.MODALITY.evaluate` share."""

import argparse
import shlex
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from accelerate import PartialState

from gan.cli import expanded_path, positive_int, run_command, without_folders, without_token
from gan.data import HELD_OUT
from gan.errors import GANError
from gan.hub.card import README, shown_folder
from gan.hub.wheel import NAME as WHEEL
from gan.hub.wheel import wheel_in
from gan.metrics.tables import metrics_tables
from gan.pipeline import METRICS, PICTURES, GANPipeline, write_readme
from gan.utils.distributed import synchronized
from gan.utils.files import as_json, files_into


class Evaluation(ABC):
    """What a modality brings to the command that measures its models.

    Attributes:
        pipeline_class: of the models that it measures.
        samples: what samples are called, in the plural ("pictures").
        description: of the command, for its help.
        built_in: names of the data sets that are made in code.
        label_columns: how many label columns there can be, as argparse's `nargs`.
        data_defaults: the settings that say which data, with their defaults; those that aren't given are taken from
            the model's training, if the data set is the same.
        set_aside: names of splits that are a part of the training data; training must have set the same part aside.
    """

    pipeline_class: ClassVar[type[GANPipeline]]
    samples: ClassVar[str]
    description: ClassVar[str]
    built_in: ClassVar[str]
    label_columns: ClassVar[str | None] = None
    data_defaults: ClassVar[dict[str, Any]]
    set_aside: ClassVar[tuple[str, ...]] = (HELD_OUT,)

    @abstractmethod
    def add_arguments(self, parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> None:
        """Adds the modality's own flags, those about data to the group of data settings."""

    @abstractmethod
    def load(self, args: argparse.Namespace, pipeline: Any) -> tuple[Any, list[Any]]:
        """The training set, and the held-out sets, the preferred one first; each has `name` and `split`."""

    @abstractmethod
    def measure(
        self, pipeline: Any, train_set: Any, test_set: Any, args: argparse.Namespace, references: bool = True
    ) -> dict[str, Any]:
        """The contents of `metrics.json`. All processes come here (`gan.utils.distributed`).

        Args:
            references: whether real samples and baselines are measured, too; without them, settings of one model are
                compared sooner. Texts are always measured beside them.
        """


def main(evaluation: Evaluation, argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0, or 2 with one sentence on stderr."""
    return run_command(lambda args: evaluate(evaluation, args), command_parser(evaluation), argv)


def evaluate(evaluation: Evaluation, args: argparse.Namespace) -> None:
    """Measures, prints the tables of the model card, and renews `metrics.json` and the card of a model in a folder.

    Raises:
        GANError: for a model, data set or feature space that cannot be had or used together.
    """
    pipeline, train_set, test_set = prepare(evaluation, args)
    metrics = evaluation.measure(pipeline, train_set, test_set, args)
    _report(args, pipeline, metrics, test_set.name)


def prepare(evaluation: Evaluation, args: argparse.Namespace) -> tuple[Any, Any, Any]:
    """The model, its training set and the held-out set that a command line from `command_parser` asks for.

    Raises:
        GANError: for a model or data set that cannot be had or used together.
    """
    with synchronized():
        pipeline = evaluation.pipeline_class.from_pretrained(
            args.model, revision=args.revision, token=args.hub_token, cache_dir=args.cache_dir
        ).to(PartialState().device)
        _complete(evaluation, args, pipeline)
        train_set, candidates = evaluation.load(args, pipeline)
        test_set = _held_out(evaluation, args, train_set, candidates)
        if test_set.split in evaluation.set_aside:
            _check_untrained(evaluation, args, pipeline, train_set)
    return pipeline, train_set, test_set


def command_parser(evaluation: Evaluation) -> argparse.ArgumentParser:
    """The command line of an evaluation."""
    samples = evaluation.samples
    parser = argparse.ArgumentParser(
        prog=f"python -m gan.{evaluation.pipeline_class.modality}.evaluate",
        description=evaluation.description,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    parser.add_argument("--revision", help="of a model on the Hub")
    parser.add_argument(
        "--output_dir", type=expanded_path, help="where to write; by default into MODEL, if that is a folder"
    )
    data = parser.add_argument_group(f"held-out {samples}", "By default the data that the model was trained on.")
    data.add_argument(
        "--dataset_name",
        type=expanded_path,
        help=f"a Hub id, a local folder laid out as one, or {evaluation.built_in}",
    )
    data.add_argument("--dataset_config_name", help="configuration of the data set")
    data.add_argument(
        "--train_data_dir", type=expanded_path, help=f"a plain folder of {samples}; a part of it is held out"
    )
    data.add_argument("--split", help="the held-out part; by default test, validation, or a part set aside")
    data.add_argument(
        "--label_column",
        nargs=evaluation.label_columns,
        help="column with the classes; by default `label`, or the one that is usually called so",
    )
    data.add_argument("--max_train_samples", type=positive_int, help=f"use only so many training {samples}")
    data.add_argument("--cache_dir", type=expanded_path, help="where downloads are kept")
    data.add_argument("--hub_token", help="a read token; better: `hf auth login`")
    evaluation.add_arguments(parser, data)
    return parser


def _complete(evaluation: Evaluation, args: argparse.Namespace, pipeline: GANPipeline) -> None:
    """Adds the data settings that aren't given: as in training, if the data set is the same, or else the defaults.

    Raises:
        GANError: if no data set is given, and the model doesn't know its own.
    """
    recorded = pipeline.training_record.get("arguments", {})
    asked = (args.dataset_name, args.train_data_dir)
    trained_on = (recorded.get("dataset_name"), recorded.get("train_data_dir"))
    if asked == (None, None) and trained_on == (None, None):
        raise GANError(
            f"{args.model} does not say what it was trained on; name held-out {evaluation.samples} with "
            f"--dataset_name."
        )
    # With other settings, samples that it was trained on would count as held out.
    same = asked == (None, None) or without_folders(asked[1] or asked[0]) == (trained_on[1] or trained_on[0])
    for name, default in evaluation.data_defaults.items():
        if getattr(args, name, None) is None:
            setattr(args, name, recorded.get(name, default) if same else default)
    if asked == (None, None) and args.train_data_dir:
        args.train_data_dir = _training_folder(args.train_data_dir, args.model)


def _training_folder(name: str, model: str) -> str:
    """The folder that a model was trained on: a record has its name only, as it may be published.

    Raises:
        GANError: if it is neither here nor beside the model.
    """
    places = [Path(name), Path(model).parent / name]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise GANError(f"{model} was trained on the folder {name}, which is not here; name it with --train_data_dir.")
    return str(found)


def _held_out(evaluation: Evaluation, args: argparse.Namespace, train_set: Any, candidates: list[Any]) -> Any:
    """The held-out set that was asked for with `--split`, or else the first.

    Raises:
        GANError: if there is none.
    """
    samples = evaluation.samples
    if not candidates:
        raise GANError(f"{train_set.name} has {len(train_set)} {samples}, too few to hold some out and measure.")
    chosen = next((found for found in candidates if args.split in (None, found.split)), None)
    if chosen is None:
        raise GANError(
            f"{train_set.name} has no usable split {args.split!r} beside the one to train on; its held-out {samples} "
            f"are the {' and the '.join(found.split for found in candidates)}: leave --split out."
        )
    return chosen


def _check_untrained(evaluation: Evaluation, args: argparse.Namespace, pipeline: GANPipeline, train_set: Any) -> None:
    """Raises `GANError` if the model was trained on another part of the data set than what is left of it here."""
    trained = pipeline.training_record.get("dataset", {})
    aside = trained.get("validation", trained.get("watched", 0))  # "watched" in earlier models
    count = trained.get(pipeline.unit, 0) + aside
    groups = pipeline.training_record.get("arguments", {}).get("group_column")  # they are held out whole
    as_trained = trained.get("split", train_set.split), count or len(train_set), groups
    as_here = train_set.split, len(train_set), getattr(args, "group_column", None)
    if trained.get("name") == train_set.name and as_trained != as_here:
        raise GANError(
            f"{args.model} was trained on some of the {evaluation.samples} of {train_set.name} that would be held out "
            f"here; name the data as in training (--max_train_samples, --label_column, --unconditional"
            f"{', --group_column' if groups != as_here[2] else ''}), or others."
        )


def output_folder(args: argparse.Namespace) -> Path | None:
    """Where a command that looks at a model writes: `--output_dir`, or into the model if that is a folder."""
    folder = args.output_dir or (args.model if Path(args.model).is_dir() else None)
    return folder and Path(folder)


def _report(args: argparse.Namespace, pipeline: GANPipeline, metrics: dict[str, Any], dataset: str) -> None:
    """Prints the metrics; where there is a folder to write to, renews `metrics.json` and the card there.

    Raises:
        GANError: if it cannot be written.
    """
    words = shlex.join(without_folders(word) for word in without_token(sys.argv[1:]))
    command = f"python -m gan.{pipeline.modality}.evaluate {words}"
    pipeline.metrics = metrics | {"dataset": dataset, "command": command}
    folder = output_folder(args)
    with synchronized():
        if not PartialState().is_main_process:
            return
        print(metrics_tables(pipeline.metrics), flush=True)
        if folder is not None:
            written = _write(pipeline, folder, args.model)
            print(f"\n{', '.join(written[:-1])} and {written[-1]} are in {folder}.", flush=True)


def _write(pipeline: GANPipeline, folder: Path, model: str) -> list[str]:
    """Writes metrics, plots and card; returns the names of the files."""
    try:
        with files_into(folder) as temporary:
            (temporary / METRICS).write_bytes(as_json(pipeline.metrics))
            pipeline.write_pictures(temporary)
            if Path(model).is_dir():
                card = pipeline.card(shown_folder(model), wheel=wheel_in(Path(model)))
            else:
                card = pipeline.card(model, published=True, wheel=WHEEL)
            write_readme(temporary, pipeline.with_edits(card, folder))
            written = sorted((file.name for file in temporary.iterdir()), key=lambda name: (name == README, name))
        for file in set(PICTURES.values()) - set(written):  # of an earlier evaluation
            (folder / file).unlink(missing_ok=True)
    except OSError as error:
        raise GANError(
            f"The metrics could not be written to {folder} ({error.strerror}); choose another --output_dir."
        ) from error
    return written
