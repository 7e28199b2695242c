"""Points from seeds."""

import json
from pathlib import Path
from typing import Any

import torch

from gan.hub.repository import FORMAT_VERSION
from gan.inputs import sample_seeds
from gan.pipeline import GANPipeline
from toy.networks import PointDiscriminator, PointGenerator


class PointPipeline(GANPipeline):
    """A generator of points with its discriminator."""

    modality, task = "points", "toy.task.PointTask"
    unit, file_suffix, hub_task = "points", ".json", "other"
    sample_files = ("samples.json",)
    losses = {"gan": "relativistic pairing"}

    def __init__(
        self,
        generator: PointGenerator,
        discriminator: PointDiscriminator | None = None,
        format_version: int = FORMAT_VERSION,
    ):
        super().__init__()
        self.register_modules(generator=generator, discriminator=discriminator)
        self.register_to_config(format_version=format_version)
        self.training_record, self.metrics = {}, {}
        generator.eval()

    @torch.inference_mode()
    def __call__(self, seed: int = 0, num_samples: int = 1) -> torch.Tensor:
        """Points (num_samples, 2)."""
        size = self.generator.config.latent_dim
        noise = [
            torch.randn(size, generator=torch.Generator().manual_seed(k)) for k in sample_seeds(seed, num_samples)
        ]
        return self.generator(torch.stack(noise))

    def sample_bytes(self, seed: int, count: int, **settings: Any) -> list[bytes]:
        return [json.dumps(point).encode() + b"\n" for point in self(seed, count).tolist()]

    def save_samples(self, folder: Path) -> None:
        (folder / "samples.json").write_bytes(b"".join(self.sample_bytes(0, 8)))

    def show_samples(self) -> str:
        return "[Samples](samples.json)"

    def describe(self) -> str:
        return "Points on a circle."

    def example(self) -> str:
        return "pipeline(seed=7)"
