"""Measures a model on held-out clips: `python -m gan.audio.evaluate MODEL --dataset_name NAME`."""

import argparse
import sys
from typing import Any

from gan import evaluate
from gan.audio import data, metrics
from gan.audio.features import SPACES
from gan.audio.pipeline import AudioPipeline
from gan.cli import positive_int


class AudioEvaluation(evaluate.Evaluation):
    """Clips, beside real ones, real ones resynthesised from their spectrograms, and real ones with noise."""

    pipeline_class = AudioPipeline
    samples = "clips"
    description = "Measures a model on held-out clips, beside what real clips, their resynthesis and noise score."
    built_in = "drums"
    label_columns = "+"
    data_defaults = {
        "dataset_name": None,
        "dataset_config_name": None,
        "train_data_dir": None,
        "unconditional": False,
        "audio_column": None,
        "label_column": None,
        "allow_any_label": True,  # the model's own classes decide
        "slice": None,
        "normalize": True,
        "max_train_samples": None,
    }

    def add_arguments(self, parser: argparse.ArgumentParser, group: argparse._ArgumentGroup) -> None:
        parser.add_argument(
            "--features",
            choices=SPACES,
            default="auto",
            help="what distances are measured in: a classifier trained on the data's own labels (auto, where there "
            "are any), or a public embedding of speech, which must be installed",
        )
        parser.add_argument(
            "--num_clips",
            type=positive_int,
            default=metrics.NUM_CLIPS,
            help="to generate; at most as many as there are to train on",
        )
        group.add_argument("--unconditional", action=argparse.BooleanOptionalAction, help="pay no attention to labels")
        group.add_argument("--audio_column", help="column with the clips; by default the one there is")
        group.add_argument("--slice", choices=data.SLICES, help="how recordings are cut into clips")
        group.add_argument("--normalize", action=argparse.BooleanOptionalAction, help="bring clips to the same peak")

    def load(self, args: argparse.Namespace, pipeline: AudioPipeline) -> tuple[Any, list[Any]]:
        args.sampling_rate, args.duration = pipeline.sampling_rate, pipeline.duration
        train_set, test_set = data.load(args, args.split)
        return train_set, [] if test_set is None else [test_set]

    def measure(
        self, pipeline: AudioPipeline, train_set: Any, test_set: Any, args: argparse.Namespace, references: bool = True
    ) -> dict[str, Any]:
        return metrics.evaluate(pipeline, train_set, test_set, args.features, args.num_clips, references)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return evaluate.main(AudioEvaluation(), argv)


if __name__ == "__main__":
    sys.exit(main())
