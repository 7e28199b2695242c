"""Measures a model on held-out pictures: `python -m gan.image.evaluate MODEL --dataset_name NAME`.

Prints the tables of the model card. A model in a folder has its `metrics.json`, `neighbours.png` and card renewed.
"""

import argparse
import json
import logging
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from gan.errors import GANError
from gan.training.arguments import positive_int, without_folders, without_token

# Which pictures; what isn't given is as the model was trained, if the data set is the same.
DATA_DEFAULTS: dict[str, Any] = {
    "dataset_name": None,
    "dataset_config_name": None,
    "train_data_dir": None,
    "image_column": None,
    "label_column": None,
    "center_crop": True,
    "max_train_samples": None,
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m gan.image.evaluate",
        description="Measures a model on held-out pictures, beside what real pictures and a little noise score.",
        allow_abbrev=False,
    )
    top.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    top.add_argument("--revision", help="of a model on the Hub")
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
    top.add_argument("--output_dir", help="where to write; by default into MODEL, if that is a folder")
    data = top.add_argument_group("held-out pictures", "By default the data that the model was trained on.")
    data.add_argument("--dataset_name", help="a Hub id, a local folder laid out as one, or glyphs")
    data.add_argument("--dataset_config_name", help="configuration of the data set")
    data.add_argument("--train_data_dir", help="a plain folder of pictures; a tenth of it is held out")
    data.add_argument("--split", help="the held-out part; by default test, validation, or a tenth set aside")
    data.add_argument("--image_column", help="column with the pictures; by default the one there is")
    data.add_argument("--label_column", help="column with the classes; by default `label`, if there is one")
    data.add_argument("--center_crop", action=argparse.BooleanOptionalAction, help="crop instead of stretching")
    data.add_argument("--max_train_samples", type=positive_int, help="use only so many training pictures")
    data.add_argument("--cache_dir", help="where downloads are kept")
    data.add_argument("--hub_token", help="a read token; better: `hf auth login`")
    return top


def run(args: argparse.Namespace) -> None:
    """Measures, prints and writes.

    Raises:
        GANError: for a model, data set or feature space that cannot be had or used together.
    """
    from gan.card import metrics_tables
    from gan.image import data, metrics
    from gan.image.pipeline import ImagePipeline

    pipeline = ImagePipeline.from_pretrained(
        args.model, revision=args.revision, token=args.hub_token, cache_dir=args.cache_dir
    )
    _complete(args, pipeline)
    train_set, test_set = data.load(args, args.split)
    if test_set is None:
        raise GANError(f"{train_set.name} has {len(train_set)} pictures, too few to hold some out and measure.")
    if args.split and test_set.split != args.split:
        raise GANError(
            f"{train_set.name} has no usable split {args.split!r} beside the one to train on; its held-out pictures "
            f"are the {test_set.split}: leave --split out."
        )
    figures = metrics.evaluate(pipeline, train_set, test_set, args.features, args.num_images)
    pipeline.metrics = figures | {"command": _command()}
    print(metrics_tables(pipeline.metrics), flush=True)
    folder = args.output_dir or (args.model if Path(args.model).is_dir() else None)
    if folder is not None:
        name = Path(args.model).resolve().name if Path(args.model).is_dir() else args.model
        _write(pipeline, Path(folder), name)
        print(f"\nmetrics.json, neighbours.png and README.md are in {folder}.", flush=True)


def _complete(args: argparse.Namespace, pipeline: Any) -> None:
    """Adds what `data.load` wants to know: of the model, and of how it was trained."""
    recorded = pipeline.training.get("arguments", {})
    asked = (args.dataset_name, args.train_data_dir)
    trained_on = (recorded.get("dataset_name"), recorded.get("train_data_dir"))
    if asked == (None, None) and trained_on == (None, None):
        raise GANError(
            f"{args.model} does not say what it was trained on; name held-out pictures with --dataset_name."
        )
    # Or pictures that it was trained on would count as held out.
    same = asked == (None, None) or without_folders(asked[1] or asked[0]) == (trained_on[1] or trained_on[0])
    for name, default in DATA_DEFAULTS.items():
        if getattr(args, name) is None:
            setattr(args, name, recorded.get(name, default) if same else default)
    args.resolution = pipeline.resolution
    args.image_channels = pipeline.generator.config.image_channels
    args.unconditional = False  # an unconditional model is measured by a classifier all the same
    args.seed = 0


def _command() -> str:
    return "python -m gan.image.evaluate " + shlex.join(without_folders(word) for word in without_token(sys.argv[1:]))


def _write(pipeline: Any, folder: Path, repo_id: str) -> None:
    """Writes what was measured beside its place first, then renames it."""
    from gan.card import model_card
    from gan.pipeline import METRICS, NEIGHBOURS

    text = json.dumps(pipeline.metrics, indent=2, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as name:
            temporary = Path(name)
            (temporary / METRICS).write_text(text, encoding="utf-8")
            (temporary / NEIGHBOURS).write_bytes(pipeline.neighbours)
            model_card(pipeline, repo_id).save(temporary / "README.md")
            for file in sorted(temporary.iterdir()):
                file.replace(folder / file.name)
    except OSError as error:
        raise GANError(
            f"The figures could not be written to {folder} ({error.strerror}); choose another --output_dir."
        ) from error


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        run(parser().parse_args(argv))
        return 0
    except GANError as error:
        print(f"\nerror: {error}", file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; nothing was written.", file=sys.stderr, flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(main())
