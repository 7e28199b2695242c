"""DCGAN (Radford, Metz & Chintala 2016, "Unsupervised representation learning with deep convolutional generative
adversarial networks"), as PyTorch's tutorial and its relatives save it: transposed convolutions and batch norm.

A file is a bare state dict with the names `main.N.*` or, of HugGAN, `model.N.*`. Everything is read off its shapes.
"""

import re
from typing import Any

from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.zoo.checkpoint import state_dict
from gan.zoo.family import BatchNorm2d, Imported, ZooDiscriminator, ZooGenerator, build, check_noise, renamed
from gan.zoo.unpickle import DamagedError, StoredTensor

NAME = "DCGAN"
START = 4  # pixels a side after the first layer; every other layer doubles them


class DCGANGenerator(ZooGenerator):
    """Latents to images in [-1, 1].

    Args: those of `ZooGenerator`, and
        channels: of each layer, the coarsest first.
    """

    family = NAME
    paper = (
        "Unsupervised representation learning with deep convolutional generative adversarial networks, Radford, Metz "
        "& Chintala 2016"
    )

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (64, 64),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 100,
        channels: tuple[int, ...] = (512, 256, 128, 64),
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        layers: list[nn.Module] = []
        for k, width in enumerate(channels):
            shape = (1, 0) if k == 0 else (2, 1)  # stride and padding
            layers.append(nn.ConvTranspose2d([latent_dim, *channels][k], width, 4, *shape, bias=False))
            layers += [BatchNorm2d(width), nn.ReLU()]
        layers += [nn.ConvTranspose2d(channels[-1], image_channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """The latent itself, which is all that the one conditioned layer, the first, is told: (n, 1, latent_dim)."""
        return (latents * truncation)[:, None]

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooGenerator.draw`."""
        check_noise(noise)
        x, features = codes[:, 0, :, None, None], []
        for layer in self.main:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                features.append(x)
        return (x, features) if return_features else x

    def code_weights(self) -> list[Tensor]:
        """See `ZooGenerator.code_weights`."""
        return [self.main[0].weight.detach().flatten(1).T]


class DCGANDiscriminator(ZooDiscriminator):
    """Images in [-1, 1] to logits: those before the sigmoid that the original ends in.

    Args:
        image_channels: of an image.
        channels: of each layer, the finest first.
    """

    family = NAME

    @register_to_config
    def __init__(self, image_channels: int = 3, channels: tuple[int, ...] = (64, 128, 256, 512)):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(image_channels, channels[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for before, width in zip(channels, channels[1:]):
            layers += [nn.Conv2d(before, width, 4, 2, 1, bias=False), BatchNorm2d(width), nn.LeakyReLU(0.2)]
        layers += [nn.Conv2d(channels[-1], 1, 4, bias=False)]
        self.main = nn.Sequential(*layers)

    def features(self, samples: Tensor) -> list[Tensor]:
        """See `ZooDiscriminator.features`."""
        x, features = samples, []
        for layer in self.main[:-1]:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                features.append(x)
        return features

    def head(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """See `ZooDiscriminator.head`."""
        return self.main[-1](x).flatten()

    def resolutions(self) -> list[nn.Module]:
        """See `ZooDiscriminator.resolutions`."""
        ends = [k + 1 for k, layer in enumerate(self.main) if isinstance(layer, nn.LeakyReLU)]
        return [self.main[a:b] for a, b in zip([0, *ends], [*ends, len(self.main)])]


def recognise(content: Any, **_: Any) -> Imported | None:
    """The generator of a state dict, if it is one of a DCGAN.

    Raises:
        DamagedError: for a DCGAN's discriminator.
    """
    layers = _layers(content)
    shapes = _convolutions(layers)
    if shapes is None:
        return None
    if shapes[-1][0] == 1 and shapes[0][1] < shapes[0][0]:
        raise DamagedError("holds the discriminator of a DCGAN, which draws nothing; give the file of its generator")
    channels = tuple(shape[1] for shape in shapes[:-1])
    side = START * 2 ** min(len(channels), 20)
    config = {
        "resolution": (side, side),
        "image_channels": shapes[-1][1],
        "latent_dim": shapes[0][0],
        "channels": channels,
    }
    return Imported(build(DCGANGenerator, config, layers))


def recognise_discriminator(content: Any) -> DCGANDiscriminator | None:
    """The discriminator of a state dict, if it is one of a DCGAN."""
    layers = _layers(content)
    shapes = _convolutions(layers)
    if shapes is None or shapes[-1][0] != 1:
        return None
    config = {"image_channels": shapes[0][1], "channels": tuple(shape[0] for shape in shapes[:-1])}
    return build(DCGANDiscriminator, config, layers)


def _layers(content: Any) -> dict[str, StoredTensor]:
    """The tensors of a `Sequential` under either name, without counts of batches."""
    tensors = state_dict(content)
    tensors = renamed(tensors, "model.", "main.") or tensors
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}


def _convolutions(layers: dict[str, StoredTensor]) -> list[tuple[int, ...]] | None:
    """Shapes of the convolutions in their order; `None` if there is anything else than them and batch norm."""
    if not all(re.fullmatch(r"main\.\d+\.(weight|bias|running_mean|running_var)", name) for name in layers):
        return None
    numbered = {int(name.split(".")[1]): t.shape for name, t in layers.items() if len(t.shape) == 4}
    shapes: list[tuple[int, ...]] = [numbered[number] for number in sorted(numbered)]
    return shapes if len(shapes) > 2 and all(shape[2:] == (4, 4) for shape in shapes) else None
