"""Clips for the page and the API, as WAV files: functions of their arguments alone."""

import base64
import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

from gan.audio.pipeline import AudioPipeline, AudioPipelineOutput, Label
from gan.audio.preprocessing import wav
from gan.errors import GANError
from gan.pipeline import sample_seeds
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
    critic_steps: int = 0,
) -> tuple[list[Clip], float]:
    """Clips of consecutive seeds, and the milliseconds that they took.

    Args:
        critic_steps: of critic guidance; one clip at a time then, so that nobody else waits for all.

    Raises:
        GANError: if an argument can't be used.
    """
    _check_numbers(seed, num_samples, truncation, critic_steps)
    if not 1 <= num_samples <= MAX_CLIPS:
        raise GANError(f"{num_samples} clips were asked for; ask for 1 to {MAX_CLIPS}.")
    pipeline = registry.get(model, AudioPipeline)
    seeds, size = sample_seeds(seed, int(num_samples)), 1 if critic_steps else MAX_CLIPS

    def make(some: list[int]) -> AudioPipelineOutput:
        return pipeline(some[0], len(some), truncation, label or None, critic_steps)

    parts = [run_queued(partial(make, seeds[k : k + size])) for k in range(0, len(seeds), size)]
    return [clip for output, _ in parts for clip in _clips(output)], sum(milliseconds for _, milliseconds in parts)


def interpolate_clips(
    registry: Registry, model: str, a: int, b: int, steps: int, truncation: float, label: Label
) -> tuple[list[Clip], float]:
    """The clips between two seeds, both ends included, and the milliseconds that they took.

    Raises:
        GANError: if an argument can't be used.
    """
    _check_numbers(a, b, steps, truncation)
    if not 2 <= steps <= MAX_STEPS:
        raise GANError(f"{steps} steps were asked for; ask for 2 to {MAX_STEPS}.")
    pipeline = registry.get(model, AudioPipeline)
    output, milliseconds = run_queued(
        lambda: pipeline.interpolate(a, b, int(steps), label=label or None, truncation=truncation)
    )
    return _clips(output), milliseconds


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
) -> tuple[list[Clip], float]:
    """The clips of pads, and the milliseconds that they took.

    Args:
        pads: of each its seed and its class in the first label column (`None`: drawn from the seed).
        label: classes in the other columns, for all pads; "" for any.

    Raises:
        GANError: if an argument can't be used.
    """
    _check_numbers(truncation, *(seed for seed, _ in pads))
    if not 1 <= len(pads) <= PADS:
        raise GANError(f"{len(pads)} pads were asked for; ask for 1 to {PADS}.")
    pipeline = registry.get(model, AudioPipeline)
    column = next(iter(pipeline.labels or {}), "")
    others = dict(label) if isinstance(label, Mapping) else {}
    labels = [{**others, column: name} if name else label for _, name in pads]
    outputs, milliseconds = run_queued(
        lambda: [pipeline(seed, truncation=truncation, label=each or None) for (seed, _), each in zip(pads, labels)]
    )
    return [clip for output in outputs for clip in _clips(output)], milliseconds


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


def _clips(output: AudioPipelineOutput) -> list[Clip]:
    count = len(output.audios)
    seeds: Sequence[int | None] = output.seeds or [None] * count
    labels: Sequence[str | None] = output.labels or [None] * count
    wavs = [wav(audio, output.sampling_rate) for audio in output.audios]
    return [Clip(*facts) for facts in zip(seeds, labels, wavs)]


def _check_numbers(*numbers: object) -> None:
    if not all(isinstance(number, Real) and math.isfinite(number) for number in numbers):
        raise GANError("The seeds, the number of clips, the truncation and the critic steps must be numbers.")
