"""What points bring to the training loop."""

import argparse
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gan.metrics.distances import frechet_distance
from gan.metrics.records import metric_record, with_references
from gan.training.losses import relativistic_discriminator_loss, relativistic_generator_loss
from gan.training.randomness import StepRandom
from gan.training.task import load_pretrained
from toy.data import circle
from toy.networks import PointDiscriminator, PointGenerator
from toy.pipeline import PointPipeline


class PointTask:
    """Points: on a circle."""

    unit = "points"
    default_gamma = 0.5

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--points", type=int, default=256, help="how many are trained on")

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        return {}

    def __init__(self, args: argparse.Namespace):
        pretrained = load_pretrained(args, PointPipeline)
        self.generator = pretrained.generator if pretrained else PointGenerator()
        self.discriminator = pretrained.discriminator if pretrained else PointDiscriminator()
        self.points, self.size = circle(args.points, seed=0), args.points

    def batch(self, indices: Tensor, random: StepRandom) -> dict[str, Any]:
        latents = random.normal(len(indices), self.generator.config.latent_dim)
        return {"real": self.points[indices], "latents": latents}

    def generate(self, generator: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        return {"samples": generator(batch["latents"])}

    def discriminator_loss(self, discriminator, bare, batch, fake, penalty, random):
        loss = relativistic_discriminator_loss(discriminator(batch["real"]), discriminator(fake))
        return loss, {"discriminator_loss": loss.detach()}

    def generator_loss(self, discriminator, batch, generated, random):
        loss = relativistic_generator_loss(discriminator(batch["real"]), discriminator(generated["samples"]))
        return loss, {"generator_loss": loss.detach()}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def validate(self, generator: nn.Module) -> None:
        return None

    def pipeline(self, generator: Any, discriminator: Any) -> PointPipeline:
        return PointPipeline(generator, discriminator)

    def dataset_record(self) -> dict[str, Any]:
        return {"name": "circle", "split": "train", "points": self.size, "fingerprint": str(self.size)}

    def preview(self, pipeline: PointPipeline, path: Path) -> Path:
        file = path.with_suffix(".json")
        file.write_bytes(b"".join(pipeline.sample_bytes(0, 8)))
        return file

    def evaluate(self, pipeline: PointPipeline) -> dict[str, Any]:
        held_out = circle(256, seed=1)
        rows = [
            [
                metric_record(
                    "Fréchet distance", "frechet_distance", round(frechet_distance(points, held_out), 4), False
                )
            ]
            for points in (pipeline(0, 256), self.points)
        ]
        return with_references(*rows, {}, "held-out points", 256)
