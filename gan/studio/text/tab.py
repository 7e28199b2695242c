"""The Text tab: texts of seeds, streamed token by token, with the critic's score of every token."""

from typing import Any

import gradio as gr

from gan.pipeline import MAX_SEED
from gan.studio.component import open_errors, page_errors, workbench
from gan.studio.model_panel import Row, describe, label_columns, panel_html
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
from gan.text.pipeline import TextPipeline

SETTINGS = (
    *("seed", "num_samples", "temperature", "top_k", "top_p", "prefix", "critic_strength"),
    *("acrostic", "best_of", "label"),
)
START = {"seed": 7, "n": 6, "t": 1.0, "k": 0, "p": 1.0, "best": 1}
LIMITS = {"seed": MAX_SEED, "n": MAX_TEXTS, "t": MAX_TEMPERATURE, "k": 200, "p": 1, "lambda": MAX_CRITIC_STRENGTH}
LIMITS |= {"best": MAX_BEST_OF, "prefix": MAX_PROMPT_LENGTH}


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""
    streams = Streams()

    @open_errors
    def open_text(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline, language = registry.get(model, TextPipeline), words(request)
        facts = describe(model, pipeline)
        return {
            "model": model,
            "columns": label_columns(pipeline, language),
            "critic": pipeline.critic is not None,
            "strength": pipeline.config.critic_strength,
            "acrostic": takes_acrostic(pipeline),
            "panel": panel_html(facts, panel_rows(facts, language), language),
        }

    @page_errors
    def write_text(settings: dict[str, Any]) -> dict[str, Any]:
        request = {key: value for key, value in settings.items() if key in SETTINGS}
        return streams.begin(registry.get(settings["model"], TextPipeline), request)

    @page_errors
    def more_text(stream: str) -> dict[str, Any]:
        return streams.more(stream)

    workbench(
        "text",
        ["text/samples.js", "text/tab.js"],
        [open_text, write_text, more_text],
        models=registry.names(TextPipeline.modality),
        start=START,
        limits=LIMITS,
    )


def panel_rows(facts: dict[str, Any], words: dict[str, str]) -> list[Row]:
    """What the panel says of a text model alone."""
    critic = words["critic_value"].format(strength=f"{facts['critic_strength']:g}")
    return [
        (words["vocabulary"], words["vocabulary_value"].format(tokens=f"{facts['vocabulary']:,}")),
        (words["length"], words["length_value"].format(tokens=facts["length"])),
        (words["critic"], critic if facts["critic"] else words["no_critic"]),
    ]


TAB = Tab("text", TextPipeline, build, panel_rows, TextAPI)
