"""The tab of pictures: what it shows and what its controls do."""

import base64
import traceback
from typing import Any

import gradio as gr

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline
from gan.pipeline import MAX_SEED
from gan.studio.component import gallery_errors, script
from gan.studio.images.api import ImageAPI
from gan.studio.images.generate import (
    MAX_IMAGES,
    MAX_TRUNCATION,
    START,
    archive,
    class_name,
    gallery_value,
    state_from_address,
)
from gan.studio.model_panel import Row, describe, panel_html, speed_html
from gan.studio.registry import Registry
from gan.studio.strings import LANGUAGES, i18n, words
from gan.studio.tabs import Tab

SCRIPT = script("images/tab.js")


def build(page: gr.Blocks, registry: Registry, model: gr.Dropdown) -> None:
    """Adds the pictures and their controls to the page that is being built; `model` is the picker that they follow."""

    def zip_file(state: dict[str, Any]) -> str:
        return base64.b64encode(archive(registry, state)).decode()

    with gr.Row(elem_id="studio"):
        with gr.Column(elem_id="stage", min_width=300):
            gallery = gr.HTML(
                html_template='<div class="gallery"></div>',
                js_on_load=SCRIPT,
                apply_default_css=False,
                server_functions=[zip_file],
                strings=LANGUAGES,
                elem_id="gallery",
            )
        with gr.Column(elem_id="controls", min_width=300):
            with gr.Row(elem_id="seed-row"):
                seed = gr.Number(
                    START["seed"],
                    label=i18n("seed"),
                    precision=0,
                    minimum=0,
                    maximum=MAX_SEED,
                    elem_id="seed",
                    min_width=120,
                )
                dice = gr.Button(i18n("dice"), elem_id="dice", scale=0, min_width=96)
            truncation = gr.Slider(
                0,
                MAX_TRUNCATION,
                START["truncation"],
                step=0.01,
                label=i18n("truncation"),
                info=i18n("truncation_info"),
                elem_id="truncation",
                buttons=[],
            )
            label = gr.Dropdown(
                [("", "")],
                value="",
                label=i18n("label"),
                filterable=False,
                visible=False,
                elem_id="label",
            )
            num_images = gr.Slider(
                1,
                MAX_IMAGES,
                START["num_images"],
                step=1,
                label=i18n("num_images"),
                elem_id="num-images",
                buttons=[],
            )
            with gr.Column(elem_id="card"):
                card = gr.HTML(apply_default_css=False)
                speed = gr.HTML(apply_default_css=False)
            with gr.Row(elem_id="hub-row"):
                hub_id = gr.Textbox(
                    label=i18n("hub"), placeholder=i18n("hub_placeholder"), max_lines=1, elem_id="hub", min_width=120
                )
                load = gr.Button(i18n("load"), elem_id="load", scale=0, min_width=80)

    def pictures(model, seed, num_images, truncation, label, request):
        if None in (seed, num_images, truncation):  # a field that is being typed in
            return gr.skip(), gr.skip()
        value, milliseconds = gallery_value(registry, model, seed, num_images, truncation, label or "")
        return value, speed_html(num_images, milliseconds, words(request))

    def everything(model, seed, num_images, truncation, label, request):
        pipeline, language = registry.get(model, ImagePipeline), words(request)
        facts = describe(model, pipeline)
        names = pipeline.labels or []
        label = label if label in names else ""
        return (
            gr.update(
                choices=[(language["any_label"], ""), *names],
                value=label,
                visible=bool(names),
                label=language["label"],  # what was hidden when the page was built misses Gradio's translation
            ),
            panel_html(facts, panel_rows(facts, language), language),
            *pictures(model, seed, num_images, truncation, label, request),
        )

    @gallery_errors(0, 2)
    def render(model, seed, num_images, truncation, label, request: gr.Request):
        return pictures(model, seed, num_images, truncation, label, request)

    @gallery_errors(2, 4)
    def switch(model, seed, num_images, truncation, label, request: gr.Request):
        return everything(model, seed, num_images, truncation, label, request)

    @gallery_errors(6, 8)
    def go(model, seed, num_images, truncation, label, event: gr.EventData, request: gr.Request):
        state = {"model": model, "seed": seed, "num_images": num_images, "truncation": truncation, "label": label}
        state |= event._data
        shown = everything(**state, request=request)
        return *list(state.values())[:4], *shown

    @gallery_errors(6, 8)
    def restore(request: gr.Request):
        message = None
        try:
            # What another tab's address says is of no concern to the pictures behind it, but for the model of a morph.
            asked, tab = request.query_params, request.query_params.get("tab")
            if tab in ("morph", "compare", "text", "sound"):
                asked = {"model": asked["model"]} if tab == "morph" and "model" in asked else {}
            state = state_from_address(asked, registry.default("image"))
            if state["label"]:
                state["label"] = class_name(registry, state["model"], state["label"])
            shown = everything(**state, request=request)
        except GANError as error:
            # The address asks for the impossible: open on what there is, and say so.
            message, state = str(error), {"model": registry.default("image"), **START}
            shown = everything(**state, request=request)
        label, card, gallery, speed = shown
        choices = list(dict.fromkeys([*registry.names("image"), state["model"]]))
        return (
            gr.update(choices=choices, value=state["model"]),
            *list(state.values())[1:4],
            *(label, card, gallery | {"error": message}, speed),
        )

    def open_from_hub(repo_id, _, seed, num_images, truncation, label, request: gr.Request):
        language, repo_id = words(request), (repo_id or "").strip()
        # Said on the button itself: a download may take a while, and the pictures stay where they are.
        yield gr.skip(), gr.skip(), gr.update(value=language["loading"], interactive=False), *[gr.skip()] * 4
        ready = gr.update(value=language["load"], interactive=True)
        try:
            shown = everything(repo_id, seed, num_images, truncation, label, request)
            choices = list(dict.fromkeys([*registry.names("image"), repo_id]))
            yield gr.update(choices=choices, value=repo_id), "", ready, *shown
        except Exception as error:  # whatever it is, the button must come back
            message = str(error)
            if not isinstance(error, GANError):
                traceback.print_exc()
                message = f"{repo_id} cannot be opened: {type(error).__name__}."
            yield gr.skip(), gr.skip(), ready, gr.skip(), gr.skip(), {"error": message}, gr.skip()

    controls = [model, seed, num_images, truncation, label]
    shown = [label, card, gallery, speed]
    # Not queued: a plain request is the shortest way from a slider to its pictures, and `draw` serves them in turn.
    # Not preprocessed: the choices of a dropdown change with the model, and it is the model that judges them.
    live = {"show_progress": "hidden", "api_visibility": "private", "queue": False, "preprocess": False}
    latest = {**live, "trigger_mode": "always_last"}
    moved = [seed.input, num_images.input, truncation.input, label.input]
    page.load(restore, None, [*controls[:4], *shown], **live)
    gr.on(moved, render, controls, [gallery, speed], **latest)
    model.input(switch, controls, shown, **latest)
    gallery.go(go, controls, [*controls[:4], *shown], **latest)
    dice.click(None, None, seed, js="() => Math.floor(Math.random() * 1e6)", api_visibility="private").then(
        render, controls, [gallery, speed], **latest
    )
    # Queued, because only then can it report twice: on its way, and there.
    gr.on(
        [load.click, hub_id.submit],
        open_from_hub,
        [hub_id, *controls],
        [model, hub_id, load, *shown],
        **{**live, "queue": True},
        concurrency_limit=4,
    )


def panel_rows(facts: dict[str, Any], words: dict[str, str]) -> list[Row]:
    """What the panel says of an image model alone."""
    colour = words["grey"] if facts["channels"] == 1 else words["colour"]
    return [(words["resolution"], f"{facts['width']} × {facts['height']}, {colour}")]


TAB = Tab("pictures", ImagePipeline, build, panel_rows, ImageAPI)  # type: ignore[arg-type]
