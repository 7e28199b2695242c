"""Whole texts for the endpoint: requests that wait at the same time are written beside each other.

The networks always take `ROWS` texts at once (`gan.text.sampling` says why), so one costs as much as all of them.
Requests that differ in their seeds alone share these rows: while one sheet of texts is written, those that come fill
the next. What a seed gives does not depend on its neighbours.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gan.studio.text.generate import checked, finish, progress
from gan.text.pipeline import TextPipeline, TextPipelineOutput
from gan.text.sampling import ROWS


@dataclass
class _Sheet:
    """Texts that will be written beside each other: their seeds so far, and what comes of them."""

    seeds: list[int] = field(default_factory=list)
    written: "Future[TextPipelineOutput]" = field(default_factory=Future)


_open: dict[str, _Sheet] = {}  # by model and settings; those that can still be joined
_joining = Lock()
_writing = Lock()  # held by the sheet that is being written


def write(pipeline: TextPipeline, **asked: Any) -> TextPipelineOutput:
    """Finished texts. Arguments and errors are those of `gan.studio.text.generate.progress`."""
    seeds, best_of, settings = checked(**asked)
    if best_of != 1:
        return finish(progress(pipeline, **asked))
    key = repr((id(pipeline), settings))
    with _joining:
        sheet = _open.get(key)
        leads = sheet is None or len(sheet.seeds) + len(seeds) > ROWS
        if sheet is None or leads:
            sheet = _open[key] = _Sheet()
        own = slice(len(sheet.seeds), len(sheet.seeds) + len(seeds))
        sheet.seeds += seeds
    if leads:
        try:
            with _writing:
                with _joining:
                    if _open.get(key) is sheet:
                        del _open[key]
                sheet.written.set_result(finish(pipeline.stream_of(sheet.seeds, **settings)))
        except BaseException as error:  # whatever it is, those who have joined must not wait for ever
            sheet.written.set_exception(error)
    whole = sheet.written.result()
    parts: dict[str, Any] = {name: None if of is None else of[own] for name, of in vars(whole).items()}
    return TextPipelineOutput(**parts)
