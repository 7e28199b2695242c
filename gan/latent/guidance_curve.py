"""What critic guidance does to distance, agreement, precision, recall and coverage, and which of it suits a model."""

import argparse
from typing import Any

import numpy as np
from torch import Tensor

from gan.errors import GANError
from gan.evaluate import Evaluation
from gan.latent.guidance import guide
from gan.latent.steering import SteerablePipeline
from gan.metrics.records import MIN_SAMPLES
from gan.utils.subsets import fixed_random_subset

DISTANCES = ("frechet_distance", "fid", "sliced_wasserstein_distance")
SHOWN = (*DISTANCES, "class_agreement", "precision", "recall", "density", "coverage")
Row = dict[str, float]


class Guided:
    """A pipeline all of whose samples are guided: what an evaluation measures instead of the pipeline itself.

    Batches are guided as a whole, which rounds otherwise than the pipeline, where a sample is that of its seed.
    """

    def __init__(self, pipeline: SteerablePipeline, steps: int, step_size: float, prior: float):
        self.pipeline, self.settings = pipeline, (steps, step_size, prior)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipeline, name)

    def decode(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        """As the pipeline's, of latents that were guided."""
        generator, critic = self.pipeline.generator, self.pipeline.critic()
        z, c = latents.to(generator.device, generator.dtype), classes.to(generator.device)
        guided = guide(generator, critic, z, c, truncation, *self.settings)
        return self.pipeline.decode(guided.to("cpu", latents.dtype), classes, truncation)


def measured(
    evaluation: Evaluation,
    pipeline: SteerablePipeline,
    train_set: Any,
    test_set: Any,
    args: argparse.Namespace,
    steps: int,
    prior: float,
) -> Row:
    """`critic_steps`, `critic_prior` and the metrics by type of samples that were guided so."""
    guided = Guided(pipeline, steps, args.critic_step_size, prior)
    found = evaluation.measure(guided, train_set, test_set, args, references=False)["metrics"]
    values = {metric["type"]: metric["value"] for metric in found}
    shown = {name: value for name, value in values.items() if name in SHOWN or name.startswith("class_agreement")}
    return {"critic_steps": steps, "critic_prior": prior, **shown}


def choose_guidance(
    evaluation: Evaluation, pipeline: SteerablePipeline, train_set: Any, test_set: Any, args: argparse.Namespace
) -> dict[str, Any]:
    """Measures guidance on one half of held-out data, chooses by it, and looks at the choice on the other half.

    Args:
        args: `critic_steps` and `critic_prior`, lists, of which every pair is measured, and `critic_step_size`.

    Raises:
        GANError: if so few samples are held out that there is no distance to choose by.

    Returns:
        The contents of `guidance.json`: `step_size`; `curve`, a row for each pair; `chosen`, the row with the smallest
        distance, which may be that of no steps; `confirmed`: no steps and the best of those with some, on the other
        half.
    """
    first = np.sort(fixed_random_subset(len(test_set), (len(test_set) + 1) // 2).numpy())
    halves = [test_set.take(some, test_set.split) for some in (first, np.setdiff1d(np.arange(len(test_set)), first))]

    def row(half: Any, steps: int, prior: float) -> Row:
        return measured(evaluation, pipeline, train_set, half, args, steps, prior)

    some = sorted({steps for steps in args.critic_steps if steps})
    unguided = row(halves[0], 0, 0.0)
    distance(unguided)  # where there is none to choose by, that is said before the rest is measured
    curve = [unguided, *(row(halves[0], n, prior) for prior in args.critic_prior for n in some)]
    guided = min(curve[1:], key=distance, default=curve[0])
    pairs = [(int(each["critic_steps"]), each["critic_prior"]) for each in ([curve[0], guided] if some else curve)]
    return {
        "step_size": args.critic_step_size,
        "curve": curve,
        "chosen": min(curve, key=distance),
        "confirmed": [row(halves[1], *pair) for pair in pairs],
    }


def distance(row: Row) -> float:
    """What guidance is chosen by: the distance from held-out samples, in the best space that there is.

    Raises:
        GANError: if none was measured.
    """
    found = [row[name] for name in DISTANCES if name in row]
    if not found:
        raise GANError(
            f"Guidance is chosen by a distance from half of the held-out samples, and these are too few to measure "
            f"one; hold out at least {2 * MIN_SAMPLES}, and generate {MIN_SAMPLES} or more."
        )
    return found[0]


def is_confirmed(found: dict[str, Any]) -> bool:
    """Whether what was chosen on one half of the data is nearer than no guidance on the other half, too."""
    without, *guided = found["confirmed"]
    return all(distance(row) < distance(without) for row in guided)


def suited(found: dict[str, Any]) -> dict[str, Any]:
    """The `guidance` of `model_index.json`: how many steps to take, 0 where none are better on both halves; and, for
    who takes some nevertheless, the prior with which they did best."""
    best = min(found["curve"][1:] or found["curve"], key=distance)
    return {
        "steps": int(found["chosen"]["critic_steps"]) if is_confirmed(found) else 0,
        "step_size": found["step_size"],
        "prior": best["critic_prior"],
    }
