"""Patches, the encoder, and the bound that it is trained by."""

import math
from typing import Any

import pytest
import torch

from gan import GANError, ImageDiscriminator, ImageEncoder, ImageGenerator
from gan.image.objectives import Autoencoder, gaussian_nll, kl_divergence

KINDS = {
    "grey": {"resolution": (28, 28), "image_channels": 1, "num_classes": 3, "channels": (24, 16, 16)},
    "colour": {"resolution": (8, 12), "image_channels": 3, "num_classes": 0, "channels": (24, 16)},
    "patches": {
        "resolution": (16, 24),
        "image_channels": 3,
        "num_classes": 3,
        "channels": (24, 16),
        "patch_size": 2,
    },
}


def make(kind: type[Any], name: str, **more: Any) -> Any:
    torch.manual_seed(0)
    network = kind(**KINDS[name], **more)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return network


def pictures(name: str, count: int) -> torch.Tensor:
    source = torch.Generator().manual_seed(1)
    config = KINDS[name]
    return torch.rand(count, config["image_channels"], *config["resolution"], generator=source) * 2 - 1


@pytest.mark.parametrize("name", KINDS)
def test_shapes(name: str) -> None:
    output = make(ImageEncoder, name, latent_dim=5)(pictures(name, 4))
    assert output.mean.shape == output.log_variance.shape == (4, 5)
    assert (output.class_logits is None) if name == "colour" else (output.class_logits.shape == (4, 3))


def test_at_first_it_is_as_unsure_as_the_prior() -> None:
    output = ImageEncoder(**KINDS["grey"])(pictures("grey", 4))
    assert torch.equal(output.log_variance, torch.zeros(4, 64))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_a_code_does_not_depend_on_the_batch(name: str, memory: torch.memory_format) -> None:
    encoder = make(ImageEncoder, name).eval().to(memory_format=torch.channels_last)
    images = pictures(name, 17).to(memory_format=memory)
    with torch.inference_mode():
        together = encoder(images)
        for count in (1, 2, 16):
            parts = [encoder(part) for part in images.split(count)]
            for key, value in together.items():
                assert value is None or torch.equal(torch.cat([part[key] for part in parts]), value), (count, key)


def test_it_is_about_as_large_as_the_discriminator() -> None:
    sizes = [sum(p.numel() for p in make(kind, "grey").parameters()) for kind in (ImageEncoder, ImageDiscriminator)]
    assert 0.8 < sizes[0] / sizes[1] < 1.25


def test_a_resolution_that_cannot_be_used() -> None:
    with pytest.raises(GANError, match="30x30"):
        ImageEncoder(resolution=(30, 30))


# Patches


def test_patches_are_drawn_by_stages_of_half_the_sides() -> None:
    generator, discriminator = make(ImageGenerator, "patches"), make(ImageDiscriminator, "patches")
    latents, labels = torch.randn(2, 64), torch.tensor([0, 2])
    samples, features = generator.draw(generator.codes(latents, labels), return_features=True)
    assert samples.shape == (2, 3, 16, 24) and [x.shape[2:] for x in features] == [(4, 6), (8, 12)]
    assert torch.equal(samples, generator(latents, labels))
    logits, features = discriminator(samples, labels, return_features=True)
    assert logits.shape == (2,) and [x.shape[2:] for x in features] == [(8, 12), (4, 6)]


@pytest.mark.parametrize("patch_size", [0, 3])
def test_patches_that_do_not_fit(patch_size: int) -> None:
    with pytest.raises(GANError, match=f"16x24 cannot be cut into patches of {patch_size}x{patch_size}"):
        ImageGenerator(**KINDS["patches"] | {"patch_size": patch_size})


# The two in one


def test_every_other_picture_is_rebuilt() -> None:
    generator, encoder = make(ImageGenerator, "grey", latent_dim=5), make(ImageEncoder, "grey", latent_dim=5)
    noise, labels, images = torch.randn(5, 5), torch.tensor([0, 1, 2, 0, 1]), pictures("grey", 3)
    outputs = Autoencoder(generator, encoder)(noise, labels, images, every=2)
    code = encoder(images)
    latents = noise.clone()
    latents[[0, 2, 4]] = code.mean + torch.exp(code.log_variance / 2) * noise[[0, 2, 4]]
    assert torch.allclose(outputs["samples"], generator(latents, labels), atol=1e-5)
    assert torch.equal(outputs["mean"], code.mean) and torch.equal(outputs["class_logits"][0], code.class_logits)


def test_both_learn_and_the_noise_is_left_as_it_was() -> None:
    generator, encoder = make(ImageGenerator, "colour", latent_dim=5), make(ImageEncoder, "colour", latent_dim=5)
    noise = torch.randn(4, 5)
    before = noise.clone()
    outputs = Autoencoder(generator, encoder)(noise, None, pictures("colour", 4))
    (gaussian_nll(outputs["samples"], pictures("colour", 4)) + outputs["log_variance"].sum()).backward()
    assert all(p.grad is not None for p in [*generator.parameters(), *encoder.parameters()])
    assert torch.equal(noise, before) and "class_logits" not in outputs


# The bound


def test_the_likelihood_is_that_of_the_best_variance() -> None:
    prediction, target = torch.randn(50, 4, requires_grad=True), torch.randn(50, 4)
    nll = gaussian_nll(prediction, target)
    error = (prediction - target).square().mean()
    assert nll.item() == pytest.approx(0.5 * (1 + math.log(error.item())))
    for variance in (0.5 * error, 0.9 * error, 1.1 * error, 2 * error):
        assert nll < 0.5 * (error / variance + variance.log())
    (gradient,) = torch.autograd.grad(nll, prediction)
    (expected,) = torch.autograd.grad(0.5 * (prediction - target).square().mean().log(), prediction)
    assert torch.allclose(gradient, expected)


def test_a_perfect_picture_has_a_finite_likelihood() -> None:
    same = torch.zeros(3, 4, requires_grad=True)
    nll = gaussian_nll(same, torch.zeros(3, 4))
    nll.backward()
    assert nll.isfinite() and same.grad.abs().sum() == 0


def test_the_divergence_is_that_of_two_gaussians() -> None:
    mean, log_variance = torch.randn(6, 5), torch.randn(6, 5)
    one = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    expected = torch.distributions.kl_divergence(one, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    assert kl_divergence(mean, log_variance).item() == pytest.approx(expected.item(), rel=1e-5)
    assert kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


def test_the_features_of_the_discriminator_are_its_stages() -> None:
    discriminator = make(ImageDiscriminator, "grey")
    images, labels = pictures("grey", 2), torch.tensor([0, 1])
    logits, features = discriminator(images, labels, return_features=True)
    assert [tuple(x.shape) for x in features] == [(2, 16, 28, 28), (2, 16, 14, 14), (2, 24, 7, 7)]
    assert torch.equal(features[-1], discriminator.stages(images))
    assert torch.equal(logits, discriminator(images, labels))
    assert torch.equal(logits, discriminator.logits(images, labels))
