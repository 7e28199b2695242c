"""Measures a model on held-out pictures: `python -m gan.image.evaluate MODEL --dataset_name NAME`."""

import argparse
import sys
from typing import Any

from gan import evaluate
from gan.cli import positive_int
from gan.image import data, metrics
from gan.image.features import SPACES
from gan.image.pipeline import ImagePipeline


class ImageEvaluation(evaluate.Evaluation):
    """Pictures, beside real ones, and real ones with a little noise."""

    pipeline_class = ImagePipeline
    samples = "pictures"
    description = "Measures a model on held-out pictures, beside what real pictures and a little noise score."
    built_in = "glyphs"
    label_columns = "+"
    data_defaults = {
        "dataset_name": None,
        "dataset_config_name": None,
        "train_data_dir": None,
        "unconditional": False,
        "image_column": None,
        "label_column": None,
        "group_column": None,
        "allow_any_label": True,  # the model's own classes decide
        "center_crop": True,
        "max_train_samples": None,
    }

    def add_arguments(self, parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> None:
        parser.add_argument(
            "--features",
            choices=SPACES,
            default="auto",
            help="what distances are measured in: a classifier trained on the data's own classes (auto, where there "
            "are any), EfficientNet-Lite0, or the Inception network of the FID, which wants a GPU",
        )
        parser.add_argument(
            "--num_images",
            type=positive_int,
            default=metrics.NUM_IMAGES,
            help=f"at most; as many as are held out (default: {metrics.NUM_IMAGES})",
        )
        group.add_argument(
            "--unconditional", action=argparse.BooleanOptionalAction, help="pay no attention to classes"
        )
        group.add_argument(
            "--group_column", nargs="+", metavar="COLUMN", help="columns that tell which pictures belong together"
        )
        group.add_argument("--image_column", help="column with the pictures; by default the one there is")
        group.add_argument("--center_crop", action=argparse.BooleanOptionalAction, help="crop instead of stretching")

    def load(self, args: argparse.Namespace, pipeline: ImagePipeline) -> tuple[Any, list[Any]]:
        args.resolution = pipeline.resolution
        args.image_channels = pipeline.generator.config.image_channels
        train_set, test_set = data.load(args, args.split)
        return train_set, [] if test_set is None else [test_set]

    def measure(
        self, pipeline: ImagePipeline, train_set: Any, test_set: Any, args: argparse.Namespace, references: bool = True
    ) -> dict[str, Any]:
        return metrics.evaluate(pipeline, train_set, test_set, args.features, args.num_images, references)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return evaluate.main(ImageEvaluation(), argv)


if __name__ == "__main__":
    sys.exit(main())
