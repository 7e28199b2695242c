"""How many CPU threads to train on, chosen by timing steps of the training itself.

Threads that share a core with another program make every small kernel wait for the slowest of them: two threads can
be several times slower than one, which beside the same program loses nothing. Alone, two are faster.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.logging import get_logger

from gan.utils.hardware import cores

logger = get_logger(__name__)
ROUNDS, BLOCK = 2, 4  # each candidate is timed in two blocks of four steps, the first of which warms up
HOPELESS = 2.0  # times as slow as another candidate: its other steps are not waited for
STARVED = 0.8  # of a core, below which the run says so


class ThreadTuner:
    """Times steps with each number of threads, and keeps to the fastest until the next time.

    Results of kernels depend on how many threads compute them, so the state is part of every checkpoint: a resumed run
    takes the threads of the uninterrupted one up to the end of the next timing. A single candidate is never timed.

    Args:
        candidates: numbers of threads, the one to begin with first.
        exclusive: whether a step does nothing but compute on this process's CPU: only then a thread that is not
            running has been kept from it by other programs.
        clock, thread_clock: seconds, of the wall and of the calling thread on the CPU.
    """

    def __init__(
        self,
        candidates: Sequence[int],
        exclusive: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        thread_clock: Callable[[], float] = time.thread_time,
    ):
        self.candidates, self.exclusive = list(candidates), exclusive
        self.clock, self.thread_clock = clock, thread_clock
        self.threads = self.candidates[0]
        self.plan: list[tuple[int, bool]] = []  # threads of each of the next steps, and whether its time counts
        self.seconds: dict[int, list[float]] = {}
        self._wall = self._running = 0.0  # of steps on one thread, since the last report
        self.start_timing()

    def start_timing(self) -> None:
        """Plans which of the next steps take how many threads."""
        if len(self.candidates) == 1:
            self._report_starvation()
        elif not self.plan:
            order = sorted(self.candidates, key=lambda threads: threads != self.threads)  # the present number first
            self.plan = [(threads, k > 0) for _ in range(ROUNDS) for threads in order for k in range(BLOCK)]
            self.seconds = {threads: [] for threads in order}

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step of the training is taken in here."""
        timing = bool(self.plan)
        threads, counts = self.plan.pop(0) if timing else (self.threads, False)
        _set_threads(threads)
        wall, running = self.clock(), self.thread_clock()
        yield
        wall, running = self.clock() - wall, self.thread_clock() - running
        if threads == 1:
            self._wall, self._running = self._wall + wall, self._running + running
        if counts:
            self.seconds[threads].append(wall)
            others = [statistics.median(times) for other, times in self.seconds.items() if other != threads and times]
            if others and wall > HOPELESS * min(others):
                self.plan = [step for step in self.plan if step[0] != threads]
        if timing and not self.plan:
            self._choose()

    def settle(self) -> None:
        """Ends a timing that is under way."""
        self.plan = []
        _set_threads(self.threads)

    def _choose(self) -> None:
        medians = {threads: statistics.median(times) for threads, times in self.seconds.items() if times}
        best, before = min(medians, key=medians.__getitem__), self.threads
        if best != before and before in medians:
            logger.info(
                f"Trains on {best} CPU thread{'s' * (best > 1)}, {1000 * medians[best]:.3g} ms a step, instead of "
                f"{before} ({1000 * medians[before]:.3g} ms)."
            )
        self.threads = best
        self._report_starvation()

    def _report_starvation(self) -> None:
        """Says so if other programs keep this one from its core."""
        share = self._running / self._wall if self._wall else 1.0
        if self.exclusive and share < STARVED:
            logger.info(
                f"Other programs take {1 - share:.0%} of the core that this run computes on, so that it takes "
                f"{1 / max(share, 0.01):.1f} times as long."
            )
        self._wall = self._running = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"threads": self.threads, "plan": self.plan, "seconds": self.seconds, "cores": cores()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over the threads of a run on as many cores; with one candidate, that one stays."""
        if state.get("cores") == cores() and len(self.candidates) > 1:
            self.threads, self.plan, self.seconds = state["threads"], list(state["plan"]), dict(state["seconds"])


def _set_threads(threads: int) -> None:
    if threads != torch.get_num_threads():
        torch.set_num_threads(threads)
