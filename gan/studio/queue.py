"""The queue of the page and the API: one thread runs all generators, in order of arrival.

Requests arrive on Gradio's forty threads, and each of those would start a team of OpenMP threads of its own. In a
queue a batch takes a few milliseconds and has all cores.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

Result = TypeVar("Result")

_worker = ThreadPoolExecutor(1, thread_name_prefix="generate")
_status = {"joined": 0, "started": 0}
_joining = Lock()


def run_queued(work: Callable[[], Result]) -> tuple[Result, float]:
    """Runs `work` on the queue's thread and waits for it.

    Returns:
        What it returns, and the milliseconds that it took, waiting not counted.
    """

    def timed() -> tuple[Result, float]:
        _status["started"] += 1  # by one thread only
        start = time.perf_counter()
        result = work()
        return result, 1000 * (time.perf_counter() - start)

    with _joining:
        _status["joined"] += 1
    return _worker.submit(timed).result()


async def queue_status(_: Any = None) -> dict[str, int]:
    """How many requests have "joined" the queue so far, and how many have "started" to run: a place in it is the
    difference.

    A coroutine, so that it answers even if every thread of the server waits in the queue. (Gradio hands an argument to
    every function that a page calls.)
    """
    return dict(_status)
