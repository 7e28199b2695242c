"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN! A modern baseline GAN"): residual blocks of grouped
convolutions without normalisation, modulation or noise. The latent only enters the first stage.

Files are pickles of plain modules with `G_ema` and `D`. The names of tensors are ours: a stage's `blocks.K`, whose
three convolutions are `conv1` to `conv3` with biases `bias1` and `bias2` before the activations, and its `transition`.
"""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.zoo.family import (
    Imported,
    Starts,
    ZooDiscriminator,
    ZooGenerator,
    build,
    check_noise,
    known_critic,
    numpy_latent,
    picked,
    spread,
)
from gan.zoo.modules import attributes, child, class_name, players, tensors
from gan.zoo.resample import resample
from gan.zoo.unpickle import DamagedError, StoredTensor

NAME = "R3GAN"
SLOPE = 0.2
START = 4  # pixels a side


class ResidualBlock(nn.Module):
    """1x1, grouped 3x3 and 1x1 convolution, with activations between them.

    Args:
        width: channels.
        inner: channels of the grouped convolution.
        groups: of it.
    """

    def __init__(self, width: int, inner: int, groups: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, inner, 1, bias=False)
        self.bias1 = nn.Parameter(torch.zeros(inner))
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, groups=groups, bias=False)
        self.bias2 = nn.Parameter(torch.zeros(inner))
        self.conv3 = nn.Conv2d(inner, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, height, width) to the same."""
        y = F.leaky_relu(self.conv1(x) + self.bias1[:, None, None], SLOPE)
        y = F.leaky_relu(self.conv2(y) + self.bias2[:, None, None], SLOPE)
        return x + self.conv3(y)


class Transition(nn.Module):
    """Twice (`up`) or half the sides, and a 1x1 convolution where widths differ, always at the lower resolution."""

    def __init__(self, inputs: int, outputs: int, up: bool):
        super().__init__()
        self.up = up
        self.register_buffer("kernel", torch.zeros(4, 4))
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, height, width) to (n, outputs, height, width)."""
        if self.up:
            x = x if self.conv is None else self.conv(x)
            return resample(x, self.kernel, (2, 1, 2, 1), up=2, gain=4)
        x = resample(x, self.kernel, (1, 1, 1, 1), down=2)
        return x if self.conv is None else self.conv(x)


class Stage(nn.Module):
    """The blocks of a resolution, and what leads to it or from it."""

    def __init__(self, transition: nn.Module, width: int, inner: int, groups: int, blocks: int, last: bool):
        super().__init__()
        self.transition = transition
        self.blocks = nn.ModuleList(ResidualBlock(width, inner, groups) for _ in range(blocks))
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """What comes into the stage to what leaves it; the transition is the last of its layers or the first."""
        layers = [*self.blocks, self.transition] if self.last else [self.transition, *self.blocks]
        for layer in layers:
            x = layer(x)
        return x


class Start(nn.Module):
    """A learned grid whose channels are scaled by a linear function of the latent."""

    def __init__(self, inputs: int, width: int, bias: bool):
        super().__init__()
        self.basis = nn.Parameter(torch.zeros(width, START, START))
        self.linear = nn.Linear(inputs, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) to (n, width, 4, 4)."""
        return self.basis * self.linear(x)[:, :, None, None]


class End(nn.Module):
    """A grid of weights a channel, and a linear layer: the reverse of `Start`."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.basis = nn.Conv2d(width, width, START, groups=width, bias=False)
        self.linear = nn.Linear(width, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, 4, 4) to (n, outputs)."""
        return self.linear(self.basis(x).flatten(1))


class R3GANGenerator(ZooGenerator):
    """Latents and classes to images, about [-1, 1].

    Args: those of `ZooGenerator`, and
        embedding_dim: of a class, 0 without.
        channels, inner, groups, blocks: of each stage, the coarsest first: width, width and groups of the grouped
            convolutions, number of blocks.
        start_bias: whether the first stage has one, as where a class became a constant.
    """

    family = NAME
    paper = "The GAN is dead; long live the GAN! A modern baseline GAN, Huang et al. 2024"
    torch_seeds = False

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 64,
        embedding_dim: int = 0,
        channels: tuple[int, ...] = (512, 512, 512, 512),
        inner: tuple[int, ...] = (1024, 1024, 1024, 1024),
        groups: tuple[int, ...] = (64, 64, 64, 64),
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        start_bias: bool = False,
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        self.embed = nn.Linear(num_classes, embedding_dim, bias=False) if num_classes else None
        condition = latent_dim + (embedding_dim if num_classes else 0)
        stages = []
        for k, width in enumerate(channels):
            transition = Start(condition, width, start_bias) if k == 0 else Transition(channels[k - 1], width, up=True)
            stages.append(Stage(transition, width, inner[k], groups[k], blocks[k], last=False))
        self.stages = nn.ModuleList(stages)
        self.to_image = nn.Conv2d(channels[-1], image_channels, 1, bias=False)

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """Latent and class embedding, which only the first stage is told: (n, 1, width)."""
        parts = [latents * truncation]
        if self.embed is not None:
            parts.append(self.embed(self.class_input(labels, latents)))
        return torch.cat(parts, dim=1)[:, None]

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooGenerator.draw`."""
        check_noise(noise)
        x, features = codes[:, 0], []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        images = self.to_image(x)
        return (images, features) if return_features else images

    def latent(self, seed: int) -> Tensor:
        """See `ZooGenerator.latent`."""
        return numpy_latent(seed, self.latent_dim)

    def code_weights(self) -> list[Tensor]:
        """See `ZooGenerator.code_weights`."""
        return [self.stages[0].transition.linear.weight.detach()]

    @torch.no_grad()
    def for_classes(self, count: int, starts: Starts = ()) -> "R3GANGenerator":
        """See `ZooNetwork.for_classes`."""
        weights, linear, name = self.state_dict(), self.stages[0].transition.linear, "stages.0.transition.linear"
        if not (count or self.class_counts):
            return self
        if count and self.embed is not None:
            weights["embed.weight"] = picked(self.embed.weight, starts)
            return self.rebuilt(weights, num_classes=count)
        if count:
            fresh = nn.Linear(count, self.latent_dim, bias=False)
            weights |= {"embed.weight": fresh.weight, f"{name}.weight": F.pad(linear.weight, (0, self.latent_dim))}
            return self.rebuilt(weights, num_classes=count, embedding_dim=self.latent_dim)
        of_latent, of_class = linear.weight.tensor_split([self.latent_dim], dim=1)
        constant = of_class @ weights.pop("embed.weight").mean(1)
        constant = constant if linear.bias is None else constant + linear.bias
        weights |= {f"{name}.weight": of_latent, f"{name}.bias": constant}
        return self.rebuilt(weights, num_classes=0, embedding_dim=0, start_bias=True)


class R3GANDiscriminator(ZooDiscriminator):
    """Images and classes to logits.

    Args: those of `R3GANGenerator`, the finest stage first.
    """

    family = NAME
    loss = "relativistic"
    penalises_generated = True

    @register_to_config
    def __init__(
        self,
        image_channels: int = 3,
        num_classes: int = 0,
        embedding_dim: int = 0,
        channels: tuple[int, ...] = (512, 512, 512, 512),
        inner: tuple[int, ...] = (1024, 1024, 1024, 1024),
        groups: tuple[int, ...] = (64, 64, 64, 64),
        blocks: tuple[int, ...] = (2, 2, 2, 2),
    ):
        super().__init__()
        self.class_counts = (num_classes,) if num_classes else ()
        self.embed = nn.Linear(num_classes, embedding_dim, bias=False) if num_classes else None
        self.from_image = nn.Conv2d(image_channels, channels[0], 1, bias=False)
        stages = []
        for k, width in enumerate(channels):
            end = End(width, embedding_dim if num_classes else 1)
            transition = end if k == len(channels) - 1 else Transition(width, channels[k + 1], up=False)
            stages.append(Stage(transition, width, inner[k], groups[k], blocks[k], last=True))
        self.stages = nn.ModuleList(stages)

    def features(self, samples: Tensor) -> list[Tensor]:
        """See `ZooDiscriminator.features`."""
        x, features = self.from_image(samples), []
        for stage in self.stages[:-1]:
            x = stage(x)
            features.append(x)
        return features

    def head(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """See `ZooDiscriminator.head`."""
        x = self.stages[-1](x)
        if self.embed is None:
            return x.squeeze(1)
        return (x * self.embed(self.class_input(labels, x))).sum(1)

    def gamma(self, side: int, batch: int) -> float:
        """See `ZooDiscriminator.gamma`; between those of the published settings, which do not depend on the batch."""
        return 0.5 * (side / 32) ** 2

    def resolutions(self) -> list[nn.Module]:
        """See `ZooDiscriminator.resolutions`."""
        return [nn.ModuleList([self.from_image, self.stages[0]]), *self.stages[1:]]

    @torch.no_grad()
    def for_classes(self, count: int, starts: Starts = ()) -> "R3GANDiscriminator":
        """See `ZooNetwork.for_classes`."""
        weights, name = self.state_dict(), f"stages.{len(self.stages) - 1}.transition.linear.weight"
        if not (count or self.class_counts):
            return self
        if count and self.embed is not None:
            weights["embed.weight"] = picked(self.embed.weight, starts)
            return self.rebuilt(weights, num_classes=count)
        if count:
            width = weights[name].shape[1]
            weights |= {"embed.weight": torch.ones(width, count), name: spread(weights[name], width, width**-0.5)}
            return self.rebuilt(weights, num_classes=count, embedding_dim=width)
        weights[name] = weights.pop("embed.weight").mean(1, keepdim=True).T @ weights[name]
        return self.rebuilt(weights, num_classes=0, embedding_dim=0)


# Files

NAMES = {  # of the tensors of a block, ours: theirs
    "conv1.weight": "LinearLayer1.Layer.weight",
    "bias1": "NonLinearity1.Bias",
    "conv2.weight": "LinearLayer2.Layer.weight",
    "bias2": "NonLinearity2.Bias",
    "conv3.weight": "LinearLayer3.Layer.weight",
}
TRANSITION = {  # ours: those of a transition or basis that may be theirs
    "basis": "Basis",
    "basis.weight": "Basis.weight",
    "linear.weight": "LinearLayer.weight",
    "conv.weight": "LinearLayer.Layer.weight",
    "kernel": "Resampler.Kernel",
}


def recognise(content: Any, **_: Any) -> Imported | None:
    """The networks of a pickle, if they are of an R3GAN."""
    record, critic = players(content)
    model = child(record, "Model") or record
    if child(model, "MainLayers") is None:
        return None
    found, config = read(model, first="transition")
    size = START * 2 ** (len(config["channels"]) - 1)
    config["resolution"] = (size, size)
    config["image_channels"] = found["to_image.weight"].shape[0]
    config["latent_dim"] = found["stages.0.transition.linear.weight"].shape[1] - config["embedding_dim"]
    generator = build(R3GANGenerator, config, found)
    critic = child(critic, "Model") or critic
    if child(critic, "MainLayers") is None:
        return Imported(generator, None, ["The file has no discriminator that is known."])
    return Imported(generator, *known_critic(lambda: _critic(critic)))


def _critic(model: Any) -> R3GANDiscriminator:
    found, config = read(model, first="blocks")
    config["image_channels"] = found["from_image.weight"].shape[1]
    return build(R3GANDiscriminator, config, found)


def read(model: Any, first: str) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """Tensors under our names, and what their shapes say, of a network whose stages begin with either."""
    theirs = tensors(model)
    count = len(attributes(child(model, "MainLayers")).get("_modules") or {})
    found: dict[str, StoredTensor] = {}
    config: dict[str, Any] = {"channels": [], "inner": [], "groups": [], "blocks": []}
    for k in range(count):
        layers = child(model, f"MainLayers.{k}.Layers")
        names = sorted(attributes(layers).get("_modules") or {}, key=int)
        transition, blocks = (names[0], names[1:]) if first == "transition" else (names[-1], names[:-1])
        prefix = f"MainLayers.{k}.Layers"
        for number, name in enumerate(blocks):
            for ours, other in NAMES.items():
                found[f"stages.{k}.blocks.{number}.{ours}"] = theirs.pop(f"{prefix}.{name}.{other}")
        for ours, other in TRANSITION.items():
            if f"{prefix}.{transition}.{other}" in theirs:
                found[f"stages.{k}.transition.{ours}"] = theirs.pop(f"{prefix}.{transition}.{other}")
        if not blocks:
            raise DamagedError("has a stage without blocks")
        middle = found[f"stages.{k}.blocks.0.conv2.weight"].shape
        config["channels"].append(found[f"stages.{k}.blocks.0.conv1.weight"].shape[1])
        config["inner"].append(middle[0])
        config["groups"].append(middle[0] // max(1, middle[1]))
        config["blocks"].append(len(blocks))
    ends = {"AggregationLayer": "to_image", "ExtractionLayer": "from_image", "EmbeddingLayer": "embed"}
    for other, ours in ends.items():
        for name in [name for name in theirs if name.startswith(f"{other}.")]:
            found[f"{ours}.weight"] = theirs.pop(name)
    if theirs:
        raise DamagedError(f"is an R3GAN of a kind that is not known ({class_name(model)}, {next(iter(theirs))})")
    embedding, classes = found["embed.weight"].shape if "embed.weight" in found else (0, 0)
    counts = {name: tuple(values) for name, values in config.items()}
    return found, {**counts, "num_classes": classes, "embedding_dim": embedding}
