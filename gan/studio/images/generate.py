"""Pictures for the page and the API: functions of their arguments alone."""

import base64
import io
import math
import re
import time
import zipfile
from collections.abc import Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

from PIL import Image

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline, ImagePipelineOutput
from gan.inputs import sample_seeds
from gan.labels import Label
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.zoo import ZooGenerator
from gan.zoo.fetch import SUFFIXES, is_address

MAX_IMAGES = 64  # of a request
MAX_TRUNCATION = 1.2  # of the slider; the pipeline takes a little more
MAX_CRITIC_STEPS = 10  # of the slider; the pipeline takes more
MAX_COLUMNS = 8  # seeds beside one another where every class has a row
GUIDED = 4  # pictures at once with critic guidance, which takes as long as some dozens without
PIXELS_AT_ONCE = MAX_IMAGES * 64 * 64  # larger pictures are drawn fewer at a time, so that nobody else waits for all
IMPORTED = 4  # times the work a pixel, and more, of generators that other code trained
PATIENCE = 1.0  # seconds after which the page gets what is drawn, and asks for the rest
START: dict[str, Any] = {"seed": 7, "num_images": 24, "truncation": 1.0, "label": ""}  # "": a class a seed


def generate_images(
    registry: Registry,
    model: str,
    seed: int,
    num_images: int,
    truncation: float,
    label: Label,
    critic_steps: int = 0,
) -> tuple[ImagePipelineOutput, float]:
    """Pictures of consecutive seeds, and the milliseconds that they took.

    Args:
        critic_steps: of critic guidance.

    Raises:
        GANError: if an argument can't be used.
    """
    pipeline = registry.get(model, ImagePipeline)
    _check_numbers(seed, num_images, truncation, critic_steps)
    seeds, size = sample_seeds(seed, int(num_images)), _at_once(pipeline, critic_steps)

    def make(some: list[int]) -> ImagePipelineOutput:
        return pipeline(some[0], len(some), truncation, label or None, critic_steps)

    return _joined([run_queued(partial(make, seeds[k : k + size])) for k in range(0, len(seeds), size)])


def _check_numbers(seed: Any, num_images: Any, truncation: Any, critic_steps: Any) -> None:
    if not all(isinstance(number, Real) for number in (seed, num_images, truncation, critic_steps)):
        raise GANError("The seed, the number of pictures, the truncation and the critic steps must be numbers.")
    if not 1 <= num_images <= MAX_IMAGES:
        raise GANError(f"{num_images} pictures were asked for; ask for 1 to {MAX_IMAGES}.")


def _at_once(pipeline: ImagePipeline, critic_steps: int) -> int:
    """How many pictures are drawn at a time."""
    work = math.prod(pipeline.resolution) * (IMPORTED if isinstance(pipeline.generator, ZooGenerator) else 1)
    size = max(1, min(MAX_IMAGES, PIXELS_AT_ONCE // work))
    return min(size, GUIDED) if critic_steps else size


def _rows(registry: Registry, model: str, seed: int) -> list[dict[str, Any]]:
    """Seed, number of pictures and class of each row.

    Raises:
        GANError: for a model without classes, or with too many.
    """
    names = registry.get(model, ImagePipeline).label_choices()
    if not 2 <= len(names) <= MAX_IMAGES:
        raise GANError(f"{model} has {len(names)} classes; from 2 to {MAX_IMAGES} are shown below one another.")
    count = min(MAX_COLUMNS, MAX_IMAGES // len(names))
    return [{"seed": seed, "num_images": count, "label": name} for name in names]


def _joined(parts: list[tuple[ImagePipelineOutput, float]]) -> tuple[ImagePipelineOutput, float]:
    outputs = [output for output, _ in parts]
    joined = ImagePipelineOutput(
        images=[image for output in outputs for image in output.images],
        seeds=[seed for output in outputs for seed in output.seeds],
        labels=[name for output in outputs for name in output.labels or []] or None,
    )
    return joined, sum(milliseconds for _, milliseconds in parts)


def file_name(model: str, seed: int, label: str | None, truncation: float, suffix: str = "png") -> str:
    """`fashion_seed-7_Ankle-boot_psi-0.8.png`."""
    name = Path(model).name if Path(model).is_absolute() or is_address(model) else model
    name = Path(name).stem if name.endswith(SUFFIXES) else name
    parts = [name, f"seed-{seed}", label, f"psi-{truncation:g}"]
    return "_".join(re.sub(r"[^\w.-]+", "-", part).strip("-") for part in parts if part) + f".{suffix}"


def png(image: Image.Image) -> bytes:
    """The PNG file of a picture at its native size."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def png_base64(image: Image.Image) -> str:
    """The same in base64, as the page's scripts take it."""
    return base64.b64encode(png(image)).decode()


def archive(registry: Registry, settings: dict[str, Any]) -> bytes:
    """A ZIP of the pictures that the page shows."""
    output, _ = _joined([generate_images(registry, **batch) for batch in _batches(registry, settings)])
    model, truncation = settings["model"], settings["truncation"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as folder:
        for image, number, name in zip(output.images, output.seeds, _labels(output)):
            folder.writestr(file_name(model, number, name, truncation), png(image))
    return file.getvalue()


def images_for_page(registry: Registry, settings: dict[str, Any]) -> tuple[list[dict[str, Any]], float, int]:
    """Pictures that the page shows (of each its seed, class, file name and PNG), their milliseconds, and how many
    there are in all: where drawing takes long, they come in several answers.

    Args:
        settings: of `generate_images`; `rows`, "classes" for each seed in every class; and `skip`, how many pictures
            came in earlier answers.
    """
    settings = dict(settings)
    skip = settings.pop("skip", 0)
    batches = _batches(registry, settings)
    drawn, passed, started = [], 0, time.monotonic()
    for batch in batches:
        if passed >= skip:
            drawn.append(generate_images(registry, **batch))
        passed += batch["num_images"]
        if drawn and time.monotonic() - started > PATIENCE:
            break
    output, milliseconds = _joined(drawn)
    model, truncation = settings["model"], settings["truncation"]
    pictures = [
        {
            "seed": number,
            "label": name,
            "file": file_name(model, number, name, truncation),
            # A PNG each: encoding is faster than that of one contact sheet, and the browser can save any of them.
            "png": png_base64(image),
        }
        for image, number, name in zip(output.images, output.seeds, _labels(output))
    ]
    return pictures, milliseconds, sum(batch["num_images"] for batch in batches)


def _batches(registry: Registry, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page shows, as arguments of `generate_images` that are drawn at once each."""
    settings = dict(settings)
    rows: list[dict[str, Any]] = [{}]
    if settings.pop("rows", "") == "classes":
        rows = _rows(registry, settings["model"], settings["seed"])
    critic_steps = settings.get("critic_steps", 0)
    _check_numbers(settings["seed"], settings.get("num_images", 1), settings["truncation"], critic_steps)
    size = _at_once(registry.get(settings["model"], ImagePipeline), critic_steps)
    batches = []
    for row in rows:
        whole = settings | row
        for first in range(0, int(whole["num_images"]), size):
            count = min(size, int(whole["num_images"]) - first)
            batches.append(whole | {"seed": whole["seed"] + first, "num_images": count})
    return batches


def _labels(output: ImagePipelineOutput) -> Sequence[str | None]:
    return output.labels or [None] * len(output.images)
