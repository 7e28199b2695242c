"""The studio's functions for programs: `gradio_client`, plain HTTP, and MCP where Gradio has been given it.

The endpoints of a modality are the public methods of a `ModalityAPI` (`gan.studio.images.api.ImageAPI`, ...). What
Gradio must know of one is read off its signature and docstring: its name, the parameters with their types and
defaults, and the description that an MCP client sees.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, NewType, get_args, get_origin

import gradio as gr
from PIL import Image

from gan.studio.component import api_errors
from gan.studio.model_panel import describe
from gan.studio.registry import Registry

File = NewType("File", str)  # the path of a file that a client sends or gets
Gallery = list[tuple[Image.Image, str]]  # pictures with captions

NO_EDITS: dict[str, float] = {}  # what an endpoint that takes edits does without them

# The component that reads a parameter of each type. Those of the page itself would check arguments against the choices
# that they happen to show.
INPUTS: dict[Any, Callable] = {
    str: gr.Textbox,
    int: partial(gr.Number, precision=0),
    float: gr.Number,
    float | None: gr.Number,
    File: partial(gr.File, type="filepath"),
    dict[str, float]: gr.JSON,
    list[float]: gr.JSON,
    list[list[float]]: gr.JSON,
}
# The component that writes a result of each type; any other type is JSON.
OUTPUTS: dict[Any, Callable] = {
    Image.Image: partial(gr.Image, format="png", label="image"),
    Gallery: partial(gr.Gallery, format="png", label="images"),
    File: partial(gr.File, label="file"),
    list[File]: partial(gr.File, file_count="multiple", label="files"),
}


class ModalityAPI:
    """The base of a modality's endpoints: every public method of a subclass is one.

    Attributes:
        modality: of the models that they are for.
        concurrency: requests to each that run at the same time.
    """

    modality: ClassVar[str]
    concurrency: ClassVar[int] = 4

    def __init__(self, registry: Registry):
        self.registry = registry

    def _model(self, name: str) -> str:
        """The name of a model, which is the first that is offered where none is given."""
        return name or self.registry.default(self.modality)


class ModelAPI:
    """The endpoints of every studio, whatever its models generate."""

    def __init__(self, registry: Registry):
        self.registry = registry

    def load_model(self, repo_id: str) -> dict[str, Any]:
        """Loads a model from the Hugging Face Hub, or one that is offered, and describes it.

        Args:
            repo_id: such as user/name.

        Returns:
            Name, modality ("kind"), classes, parameters, size in megabytes, training and metrics; of an image model
            also its resolution, of a text model its vocabulary, of an audio model its sampling rate and duration.
        """
        return describe(repo_id, self.registry.get(repo_id))

    def list_models(self) -> list[str]:
        """Lists the models that this studio offers; `load_model` describes each, with its modality as "kind"."""
        return list(self.registry.offered)


def add_endpoints(registry: Registry, modalities: Iterable[type[ModalityAPI]]) -> None:
    """Adds the endpoints to the page that is being built; nothing of them shows."""
    models = ModelAPI(registry)
    gr.api(api_errors(models.load_model), api_name="load_model", concurrency_limit=ModalityAPI.concurrency)
    gr.api(models.list_models, api_name="list_models", queue=False)
    with gr.Row(visible=False):
        for kind in modalities:
            names = [name for name, member in vars(kind).items() if inspect.isfunction(member) and name[0] != "_"]
            for name in names:
                add_endpoint(getattr(kind(registry), name), registry.default(kind.modality), kind.concurrency)


def add_endpoint(function: Callable, model: str, concurrency: int) -> None:
    """Adds a function as the endpoint of its name, with a component of its own for each parameter and result.

    Args:
        model: the default of its parameter `model`.
    """
    signature = inspect.signature(function)
    inputs = []
    for name, parameter in signature.parameters.items():
        default = None if parameter.default is parameter.empty else parameter.default
        inputs.append(INPUTS[parameter.annotation](model if name == "model" else default, label=name))
    result = signature.return_annotation
    outputs = [component(kind) for kind in (get_args(result) if get_origin(result) is tuple else [result])]
    gr.Button(function.__name__).click(
        api_errors(function), inputs, outputs, api_name=function.__name__, concurrency_limit=concurrency
    )


def component(kind: Any) -> Any:
    """The component that writes a result of this type."""
    return OUTPUTS.get(kind, partial(gr.JSON, label="result"))()
