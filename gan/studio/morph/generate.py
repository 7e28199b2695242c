"""Uploads encoded and decoded, and interpolations between two pictures, for the page and the API."""

import base64
import re
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline
from gan.image.plots import image_grid, to_pil
from gan.inputs import sample_seeds
from gan.labels import Label
from gan.studio.animation import animation, animation_suffix
from gan.studio.images.generate import png_base64
from gan.studio.model_panel import label_columns
from gan.studio.morph.uploads import decode_base64, read_picture
from gan.studio.queue import run_queued
from gan.studio.registry import Registry

STEPS = 33  # pictures of a morph: neighbours differ by little, and all fit into a request
EXAMPLES = 6

End: TypeAlias = int | Image.Image  # a seed, or a picture fitted to the model


class Morph(NamedTuple):
    """An interpolation between two ends.

    Attributes:
        frames: `STEPS` pictures, both ends rebuilt or generated.
        labels: the class at either end; `None` for an unconditional model.
        codes: the latent of either end.
    """

    frames: list[Image.Image]
    labels: list[str | None]
    codes: list[list[float]]


def morph(registry: Registry, model: str, a: End, b: End, label: Label) -> Morph:
    """The morph of one end into another; with a picture among them, for a model with an encoder.

    Raises:
        GANError: if an argument can't be used.
    """
    pipeline = registry.get(model, ImagePipeline)

    def work() -> Morph:
        output = pipeline.interpolate(a, b, steps=STEPS, label=label or None)
        labels = [output.labels[0], output.labels[-1]] if output.labels else [None, None]
        return Morph(output.images, labels, [_code(pipeline, end, label) for end in (a, b)])

    return run_queued(work)[0]


def fit_upload(pipeline: ImagePipeline, image: Image.Image, invert: bool | None) -> tuple[Image.Image, bool]:
    """A picture as the encoder takes it, and whether its colours were inverted.

    Args:
        image: of any size and mode.
        invert: `None` inverts a grey picture if its background is light and the model's dark, or the reverse: a
            drawing on paper then suits a model that was trained with light things on black.

    Raises:
        GANError: if the picture is damaged.
    """
    (fitted,) = to_pil(torch.tensor(pipeline.fit(image))[None])
    if invert is None:
        invert = fitted.mode == "L" and is_dark([fitted]) != is_dark(run_queued(lambda: examples(pipeline))[0][0])
    return (ImageOps.invert(fitted) if invert else fitted), invert


def is_dark(images: list[Image.Image]) -> bool:
    """Whether the background of pictures, taken from their outermost pixels, is darker than the middle grey."""
    grey = np.stack([np.asarray(image.convert("L")) for image in images])
    border = [grey[:, 0].ravel(), grey[:, -1].ravel(), grey[:, :, 0].ravel(), grey[:, :, -1].ravel()]
    return bool(np.median(np.concatenate(border)) < 128)


def examples(pipeline: ImagePipeline) -> tuple[list[Image.Image], list[str | None]]:
    """Pictures to try a model with, of classes evenly spread over its list, and the names of these classes."""
    classes = pipeline.label_choices()
    labels = [classes[k * len(classes) // EXAMPLES] if classes else None for k in range(EXAMPLES)]
    outputs = [pipeline(seed=k, truncation=0.7, label=label) for k, label in enumerate(labels)]  # typical ones
    return [output.images[0] for output in outputs], [(output.labels or [None])[0] for output in outputs]


def opening(registry: Registry, model: str, words: dict[str, str]) -> dict[str, Any]:
    """What the page must know of a model before it asks for a morph.

    Raises:
        GANError: if it can't be loaded or has no encoder.
    """
    pipeline = registry.get(model, ImagePipeline)
    if pipeline.encoder is None:
        raise GANError(f"{model} has no encoder, so it cannot take pictures.")
    (images, labels), _ = run_queued(lambda: examples(pipeline))
    height, width = pipeline.resolution
    grey = pipeline.generator.config.image_channels == 1
    return {
        "width": width,
        "height": height,
        "grey": grey,
        "animation": animation_suffix(grey),
        "dark": is_dark(images),
        "columns": label_columns(pipeline, words),
        "examples": [{"png": png_base64(image), "label": label} for image, label in zip(images, labels)],
    }


def morph_value(registry: Registry, settings: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """What the page shows: both ends as the encoder takes them, classes and latents, and all frames on one strip.

    Raises:
        GANError: if an argument can't be used.
    """
    pipeline = registry.get(settings["model"], ImagePipeline)
    (a, a_inverted), (b, b_inverted) = (_end(pipeline, settings[key], words) for key in ("a", "b"))
    result = morph(registry, settings["model"], a, b, settings["label"])
    return {
        "strip": png_base64(image_grid(result.frames, columns=1)),
        "steps": STEPS,
        "ends": [
            {
                "taken": png_base64(end) if isinstance(end, Image.Image) else None,
                "inverted": was_inverted,
                "label": label,
                "code": code,
            }
            for end, was_inverted, label, code in zip((a, b), (a_inverted, b_inverted), result.labels, result.codes)
        ],
    }


def morph_file(registry: Registry, settings: dict[str, Any], words: dict[str, str]) -> dict[str, str]:
    """The morph as an animation: its bytes in base64, its type, and the name of the file.

    Raises:
        GANError: if an argument can't be used.
    """
    pipeline = registry.get(settings["model"], ImagePipeline)
    a, b = (_end(pipeline, settings[key], words)[0] for key in ("a", "b"))
    made = animation(morph(registry, settings["model"], a, b, settings["label"]).frames)
    model = Path(settings["model"]).name if Path(settings["model"]).is_absolute() else settings["model"]
    names = [f"seed-{end}" if isinstance(end, int) else "picture" for end in (a, b)]
    name = "_".join(re.sub(r"[^\w.-]+", "-", part) for part in (model, names[0], "to", names[1]))
    return {"data": base64.b64encode(made.data).decode(), "type": made.media_type, "name": f"{name}.{made.suffix}"}


def _end(pipeline: ImagePipeline, settings: dict[str, Any], words: dict[str, str]) -> tuple[End, bool]:
    """An end, and whether it was inverted; given as `{"seed": 7}` or `{"picture": base64, "invert": ...}`."""
    if "seed" in settings:
        return sample_seeds(settings["seed"], 1)[0], False
    image = read_picture(decode_base64(settings.get("picture"), words), words)
    return fit_upload(pipeline, image, settings.get("invert"))


def _code(pipeline: ImagePipeline, end: End, label: Label) -> list[float]:
    """The latent of an end, rounded: the page shows each number as a colour."""
    is_image = isinstance(end, Image.Image)
    latents, _ = pipeline.encode(end, label or None) if is_image else pipeline.latents([end])
    return [round(number, 2) for number in latents[0].tolist()]
