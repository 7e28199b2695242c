"""Errors that are a user's to mend."""

import os
import signal
import sys
import time

PATIENCE = 15  # seconds, in which the main process has left and torchrun has noticed, on a busy machine too


class GANError(Exception):
    """What a user did or met that cannot work: one sentence that names the thing and the remedy.

    The command line prints it and exits with code 2; the studio shows it on the page. A programming mistake stays an
    ordinary exception with its traceback.
    """


def tell(error: GANError) -> None:
    """Prints the sentence to stderr: once, though all processes of a run may have met the error.

    The main process speaks and leaves; `torchrun` then ends the others, which have waited. One that is still there has
    met something of its own.
    """
    if int(os.environ.get("RANK", 0)):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # training makes a wish to stop of it
        time.sleep(PATIENCE)
    print(f"\nerror: {error}", file=sys.stderr, flush=True)
