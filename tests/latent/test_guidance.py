"""Critic guidance: it climbs, a sample stays that of its seed, and models without a discriminator are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan import GANError, GANPipeline, ImagePipeline
from gan.latent.guidance import guide


def greys(pipeline: ImagePipeline, **settings: Any) -> np.ndarray:
    return np.stack([np.asarray(image, dtype=int) for image in pipeline(**settings).images])


def test_a_step_is_the_gradient_of_the_density(pipeline: ImagePipeline):
    latents, labels = pipeline.latents([1, 2])
    generator, critic = pipeline.generator, pipeline.critic()
    z = latents.clone().requires_grad_()
    logits = critic(generator(z, labels, 0.9), labels)
    (gradient,) = torch.autograd.grad(logits.sum(), z)
    guided = guide(generator, critic, latents, labels, 0.9, 1, 0.2)
    assert torch.allclose(guided, latents - 0.1 * (latents - gradient), atol=1e-6)
    free = guide(generator, critic, latents, labels, 0.9, 1, 0.2, prior=0.0)
    assert torch.allclose(free, latents + 0.1 * gradient, atol=1e-6)
    assert not guided.requires_grad and all(p.grad is None for p in critic.parameters())


def test_guidance_raises_the_density(pipeline: ImagePipeline):
    latents, labels = pipeline.latents(list(range(16)))

    def density(z: torch.Tensor) -> float:
        with torch.no_grad():
            logits = pipeline.critic()(pipeline.generator(z, labels), labels)
        return float((logits - z.square().sum(1) / 2).mean())

    found = [density(pipeline.guided(latents, labels, 1.0, steps, 0.1)) for steps in (0, 2, 5)]
    assert found == sorted(found) and found[0] < found[2]


def test_without_steps_nothing_changes(pipeline: ImagePipeline):
    assert np.array_equal(greys(pipeline, seed=3), greys(pipeline, seed=3, critic_steps=0))
    assert not np.array_equal(greys(pipeline, seed=3), greys(pipeline, seed=3, critic_steps=3, critic_step_size=0.2))


@pytest.mark.parametrize("labels", [["Ada", "Bob", "Cleo"], None])
@pytest.mark.parametrize("batch", [2, 7, 70])
def test_a_sample_is_that_of_its_seed_whatever_the_batch(
    make_pipeline: Callable[..., ImagePipeline], labels: list[str] | None, batch: int
):
    pipeline = make_pipeline(labels=labels)
    together = greys(pipeline, seed=5, num_images=batch, critic_steps=4, truncation=0.9)
    for k in (0, batch // 2, batch - 1):
        alone = greys(pipeline, seed=5 + k, critic_steps=4, truncation=0.9)[0]
        assert np.abs(together[k] - alone).max() <= 1  # grey level


def test_a_discriminator_that_was_left_out_is_loaded_when_it_is_needed(pipeline: ImagePipeline, tmp_path: Path):
    pipeline.save_pretrained(tmp_path / "model")
    light = GANPipeline.from_pretrained(tmp_path / "model", discriminator=None)
    assert light.discriminator is None
    expected = greys(pipeline, seed=2, critic_steps=2)
    assert np.abs(greys(light, seed=2, critic_steps=2) - expected).max() <= 1
    assert light.critic() is light.critic() and light.discriminator is None


def test_a_model_without_a_discriminator(pipeline: ImagePipeline, tmp_path: Path):
    vae = ImagePipeline(pipeline.generator, None, pipeline.labels)
    vae.save_pretrained(tmp_path / "model")
    for model in (vae, GANPipeline.from_pretrained(tmp_path / "model")):
        with pytest.raises(GANError, match="no discriminator, so critic guidance cannot be used"):
            model(seed=1, critic_steps=1)
        assert model(seed=1).images


@pytest.mark.parametrize("steps", [-1, 51, 1.5, True])
def test_steps_that_cannot_be_taken(pipeline: ImagePipeline, steps: Any):
    with pytest.raises(GANError, match="critic steps cannot be taken; they go from 0"):
        pipeline(seed=1, critic_steps=steps)


@pytest.mark.parametrize("size", [0, -0.1, 1.1, float("nan"), "large"])
def test_step_sizes_that_cannot_be_used(pipeline: ImagePipeline, size: Any):
    with pytest.raises(GANError, match="above 0 and at most 1"):
        pipeline(seed=1, critic_steps=1, critic_step_size=size)


def test_what_suits_a_model_is_stored_with_it(pipeline: ImagePipeline, tmp_path: Path):
    assert pipeline.guidance == {"steps": 5, "step_size": 0.06, "prior": 1.0}
    suited = ImagePipeline(
        pipeline.generator,
        pipeline.discriminator,
        pipeline.labels,
        guidance={"steps": 3, "step_size": 0.3, "prior": 0.0},
    )
    suited.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    assert loaded.guidance == {"steps": 3, "step_size": 0.3, "prior": 0.0}
    expected = greys(suited, seed=1, critic_steps=2, critic_step_size=0.3)
    assert np.abs(greys(loaded, seed=1, critic_steps=2) - expected).max() <= 1


def test_guidance_of_an_index_that_cannot_be_used(pipeline: ImagePipeline, tmp_path: Path):
    pipeline.register_to_config(guidance={"steps": 1000, "step_size": 0.1})
    pipeline.save_pretrained(tmp_path / "model")
    with pytest.raises(GANError, match="1000 critic steps cannot be taken"):
        GANPipeline.from_pretrained(tmp_path / "model")
