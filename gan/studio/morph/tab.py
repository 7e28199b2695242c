"""The tab that takes pictures in, rebuilds them and turns one into another."""

from typing import Any

import gradio as gr

from gan.errors import GANError
from gan.studio.component import page_errors, script
from gan.studio.model_info import has_encoder, objective
from gan.studio.morph.generate import morph_file, morph_value, opening
from gan.studio.morph.uploads import MAX_BYTES
from gan.studio.registry import Registry
from gan.studio.strings import LANGUAGES, words


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. Nothing of it is loaded before it is shown."""

    def models(current: str) -> dict[str, Any]:
        """The offered models that have an encoder, and the one of the first tab or the address if it has, wherever it
        comes from; with what kept that one from being asked."""
        offered = [model for model, source in registry.offered.items() if has_encoder(source)]
        offered.sort(key=lambda model: objective(registry.offered[model]) != "vaegan")  # the sharper ones first
        if not current or current in registry.offered:
            return {"models": offered, "error": ""}
        try:
            source = registry.source(current)
            registry.ask(source)
        except GANError as error:
            return {"models": offered, "error": str(error)}
        return {"models": [*offered, current] if has_encoder(source) else offered, "error": ""}

    @page_errors
    def open_model(model: str) -> dict[str, Any]:
        return opening(registry, model)

    @page_errors
    def morph(asked: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        return morph_value(registry, asked, words(request))

    @page_errors
    def save_morph(asked: dict[str, Any], request: gr.Request) -> dict[str, str]:
        return morph_file(registry, asked, words(request))

    gr.HTML(
        html_template='<div class="morph workbench"></div>',
        js_on_load=script("morph/draw.js", "morph/tab.js"),
        apply_default_css=False,
        server_functions=[models, open_model, morph, save_morph],
        strings=LANGUAGES,
        max_bytes=MAX_BYTES,
        elem_id="morph",
    )
