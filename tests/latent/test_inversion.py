"""Inversion: an image is found again in code space, with an encoder and without."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan import GANError, ImagePipeline
from gan.latent.inversion import ImageDistance, nearest_start


def error(pipeline: ImagePipeline, codes: torch.Tensor, image: Image.Image) -> float:
    found = np.asarray(pipeline.draw(codes).images[0], dtype=float)
    return float(np.sqrt(np.square(found - np.asarray(image, dtype=float)).mean()) / 127.5)


@pytest.mark.parametrize("labels", [["Ada", "Bob", "Cleo"], None])
def test_an_image_of_the_model_is_found_again(make_pipeline: Callable[..., ImagePipeline], labels: list[str] | None):
    pipeline = make_pipeline(labels=labels)
    image = pipeline(seed=1000).images[0]  # not among the seeds where it starts
    found = pipeline.invert(image, steps=60)
    assert found.codes.shape == (1, *pipeline.code_shape) and found.losses.shape == (61, 1)
    start = pipeline.invert(image, steps=0)
    assert error(pipeline, found.codes, image) < 0.5 * error(pipeline, start.codes, image)
    assert float(found.losses[-1]) < 0.5 * float(found.losses[0])
    assert torch.equal(found.codes[..., -1], torch.ones(found.codes.shape[:2]))  # the gain is left alone


def test_without_a_discriminator_pixels_are_compared(pipeline: ImagePipeline):
    bare = ImagePipeline(pipeline.generator, None, pipeline.labels)
    image = bare(seed=1000).images[0]
    found = bare.invert(image, steps=30)
    assert found.losses[-1] < found.losses[0]


def test_it_starts_from_what_the_encoder_sees(with_encoder: ImagePipeline):
    image = with_encoder(seed=3).images[0]
    start = with_encoder.invert(image, steps=0).codes
    assert torch.allclose(start, with_encoder.codes_from(*with_encoder.encode(image)), atol=1e-5)


def test_without_an_encoder_it_starts_from_the_best_seed(pipeline: ImagePipeline):
    image = pipeline(seed=77).images[0]
    assert torch.allclose(pipeline.invert(image, steps=0).codes, pipeline.codes_of(77), atol=1e-5)


def test_the_nearest_start_of_each_target():
    images = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    codes = torch.arange(5.0).view(5, 1, 1)
    distance = ImageDistance(images[[3, 1]] + 0.01, None)
    assert nearest_start(distance, codes, images).flatten().tolist() == [3, 1]


def test_several_images_of_any_size(pipeline: ImagePipeline):
    images = [Image.new("RGB", (50, 30), "red"), Image.new("L", (8, 8), 200)]
    assert pipeline.invert(images, steps=2).codes.shape[0] == 2


def test_it_can_be_cancelled(pipeline: ImagePipeline):
    inverting = pipeline.inverting(Image.new("RGB", (16, 16), "red"), steps=100)
    found = [next(inverting) for _ in range(3)]
    inverting.close()  # type: ignore[attr-defined]
    assert pipeline.draw(found[-1].codes).images


def test_inversions_can_be_edited(pipeline: ImagePipeline):
    found = pipeline.invert(pipeline(seed=5).images[0], steps=2)
    assert pipeline.mix(found.codes, 9, "fine").images


@pytest.mark.parametrize("steps", [-1, 2001, 1.5, True])
def test_steps_that_cannot_be_taken(pipeline: ImagePipeline, steps: Any):
    with pytest.raises(GANError, match="an inversion takes from 0 to 2,000"):
        pipeline.invert(Image.new("RGB", (16, 16)), steps=steps)


@pytest.mark.parametrize("image", ["picture.png", [], None])
def test_what_is_no_image(pipeline: ImagePipeline, image: Any):
    with pytest.raises(GANError):
        pipeline.invert(image, steps=1)
