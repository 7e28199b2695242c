"""DCGAN: parity with what PyTorch's tutorial computes, both layouts."""

import pytest
import torch

from gan.errors import GANError
from gan.zoo import dcgan
from gan.zoo.checkpoint import stored
from gan.zoo.opening import open_checkpoint


@pytest.fixture(scope="module")
def networks(opened):
    return opened("dcgan-tutorial.pth", "dcgan-tutorial-netD.pth")


@torch.no_grad()
def test_parity(networks, reference, close):
    wanted = reference("dcgan-tutorial")
    assert close(networks.generator(wanted["z"]), wanted["images_psi1"])
    logits = networks.discriminator(wanted["discriminator_images"])
    assert close(logits, wanted["discriminator_logits"])
    assert close(logits.sigmoid(), wanted["discriminator_probabilities"])


@torch.no_grad()
def test_codes_and_draw_are_forward(networks, reference):
    generator, z = networks.generator, reference("dcgan-tutorial")["z"]
    codes = generator.codes(z, truncation=0.7)
    samples, features = generator.draw(codes, return_features=True)
    assert torch.equal(samples, generator(z, truncation=0.7))
    assert codes.shape == (3, 1, 16) and [f.shape[-1] for f in features] == [4, 8, 16, 32]
    assert generator.code_weights()[0].shape == (32 * 16, 16)


@pytest.mark.parametrize("prefix", ["model.", "module.main.", "module.model."])
@torch.no_grad()
def test_other_names_of_the_same_layers(networks, prefix):
    state = {name.replace("main.", prefix): stored(t) for name, t in networks.generator.state_dict().items()}
    imported = dcgan.recognise(state)
    z = torch.randn(2, 16)
    assert torch.equal(imported.generator(z), networks.generator(z))


def test_a_discriminator_alone_is_named(fixtures):
    with pytest.raises(GANError, match="discriminator of a DCGAN"):
        open_checkpoint(fixtures / "dcgan-tutorial-netD.pth")
    with pytest.raises(GANError, match="not the discriminator of a DCGAN"):
        open_checkpoint(fixtures / "dcgan-tutorial.pth", fixtures / "dcgan-tutorial.pth")


def test_gradients_of_gradients(networks):
    images = torch.randn(2, 3, 64, 64, requires_grad=True)
    (gradient,) = torch.autograd.grad(networks.discriminator.logits(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert images.grad is not None and images.grad.isfinite().all()
