"""GAN, VAE and VAE-GAN on the same seeds, and what was measured of each."""

from typing import Any

from gan.labels import Label
from gan.studio.images.generate import generate_images, png_base64
from gan.studio.model_panel import describe, duration, is_number, metric_name, size, text
from gan.studio.registry import Registry

COUNT = 12  # pictures of each model

# What is compared of `metrics.json`: how the names of metrics begin, and whether a higher value is better.
METRICS = (
    ("Fréchet distance", False),
    ("FID", False),
    ("Precision", True),
    ("Recall", True),
    ("Coverage", True),
    ("Class agreement", True),
    ("Reconstruction error", False),
)


def compared_pictures(
    registry: Registry, models: list[str], seed: int, truncation: float, label: Label
) -> list[dict[str, Any]]:
    """For each model its pictures of the same seeds: `COUNT` PNGs in base64, their classes, milliseconds a picture.

    Raises:
        GANError: if one of the arguments can't be used.
    """
    columns = []
    for model in models:
        output, milliseconds = generate_images(registry, model, seed, COUNT, truncation, label)
        columns.append(
            {
                "pictures": [png_base64(image) for image in output.images],
                "seeds": output.seeds,
                "labels": output.labels or [""] * COUNT,
                "milliseconds": round(milliseconds / COUNT, 1),
            }
        )
    return columns


def compared_facts(registry: Registry, models: list[str], words: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of a table, each with a name, a note, a cell a model, and the index of the best cell or `None`.

    Raises:
        GANError: if a model can't be loaded.
    """
    facts = [describe(model, registry.get(model)) for model in models]
    rows = [
        _metric_row(facts, name, higher_is_better, words)
        for prefix, higher_is_better in METRICS
        for name in _names(facts, prefix)[:1]  # of several feature spaces the first
    ]
    seconds = [fact["training"].get("seconds") for fact in facts]
    times = [duration(value, words) if is_number(value) else "–" for value in seconds]
    for name, cells in (("parameters", [size(fact, words) for fact in facts]), ("trained", times)):
        rows.append({"name": words[name], "note": "", "cells": cells, "best": None})
    return rows


def _names(facts: list[dict[str, Any]], prefix: str) -> list[str]:
    """The metrics of any of the models whose names begin so."""
    names = [metric.get("name") for fact in facts for metric in fact["metrics"]]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name.startswith(prefix)))


def _metric_row(
    facts: list[dict[str, Any]], name: str, higher_is_better: bool, words: dict[str, str]
) -> dict[str, Any]:
    metrics: list[dict[str, Any]] = [
        next((metric for metric in fact["metrics"] if metric.get("name") == name), {}) for fact in facts
    ]
    values = [metric.get("value") if is_number(metric.get("value")) else None for metric in metrics]
    known = [value for value in values if value is not None]
    best = (max if higher_is_better else min)(known) if len(known) > 1 else None
    reference = next((metric["reference"] for metric in metrics if is_number(metric.get("reference"))), None)
    note = [words["more_is_better" if higher_is_better else "less_is_better"]]
    if reference:  # 0 is what real pictures score by definition
        note.append(words["real_pictures"].format(value=text(reference)))
    return {
        "name": metric_name(name, words),
        "note": ", ".join(note),
        "cells": ["–" if value is None else text(value) for value in values],
        "best": values.index(best) if best is not None else None,
    }
