"""The procedural letters: shapes, determinism, balance, and that they can be told apart and read."""

import pytest
import torch

from gan.image.glyphs import CLASS_NAMES, draw_glyphs


@pytest.fixture(scope="module")
def letters() -> tuple[torch.Tensor, torch.Tensor]:
    return draw_glyphs(26 * 20, (32, 32), seed=0)


@pytest.mark.parametrize("resolution", [(32, 32), (28, 28), (96, 64), (17, 40)])
def test_shapes_and_types(resolution: tuple[int, int]) -> None:
    images, labels = draw_glyphs(3, resolution, seed=1)
    assert images.shape == (3, 3, *resolution)
    assert images.dtype == torch.uint8
    assert labels.shape == (3,)
    assert labels.dtype == torch.int64


def test_no_letters() -> None:
    images, labels = draw_glyphs(0, (32, 32), seed=0)
    assert images.shape == (0, 3, 32, 32)
    assert labels.shape == (0,)


def test_repeats_exactly_and_leaves_global_randomness_alone() -> None:
    state = torch.get_rng_state()
    first, second = draw_glyphs(30, (32, 32), seed=5)[0], draw_glyphs(30, (32, 32), seed=5)[0]
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, draw_glyphs(30, (32, 32), seed=6)[0])


def test_a_short_draw_is_the_beginning_of_a_long_one(letters: tuple[torch.Tensor, torch.Tensor]) -> None:
    # 70 pictures end within the second chunk of 32x32 pictures.
    images, labels = draw_glyphs(70, (32, 32), seed=0)
    assert torch.equal(images, letters[0][:70])
    assert torch.equal(labels, letters[1][:70])


def test_classes_are_balanced(letters: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert "".join(CLASS_NAMES) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert torch.bincount(letters[1], minlength=26).tolist() == [20] * 26


def _ink(images: torch.Tensor) -> torch.Tensor:
    """How far each pixel [n, height, width] is from the colour of the picture's border, 0..1 within a picture."""
    images = images.float()
    border = torch.cat([images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]], dim=2)
    difference = (images - border.median(dim=2).values[:, :, None, None]).norm(dim=1)
    return difference / difference.amax(dim=(1, 2), keepdim=True)


def test_letters_can_be_told_apart(letters: tuple[torch.Tensor, torch.Tensor]) -> None:
    images, labels = letters
    ink = _ink(images)
    means = torch.stack([ink[labels == label].mean(0) for label in range(26)]).flatten(1)
    difference = torch.cdist(means, means, p=1) / means.shape[1] + torch.eye(26)
    assert difference.min() > 0.04  # I and T are the closest
    # A picture that was not averaged in is nearer to the mean of its own class far more often than one time in 26.
    others, truth = draw_glyphs(26 * 10, (32, 32), seed=1)
    guess = torch.cdist(_ink(others).flatten(1), means).argmin(1)
    assert (guess == truth).float().mean() > 0.35


@pytest.mark.parametrize("resolution", [(32, 32), (28, 28), (64, 64)])
def test_contrast_is_enough_to_read(resolution: tuple[int, int]) -> None:
    images, _ = draw_glyphs(104, resolution, seed=2)
    luma = (images / 255 * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1).flatten(1)
    assert (luma.amax(1) - luma.amin(1)).min() > 0.35


def test_every_picture_holds_a_letter_of_sensible_size(letters: tuple[torch.Tensor, torch.Tensor]) -> None:
    covered = (_ink(letters[0]) > 0.4).float().mean((1, 2))
    assert covered.min() > 0.03
    assert covered.max() < 0.75


def test_backgrounds_are_smooth(letters: tuple[torch.Tensor, torch.Tensor]) -> None:
    corner = letters[0][:, :, :2, :2].int()
    steps = (corner[:, :, 0] - corner[:, :, 1]).abs().amax((1, 2))
    assert steps.median() <= 3
