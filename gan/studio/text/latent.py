"""Text with a latent for the page and the API: functions of their arguments alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from gan.errors import GANError
from gan.studio.codes import codes_text, read_codes
from gan.studio.model_info import has_component
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.studio.text.generate import check_length
from gan.text.pipeline import TextPipeline
from gan.text.tokenizer import NAMED, listed

STEPS = 9  # lines of a morph on the page
MAX_STEPS = 32
VARIATIONS = 8

Label: TypeAlias = str | int | None


@dataclass(frozen=True)
class Base:
    """What edits start from: a seed, or instead of it a text, or codes, as `codes_text` writes latents.

    Attributes:
        label: class; "" is that of the seed.
        temperature: 0 always reads the likeliest token; above, the dice are those of the seed.
        prefix, acrostic: what the text, or its lines, begin with.
    """

    seed: int = 0
    label: str = ""
    text: str = ""
    codes: str = ""
    temperature: float = 0.0
    prefix: str = ""
    acrostic: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Base":
        """That of a request of the page."""
        return cls(**{name: settings[name] for name in cls.__dataclass_fields__ if settings.get(name) is not None})

    @property
    def begins(self) -> dict[str, str]:
        """What a pipeline is told of how its texts begin."""
        return {name: check_length(getattr(self, name), name) for name in ("prefix", "acrostic")}

    @property
    def reading(self) -> dict[str, Any]:
        """What a pipeline's `decode` is told beside latents and class."""
        return {"temperature": self.temperature, "seed": self.seed, **self.begins}


def latent_pipeline(registry: Registry, model: str) -> TextPipeline:
    """A text model with a latent.

    Raises:
        GANError: for a model without, or one that cannot be had.
    """
    pipeline = registry.get(model, TextPipeline)
    if not pipeline.latent_dim:
        names = [name for name in registry.names("text") if has_component(registry.source(name), "encoder")]
        raise GANError(f"{model} has no latent; choose {', '.join(names) or 'a model of --objective daae'}.")
    return pipeline


def sample_of(pipeline: TextPipeline, base: Base) -> int | str | Tensor:
    """The text, seed or latent of a base.

    Raises:
        GANError: for a text that is too long to be looked at, or codes that cannot be read.
    """
    if base.codes:
        return read_codes(pipeline, base.codes)[0, 0]
    return check_length(base.text, "text") if base.text.strip() else base.seed


def readable(pipeline: TextPipeline, base: Base) -> tuple[Base, list[str]]:
    """A base without what the model does not know of its text, and at most `NAMED` parts of that.

    Raises:
        GANError: where it knows nothing of it.
    """
    if base.codes:  # they count, and not the text that they were reached from
        return base, []
    text, unknown = pipeline.without_unknown(check_length(base.text, "text"))
    if unknown and not text:
        raise GANError(f"The model has never seen any of {listed(unknown)}; give a text in words that it knows.")
    return replace(base, text=text), unknown[:NAMED]


def located(pipeline: TextPipeline, base: Base) -> Tensor:
    """The latent (1, latent_dim) of a base. To be called on the queue's thread."""
    return pipeline.located(sample_of(pipeline, base), base.label or None)[0]


def class_of(pipeline: TextPipeline, base: Base) -> Label:
    """The class that a base is read with: that of its seed, also for a text or codes, unless another is said."""
    return pipeline.located(base.seed, base.label or None)[1]


def read(
    pipeline: TextPipeline, base: Base, edits: Mapping[str, float], latents: Tensor | None = None
) -> tuple[Tensor, list[str], list[str] | None]:
    """The edited latent (1, latent_dim) of a base; what is read from it, and without the edits; and their classes.

    Args:
        latents: (1, latent_dim) instead of what the base says, but for its class.
    """
    if latents is None:
        latents = located(pipeline, base)
    moved = pipeline.moved(latents, edits)
    output = pipeline.decode(torch.cat([moved, latents]), class_of(pipeline, base), **base.reading)
    return moved, output.texts, output.labels


def between(pipeline: TextPipeline, a: Base | Tensor, b: Base | Tensor, steps: int) -> Tensor:
    """The latents (steps, latent_dim) from one end to another, each a base or a latent (1, latent_dim)."""
    first, last = (located(pipeline, end) if isinstance(end, Base) else end for end in (a, b))
    return pipeline.way(first, last, steps)[0]


# For the page: settings are what `state()` in tab.js returns.


def sentence_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """The edited text, and what it is without edits."""
    pipeline = latent_pipeline(registry, settings["model"])
    base, unknown = readable(pipeline, Base.of(settings))
    (_, (text, before), labels), milliseconds = run_queued(lambda: read(pipeline, base, settings["edits"]))
    label = labels[0] if labels else None
    return {"text": text, "before": before, "label": label, "unknown": unknown, "milliseconds": milliseconds}


def similar_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """Texts like the edited one, each with the base that it becomes when it is chosen."""
    pipeline, edits = latent_pipeline(registry, settings["model"]), settings["edits"]
    base, unknown = readable(pipeline, Base.of(settings))

    def work() -> tuple[str, list[dict[str, str]]]:
        latents, own = located(pipeline, base), class_of(pipeline, base)
        moved = pipeline.moved(latents, edits)
        found = pipeline.nearby(moved, VARIATIONS, settings["reach"], settings["batch"], own, **base.begins)
        text = pipeline.decode(moved, own, **base.reading).texts[0]
        others = [row for row in lines(pipeline, found + latents - moved, edits, own, base) if row["text"] != text]
        return text, others

    (text, others), milliseconds = run_queued(work)
    few = len(others) < VARIATIONS
    return {"text": text, "lines": others, "few": few, "unknown": unknown, "milliseconds": milliseconds}


def way_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """`STEPS` texts from one end to another, each with the base that it becomes when it is chosen."""
    pipeline, edits = latent_pipeline(registry, settings["model"]), settings["edits"]
    ends = (Base.of({**settings, "seed": settings[end], "text": settings[f"{end}_text"]}) for end in ("a", "b"))
    (a, of_a), (b, of_b) = (readable(pipeline, end) for end in ends)

    def work() -> list[dict[str, str]]:
        return lines(pipeline, between(pipeline, a, b, STEPS), edits, class_of(pipeline, a), a)

    found, milliseconds = run_queued(work)
    return {"lines": found, "unknown": list(dict.fromkeys(of_a + of_b)), "milliseconds": milliseconds}


def lines(
    pipeline: TextPipeline, latents: Tensor, edits: Mapping[str, float], label: Label, base: Base
) -> list[dict[str, str]]:
    """What is read from latents (n, latent_dim) along with edits, each with its codes.

    They are read from their codes, so that a link shows the same.
    """
    codes = [codes_text(pipeline, row[None, None]) for row in latents]
    kept = torch.cat([read_codes(pipeline, text)[0] for text in codes])
    texts = pipeline.decode(pipeline.moved(kept, edits), label, **base.reading).texts
    return [{"text": text, "codes": code} for text, code in zip(texts, codes, strict=True)]
