"""Ctrl-C, SIGTERM and SIGHUP end a run after the step it is in, with the model and a checkpoint saved."""

import os
import signal
import stat
import sys
import threading
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class StopSignal:
    """Notes the first of these signals; a second Ctrl-C ends the program at once.

    Signals that the program was started to ignore (`nohup`) stay ignored. In a thread, where Python lets nobody handle
    signals, nothing is noted.

    Attributes:
        received: whether one has come.
    """

    def __init__(self) -> None:
        self.received = False
        self._earlier: dict[int, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return
        for number in [getattr(signal, name) for name in NAMES if hasattr(signal, name)]:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._earlier[number] = signal.signal(number, self._receive)

    def release(self) -> None:
        """From here on the signals do again what they did before: by default, end the program at once."""
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: Any) -> None:
        self.received = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if number == getattr(signal, "SIGHUP", None):
            _leave_terminal()
        else:
            print("\nStopping after this step; the model and a checkpoint will be saved.", file=sys.stderr, flush=True)


def _leave_terminal() -> None:
    """Sends the program's output nowhere, unless it goes to a file: printing to a closed terminal is an OSError."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a device, not a path)
        for descriptor in (1, 2):
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.dup2(nowhere.fileno(), descriptor)
