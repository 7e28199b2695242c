"""Style mixing (Karras et al. 2019, §3.1): some layers of one sample, the others of another."""

import math
from collections.abc import Iterable, Sequence

from torch import Tensor

from gan.errors import GANError

PRESETS = ("coarse", "middle", "fine")


def chosen_layers(layers: str | int | Sequence[int], count: int) -> list[int]:
    """Indices of layers out of `count`: a third of them by name, the first (coarsest) ones and those in doubt first.

    Raises:
        GANError: if there is no such preset or layer.
    """
    if isinstance(layers, str):
        if layers not in PRESETS:
            raise GANError(f"There are no {layers!r} layers; choose {', '.join(PRESETS)}, or a list of indices.")
        part = PRESETS.index(layers)
        first, last = math.ceil(count * part / 3), math.ceil(count * (part + 1) / 3)
        return list(range(first, last))
    chosen = list(layers) if isinstance(layers, Iterable) else [layers]
    wrong = [layer for layer in chosen if not isinstance(layer, int) or not 0 <= layer < count]
    if wrong or not chosen:
        raise GANError(f"The layers {chosen!r} cannot be mixed; this model has those from 0 to {count - 1}.")
    return chosen


def presets(count: int) -> list[str]:
    """The presets of which a model of `count` layers has any; none where a single layer leaves nothing to mix."""
    return [name for name in PRESETS if chosen_layers(name, count)] if count > 1 else []


def mix(first: Tensor, second: Tensor, layers: str | int | Sequence[int]) -> Tensor:
    """The codes of the first with some layers of the second, both (n, layers, width).

    Args:
        layers: that come from the second, see `chosen_layers`.

    Raises:
        GANError: if there is no such preset or layer, or the model has too few layers for the preset.
    """
    mixed = first.clone()
    count = first.shape[1]
    chosen = chosen_layers(layers, count)
    if not chosen:
        there = " and ".join(preset for preset in PRESETS if chosen_layers(preset, count))
        raise GANError(f"This model has no {layers} layers: of {count} in all, there are {there} ones.")
    mixed[:, chosen] = second[:, chosen]
    return mixed
