"""The files of a model repository, looked at before anything is made of them. Anybody may have written them."""

import inspect
import json
import math
import re
import types
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.overrides import TorchFunctionMode

from gan.errors import GANError

FORMAT_VERSION = 1
INDEX, TRAINING, METRICS = "model_index.json", "training.json", "metrics.json"
PICTURES = {"neighbours": "neighbours.png", "sweep": "sweep.png"}  # of an evaluation, by attribute
COMPONENTS = ("generator", "discriminator", "encoder")
WEIGHTS = "diffusion_pytorch_model.safetensors"

SECTIONS: dict[str, dict[str, type]] = {
    TRAINING: {"imported": dict, "dataset": dict, "arguments": dict, "machine": dict},
    METRICS: {"metrics": list},
}
BOOKKEEPING = {"_class_name", "_diffusers_version", "_name_or_path"}  # of diffusers, in every config
Signed = Annotated[int, "may be negative"]  # which other numbers of a config are not
DTYPES = {"F64", "F32", "F16", "BF16"}
MAX_NUMBER = 2**24  # in a config
CALLS_PER_TENSOR = 100  # that building a network takes of PyTorch; ours take ten


def read_index(folder: Path, source: str) -> dict[str, Any]:
    """The contents of `model_index.json`; `source` is the repository's name in errors.

    Raises:
        GANError: if there is none, it is damaged, or of a newer format.
    """
    if not (folder / INDEX).is_file():
        raise GANError(f"{source} is not a model repository of ours: it has no {INDEX}.")
    index = read_json(folder / INDEX, source)
    version = index.get("format_version", 1)
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise GANError(
            f"{source} has format version {version}, and this installation reads up to {FORMAT_VERSION}; update it."
        )
    if not _is_text(index.get("labels") or []):
        raise GANError(f"{INDEX} of {source} is damaged: its labels are not all text; save the model again.")
    return index


def _is_text(labels: Any) -> bool:
    """Whether these are names, or lists of them."""
    return isinstance(labels, str) or (isinstance(labels, list) and all(map(_is_text, labels)))


def read_json(path: Path, source: str) -> dict[str, Any]:
    """The contents of a JSON file, {} if there is none.

    Raises:
        GANError: if it is damaged.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise GANError(
            f"{path.name} of {source} is damaged ({first_sentence(error)}); download or save the model again."
        ) from error
    if not isinstance(content, dict):
        raise GANError(
            f"{path.name} of {source} is damaged: it holds no JSON object; download or save the model again."
        )
    for name, kind in SECTIONS.get(path.name, {}).items():
        if not isinstance(content.get(name, kind()), kind):
            raise GANError(f"{path.name} of {source} is damaged: its {name!r} is not what training writes there.")
    return content


def check_component(folder: Path, recorded: Any, wanted: Any, source: str) -> None:
    """Checks that a network's config fits the weights beside it, tensor by tensor, without allocating anything: a
    config can ask for terabytes.

    Args:
        folder: of `config.json` and the weights.
        recorded: what the index says of it: ["gan", class].
        wanted: the class, or union of classes, that the pipeline takes for it.
        source: the repository's name in errors.

    Raises:
        GANError: if it is not one of ours, or a file is missing, damaged or does not fit the other.
    """
    kind = _network_class(recorded, wanted)
    if kind is None:
        raise GANError(f"{source} cannot be loaded: its {folder.name} ({recorded}) is not one of ours.")
    for name in ("config.json", WEIGHTS):
        if not (folder / name).is_file():
            raise GANError(
                f"{source} is incomplete: {folder.name}/{name} is missing; download or save the model again."
            )
    config = read_json(folder / "config.json", source)
    _check_config(kind, config, f"{folder.name}/config.json of {source}")
    stored = _stored_shapes(folder, source)
    try:
        described = _described_shapes(kind, config, len(stored))
    except GANError as error:
        raise GANError(f"{source} cannot be loaded: {error}") from error
    except Exception as error:  # whatever a shape that cannot be makes PyTorch raise
        raise GANError(f"{folder.name}/config.json of {source} cannot be built: {first_sentence(error)}.") from error
    difference = min(described.items() ^ stored.items(), default=None)
    if difference is not None:
        name = difference[0]
        how = (
            f"{name} is {list(described[name])} by one and {list(stored[name])} by the other"
            if name in described and name in stored
            else f"{name} is only in one of them"
        )
        raise GANError(
            f"{source} cannot be loaded, {folder.name}/config.json and {folder.name}/{WEIGHTS} do not fit: {how}."
        )


def stored_as_half(folder: Path) -> bool:
    """Whether all weights of a network that `check_component` let through are float16."""
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        return all(file.get_slice(name).get_dtype() == "F16" for name in file.keys())  # noqa: SIM118


def _network_class(recorded: Any, wanted: Any) -> type[nn.Module] | None:
    """The network that an index names, if it is one of those that the pipeline takes."""
    if not (isinstance(recorded, list) and len(recorded) == 2 and recorded[0] == "gan"):
        return None
    kinds = {kind.__name__: kind for kind in get_args(wanted) or (wanted,)}
    return kinds.get(recorded[1]) if isinstance(recorded[1], str) else None


def _check_config(kind: type[nn.Module], config: dict[str, Any], where: str) -> None:
    """Raises `GANError` unless every entry is an argument of the network, of its type, and not enormous."""
    known = inspect.signature(kind.__init__).parameters
    for name, value in config.items():
        if name in BOOKKEEPING:
            continue
        if name not in known or name == "self":
            raise GANError(f"{where} has {name!r}, which a {kind.__name__} does not know; update this installation.")
        if not _is_of(value, known[name].annotation):
            raise GANError(f"{where} cannot be used: its {name} is {str(value)[:80]!r}.")


def _is_of(value: Any, annotation: Any) -> bool:
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation == Signed:
        return type(value) is int and abs(value) <= MAX_NUMBER
    if origin in (Union, types.UnionType):
        return any(_is_of(value, part) for part in parts)
    if origin is tuple:
        parts = parts[:1] * len(value) if parts[1:] == (...,) and isinstance(value, list) else parts
        return isinstance(value, list) and len(value) == len(parts) and all(map(_is_of, value, parts))
    if annotation in (int, float):
        number = isinstance(value, int | annotation) and not isinstance(value, bool)
        return number and math.isfinite(value) and 0 <= value <= MAX_NUMBER
    return isinstance(value, annotation)


def _stored_shapes(folder: Path, source: str) -> dict[str, tuple[int, ...]]:
    """Tensor names and shapes of the weights, from the head of the file."""
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            not_real = [name for name, stored in slices.items() if stored.get_dtype() not in DTYPES]
            shapes = {name: tuple(stored.get_shape()) for name, stored in slices.items()}
    except (SafetensorError, OSError) as error:
        raise GANError(
            f"{folder.name}/{WEIGHTS} of {source} is damaged ({first_sentence(error)}); download or save the model "
            f"again."
        ) from error
    if not_real:
        raise GANError(
            f"{folder.name}/{WEIGHTS} of {source} cannot be used: {not_real[0]} does not hold real numbers."
        )
    return shapes


class _ShapesOnly(TorchFunctionMode):
    """Builds without drawing initial weights, and gives up on a network of many more tensors than there are."""

    def __init__(self, tensors: int):
        super().__init__()
        self.calls_left = CALLS_PER_TENSOR * (tensors + 10)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls_left -= 1
        if self.calls_left < 0:
            raise GANError("its config describes a far larger network than its weights are.")
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _described_shapes(kind: type[nn.Module], config: dict[str, Any], tensors: int) -> dict[str, tuple[int, ...]]:
    """Tensor names and shapes of the network of a config, which is built on the meta device: nothing is allocated."""
    arguments = {name: value for name, value in config.items() if name not in BOOKKEEPING}
    grad = torch.is_grad_enabled()  # or giving up within a `no_grad` would leave gradients off
    with torch.set_grad_enabled(grad), torch.device("meta"), _ShapesOnly(tensors):
        network = kind(**arguments)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def first_sentence(error: Exception) -> str:
    """What an error says, without what follows and without a full stop."""
    sentence = re.split(r"\.?\n|\.\s|\.$", str(error).strip())[0]
    return " ".join(sentence.split())
