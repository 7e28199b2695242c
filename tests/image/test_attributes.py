"""Attributes of images, of shapes that are known."""

from typing import Any

import pytest
import torch

from gan.image.attributes import attributes


def rectangle(
    left: int = 8,
    top: int = 8,
    width: int = 8,
    height: int = 8,
    colour: tuple[float, ...] = (0.5,),
    ground: float = -1,
) -> torch.Tensor:
    image = torch.full((1, len(colour), 32, 32), float(ground))
    image[0, :, top : top + height, left : left + width] = torch.tensor(colour)[:, None, None]
    return image


def measured(**settings: Any) -> dict[str, float]:
    return {name: float(value) for name, value in attributes(rectangle(**settings)).items()}


def test_a_rectangle():
    found = measured(left=4, top=10, width=16, height=8)
    assert found["width"] == pytest.approx(16 / 32, abs=0.03) and found["height"] == pytest.approx(8 / 32, abs=0.03)
    assert found["ink"] == pytest.approx(16 * 8 / 32**2, abs=0.01)
    assert found["x"] == pytest.approx((4 + 7.5) / 31 - 0.5, abs=0.01)
    assert found["y"] == pytest.approx((10 + 3.5) / 31 - 0.5, abs=0.01)
    assert found["brightness"] == pytest.approx(0.5) and found["contrast"] == pytest.approx(0, abs=0.01)
    assert found["slant"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("ground", [-1.0, 1.0])
def test_the_background_may_be_dark_or_light(ground: float):
    assert measured(colour=(0.0,), ground=ground)["ink"] == pytest.approx(64 / 1024, abs=0.01)


def test_symmetry_and_slant():
    assert measured(left=12, width=8)["symmetry"] == pytest.approx(1)
    assert measured(left=0, width=8)["symmetry"] < 0.5
    leaning = torch.full((1, 1, 32, 32), -1.0)
    for row in range(8, 24):
        leaning[0, 0, row, 28 - row : 32 - row] = 1  # its top leans to the right
    assert attributes(leaning)["slant"] > 0.5 and attributes(leaning.flip(3))["slant"] < -0.5


def test_colours():
    red, green, blue, grey = (
        measured(colour=colour) for colour in ((1, -1, -1), (-1, 1, -1), (-1, -1, 1), (0.2, 0.2, 0.2))
    )
    assert red["redness"] > 1 and green["redness"] < -1 and abs(grey["redness"]) < 0.01
    assert red["warmth"] > 0.5 and blue["warmth"] < -1
    assert min(red["saturation"], blue["saturation"]) > 1.9 and grey["saturation"] < 0.01
    assert "redness" not in measured()


def test_detail_is_sharp():
    stripes = rectangle(width=16, height=16)
    stripes[..., 8:24, 8:24:2] = -0.2
    smooth = rectangle(width=16, height=16)
    smooth[..., 8:24, 8:16] = -0.2
    assert attributes(stripes)["sharpness"] > 2 * attributes(smooth)["sharpness"]


def test_gradients_are_finite_even_of_nothing():
    image = torch.zeros(2, 3, 16, 16, requires_grad=True)
    found = attributes(image)
    torch.stack(list(found.values())).sum().backward()
    assert image.grad is not None and image.grad.isfinite().all()
    assert all(value.isfinite().all() for value in found.values())
