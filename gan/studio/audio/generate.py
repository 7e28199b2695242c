"""Clips for the page and the API, as WAV files: functions of their arguments alone."""

import base64
import io
import math
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan.audio.pipeline import AudioPipeline, Label
from gan.audio.preprocessing import wav
from gan.errors import GANError
from gan.inputs import check_truncation, sample_seeds
from gan.studio.audio.steering import UNSTEERED, Steering, steered
from gan.studio.images.generate import file_name
from gan.studio.queue import run_queued
from gan.studio.registry import Registry

MAX_CLIPS = 16  # of a request
PADS = 16  # of a kit
STEPS = 17  # of an interpolation on the page: neighbours differ by little, and all fit into a request
MAX_STEPS = 32


class Clip(NamedTuple):
    """A clip: its seed (`None` between two seeds), its class names (`None` without classes) and its WAV file."""

    seed: int | None
    label: str | None
    wav: bytes


def generate_clips(
    registry: Registry,
    model: str,
    seed: int,
    num_samples: int,
    truncation: float,
    label: Label,
    steering: Steering = UNSTEERED,
) -> tuple[list[Clip], float]:
    """Clips of consecutive seeds, and the milliseconds that they took.

    Raises:
        GANError: if an argument can't be used.
    """
    _check_numbers(seed, num_samples, truncation, steering.critic_steps)
    if not 1 <= num_samples <= MAX_CLIPS:
        raise GANError(f"{num_samples} clips were asked for; ask for 1 to {MAX_CLIPS}.")
    seeds = sample_seeds(seed, int(num_samples))
    return _made(registry.get(model, AudioPipeline), seeds, [label] * len(seeds), truncation, steering)


def interpolate_clips(
    registry: Registry,
    model: str,
    a: int,
    b: int,
    steps: int,
    truncation: float,
    label: Label,
    steering: Steering = UNSTEERED,
) -> tuple[list[Clip], float]:
    """The clips between two seeds, both ends included, and the milliseconds that they took.

    Raises:
        GANError: if an argument can't be used.
    """
    _check_numbers(a, b, steps, truncation, steering.critic_steps)
    if not 2 <= steps <= MAX_STEPS:
        raise GANError(f"{steps} steps were asked for; ask for 2 to {MAX_STEPS}.")
    pipeline, psi = registry.get(model, AudioPipeline), check_truncation(truncation)
    positions = torch.linspace(0, 1, int(steps))

    def make(some: Tensor) -> list[Clip]:
        latents, classes = pipeline.latents_between(a, b, some, label or None)
        return _clips(pipeline, latents, classes, psi, steering, [label] * len(some), [None] * len(some))

    return _in_parts(lambda part: make(positions[part]), len(positions), steering)


def kit_classes(pipeline: AudioPipeline) -> list[str | None]:
    """The class of each pad of a new kit: those of the first label column in order, in equal parts."""
    names = next(iter((pipeline.labels or {}).values()), None)
    return [names[k * len(names) // PADS] if names else None for k in range(PADS)]


def generate_kit(
    registry: Registry,
    model: str,
    pads: Sequence[tuple[int, str | None]],
    truncation: float,
    label: Label,
    steering: Steering = UNSTEERED,
) -> tuple[list[Clip], float]:
    """The clips of pads, and the milliseconds that they took.

    Args:
        pads: of each its seed and its class in the first label column (`None`: drawn from the seed).
        label: classes in the other columns, for all pads; "" for any.

    Raises:
        GANError: if an argument can't be used.
    """
    _check_numbers(truncation, steering.critic_steps, *(seed for seed, _ in pads))
    if not 1 <= len(pads) <= PADS:
        raise GANError(f"{len(pads)} pads were asked for; ask for 1 to {PADS}.")
    pipeline = registry.get(model, AudioPipeline)
    column = next(iter(pipeline.labels or {}), "")
    others = dict(label) if isinstance(label, Mapping) else {}
    labels: list[Label] = [{**others, column: name} if name else label for _, name in pads]
    return _made(pipeline, [seed for seed, _ in pads], labels, truncation, steering)


def clip_name(model: str, clip: Clip, truncation: float) -> str:
    """`digits_seed-7_3-george_psi-1.wav`."""
    return file_name(model, clip.seed or 0, clip.label, truncation, "wav")


def interpolation_names(model: str, a: int, b: int, clips: Sequence[Clip], truncation: float) -> list[str]:
    """`digits_seed-7_to-40-at-0.25_psi-1.wav`, ..."""
    shares = [k / (len(clips) - 1) for k in range(len(clips))]
    return [file_name(model, a, f"to-{b}-at-{share:.2f}", truncation, "wav") for share in shares]


def pad_name(index: int, clip: Clip) -> str:
    """`01-kick-seed123.wav`: samplers sort by name."""
    name = re.sub(r"[^\w.-]+", "-", clip.label or "").strip("-")
    return "-".join(filter(None, (f"{index + 1:02}", name, f"seed{clip.seed}"))) + ".wav"


def archive(names: Sequence[str], clips: Sequence[Clip]) -> bytes:
    """A ZIP of clips."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, clip in zip(names, clips):
            folder.writestr(name, clip.wav)
    return file.getvalue()


def as_values(names: Sequence[str], clips: Sequence[Clip]) -> list[dict[str, Any]]:
    """Clips as the page's script takes them, WAV files in base64."""
    return [
        {"seed": clip.seed, "label": clip.label, "file": name, "wav": base64.b64encode(clip.wav).decode()}
        for name, clip in zip(names, clips)
    ]


def _made(
    pipeline: AudioPipeline, seeds: list[int], labels: list[Label], truncation: float, steering: Steering
) -> tuple[list[Clip], float]:
    """The clips of seeds, each with what was asked of its classes, and the milliseconds that they took."""
    psi = check_truncation(truncation)

    def make(part: slice) -> list[Clip]:
        noise = [pipeline.latents(sample_seeds(k, 1), label or None) for k, label in zip(seeds[part], labels[part])]
        latents, classes = (torch.cat(parts) for parts in zip(*noise))
        return _clips(pipeline, latents, classes, psi, steering, labels[part], seeds[part])

    return _in_parts(make, len(seeds), steering)


def _in_parts(make: Callable[[slice], list[Clip]], count: int, steering: Steering) -> tuple[list[Clip], float]:
    """All clips at once, or where each takes long one at a time, so that nobody else waits for all."""
    size = 1 if steering.is_slow else count
    parts = [run_queued(partial(make, slice(k, k + size))) for k in range(0, count, size)]
    return [clip for clips, _ in parts for clip in clips], sum(milliseconds for _, milliseconds in parts)


def _clips(
    pipeline: AudioPipeline,
    latents: Tensor,
    classes: Tensor,
    psi: float,
    steering: Steering,
    labels: Sequence[Label],
    seeds: Sequence[int | None],
) -> list[Clip]:
    audios = pipeline.draw(steered(pipeline, latents, classes, psi, steering, labels)).audios
    names: Sequence[str | None] = pipeline.label_names(classes) or [None] * len(seeds)
    wavs = [wav(audio, pipeline.sampling_rate) for audio in audios]
    return [Clip(*facts) for facts in zip(seeds, names, wavs, strict=True)]


def _check_numbers(*numbers: object) -> None:
    if not all(isinstance(number, Real) and math.isfinite(number) for number in numbers):
        raise GANError("The seeds, the number of clips, the truncation and the critic steps must be numbers.")
