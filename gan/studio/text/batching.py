"""Dynamic batching for the API: requests for texts that wait at the same time are sampled in one batch.

The networks always take batches of `ROWS` texts (`gan.text.sampling` says why), so one text costs as much as `ROWS`.
Requests that differ in their seeds alone share a batch: while one is sampled, those that arrive fill the next. What a
seed gives does not depend on the rest of its batch.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gan.studio.text.generate import check_request, finish, generate
from gan.text.pipeline import TextPipeline, TextPipelineOutput
from gan.text.sampling import ROWS


@dataclass
class _Batch:
    """Texts of one model and the same settings: their seeds so far, and their samples in the end."""

    key: str
    seeds: list[int] = field(default_factory=list)
    output: "Future[TextPipelineOutput]" = field(default_factory=Future)


_waiting: list[_Batch] = []  # those that requests can still join
_joining = Lock()  # guards them
_sampling = Lock()  # held by the batch that is being sampled


def generate_batched(pipeline: TextPipeline, **request: Any) -> TextPipelineOutput:
    """Finished texts. Arguments and errors are those of `gan.studio.text.generate.check_request`."""
    seeds, best_of, settings = check_request(**request)
    if best_of != 1:  # its candidates fill batches by themselves
        return finish(generate(pipeline, **request))
    batch, own, leads = _join(repr((id(pipeline), settings)), seeds)
    if leads:
        try:
            with _sampling:
                with _joining:
                    _waiting.remove(batch)
                batch.output.set_result(finish(pipeline.stream_of(batch.seeds, **settings)))
        except BaseException as error:  # whatever it is, those who have joined must not wait for ever
            batch.output.set_exception(error)
    whole = batch.output.result()
    parts: dict[str, Any] = {name: None if values is None else values[own] for name, values in vars(whole).items()}
    return TextPipelineOutput(**parts)


def waiting_texts() -> int:
    """Texts in batches that have not begun."""
    with _joining:
        return sum(len(batch.seeds) for batch in _waiting)


def _join(key: str, seeds: list[int]) -> tuple[_Batch, slice, bool]:
    """Adds seeds to a waiting batch with room, or to a new one.

    Returns:
        The batch, the place of the seeds in it, and whether it is new: whoever began it samples it.
    """
    with _joining:
        fitting = (batch for batch in _waiting if batch.key == key and len(batch.seeds) + len(seeds) <= ROWS)
        batch = next(fitting, None)
        is_new = batch is None
        if batch is None:
            batch = _Batch(key)
            _waiting.append(batch)
        own = slice(len(batch.seeds), len(batch.seeds) + len(seeds))
        batch.seeds += seeds
        return batch, own, is_new
