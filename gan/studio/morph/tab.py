"""The Rebuild & morph tab: pictures encoded, decoded, and interpolated."""

from typing import Any

import gradio as gr

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline
from gan.inputs import MAX_SEED
from gan.studio.component import open_errors, page_errors, workbench
from gan.studio.model_info import has_component, modality, objective
from gan.studio.morph.generate import morph_file, morph_value, opening
from gan.studio.morph.uploads import MAX_BYTES
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.studio.tabs import Tab


def takes_pictures(source: str) -> bool:
    """Whether a model has an encoder of pictures; those of text have one, too."""
    return modality(source) == ImagePipeline.modality and has_component(source, "encoder")


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""

    def models(current: str) -> dict[str, Any]:
        """The offered models that have an encoder and, if it has one, the model of the Pictures tab or the address,
        wherever it comes from; or "error", why that one could not be looked at."""
        offered = [model for model, source in registry.offered.items() if takes_pictures(source)]
        offered.sort(key=lambda model: objective(registry.offered[model]) != "vaegan")  # the sharper ones first
        if not current or current in registry.offered:
            return {"models": offered, "error": ""}
        try:
            source = registry.source(current)
            registry.fetch_index(source)
        except GANError as error:
            return {"models": offered, "error": str(error)}
        return {"models": [*offered, current] if takes_pictures(source) else offered, "error": ""}

    @open_errors
    def open_model(model: str, request: gr.Request) -> dict[str, Any]:
        return opening(registry, model, words(request))

    @page_errors
    def morph(settings: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        return morph_value(registry, settings, words(request))

    @page_errors
    def save_morph(settings: dict[str, Any], request: gr.Request) -> dict[str, str]:
        return morph_file(registry, settings, words(request))

    workbench(
        "morph",
        ["morph/draw.js", "morph/end.js", "morph/tab.js"],
        [models, open_model, morph, save_morph],
        limits={"seed": MAX_SEED},
        max_bytes=MAX_BYTES,
    )


TAB = Tab("morph", ImagePipeline, build)
