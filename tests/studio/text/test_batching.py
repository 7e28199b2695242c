"""Requests that wait at the same time are sampled in one batch, and each gets its own texts."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gan import GANError
from gan.studio.queue import queue_status, run_queued
from gan.studio.text.batching import generate_batched, waiting_texts


def wait_until(condition):
    """Returns once it holds; the test's own time limit ends what never does."""
    while not condition():
        time.sleep(0.01)


def joined():
    """Requests that have joined the queue so far."""
    # In a thread of its own: the browser of an earlier test may keep an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, queue_status()).result()["joined"]


def test_requests_that_wait_share_batches_and_get_their_own_texts(text_registry, monkeypatch):
    pipeline, free, batches = text_registry.get("verses"), threading.Event(), []
    requests = [{"seed": 40 * k, "num_samples": 1 + 2 * k} for k in range(6)]
    requests += [{"seed": 3, "num_samples": 2, "temperature": 0.5}]
    direct = [pipeline(**request) for request in requests]
    requests += [{"seed": k, "num_samples": 1, "prefix": "x"} for k in range(2)]
    stream_of = pipeline.stream_of
    monkeypatch.setattr(pipeline, "stream_of", lambda seeds, **how: batches.append(seeds) or stream_of(seeds, **how))
    before = joined()
    with ThreadPoolExecutor(len(requests) + 1) as pool:
        busy = pool.submit(run_queued, free.wait)
        first = pool.submit(generate_batched, pipeline, **requests[0])
        wait_until(lambda: joined() == before + 2)  # the first batch has begun, and waits in the queue
        others = [pool.submit(generate_batched, pipeline, **request) for request in requests[1:]]
        wait_until(lambda: waiting_texts() == sum(request["num_samples"] for request in requests[1:]))
        free.set()
        assert busy.result()
        results = [first, *others]
        assert [future.result() for future in results[:-2]] == direct
        for future in results[-2:]:
            with pytest.raises(GANError, match="never seen"):
                future.result()
    # The first alone, 35 texts in two batches of up to 32, the other temperature, and the prefix.
    assert len(batches) == 5 and not waiting_texts()
