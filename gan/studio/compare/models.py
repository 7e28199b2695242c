"""Which of the offered models can be compared: those of one data set that were trained with different objectives."""

from collections.abc import Iterator
from itertools import product

from gan.image.pipeline import ImagePipeline
from gan.studio.model_info import objective, training_record
from gan.studio.registry import Registry

OBJECTIVES = tuple(ImagePipeline.losses)  # in the order in which they are compared


def comparisons(registry: Registry) -> dict[str, dict[str, str]]:
    """Data set to objective to model name, for each data set that models of two objectives or more were trained on.

    Where there are several models of one objective, those are taken whose training times are closest to each other,
    so that objectives are compared and not training budgets.
    """
    candidates: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for model in registry.names(ImagePipeline.modality):
        source = registry.offered[model]
        training = training_record(source)
        dataset, seconds, trained_with = training.get("dataset"), training.get("seconds"), objective(source)
        name = dataset.get("name") if isinstance(dataset, dict) else None
        if isinstance(name, str) and trained_with and isinstance(seconds, int | float) and seconds > 0:
            candidates.setdefault(name, {}).setdefault(trained_with, []).append((model, seconds))
    return {name: dict(_closest(by_objective)) for name, by_objective in candidates.items() if len(by_objective) > 1}


def _closest(by_objective: dict[str, list[tuple[str, float]]]) -> Iterator[tuple[str, str]]:
    """(objective, model) of the choice whose longest training is the smallest multiple of its shortest."""
    names = [name for name in OBJECTIVES if name in by_objective]

    def ratio(choice: tuple[tuple[str, float], ...]) -> float:
        times = [seconds for _, seconds in choice]
        return max(times) / min(times)

    chosen = min(product(*(by_objective[name] for name in names)), key=ratio)
    return ((name, model) for name, (model, _) in zip(names, chosen))
