"""StyleGAN3, configurations T and R: parity with NVIDIA's code."""

import pytest
import torch
import torch.nn.functional as F

from gan.zoo.resample import resample

NAME = "stylegan3-t"


@pytest.mark.parametrize("name", [NAME, "stylegan3-r"])
@torch.no_grad()
def test_parity(opened, reference, close, check_generator, check_discriminator, name):
    imported, wanted = opened(f"{name}.pkl"), reference(name)
    generator = imported.generator
    check_generator(generator, wanted)
    assert torch.equal(generator.latent(7)[None], wanted["z_seed_7"])
    assert close(generator(wanted["z_seed_7"], wanted.get("label_seed_7")), wanted["image_seed_7"])
    check_discriminator(imported.discriminator, wanted)


@torch.no_grad()
def test_codes_and_draw_are_forward(opened, reference):
    generator, z = opened(f"{NAME}.pkl").generator, reference(NAME)["z"]
    codes = generator.codes(z)
    images, features = generator.draw(codes, return_features=True)
    assert torch.equal(images, generator(z, noise="random"))  # there is none
    assert codes.shape == (3, 16, 8) and len(generator.code_weights()) == 16
    assert [x.shape[-1] for x in features][:6] == [16, 16, 16, 16, 16, 32] and features[-1].shape[-1] == 32


def test_configuration_r_has_kernels_of_a_pixel_and_filters_of_two_dimensions(opened):
    config = opened("stylegan3-r.pkl").generator.config
    assert set(config.kernels) == {1} and {len(shape) for shape in config.down_filters} == {0, 1, 2}


def test_rotation_and_shift_move_the_input(opened):
    """Turned by a quarter, the input is its own rotation (up to what `transform` does, which is undone here)."""
    layer = opened(f"{NAME}.pkl").generator.synthesis.input
    kept = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    try:
        with torch.no_grad():
            layer.affine.weight.zero_()
            layer.transform.copy_(torch.eye(3))
            w = torch.zeros(1, layer.affine.weight.shape[1])
            layer.affine.bias.copy_(torch.tensor([1.0, 0, 0, 0]))
            straight = layer(w)
            layer.affine.bias.copy_(torch.tensor([0.0, 3.0, 0, 0]))
            turned = layer(w)
        assert torch.allclose(turned, straight.rot90(1, (2, 3)), atol=1e-4) or torch.allclose(
            turned, straight.rot90(-1, (2, 3)), atol=1e-4
        )
    finally:
        layer.load_state_dict(kept)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_resampling_is_a_true_convolution(dimensions):
    kernel = torch.rand(3) if dimensions == 1 else torch.rand(3, 3)
    whole = torch.outer(kernel, kernel) if dimensions == 1 else kernel
    x = torch.zeros(1, 2, 5, 5)
    x[:, :, 2, 2] = 1
    assert torch.allclose(resample(x, kernel, (1, 1, 1, 1))[0, 0, 1:4, 1:4], whole)
    up = resample(x, kernel, (2, 1, 2, 1), up=2, gain=4)
    transposed = F.conv_transpose2d(x, whole[None, None].repeat(2, 1, 1, 1) * 4, stride=2, groups=2)
    assert up.shape == (1, 2, 11, 11) and torch.allclose(up[:, :, :11, :11], transposed, atol=1e-6)
    assert torch.allclose(resample(x, kernel, (1, 1, 1, 1), down=2), resample(x, kernel, (1, 1, 1, 1))[:, :, ::2, ::2])
    assert resample(x, None, (-1, -1, 1, 1)).shape == (1, 2, 7, 3)
