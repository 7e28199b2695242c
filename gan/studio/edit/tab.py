"""The Edit tab: a picture that sliders, points and other pictures steer."""

from typing import Any

import gradio as gr

from gan.image.pipeline import ImagePipeline
from gan.inputs import MAX_SEED
from gan.latent.dragging import MAX_HANDLES
from gan.latent.mixing import PRESETS, presets
from gan.studio.component import open_errors, page_errors, workbench
from gan.studio.directions import direction_rows, renaming
from gan.studio.edit.api import EditAPI
from gan.studio.edit.generate import (
    COLUMNS,
    drag_value,
    edited_value,
    film_value,
    invert_value,
    mixtures_value,
    stop,
    variations_value,
)
from gan.studio.edit.letters import MAX_TEXT, alphabet_of, font_value, typed_value
from gan.studio.images.generate import MAX_CRITIC_STEPS, MAX_TRUNCATION
from gan.studio.images.tab import panel_rows
from gan.studio.model_info import has_component
from gan.studio.model_panel import describe, label_columns, panel_html
from gan.studio.morph.uploads import MAX_BYTES
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.studio.tabs import Tab

START = {"seed": 7, "truncation": 1.0, "critic_steps": 0, "reach": 0.5, "row_seed": 40, "column_seed": 100}
LIMITS = {"seed": MAX_SEED, "truncation": MAX_TRUNCATION, "critic_steps": MAX_CRITIC_STEPS, "points": MAX_HANDLES}
LIMITS |= {"text": MAX_TEXT}
SCRIPTS = ("pad", "directions", *(f"edit/{name}" for name in ("history", "points", "grids", "letters", "tab")))


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""

    @open_errors
    def open_edit(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline, language = registry.get(model, ImagePipeline), words(request)
        facts = describe(model, pipeline)
        height, width = pipeline.resolution
        directions, _ = run_queued(lambda: direction_rows(pipeline, language))
        layers, _ = pipeline.code_shape
        alphabet = alphabet_of(pipeline)
        return {
            "columns": label_columns(pipeline, language),
            "width": width,
            "height": height,
            "critic": pipeline.discriminator is not None or has_component(registry.source(model), "discriminator"),
            "directions": directions,
            "layers": presets(layers),
            "grey": facts["channels"] == 1,
            "alphabet": alphabet.column if alphabet else None,
            "specimen": alphabet.specimen if alphabet else "",
            "panel": panel_html(facts, panel_rows(facts, language), language),
        }

    @page_errors
    def edit_image(settings: dict[str, Any]) -> dict[str, Any]:
        return edited_value(registry, settings)

    @page_errors
    def vary_image(settings: dict[str, Any]) -> dict[str, Any]:
        return variations_value(registry, settings)

    @page_errors
    def mix_images(settings: dict[str, Any]) -> dict[str, Any]:
        return mixtures_value(registry, settings)

    @page_errors
    def type_text(settings: dict[str, Any]) -> dict[str, Any]:
        return typed_value(registry, settings)

    @page_errors
    def font(settings: dict[str, Any]) -> dict[str, str]:
        return font_value(registry, settings)

    @page_errors
    def drag_image(settings: dict[str, Any]) -> dict[str, Any]:
        return drag_value(registry, settings)

    @page_errors
    def invert_image(settings: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        return invert_value(registry, settings, words(request))

    @page_errors
    def film(settings: dict[str, Any]) -> dict[str, str]:
        return film_value(registry, settings)

    async def stop_inversion(ticket: str) -> dict[str, Any]:  # a coroutine: it answers even if all threads wait
        stop(ticket)
        return {}

    workbench(
        "edit",
        [f"{name}.js" for name in SCRIPTS],
        [
            open_edit,
            edit_image,
            vary_image,
            mix_images,
            type_text,
            font,
            drag_image,
            invert_image,
            stop_inversion,
            film,
            renaming(registry),
        ],
        models=registry.names(ImagePipeline.modality),
        start=START,
        limits=LIMITS,
        columns=COLUMNS,
        layers=PRESETS,
        max_bytes=MAX_BYTES,
    )


TAB = Tab("edit", ImagePipeline, build, api=EditAPI)
