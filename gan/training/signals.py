"""Ctrl-C and SIGTERM end a run after the step it is in, with the model and a checkpoint saved."""

import signal
import sys
from typing import Any


class StopSignal:
    """Notes the first of these signals; a second Ctrl-C ends the program at once.

    Attributes:
        received: whether one has come.
    """

    def __init__(self) -> None:
        self.received = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def release(self) -> None:
        """From here on both end the program at once."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _receive(self, number: int, frame: Any) -> None:
        self.received = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\nStopping after this step; the model and a checkpoint will be saved.", file=sys.stderr, flush=True)
