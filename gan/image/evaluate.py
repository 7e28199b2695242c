"""Measures a model on held-out pictures: `python -m gan.image.evaluate MODEL --dataset_name NAME`.

Prints the tables of the model card. A model in a folder has its `metrics.json`, `neighbours.png` and card renewed.
"""

import argparse
import sys
from typing import Any

from gan.cli import main as run_command
from gan.cli import positive_int
from gan.evaluate import add_data_arguments, command_line, complete, held_out, load_model, report
from gan.utils.distributed import synchronized

# Which pictures; what isn't given is as the model was trained, if the data set is the same.
DATA_DEFAULTS: dict[str, Any] = {
    "dataset_name": None,
    "dataset_config_name": None,
    "train_data_dir": None,
    "unconditional": False,
    "image_column": None,
    "label_column": None,
    "center_crop": True,
    "max_train_samples": None,
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = command_line(
        "image", "Measures a model on held-out pictures, beside what real pictures and a little noise score."
    )
    top.add_argument(
        "--features",
        choices=("auto", "classifier", "efficientnet", "inception"),
        default="auto",
        help="what distances are measured in: a classifier trained on the data's own classes (auto, where there are "
        "any), EfficientNet-Lite0, or the Inception network of the FID, which wants a GPU",
    )
    top.add_argument(
        "--num_images", type=positive_int, default=10_000, help="at most; as many as are held out (default: 10000)"
    )
    data = add_data_arguments(top, "pictures", "glyphs")
    data.add_argument("--unconditional", action=argparse.BooleanOptionalAction, help="pay no attention to classes")
    data.add_argument("--image_column", help="column with the pictures; by default the one there is")
    data.add_argument("--center_crop", action=argparse.BooleanOptionalAction, help="crop instead of stretching")
    return top


def run(args: argparse.Namespace) -> None:
    """Measures, prints and writes.

    Raises:
        GANError: for a model, data set or feature space that cannot be had or used together.
    """
    from gan.image import data, metrics
    from gan.image.pipeline import ImagePipeline

    with synchronized():
        pipeline = load_model(args, ImagePipeline)
        assert isinstance(pipeline, ImagePipeline)
        complete(args, pipeline, DATA_DEFAULTS, "pictures")
        args.resolution = pipeline.resolution
        args.image_channels = pipeline.generator.config.image_channels
        train_set, test_set = data.load(args, args.split)
    test_set = held_out(args, pipeline, train_set, test_set, "pictures")
    figures = metrics.evaluate(pipeline, train_set, test_set, args.features, args.num_images)
    report(args, pipeline, figures, test_set.name, "image")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(run, parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
