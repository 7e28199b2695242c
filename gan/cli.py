"""What every command line shares: types of arguments, and the words of one as a record may hold them."""

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gan.errors import GANError
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


def without_folders(word: str) -> str:
    """The last part of an absolute path, also behind `--flag=`; anything else as it is."""
    flag, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return flag + sign + (Path(value).name if Path(value).is_absolute() else value)


def without_token(words: list[str]) -> list[str]:
    """The command line without `--hub_token`, for the record."""
    kept, skip = [], False
    for word in words:
        if not skip and word != "--hub_token" and not word.startswith("--hub_token="):
            kept.append(word)
        skip = word == "--hub_token"
    return kept


PATIENCE = 15  # seconds, in which the main process has left and torchrun has noticed, on a busy machine too


def tell(error: GANError) -> None:
    """Prints the sentence to stderr: once, though all processes of a run may have met the error.

    The main process speaks and leaves; `torchrun` then ends the others, which have waited. One that is still there has
    met something of its own.
    """
    if int(os.environ.get("RANK", 0)):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # training makes a wish to stop of it
        time.sleep(PATIENCE)
    print(f"\nerror: {error}", file=sys.stderr, flush=True)


def run_command(
    run: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    argv: list[str] | None = None,
    stopped: str = "Stopped; nothing was written.",
) -> int:
    """Returns the exit code of a command: 0, or 2 with one sentence on stderr.

    Args:
        run: what the command does; a `GANError` that not every process meets must be raised inside of `synchronized`.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    args = parser.parse_args(argv)
    state = join_processes()
    use_all_cores(state)
    code = 0
    try:
        run(args)
    except GANError as error:
        tell(error)
        code = 2
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr, flush=True)
        return 130
    state.destroy_process_group()
    return code
