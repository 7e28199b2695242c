"""Generators and discriminators of grids, as pictures: shapes, initialisation, resampling, what a config is worth."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan import AudioGenerator, GANError, ImageDiscriminator, ImageGenerator
from gan.blocks import Downsample, ModulatedBlock, ResidualBlock, Upsample
from gan.networks import SIZES, GridGenerator, grids, stage_channels

# Resolution: the grids from the start up.
GRIDS = {
    (28, 28): [(7, 7), (14, 14), (28, 28)],
    (32, 32): [(4, 4), (8, 8), (16, 16), (32, 32)],
    (64, 64): [(4, 4), (8, 8), (16, 16), (32, 32), (64, 64)],
    (96, 64): [(6, 4), (12, 8), (24, 16), (48, 32), (96, 64)],
    (20, 36): [(5, 9), (10, 18), (20, 36)],
    (8, 8): [(4, 4), (8, 8)],
    (12, 40): [(6, 20), (12, 40)],
}


def settings(resolution: tuple[int, int] = (16, 16), **changes: Any) -> dict[str, Any]:
    channels = tuple(min(16, width) for width in stage_channels(resolution, "tiny"))
    return {"resolution": resolution, "channels": channels} | changes


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def stirred(network: nn.Module) -> nn.Module:
    """The network with weights as after some training: no residual branch is zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return network


# Shapes


@pytest.mark.parametrize("resolution", GRIDS, ids=str)
def test_grids(resolution: tuple[int, int]) -> None:
    assert grids(resolution) == GRIDS[resolution]


@pytest.mark.parametrize(("image_channels", "num_classes"), [(1, 0), (3, 0), (1, 10), (3, 1)])
@pytest.mark.parametrize("resolution", GRIDS, ids=str)
def test_shapes(resolution: tuple[int, int], image_channels: int, num_classes: int) -> None:
    shared = settings(resolution, image_channels=image_channels, num_classes=num_classes)
    generator, discriminator = ImageGenerator(latent_dim=7, **shared), ImageDiscriminator(**shared)
    labels = torch.arange(3) % num_classes if num_classes else None
    images = generator(random(3, 7), labels)
    assert images.shape == (3, image_channels, *resolution)
    logits = discriminator(images, labels)
    assert logits.shape == (3,)
    assert logits.isfinite().all()
    logits.sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name


@pytest.mark.parametrize("resolution", [(30, 32), (32, 30), (33, 33), (4, 4), (32, 4), (0, 32), (-8, 8)], ids=str)
def test_resolutions_that_do_not_divide(resolution: tuple[int, int]) -> None:
    for network in (ImageGenerator, ImageDiscriminator):
        with pytest.raises(GANError, match=f"{resolution[0]}x{resolution[1]}.*divide by 4; try \\d+x\\d+"):
            network(resolution=resolution)


def test_the_resolution_that_is_proposed_can_be_used() -> None:
    for side in range(1, 40):
        with pytest.raises(GANError) as caught:
            grids((side if side % 4 else 2, 5))
        proposed = str(caught.value).split("try ")[1].rstrip(".").split("x")
        assert grids((int(proposed[0]), int(proposed[1])))


def test_no_grid_takes_all_the_memory() -> None:
    assert grids((1024, 1024))[-1] == (1024, 1024)
    with pytest.raises(GANError, match="1,048,576 pixels are the most"):
        ImageGenerator(resolution=(16384, 16384), channels=(16,) * 13)


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(GANError, match=r"grey .1. or RGB .3."):
        ImageGenerator(**settings(image_channels=4))
    with pytest.raises(GANError, match="3 stages, but channels lists 2"):
        ImageDiscriminator(resolution=(16, 16), channels=(16, 16))
    with pytest.raises(GANError, match=r"'huge'.*tiny, small, base"):
        stage_channels((32, 32), "huge")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resolution", GRIDS, ids=str)
def test_channels_of_a_preset_shrink_as_sides_grow(resolution: tuple[int, int], size: str) -> None:
    channels = stage_channels(resolution, size)
    assert len(channels) == len(GRIDS[resolution])
    assert channels == sorted(channels, reverse=True)
    assert all(width % 16 == 0 and 16 <= width <= SIZES[size][1] for width in channels)


@pytest.mark.parametrize(("size", "least", "most"), [("tiny", 0.15, 0.6), ("small", 0.6, 2.0), ("base", 3, 10)])
@pytest.mark.parametrize("resolution", [(28, 28), (32, 32), (64, 64)], ids=str)
def test_presets_have_the_size_that_their_name_says(
    resolution: tuple[int, int], size: str, least: float, most: float
) -> None:
    shared: dict[str, Any] = {
        "resolution": resolution,
        "num_classes": 10,
        "channels": tuple(stage_channels(resolution, size)),
        "blocks_per_stage": SIZES[size][2],
    }
    with torch.device("meta"):
        players = ImageGenerator(**shared), ImageDiscriminator(**shared)
    millions = [sum(parameter.numel() for parameter in player.parameters()) / 1e6 for player in players]
    assert least < millions[0] < most
    assert 0.5 < millions[0] / millions[1] < 2  # even players


# Initialisation


def test_a_residual_block_begins_as_the_identity() -> None:
    x = random(2, 8, 5, 6)
    assert torch.equal(ResidualBlock(8, depth=4)(x), x)


def test_a_residual_block_learns() -> None:
    block = ResidualBlock(8, depth=4)
    block(random(2, 8, 5, 6)).square().sum().backward()
    assert block.conv2.weight.grad is not None
    assert block.conv2.weight.grad.abs().sum() > 0


def test_deeper_networks_begin_with_smaller_branches() -> None:
    torch.manual_seed(0)
    shallow, deep = (ResidualBlock(64, depth).conv1.weight.std().item() for depth in (1, 16))
    assert shallow / deep == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("size", SIZES)
def test_pictures_and_logits_begin_at_a_sensible_scale(size: str) -> None:
    torch.manual_seed(0)
    shared: dict[str, Any] = {"num_classes": 10, "channels": tuple(stage_channels((32, 32), size))}
    labels = torch.arange(16) % 10
    images = ImageGenerator(**shared)(random(16, 64), labels)
    assert 0.1 < images.std() < 2
    assert 0.01 < ImageDiscriminator(**shared)(random(16, 3, 32, 32), labels).std() < 3


# Resampling


def kernel() -> Tensor:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64)
    return torch.outer(taps, taps) / 64


def test_downsample_is_the_binomial_filter() -> None:
    x = random(2, 3, 12, 20).double()
    expected = nn.functional.conv2d(x.flatten(0, 1)[:, None], kernel()[None, None], stride=2, padding=1)
    found = Downsample()(x).flatten(0, 1)[:, None]
    assert found.shape == expected.shape == (6, 1, 6, 10)
    assert torch.allclose(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


def test_upsample_is_the_binomial_filter() -> None:
    x = random(2, 3, 6, 10).double()
    expected = nn.functional.conv_transpose2d(x.flatten(0, 1)[:, None], 4 * kernel()[None, None], stride=2, padding=1)
    found = Upsample()(x).flatten(0, 1)[:, None]
    assert found.shape == (6, 1, 12, 20)
    assert torch.allclose(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


@pytest.mark.parametrize("shape", [(8, 8), (14, 14), (10, 18), (24, 16)], ids=str)
def test_downsample_is_the_adjoint_of_upsample(shape: tuple[int, int]) -> None:
    large, little = random(2, 3, *shape).double(), random(2, 3, shape[0] // 2, shape[1] // 2, seed=1).double()
    assert ((Upsample()(little) * large).sum() / 4).item() == pytest.approx(
        (little * Downsample()(large)).sum().item()
    )


@pytest.mark.parametrize("layer", [Upsample(), Downsample()])
def test_resampling_keeps_a_flat_picture_flat(layer: nn.Module) -> None:
    assert torch.allclose(layer(torch.full((1, 2, 8, 12), 0.75)), torch.tensor(0.75))


@pytest.mark.parametrize("layer", [Upsample(), Downsample()])
def test_resampling_takes_any_memory_format_and_bfloat16(layer: nn.Module) -> None:
    x = random(2, 16, 8, 12)
    expected = layer(x)
    assert torch.allclose(layer(x.contiguous(memory_format=torch.channels_last)), expected, atol=1e-6)
    half = layer(x.bfloat16())
    assert half.dtype == torch.bfloat16
    assert torch.allclose(half.float(), expected, atol=0.05)


@pytest.mark.parametrize("layer", [Upsample(), Downsample()])
def test_resampling_can_be_differentiated_twice(layer: nn.Module) -> None:
    x = random(1, 2, 4, 6).double().requires_grad_(True)

    def nonlinear(x: Tensor) -> Tensor:  # the layers are linear: their own second derivative is zero
        return layer(x.sin()).square()

    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradcheck(nonlinear, (x,))
    assert torch.autograd.gradgradcheck(nonlinear, (x,))


def test_the_discriminator_can_be_differentiated_twice() -> None:
    discriminator = stirred(ImageDiscriminator(**settings((8, 8), num_classes=2, image_channels=1))).double()
    images = random(2, 1, 8, 8).double().requires_grad_(True)
    labels = torch.tensor([0, 1])
    assert torch.autograd.gradcheck(lambda x: discriminator(x, labels), (images,))
    (gradient,) = torch.autograd.grad(discriminator(images, labels).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    for name, parameter in discriminator.named_parameters():
        # The derivative of a logit by the picture does not depend on what is only added at the end.
        assert (parameter.grad is not None and parameter.grad.abs().sum() > 0) or "bias" in name, name


# Classes


def test_classes_change_pictures_and_logits() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=4)))
    discriminator = stirred(ImageDiscriminator(**settings(num_classes=4)))
    latents, labels = random(1, 8).expand(4, -1), torch.arange(4)
    images = generator(latents, labels)
    logits = discriminator(images[:1].expand(4, -1, -1, -1), labels)
    for k in range(1, 4):
        assert not torch.allclose(images[0], images[k])
        assert logits[0] != logits[k]


def test_a_sample_does_not_see_its_neighbours() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=3)))
    discriminator = stirred(ImageDiscriminator(**settings(num_classes=3)))
    latents, labels = random(5, 8), torch.tensor([0, 1, 2, 1, 0])
    images = generator(latents, labels)
    assert torch.allclose(generator(latents[3:4], labels[3:4])[0], images[3], atol=1e-5)
    assert torch.allclose(discriminator(images[3:4], labels[3:4])[0], discriminator(images, labels)[3], atol=1e-5)


def test_an_unconditional_network_has_no_embedding() -> None:
    for network in (ImageGenerator(**settings()), ImageDiscriminator(**settings())):
        assert network.embed is None
        assert not [name for name in network.state_dict() if "embed" in name]


# Sampling and training


@pytest.mark.parametrize("num_classes", [0, 3])
def test_in_training_and_out_of_it_the_pictures_are_the_same(num_classes: int) -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings((28, 28), num_classes=num_classes)))
    latents, labels = random(6, 8), torch.arange(6) % 3 if num_classes else None
    trained = generator.train()(latents, labels)
    sampled = generator.eval()(latents, labels)
    with torch.inference_mode():
        inferred = generator(latents, labels)
    assert torch.allclose(trained, sampled, atol=1e-5)
    assert torch.allclose(trained, inferred, atol=1e-5)


def test_out_of_training_it_can_still_be_differentiated() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings())).eval()
    latents = random(2, 8).requires_grad_(True)
    generator(latents).square().sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0


def test_activations_are_channels_last() -> None:
    generator = ImageGenerator(latent_dim=8, **settings((32, 32))).to(memory_format=torch.channels_last)
    seen = []
    for module in generator.stages:
        module.register_forward_hook(lambda module, inputs, output: seen.append(output))
    generator(random(4, 8))
    assert len(seen) == len(generator.stages) == 10
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in seen)


def test_truncation() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=3))).eval()
    latents, labels = random(4, 8), torch.tensor([0, 1, 2, 0])
    full = generator(latents, labels)
    assert torch.equal(generator(latents, labels, 1.0), full)
    distances = [(generator(latents, labels, psi) - full).norm().item() for psi in (1.0, 0.8, 0.5, 0.2)]
    assert distances == sorted(distances)
    assert len(set(distances)) == 4


def start_grids(generator: GridGenerator, codes: Tensor) -> Tensor:
    """(n, features): where `draw` starts."""
    return generator.start(codes[:, 0, :-1]) * codes[:, 0, -1:]


def test_truncation_of_start_grids() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=3))).eval()
    latents, labels = random(5, 8), torch.arange(5) % 3
    mean = start_grids(generator, generator.codes(torch.zeros(5, 8), labels))
    start = start_grids(generator, generator.codes(latents, labels))
    nearly = start_grids(generator, generator.codes(latents, labels, torch.tensor(1.0)))  # as an export traces it
    assert torch.allclose(nearly, start, atol=1e-6)
    for psi in (0.0, 0.4, 1.3):
        truncated = start_grids(generator, generator.codes(latents, labels, psi))
        shrunk = mean + psi * (start - mean)
        expected = shrunk * (start.norm(dim=1, keepdim=True) / shrunk.norm(dim=1, keepdim=True)).sqrt()
        assert torch.allclose(truncated, expected, atol=1e-5)
    middle = start_grids(generator, generator.codes(latents, labels, 0.0))
    assert torch.allclose(nn.functional.cosine_similarity(middle, mean), torch.ones(5))
    without_mean = ImageGenerator(latent_dim=8, **settings())
    assert start_grids(without_mean, without_mean.codes(latents, None, 0.0)).isfinite().all()


# Codes


def reference_forward(generator: GridGenerator, latents: Tensor, labels: Tensor | None) -> Tensor:
    """The generator without the notion of codes: its start and all blocks see the same latent and class."""
    if labels is not None:
        one_hot = nn.functional.one_hot(labels, generator.class_counts[0]).to(latents.dtype)
        latents = torch.cat([latents, generator.embed(one_hot)], dim=1)
    x = generator.start(latents).unflatten(1, (*generator.start_grid, -1)).permute(0, 3, 1, 2)
    for layer in generator.stages:
        x = layer(x, latents) if isinstance(layer, ModulatedBlock) else layer(x)
    return generator.to_image(nn.functional.leaky_relu(x, 0.2))


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_codes_and_draw_are_forward_to_the_bit(num_classes: int, blocks: int, batch: int) -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings((28, 28), num_classes=num_classes)))
    latents, labels = random(batch, 8), torch.arange(batch) % 3 if num_classes else None
    for mode in (True, False):
        generator.train(mode)
        expected, found = reference_forward(generator, latents, labels), generator(latents, labels)
        assert torch.equal(found, expected)
        assert torch.equal(generator.draw(generator.codes(latents, labels)), expected)
        weights = list(generator.parameters())
        gradients = [torch.autograd.grad(images.square().sum(), weights) for images in (expected, found)]
        assert all(map(torch.equal, *gradients))
    with torch.inference_mode():
        assert torch.equal(generator(latents, labels), reference_forward(generator, latents, labels))


def test_codes() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=3, blocks_per_stage=2))).eval()
    latents, labels = random(4, 8), torch.tensor([0, 1, 2, 0])
    codes = generator.codes(latents, labels)
    assert codes.shape == (4, generator.num_layers, 8 + 16 + 1) and generator.num_layers == 1 + 2 * 3
    assert torch.equal(codes, codes[:, :1].expand_as(codes))  # every layer is conditioned on the same
    assert torch.equal(codes[:, 0, :8], latents) and torch.equal(codes[:, :, -1], torch.ones(4, 7))
    truncated = generator.codes(latents, labels, 0.5)
    assert torch.allclose(truncated[:, :, :8], 0.5 * codes[:, :, :8])
    assert torch.equal(truncated[:, :, 8:-1], codes[:, :, 8:-1]) and (truncated[:, 0, -1] != 1).all()


def test_every_layer_reads_its_own_code() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=3))).eval()
    codes = generator.codes(random(1, 8), torch.tensor([1])).repeat(generator.num_layers + 1, 1, 1)
    for layer in range(generator.num_layers):
        codes[layer + 1, layer, :8] += 1
    images = generator.draw(codes)
    assert len({tuple(image.flatten().tolist()) for image in images}) == generator.num_layers + 1


@pytest.mark.parametrize(
    "generator",
    [
        ImageGenerator(latent_dim=8, **settings((16, 24))),
        AudioGenerator(latent_dim=8, samples=2048, channels=(16, 16, 16)),
    ],
)
def test_features_are_the_outputs_of_the_stages(generator: GridGenerator) -> None:
    codes = stirred(generator).codes(random(2, 8))
    samples, features = generator.draw(codes, return_features=True)
    assert torch.equal(samples, generator.draw(codes))
    widths = generator.config.channels
    assert [feature.shape[1] for feature in features] == list(widths)
    start = generator.start_grid
    assert [tuple(feature.shape[2:]) for feature in features] == [(start[0] * 2**k, start[1] * 2**k) for k in range(3)]


def test_weights_of_codes() -> None:
    generator = stirred(ImageGenerator(latent_dim=8, **settings(num_classes=3)))
    weights = generator.code_weights()
    assert len(weights) == generator.num_layers
    codes = generator.codes(random(2, 8), torch.tensor([0, 2]))
    start = codes[:, 0] @ weights[0].T + generator.start.bias
    assert torch.allclose(start, start_grids(generator, codes), atol=1e-5)


# Configs


@pytest.mark.parametrize("kind", [ImageGenerator, ImageDiscriminator])
def test_a_config_is_all_that_it_takes(kind: type[ImageGenerator] | type[ImageDiscriminator]) -> None:
    network = kind(**settings((20, 12), image_channels=1, num_classes=5, blocks_per_stage=2))
    twin = kind.from_config(network.config)
    assert {name: weight.shape for name, weight in twin.state_dict().items()} == {
        name: weight.shape for name, weight in network.state_dict().items()
    }
    twin.load_state_dict(network.state_dict())
    wider = kind.from_config(network.config, num_classes=6)
    assert wider.embed.weight.shape[1] == 6


@pytest.mark.parametrize("kind", [ImageGenerator, ImageDiscriminator])
def test_saved_and_loaded(kind: type[ImageGenerator] | type[ImageDiscriminator], tmp_path: Any) -> None:
    network = stirred(kind(**settings((8, 12), num_classes=2)))
    network.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    assert tuple(loaded.config.resolution) == (8, 12)
    for name, weight in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name


def test_the_defaults_fit_each_other() -> None:
    assert ImageDiscriminator()(ImageGenerator()(random(2, 64))).shape == (2,)
