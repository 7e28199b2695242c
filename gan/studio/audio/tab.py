"""The Sound tab: clips from seeds, an interpolation between two, and sixteen pads to play on."""

import base64
from typing import Any

import gradio as gr

from gan.audio.pipeline import AudioPipeline
from gan.inputs import MAX_SEED
from gan.latent.mixing import PRESETS, presets
from gan.studio.audio.api import AudioAPI
from gan.studio.audio.generate import (
    MAX_CLIPS,
    STEPS,
    Clip,
    archive,
    as_values,
    clip_name,
    generate_clips,
    generate_kit,
    interpolate_clips,
    interpolation_names,
    kit_classes,
    pad_name,
)
from gan.studio.audio.steering import Steering
from gan.studio.component import open_errors, page_errors, workbench
from gan.studio.directions import direction_rows, renaming
from gan.studio.images.generate import MAX_CRITIC_STEPS, MAX_TRUNCATION
from gan.studio.model_info import has_component
from gan.studio.model_panel import Row, describe, label_columns, panel_html
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.studio.tabs import Tab

SCRIPTS = ("playback", "spectrogram", "clips", "interpolate", "pads", "sequencer", "tab")
START = {"seed": 7, "n": 8, "psi": 1.0, "a": 7, "b": 40, "bpm": 104, "other_seed": 100}
LIMITS = {"seed": MAX_SEED, "n": MAX_CLIPS, "psi": MAX_TRUNCATION, "critic_steps": MAX_CRITIC_STEPS}


def build(registry: Registry) -> None:
    """Adds the tab's content to the page that is being built. No model is loaded before the tab is shown."""

    def named_clips(settings: dict[str, Any]) -> tuple[list[str], list[Clip], float]:
        seeds = {key: settings[key] for key in ("model", "seed", "num_samples", "truncation", "label")}
        clips, milliseconds = generate_clips(registry, **seeds, steering=Steering.of(settings))
        return [clip_name(settings["model"], clip, settings["truncation"]) for clip in clips], clips, milliseconds

    def named_pads(settings: dict[str, Any]) -> tuple[list[str], list[Clip], float]:
        pads = [(pad["seed"], pad["label"]) for pad in settings["pads"]]
        clips, milliseconds = generate_kit(
            registry, settings["model"], pads, settings["truncation"], settings["label"], Steering.of(settings)
        )
        return [pad_name(pad["index"], clip) for pad, clip in zip(settings["pads"], clips)], clips, milliseconds

    @open_errors
    def open_sound(model: str, request: gr.Request) -> dict[str, Any]:
        pipeline, language = registry.get(model, AudioPipeline), words(request)
        facts = describe(model, pipeline)
        directions, _ = run_queued(lambda: direction_rows(pipeline, language))
        layers, _ = pipeline.code_shape
        return {
            "seconds": pipeline.duration,
            "sampling_rate": pipeline.sampling_rate,
            "columns": label_columns(pipeline, language),
            "pads": kit_classes(pipeline),
            "critic": has_component(registry.source(model), "discriminator"),
            "directions": directions,
            "layers": presets(layers),
            "panel": panel_html(facts, panel_rows(facts, language), language),
        }

    @page_errors
    def make_clips(settings: dict[str, Any]) -> dict[str, Any]:
        names, clips, milliseconds = named_clips(settings)
        return {"clips": as_values(names, clips), "milliseconds": milliseconds}

    @page_errors
    def make_pads(settings: dict[str, Any]) -> dict[str, Any]:
        names, clips, milliseconds = named_pads(settings)
        return {"clips": as_values(names, clips), "milliseconds": milliseconds}

    @page_errors
    def interpolate(settings: dict[str, Any]) -> dict[str, Any]:
        ends = {key: settings[key] for key in ("model", "a", "b", "truncation", "label")}
        clips, milliseconds = interpolate_clips(registry, **ends, steps=STEPS, steering=Steering.of(settings))
        names = interpolation_names(settings["model"], settings["a"], settings["b"], clips, settings["truncation"])
        return {"clips": as_values(names, clips), "milliseconds": milliseconds}

    @page_errors
    def zip_clips(settings: dict[str, Any]) -> dict[str, str]:
        names, clips, _ = named_clips(settings)
        return {"data": base64.b64encode(archive(names, clips)).decode()}

    @page_errors
    def zip_pads(settings: dict[str, Any]) -> dict[str, str]:
        names, clips, _ = named_pads(settings)
        return {"data": base64.b64encode(archive(names, clips)).decode()}

    workbench(
        "sound",
        ["pad.js", "directions.js", *(f"audio/{name}.js" for name in SCRIPTS)],
        [open_sound, make_clips, interpolate, make_pads, zip_clips, zip_pads, renaming(registry)],
        models=registry.names(AudioPipeline.modality),
        start=START,
        limits=LIMITS,
        layers=PRESETS,
    )


def panel_rows(facts: dict[str, Any], words: dict[str, str]) -> list[Row]:
    """What the panel says of an audio model alone."""
    clip = words["clip_format_value"].format(
        seconds=f"{facts['duration']:.3g}", kilohertz=f"{facts['sampling_rate'] / 1000:g}"
    )
    return [(words["clip_format"], clip)]


TAB = Tab("sound", AudioPipeline, build, panel_rows, AudioAPI)
