"""Texts for the page and the endpoints, and the streams in which the page reads them while they are being written.

A stream is pulled: the page asks for more until it has everything, and stops asking when a slider has moved on.
Nothing has to be cancelled, no stream gets ahead of its reader, and every few tokens take their turn on the
generator's thread, between the pictures of others.
"""

import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from numbers import Real
from typing import Any, TypeAlias

from gan.errors import GANError
from gan.pipeline import sample_seeds
from gan.studio.queue import run_queued
from gan.text.pipeline import TextPipeline, TextPipelineOutput
from gan.text.sampling import ROWS

MAX_TEXTS = ROWS  # at once: they grow beside each other
MAX_BEST_OF = 32  # of the slider: as many candidates go through the networks at once
MAX_CRITIC_STRENGTH = 2.0  # of the slider; the pipeline takes more
MAX_TEMPERATURE = 1.5
MAX_PROMPT_LENGTH = 1000  # of a beginning
OPEN_STREAMS = 64  # of all pages; whoever comes back to one that is gone begins it anew
ANSWER = 0.04  # seconds of writing that go into an answer
TURN = 0.02  # seconds that writing keeps the generator's thread from others; one token, if that takes longer
# Tokens that go into it however long they take: the first goes out at once, and where answers travel slowly, more go
# into each; few enough that a slider that has moved on isn't kept waiting.
FEWEST = (1, 2, 4, 8)

Token: TypeAlias = tuple[str | None, float, float | None]  # what it adds (`None`: the end), log probability, opinion


@dataclass
class Writing:
    """Texts on their way to a page.

    Attributes:
        progress: what there is of them, after every token.
        sent: how many tokens of each the page has.
        milliseconds: that writing has taken so far, waiting not counted.
        answers: that the page has been given.
        by_token: whether they grow token by token; if not, finished texts at a time.
        lock: held by the request that it goes on for.
    """

    progress: Iterator[TextPipelineOutput]
    sent: list[int]
    milliseconds: float = 0.0
    answers: int = 0
    by_token: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)


class Streams:
    """The streams that pages are reading, the oldest forgotten when there are too many."""

    def __init__(self, capacity: int = OPEN_STREAMS):
        self.capacity = capacity
        self._open: OrderedDict[str, Writing] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, pipeline: TextPipeline, asked: dict[str, Any]) -> dict[str, Any]:
        """Opens a stream, and answers as `more` does, with its name as "stream".

        Args:
            asked: the arguments of `progress`.

        Raises:
            GANError: if one of them can't be used.
        """
        by_token = asked.get("best_of", 1) == 1
        writing, name = Writing(progress(pipeline, **asked), [], by_token=by_token), secrets.token_urlsafe(9)
        answer = _go_on(writing)
        if not answer["done"]:
            with self._lock:
                self._open[name] = writing
                while len(self._open) > self.capacity:
                    self._open.popitem(last=False)
        return {"stream": name, **answer}

    def more(self, name: str) -> dict[str, Any]:
        """What has been written since the last answer.

        Returns:
            "samples": of each its "seed", its "label" and its new "tokens"; "done"; "milliseconds" of writing. Or
            {"gone": True} for a stream that isn't open.

        Raises:
            GANError: if writing fails.
        """
        with self._lock:
            writing = self._open.get(name)
            if writing is None:
                return {"gone": True}
            self._open.move_to_end(name)
        with writing.lock:
            answer = _go_on(writing)
        if answer["done"]:
            with self._lock:
                self._open.pop(name, None)
        return answer


def progress(pipeline: TextPipeline, **asked: Any) -> Iterator[TextPipelineOutput]:
    """Texts, unfinished, whenever there is more of them; what comes last are all of them, finished.

    One by one the tokens of all, or, where the best of several candidates is kept, some finished texts at a time.

    Args: those of `checked`.

    Raises:
        GANError: if an argument can't be used.
    """
    seeds, best_of, settings = checked(**asked)
    if best_of == 1:
        yield from pipeline.stream_of(seeds, **settings)
        return
    whole: TextPipelineOutput | None = None
    together = max(1, ROWS // max(1, int(best_of)))  # texts whose candidates fill the networks' rows: a short turn
    for start in range(0, len(seeds), together):
        count = min(together, len(seeds) - start)
        found = pipeline(seeds[start], count, best_of=best_of, **settings)
        whole = found if whole is None else _joined(whole, found)
        yield whole


def checked(
    seed: int,
    num_samples: int,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    prefix: str = "",
    critic_strength: float | None = None,
    acrostic: str = "",
    best_of: int = 1,
    label: str = "",
) -> tuple[list[int], int, dict[str, Any]]:
    """The seeds of the texts, how many candidates there are for each, and the other arguments of the pipeline.

    Raises:
        GANError: for what the pipeline would take and the studio doesn't.
    """
    numbers = (seed, num_samples, temperature, top_k, top_p, best_of)
    if not all(isinstance(number, Real) and math.isfinite(number) for number in numbers):
        raise GANError("The seed, the number of texts and the sliders must be numbers.")
    if not 1 <= num_samples <= MAX_TEXTS:
        raise GANError(f"{num_samples} texts were asked for; ask for 1 to {MAX_TEXTS}.")
    if len(prefix or "") > MAX_PROMPT_LENGTH or len(acrostic or "") > MAX_PROMPT_LENGTH:
        raise GANError(f"A text can begin with {MAX_PROMPT_LENGTH} letters at most.")
    settings: dict[str, Any] = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "prefix": prefix or "",
        "acrostic": acrostic or "",
        "critic_strength": critic_strength,
        "label": label or None,
    }
    return sample_seeds(seed, num_samples), best_of, settings


def finish(steps: Iterator[TextPipelineOutput]) -> TextPipelineOutput:
    """Finished texts, written in turns."""
    whole: TextPipelineOutput | None = None
    done = False
    while not done:
        (last, _, done), _ = run_queued(lambda: _some(steps))
        whole = last or whole
    assert whole is not None  # a text is asked for, and its first token is a step
    return whole


def samples(output: TextPipelineOutput, sent: list[int] | None = None) -> list[dict[str, Any]]:
    """Of each text "seed", "label" and "tokens", without those that were sent before."""
    count = len(output.texts)
    opinions: Sequence[list[float] | None] = output.token_opinions or [None] * count
    labels: Sequence[str | None] = output.labels or [None] * count
    return [
        {
            "seed": output.seeds[k],
            "label": labels[k],
            "tokens": tokens(output.pieces[k], output.token_log_likelihoods[k], opinions[k])[sent[k] if sent else 0 :],
        }
        for k in range(count)
    ]


def tokens(pieces: list[str], log_likelihoods: list[float], opinions: list[float] | None) -> list[Token]:
    """The tokens of a text; its end, which adds nothing, is one as well."""
    rows = zip_longest(pieces, log_likelihoods, opinions or [])
    return [(piece, round(p, 4), None if opinion is None else round(opinion, 4)) for piece, p, opinion in rows]


def takes_acrostic(pipeline: TextPipeline) -> bool:
    """Whether the model writes verse whose lines end in Chinese marks, a character a token."""
    return all(pipeline.tokenizer.token_to_id(mark) is not None for mark in "，。")


def _joined(a: TextPipelineOutput, b: TextPipelineOutput) -> TextPipelineOutput:
    both = {key: a[key] + b[key] if a[key] is not None else None for key in a}
    return TextPipelineOutput(**{"labels": None, "token_opinions": None} | both)


def _some(steps: Iterator[TextPipelineOutput], most: int | None = None) -> tuple[TextPipelineOutput | None, int, bool]:
    """As many steps as fit into a turn: the last of them, how many, and whether there are no more."""
    end = time.monotonic() + TURN
    last, count = None, 0
    for last in steps:
        count += 1
        if count == most or time.monotonic() > end:
            return last, count, False
    return last, count, True


def _go_on(writing: Writing) -> dict[str, Any]:
    """Writes the next answer: the first token alone, later some, and as many as there is time for."""
    fewest = FEWEST[min(writing.answers, len(FEWEST) - 1)] if writing.by_token else 1
    end = time.monotonic() + (ANSWER if writing.answers else 0)
    writing.answers += 1
    done, last, written = False, None, 0
    most = 1 if writing.answers == 1 else None
    while not done and (written < fewest or time.monotonic() < end):
        (step, count, done), milliseconds = run_queued(lambda: _some(writing.progress, most))
        writing.milliseconds += milliseconds
        last, written = step or last, written + count
    if last is None:  # it was finished, and all of it sent
        return {"samples": [], "done": True, "milliseconds": round(writing.milliseconds, 1)}
    sent = writing.sent + [0] * (len(last.texts) - len(writing.sent))
    found = samples(last, sent)
    writing.sent = [k + len(sample["tokens"]) for k, sample in zip(sent, found)]
    return {"samples": found, "done": done, "milliseconds": round(writing.milliseconds, 1)}
