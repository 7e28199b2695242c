"""DCGAN (Radford, Metz & Chintala 2016, "Unsupervised representation learning with deep convolutional generative
adversarial networks"), as PyTorch's tutorial and its relatives save it: transposed convolutions and batch norm.

A file is a state dict with the names `main.N.*` or, of HugGAN, `model.N.*`, or the like. Everything is read off its
shapes.
"""

import re
from typing import Any

from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.zoo.checkpoint import state_dict
from gan.zoo.family import BatchNorm2d, Imported, ZooDiscriminator, ZooGenerator, build, check_noise
from gan.zoo.unpickle import StoredTensor

NAME = "DCGAN"
START = 4  # pixels a side after the first layer; every other layer doubles them
NAMED = re.compile(  # main.3.weight, or gen.1.0.weight of a block
    r"(?P<module>(?:[A-Za-z_]\w*\.){0,3})(?P<place>\d{1,3}(?:\.\d{1,3})?)"
    r"\.(?P<tensor>weight|bias|running_mean|running_var|num_batches_tracked)"
)


class DCGANGenerator(ZooGenerator):
    """Latents to images in [-1, 1].

    Args: those of `ZooGenerator`, and
        channels: of each layer, the coarsest first.
        biases: of each convolution, 1 where it has one, otherwise 0; () for none.
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
        biases: tuple[int, ...] = (),
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        layers: list[nn.Module] = []
        biased = biases or (0,) * (len(channels) + 1)
        for k, width in enumerate(channels):
            shape = (1, 0) if k == 0 else (2, 1)  # stride and padding
            inputs = [latent_dim, *channels][k]
            layers.append(nn.ConvTranspose2d(inputs, width, 4, *shape, bias=bool(biased[k])))
            layers += [BatchNorm2d(width), nn.ReLU()]
        layers += [nn.ConvTranspose2d(channels[-1], image_channels, 4, 2, 1, bias=bool(biased[-1])), nn.Tanh()]
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
        biases: as of `DCGANGenerator`.
    """

    family = NAME

    @register_to_config
    def __init__(
        self,
        image_channels: int = 3,
        channels: tuple[int, ...] = (64, 128, 256, 512),
        biases: tuple[int, ...] = (),
    ):
        super().__init__()
        layers: list[nn.Module] = []
        biased = biases or (0,) * (len(channels) + 1)
        for k, width in enumerate(channels):
            layers.append(nn.Conv2d([image_channels, *channels][k], width, 4, 2, 1, bias=bool(biased[k])))
            layers += [BatchNorm2d(width)] * (k > 0) + [nn.LeakyReLU(0.2)]
        layers += [nn.Conv2d(channels[-1], 1, 4, bias=bool(biased[-1]))]
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
    """The generator of a state dict, if it is one of a DCGAN."""
    found = _convolutions(content)
    if found is None or found[-1][0]["weight"].shape[0] == 1:  # a discriminator's logit
        return None
    shapes = [layer["weight"].shape for layer, _ in found]
    channels = tuple(shape[1] for shape in shapes[:-1])
    side = START * 2 ** min(len(channels), 20)
    config = {
        "resolution": (side, side),
        "image_channels": shapes[-1][1],
        "latent_dim": shapes[0][0],
        "channels": channels,
        "biases": _biases(found),
    }
    return Imported(build(DCGANGenerator, config, _named(found, [3 * k for k in range(len(found))])))


def recognise_discriminator(content: Any) -> DCGANDiscriminator | None:
    """The discriminator of a state dict, if it is one of a DCGAN."""
    found = _convolutions(content)
    if found is None or found[-1][0]["weight"].shape[0] != 1:
        return None
    shapes = [layer["weight"].shape for layer, _ in found]
    config = {
        "image_channels": shapes[0][1],
        "channels": tuple(shape[0] for shape in shapes[:-1]),
        "biases": _biases(found),
    }
    return build(DCGANDiscriminator, config, _named(found, [0, *(3 * k - 1 for k in range(1, len(found)))]))


Layer = dict[str, StoredTensor]  # by "weight", "bias", ...


def _convolutions(content: Any) -> list[tuple[Layer, Layer]] | None:
    """The convolutions of a `Sequential` in their order, each with the batch norm behind it ({} for none); `None` if
    there is anything else.

    Layers have the names `main.N`, `model.N` or of some other module, or `main.K.N` where they are in blocks.
    """
    layers: dict[tuple[int, ...], Layer] = {}
    modules = set()
    for name, tensor in state_dict(content).items():
        found = NAMED.fullmatch(name)
        if found is None:
            return None
        modules.add(found["module"])
        if found["tensor"] != "num_batches_tracked":
            place = tuple(map(int, found["place"].split(".")))
            layers.setdefault(place, {})[found["tensor"]] = tensor
    pairs: list[tuple[Layer, Layer]] = []
    for _, layer in sorted(layers.items()):
        weight = layer.get("weight")
        if weight is not None and weight.shape[2:] == (4, 4) and layer.keys() <= {"weight", "bias"}:
            pairs.append((layer, {}))
        elif pairs and not pairs[-1][1] and "running_mean" in layer:
            pairs[-1] = (pairs[-1][0], layer)
        else:
            return None
    return pairs if len(modules) == 1 and len(pairs) > 2 else None


def _biases(layers: list[tuple[Layer, Layer]]) -> tuple[int, ...]:
    biases = tuple(int("bias" in layer) for layer, _ in layers)
    return biases if any(biases) else ()


def _named(layers: list[tuple[Layer, Layer]], places: list[int]) -> dict[str, StoredTensor]:
    """The tensors by our names: of convolutions at these places, and of batch norms, which come next."""
    return {
        f"main.{place + behind}.{name}": tensor
        for place, pair in zip(places, layers)
        for behind, layer in enumerate(pair)
        for name, tensor in layer.items()
    }
