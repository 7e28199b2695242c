"""Pictures for the page and the endpoints: functions of their arguments, with no session and no global noise."""

import base64
import io
import math
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from PIL import Image

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline, ImagePipelineOutput
from gan.pipeline import sample_seeds
from gan.studio.queue import run_queued
from gan.studio.registry import Registry

MAX_IMAGES = 64  # pictures at once
MAX_TRUNCATION = 1.2  # of the slider; the pipeline takes a little more
START: dict[str, Any] = {
    "seed": 7,
    "num_images": 24,
    "truncation": 1.0,
    "label": "",
}  # "" stands for: every picture its own class


def draw(
    registry: Registry, model: str, seed: int, num_images: int, truncation: float, label: str
) -> tuple[ImagePipelineOutput, float]:
    """Pictures, and the milliseconds that they took. A function of its arguments alone.

    Raises:
        GANError: if one of them can't be used.
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
    words_of = [Path(model).name if Path(model).is_absolute() else model, f"seed-{seed}", label, f"psi-{truncation:g}"]
    return "_".join(re.sub(r"[^\w.-]+", "-", word).strip("-") for word in words_of if word) + f".{suffix}"


def png(image: Image.Image) -> bytes:
    """A picture at its native size."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def as_text(image: Image.Image) -> str:
    """A picture at its native size, as scripts take it: a PNG in base64."""
    return base64.b64encode(png(image)).decode()


def archive(registry: Registry, shown: dict[str, Any]) -> bytes:
    """A ZIP of the pictures of a state of the page."""
    output, _ = draw(registry, **{key: shown[key] for key in ("model", *START)})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as folder:
        for image, seed, label in zip(output.images, output.seeds, _labels(output)):
            folder.writestr(file_name(shown["model"], seed, label, shown["truncation"]), png(image))
    return file.getvalue()


def gallery_value(
    registry: Registry, model: str, seed: int, num_images: int, truncation: float, label: str
) -> tuple[dict[str, Any], float]:
    """What gallery.js draws, and the milliseconds that the pictures took."""
    output, milliseconds = draw(registry, model, seed, num_images, truncation, label)
    pictures = [
        {
            "seed": number,
            "label": name,
            "file": file_name(model, number, name, truncation),
            # A PNG each: encoding is faster than that of one contact sheet, and the browser can save any of them.
            "png": as_text(image),
        }
        for image, number, name in zip(output.images, output.seeds, _labels(output))
    ]
    height, width = registry.get(model, ImagePipeline).resolution
    state = {"model": model, "seed": seed, "num_images": num_images, "truncation": truncation, "label": label}
    return {**state, "width": width, "height": height, "pictures": pictures}, milliseconds


def class_name(registry: Registry, model: str, label: str) -> str:
    """The class as the model spells it.

    Raises:
        GANError: if it has no such class.
    """
    pipeline = registry.get(model, ImagePipeline)
    index = pipeline.label_index(label)
    assert index is not None
    return pipeline.labels[index] if pipeline.labels else str(index)


def _labels(output: ImagePipelineOutput) -> Sequence[str | None]:
    return output.labels or [None] * len(output.images)


def state_from_address(query: Mapping[str, str], default_model: str) -> dict[str, Any]:
    """The state that an address asks for: `?model=fashion&seed=7&n=24&psi=0.8&label=Sandal`, any part left out.

    What isn't a number counts as left out, and the sliders go no further than they go.

    Raises:
        GANError: if there are no such seeds.
    """

    def number(key: str, kind: Callable[[str], Any], otherwise: Any) -> Any:
        try:
            value = kind(query[key])
            return value if math.isfinite(value) else otherwise
        except (KeyError, ValueError, OverflowError):
            return otherwise

    seed = number("seed", int, START["seed"])
    count = min(max(1, number("n", int, START["num_images"])), MAX_IMAGES)  # before a list of so many seeds is made
    truncation = min(max(0.0, number("psi", float, START["truncation"])), MAX_TRUNCATION)
    sample_seeds(seed, count)
    return {
        "model": query.get("model") or default_model,
        "seed": seed,
        "num_images": count,
        "truncation": truncation,
        "label": query.get("label", ""),
    }
