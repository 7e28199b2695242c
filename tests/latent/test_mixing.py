"""Mixing: layers of one sample in another."""

from typing import Any

import numpy as np
import pytest
import torch

from gan import GANError, ImagePipeline
from gan.latent.mixing import chosen_layers, mix


@pytest.mark.parametrize("count", [3, 4, 5, 9, 18])
def test_presets_share_out_all_layers(count: int):
    parts = [chosen_layers(preset, count) for preset in ("coarse", "middle", "fine")]
    assert [layer for part in parts for layer in part] == list(range(count))
    assert all(parts) and len(parts[0]) >= len(parts[2])


def test_ends(pipeline: ImagePipeline):
    everything, first, second = range(4), pipeline.codes_of(1), pipeline.codes_of(2)
    assert torch.equal(pipeline.mix(1, 2, list(everything)).codes, second)
    mixed = pipeline.mix(1, 2, "fine").codes
    fine = chosen_layers("fine", first.shape[1])
    assert torch.equal(mixed[:, fine], second[:, fine]) and torch.equal(mixed[:, : fine[0]], first[:, : fine[0]])
    assert not np.array_equal(*(np.asarray(pipeline.mix(1, 2, layers).images[0]) for layers in ("fine", "coarse")))


def test_one_with_many(pipeline: ImagePipeline):
    several = torch.cat([pipeline.codes_of(seed) for seed in range(3)])
    assert len(pipeline.mix(7, several).images) == 3
    with pytest.raises(GANError, match="2 samples cannot be mixed with 3"):
        pipeline.mix(several[:2], several)


def test_what_one_method_returns_the_next_one_takes(pipeline: ImagePipeline):
    picture = pipeline(seed=3).images[0]
    found = pipeline.invert(picture, steps=1)
    (dragged,) = pipeline.drag(found, [(5, 5)], [(6, 6)], steps=1)
    mixed = pipeline.mix(dragged, pipeline.edit(found, {}))
    assert torch.equal(mixed.codes, pipeline.mix(dragged.codes, found.codes).codes)
    with pytest.raises(GANError, match="This output has no codes"):
        pipeline.edit(pipeline(seed=3), {})


def test_an_index_is_a_layer(pipeline: ImagePipeline):
    assert torch.equal(pipeline.mix(1, 2, 3).codes, pipeline.mix(1, 2, [3]).codes)


def test_a_model_with_too_few_layers_for_a_preset():
    with pytest.raises(GANError, match="no fine layers: of 1 in all, there are coarse ones"):
        mix(torch.zeros(1, 1, 4), torch.ones(1, 1, 4), "fine")


@pytest.mark.parametrize("layers", ["finest", [0, 99], [], [-1], [0.5], 99, None])
def test_layers_that_are_not_there(pipeline: ImagePipeline, layers: Any):
    with pytest.raises(GANError, match=r"no 'finest' layers; choose|cannot be mixed; this model has those"):
        pipeline.mix(1, 2, layers)


def test_a_seed_and_its_codes_are_the_same_sample(pipeline: ImagePipeline):
    settings: dict[str, Any] = {"label": "Bob", "truncation": 0.7}
    drawn = pipeline.draw(pipeline.codes_of(5, **settings))
    expected = pipeline(seed=5, **settings)
    assert np.array_equal(np.asarray(drawn.images[0]), np.asarray(expected.images[0]))
    assert drawn.labels is None and torch.equal(pipeline.draw(drawn.codes).codes, drawn.codes)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (torch.zeros(1, 2, 3), r"shape \(1, 2, 3\) cannot be used; those of this model are \(n, 4, 29\)"),
        (torch.full((1, 4, 29), torch.nan), "not all finite"),
        (torch.zeros(0, 4, 29), "cannot be used"),
        (-1, "seed"),
        (0.5, "seed"),
        (np.zeros((1, 4, 29)), "A ndarray is no sample; give a seed, or codes"),
        (None, "A NoneType is no sample"),
    ],
)
def test_codes_that_cannot_be_used(pipeline: ImagePipeline, codes: Any, message: str):
    with pytest.raises(GANError, match=message):
        pipeline.draw(codes) if isinstance(codes, torch.Tensor) else pipeline.edit(codes, {})
