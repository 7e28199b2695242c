"""Generators as files for other programs, or as web pages: `python -m gan.export --help`."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from gan.cli import expanded_path, run_command, whole_number
from gan.errors import GANError
from gan.export import fonts, page
from gan.export.onnx import GRAPHS, SUFFIXES, export, write
from gan.image.pipeline import ImagePipeline
from gan.pipeline import GANPipeline
from gan.utils.files import as_json

FONT = "ttf"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m gan.export",
        description="Writes a generator of pictures or sounds as a file for other programs, or as a web page; or one "
        "typeface of a model of characters as a font.",
        allow_abbrev=False,
    )
    top.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    top.add_argument("--revision", help="of a model on the Hub")
    top.add_argument(
        "--format",
        choices=(*SUFFIXES, FONT),
        default="onnx",
        help="torch is a torch.export program, ttf a font of the characters of one seed",
    )
    top.add_argument("--inputs", choices=tuple(GRAPHS), default="seeds", help="what the graph takes (default: seeds)")
    top.add_argument("--seed", type=whole_number, help="of the typeface (ttf; default: 0)")
    top.add_argument("--truncation", type=float, help="psi of the typeface (ttf; default: 1)")
    top.add_argument("--half", action="store_true", help="keep weights as float16: half the size, ONNX only")
    top.add_argument(
        "--output", type=expanded_path, metavar="FILE", help="by default the model's name, in the current folder"
    )
    top.add_argument(
        "--halves",
        action="store_true",
        help="two files, NAME-codes of seeds or latents, and NAME-draw of codes, which can be edited in between",
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
    if args.format == FONT:
        write_typeface(args)
        return
    for flag in ("seed", "truncation"):
        if getattr(args, flag) is not None:
            raise GANError(
                f"--{flag} is of a font, and other files hold every seed; add --format ttf or leave it out."
            )
    if args.page and (args.output or args.format != "onnx" or args.inputs != "seeds" or args.halves):
        raise GANError("A page runs ONNX files that take seeds; leave --output, --format, --inputs and --halves out.")
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
    parts = ("codes", "draw") if args.halves or args.page else ("whole",)
    made = {part: export(pipeline, args.format, args.inputs, args.half, part) for part in parts}
    for one in made.values():
        one.record = {"model": name, **one.record}
    if args.page:
        folder, files = Path(args.page), page.files(made["codes"], made["draw"], page.directions(pipeline), runtime)
    else:
        file = Path(args.output or name + SUFFIXES[args.format])
        folder, files = file.parent, {}
        for part, one in made.items():
            own = file.name if part == "whole" else f"{file.stem}-{part}{file.suffix}"
            files |= {own: one.data, f"{own}.json": as_json(one.record)}
    write(folder, files)
    for file_name, data in files.items():
        print(f"{folder / file_name}  {len(data):,} bytes")
    for part, one in made.items():
        report(part, one.record, args.half)
    if args.page:
        print(f"to look at it: python -m http.server --directory {folder}, and open http://localhost:8000")


def write_typeface(args: argparse.Namespace) -> None:
    """Writes a font and says so.

    Raises:
        GANError: as `gan.export.fonts.write_font`, and for flags that have no effect on a font.
    """
    of_graphs = {
        "page": args.page,
        "runtime": args.runtime,
        "half": args.half,
        "halves": args.halves,
        "inputs": args.inputs != "seeds",
    }
    for flag, given in of_graphs.items():
        if given:
            raise GANError(f"--{flag} has no effect on a font; leave it out.")
    pipeline = GANPipeline.from_pretrained(args.model, revision=args.revision)
    fonts.check_characters(pipeline)
    name, seed = Path(args.model).resolve().name, args.seed or 0
    psi = 1.0 if args.truncation is None else args.truncation
    file = args.output or f"{name}-{seed}.{FONT}"
    made = fonts.write_font(pipeline, file, seed, psi, family=name.capitalize())
    print(f"{made['file']}  {made['bytes']:,} bytes, the family {made['family']!r}: {made['characters']}")


def report(part: str, record: dict[str, Any], half: bool) -> None:
    """Prints what goes into a file and comes out of it, and how far it is from PyTorch."""
    of = "" if part == "whole" else f" of {part}"
    for side in ("inputs", "outputs"):
        kinds = [f"{key} ({', '.join(map(str, kind['shape']))}) {kind['dtype']}" for key, kind in record[side].items()]
        print(f"{side}{of}: {'; '.join(kinds)}")
    print(f"largest difference{of} from PyTorch: {record['largest_difference']:.1e}")
    if half:
        print(f"and by rounding weights to float16: {record['largest_difference_by_rounding']:.1e}")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(run, parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
