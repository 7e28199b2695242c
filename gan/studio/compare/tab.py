"""The tab that shows GAN, VAE and VAE-GAN side by side."""

from typing import Any

import gradio as gr

from gan.studio.compare.generate import compared_facts, compared_pictures
from gan.studio.component import page_errors, script
from gan.studio.images.generate import MAX_TRUNCATION, START
from gan.studio.registry import Registry
from gan.studio.strings import LANGUAGES, words


def build(registry: Registry, compared: dict[str, dict[str, str]]) -> None:
    """Adds the tab's content to the page that is being built.

    Args:
        compared: data set to objective to model, from `records.comparisons`.
    """

    @page_errors
    def open_comparison(dataset: str, request: gr.Request) -> dict[str, Any]:
        models = list(compared[dataset].values())
        first = registry.image_model(models[0])
        height, width = first.resolution
        rows = compared_facts(registry, models, words(request))
        return {"width": width, "height": height, "labels": first.labels or [], "rows": rows}

    @page_errors
    def compare(asked: dict[str, Any]) -> dict[str, Any]:
        models = list(compared[asked["dataset"]].values())
        return {"columns": compared_pictures(registry, models, asked["seed"], asked["truncation"], asked["label"])}

    gr.HTML(
        html_template='<div class="compare workbench"></div>',
        js_on_load=script("compare/tab.js"),
        apply_default_css=False,
        server_functions=[open_comparison, compare],
        strings=LANGUAGES,
        compared=compared,
        start=START,
        max_truncation=MAX_TRUNCATION,
        elem_id="compare",
    )
