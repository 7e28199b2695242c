"""BigGAN-deep (Brock, Donahue & Simonyan 2019, "Large scale GAN training for high fidelity natural image synthesis"),
as pytorch-pretrained-BigGAN saves it: `pytorch_model.bin` with `config.json` beside it, a generator only.

Latent and class embedding condition every batch norm. Running statistics are stored for 51 truncations from 0 to 1,
and looked up. Spectral norm is divided out when a file is read, by the stored vectors, so that weights are those used.
"""

import math
import re
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.zoo.checkpoint import state_dict
from gan.zoo.family import Imported, Starts, ZooGenerator, build, check_noise, picked
from gan.zoo.unpickle import DamagedError

NAME = "BigGAN-deep"
START = 4  # pixels a side
REDUCTION = 4  # inputs of a block over the channels within it
LIMIT = 2.0  # latents are drawn from a normal distribution that is cut off here
COLOURS = 3
ROUNDING = 1e-9  # fractions of a row as small as that are what a division in double precision leaves


class Place:
    """Where the statistics of n truncations are, between which rows; found once for all norms of a block.

    Args:
        row: (n,), a whole number or between two.
        rows: how many there are.
    """

    def __init__(self, row: Tensor, rows: int):
        first = row.floor()
        fraction = (row - first)[:, None]
        # Between rows i and i + 1 the original weighs row i by the fraction, and not the other way round.
        self.weight = torch.where(fraction == 0, 1, fraction)
        self.first = first.long().clamp(0, rows - 1)
        self.second = (self.first + 1).clamp(max=rows - 1)

    def of(self, statistics: Tensor) -> Tensor:
        """(rows, channels) to (n, channels)."""
        weight = self.weight.to(statistics.dtype)
        return statistics[self.first] * weight + statistics[self.second] * (1 - weight)


def row_of(truncation: float, rows: int) -> float:
    """The row of the statistics of a truncation, a whole number or between two.

    The original divides in double precision and takes whatever remains for a fraction: 0.7 / 0.02 is 35, but 0.14 /
    0.02 is 7 and 1e-15, of which it makes row 8 (see `Place`), and 0.58 / 0.02 is 29 less 4e-15, of which it makes 28.
    """
    fraction, first = math.modf(truncation / (1.0 / (rows - 1)))
    if 0 < fraction < ROUNDING:
        return first + 1
    return first if fraction > 1 - ROUNDING else first + fraction


class BatchNorm(nn.Module):
    """Batch norm with the running statistics of a truncation, and, if conditional, scale and offset of a condition.

    Args:
        channels: of the input.
        rows: truncations for which statistics are stored.
        condition: length of the condition, 0 for learned scale and offset.
        eps: added to variances.
    """

    def __init__(self, channels: int, rows: int, condition: int, eps: float):
        super().__init__()
        self.eps = eps
        self.register_buffer("running_means", torch.zeros(rows, channels))
        self.register_buffer("running_vars", torch.ones(rows, channels))
        if condition:
            self.scale = nn.Linear(condition, channels, bias=False)
            self.offset = nn.Linear(condition, channels, bias=False)
        else:
            self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.conditional = bool(condition)

    def forward(self, x: Tensor, condition: Tensor, place: Place) -> Tensor:
        """(n, channels, height, width), conditions (n, length) and a place of n to the same shape as the first."""
        mean, variance = place.of(self.running_means), place.of(self.running_vars)
        scale = 1 + self.scale(condition) if self.conditional else self.weight[None]
        offset = self.offset(condition) if self.conditional else self.bias[None]
        scale = scale * (variance + self.eps).rsqrt().to(scale.dtype)
        offset = offset - mean.to(scale.dtype) * scale
        return x * scale[:, :, None, None] + offset[:, :, None, None]


class Block(nn.Module):
    """A residual block of four convolutions; `up` doubles the sides, and a narrower output drops channels."""

    def __init__(self, inputs: int, outputs: int, condition: int, rows: int, up: bool, eps: float):
        super().__init__()
        middle = inputs // REDUCTION
        self.up, self.outputs = up, outputs
        widths = (inputs, middle, middle, middle)
        for k, width in enumerate(widths):
            after, size = (*widths, outputs)[k + 1], 3 if k in (1, 2) else 1
            self.add_module(f"bn_{k}", BatchNorm(width, rows, condition, eps))
            self.add_module(f"conv_{k}", nn.Conv2d(width, after, size, padding=size // 2))

    def forward(self, x: Tensor, condition: Tensor, place: Place) -> Tensor:
        """(n, inputs, height, width), conditions and their place to (n, outputs, height, width)."""
        y = x
        for k in range(4):
            y = F.relu(getattr(self, f"bn_{k}")(y, condition, place))
            if k == 1 and self.up:
                y = F.interpolate(y, scale_factor=2)
            y = getattr(self, f"conv_{k}")(y)
        x = x[:, : self.outputs]
        return y + (F.interpolate(x, scale_factor=2) if self.up else x)


class SelfAttention(nn.Module):
    """Attention of every place to every second one (Zhang et al. 2019)."""

    def __init__(self, channels: int):
        super().__init__()
        self.snconv1x1_theta = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.snconv1x1_phi = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.snconv1x1_g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.snconv1x1_o_conv = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to the same."""
        queries = self.snconv1x1_theta(x).flatten(2)
        keys = F.max_pool2d(self.snconv1x1_phi(x), 2).flatten(2)
        values = F.max_pool2d(self.snconv1x1_g(x), 2).flatten(2)
        weights = (queries.transpose(1, 2) @ keys).softmax(-1)
        attended = (values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.gamma * self.snconv1x1_o_conv(attended)


class BigGANGenerator(ZooGenerator):
    """Latents and classes to images in [-1, 1].

    Args: those of `ZooGenerator`, and
        embedding_dim: of a class.
        channels: of the start and of each block.
        up: of each block, 1 where it doubles the sides, otherwise 0.
        attention: number of the block before which there is self-attention.
        last_width: outputs of the last convolution, of which three are colours.
        rows: truncations for which there are statistics.
        eps: of batch norm.
    """

    family = NAME
    paper = "Large scale GAN training for high fidelity natural image synthesis, Brock, Donahue & Simonyan 2019"
    learning_rate = 5e-5
    torch_seeds = False
    truncation = "scales the latent and selects the statistics of batch norm"

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (128, 128),
        image_channels: int = COLOURS,
        num_classes: int = 1000,
        latent_dim: int = 128,
        embedding_dim: int = 128,
        channels: tuple[int, ...] = (2048, 2048),
        up: tuple[int, ...] = (1,),
        attention: int = 0,
        last_width: int = 128,
        rows: int = 51,
        eps: float = 1e-4,
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        condition = latent_dim + embedding_dim
        self.rows, self.attention = rows, attention
        self.embeddings = nn.Linear(num_classes, embedding_dim, bias=False)
        self.gen_z = nn.Linear(condition, channels[0] * START**2)
        self.layers = nn.ModuleList(
            Block(channels[k], channels[k + 1], condition, rows, bool(doubles), eps) for k, doubles in enumerate(up)
        )
        self.attend = SelfAttention(channels[attention])
        self.bn = BatchNorm(channels[-1], rows, 0, eps)
        self.conv_to_rgb = nn.Conv2d(channels[-1], last_width, 3, padding=1)

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """Latent, scaled by the truncation, class embedding, and the row of the statistics, for the start, each block
        and the last batch norm: (n, layers, width)."""
        embedding = self.embeddings(self.class_input(labels, latents))
        if isinstance(truncation, Tensor):  # of an exported graph, in float32
            row = (truncation.double() * (self.rows - 1) * 1e4).round() / 1e4
        else:
            row = torch.tensor(row_of(truncation, self.rows), dtype=torch.float64)
        row = row.clamp(max=self.rows - 1).to(latents).expand(latents.shape[0], 1)
        code = torch.cat([latents * truncation, embedding, row], dim=1)
        return code[:, None].repeat(1, len(self.layers) + 2, 1)

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooGenerator.draw`; features are those of every block."""
        check_noise(noise)
        conditions, rows = codes[:, :, :-1].unbind(1), codes[:, :, -1].unbind(1)
        x = self.gen_z(conditions[0]).unflatten(1, (START, START, -1)).permute(0, 3, 1, 2)
        features = []
        for k, layer in enumerate(self.layers):
            x = self.attend(x) if k == self.attention else x
            x = layer(x, conditions[k + 1], Place(rows[k + 1], self.rows))
            features.append(x)
        x = F.relu(self.bn(x, conditions[-1], Place(rows[-1], self.rows)))
        images = torch.tanh(self.conv_to_rgb(x)[:, :COLOURS])
        return (images, features) if return_features else images

    def latent(self, seed: int) -> Tensor:
        """See `ZooGenerator.latent`: as scipy's `truncnorm` with numpy's legacy generator draws it."""
        uniform = torch.from_numpy(np.random.RandomState(seed).uniform(size=self.latent_dim))
        below = 0.5 * (1 + math.erf(-LIMIT / math.sqrt(2)))
        return torch.special.ndtri(below + uniform * (1 - 2 * below)).float()

    def code_weights(self) -> list[Tensor]:
        """See `ZooGenerator.code_weights`: of the start, and of the scales within each block; the last is not told."""
        blocks = [torch.cat([getattr(layer, f"bn_{k}").scale.weight for k in range(4)]) for layer in self.layers]
        weights = [self.gen_z.weight, *blocks]
        weights.append(torch.zeros_like(weights[0][:1]))
        return [F.pad(weight.detach(), (0, 1)) for weight in weights]

    def for_classes(self, count: int, starts: Starts = ()) -> "BigGANGenerator":
        """See `ZooNetwork.for_classes`."""
        if not count:
            raise GANError(f"A {NAME} draws classes and nothing else; fine-tune it with pictures that have some.")
        weights = {**self.state_dict(), "embeddings.weight": picked(self.embeddings.weight.detach(), starts)}
        return self.rebuilt(weights, num_classes=count)


def recognise(content: Any, config: dict[str, Any] | None = None) -> Imported | None:
    """The generator of a state dict, if it is one of BigGAN-deep; `config` is that of `config.json`."""
    state = state_dict(content)
    if "generator.gen_z.weight_orig" not in state or "embeddings.weight" not in state:
        return None
    config = config or {}
    layers, width, eps = config.get("layers"), config.get("channel_width"), config.get("eps")
    place = config.get("attention_layer_position")
    if not isinstance(layers, list) or not layers or not isinstance(eps, float) or type(place) is not int:
        raise DamagedError("is a BigGAN-deep and needs its config.json beside it, which is missing or damaged")
    numbers = [width, *(number for row in layers for number in row[1:])]
    if not 0 <= place < len(layers) or any(type(number) is not int for number in numbers):
        raise DamagedError("is a BigGAN-deep, and the config.json beside it is not its own")
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        ours = _renamed(name.removeprefix("generator."), place)
        if name.endswith(".weight_orig"):
            tensors[ours.removesuffix("_orig")] = _without_norm(state, name.removesuffix("_orig"))
        elif not name.endswith((".weight_u", ".weight_v", "num_batches_tracked")):
            tensors[ours] = tensor.tensor()
    embedding, classes = tensors["embeddings.weight"].shape
    up = tuple(int(bool(layer[0])) for layer in layers)
    side = START * 2 ** sum(up)
    settings = {
        "resolution": (side, side),
        "num_classes": classes,
        "latent_dim": tensors["gen_z.weight"].shape[1] - embedding,
        "embedding_dim": embedding,
        "channels": (layers[0][1] * width, *(layer[2] * width for layer in layers)),
        "up": up,
        "attention": place,
        "last_width": tensors["conv_to_rgb.bias"].shape[0],
        "rows": tensors["bn.running_means"].shape[0],
        "eps": eps,
    }
    return Imported(build(BigGANGenerator, settings, tensors), None, ["The file has no discriminator."])


def _renamed(name: str, place: int) -> str:
    """Self-attention takes a place of its own in the original's list of layers."""
    found = re.fullmatch(r"layers\.(\d+)\.(.*)", name)
    if found is None:
        return name
    number, rest = int(found[1]), found[2]
    return f"attend.{rest}" if number == place else f"layers.{number - (number > place)}.{rest}"


def _without_norm(state: dict[str, Any], name: str) -> Tensor:
    """A weight over its spectral norm `u W v`, with the stored vectors: they need not have converged."""
    weight, u, v = (state[f"{name}_{part}"].tensor().float() for part in ("orig", "u", "v"))
    return weight / (u @ (weight.flatten(1) @ v))
