"""A trained model at twice its resolution, or several times: a stage more for each network, without effect at first.

What is drawn begins as the enlarged picture of the smaller model, and what is judged or encoded as the halved one, so
that training goes on from what was learnt (Karras et al. 2018, "Progressive growing of GANs"; here nothing is faded
in: the new layers start at zero).
"""

import math
from typing import Any

from accelerate import PartialState
from torch import nn

from gan.errors import GANError
from gan.image.networks import size_preset
from gan.image.pipeline import ImagePipeline
from gan.networks import SIZES


def grown(pipeline: ImagePipeline, resolution: tuple[int, int], source: str) -> ImagePipeline:
    """A pipeline whose networks are for pictures of another resolution; the same where that is its own.

    Args:
        pipeline: of an `ImageGenerator`.
        resolution: (height, width); its own, or twice, four times, ... as much.
        source: name of the model, for errors.

    Raises:
        GANError: for a resolution that it cannot be grown to.
    """
    times = _doublings(pipeline.resolution, resolution, source)
    if not times:
        return pipeline
    widths = _widths(pipeline.generator.config, resolution, times)
    networks = {
        name: _with_stages(network, resolution, widths)
        for name, network in pipeline.components.items()
        if network is not None
    }
    old, new = ("x".join(map(str, sides)) for sides in (pipeline.resolution, resolution))
    PartialState().print(f"The model is grown from {old} to {new}; it begins as it was, enlarged.", flush=True)
    larger = ImagePipeline(labels=pipeline.labels, guidance=pipeline.config.get("guidance"), **networks)
    larger.training_record = pipeline.training_record
    return larger


def _doublings(old: tuple[int, int], new: tuple[int, int], source: str) -> int:
    """How often the sides are doubled.

    Raises:
        GANError: if they are not.
    """
    times = round(math.log2(max(new[0] / old[0], 1)))
    if new == (old[0] << times, old[1] << times):
        return times
    height, width = old
    what = "made smaller" if new[0] < height or new[1] < width else f"grown to {new[0]}x{new[1]}"
    raise GANError(
        f"{source} draws pictures of {height}x{width}, and cannot be {what}: sides can only be doubled, to "
        f"{2 * height}x{2 * width} or {4 * height}x{4 * width}; give one of them, leave --resolution out, or train "
        f"from scratch."
    )


def _widths(config: Any, resolution: tuple[int, int], times: int) -> list[int]:
    """Channels of the new stages, as a model from scratch of the same size would have them."""
    patch, channels, own = config.patch_size, tuple(config.channels), tuple(config.resolution)
    presets = {size_preset(own, size, patch)["channels"]: size for size in SIZES}
    wanted = size_preset(resolution, presets.get(channels, "small"), patch)["channels"]
    return [min(width, channels[-1]) for width in wanted[-times:]]


def _with_stages(network: nn.Module, resolution: tuple[int, int], widths: list[int]) -> nn.Module:
    config: Any = network.config
    channels, count = (*config.channels, *widths), config.grown + len(widths)
    larger = type(network).from_config(config, resolution=resolution, channels=channels, grown=count)  # type: ignore
    larger.load_state_dict(larger.state_dict() | network.state_dict())
    return larger
