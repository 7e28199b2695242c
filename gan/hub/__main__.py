"""Models that are on disk, and the Hub: `python -m gan.hub {card,push,pull,space,convert} --help`."""

import argparse
import shutil
import sys
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import filter_repo_objects, validate_repo_id

from gan.cli import run_command
from gan.errors import GANError
from gan.hub import edits, space
from gan.hub.card import README, shown_folder
from gan.hub.wheel import wheel_in
from gan.labels import clean_name
from gan.pipeline import INDEX, GANPipeline, write_readme
from gan.utils.files import files_into, new_folder


def hub_id(text: str) -> str:
    """An argparse type: user/name."""
    try:
        validate_repo_id(text)
    except HFValidationError:
        text = ""
    if "/" not in text:
        raise argparse.ArgumentTypeError("give an id like user/name")
    return text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m gan.hub", description="Models that are on disk, and the Hub.", allow_abbrev=False
    )
    commands = top.add_subparsers(required=True, metavar="{card,push,pull,space,convert}")

    one = commands.add_parser("card", help="render a model's README.md anew", allow_abbrev=False)
    one.add_argument("model", metavar="MODEL", help="a folder")
    one.add_argument("--hub_model_id", type=hub_id, help="what the card calls it; by default the folder's name")
    one.set_defaults(run=run_card)

    one = commands.add_parser(
        "push",
        help="publish a model",
        description="Publishes a model, its card and this package, as a wheel that loads it. What was written into "
        "the card by hand stays, here and on the Hub.",
        allow_abbrev=False,
    )
    one.add_argument("model", metavar="MODEL", help="a folder")
    one.add_argument("repo_id", metavar="user/name", type=hub_id, help="where to; it is created if it doesn't exist")
    one.add_argument("--commit_message", help="of the commit on the Hub")
    one.add_argument("--create_pr", action="store_true", help="propose it as a pull request")
    _add_access(one, "a write token")
    one.set_defaults(run=run_push)

    one = commands.add_parser("pull", help="fetch a model into a folder", allow_abbrev=False)
    one.add_argument("repo_id", metavar="user/name", type=hub_id, help="a model on the Hub")
    one.add_argument("folder", metavar="FOLDER", help="a new one, or an empty one")
    one.add_argument("--revision", help="a branch, tag or commit")
    one.add_argument("--token", help="a read token; better: `hf auth login`, or HF_TOKEN in the environment")
    one.set_defaults(run=run_pull)

    one = commands.add_parser("space", help="make a Space that opens the studio on a model", allow_abbrev=False)
    one.add_argument("model", metavar="MODEL", type=hub_id, help="user/name of a model on the Hub")
    one.add_argument("repo_id", metavar="user/name", type=hub_id, help="of the Space; may be the same")
    _add_access(one, "a write token")
    one.set_defaults(run=run_space)

    one = commands.add_parser("convert", help="make a model of a checkpoint that other code wrote", allow_abbrev=False)
    one.add_argument("file", metavar="FILE", help="a path, an address, or user/name/file.pkl on the Hub")
    one.add_argument("folder", metavar="OUT", help="of the model: a new one, or an empty one")
    one.add_argument("--discriminator", metavar="FILE", help="of the discriminator, where it has a file of its own")
    one.add_argument("--label_names", metavar="FILE", help="a text file with the name of a class on each line")
    one.add_argument("--token", help="a read token; better: `hf auth login`, or HF_TOKEN in the environment")
    one.set_defaults(run=run_convert)
    return top


def _add_access(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--private", action="store_true", help="make a new repository private")
    command.add_argument("--token", help=f"{what}; better: `hf auth login`, or HF_TOKEN in the environment")


def run_card(args: argparse.Namespace) -> None:
    """Renders the blocks of `README.md` anew; what a person wrote around them stays.

    Raises:
        GANError: if nothing says what of it was rendered, or it cannot be written.
    """
    folder = _model_folder(args.model)
    pipeline = GANPipeline.from_pretrained(folder)
    name = args.hub_model_id or shown_folder(args.model)
    text = pipeline.card(name, published=bool(args.hub_model_id), wheel=wheel_in(folder))
    if pipeline.readme:
        text = edits.merged(text, pipeline.readme, str(folder / README))
    try:
        with files_into(folder) as temporary:
            write_readme(temporary, text)
    except OSError as error:
        raise GANError(
            f"The card could not be written to {folder} ({error.strerror}); make room, or name another folder."
        ) from error
    print(f"The card is in {folder / README}.")


def run_push(args: argparse.Namespace) -> None:
    """Loads the model first: what is damaged isn't published."""
    pipeline = GANPipeline.from_pretrained(_model_folder(args.model))
    address = pipeline.push_to_hub(
        args.repo_id, args.commit_message, private=args.private or None, token=args.token, create_pr=args.create_pr
    )
    print(f"Published at {address}.")


def run_pull(args: argparse.Namespace) -> None:
    """Fetches into the cache, where an interrupted download continues, checks it, and copies it beside its place."""
    target = Path(args.folder).resolve()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise GANError(f"{args.folder} exists and is not an empty folder; name another.")
    access = {"revision": args.revision, "token": args.token}
    pipeline = GANPipeline.from_pretrained(args.repo_id, **access)
    cached = Path(GANPipeline.download(args.repo_id, with_samples=True, **access))
    names = [path.relative_to(cached).as_posix() for path in cached.rglob("*") if path.is_file()]
    try:
        # Into a folder that is there, as somebody may stand in it, the files move one by one.
        with files_into(target) if target.exists() else new_folder(target) as beside:
            for name in filter_repo_objects(names, allow_patterns=pipeline.repository_files()):
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(cached / name, beside / name)
    except OSError as error:
        raise GANError(
            f"The model could not be written to {args.folder} ({error.strerror}); make room, or name another folder."
        ) from error
    print(f"The model is in {args.folder}.")


def run_space(args: argparse.Namespace) -> None:
    """Looks for the model first: a Space without one only shows an error."""
    GANPipeline.download(args.model, token=args.token)
    print(f"The Space is at {space.create(args.model, args.repo_id, args.private or None, args.token)}.")


def run_convert(args: argparse.Namespace) -> None:
    """Opens a checkpoint, without executing it, and saves it as a model repository."""
    target = Path(args.folder)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise GANError(f"{args.folder} exists and is not an empty folder; name another.")
    labels = None if args.label_names is None else _lines(args.label_names)
    pipeline = GANPipeline.from_single_file(
        args.file, discriminator=args.discriminator, labels=labels, token=args.token
    )
    pipeline.save_pretrained(target)
    print(f"The model is in {args.folder}: {pipeline.describe()}")
    for note in pipeline.training_record["imported"]["notes"]:
        print(note)


def _lines(name: str) -> list[str]:
    try:
        names = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise GANError(f"The names in {name} cannot be read ({error}); give a text file in UTF-8.") from error
    return [clean_name(line) for line in names if line.strip()]


def _model_folder(name: str) -> Path:
    if not (Path(name) / INDEX).is_file():
        raise GANError(f"There is no model in {name}: it has no {INDEX}; give a model's folder.")
    return Path(name)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(lambda args: args.run(args), parser(), argv)


if __name__ == "__main__":
    sys.exit(main())
