"""Texts for the page and the API, and the streams in which the page reads them while they are sampled.

A stream is pulled: the page asks for more until it has everything, and stops asking when a slider has moved on.
Nothing has to be cancelled, no stream gets ahead of its reader, and every few tokens take a turn in the queue, between
the requests of others.
"""

import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from numbers import Real
from typing import Any, TypeAlias

from gan.errors import GANError
from gan.inputs import sample_seeds
from gan.studio.queue import run_queued
from gan.text.pipeline import TextPipeline, TextPipelineOutput
from gan.text.sampling import ROWS

MAX_TEXTS = ROWS  # of a request: they are sampled in one batch
MAX_BEST_OF = 32  # of the slider: as many candidates fit into a batch
MAX_CRITIC_STRENGTH = 2.0  # of the slider; the pipeline takes more
MAX_TEMPERATURE = 1.5  # of the slider
MAX_PROMPT_LENGTH = 1000  # characters of a text, prefix or acrostic
MAX_STREAMS = 64  # of all pages; a page whose stream was dropped begins it anew
ANSWER_TIME = 0.04  # seconds of sampling for an answer to the page
TURN_TIME = 0.02  # seconds of sampling for a turn in the queue; one token, if that takes longer
# Tokens of the first, second, ... answer at least: the first goes out at once, and where answers travel slowly, more
# go into each; few enough that a slider that has moved on isn't kept waiting.
MIN_TOKENS = (1, 2, 4, 8)

# What it adds to the text (`None`: the end), its log probability, and what the critic adds to that in nats.
Token: TypeAlias = tuple[str | None, float, float | None]


@dataclass
class Stream:
    """Texts on their way to a page.

    Attributes:
        steps: all texts so far, after every token.
        sent: how many tokens of each text the page has.
        milliseconds: of sampling so far, waiting not counted.
        answers: that the page has been given.
        by_token: whether texts grow token by token; if not, a step adds finished texts.
        follows: whether the texts follow a finger: the first answer then holds what fits into it, most often all.
        lock: held by the request that is being answered.
    """

    steps: Iterator[TextPipelineOutput]
    sent: list[int]
    milliseconds: float = 0.0
    answers: int = 0
    by_token: bool = True
    follows: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Streams:
    """The streams that pages are reading; where there are too many, the one not read for longest is dropped."""

    def __init__(self, capacity: int = MAX_STREAMS):
        self.capacity = capacity
        self._open: OrderedDict[str, Stream] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, pipeline: TextPipeline, request: dict[str, Any]) -> dict[str, Any]:
        """Opens a stream, and answers as `more` does, with its name as "stream".

        Args:
            request: the arguments of `check_request`.

        Raises:
            GANError: if one of them can't be used.
        """
        by_token, follows = request.get("best_of", 1) == 1, bool(pipeline.latent_dim)
        stream = Stream(generate(pipeline, **request), [], by_token=by_token, follows=follows)
        name = secrets.token_urlsafe(9)
        answer = _next_answer(stream)
        if not answer["done"]:
            with self._lock:
                self._open[name] = stream
                while len(self._open) > self.capacity:
                    self._open.popitem(last=False)
        return {"stream": name, **answer}

    def more(self, name: str) -> dict[str, Any]:
        """What has been sampled since the last answer.

        Returns:
            "samples": of each its "seed", its "label" and its new "tokens"; "done"; "milliseconds" of sampling. Or
            {"gone": True} for a stream that isn't open.

        Raises:
            GANError: if sampling fails.
        """
        with self._lock:
            stream = self._open.get(name)
            if stream is None:
                return {"gone": True}
            self._open.move_to_end(name)
        with stream.lock:
            answer = _next_answer(stream)
        if answer["done"]:
            with self._lock:
                self._open.pop(name, None)
        return answer


def generate(pipeline: TextPipeline, **request: Any) -> Iterator[TextPipelineOutput]:
    """All texts so far, whenever there is more of them; the last are finished.

    They grow token by token or, where the best of several candidates is kept, by some finished texts at a time.

    Args: those of `check_request`.

    Raises:
        GANError: if an argument can't be used.
    """
    seeds, best_of, settings = check_request(**request)
    if best_of == 1:
        yield from pipeline.stream_of(seeds, **settings)
        return
    whole: TextPipelineOutput | None = None
    texts_a_batch = max(1, ROWS // max(1, int(best_of)))  # a turn in the queue is short
    for start in range(0, len(seeds), texts_a_batch):
        count = min(texts_a_batch, len(seeds) - start)
        output = pipeline(seeds[start], count, best_of=best_of, **settings)
        whole = output if whole is None else _concatenated(whole, output)
        yield whole


def check_request(
    seed: int,
    num_samples: int,
    temperature: float | None = None,
    top_k: int = 0,
    top_p: float = 1.0,
    prefix: str = "",
    critic_strength: float | None = None,
    acrostic: str = "",
    best_of: int = 1,
    label: str = "",
    edits: Mapping[str, float] | None = None,
) -> tuple[list[int], int, dict[str, Any]]:
    """A request's seeds, candidates for each text, and the other arguments of the pipeline.

    Raises:
        GANError: for what the pipeline would take and the studio doesn't.
    """
    numbers = (seed, num_samples, top_k, top_p, best_of, 0 if temperature is None else temperature)
    if not all(isinstance(number, Real) and math.isfinite(number) for number in numbers):
        raise GANError("The seed, the number of texts and the sliders must be numbers.")
    if not 1 <= num_samples <= MAX_TEXTS:
        raise GANError(f"{num_samples} texts were asked for; ask for 1 to {MAX_TEXTS}.")
    for what, text in (("prefix", prefix), ("acrostic", acrostic)):
        check_length(text or "", what)
    settings: dict[str, Any] = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "prefix": prefix or "",
        "acrostic": acrostic or "",
        "critic_strength": critic_strength,
        "label": label or None,
        "edits": edits or {},
    }
    return sample_seeds(seed, num_samples), best_of, settings


def check_length(text: str, what: str) -> str:
    """A text that is short enough to be looked at.

    Raises:
        GANError: for another, called `what`.
    """
    if len(text) > MAX_PROMPT_LENGTH:
        raise GANError(f"The {what} has {len(text):,} characters, and {MAX_PROMPT_LENGTH:,} are the most; shorten it.")
    return text


def finish(steps: Iterator[TextPipelineOutput]) -> TextPipelineOutput:
    """Finished texts, sampled in turns of the queue."""
    whole: TextPipelineOutput | None = None
    done = False
    while not done:
        (last, _, done), _ = run_queued(lambda: _take_turn(steps))
        whole = last or whole
    assert whole is not None  # a text is asked for, and its first token is a step
    return whole


def samples(output: TextPipelineOutput, sent: list[int] | None = None) -> list[dict[str, Any]]:
    """Of each text "seed", "label" and "tokens", without those that have been sent."""
    count = len(output.texts)
    scores: Sequence[list[float] | None] = output.token_opinions or [None] * count
    labels: Sequence[str | None] = output.labels or [None] * count
    return [
        {
            "seed": output.seeds[k],
            "label": labels[k],
            "tokens": tokens(output.pieces[k], output.token_log_likelihoods[k], scores[k])[sent[k] if sent else 0 :],
        }
        for k in range(count)
    ]


def tokens(pieces: list[str], log_likelihoods: list[float], scores: list[float] | None) -> list[Token]:
    """The tokens of a text; its end, which adds nothing, is one, too."""
    rows = zip_longest(pieces, log_likelihoods, scores or [])
    return [(piece, round(p, 4), None if score is None else round(score, 4)) for piece, p, score in rows]


def takes_acrostic(pipeline: TextPipeline) -> bool:
    """Whether the model writes verse whose lines end in Chinese marks, a character a token."""
    return all(pipeline.tokenizer.token_to_id(mark) is not None for mark in "，。")


def _concatenated(a: TextPipelineOutput, b: TextPipelineOutput) -> TextPipelineOutput:
    both = {key: a[key] + b[key] if a[key] is not None else None for key in a}
    return TextPipelineOutput(**{"labels": None, "token_opinions": None} | both)


def _take_turn(
    steps: Iterator[TextPipelineOutput], max_steps: int | None = None
) -> tuple[TextPipelineOutput | None, int, bool]:
    """As many steps as fit into a turn: the last of them, how many, and whether there are no more."""
    end = time.monotonic() + TURN_TIME
    last, count = None, 0
    for last in steps:
        count += 1
        if count == max_steps or time.monotonic() > end:
            return last, count, False
    return last, count, True


def _next_answer(stream: Stream) -> dict[str, Any]:
    """Samples the next answer: the first token alone, later as many as there is time for, and some at least."""
    min_steps = MIN_TOKENS[min(stream.answers, len(MIN_TOKENS) - 1)] if stream.by_token else 1
    is_glance = not stream.answers and not stream.follows
    max_steps = 1 if is_glance else None
    end = time.monotonic() + (0 if is_glance else ANSWER_TIME)
    stream.answers += 1
    done, last, taken = False, None, 0
    while not done and (taken < min_steps or time.monotonic() < end):
        (step, count, done), milliseconds = run_queued(lambda: _take_turn(stream.steps, max_steps))
        stream.milliseconds += milliseconds
        last, taken = step or last, taken + count
    if last is None:  # all of it has been sent
        return {"samples": [], "done": True, "milliseconds": round(stream.milliseconds, 1)}
    sent = stream.sent + [0] * (len(last.texts) - len(stream.sent))
    new = samples(last, sent)
    stream.sent = [k + len(sample["tokens"]) for k, sample in zip(sent, new)]
    return {"samples": new, "done": done, "milliseconds": round(stream.milliseconds, 1)}
