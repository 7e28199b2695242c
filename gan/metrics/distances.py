"""Distances between two sets of features, whatever they are features of: how alike, how varied, how near.

The Fréchet distance (Heusel et al. 2017), the kernel distance (Bińkowski et al. 2018), precision and recall
(Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), and which classes are drawn.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from gan.metrics.neighbours import nearest

NEIGHBOURHOOD = 5  # k of precision, recall, density and coverage
SUBSETS, SUBSET_SIZE = 100, 1_000  # of the kernel distance
CHUNK = 1_000  # vectors at once: bounds memory
# Or torchmetrics would add up what several processes measure, each another set (`gan.utils.distributed.map_items`).
ALONE: dict[str, Any] = {"sync_on_compute": False}


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """The Fréchet distance between Gaussians fitted to two sets of features (n, d) and (m, d)."""
    from torchmetrics.image.fid import FrechetInceptionDistance  # seconds to import, which only measuring pays

    distance = FrechetInceptionDistance(feature=_GivenFeatures(first.shape[1]), **ALONE)
    distance.update(first.double(), real=False)
    distance.update(second.double(), real=True)
    return max(0.0, float(distance.compute()))


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy with a cubic kernel, the mean over random subsets; can be below 0.

    Args:
        first, second: features (n, d) and (m, d).
    """
    from torchmetrics.image.kid import KernelInceptionDistance

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # that it keeps all features
        torch.manual_seed(0)
        size = min(SUBSET_SIZE, len(first), len(second))
        features = _GivenFeatures(first.shape[1])
        distance = KernelInceptionDistance(features, subsets=SUBSETS, subset_size=size, **ALONE)
        distance.update(first.double(), real=False)
        distance.update(second.double(), real=True)
        return float(distance.compute()[0])


def fidelity_and_diversity(fake: Tensor, real: Tensor, k: int = NEIGHBOURHOOD) -> dict[str, float]:
    """Precision, recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of features.

    The ball of a sample reaches to its k-th nearest neighbour in its own set. Precision: the share of fake samples
    in the ball of a real one. Recall: the share of real samples in the ball of a fake one. Density: in how many
    balls of real samples a fake one is, over k. Coverage: the share of balls of real samples with a fake one in it.

    Args:
        fake, real: (n, d) and (m, d), more than k each.
    """
    real_radius, fake_radius = _radii(real, k), _radii(fake, k)
    precision, density = 0, 0
    recalled = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for chunk, radius in zip(fake.split(CHUNK), fake_radius.split(CHUNK), strict=True):
        distances = torch.cdist(chunk, real)
        inside = distances <= real_radius
        precision += int(inside.any(1).sum())
        density += int(inside.sum())
        covered |= inside.any(0)
        recalled |= (distances <= radius[:, None]).any(0)
    return {
        "precision": precision / len(fake),
        "recall": float(recalled.float().mean()),
        "density": density / len(fake) / k,
        "coverage": float(covered.float().mean()),
    }


def class_histogram(named: Tensor, labels: Tensor, num_classes: int) -> tuple[int, float]:
    """How many classes are drawn, and the Kullback-Leibler divergence of their shares from the real ones, in nats.

    Args:
        named: int64 (n,) class of each generated sample, as a classifier names it.
        labels: int64 (m,) class of each real sample.
    """
    drawn = named.bincount(minlength=num_classes).double() / len(named)
    real = labels.bincount(minlength=num_classes).double().clamp_min(0.5) / len(labels)
    some = drawn > 0
    return int(some.sum()), float((drawn[some] * (drawn[some] / real[some]).log()).sum())


class _GivenFeatures(nn.Module):
    """What torchmetrics takes for its network where the features are there already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def _radii(features: Tensor, k: int) -> Tensor:
    """(n,) distance of each vector (n, d) from its k-th nearest neighbour; the nearest of all is itself."""
    return nearest(features, features, k + 1)[0][:, k]
