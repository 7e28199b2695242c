"""StyleGAN2: parity with NVIDIA's and rosinality's code."""

import pytest
import torch

from gan.errors import GANError
from gan.zoo import rosinality
from gan.zoo.checkpoint import read_checkpoint
from gan.zoo.opening import open_checkpoint
from gan.zoo.resample import around, resample
from gan.zoo.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator

NVIDIA = [  # kinds of the generator and the discriminator:
    "stylegan2-ada-conditional",  # skip, resnet
    "stylegan2-ada-unconditional",  # the same
    "stylegan2-ada-orig",  # orig, orig; conditional, with other widths in the mapping networks, and no layers in one
    "stylegan2-ada-resnet",  # resnet, skip
    "stylegan2-ada-filter",  # the same, grey, without noise and clamps, resampled with three taps
]


@pytest.mark.parametrize("name", NVIDIA)
@torch.no_grad()
def test_parity(opened, reference, close, check_generator, check_discriminator, name):
    imported, wanted = opened(f"{name}.pkl"), reference(name)
    check_generator(imported.generator, wanted)
    assert close(imported.generator(wanted["z"], wanted.get("labels"), noise="none"), wanted["images_no_noise"])
    check_discriminator(imported.discriminator, wanted)


@pytest.mark.parametrize("name", NVIDIA)
@torch.no_grad()
def test_seeds_are_those_of_the_original(opened, reference, close, name):
    generator, wanted = opened(f"{name}.pkl").generator, reference(name)
    assert torch.equal(generator.latent(7)[None], wanted["z_seed_7"])
    labels = wanted.get("label_seed_7")
    assert close(generator(wanted["z_seed_7"], labels), wanted["image_seed_7"])
    if labels is not None:
        assert torch.equal(generator(wanted["z_seed_7"], labels.argmax(1)), generator(wanted["z_seed_7"], labels))


@torch.no_grad()
def test_parity_with_rosinality(opened, reference, close, check_generator, check_discriminator):
    imported, wanted = opened("rosinality-stylegan2.pt"), reference("rosinality-stylegan2")
    check_generator(imported.generator, wanted)
    assert close(imported.generator(wanted["z"], noise="none"), wanted["images_no_noise"])
    check_discriminator(imported.discriminator, wanted)


def test_a_training_checkpoint_of_rosinality_has_no_average(fixtures, opened):
    content = read_checkpoint(fixtures / "rosinality-stylegan2.pt")
    del content["latent_avg"]
    imported = rosinality.recognise(content)
    assert any("average of w" in note for note in imported.notes)
    generator = imported.generator
    with torch.no_grad():
        z = torch.randn(4096, 8, generator=torch.Generator().manual_seed(1))
        mean = generator.codes(z)[:, 0].mean(0)
    assert torch.allclose(generator.mapping.w_avg, mean, atol=0.05 * float(mean.abs().max()))


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@torch.no_grad()
def test_layers_of_each_kind(architecture):
    generator = StyleGAN2Generator(
        (16, 16), latent_dim=4, mapping_widths=(4,), channels=(4, 4, 4), architecture=architecture
    )
    assert generator.codes(torch.randn(1, 4)).shape == (1, 6, 4) and len(generator.code_weights()) == 6
    names = {name.split(".")[1] for name in generator.state_dict() if ".torgb." in name}
    assert names == ({"b4", "b8", "b16"} if architecture == "skip" else {"b16"})
    skips = [name for name in generator.state_dict() if "skip" in name]
    assert len(skips) == (2 if architecture == "resnet" else 0)


@pytest.mark.parametrize("shape", [(65, 4), (0,), (), (2, 2, 2)])
def test_filters_that_cannot_be(shape):
    for kind in (StyleGAN2Generator, StyleGAN2Discriminator):
        with pytest.raises(GANError, match="at most 64 a side"):
            kind(filter_shape=shape)


@pytest.mark.parametrize(("shape", "low", "high"), [((4, 4), 1, 1), ((3, 3), 1, 0), ((1, 1), 0, -1), ((9,), 4, 3)])
def test_a_filter_of_any_length_keeps_images_in_place(shape, low, high):
    x, kernel = torch.rand(1, 2, 8, 8), torch.rand(shape)
    assert around(kernel, down=2) == (low, high) * 2 and around(kernel, up=2) == (low + 1, high) * 2
    assert resample(x, kernel, around(kernel, down=2), down=2).shape[2:] == (4, 4)
    assert resample(x, kernel, around(kernel, up=2), up=2).shape[2:] == (16, 16)


def test_gradients_of_gradients(opened, reference):
    imported, wanted = opened("stylegan2-ada-conditional.pkl"), reference("stylegan2-ada-conditional")
    images = wanted["discriminator_images"].requires_grad_()
    logits = imported.discriminator.logits(images, wanted["discriminator_labels"])
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert images.grad is not None and images.grad.isfinite().all()


@torch.no_grad()
def test_bfloat16(reference, fixtures):
    """Half the memory, and almost the same image."""
    generator = open_checkpoint(fixtures / "stylegan2-ada-conditional.pkl").generator
    wanted = reference("stylegan2-ada-conditional")
    exact = wanted["images_psi1"]
    found = generator.bfloat16()(wanted["z"].bfloat16(), wanted["labels"].bfloat16())
    assert found.dtype == torch.bfloat16 and float((found - exact).abs().mean() / exact.abs().max()) < 0.02


@torch.no_grad()
def test_noise(opened, reference):
    imported, wanted = opened("stylegan2-ada-conditional.pkl"), reference("stylegan2-ada-conditional")
    generator, z, labels = imported.generator, wanted["z"], wanted["labels"]
    first, second = (generator(z, labels, noise="random") for _ in range(2))
    assert not torch.equal(first, second)
    with pytest.raises(GANError, match="no noise 'loud'"):
        generator(z, labels, noise="loud")
    images, features = generator.draw(generator.codes(z, labels), return_features=True)
    assert torch.equal(images, generator(z, labels)) and [f.shape[-1] for f in features] == [4, 8, 16, 32]
