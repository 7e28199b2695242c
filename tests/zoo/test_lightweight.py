"""lightweight-gan: parity with release 1.2.1."""

import pytest
import torch
import torch.nn.functional as F

from gan.errors import GANError
from gan.zoo.checkpoint import read_checkpoint, stored
from gan.zoo.family import renamed
from gan.zoo.lightweight import read_discriminator

NAME = "lightweight-gan"


@torch.no_grad()
def test_parity(opened, reference, close):
    imported, wanted = opened(f"{NAME}.pt"), reference(NAME)
    generator, z = imported.generator, wanted["z"]
    assert close(generator(z, noise="none"), wanted["images_no_noise"])
    noise = [wanted[f"noise_{k}"] for k in range(4)]
    assert close(generator(z, noise=noise), wanted["images_psi1"])
    images = wanted["discriminator_images"]
    assert close(imported.discriminator(images)[:, None], wanted["discriminator_logits"])
    assert close(imported.discriminator.logits_of_32(images)[:, None], wanted["discriminator_logits_32"])


@torch.no_grad()
def test_parity_with_a_gate_and_several_logits(opened, reference, close):
    imported, wanted = opened(f"{NAME}-128.pt"), reference(f"{NAME}-128")
    assert close(imported.generator(wanted["z"], noise="none"), wanted["images_no_noise"])
    assert imported.discriminator(wanted["images_no_noise"]).shape == (2,)


@torch.no_grad()
def test_ranges(opened, reference):
    """The halves are in [-1, 1], as those of all others."""
    imported, z = opened(f"{NAME}.pt"), reference(NAME)["z"]
    generator, discriminator = imported.generator, imported.discriminator
    images, features = generator.draw(generator.codes(z), return_features=True)
    assert torch.allclose((images + 1) / 2, generator(z), atol=1e-6)
    assert [f.shape[-1] for f in features] == [4, 8, 16, 32, 64]
    seen = discriminator(generator(z), return_features=True)[1]
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(discriminator.features(images), seen))


@torch.no_grad()
def test_noise_is_the_same_for_every_image(opened, reference):
    generator, z = opened(f"{NAME}.pt").generator, reference(NAME)["z"]
    assert torch.equal(generator(z), generator(z))
    assert torch.allclose(generator(z)[1:], generator(z[1:]), atol=1e-5)
    assert not torch.equal(generator(z, noise="random"), generator(z, noise="random"))
    with pytest.raises(GANError, match="3 tensors of noise"):
        generator(z, noise=[torch.zeros(1)] * 3)


def test_gradients_of_gradients(opened, reference):
    discriminator = opened(f"{NAME}.pt").discriminator
    images = reference(NAME)["discriminator_images"].requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator.logits(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert images.grad is not None and images.grad.isfinite().all()


@torch.no_grad()
def test_a_discriminator_of_large_images_halves_them_first(opened, fixtures):
    known = opened("lightweight-gan.pt").discriminator
    critic = renamed(read_checkpoint(fixtures / "lightweight-gan.pt")["GAN"], "D.")
    weight, bias = torch.randn(3, 3, 4, 4), torch.randn(3)
    critic |= {"non_residual_layers.0.1.weight": stored(weight), "non_residual_layers.0.1.bias": stored(bias)}
    discriminator = read_discriminator(critic)
    images = torch.rand(2, 3, 128, 128)
    halved = F.leaky_relu(F.conv2d(images, weight, bias, stride=2, padding=1), 0.1)
    assert torch.equal(discriminator(images), known(halved))
    assert len(discriminator.resolutions()) == len(known.resolutions()) + 1
