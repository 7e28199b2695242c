"""Edited pictures for the page and the API: functions of their arguments alone."""

import base64
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import torch
from PIL import Image
from torch import Tensor

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline
from gan.inputs import check_truncation, sample_seeds
from gan.labels import Label
from gan.latent.dragging import Drag
from gan.latent.image_steering import Inversion
from gan.latent.inversion import STEPS
from gan.latent.mixing import mix
from gan.studio.animation import animation
from gan.studio.codes import codes_text, read_codes
from gan.studio.images.generate import file_name, png_base64
from gan.studio.morph.generate import fit_upload
from gan.studio.morph.uploads import decode_base64, read_picture
from gan.studio.queue import run_queued
from gan.studio.registry import Registry

VARIATIONS = 16
ROWS, COLUMNS = 4, 5  # of the grid of mixtures
FRAMES = 24  # of the way from before to after
CHUNK = 10  # steps of an optimisation at once: who waits in the queue comes in between
RECENT = 64  # bases whose codes are kept, a model: with critic guidance they take longer than all that follows
Points: TypeAlias = Sequence[Sequence[float]]  # (x, y) in pixels
Step = TypeVar("Step")

_stopped: deque[str] = deque(maxlen=256)  # tickets of inversions that nobody waits for any more
_recent: WeakKeyDictionary[ImagePipeline, dict[str, tuple[Tensor, str | None]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Base:
    """What edits start from: a seed with all that belongs to it, or codes instead, as `codes_text` writes them."""

    seed: int = 0
    label: Label = ""
    truncation: float = 1.0
    critic_steps: int = 0
    codes: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Base":
        """That of a request of the page."""
        return cls(**{name: settings[name] for name in cls.__dataclass_fields__ if name in settings})


def base_codes(pipeline: ImagePipeline, base: Base) -> tuple[Tensor, str | None]:
    """Codes (1, layers, width), and the class of a seed by name. To be called on the queue's thread.

    Raises:
        GANError: for a seed, class, truncation, number of steps or codes that can't be used.
    """
    if base.codes:
        return read_codes(pipeline, base.codes), None
    recent, key = _recent.setdefault(pipeline, {}), repr(base)
    if key not in recent:
        latents, classes = pipeline.latents(sample_seeds(base.seed, 1), base.label or None)
        psi = check_truncation(base.truncation)
        latents = pipeline.guided(latents, classes, psi, base.critic_steps, None)
        names = pipeline.label_names(classes)
        if len(recent) >= RECENT:
            del recent[next(iter(recent))]
        recent[key] = pipeline.codes_from(latents, classes, psi), names[0] if names else None
    return recent[key]


def edited(pipeline: ImagePipeline, base: Base, edits: Mapping[str, float]) -> tuple[Tensor, str | None]:
    """Codes of a base moved along directions, and its class."""
    codes, label = base_codes(pipeline, base)
    return pipeline.usable_directions().apply(codes, edits), label


def without(pipeline: ImagePipeline, codes: Tensor, edits: Mapping[str, float]) -> str:
    """The base, as text, that edits make these codes of: so sliders keep their places when codes are changed."""
    undone = {name: -strength for name, strength in edits.items()}
    return codes_text(pipeline, pipeline.usable_directions().apply(codes, undone))


def variations(pipeline: ImagePipeline, codes: Tensor, reach: float, batch: int) -> Tensor:
    """Codes (`VARIATIONS`, layers, width) around one: it is moved by the difference of two random codes of one class.

    Args:
        reach: how far, in standard deviations of the codes of a class.
        batch: which of all variations.
    """
    if not 0 <= reach <= 2:
        raise GANError(f"Variations at a distance of {reach!r} cannot be drawn; it goes from 0 to 2.")
    source = torch.Generator().manual_seed(sample_seeds(batch, 1)[0])
    latents = torch.randn(2 * VARIATIONS, pipeline.generator.latent_dim, generator=source)
    _, classes = pipeline.latents([0])
    ends = pipeline.codes_from(latents, classes.repeat_interleave(len(latents), 0))
    return codes + reach * (ends[:VARIATIONS] - ends[VARIATIONS:]) / 2**0.5


def in_queue(start: Callable[[], Iterator[Step]], stopped: Callable[[], bool] = lambda: False) -> Step:
    """The last result of an optimisation, a few steps of which run at a time, so that nobody else waits for all.

    Args:
        stopped: asked after these few: whether the rest is not wanted any more.
    """
    steps, _ = run_queued(start)
    last: list[Step] = []
    while True:
        part, _ = run_queued(lambda: list(islice(steps, CHUNK)))
        if not part:
            return last[-1]
        last = part
        if stopped():
            return last[-1]


def invert(registry: Registry, model: str, image: Image.Image, steps: int = STEPS, ticket: str = "") -> Inversion:
    """The codes of a picture, fitted to the model; of one that was stopped (`stop`), as far as it had got.

    Args:
        ticket: by which it can be stopped.

    Raises:
        GANError: if an argument can't be used.
    """
    pipeline = registry.get(model, ImagePipeline)
    return in_queue(lambda: pipeline.inverting(image, steps), lambda: bool(ticket) and ticket in _stopped)


def stop(ticket: str) -> None:
    """Stops an inversion."""
    _stopped.append(str(ticket)[:100])


def drag(
    registry: Registry,
    model: str,
    base: Base,
    edits: Mapping[str, float],
    handles: Points,
    targets: Points,
    steps: int,
) -> Drag:
    """The codes of an edited picture whose handles have been pulled to their targets, as far as the steps go.

    Raises:
        GANError: if an argument can't be used.
    """
    pipeline = registry.get(model, ImagePipeline)
    return in_queue(lambda: pipeline.drag(edited(pipeline, base, edits)[0], handles, targets, steps))


def picture(pipeline: ImagePipeline, codes: Tensor) -> Image.Image:
    """The picture of codes (1, layers, width)."""
    images: Any = pipeline.draw(codes).images
    return images[0]


# For the page: settings are what `state()` in tab.js returns.


def edited_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """The edited picture; if the page asks for it, `before`, what it was without edits."""
    pipeline, base, edits = registry.get(settings["model"], ImagePipeline), Base.of(settings), settings["edits"]

    def work() -> tuple[list[Image.Image], str | None]:
        codes, label = edited(pipeline, base, edits)
        rows = [codes]
        if settings.get("before"):
            rows.append(base_codes(pipeline, unedited(settings))[0])
        return list(pipeline.draw(torch.cat(rows)).images), label

    (images, label), milliseconds = run_queued(work)
    name = file_name(settings["model"], base.seed, label, base.truncation)
    name = name.replace(".png", "_edited.png") if edits or base.codes or base.critic_steps else name
    return {
        "png": png_base64(images[0]),
        "before": png_base64(images[1]) if len(images) > 1 else None,
        "label": label,
        "file": name.replace(f"seed-{base.seed}", "picture") if settings["origin"] else name,
        "milliseconds": milliseconds,
    }


def unedited(settings: Mapping[str, Any]) -> Base:
    """What all editing began with: the seed, or the codes that were `found` for the user's picture."""
    base = Base.of(settings)
    if settings["origin"]:
        return replace(base, codes=settings.get("found") or base.codes)
    return Base(base.seed, base.label, base.truncation)


def film_value(registry: Registry, settings: dict[str, Any]) -> dict[str, str]:
    """The way from before all editing to the present picture and back, as an animation: its bytes in base64, its type,
    and the name of the file."""
    pipeline, base = registry.get(settings["model"], ImagePipeline), Base.of(settings)

    def work() -> tuple[list[Image.Image], str | None]:
        first, label = base_codes(pipeline, unedited(settings))
        last, _ = edited(pipeline, base, settings["edits"])
        shares = torch.linspace(0, 1, FRAMES)[:, None, None]
        return list(pipeline.draw(first + shares * (last - first)).images), label

    (frames, label), _ = run_queued(work)
    made = animation(frames)
    name = file_name(settings["model"], base.seed, label, base.truncation, made.suffix)
    name = name.replace(f"seed-{base.seed}", "picture") if settings["origin"] else name
    return {
        "data": base64.b64encode(made.data).decode(),
        "type": made.media_type,
        "file": name.replace(f".{made.suffix}", f"_edit.{made.suffix}"),
    }


def variations_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """`VARIATIONS` pictures around the edited one, each with the base that it becomes when it is chosen."""
    pipeline, base, edits = registry.get(settings["model"], ImagePipeline), Base.of(settings), settings["edits"]

    def work() -> list[dict[str, str]]:
        codes, _ = edited(pipeline, base, edits)
        return pictures_of(pipeline, variations(pipeline, codes, settings["reach"], settings["batch"]), edits)

    pictures, milliseconds = run_queued(work)
    return {"pictures": pictures, "milliseconds": milliseconds}


def mixtures_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """A grid of mixtures: in each row the edited picture, or that of a seed, and in each column other layers."""
    pipeline, base, edits = registry.get(settings["model"], ImagePipeline), Base.of(settings), settings["edits"]
    psi = check_truncation(base.truncation)
    row_seeds = sample_seeds(settings["row_seed"], ROWS - 1)
    column_seeds = sample_seeds(settings["column_seed"], COLUMNS)

    def work() -> tuple[list[Image.Image], list[Image.Image], list[dict[str, str]]]:
        first, _ = edited(pipeline, base, edits)
        others, columns = (pipeline.codes_from(*pipeline.latents(s), psi) for s in (row_seeds, column_seeds))
        rows = torch.cat([first, others])
        pairs = rows.repeat_interleave(COLUMNS, 0), columns.repeat(ROWS, 1, 1)
        mixed = pictures_of(pipeline, mix(*pairs, settings["layers"]), edits)
        return list(pipeline.draw(rows).images), list(pipeline.draw(columns).images), mixed

    (rows, columns, mixed), milliseconds = run_queued(work)
    return {
        "rows": [
            {"png": png_base64(image), "seed": seed} for image, seed in zip(rows, [None, *row_seeds], strict=True)
        ],
        "columns": [
            {"png": png_base64(image), "seed": seed} for image, seed in zip(columns, column_seeds, strict=True)
        ],
        "pictures": mixed,
        "milliseconds": milliseconds,
    }


def pictures_of(pipeline: ImagePipeline, codes: Tensor, edits: Mapping[str, float]) -> list[dict[str, str]]:
    """Pictures of codes (n, layers, width), each with the base that edits make it of.

    They are drawn from the text, so that a link shows the same.
    """
    bases = [without(pipeline, each, edits) for each in codes.split(1)]
    kept = torch.cat([edited(pipeline, Base(codes=base), edits)[0] for base in bases])
    return [
        {"png": png_base64(image), "codes": base}
        for image, base in zip(pipeline.draw(kept).images, bases, strict=True)
    ]


def drag_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """A few steps of dragging: the new base, its picture, and where the handles are; `since` has the base and handles
    with which the drag began."""
    pipeline, base, edits = registry.get(settings["model"], ImagePipeline), Base.of(settings), settings["edits"]
    steps = min(settings["steps"], CHUNK)

    def work() -> dict[str, Any]:
        codes, _ = edited(pipeline, base, edits)
        since = settings.get("since")
        if since:
            began, _ = edited(pipeline, replace(base, codes=since["codes"]), edits)
            since = Drag(began, since["handles"])
        *_, last = pipeline.drag(codes, settings["handles"], settings["targets"], steps, since=since)
        (drawn,) = pictures_of(pipeline, last.codes, edits)
        return {**drawn, "handles": last.handles.tolist()}

    return run_queued(work)[0]


def invert_value(registry: Registry, settings: dict[str, Any], words: dict[str, str]) -> dict[str, str]:
    """The codes of the user's picture, and what it looks like fitted to the model."""
    pipeline = registry.get(settings["model"], ImagePipeline)
    given = read_picture(decode_base64(settings.get("picture"), words), words)
    fitted, _ = fit_upload(pipeline, given, invert=settings.get("invert"))
    codes = invert(registry, settings["model"], fitted, settings["steps"], settings.get("ticket") or "").codes
    return {"codes": run_queued(lambda: codes_text(pipeline, codes))[0], "fitted": png_base64(fitted)}
