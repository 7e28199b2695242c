"""The Compare tab: GAN, VAE and VAE-GAN side by side."""

from typing import Any

import gradio as gr

from gan.image.pipeline import ImagePipeline
from gan.inputs import MAX_SEED
from gan.studio.compare.generate import compared_facts, compared_pictures
from gan.studio.compare.models import comparisons
from gan.studio.component import page_errors, workbench
from gan.studio.images.generate import MAX_TRUNCATION, START
from gan.studio.model_panel import label_columns
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.studio.tabs import Tab


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""
    compared = comparisons(registry)

    @page_errors
    def open_comparison(dataset: str, request: gr.Request) -> dict[str, Any]:
        models = list(compared[dataset].values())
        first = registry.get(models[0], ImagePipeline)
        height, width = first.resolution
        language = words(request)
        rows = compared_facts(registry, models, language)
        return {"width": width, "height": height, "columns": label_columns(first, language), "rows": rows}

    @page_errors
    def compare(settings: dict[str, Any]) -> dict[str, Any]:
        models = list(compared[settings["dataset"]].values())
        return {
            "columns": compared_pictures(registry, models, settings["seed"], settings["truncation"], settings["label"])
        }

    workbench(
        "compare",
        ["compare/tab.js"],
        [open_comparison, compare],
        compared=compared,
        start=START,
        limits={"seed": MAX_SEED, "truncation": MAX_TRUNCATION},
    )


TAB = Tab("compare", ImagePipeline, build, is_offered=lambda registry: bool(comparisons(registry)))
