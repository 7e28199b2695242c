"""Chance as a function of (seed, step, process)."""

import pytest
import torch

from gan.training.randomness import ShuffledOrder, StepRandom


def test_draws_are_functions_of_seed_and_step() -> None:
    first, again = StepRandom(3, 7), StepRandom(3, 7)
    assert torch.equal(first.normal(4, 5), again.normal(4, 5))
    assert torch.equal(first.uniform(6), again.uniform(6))
    drawn = {tuple(StepRandom(seed, step).normal(3).tolist()) for seed in range(5) for step in range(50)}
    assert len(drawn) == 250


def test_draws_of_a_step_differ_from_one_another() -> None:
    random = StepRandom(0, 0)
    assert not torch.equal(random.normal(8), random.normal(8))


@pytest.mark.parametrize("world", [2, 3])
def test_processes_draw_what_one_would_with_their_joint_batch(world: int) -> None:
    alone = StepRandom(5, 11)
    together = [StepRandom(5, 11, rank, world) for rank in range(world)]
    for draw in ("normal", "uniform", "normal"):
        expected = getattr(alone, draw)(4 * world, 3)
        assert torch.equal(torch.cat([getattr(random, draw)(4, 3) for random in together]), expected)


def test_distributions() -> None:
    normal, uniform = StepRandom(1, 1).normal(20_000), StepRandom(1, 2).uniform(20_000)
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.02
    assert StepRandom(0, 0).normal(2, 3, 4).shape == (2, 3, 4)


def test_global_randomness_is_left_alone() -> None:
    state = torch.get_rng_state()
    StepRandom(0, 0).normal(5)
    ShuffledOrder(10, 0).slice(0, 25)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("seed", [-1, 2**31, 2**63])
def test_any_seed_will_do(seed: int) -> None:
    assert StepRandom(seed, 5).normal(2).isfinite().all()
    assert len(ShuffledOrder(5, seed).slice(0, 5).unique()) == 5


def test_every_sample_comes_once_an_epoch() -> None:
    order = ShuffledOrder(10, 0)
    epochs = order.slice(0, 50).view(5, 10)
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(10))
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 5  # shuffled anew


@pytest.mark.parametrize("size", [1, 3, 7, 40])
def test_slices_are_windows_on_one_stream(size: int) -> None:
    stream = ShuffledOrder(size, 2).slice(0, 100)
    order = ShuffledOrder(size, 2)
    for start, count in ((0, 16), (16, 16), (90, 10), (5, 1), (33, 50), (16, 16)):  # in any order, over any border
        assert torch.equal(order.slice(start, count), stream[start : start + count])


def test_order_depends_on_the_seed_only() -> None:
    assert torch.equal(ShuffledOrder(30, 4).slice(0, 60), ShuffledOrder(30, 4).slice(0, 60))
    assert not torch.equal(ShuffledOrder(30, 4).slice(0, 30), ShuffledOrder(30, 5).slice(0, 30))


def test_indices_can_index() -> None:
    indices = ShuffledOrder(6, 0).slice(4, 5)
    assert indices.dtype == torch.int64
    assert torch.arange(6)[indices].shape == (5,)
