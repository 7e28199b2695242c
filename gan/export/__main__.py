"""Generators as files for other programs, or as web pages: `python -m gan.export --help`."""

import argparse
import logging
import sys
from pathlib import Path

from gan.cli import expanded_path, run_command
from gan.errors import GANError
from gan.export import page
from gan.export.onnx import GRAPHS, SUFFIXES, TRIALS, export, write
from gan.image.pipeline import ImagePipeline
from gan.pipeline import GANPipeline


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m gan.export",
        description="Writes a generator of pictures or sounds as a file for other programs, or as a web page.",
        allow_abbrev=False,
    )
    top.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    top.add_argument("--revision", help="of a model on the Hub")
    top.add_argument("--format", choices=tuple(SUFFIXES), default="onnx", help="torch is a torch.export program")
    top.add_argument("--inputs", choices=tuple(GRAPHS), default="seeds", help="what the graph takes (default: seeds)")
    top.add_argument("--half", action="store_true", help="keep weights as float16: half the size, ONNX only")
    top.add_argument(
        "--output", type=expanded_path, metavar="FILE", help="by default the model's name, in the current folder"
    )
    top.add_argument(
        "--page",
        type=expanded_path,
        metavar="FOLDER",
        help="write a web page that runs the generator in the browser instead",
    )
    top.add_argument(
        "--runtime",
        type=expanded_path,
        metavar="TGZ",
        help=f"what `npm pack onnxruntime-web@{page.VERSION}` fetched, for a page that loads nothing from afar",
    )
    return top


def run(args: argparse.Namespace) -> None:
    """Exports, checks, writes and says so.

    Raises:
        GANError: for a model, a choice or a place that cannot be used.
    """
    if args.page and (args.output or args.format != "onnx" or args.inputs != "seeds"):
        raise GANError("A page runs an ONNX file that takes seeds; leave --output, --format and --inputs out.")
    if args.runtime and not args.page:
        raise GANError("--runtime is for a page; say where to write it with --page FOLDER.")
    runtime = page.unpacked(Path(args.runtime)) if args.runtime else None
    for name in ("torch.onnx", "torch._export"):  # they miss torchvision, and guess the type of what is empty
        logging.getLogger(name).setLevel(logging.ERROR)
    pipeline = GANPipeline.from_pretrained(args.model, revision=args.revision)
    if args.page and not isinstance(pipeline, ImagePipeline):
        raise GANError(f"The page shows pictures, and this model makes {pipeline.unit}; leave --page out.")
    if args.page and len(pipeline.generator.class_counts) > 1:
        raise GANError("The page has one list of classes, and this model several label columns; leave --page out.")
    name = Path(args.model).resolve().name
    made = export(pipeline, args.format, args.inputs, args.half)
    made.record = {"model": name, **made.record}
    if args.page:
        folder, files = Path(args.page), page.files(made.data, made.record, runtime)
    else:
        file = Path(args.output or name + SUFFIXES[args.format])
        folder, files = file.parent, {file.name: made.data, f"{file.name}.json": page.as_json(made.record)}
    write(folder, files)
    for file_name, data in files.items():
        print(f"{folder / file_name}  {len(data):,} bytes")
    for side in ("inputs", "outputs"):
        kinds = [f"{key} ({', '.join(map(str, of['shape']))}) {of['dtype']}" for key, of in made.record[side].items()]
        print(f"{side}: {'; '.join(kinds)}")
    print(f"largest difference from PyTorch in {len(TRIALS)} batches: {made.record['largest_difference']:.1e}")
    if args.half:
        print(f"and by rounding weights to float16: {made.record['largest_difference_by_rounding']:.1e}")
    if args.page:
        print(f"to look at it: python -m http.server --directory {folder}, and open http://localhost:8000")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(run, parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
