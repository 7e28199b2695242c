"""What the files of an offered model say before it is loaded: cheap enough to ask while a page is being built."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from gan.pipeline import INDEX, PIPELINES, TRAINING, GANPipeline

# Sources are folders or Hub ids; of the Hub, only what has been fetched is known.


def pipeline_class(source: str) -> type[GANPipeline] | None:
    """The class of a model; `None` where it isn't known (yet)."""
    name = _read(source, INDEX).get("_class_name")
    return next((kind for kind in PIPELINES.values() if kind.__name__ == name), None)


def has_index(source: str) -> bool:
    """Whether a model on the Hub is a repository of ours, as far as it has been fetched."""
    return isinstance(try_to_load_from_cache(source, INDEX), str)


def modality(source: str) -> str | None:
    """The modality of a model; `None` where it isn't known (yet)."""
    kind = pipeline_class(source)
    return kind.modality if kind else None


def has_component(source: str, name: str) -> bool:
    """Whether a model has an "encoder", a "discriminator", ..."""
    component = _read(source, INDEX).get(name)
    return isinstance(component, list) and component != [None, None]


def objective(source: str) -> str | None:
    """What a model was trained with, one of its class's `losses`; `None` where its files don't say."""
    kind, arguments = pipeline_class(source), training_record(source).get("arguments")
    if kind is None or not isinstance(arguments, dict):
        return None
    named = arguments.get("objective", next(iter(kind.losses)))
    return named if named in kind.losses else None


def training_record(source: str) -> dict[str, Any]:
    """The contents of `training.json`, or {}."""
    return _read(source, TRAINING)


def _read(source: str, name: str) -> dict[str, Any]:
    """A JSON file of a model, or {}: what is damaged is reported when the model is opened."""
    try:
        path = Path(source) / name if Path(source).is_dir() else try_to_load_from_cache(source, name)
        content = json.loads(Path(path).read_text(encoding="utf-8")) if isinstance(path, str | Path) else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
