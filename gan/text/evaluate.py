"""Measures a model on held-out texts: `python -m gan.text.evaluate MODEL --dataset_name NAME`."""

import argparse
import sys
from typing import Any

from accelerate import PartialState

from gan import evaluate
from gan.cli import positive_float, positive_int
from gan.data import shown_name
from gan.errors import GANError
from gan.text import data, metrics
from gan.text.pipeline import TextPipeline
from gan.text.preprocessing import UNITS
from gan.utils.distributed import synchronized

SWEEP = (0.6, 0.8, 1.0, 1.2)


class TextEvaluation(evaluate.Evaluation):
    """Texts, beside real ones, the generator without its critic, and a unigram model."""

    pipeline_class = TextPipeline
    samples = "texts"
    description = "Measures a model on held-out texts, beside what real texts, its baseline and a unigram model score."
    built_in = "verses, oracle"
    data_defaults = {
        "dataset_name": None,
        "dataset_config_name": None,
        "train_data_dir": None,
        "text_column": None,
        "label_column": None,
        "max_train_samples": None,
        "streaming": False,
        "text_unit": "line",
        "tokens": "words",
        "window_length": None,
        "allow_any_label": True,  # the model's own classes decide
    }
    set_aside = (data.HELD_OUT, data.VALIDATION)

    def add_arguments(self, parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> None:
        parser.add_argument(
            "--sweep",
            type=positive_float,
            nargs="*",
            default=SWEEP,
            metavar="TEMPERATURE",
            help="temperatures at which quality is measured against diversity; none for 1 only "
            f"(default: {' '.join(map(str, SWEEP))})",
        )
        parser.add_argument(
            "--num_texts",
            type=positive_int,
            default=metrics.NUM_TEXTS,
            help="to generate at each temperature, at most; as many as there are to train on (default: "
            f"{metrics.NUM_TEXTS})",
        )
        parser.add_argument(
            "--baseline", metavar="MODEL", help="a language model of the same data, whose texts are measured, too"
        )
        group.add_argument(
            "--text_column",
            help=f"column with the texts; by default the first there is of {', '.join(data.TEXT_COLUMNS)}",
        )
        group.add_argument("--text_unit", choices=UNITS, help="what one text is (default: as in training, or line)")
        group.add_argument(
            "--streaming", action="store_true", default=None, help="read the data set while it downloads"
        )

    def load(self, args: argparse.Namespace, pipeline: TextPipeline) -> tuple[Any, list[Any]]:
        args.unconditional = pipeline.generator.config.num_classes == 0
        splits = data.load(args)
        return splits.train, [texts for texts in (splits.test, splits.validation) if texts is not None]

    def measure(
        self, pipeline: TextPipeline, train_set: Any, test_set: Any, args: argparse.Namespace, references: bool = True
    ) -> dict[str, Any]:
        baseline = args.baseline and (shown_name(args.baseline), _baseline(args))
        return metrics.evaluate(pipeline, train_set, test_set, args.num_texts, tuple(args.sweep), baseline)


def _baseline(args: argparse.Namespace) -> TextPipeline:
    with synchronized():
        pipeline = TextPipeline.from_pretrained(args.baseline, token=args.hub_token, cache_dir=args.cache_dir)
        assert isinstance(pipeline, TextPipeline)
        if pipeline.latent_dim or pipeline.labels:
            raise GANError(
                f"{args.baseline} {'has a latent' if pipeline.latent_dim else 'has classes'}; --baseline takes a "
                f"language model without."
            )
    return pipeline.to(PartialState().device)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return evaluate.main(TextEvaluation(), argv)


if __name__ == "__main__":
    sys.exit(main())
