"""What every command line shares: types of arguments, what a record may hold of a command, errors and exit codes."""

import argparse
import io
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gan.errors import GANError
from gan.labels import printable
from gan.utils.distributed import join_processes
from gan.utils.hardware import use_all_cores


def positive_int(text: str) -> int:
    """An argparse type."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return value


def whole_number(text: str) -> int:
    """An argparse type."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def decay(text: str) -> float:
    """An argparse type: a rate of a running mean."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to just below 1")
    return value


def positive_float(text: str) -> float:
    """An argparse type."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def expanded_path(text: str) -> str:
    """An argparse type: a path, whose `~` no shell expands in `--output_dir=~/model`; or a Hub id, as it is."""
    return os.path.expanduser(text)  # noqa: PTH111 (as text: what is no path must stay as it is)


def without_folders(word: str) -> str:
    """The last part of an absolute path, also behind `--flag=`; anything else unchanged, as far as UTF-8 has it."""
    flag, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return printable(flag + sign + (Path(value).name if Path(value).is_absolute() else value))


def without_token(words: list[str]) -> list[str]:
    """The command line without `--hub_token`, for the record."""
    kept, skip = [], False
    for word in words:
        if not skip and word != "--hub_token" and not word.startswith("--hub_token="):
            kept.append(word)
        skip = word == "--hub_token"
    return kept


EXIT_SECONDS = 15  # that torchrun may take to notice that the main process has ended, on a busy machine too


def print_error(error: GANError) -> None:
    """Prints the sentence to stderr: once, even if all processes of a run raised the error.

    The main process prints and ends; `torchrun` then ends the others, which wait here. One that still runs afterwards
    was the only one with this error, and prints it.
    """
    if int(os.environ.get("RANK", 0)):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # which training handles otherwise
        time.sleep(EXIT_SECONDS)
    print(f"\nerror: {error}", file=sys.stderr, flush=True)


def run_command(
    run: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    argv: list[str] | None = None,
    stopped: str = "Stopped; nothing was written.",
) -> int:
    """Runs a command and returns its exit code: 0, or 2 with one sentence on stderr.

    Args:
        run: the command; a `GANError` that not every process raises must be raised inside of `synchronized`.
        stopped: the sentence that Ctrl-C prints.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the console cannot print ends no run
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    args = parser.parse_args(argv)
    state = join_processes()
    use_all_cores(state)
    code = 0
    try:
        run(args)
    except GANError as error:
        print_error(error)
        code = 2
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr, flush=True)
        return 130
    state.destroy_process_group()
    return code
