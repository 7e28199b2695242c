"""The tab that sounds: clips from seeds, the way from one to another, and sixteen pads to play on."""

import base64
from typing import Any

import gradio as gr

from gan.pipeline import MAX_SEED
from gan.studio.audio.generate import (
    MAX_CLIPS,
    STEPS,
    Clip,
    archive,
    as_values,
    clip_name,
    kit,
    kit_classes,
    pad_name,
    sound,
    way,
    way_names,
)
from gan.studio.component import page_errors, script
from gan.studio.images.generate import MAX_TRUNCATION
from gan.studio.model_panel import card_html, column_name, describe
from gan.studio.registry import Registry
from gan.studio.strings import LANGUAGES, words

START = {"seed": 7, "n": 8, "psi": 1.0, "a": 7, "b": 40, "bpm": 104}
LIMITS = {"seed": MAX_SEED, "n": MAX_CLIPS, "psi": MAX_TRUNCATION}


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. Nothing of it is loaded before it is shown."""

    def clips_asked(asked: dict[str, Any]) -> tuple[list[str], list[Clip], float]:
        clips, milliseconds = sound(registry, **asked)
        return [clip_name(asked["model"], clip, asked["truncation"]) for clip in clips], clips, milliseconds

    def pads_asked(asked: dict[str, Any]) -> tuple[list[str], list[Clip], float]:
        pads = [(pad["seed"], pad["label"]) for pad in asked["pads"]]
        clips, milliseconds = kit(registry, asked["model"], pads, asked["truncation"], asked["label"])
        return [pad_name(pad["index"], clip) for pad, clip in zip(asked["pads"], clips)], clips, milliseconds

    @page_errors
    def open_sound(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline = registry.audio_model(model)
        return {
            "model": model,
            "seconds": pipeline.duration,
            "sampling_rate": pipeline.sampling_rate,
            "columns": [
                {"name": name, "title": column_name(name, words(request)), "labels": labels}
                for name, labels in (pipeline.labels or {}).items()
            ],
            "pads": kit_classes(pipeline),
            "card": card_html(describe(model, pipeline), words(request)),
        }

    @page_errors
    def make_clips(asked: dict[str, Any]) -> dict[str, Any]:
        names, clips, milliseconds = clips_asked(asked)
        return {"clips": as_values(names, clips), "milliseconds": milliseconds}

    @page_errors
    def make_pads(asked: dict[str, Any]) -> dict[str, Any]:
        names, clips, milliseconds = pads_asked(asked)
        return {"clips": as_values(names, clips), "milliseconds": milliseconds}

    @page_errors
    def interpolate(asked: dict[str, Any]) -> dict[str, Any]:
        clips, milliseconds = way(registry, **asked, steps=STEPS)
        names = way_names(asked["model"], asked["a"], asked["b"], clips, asked["truncation"])
        return {"clips": as_values(names, clips), "milliseconds": milliseconds}

    @page_errors
    def zip_clips(asked: dict[str, Any]) -> dict[str, str]:
        return {"data": base64.b64encode(archive(*clips_asked(asked)[:2])).decode()}

    @page_errors
    def zip_pads(asked: dict[str, Any]) -> dict[str, str]:
        return {"data": base64.b64encode(archive(*pads_asked(asked)[:2])).decode()}

    gr.HTML(
        html_template='<div class="sound workbench"></div>',
        js_on_load=script(
            "audio/playback.js",
            "audio/spectrogram.js",
            "audio/clips.js",
            "audio/interpolate.js",
            "audio/pads.js",
            "audio/sequencer.js",
            "audio/tab.js",
        ),
        apply_default_css=False,
        server_functions=[open_sound, make_clips, interpolate, make_pads, zip_clips, zip_pads],
        strings=LANGUAGES,
        models=registry.names("audio"),
        start=START,
        limits=LIMITS,
        elem_id="sound",
    )
