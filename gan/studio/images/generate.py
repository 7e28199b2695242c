"""Pictures for the page and the API: functions of their arguments alone."""

import base64
import io
import re
import zipfile
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from PIL import Image

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline, ImagePipelineOutput
from gan.studio.queue import run_queued
from gan.studio.registry import Registry

MAX_IMAGES = 64  # of a request
MAX_TRUNCATION = 1.2  # of the slider; the pipeline takes a little more
START: dict[str, Any] = {"seed": 7, "num_images": 24, "truncation": 1.0, "label": ""}  # "": a class a seed


def generate_images(
    registry: Registry, model: str, seed: int, num_images: int, truncation: float, label: str
) -> tuple[ImagePipelineOutput, float]:
    """Pictures of consecutive seeds, and the milliseconds that they took.

    Raises:
        GANError: if an argument can't be used.
    """
    if not all(isinstance(number, Real) for number in (seed, num_images, truncation)):
        raise GANError("The seed, the number of pictures and the truncation must be numbers.")
    if not 1 <= num_images <= MAX_IMAGES:
        raise GANError(f"{num_images} pictures were asked for; ask for 1 to {MAX_IMAGES}.")
    pipeline = registry.get(model, ImagePipeline)
    return run_queued(
        lambda: pipeline(seed=seed, num_images=int(num_images), truncation=truncation, label=label or None)
    )


def file_name(model: str, seed: int, label: str | None, truncation: float, suffix: str = "png") -> str:
    """`fashion_seed-7_Ankle-boot_psi-0.8.png`."""
    name = Path(model).name if Path(model).is_absolute() else model
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


def archive(registry: Registry, model: str, seed: int, num_images: int, truncation: float, label: str) -> bytes:
    """A ZIP of the pictures."""
    output, _ = generate_images(registry, model, seed, num_images, truncation, label)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as folder:
        for image, number, name in zip(output.images, output.seeds, _labels(output)):
            folder.writestr(file_name(model, number, name, truncation), png(image))
    return file.getvalue()


def images_for_page(
    registry: Registry, model: str, seed: int, num_images: int, truncation: float, label: str
) -> tuple[list[dict[str, Any]], float]:
    """As `generate_images`: of each picture its seed, its class, a file name, and a PNG in base64."""
    output, milliseconds = generate_images(registry, model, seed, num_images, truncation, label)
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
    return pictures, milliseconds


def _labels(output: ImagePipelineOutput) -> Sequence[str | None]:
    return output.labels or [None] * len(output.images)
