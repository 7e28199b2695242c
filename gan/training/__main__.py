"""From the command line to the loop: `train.py` and `python -m gan.training` are the same."""

import contextlib
import gc
import logging
import os
import sys
from pkgutil import resolve_name

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class TqdmHandler(logging.Handler):
    """Prints to stderr above the progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm.auto import tqdm

        with contextlib.suppress(Exception):  # whatever is wrong with stderr: a message never ends the training
            tqdm.write(record.getMessage().removeprefix("[RANK 0] "), file=sys.stderr)


def main(argv: list[str] | None = None, program: str = "-m gan.training") -> int:
    """Parses the command line, trains, and returns the exit code: 0, or 2 with one sentence on stderr.

    Args:
        argv: the words behind `program`; by default those of this process.
        program: how the same is started from a shell, for the record: `accelerate launch <program> <argv>`.
    """
    from gan.cli import print_error
    from gan.errors import GANError
    from gan.pipeline import PIPELINES
    from gan.training import arguments
    from gan.training.loop import train
    from gan.training.task import Task

    words = sys.argv[1:] if argv is None else argv
    tasks: dict[str, type[Task]] = {modality: resolve_name(kind.task) for modality, kind in PIPELINES.items()}
    args = arguments.parser(tasks, program).parse_args(words)
    logging.basicConfig(level=logging.WARNING, handlers=[TqdmHandler()])
    logging.getLogger("gan").setLevel(logging.INFO)
    try:
        train(args, tasks[args.modality], words, program)
        return 0
    except GANError as error:
        met = error.with_traceback(None)
    except KeyboardInterrupt:
        print("\nStopped at once; what had been saved before is whole.", file=sys.stderr, flush=True)
        return 130
    gc.collect()  # lets go of progress bars that broke off: they print once more when they do
    print_error(met)
    return 2


if __name__ == "__main__":
    sys.exit(main())
