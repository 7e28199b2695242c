"""The same as the page for programs: `gradio_client`, plain HTTP, and MCP where Gradio has been given it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
from PIL import Image

from gan.errors import GANError
from gan.studio.card import describe
from gan.studio.models import Registry
from gan.studio.pictures import draw


def told(function: Callable) -> Callable:
    """Hands a `GANError` to the client as the message of the error that it gets."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except GANError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return wrapper


def add_endpoints(registry: Registry) -> None:
    """Adds `/generate_images`, `/load_model` and `/list_models` to the page being built; nothing of it shows."""

    @told
    def generate_images(
        model: str, seed: int = 0, num_images: int = 1, truncation: float = 1.0, label: str = ""
    ) -> list[tuple[Image.Image, str]]:
        """Makes pictures with a GAN. The same arguments always give the same pictures, in a few milliseconds.

        Args:
            model: one of those of `list_models`, or the id of a model on the Hugging Face Hub (user/name).
            seed: of the first picture, from 0 to 4294967295; picture k of a batch is that of seed + k.
            num_images: how many pictures, 1 to 64.
            truncation: 1 is the model as trained, smaller (down to 0) is safer and less varied.
            label: a class of the model, by name; empty gives every picture a class of its own.

        Returns:
            PNG files at the model's native size, each with its seed as caption.
        """
        output, _ = draw(registry, model or registry.default, seed, num_images, truncation, label)
        return [(image, str(number)) for image, number in zip(output.images, output.seeds)]

    @told
    def load_model(repo_id: str) -> dict[str, Any]:
        """Loads a model from the Hugging Face Hub, or one that is offered, and says what it is.

        Args:
            repo_id: such as user/name.

        Returns:
            Name, classes, resolution, parameters, size in megabytes, how it was trained and what was measured.
        """
        return describe(repo_id, registry.get(repo_id))

    def list_models() -> list[str]:
        """Names the models that this studio offers; each can be given to `generate_images` and `load_model`."""
        return list(registry.offered)

    # Components of its own: those of the page would check arguments against the choices that they happen to show.
    with gr.Row(visible=False):
        inputs = [
            gr.Textbox(registry.default, label="model"),
            gr.Number(0, label="seed", precision=0),
            gr.Number(1, label="num_images", precision=0),
            gr.Number(1.0, label="truncation"),
            gr.Textbox("", label="label"),
        ]
        pictures = gr.Gallery(label="pictures", format="png")
        gr.Button("generate_images").click(
            generate_images, inputs, pictures, api_name="generate_images", concurrency_limit=4
        )
    gr.api(load_model, api_name="load_model", concurrency_limit=4)
    gr.api(list_models, api_name="list_models", queue=False)
