"""The Text tab: texts of seeds, streamed token by token, with the critic's score of every token; of a model with a
latent also one text that directions move, others like it, and the way from one to another."""

from typing import Any

import gradio as gr

from gan.inputs import MAX_SEED
from gan.studio.component import open_errors, page_errors, workbench
from gan.studio.directions import direction_rows, renaming
from gan.studio.model_panel import Row, describe, label_columns, panel_html
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.studio.tabs import Tab
from gan.studio.text.api import TextAPI
from gan.studio.text.generate import (
    MAX_BEST_OF,
    MAX_CRITIC_STRENGTH,
    MAX_PROMPT_LENGTH,
    MAX_TEMPERATURE,
    MAX_TEXTS,
    Streams,
    takes_acrostic,
)
from gan.studio.text.latent import sentence_value, similar_value, way_value
from gan.text.pipeline import TextPipeline

SETTINGS = (
    *("seed", "num_samples", "temperature", "top_k", "top_p", "prefix", "critic_strength"),
    *("acrostic", "best_of", "label", "edits"),
)
START = {"seed": 7, "n": 6, "t": 1.0, "k": 0, "p": 1.0, "best": 1, "reach": 0.5, "a": 7, "b": 40}
SCRIPTS = ("pad", "directions", "text/samples", "text/lines", "text/tab")
LIMITS = {"seed": MAX_SEED, "n": MAX_TEXTS, "t": MAX_TEMPERATURE, "k": 200, "p": 1, "lambda": MAX_CRITIC_STRENGTH}
LIMITS |= {"best": MAX_BEST_OF, "prefix": MAX_PROMPT_LENGTH}


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""
    streams = Streams()

    @open_errors
    def open_text(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline, language = registry.get(model, TextPipeline), words(request)
        facts = describe(model, pipeline)
        directions, _ = run_queued(lambda: direction_rows(pipeline, language))
        return {
            "columns": label_columns(pipeline, language),
            "critic": pipeline.critic is not None,
            "strength": pipeline.config.critic_strength,
            "acrostic": takes_acrostic(pipeline),
            "latent": bool(pipeline.latent_dim),
            "encoder": pipeline.encoder is not None,
            "directions": directions,
            "panel": panel_html(facts, panel_rows(facts, language), language),
        }

    @page_errors
    def write_text(settings: dict[str, Any]) -> dict[str, Any]:
        request = {key: value for key, value in settings.items() if key in SETTINGS}
        return streams.begin(registry.get(settings["model"], TextPipeline), request)

    @page_errors
    def more_text(stream: str) -> dict[str, Any]:
        return streams.more(stream)

    @page_errors
    def edit_text(settings: dict[str, Any]) -> dict[str, Any]:
        return sentence_value(registry, settings)

    @page_errors
    def vary_text(settings: dict[str, Any]) -> dict[str, Any]:
        return similar_value(registry, settings)

    @page_errors
    def morph_text(settings: dict[str, Any]) -> dict[str, Any]:
        return way_value(registry, settings)

    workbench(
        "text",
        [f"{name}.js" for name in SCRIPTS],
        [open_text, write_text, more_text, edit_text, vary_text, morph_text, renaming(registry)],
        models=registry.names(TextPipeline.modality),
        start=START,
        limits=LIMITS,
    )


def panel_rows(facts: dict[str, Any], words: dict[str, str]) -> list[Row]:
    """What the panel says of a text model alone."""
    latent = words["latent_value"].format(count=facts["latent"])
    critic = words["critic_value"].format(strength=f"{facts['critic_strength']:g}")
    return [
        (words["vocabulary"], words["vocabulary_value"].format(tokens=f"{facts['vocabulary']:,}")),
        (words["length"], words["length_value"].format(tokens=facts["length"])),
        (words["latent"], latent)
        if facts["latent"]
        else (words["critic"], critic if facts["critic"] else words["no_critic"]),
    ]


TAB = Tab("text", TextPipeline, build, panel_rows, TextAPI)
