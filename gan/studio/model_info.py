"""What the files of an offered model say before it is loaded: cheap enough to ask while a page is being built."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache

from gan.pipeline import INDEX, TRAINING

OBJECTIVES = ("gan", "vae", "vaegan")  # in the order in which they are compared
KINDS = {
    "ImagePipeline": "image",
    "TextPipeline": "text",
    "AudioPipeline": "audio",
}  # what a model makes, by the class that its index names


def kind(source: str) -> str | None:
    """What the model of a folder or Hub id makes, one of `KINDS`; `None` where that isn't known (yet)."""
    return KINDS.get(str(_read(source, INDEX).get("_class_name")))


def has_encoder(source: str) -> bool:
    """Whether the model of a folder or Hub id can take pictures. Of the Hub, only what has been fetched is known."""
    encoder = _read(source, INDEX).get("encoder")
    return isinstance(encoder, list) and encoder != [None, None]


def objective(source: str) -> str | None:
    """What a model was trained as, one of `OBJECTIVES`; `None` where its files don't say."""
    arguments = _read(source, TRAINING).get("arguments")
    named = arguments.get("objective", "gan") if isinstance(arguments, dict) else None
    return named if named in OBJECTIVES else None


def comparisons(offered: dict[str, str]) -> dict[str, dict[str, str]]:
    """Data set to objective to model name, for each data set that models of two objectives or more were trained on.

    Where there are several models of one objective, those are taken whose training times are closest to each other:
    what is compared then is the objectives, and not the patience of whoever trained them.
    """
    candidates: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for model, source in offered.items():
        training = _read(source, TRAINING)
        dataset, seconds, trained_as = training.get("dataset"), training.get("seconds"), objective(source)
        name = dataset.get("name") if isinstance(dataset, dict) else None
        if isinstance(name, str) and trained_as and isinstance(seconds, int | float) and seconds > 0:
            candidates.setdefault(name, {}).setdefault(trained_as, []).append((model, seconds))
    return {name: dict(_closest(by_objective)) for name, by_objective in candidates.items() if len(by_objective) > 1}


def _closest(by_objective: dict[str, list[tuple[str, float]]]) -> Iterator[tuple[str, str]]:
    """(objective, model) of the choice whose longest training is the smallest multiple of its shortest."""
    names = [name for name in OBJECTIVES if name in by_objective]

    def spread(choice: tuple[tuple[str, float], ...]) -> float:
        times = [seconds for _, seconds in choice]
        return max(times) / min(times)

    chosen = min(product(*(by_objective[name] for name in names)), key=spread)
    return ((name, model) for name, (model, _) in zip(names, chosen))


def _read(source: str, name: str) -> dict[str, Any]:
    """A JSON file of a model, or {}: what is damaged is said when the model is opened."""
    try:
        path = Path(source) / name if Path(source).is_dir() else try_to_load_from_cache(source, name)
        content = json.loads(Path(path).read_text(encoding="utf-8")) if isinstance(path, str | Path) else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
