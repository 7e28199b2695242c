"""The tab that writes: texts from seeds, a critic's opinion of every token, and how both follow their sliders."""

from typing import Any

import gradio as gr

from gan.pipeline import MAX_SEED
from gan.studio.component import page_errors, script
from gan.studio.model_panel import card_html, describe
from gan.studio.registry import Registry
from gan.studio.strings import LANGUAGES, words
from gan.studio.text.generate import (
    MAX_BEST_OF,
    MAX_CRITIC_STRENGTH,
    MAX_PROMPT_LENGTH,
    MAX_TEMPERATURE,
    MAX_TEXTS,
    Streams,
    takes_acrostic,
)

SETTINGS = (
    *("seed", "num_samples", "temperature", "top_k", "top_p", "prefix", "critic_strength"),
    *("acrostic", "best_of", "label"),
)
START = {"seed": 7, "n": 6, "t": 1.0, "k": 0, "p": 1.0, "best": 1}
LIMITS = {"seed": MAX_SEED, "n": MAX_TEXTS, "t": MAX_TEMPERATURE, "k": 200, "p": 1, "lambda": MAX_CRITIC_STRENGTH}
LIMITS |= {"best": MAX_BEST_OF, "prefix": MAX_PROMPT_LENGTH}


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. Nothing of it is loaded before it is shown."""
    streams = Streams()

    @page_errors
    def open_text(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline = registry.text_model(model)
        return {
            "model": model,
            "labels": pipeline.labels or [],
            "critic": pipeline.critic is not None,
            "strength": pipeline.config.critic_strength,
            "acrostic": takes_acrostic(pipeline),
            "card": card_html(describe(model, pipeline), words(request)),
        }

    @page_errors
    def write_text(asked: dict[str, Any]) -> dict[str, Any]:
        settings = {key: value for key, value in asked.items() if key in SETTINGS}
        return streams.begin(registry.text_model(asked["model"]), settings)

    @page_errors
    def more_text(stream: str) -> dict[str, Any]:
        return streams.more(stream)

    gr.HTML(
        html_template='<div class="text workbench"></div>',
        js_on_load=script("text/samples.js", "text/tab.js"),
        apply_default_css=False,
        server_functions=[open_text, write_text, more_text],
        strings=LANGUAGES,
        models=registry.names("text"),
        start=START,
        limits=LIMITS,
        elem_id="text",
    )
