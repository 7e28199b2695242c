"""Dragging: handles go to their targets, and what cannot be dragged is refused."""

from typing import Any

import pytest
import torch

from gan import GANError, ImagePipeline
from gan.latent import dragging
from gan.latent.space import code_space


class Spot(torch.nn.Module):
    """Draws one bright spot, at the place that its code says: what dragging should do is known."""

    latent_dim, class_counts, device, dtype = 2, (), torch.device("cpu"), torch.float32

    def codes(self, latents: torch.Tensor, labels: None = None, truncation: float = 1.0) -> torch.Tensor:
        return torch.stack([latents, latents], dim=1)

    def draw(self, codes: torch.Tensor, return_features: bool = False) -> Any:
        places = torch.arange(32.0)
        x, y = (16 + 4 * codes[:, 0]).unbind(1)
        across = -(places[None, None, :] - x[:, None, None]).square()
        down = -(places[None, :, None] - y[:, None, None]).square()
        image = torch.exp((across + down) / 18)[:, None]
        return (image, [image, image]) if return_features else image


@pytest.mark.parametrize("target", [(22.0, 16.0), (16.0, 9.0), (11.0, 20.0)])
def test_a_spot_is_dragged_to_its_target(target: tuple[float, float]):
    spot = Spot()
    codes = spot.codes(torch.zeros(1, 2))
    steps = list(
        dragging.drag(spot, code_space(spot), codes, torch.tensor([[16.0, 16.0]]), torch.tensor([target]), 100)
    )
    place = 16 + 4 * steps[-1].codes[0, 0]
    assert (place - torch.tensor(target)).norm() < 1.5
    assert (steps[-1].handles[0] - torch.tensor(target)).norm() < 1.5
    assert torch.equal(steps[-1].codes[0, 1], codes[0, 1]) or len(steps) <= 100


def test_it_ends_when_all_have_arrived():
    spot = Spot()
    point = torch.tensor([[16.0, 16.0]])
    assert len(list(dragging.drag(spot, code_space(spot), spot.codes(torch.zeros(1, 2)), point, point, 100))) == 1


def test_what_is_found_is_interpolated():
    features = torch.arange(12.0).view(1, 1, 3, 4)
    points = torch.tensor([[0.0, 0], [3, 2], [1.5, 1]])
    assert torch.allclose(dragging.sample(features, points)[:, 0], torch.tensor([0.0, 11, 5.5]), atol=1e-5)


def test_a_feature_is_tracked():
    features = torch.rand(1, 8, 20, 20, generator=torch.Generator().manual_seed(0))
    handle = torch.tensor([[9.0, 11.0]])
    sought = dragging.sample(features, handle)
    moved = features.roll((1, -2), (2, 3))
    assert dragging.track(moved, handle, sought, dragging.disc(3)).tolist() == [[7.0, 12.0]]


def test_codes_change_step_by_step_and_keep_their_class(pipeline: ImagePipeline):
    start = pipeline.codes_of(3)
    steps = list(pipeline.drag(start, [(5, 5)], [(9, 5)], steps=3))
    assert len(steps) == 3
    for codes, handles in steps:
        assert codes.shape == start.shape and handles.shape == (1, 2)
        assert not torch.equal(codes, start) and torch.equal(codes[..., 12:], start[..., 12:])
        assert torch.equal(codes[:, -1], start[:, -1])  # the finest layer stays
    assert pipeline.draw(steps[-1].codes).images


def test_a_mask_holds_the_rest_back(pipeline: ImagePipeline):
    start = pipeline.codes_of(3)
    mask = torch.zeros(16, 16)
    mask[:, :8] = 1
    apart = []
    for given in (None, mask):
        codes = list(pipeline.drag(start, [(4, 8)], [(4, 12)], steps=15, mask=given))[-1].codes
        change = pipeline.draw_samples(codes) - pipeline.draw_samples(start)
        apart.append(float(change[..., 8:].abs().mean() / change[..., :8].abs().mean()))
    assert apart[1] < apart[0]


@pytest.mark.parametrize(
    ("handles", "targets", "message"),
    [
        ([(5, 5)], [(5, 16)], "outside the image, which has 16 columns and 16 rows"),
        ([(-1, 5)], [(5, 5)], "outside the image"),
        ([(float("nan"), 5)], [(5, 5)], "outside the image"),
        ([(5, 5)] * 100, [(6, 6)] * 100, "100 handles cannot be dragged at once; 16 are the most"),
        ([(5, 5)], [(5, 5), (6, 6)], "a target for each"),
        ([], [], "a target for each"),
        ([5, 5], [6, 6], "a target for each"),
        ("here", "there", "points"),
    ],
)
def test_points_that_cannot_be_dragged(pipeline: ImagePipeline, handles: Any, targets: Any, message: str):
    with pytest.raises(GANError, match=message):
        pipeline.drag(1, handles, targets)


def test_other_things_that_cannot_be_used(pipeline: ImagePipeline):
    points: tuple[Any, Any] = [(5, 5)], [(6, 6)]
    with pytest.raises(GANError, match="from 1 to 1,000"):
        pipeline.drag(1, *points, steps=0)
    with pytest.raises(GANError, match=r"mask of shape \(3, 3\)"):
        pipeline.drag(1, *points, mask=torch.ones(3, 3))
    for mask in (torch.full((16, 16), torch.nan), torch.full((16, 16), 255)):
        with pytest.raises(GANError, match="A mask is 1 where the image may change"):
            pipeline.drag(1, *points, mask=mask)
    for mask in ("here", [[1, 1], [1]]):
        with pytest.raises(GANError, match=r"array of \(height, width\), here \(16, 16\)"):
            pipeline.drag(1, *points, mask=mask)
    with pytest.raises(GANError, match="codes of 2"):
        pipeline.drag(pipeline.codes_of(1).repeat(2, 1, 1), *points)
