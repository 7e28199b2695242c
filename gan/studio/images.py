"""The tab of pictures: what it shows and what its controls do."""

import base64
from collections.abc import Callable
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from gan.errors import GANError
from gan.pipeline import MAX_SEED
from gan.studio.card import card_html, describe, speed_html
from gan.studio.models import Registry
from gan.studio.pictures import MOST, START, archive, gallery_value, state_from_address
from gan.studio.strings import LANGUAGES, i18n, words

SCRIPT = Path(__file__).with_name("gallery.js").read_text(encoding="utf-8")


class Choice(gr.Dropdown):
    """A dropdown whose choices change with the model: what it holds is judged by the model, not by the first choices."""

    is_template = True  # drawn as the gr.Dropdown that it is

    def preprocess(self, payload: str | None) -> str:
        return payload or ""


def shown_errors(function: Callable) -> Callable:
    """Turns a `GANError` into a message on the page, or into the error that a client of an endpoint gets."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except GANError as error:
            # A toast is HTML, and the sentence may quote what somebody typed.
            message = escape(str(error), quote=False)
            raise gr.Error(message, title=str(i18n("error")), print_exception=False) from error

    return wrapper


def build(page: gr.Blocks, registry: Registry) -> None:
    """Adds the pictures and their controls to the page that is being built."""

    def zip_file(state: dict[str, Any]) -> str:
        return base64.b64encode(archive(registry, state)).decode()

    with gr.Row(elem_id="head"):
        gr.HTML(
            i18n("tagline"),
            html_template='<div class="brand"><i></i><b>gan studio</b><span>${value}</span></div>',
            elem_id="brand",
            apply_default_css=False,
        )
        model = Choice(
            list(registry.offered),
            value=registry.default,
            label=i18n("model"),
            show_label=False,
            container=False,
            filterable=False,  # a phone shows the choices then, and not its keyboard
            elem_id="model",
            scale=0,
            min_width=180,
        )
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
                dice = gr.Button(i18n("dice"), elem_id="dice", scale=0, min_width=120)
            truncation = gr.Slider(
                0,
                1.2,
                START["truncation"],
                step=0.01,
                label=i18n("truncation"),
                info=i18n("truncation_info"),
                elem_id="truncation",
                buttons=[],
            )
            label = Choice(
                [("", "")],
                value="",
                label=i18n("label"),
                filterable=False,
                visible=False,
                elem_id="label",
            )
            num_images = gr.Slider(
                1,
                MOST,
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

    def render(model, seed, num_images, truncation, label, request: gr.Request):
        if seed is None:  # the field is being typed in
            return gr.skip(), gr.skip()
        value, milliseconds = gallery_value(registry, model, seed, num_images, truncation, label)
        return value, speed_html(num_images, milliseconds, words(request))

    def switch(model, seed, num_images, truncation, label, request: gr.Request):
        pipeline, language = registry.get(model), words(request)
        names = pipeline.labels or []
        label = label if label in names else ""
        return (
            gr.update(choices=[(language["any_label"], ""), *names], value=label, visible=bool(names)),
            card_html(describe(model, pipeline), language),
            *render(model, seed, num_images, truncation, label, request),
        )

    @shown_errors
    def restore(request: gr.Request):
        try:
            state = state_from_address(request.query_params, registry.default)
            shown = switch(*state.values(), request)
        except GANError as error:
            # The address asks for the impossible: open on what there is, and say so.
            state = {"model": registry.default, **START}
            shown = switch(*state.values(), request)
            gr.Warning(escape(str(error), quote=False), title=str(i18n("error")))
        return (
            gr.update(choices=list(dict.fromkeys([*registry.offered, state["model"]])), value=state["model"]),
            state["seed"],
            state["num_images"],
            state["truncation"],
            *shown,
        )

    def go(event: gr.EventData):
        return [event._data.get(key, gr.skip()) for key in ("model", *START)]

    @shown_errors
    def open_from_hub(repo_id, request: gr.Request):
        repo_id = repo_id.strip()
        registry.get(repo_id)
        gr.Info(words(request)["loaded"].format(model=repo_id), title="")
        return gr.update(choices=list(dict.fromkeys([*registry.offered, repo_id])), value=repo_id), ""

    controls = [model, seed, num_images, truncation, label]
    # Not queued: a plain request is the shortest way from a slider to its pictures, and `draw` serves them in turn.
    live = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    latest = {**live, "trigger_mode": "always_last"}
    moved = [seed.change, num_images.change, truncation.change, label.change]
    # Queued, because only then can it warn.
    page.load(
        restore,
        None,
        [model, seed, num_images, truncation, label, card, gallery, speed],
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=4,
    )
    gr.on(moved, shown_errors(render), controls, [gallery, speed], **latest)
    model.change(shown_errors(switch), controls, [label, card, gallery, speed], **latest)
    gallery.go(go, None, controls, **live)
    dice.click(None, None, seed, js="() => Math.floor(Math.random() * 1e6)", api_visibility="private")
    gr.on(
        [load.click, hub_id.submit],
        open_from_hub,
        hub_id,
        [model, hub_id],
        show_progress="minimal",
        show_progress_on=hub_id,
        api_visibility="private",
        concurrency_limit=4,
    )
