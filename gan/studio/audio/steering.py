"""Clips that are steered away from what their seeds give: critic guidance, layers of another seed, directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gan.audio.pipeline import AudioPipeline, Label
from gan.inputs import sample_seeds
from gan.latent.mixing import mix


@dataclass(frozen=True)
class Steering:
    """How clips are steered, in this order.

    Attributes:
        critic_steps: of critic guidance.
        layers: that come from another seed: "coarse", "middle" or "fine"; "" for none.
        other_seed: where these come from, in the class that was asked for, or else its own.
        edits: strengths by the name of a direction.
    """

    critic_steps: int = 0
    layers: str = ""
    other_seed: int = 0
    edits: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Steering":
        """That of a request of the page."""
        return cls(**{name: settings[name] for name in cls.__dataclass_fields__ if settings.get(name) is not None})

    @property
    def is_slow(self) -> bool:
        """Whether a clip takes as long as some dozens do without."""
        return bool(self.critic_steps)


UNSTEERED = Steering()


def steered(
    pipeline: AudioPipeline, latents: Tensor, classes: Tensor, psi: float, steering: Steering, labels: Sequence[Label]
) -> Tensor:
    """The codes (n, layers, width) of clips. To be called on the queue's thread.

    Args:
        latents: (n, latent_dim).
        classes: as `AudioPipeline.decode` takes them.
        psi: truncation.
        labels: what was asked for each clip.

    Raises:
        GANError: for steps, layers, a seed or directions that can't be used.
    """
    latents = pipeline.guided(latents, classes, psi, steering.critic_steps, None)
    codes = pipeline.codes_from(latents, classes, psi)
    if steering.layers:
        seeds = sample_seeds(steering.other_seed, 1)
        others = [pipeline.codes_from(*pipeline.latents(seeds, label or None), psi) for label in labels]
        codes = mix(codes, torch.cat(others), steering.layers)
    return pipeline.usable_directions().apply(codes, steering.edits)
