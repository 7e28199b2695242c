"""Losses and penalties against closed forms."""

import math

import pytest
import torch
from torch import nn

from gan.training.losses import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss


def test_losses_of_even_players_are_log_two() -> None:
    logits = torch.randn(7, generator=torch.Generator().manual_seed(0))
    assert relativistic_discriminator_loss(logits, logits).item() == pytest.approx(math.log(2))
    assert relativistic_generator_loss(logits, logits).item() == pytest.approx(math.log(2))


def test_losses_against_the_closed_form() -> None:
    real, fake = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 3.0, -0.5])
    lead = [1.0, -5.0, 1.0]
    expected = sum(math.log1p(math.exp(-x)) for x in lead) / 3
    assert relativistic_discriminator_loss(real, fake).item() == pytest.approx(expected, rel=1e-6)
    expected = sum(math.log1p(math.exp(x)) for x in lead) / 3
    assert relativistic_generator_loss(real, fake).item() == pytest.approx(expected, rel=1e-6)


def test_the_game_is_the_same_from_both_sides() -> None:
    generator = torch.Generator().manual_seed(1)
    real, fake = torch.randn(9, generator=generator), torch.randn(9, generator=generator)
    assert torch.equal(relativistic_discriminator_loss(real, fake), relativistic_generator_loss(fake, real))


def test_only_differences_of_logits_matter() -> None:
    real, fake = torch.tensor([0.25, -1.5]), torch.tensor([2.0, 0.5])
    shifted = relativistic_discriminator_loss(real + 8, fake + 8)
    assert shifted.item() == pytest.approx(relativistic_discriminator_loss(real, fake).item())


def test_losses_stay_finite_far_out() -> None:
    real, fake = torch.tensor([1e4], requires_grad=True), torch.tensor([-1e4], requires_grad=True)
    loss = relativistic_generator_loss(real, fake)
    loss.backward()
    assert loss.item() == pytest.approx(2e4)
    assert real.grad is not None and real.grad.item() == pytest.approx(1)
    assert relativistic_discriminator_loss(real, fake).item() == 0


def test_the_losses_pull_in_opposite_directions() -> None:
    fake = torch.tensor([0.3], requires_grad=True)
    (down,) = torch.autograd.grad(relativistic_discriminator_loss(torch.zeros(1), fake), fake)
    (up,) = torch.autograd.grad(relativistic_generator_loss(torch.zeros(1), fake), fake)
    assert down.item() == pytest.approx(torch.sigmoid(torch.tensor(0.3)).item())
    assert up.item() == pytest.approx(-torch.sigmoid(torch.tensor(-0.3)).item())


def test_penalty_of_a_linear_function_is_its_squared_slope() -> None:
    slope = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    samples = torch.randn(6, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    penalty = gradient_penalty(lambda x: (x * slope).flatten(1).sum(1), samples)
    assert penalty.item() == pytest.approx(slope.square().sum().item())


def test_penalty_of_a_quadratic_function() -> None:
    samples = torch.randn(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    penalty = gradient_penalty(lambda x: x.square().sum(1) / 2, samples)  # the gradient is x itself
    assert penalty.item() == pytest.approx(samples.square().sum(1).mean().item())


def test_penalty_is_differentiable_in_the_parameters_and_in_nothing_else() -> None:
    weight = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    samples = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ weight, samples)
    penalty.backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * weight.detach())  # d |w|^2 / dw
    assert samples.grad is None


def test_penalty_gradient_against_finite_differences() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 7), nn.Softplus(), nn.Linear(7, 1)).double()
    samples = torch.randn(4, 5, dtype=torch.float64)

    def penalty(weight: torch.Tensor) -> torch.Tensor:
        hidden = nn.functional.softplus
        return gradient_penalty(
            lambda x: network[2](hidden(nn.functional.linear(x, weight, network[0].bias))).squeeze(1), samples
        )

    weight = network[0].weight.detach().clone().requires_grad_(True)
    assert torch.autograd.gradcheck(penalty, (weight,))
