"""What a call of a pipeline is given, checked: seeds, numbers of samples, latents, classes."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.errors import GANError

MAX_SEED = 2**32 - 1


def sample_seeds(seed: int, count: int) -> list[int]:
    """The seeds of a batch: sample k of a batch with seed s is the sample of seed s + k.

    Raises:
        GANError: if a seed isn't a whole number from 0 to `MAX_SEED`, or `count` isn't positive.
    """
    count = check_count(count)
    if not is_whole(seed) or not 0 <= seed <= MAX_SEED - count + 1:
        raise GANError(f"The seed {seed!r} is not a whole number from 0 to {MAX_SEED - count + 1}.")
    return [int(seed) + k for k in range(count)]


def noise_sources(
    seed: int, count: int, generator: torch.Generator | Sequence[torch.Generator] | None = None
) -> tuple[list[torch.Generator], list[int]]:
    """Where each sample's noise is drawn from, and its seed.

    Args:
        seed: of the first sample; each has a generator of its own, on the CPU.
        generator: instead: one a sample or, as in diffusers, one for all, which they draw from one after the other.

    Returns:
        `count` generators, and as many seeds; none where generators were given, which may stand anywhere.

    Raises:
        GANError: for a seed that can't be used, both of them, or what is no generator.
    """
    seeds = sample_seeds(seed, count)
    if generator is None:
        return [torch.Generator().manual_seed(k) for k in seeds], seeds
    if seed != 0:
        raise GANError("A seed and a generator were given; both say what is drawn: give one of them.")
    sources = list(generator) if isinstance(generator, list | tuple) else [generator] * count
    for source in sources:
        if not isinstance(source, torch.Generator):
            raise GANError(f"{source!r} is no torch.Generator; give one, or a list of one for each sample.")
    return sources, []


def check_count(count: Any) -> int:
    """A number of samples, or `GANError`."""
    if not is_whole(count) or count < 1:
        raise GANError(f"{count!r} samples were asked for; ask for one or more.")
    return int(count)


def agreed_count(count: int, name: str, **stated: Any) -> int:
    """How many samples a call asks for, which arguments of diffusers say, too.

    Args:
        count: the argument called `name`; its default, 1, leaves it to the others.
        stated: by name: a number, or what has an entry a sample; `None`, and a generator for all, say nothing.

    Raises:
        GANError: if that is no number of samples, or two of them differ.
    """
    counts = {name: check_count(count)}
    for other, value in stated.items():
        if value is None or isinstance(value, torch.Generator):
            continue
        if isinstance(value, list | tuple | Tensor):
            value = len(value)
        counts[other] = check_count(value)
    if counts[name] == 1 and len(counts) > 1:
        del counts[name]
    if len(set(counts.values())) > 1:
        numbers_of = ", ".join(f"{other} for {number}" for other, number in counts.items())
        raise GANError(f"It is not clear how many samples are asked for: {numbers_of}; let them agree.")
    return next(iter(counts.values()))


def check_latents(latents: Any, latent_dim: int) -> Tensor:
    """Latents that a call was given, as float32 on the CPU.

    Raises:
        GANError: unless they are a tensor (n, latent_dim) of finite numbers.
    """
    shape = tuple(latents.shape) if isinstance(latents, Tensor) else type(latents).__name__
    if not isinstance(latents, Tensor) or len(shape) != 2 or shape[1] != latent_dim or not latents.is_floating_point():
        raise GANError(f"Latents {shape} cannot be used; this model takes a tensor (n, {latent_dim}) of floats.")
    if not latents.isfinite().all():
        raise GANError("The latents hold numbers that are not finite.")
    return latents.to("cpu", torch.float32)


def class_list(label: Any, class_labels: Any) -> list[Any] | None:
    """The class of each sample as `class_labels` says it, a list, array or tensor or one for all; `None` without it.

    Raises:
        GANError: if there is a `label`, too.
    """
    if class_labels is None:
        return None
    if label is not None:
        raise GANError("A label is for all samples, and class_labels are one for each; give one of them.")
    if isinstance(class_labels, Tensor | np.ndarray):
        class_labels = class_labels.tolist()
    return list(class_labels) if isinstance(class_labels, list | tuple) else [class_labels]


def check_truncation(truncation: float) -> float:
    """Raises `GANError` unless `truncation` is a number from 0 to 1.5."""
    if not (isinstance(truncation, numbers.Real) and 0 <= truncation <= 1.5):
        raise GANError(
            f"A truncation of {truncation!r} cannot be used; it goes from 0 (safest) over 1 (as trained) to 1.5."
        )
    return float(truncation)


def check_output_type(output_type: str, known: Sequence[str]) -> None:
    """Raises `GANError` unless an output type is one of those that a pipeline has."""
    if output_type not in known:
        raise GANError(f"There is no output_type {output_type!r} here; give one of {', '.join(known)}.")


def is_whole(number: Any) -> bool:
    """Whether this is a whole number, of whatever type; true and false are none."""
    real = isinstance(number, numbers.Real) and not isinstance(number, bool)
    return real and math.isfinite(number) and number == int(number)
