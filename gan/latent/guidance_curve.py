"""What critic guidance does to distance, agreement, precision, recall and coverage, by the number of its steps."""

import argparse
from typing import Any

from torch import Tensor

from gan.evaluate import Evaluation
from gan.latent.steering import SteerablePipeline

DISTANCES = ("frechet_distance", "fid")
SHOWN = (*DISTANCES, "class_agreement", "precision", "recall", "density", "coverage")


class Guided:
    """A pipeline all of whose samples are guided: what an evaluation measures instead of the pipeline itself."""

    def __init__(self, pipeline: SteerablePipeline, steps: int, step_size: float, prior: float):
        self.pipeline, self.settings = pipeline, (steps, step_size, prior)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipeline, name)

    def decode(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        """As the pipeline's, of latents that were guided."""
        guided = self.pipeline.guided(latents, classes, truncation, *self.settings)
        return self.pipeline.decode(guided, classes, truncation)


def guidance_curve(
    evaluation: Evaluation, pipeline: SteerablePipeline, train_set: Any, test_set: Any, args: argparse.Namespace
) -> list[dict[str, float]]:
    """`critic_steps` and the metrics by type, for each of `args.critic_steps` of size `args.critic_step_size`."""
    curve = []
    for steps in args.critic_steps:
        guided = Guided(pipeline, steps, args.critic_step_size, args.critic_prior)
        found = evaluation.measure(guided, train_set, test_set, args)
        values = {metric["type"]: metric["value"] for metric in found["metrics"]}
        agreement = {name: value for name, value in values.items() if name.startswith("class_agreement")}
        curve.append({"critic_steps": steps, **{k: values[k] for k in SHOWN if k in values}, **agreement})
    return curve


def best_steps(curve: list[dict[str, float]]) -> int:
    """The number of steps whose samples are nearest to held-out ones; the fewest where no distance was measured."""
    distance = next((name for name in DISTANCES if name in curve[0]), "critic_steps")
    return int(min(curve, key=lambda row: row[distance])["critic_steps"])
