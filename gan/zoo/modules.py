"""Pickled PyTorch modules, as records: their attributes, sub-modules and tensors."""

from collections.abc import Iterator
from typing import Any

from gan.zoo.unpickle import DamagedError, Record, StoredTensor

PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"  # NVIDIA's way to pickle a class with its source
MAX_PARTS, MAX_DEPTH = 50_000, 32  # modules and their tensors; modules within modules


def attributes(record: Any) -> dict[str, Any]:
    """The attributes of a pickled object; {} of anything else."""
    if not isinstance(record, Record):
        return {}
    state = record.state
    if record.name == PERSISTENT and record.args and isinstance(record.args[0], dict):
        state = record.args[0].get("state")
    return state if isinstance(state, dict) else {}


def class_name(record: Any) -> str:
    """The name of a pickled object's class, with its module but for NVIDIA's; "" of anything else."""
    if not isinstance(record, Record):
        return ""
    if record.name == PERSISTENT and record.args and isinstance(record.args[0], dict):
        return text(record.args[0].get("class_name"))
    return record.name


def players(content: Any) -> tuple[Any, Any]:
    """The generator of a pickle, the averaged one where there are two, and the discriminator; `None` for what there is
    not. A pickle may also be a generator and nothing else."""
    if isinstance(content, Record):
        return content, None
    if not isinstance(content, dict):
        return None, None
    generator = next((content[key] for key in ("G_ema", "G") if isinstance(content.get(key), Record)), None)
    return generator, content.get("D")


def child(record: Any, path: str) -> Any:
    """A sub-module, `synthesis.b4` say; `None` if there is none."""
    for name in path.split("."):
        modules = attributes(record).get("_modules")
        record = modules.get(name) if isinstance(modules, dict) else None
    return record


def tensors(record: Any) -> dict[str, StoredTensor]:
    """Parameters and buffers by their names in a state dict.

    Raises:
        DamagedError: for far more, or more deeply nested modules than a network has.
    """
    return dict(_tensors(record, "", 0, [MAX_PARTS]))


def _tensors(record: Any, prefix: str, depth: int, left: list[int]) -> Iterator[tuple[str, StoredTensor]]:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise DamagedError("describes far more modules than a network has")
    state = attributes(record)
    for kind in ("_parameters", "_buffers"):
        for name, tensor in (state.get(kind) or {}).items():
            left[0] -= 1  # many modules may share one dict
            if isinstance(tensor, StoredTensor) and left[0] >= 0:
                yield f"{prefix}{name}", tensor
    for name, module in (state.get("_modules") or {}).items():
        if module is not None:
            yield from _tensors(module, f"{prefix}{name}.", depth + 1, left)


def text(value: Any) -> str:
    """A setting that is a text, or "": to write out a tuple of tuples of tuples may take for ever."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A setting that is a number, or `None`."""
    return float(value) if isinstance(value, int | float) else None
