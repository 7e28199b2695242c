"""Early stopping: the weights that did best on validation data, and when to stop looking for better ones."""

import math
from typing import Any

import torch
from torch import Tensor, nn


class EarlyStopping:
    """Keeps the averaged weights of the lowest validation score; saved in every checkpoint.

    Attributes:
        score: the lowest so far.
        step: when that was.
        weights: those of the model then, `None` before the first validation.
    """

    def __init__(self) -> None:
        self.score, self.step, self.validations_since = math.inf, 0, 0
        self.weights: dict[str, Tensor] | None = None

    def update(self, score: float, step: int, model: nn.Module) -> None:
        """Takes note of a validation of `model`."""
        self.validations_since += 1
        if score < self.score:
            self.score, self.step, self.validations_since = score, step, 0
            self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def should_stop(self, patience: int | None) -> bool:
        """Whether the last `patience` validations found nothing better."""
        return patience is not None and self.validations_since >= patience

    @torch.no_grad()
    def restore(self, model: nn.Module) -> None:
        """Gives `model` the best weights, if there was a validation."""
        if self.weights is not None:
            model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        return vars(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
