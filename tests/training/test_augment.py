"""Differentiable augmentation: what it does, how much, and that gradients go through it twice."""

import pytest
import torch
from torch import Tensor

from gan.training.augment import BRIGHTNESS, CONTRAST, SHIFT, _resampling_matrix, augment
from gan.training.losses import gradient_penalty
from gan.training.randomness import StepRandom


def pictures(n: int, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def flat(n: int, value: float, channels: int = 3, side: int = 16) -> Tensor:
    return torch.full((n, channels, side, side), value)


def test_nothing_happens_at_probability_zero() -> None:
    images = pictures(4)
    assert augment(images, 0.0, StepRandom(0, 0)) is images


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 32, 32), (3, 24, 16), (1, 20, 36)])
def test_shapes(channels: int, height: int, width: int) -> None:
    images = pictures(5, channels, height, width)
    out = augment(images, 1.0, StepRandom(0, 0))
    assert out.shape == images.shape
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    assert not torch.equal(out, images)


def test_it_depends_on_the_step_alone() -> None:
    images = pictures(8)
    torch.manual_seed(1)
    first = augment(images, 0.7, StepRandom(0, 3))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(augment(images, 0.7, StepRandom(0, 3)), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(augment(images, 0.7, StepRandom(0, 4)), first)


def test_every_picture_has_chances_of_its_own() -> None:
    out = augment(pictures(1).expand(64, -1, -1, -1), 0.5, StepRandom(0, 0))
    assert len({picture.numpy().tobytes() for picture in out}) > 48


@pytest.mark.parametrize("p", [0.2, 0.5, 1.0])
def test_each_transformation_comes_with_probability_p(p: float) -> None:
    # Black pictures: only brightness changes them where there is no hole (and a hole takes a quarter at most).
    out = augment(flat(2000, 0.0), p, StepRandom(0, 0)).flatten(1)
    changed = (out.abs().amax(1) > 0).float().mean()
    assert changed == pytest.approx(p, abs=0.04)
    # White ones: contrast and brightness aside, a hole is where they are black.
    holes = (augment(flat(2000, 1.0), p, StepRandom(0, 1))[:, 0] == 0).float().mean((1, 2))
    assert (holes > 0).float().mean() == pytest.approx(p, abs=0.04)
    assert holes.max() <= 0.25 + 0.07  # half a side by half a side, give or take a pixel
    most_likely = torch.quantile(holes[holes > 0], 0.75)
    assert most_likely >= 0.2


def test_strengths() -> None:
    offsets = augment(flat(4000, 0.0), 1.0, StepRandom(0, 0))[:, 0].flatten(1)
    offsets = torch.where(offsets.amax(1) > 0, offsets.amax(1), offsets.amin(1))
    assert offsets.std() == pytest.approx(BRIGHTNESS, rel=0.05)
    assert offsets.mean().abs() < 0.02
    pair = [augment(flat(4000, value), 1.0, StepRandom(0, 0))[:, 0].flatten(1) for value in (1.0, 0.0)]
    factors = (pair[0] - pair[1]).amax(1)  # the same chances, so the offsets cancel
    assert torch.log2(factors).std() == pytest.approx(CONTRAST, rel=0.05)
    assert torch.log2(factors).median().abs() < 0.05


def test_colours_fade_and_glow_but_grey_stays_grey() -> None:
    grey = pictures(64, 1).expand(-1, 3, -1, -1)
    out = augment(grey, 1.0, StepRandom(0, 0))
    assert torch.allclose(out[:, 0], out[:, 1], atol=1e-5)
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(64, -1, 16, 16)
    out = augment(red, 1.0, StepRandom(0, 0))
    spread = (out[:, 0] - out[:, 1]).flatten(1).amax(1)
    assert spread.min() < 0.7
    assert spread.max() > 5
    assert spread.min() > 0  # never turned round


def test_pictures_are_never_mirrored_or_turned_upside_down() -> None:
    images = flat(500, 1.0)
    images[:, :, 8:] = -1
    out = augment(images, 1.0, StepRandom(0, 0))
    assert (out[:, :, :8].mean((1, 2, 3)) > out[:, :, 8:].mean((1, 2, 3))).all()
    out = augment(images.mT, 1.0, StepRandom(0, 0))
    assert (out[..., :8].mean((1, 2, 3)) > out[..., 8:].mean((1, 2, 3))).all()


# Geometry


def matrix(size: int, zoom: float, shift: float) -> Tensor:
    return _resampling_matrix(size, torch.tensor([zoom]), torch.tensor([shift]))[0]


@pytest.mark.parametrize("size", [7, 16, 28])
def test_geometry_that_does_nothing(size: int) -> None:
    assert torch.allclose(matrix(size, 1.0, 0.0), torch.eye(size), atol=1e-5)


@pytest.mark.parametrize("zoom", [0.5, 0.83, 1.0, 1.7])
@pytest.mark.parametrize("shift", [-SHIFT, 0.0, 0.03, SHIFT])
def test_every_pixel_is_a_mean_of_pixels(zoom: float, shift: float) -> None:
    rows = matrix(20, zoom, shift)
    assert rows.min() >= 0
    assert torch.allclose(rows.sum(1), torch.ones(20), atol=1e-4)
    assert (rows > 1e-4).sum(1).max() <= 2  # of two neighbours


def test_a_shift_by_whole_pixels_reflects_at_the_border() -> None:
    line = torch.arange(16.0)
    assert torch.allclose(matrix(16, 1.0, 2 / 16) @ line, torch.tensor([2.0, 1.0, *range(14)]), atol=1e-4)
    assert torch.allclose(matrix(16, 1.0, -2 / 16) @ line, torch.tensor([*range(2, 16), 14.0, 13.0]), atol=1e-4)


def test_a_zoom() -> None:
    line = torch.arange(9.0)
    assert torch.allclose(matrix(9, 2.0, 0.0) @ line, 4 + (line - 4) / 2, atol=1e-4)


# Gradients


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_gradients_are_those_of_finite_differences(p: float) -> None:
    images, direction, weights = pictures(6), pictures(6).flip(0), pictures(6).flip(1)

    def value(x: Tensor) -> Tensor:
        return (augment(x, p, StepRandom(0, 1)) * weights).sum()

    leaf = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(value(leaf), leaf)
    slope = (value(images + 0.5 * direction) - value(images - 0.5 * direction)).item()  # exact: it is affine
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-3, abs=1e-2)


def test_penalties_go_through_it() -> None:
    images = pictures(6)
    weight = torch.ones(3, 16, 16, requires_grad=True)

    def logits(x: Tensor) -> Tensor:
        return (augment(x, 1.0, StepRandom(0, 1)) * weight).sum((1, 2, 3)).square()

    gradient_penalty(logits, images).backward()
    assert weight.grad is not None
    assert weight.grad.isfinite().all()
    assert weight.grad.abs().sum() > 0
