"""Finds directions, measures critic guidance and finds pictures in a model: `python -m gan.latent directions MODEL`,
`… guidance MODEL`, `… invert MODEL PICTURE`."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from PIL import Image
from safetensors.torch import save_file
from tqdm.auto import tqdm

from gan import GANPipeline
from gan.cli import expanded_path, positive_int, print_error, run_command, whole_number
from gan.errors import GANError
from gan.evaluate import Evaluation, command_parser, output_folder, prepare
from gan.hub.card import README, shown_folder
from gan.hub.repository import INDEX, first_sentence, read_index
from gan.hub.wheel import wheel_in
from gan.latent.directions import RECORDS, VECTORS
from gan.latent.guidance import MAX_STEPS, STEP_SIZE, check_guidance
from gan.latent.guidance_curve import choose_guidance, suited
from gan.latent.image_steering import SteerableImagePipeline
from gan.latent.inversion import STEPS
from gan.latent.steering import CURVE, DirectedPipeline, SteerablePipeline
from gan.latent.tables import directions_table, guidance_notes
from gan.latent.tuning import STEPS as TUNING_STEPS
from gan.pipeline import write_readme
from gan.utils.files import as_json, files_into

FOUND, CODES, TUNED, TUNING = "found.png", "codes.safetensors", "tuned.png", "tuning.safetensors"


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
    add_model(find)
    find.add_argument(
        "--output_dir", type=expanded_path, help="where to write; by default into MODEL, if that is a folder"
    )
    find.add_argument("--num_samples", type=positive_int, default=4000, help="to find them on (default: 4000)")
    find.add_argument("--num_scored", type=positive_int, default=200, help="others, to score them on (default: 200)")
    guidance = commands.add_parser(
        "guidance",
        help="measure what critic guidance does to distance, precision and recall",
        description="Measures a model with several numbers of critic steps; `guidance MODEL --help` lists the flags.",
        add_help=False,
    )
    guidance.add_argument("model", metavar="MODEL")
    invert = commands.add_parser(
        "invert",
        help="find the codes of a picture, and tune the generator until it is met",
        description=f"Finds the codes of a picture and writes {FOUND}, what the model draws of them, and {CODES}.",
        allow_abbrev=False,
    )
    add_model(invert)
    invert.add_argument("picture", metavar="PICTURE", type=Path, help="of any size and format")
    invert.add_argument("--output_dir", required=True, type=expanded_path, help="where to write")
    invert.add_argument("--steps", type=whole_number, default=STEPS, help=f"of inversion (default: {STEPS})")
    invert.add_argument(
        "--tune",
        action="store_true",
        help=f"change the generator until it draws the picture (pivotal tuning): {TUNING} and {TUNED}",
    )
    invert.add_argument("--tune_steps", type=positive_int, help=f"of tuning (default: {TUNING_STEPS})")
    return top


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which model a command is for."""
    parser.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    parser.add_argument("--revision", help="of a model on the Hub")
    parser.add_argument("--hub_token", help="a read token; better: `hf auth login`")


def guidance_parser(evaluation: Evaluation) -> argparse.ArgumentParser:
    """The command line of `guidance`: that of the evaluation, and which steps."""
    top = command_parser(evaluation)
    top.prog = "python -m gan.latent guidance"
    top.add_argument(
        "--critic_steps", type=int, nargs="+", default=[0, 2, 5, 10], help="to measure (default: 0 2 5 10)"
    )
    top.add_argument("--critic_step_size", type=float, default=STEP_SIZE, help=f"of each (default: {STEP_SIZE})")
    top.add_argument(
        "--critic_prior",
        type=float,
        nargs="+",
        default=[0.0, 1.0],
        help="weights of the prior, which costs variety, to measure (default: 0 1)",
    )
    return top


def evaluation_of(words: list[str]) -> Evaluation:
    """That of the model which `guidance` is for, before its command line, which depends on it, can be read.

    Raises:
        GANError: for a model that cannot be had or has no discriminator, or makes texts.
    """
    flags = dict(zip(words[1:], words[2:]))
    for word in words[1:]:
        flag, equals, value = word.partition("=")
        flags |= {flag: value} if equals else {}
    revision, token, cache = (flags.get(flag) for flag in ("--revision", "--hub_token", "--cache_dir"))
    pipeline = GANPipeline.from_pretrained(words[0], revision=revision, token=token, cache_dir=cache)
    if not isinstance(pipeline, SteerablePipeline):
        raise GANError(f"This model makes {pipeline.unit}; critics can guide generators of images and sounds only.")
    pipeline.critic()
    module, _, name = pipeline.evaluation.rpartition(".")
    return getattr(import_module(module), name)()


def find_directions(args: argparse.Namespace) -> None:
    """Finds, scores, prints and writes the directions of a model.

    Raises:
        GANError: for a model that cannot be had or has no latent, or a folder that cannot be written.
    """
    pipeline = GANPipeline.from_pretrained(args.model, revision=args.revision, token=args.hub_token)
    if not isinstance(pipeline, DirectedPipeline):
        raise GANError(f"This model makes {pipeline.unit}, and directions are known of images, sounds and texts only.")
    pipeline.find_directions(args.num_samples, args.num_scored, progress=True)
    print(directions_table(pipeline.directions.records), flush=True)
    folder = output_folder(args)
    if folder is not None:
        write(pipeline, folder, args.model, pipeline.directions.save)
        print(f"\n{VECTORS} and {RECORDS} are in {folder}.", flush=True)


def measure_guidance(evaluation: Evaluation, args: argparse.Namespace) -> None:
    """Measures, prints and writes the trade-off of critic guidance.

    Raises:
        GANError: for a model or data that cannot be had, a model without a discriminator, or unusable steps.
    """
    wrong = [steps for steps in args.critic_steps if not 0 <= steps <= MAX_STEPS]
    if wrong:
        raise GANError(f"{wrong[0]} critic steps cannot be measured; --critic_steps go from 0 to {MAX_STEPS}.")
    for prior in args.critic_prior:
        check_guidance(0, args.critic_step_size, prior)
    pipeline, train_set, test_set = prepare(evaluation, args)
    pipeline.critic()
    found = choose_guidance(evaluation, pipeline, train_set, test_set, args)
    pipeline.guidance_curve = found
    pipeline.register_to_config(guidance=suited(found))
    print(guidance_notes(found, pipeline.guidance["steps"]), flush=True)
    folder = output_folder(args)
    if folder is not None:
        write_guidance(pipeline, folder, args.model)
        print(f"\n{CURVE} is in {folder}, and what suits the model in its {INDEX}.", flush=True)


def write_guidance(pipeline: SteerablePipeline, folder: Path, model: str) -> None:
    """Writes what was measured, and what follows from it for the model's index, if that is in the folder.

    Raises:
        GANError: if they cannot be written.
    """
    contents = {CURVE: pipeline.guidance_curve}
    if (folder / INDEX).is_file():
        contents[INDEX] = {**read_index(folder, str(folder)), "guidance": pipeline.guidance}

    def save(temporary: Path) -> None:
        for name, content in contents.items():
            (temporary / name).write_bytes(as_json(content))

    write(pipeline, folder, model, save)


def write(pipeline: DirectedPipeline, folder: Path, model: str, save: Callable[[Path], None]) -> None:
    """Writes files and, where there is one, the card, which shows what they say.

    Args:
        save: writes the files into a folder.

    Raises:
        GANError: if they cannot be written.
    """
    with saved_into(folder) as temporary:
        save(temporary)
        if (folder / README).is_file() and Path(model).is_dir():
            card = pipeline.card(shown_folder(model), wheel=wheel_in(Path(model)))
            write_readme(temporary, pipeline.with_edits(card, folder))


def invert_picture(args: argparse.Namespace) -> None:
    """Finds the codes of a picture, tunes the generator if that is asked for, and writes what was found.

    Raises:
        GANError: for a model or picture that cannot be had, a model of something else, or a folder that cannot be
            written.
    """
    if args.tune_steps is not None and not args.tune:
        raise GANError("--tune_steps is for --tune: add that, or leave it out.")
    pipeline = GANPipeline.from_pretrained(args.model, revision=args.revision, token=args.hub_token)
    if not isinstance(pipeline, SteerableImagePipeline):
        raise GANError(f"This model makes {pipeline.unit}, and images only can be inverted.")
    try:
        picture = Image.open(args.picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise GANError(f"{args.picture} cannot be opened as a picture ({first_sentence(error)}).") from error
    steps = pipeline.inverting(picture, args.steps)
    losses = []
    for found in tqdm(steps, desc="Inverting", total=args.steps + 1, leave=False):
        losses.append(float(found.losses[-1]))
    said = [f"{losses[0]:.3g} at the start", f"{losses[-1]:.3g} with the codes that were found"]
    images = {FOUND: pipeline.draw(found.codes).images[0]}
    if args.tune:
        tuned = pipeline.tune(picture, found.codes, args.tune_steps or TUNING_STEPS, progress=True)
        said.append(f"{float(tuned[-1]):.3g} tuned")
        images[TUNED] = pipeline.draw(found.codes).images[0]
    folder = Path(args.output_dir)
    with saved_into(folder) as temporary:
        save_file({"codes": found.codes.contiguous()}, temporary / CODES)
        for name, image in images.items():
            image.save(temporary / name)
        if args.tune:
            pipeline.save_tuning(temporary / TUNING)
        else:  # of an earlier picture
            for name in (TUNED, TUNING):
                (folder / name).unlink(missing_ok=True)
    print(f"Distance from the picture: {', '.join(said)}.", flush=True)
    print(f"{', '.join([CODES, *images, *[TUNING] * args.tune])} are in {folder}.", flush=True)


@contextmanager
def saved_into(folder: Path) -> Iterator[Path]:
    """A temporary folder whose files move into this one (`files_into`).

    Raises:
        GANError: if they cannot be written.
    """
    try:
        with files_into(folder) as temporary:
            yield temporary
    except OSError as error:
        raise GANError(
            f"What was found could not be written to {folder} ({error.strerror}); choose another --output_dir."
        ) from error


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] != ["guidance"] or len(words) < 2 or words[1].startswith("-"):
        runs = {"directions": find_directions, "invert": invert_picture}
        return run_command(lambda args: runs[args.command](args), parser(), argv)
    try:
        evaluation = evaluation_of(words[1:])
    except GANError as error:
        print_error(error)
        return 2
    return run_command(lambda args: measure_guidance(evaluation, args), guidance_parser(evaluation), words[1:])


if __name__ == "__main__":
    sys.exit(main())
