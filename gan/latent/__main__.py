"""Finds the directions of a model: `python -m gan.latent directions MODEL`."""

import argparse
import sys
from pathlib import Path

from gan import GANPipeline
from gan.cli import positive_int, run_command
from gan.errors import GANError
from gan.latent.directions import RECORDS, VECTORS
from gan.latent.steering import SteerablePipeline
from gan.latent.tables import directions_table
from gan.utils.files import files_into


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m gan.latent", description=__doc__, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    find = commands.add_parser(
        "directions",
        help="find directions in code space and say how well they do",
        description=f"Finds directions in code space, scores them and writes {VECTORS} and {RECORDS}.",
        allow_abbrev=False,
    )
    find.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    find.add_argument("--revision", help="of a model on the Hub")
    find.add_argument("--hub_token", help="a read token; better: `hf auth login`")
    find.add_argument("--output_dir", help="where to write; by default into MODEL, if that is a folder")
    find.add_argument("--num_samples", type=positive_int, default=4000, help="to find them on (default: 4000)")
    find.add_argument("--num_scored", type=positive_int, default=200, help="others, to score them on (default: 200)")
    return top


def find_directions(args: argparse.Namespace) -> None:
    """Finds, scores, prints and writes the directions of a model.

    Raises:
        GANError: for a model that cannot be had or has no codes, or a folder that cannot be written.
    """
    pipeline = GANPipeline.from_pretrained(args.model, revision=args.revision, token=args.hub_token)
    if not isinstance(pipeline, SteerablePipeline):
        raise GANError(f"This model makes {pipeline.unit}; only generators of images and sounds have directions.")
    pipeline.find_directions(args.num_samples, args.num_scored)
    print(directions_table(pipeline.directions.records), flush=True)
    folder = args.output_dir or (args.model if Path(args.model).is_dir() else None)
    if folder is None:
        return
    try:
        with files_into(Path(folder)) as temporary:
            pipeline.directions.save(temporary)
    except OSError as error:
        raise GANError(
            f"The directions could not be written to {folder} ({error.strerror}); choose another --output_dir."
        ) from error
    print(f"\n{VECTORS} and {RECORDS} are in {folder}.", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(find_directions, parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
