"""The averaged generator: half-life, warm-up, buffers."""

import pytest
import torch
from torch import nn

from gan.training.ema import EMA


class Net(nn.Module):
    def __init__(self, value: float):
        super().__init__()
        self.weight = nn.Parameter(torch.full((3, 2), value))
        self.register_buffer("count", torch.tensor(value))


def averaged(ema: EMA) -> float:
    return ema.model.weight.mean().item()


@pytest.mark.parametrize("batch", [10, 50, 1000])
def test_after_a_half_life_it_is_half_way(batch: int) -> None:
    ema, target = EMA(Net(0.0), half_life=1000), Net(1.0)
    for _ in range(1000 // batch):
        ema.update(target, batch, samples_seen=10**9)
    assert averaged(ema) == pytest.approx(0.5, abs=1e-5)


def test_two_steps_are_one_of_twice_the_size() -> None:
    twice, once = EMA(Net(0.0), half_life=700), EMA(Net(0.0), half_life=700)
    for _ in range(2):
        twice.update(Net(1.0), 32, 10**9)
    once.update(Net(1.0), 64, 10**9)
    assert averaged(twice) == pytest.approx(averaged(once), rel=1e-5)


def test_the_untrained_weights_are_soon_forgotten() -> None:
    ema, seen = EMA(Net(1.0), half_life=10**9), 0
    for _ in range(200):
        seen += 64
        ema.update(Net(0.0), 64, seen)
    # With a half-life of 5 % of what has been seen, the first weights count (1 / 200) ^ (ln 2 / 0.05) at most.
    assert averaged(ema) < 1e-20


def test_early_on_it_follows_closely() -> None:
    ema = EMA(Net(0.0), half_life=10**6, warmup=0.05)
    ema.update(Net(1.0), 64, samples_seen=64)
    assert averaged(ema) == pytest.approx(1 - 0.5 ** (1 / 0.05), rel=1e-6)
    ema.update(Net(3.0), 64, samples_seen=0)  # and at the very start is a copy
    assert averaged(ema) == pytest.approx(3)


def test_buffers_are_copied() -> None:
    ema = EMA(Net(0.0), half_life=10**6)
    ema.update(Net(7.0), 1, 10**6)
    assert ema.model.count.item() == 7


def test_it_is_a_copy_that_nobody_trains() -> None:
    net = Net(1.0)
    ema = EMA(net, half_life=100)
    ema.update(Net(2.0), 10, 10**6)
    assert net.weight.mean().item() == 1
    assert net.weight.requires_grad
    assert not ema.model.weight.requires_grad
    assert not ema.model.training
    assert net.training


def test_state_survives() -> None:
    first = EMA(Net(0.0), half_life=100)
    first.update(Net(1.0), 30, 10**6)
    second = EMA(Net(5.0), half_life=100)
    second.load_state_dict(first.state_dict())
    for ema in (first, second):
        ema.update(Net(2.0), 30, 10**6)
    assert torch.equal(first.model.weight, second.model.weight)
    assert torch.equal(first.model.count, second.model.count)
