"""Measures a model on held-out clips: `python -m gan.audio.evaluate MODEL --dataset_name NAME`.

Prints the tables of the model card. A model in a folder has its `metrics.json`, `neighbours.png` and card renewed.
"""

import argparse
import sys
from typing import Any

from gan.cli import main as run_command
from gan.cli import positive_int
from gan.evaluate import add_data_arguments, command_line, complete, held_out, load_model, report
from gan.utils.distributed import synchronized

# Which clips; what isn't given is as the model was trained, if the data set is the same.
DATA_DEFAULTS: dict[str, Any] = {
    "dataset_name": None,
    "dataset_config_name": None,
    "train_data_dir": None,
    "unconditional": False,
    "audio_column": None,
    "label_column": None,
    "normalize": True,
    "max_train_samples": None,
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = command_line(
        "audio", "Measures a model on held-out clips, beside what real clips, their round trip and noise score."
    )
    top.add_argument(
        "--features",
        choices=("auto", "classifier", "speech"),
        default="auto",
        help="what distances are measured in: a classifier trained on the data's own labels (auto, where there are "
        "any), or a public embedding of speech, which must be installed",
    )
    top.add_argument(
        "--num_clips", type=positive_int, default=1_000, help="to generate; at most as many as there are to train on"
    )
    data = add_data_arguments(top, "clips", "drums", label_columns="+")
    data.add_argument("--unconditional", action=argparse.BooleanOptionalAction, help="pay no attention to labels")
    data.add_argument("--audio_column", help="column with the clips; by default the one there is")
    data.add_argument("--normalize", action=argparse.BooleanOptionalAction, help="bring clips to the same peak")
    return top


def run(args: argparse.Namespace) -> None:
    """Measures, prints and writes.

    Raises:
        GANError: for a model, data set or feature space that cannot be had or used together.
    """
    from gan.audio import data, metrics
    from gan.audio.pipeline import AudioPipeline

    with synchronized():
        pipeline = load_model(args, AudioPipeline)
        assert isinstance(pipeline, AudioPipeline)
        complete(args, pipeline, DATA_DEFAULTS, "clips")
        args.sampling_rate = pipeline.sampling_rate
        args.duration = pipeline.duration
        train_set, test_set = data.load(args, args.split)
    test_set = held_out(args, pipeline, train_set, test_set, "clips")
    figures = metrics.evaluate(pipeline, train_set, test_set, args.features, args.num_clips)
    report(args, pipeline, figures, test_set.name, "audio")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(run, parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
