"""Writes many samples into a folder, on any number of processes: `python -m gan.sample MODEL --num_images 1000`.

    accelerate launch -m gan.sample weights/fashion --num_images 50000 --output_dir fashion-samples
    torchrun --nproc_per_node 2 -m gan.sample weights/tang --num_samples 10000 --temperature 0.9 --output_dir poems

Pictures and clips are files named by their seed; texts are JSON lines, a thousand a file, named by the first seed. A
sample depends on its seed only, not on the number of processes. The same command resumes where it was interrupted:
files that are complete stay.
"""

import argparse
import hashlib
import inspect
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from tqdm.auto import tqdm

from gan.cli import expanded_path, positive_int, run_command, whole_number
from gan.errors import GANError
from gan.inputs import sample_seeds
from gan.pipeline import GANPipeline
from gan.utils.distributed import synchronized
from gan.utils.files import as_json, write_file

RECORD = "sampling.json"  # model, seed and settings of the samples in a folder


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m gan.sample", description="Many samples into a folder.", allow_abbrev=False
    )
    top.add_argument("model", metavar="MODEL", help="a folder, or user/name on the Hub")
    top.add_argument("--revision", help="of a model on the Hub")
    top.add_argument("--hub_token", help="a read token; better: `hf auth login`")
    top.add_argument("--num_images", "--num_samples", dest="count", type=positive_int, required=True, help="how many")
    top.add_argument("--output_dir", type=expanded_path, default="samples", help="where to write (default: samples)")
    top.add_argument("--seed", type=whole_number, default=0, help="of the first; sample k is that of seed + k")
    top.add_argument("--batch_size", type=positive_int, default=64, help="samples made at once (default: 64)")
    settings = top.add_argument_group("settings", "Those that the model has; by default as it was trained.")
    settings.add_argument("--label", help="a class, by name; by default each sample's is drawn from its seed")
    settings.add_argument("--truncation", type=float, help="psi, of pictures and clips")
    settings.add_argument("--temperature", type=float, help="of texts")
    settings.add_argument("--top_k", type=int, help="of texts")
    settings.add_argument("--top_p", type=float, help="of texts")
    settings.add_argument("--prefix", help="what every text begins with")
    settings.add_argument("--critic_strength", type=float, help="lambda, of texts")
    settings.add_argument("--best_of", type=positive_int, help="candidates for every text")
    top.set_defaults(settings=[action.dest for action in settings._group_actions])
    return top


def run(args: argparse.Namespace) -> None:
    """Makes this process's share of the samples.

    Raises:
        GANError: for a model, folder or setting that cannot be used.
    """
    state = PartialState()
    folder = Path(args.output_dir)
    with synchronized():
        sample_seeds(args.seed, args.count)  # all of them can be used
        pipeline = GANPipeline.from_pretrained(args.model, revision=args.revision, token=args.hub_token)
        settings = {name: value for name in args.settings if (value := getattr(args, name)) is not None}
        known = inspect.signature(type(pipeline).__call__).parameters
        for name in settings.keys() - known.keys():
            raise GANError(f"{args.model} makes {pipeline.unit}, which have no --{name}; leave it out.")
        record = {"model": _fingerprint(pipeline), "seed": args.seed, "settings": settings}
        pipeline.to(state.device)
        pipeline.sample_bytes(args.seed, 1, **settings)  # raises what cannot be used before a folder is made
        with _writing_to(folder):
            _check(folder, record)
    with synchronized(), _writing_to(folder):
        if state.is_main_process:
            folder.mkdir(parents=True, exist_ok=True)
            write_file(folder / RECORD, as_json(record))
    with synchronized(), _writing_to(folder):
        _fill(folder, pipeline, settings, args, state)
    if state.is_main_process:
        print(f"{args.count:,} {pipeline.unit} are in {folder}.", flush=True)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Turns a full disk and other `OSError`s into a `GANError`."""
    try:
        yield
    except OSError as error:
        raise GANError(
            f"The samples cannot be written to {folder} ({error.strerror}); make room or choose another --output_dir; "
            f"those already written are complete, and the same command resumes from them."
        ) from error


def _fingerprint(pipeline: GANPipeline) -> str:
    """Changes with any weight of any network."""
    digest = hashlib.sha256()
    for name, network in sorted(pipeline.components.items()):
        for tensor in network.state_dict().values() if isinstance(network, torch.nn.Module) else ():
            digest.update(name.encode() + tensor.float().numpy().tobytes())
    return digest.hexdigest()[:16]


def _check(folder: Path, record: dict[str, Any]) -> None:
    """Raises `GANError` unless the folder is new, empty, or one of samples of the same model and settings."""
    file = folder / RECORD
    try:
        there = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError:
        there = {}
    if there is None and folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise GANError(f"{folder} is not an empty folder, and not one of samples; choose another --output_dir.")
    if there is not None and there != record:
        raise GANError(
            f"{folder} holds samples of another model, seed or setting ({file.name}); choose another --output_dir."
        )


def _fill(
    folder: Path, pipeline: GANPipeline, settings: dict[str, Any], args: argparse.Namespace, state: PartialState
) -> None:
    """Writes the files of this process that aren't there: every so many blocks, of a batch or of a file of texts."""
    each = pipeline.samples_per_file
    block = args.batch_size if each == 1 else each
    sizes = {start: min(block, args.count - start) for start in range(0, args.count, block)}
    sizes = dict(list(sizes.items())[state.process_index :: state.num_processes])
    bar = tqdm(total=sum(sizes.values()), unit=f" {pipeline.unit}", disable=not state.is_main_process)
    for start, size in sizes.items():
        names = {k: f"{args.seed + start + k:010d}{pipeline.file_suffix}" for k in range(0, size, each)}
        missing = {
            k: folder / name for k, name in names.items() if not _is_complete(folder / name, min(each, size - k))
        }
        if missing:
            data: list[bytes] = []
            for k in range(0, size, args.batch_size):
                many = min(args.batch_size, size - k)
                data += pipeline.sample_bytes(args.seed + start + k, many, **settings)
            for k, path in missing.items():
                write_file(path, b"".join(data[k : k + each]))
        bar.update(size)
    bar.close()


def _is_complete(path: Path, lines: int) -> bool:
    """Whether a file is there and not cut off, as after a power cut."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return False
    match path.suffix:
        case ".png":
            return data.endswith(b"IEND\xaeB`\x82")
        case ".wav":
            return len(data) > 44 and len(data) == 8 + int.from_bytes(data[4:8], "little")
    return data.endswith(b"\n") and data.count(b"\n") >= lines


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr."""
    return run_command(run, parser(), argv, "Stopped; the same command resumes from here.")


if __name__ == "__main__":
    sys.exit(main())
