"""The distances and shares between sets of features, each against what is known of it."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from gan.metrics.distances import class_histogram, fidelity_and_diversity, frechet_distance, kernel_distance
from gan.metrics.neighbours import memorisation, nearest
from gan.utils.subsets import fixed_random_subset


def gaussian(n: int, features: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed))


def test_the_frechet_distance_of_gaussians() -> None:
    first, second = gaussian(50_000), gaussian(50_000, seed=1)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-5)
    shift = torch.tensor([3.0, 0, 0, 4])
    assert frechet_distance(first + shift, second) == pytest.approx(25, rel=0.02)  # |shift|^2
    assert frechet_distance(3 * first, second) == pytest.approx(4 * (3 - 1) ** 2, rel=0.02)  # d (sigma - sigma')^2


def test_the_kernel_distance_has_no_bias_and_sees_a_shift() -> None:
    distances = [kernel_distance(gaussian(100, seed=2 * k), gaussian(100, seed=2 * k + 1)) for k in range(20)]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / math.sqrt(20)
    assert min(distances) < 0  # of an unbiased estimate
    assert kernel_distance(gaussian(100) + 1, gaussian(100, seed=1)) > 10 * max(distances)


def test_the_kernel_distance_repeats_and_leaves_global_randomness_alone() -> None:
    state = torch.get_rng_state()
    assert kernel_distance(gaussian(50), gaussian(60, seed=1)) == kernel_distance(gaussian(50), gaussian(60, seed=1))
    assert torch.equal(torch.get_rng_state(), state)


def test_precision_recall_density_and_coverage_as_defined() -> None:
    fake, real, k = gaussian(40, 2), gaussian(30, 2, seed=1) * 1.5, 3
    far = torch.cdist(fake, real)
    real_radius = torch.cdist(real, real).sort(dim=1)[0][:, k]
    fake_radius = torch.cdist(fake, fake).sort(dim=1)[0][:, k]
    found = fidelity_and_diversity(fake, real, k)
    assert found["precision"] == pytest.approx(np.mean([(far[j] <= real_radius).any() for j in range(40)]))
    assert found["recall"] == pytest.approx(np.mean([(far[:, i] <= fake_radius).any() for i in range(30)]))
    assert found["density"] == pytest.approx(float((far <= real_radius).sum()) / 40 / k)
    assert found["coverage"] == pytest.approx(np.mean([(far[:, i] <= real_radius[i]).any() for i in range(30)]))


def test_one_mode_is_precise_and_covers_little() -> None:
    modes = torch.tensor([[0.0, 0], [100, 0], [0, 100], [100, 100]])
    real = gaussian(400, 2) + modes.repeat(100, 1)
    one = fidelity_and_diversity(gaussian(400, 2, seed=1) * 0.9, real)
    assert one["precision"] > 0.95 and one["density"] > 0.9
    assert one["recall"] < 0.3 and one["coverage"] < 0.3
    elsewhere = fidelity_and_diversity(gaussian(400, 2, seed=1) + 1e4, real)
    assert set(elsewhere.values()) == {0.0}


def test_classes_drawn() -> None:
    labels = torch.tensor([0, 1, 2, 3]).repeat(25)
    assert class_histogram(labels, labels, 4) == (4, 0.0)
    drawn, divergence = class_histogram(torch.zeros(50, dtype=torch.int64), labels, 4)
    assert drawn == 1 and divergence == pytest.approx(math.log(4))
    assert math.isfinite(class_histogram(torch.full((9,), 4), labels, 5)[1])  # a class that no real picture has


def test_a_part_is_from_all_over() -> None:
    assert fixed_random_subset(10, 10).tolist() == list(range(10))
    part = fixed_random_subset(1_000, 100)
    assert len(part.unique()) == 100 and (part.diff() > 0).all()
    assert part[0] < 100 and part[-1] >= 900 and 30 <= (part % 2).sum() <= 70


def test_the_nearest_come_first() -> None:
    distances, indices = nearest(torch.tensor([[0.0], [10.0]]), torch.tensor([[9.0], [1.0], [3.0]]), 2)
    assert indices.tolist() == [[1, 2], [0, 2]]
    assert distances.tolist() == [[1, 3], [1, 7]]


def test_copies_are_found() -> None:
    held_out = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)).sort(1).values + 1
    copied = held_out.clone()
    copied[:200, 0] = 0
    assert memorisation(held_out, held_out) == {
        "distance_ratio": 1.0,
        "very_near": pytest.approx(0.01, abs=0.002),
        "quantiles": {"share": [0.01, 0.1, 0.5, 0.9]}
        | dict.fromkeys(
            ("generated", "held_out"),
            pytest.approx(held_out[:, 0].quantile(torch.tensor([0.01, 0.1, 0.5, 0.9])).tolist(), rel=1e-3),
        ),
        "singled_out": {"generated": 0.0, "held_out": 0.0},
    }
    found = memorisation(copied, held_out)
    assert found["very_near"] >= 0.4 and found["singled_out"] == {"generated": 0.4, "held_out": 0.0}
    assert found["quantiles"]["generated"][1] == 0 < found["quantiles"]["held_out"][1]
    alone = memorisation(torch.zeros(500, 1), held_out)
    assert (alone["distance_ratio"], alone["very_near"]) == (0.0, 1.0) and "singled_out" not in alone
