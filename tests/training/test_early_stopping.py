"""The weights that did best on validation data."""

import torch
from torch import nn

from gan.training.early_stopping import EarlyStopping


def weight(value: float) -> nn.Linear:
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, value)
    return layer


def test_the_best_are_kept() -> None:
    best = EarlyStopping()
    for step, score in enumerate((3.0, 1.0, 2.0)):
        best.update(score, step, weight(float(step)))
    model = weight(9.0)
    best.restore(model)
    assert model.weight.item() == 1.0 and best.step == 1 and best.score == 1.0


def test_nothing_offered_nothing_changed() -> None:
    model = weight(9.0)
    EarlyStopping().restore(model)
    assert model.weight.item() == 9.0


def test_patience() -> None:
    best = EarlyStopping()
    assert not best.should_stop(1)
    for step, score in enumerate((3.0, 1.0, 2.0, 2.0)):
        best.update(score, step, weight(0.0))
    assert best.should_stop(2) and not best.should_stop(3) and not best.should_stop(None)


def test_it_survives_a_checkpoint() -> None:
    best, again = EarlyStopping(), EarlyStopping()
    best.update(1.0, 7, weight(2.0))
    again.load_state_dict(best.state_dict())
    model = weight(0.0)
    again.restore(model)
    assert again.step == 7 and torch.equal(model.weight, torch.tensor([[2.0]]))
