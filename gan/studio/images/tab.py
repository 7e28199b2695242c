"""The Pictures tab: pictures of consecutive seeds."""

import base64
from typing import Any

import gradio as gr

from gan.image.pipeline import ImagePipeline
from gan.inputs import MAX_SEED
from gan.studio.component import open_errors, page_errors, workbench
from gan.studio.images.api import ImageAPI
from gan.studio.images.generate import (
    MAX_CRITIC_STEPS,
    MAX_IMAGES,
    MAX_TRUNCATION,
    START,
    archive,
    images_for_page,
)
from gan.studio.model_info import has_component
from gan.studio.model_panel import Row, describe, label_columns, panel_html
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.studio.tabs import Tab

LIMITS = {"seed": MAX_SEED, "num_images": MAX_IMAGES, "truncation": MAX_TRUNCATION}
LIMITS |= {"critic_steps": MAX_CRITIC_STEPS}


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""

    @open_errors
    def open_images(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline, language = registry.get(model, ImagePipeline), words(request)
        facts = describe(model, pipeline)
        height, width = pipeline.resolution
        panel = panel_html(facts, panel_rows(facts, language), language)
        return {
            "columns": label_columns(pipeline, language),
            "width": width,
            "height": height,
            "critic": pipeline.discriminator is not None or has_component(registry.source(model), "discriminator"),
            "panel": panel,
        }

    @page_errors
    def make_images(settings: dict[str, Any]) -> dict[str, Any]:
        pictures, milliseconds, total = images_for_page(registry, settings)
        return {"pictures": pictures, "milliseconds": milliseconds, "total": total}

    @page_errors
    def zip_images(settings: dict[str, Any]) -> dict[str, str]:
        return {"data": base64.b64encode(archive(registry, settings)).decode()}

    workbench(
        "pictures",
        ["images/tab.js"],
        [open_images, make_images, zip_images],
        models=registry.names(ImagePipeline.modality),
        start=START,
        limits=LIMITS,
    )


def panel_rows(facts: dict[str, Any], words: dict[str, str]) -> list[Row]:
    """What the panel says of an image model alone."""
    colour = words["grey"] if facts["channels"] == 1 else words["colour"]
    return [(words["resolution"], f"{facts['width']} × {facts['height']}, {colour}")]


TAB = Tab("pictures", ImagePipeline, build, panel_rows, ImageAPI)
