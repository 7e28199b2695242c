"""Measures a model on held-out texts: `python -m gan.text.evaluate MODEL --dataset_name NAME`.

Prints the tables of the model card. A model in a folder has its `metrics.json`, `sweep.png` and card renewed.
"""

import argparse
import sys
from typing import Any

from gan.cli import main as run_command
from gan.cli import positive_float, positive_int
from gan.errors import GANError
from gan.evaluate import add_data_arguments, check_untrained, command_line, complete, load_model, report
from gan.utils.distributed import synchronized

# Which texts; what isn't given is as the model was trained, if the data set is the same.
DATA_DEFAULTS: dict[str, Any] = {
    "dataset_name": None,
    "dataset_config_name": None,
    "train_data_dir": None,
    "text_column": None,
    "label_column": None,
    "max_train_samples": None,
    "streaming": False,
}
SWEEP = (0.6, 0.8, 1.0, 1.2)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = command_line(
        "text", "Measures a model on held-out texts, beside what real texts, its baseline and a unigram model score."
    )
    top.add_argument(
        "--sweep",
        type=positive_float,
        nargs="*",
        default=SWEEP,
        metavar="TEMPERATURE",
        help="temperatures at which quality is measured against diversity; none for 1 only "
        f"(default: {' '.join(map(str, SWEEP))})",
    )
    top.add_argument(
        "--num_texts",
        type=positive_int,
        default=10_000,
        help="to write at each temperature, at most; as many as there are to train on (default: 10000)",
    )
    data = add_data_arguments(top, "texts", "verses, oracle")
    data.add_argument("--text_column", help="column with the texts; by default `text`, if there is one")
    data.add_argument("--streaming", action="store_true", default=None, help="read the data set while it downloads")
    return top


def run(args: argparse.Namespace) -> None:
    """Measures, prints and writes.

    Raises:
        GANError: for a model or data set that cannot be had or used together.
    """
    from gan.text import data, metrics
    from gan.text.pipeline import TextPipeline

    with synchronized():
        pipeline = load_model(args, TextPipeline)
        assert isinstance(pipeline, TextPipeline)
        complete(args, pipeline, DATA_DEFAULTS, "texts")
        args.unconditional = pipeline.generator.config.num_classes == 0
        splits = data.load(args)
    held_out = [texts for texts in (splits.test, splits.validation) if texts is not None]
    if not held_out:
        raise GANError(f"{splits.train.name} has {len(splits.train)} texts, too few to hold some out and measure.")
    chosen = (
        held_out[0] if args.split is None else next((found for found in held_out if found.split == args.split), None)
    )
    if chosen is None:
        raise GANError(
            f"{splits.train.name} has no usable split {args.split!r} beside the one to train on; its held-out texts "
            f"are the {' and the '.join(found.split for found in held_out)}: leave --split out."
        )
    if chosen.split in (data.TESTED, data.CHOSEN_BY):
        check_untrained(args, pipeline, splits.train, "texts")
    figures = metrics.evaluate(pipeline, splits.train, chosen, args.num_texts, tuple(args.sweep))
    report(args, pipeline, figures, chosen.name, "text")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(run, parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
