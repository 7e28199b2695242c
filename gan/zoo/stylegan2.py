"""StyleGAN2 (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN"; with adaptive augmentation,
Karras et al. 2020, "Training generative adversarial networks with limited data"), as NVIDIA's PyTorch code pickles it.

The names of tensors are those of the published files. Weights are stored as they were drawn, and scaled when they are
used (equalised learning rate, Karras et al. 2018). `gan.zoo.rosinality` reads another layout of the same mathematics.
"""

import math
import re
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.zoo.checkpoint import state_dict
from gan.zoo.family import (
    Imported,
    Starts,
    ZooDiscriminator,
    ZooGenerator,
    build,
    check_noise,
    full_precision,
    known_critic,
    numpy_latent,
    picked,
    spread,
)
from gan.zoo.modules import attributes, child, class_name, number, players, tensors, text
from gan.zoo.resample import around, resample
from gan.zoo.unpickle import DamagedError

NAME = "StyleGAN2"
SLOPE = 0.2  # of leaky ReLU, whose gain of sqrt 2 keeps the variance
MAX_TAPS = 64  # a side of the resampling filter
AVERAGED = 4096  # latents, where no average of w is known
AVERAGE_DECAY = 0.995  # a step of training; of w_avg
WEIGHTS_ALONE = {"synthesis.b4.const", "synthesis.input.freqs"}  # names in state dicts of NVIDIA's generators
MAPPING_LR = 0.01  # learning rate of mapping networks, relative to the others


def normalise(x: Tensor) -> Tensor:
    """Rows of unit mean square."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def activate(x: Tensor, bias: Tensor, clamp: float | None = None, gain: float = 1.0) -> Tensor:
    """Bias, leaky ReLU, gain; then the clamp, which scales with the gain."""
    x = F.leaky_relu(x + bias.to(x.dtype)[None, :, None, None], SLOPE) * (math.sqrt(2) * gain)
    return x if clamp is None else x.clamp(-clamp * gain, clamp * gain)


class Linear(nn.Module):
    """A linear layer whose weight is used times `lr_multiplier / sqrt(inputs)`, and its bias times `lr_multiplier`."""

    def __init__(self, inputs: int, outputs: int, lr_multiplier: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.lr_multiplier = lr_multiplier

    def scaled(self) -> Tensor:
        """The weight as it is used."""
        return self.weight * (self.lr_multiplier / math.sqrt(self.weight.shape[1]))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) to (n, outputs)."""
        return F.linear(x, self.scaled(), self.bias * self.lr_multiplier)


class MappingNetwork(nn.Module):
    """Latents and classes to `w`.

    Args:
        latent_dim: 0 where only a class is mapped, as in discriminators.
        num_classes: 0 without classes.
        embedding_dim: of a class, 0 without.
        widths: outputs of each layer; without layers a class becomes its embedding.
        lr_multiplier: of the layers.
        average: whether there is a `w_avg` to truncate towards.
        class_averages: whether each class has one of its own.
    """

    def __init__(
        self,
        latent_dim: int,
        num_classes: int,
        embedding_dim: int,
        widths: tuple[int, ...],
        lr_multiplier: float,
        average: bool,
        class_averages: bool = False,
    ):
        super().__init__()
        self.embed = Linear(num_classes, embedding_dim) if num_classes else None
        inputs = [latent_dim + (embedding_dim if num_classes else 0), *widths]
        for k, width in enumerate(widths):
            self.add_module(f"fc{k}", Linear(inputs[k], width, lr_multiplier))
        self.depth, self.class_averages = len(widths), class_averages
        if average:
            rows = (num_classes,) if class_averages and num_classes else ()
            self.register_buffer("w_avg", torch.zeros(*rows, widths[-1]))

    def forward(self, latents: Tensor | None, classes: Tensor | None) -> Tensor:
        """(n, latent_dim) and one-hot (n, classes) to (n, width)."""
        with full_precision(next(self.parameters()).device):
            parts = [] if latents is None else [normalise(latents)]
            if self.embed is not None:
                assert classes is not None
                parts.append(normalise(self.embed(classes.to(self.embed.weight.dtype))))
            x = torch.cat(parts, dim=1)
            for k in range(self.depth):
                x = F.leaky_relu(getattr(self, f"fc{k}")(x), SLOPE) * math.sqrt(2)
        return x

    def truncated(self, w: Tensor, psi: float | Tensor, classes: Tensor | None) -> Tensor:
        """`w_avg + psi (w - w_avg)` of w (n, width); classes as of `forward`."""
        if not isinstance(psi, Tensor) and psi == 1:
            return w
        average = self.w_avg.to(w.dtype)
        if average.ndim == 2:
            assert classes is not None
            average = classes.to(w.dtype) @ average
        return average + psi * (w - average)

    @torch.no_grad()
    def track(self, w: Tensor, classes: Tensor | None, decay: float) -> None:
        """Takes w (n, width) of a training step into the average, or into those of their classes."""
        w = w.float()
        if self.w_avg.ndim == 1:
            self.w_avg.lerp_(w.mean(0), 1 - decay)
            return
        assert classes is not None
        counts = classes.float().sum(0)[:, None]
        means = classes.float().T @ w / counts.clamp(min=1)
        self.w_avg.copy_(torch.where(counts > 0, self.w_avg.lerp(means, 1 - decay**counts), self.w_avg))

    @torch.no_grad()
    def centre(self, latent_dim: int) -> None:
        """Sets `w_avg` to the mean over random latents and classes, or those of classes to the means over latents."""
        source = torch.Generator().manual_seed(0)
        latents, classes = torch.randn(AVERAGED, latent_dim, generator=source), None
        if self.w_avg.ndim == 2:
            latents, each = latents[: AVERAGED // 16], torch.eye(len(self.w_avg))
            for k, one in enumerate(each):
                self.w_avg[k] = self(latents, one.expand(len(latents), -1)).mean(0)
            return
        if self.embed is not None:
            count = self.embed.weight.shape[1]
            classes = F.one_hot(torch.randint(count, (AVERAGED,), generator=source), count).float()
        self.w_avg.copy_(self(latents, classes).mean(0))

    @torch.no_grad()
    def for_classes(self, latent_dim: int, count: int, starts: Starts) -> tuple[dict[str, Tensor], int]:
        """The weights, by their names, of a mapping network of latents for other classes, and the size of its
        embeddings; arguments as of `ZooNetwork.for_classes`."""
        weights = self.state_dict()
        if self.class_averages:  # what they become is computed anew (`centre`)
            weights["w_avg"] = torch.zeros(*([count] if count else []), self.w_avg.shape[1])
        if self.embed is not None and count:
            return weights | {"embed.weight": embeddings(self.embed, starts)}, len(self.embed.weight)
        # Weights are divided by the root of the inputs, of which there will be others.
        matrix = self.fc0.weight
        if count:
            size = self.w_avg.shape[-1]
            embed = {f"embed.{name}": tensor for name, tensor in Linear(count, size).state_dict().items()}
            matrix = F.pad(matrix, (0, size)) * math.sqrt((latent_dim + size) / latent_dim)
            return weights | embed | {"fc0.weight": matrix}, size
        assert self.embed is not None
        of_latent, of_class = (matrix / math.sqrt(matrix.shape[1])).tensor_split([latent_dim], dim=1)
        constant = of_class @ normalise(self.embed(torch.eye(self.embed.weight.shape[1]))).mean(0)
        weights = {name: weight for name, weight in weights.items() if not name.startswith("embed.")}
        weights |= {"fc0.weight": of_latent * math.sqrt(latent_dim), "fc0.bias": self.fc0.bias + constant}
        return weights, 0


def embeddings(embed: Any, starts: Starts) -> Tensor:
    """The weight of an embedding for other classes; it is divided by the root of their number when it is used."""
    return picked(embed.weight, starts) * math.sqrt(len(starts) / embed.weight.shape[1])


def mapping_config(module: Any, embedded: bool = True) -> dict[str, Any]:
    """Arguments of a pickled mapping network, read off its shapes; its `embed` is passed over unless `embedded`."""
    shapes = {name: tensor.shape for name, tensor in tensors(module).items()}
    layers = [f"fc{k}.weight" for k in range(len(shapes))]
    widths = tuple(shapes[name][0] for name in layers if name in shapes)
    embedding, classes = shapes.get("embed.weight", (0, 0)) if embedded else (0, 0)
    first = attributes(child(module, "fc0"))
    multiplier = number(first.get("bias_gain")) if widths else MAPPING_LR
    if not (widths or embedding) or multiplier is None:
        raise DamagedError("has a mapping network of a kind that is not known")
    if widths:
        _check_activation(first)
    return {
        "latent_dim": shapes["fc0.weight"][1] - embedding if widths else 0,
        "num_classes": classes,
        "embedding_dim": embedding,
        "mapping_widths": widths,
        "lr_multiplier": multiplier,
    }


# The generator


def _filter(shape: tuple[int, ...]) -> Tensor:
    """A filter of zeros, to be read from a file."""
    if len(shape) not in (1, 2) or not 1 <= min(shape) <= max(shape) <= MAX_TAPS:
        raise GANError(f"The filter that resamples is of shape {shape}, and at most {MAX_TAPS} a side can be used.")
    return torch.zeros(*shape)


class SynthesisLayer(nn.Module):
    """A convolution modulated by `w`, demodulated, with noise.

    Args:
        inputs, outputs: channels.
        side: pixels of the output.
        w_dim: length of `w`.
        up: 2 doubles the sides.
        clamp: of activations; `None` for none.
        use_noise: whether it adds noise.
    """

    def __init__(
        self, inputs: int, outputs: int, side: int, w_dim: int, up: int, clamp: float | None, use_noise: bool
    ):
        super().__init__()
        self.up, self.clamp = up, clamp
        self.affine = Linear(w_dim, inputs)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        if use_noise:
            self.noise_strength = nn.Parameter(torch.zeros(()))
            self.register_buffer("noise_const", torch.randn(side, side))
        self.use_noise = use_noise

    def forward(self, x: Tensor, w: Tensor, kernel: Tensor, noise: str, gain: float = 1.0) -> Tensor:
        """(n, inputs, height, width) and (n, w_dim) to (n, outputs, height, width)."""
        styles = self.affine(w)
        # Modulating the input and demodulating the output is modulating the weights, without a weight for each image.
        x = x * styles[:, :, None, None]
        if self.up == 2:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            left, right, top, bottom = around(kernel, up=2)
            # The convolution has already added a pixel at the left and one at the top.
            x = resample(x, kernel, (left - 1, right, top - 1, bottom), gain=4)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        norms = styles.square() @ self.weight.square().sum((2, 3)).T
        # The gain of the activation commutes with it: taken in here, it costs no pass over the pixels.
        total = gain * math.sqrt(2)
        scale = (norms + 1e-8).rsqrt() * total
        x = torch.addcmul((self.bias * total).to(x.dtype)[:, None, None], x, scale.to(x.dtype)[:, :, None, None])
        if self.use_noise and noise == "const":
            x = x + (self.noise_const * (self.noise_strength * total)).to(x.dtype)
        elif self.use_noise and noise == "random":
            x = x + torch.randn_like(x[:, :1]) * (self.noise_strength * total).to(x.dtype)
        x = F.leaky_relu(x, SLOPE)
        return x if self.clamp is None else x.clamp(-self.clamp * gain, self.clamp * gain)


class ToRGB(nn.Module):
    """A 1x1 convolution modulated by `w`, without demodulation."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, clamp: float | None):
        super().__init__()
        self.clamp = clamp
        self.affine = Linear(w_dim, inputs)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(n, inputs, height, width) and (n, w_dim) to (n, outputs, height, width)."""
        styles = self.affine(w) / math.sqrt(self.weight.shape[1])
        x = F.conv2d(x * styles[:, :, None, None], self.weight) + self.bias[:, None, None]
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class Convolution(nn.Module):
    """A convolution whose weight is used times `1 / sqrt(fan in)`; halves (`down=2`) or doubles (`up=2`) the sides."""

    def __init__(self, inputs: int, outputs: int, size: int, up: int = 1, down: int = 1, bias: bool = True):
        super().__init__()
        self.up, self.down = up, down
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor, kernel: Tensor) -> Tensor:
        """(n, inputs, height, width) to (n, outputs, height, width), without the bias, which `activate` adds."""
        size = self.weight.shape[-1]
        weight = self.weight / math.sqrt(self.weight[0].numel())
        if self.up == 2:  # of size 1
            return resample(F.conv2d(x, weight), kernel, around(kernel, up=2), up=2, gain=4)
        if self.down == 2 and size == 1:
            return F.conv2d(resample(x, kernel, around(kernel, down=2), down=2), weight)
        if self.down == 2:
            left, right, top, bottom = around(kernel, down=2)
            x = resample(x, kernel, (left + 1, right + 1, top + 1, bottom + 1))
            return F.conv2d(x, weight, stride=2)
        return F.conv2d(x, weight, padding=size // 2)


class SynthesisBlock(nn.Module):
    """The layers of a resolution; `inputs` 0 is the first, which starts from a constant."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        side: int,
        image_channels: int,
        w_dim: int,
        architecture: str,
        clamp: float | None,
        use_noise: bool,
        last: bool,
    ):
        super().__init__()
        if inputs:
            self.conv0 = SynthesisLayer(inputs, outputs, side, w_dim, 2, clamp, use_noise)
        else:
            self.const = nn.Parameter(torch.randn(outputs, side, side))
        self.conv1 = SynthesisLayer(outputs, outputs, side, w_dim, 1, clamp, use_noise)
        has_rgb = last or architecture == "skip"
        self.torgb = ToRGB(outputs, image_channels, w_dim, clamp) if has_rgb else None
        has_skip = architecture == "resnet" and inputs
        self.skip = Convolution(inputs, outputs, 1, up=2, bias=False) if has_skip else None

    def forward(self, x: Tensor | None, ws: list[Tensor], kernel: Tensor, noise: str) -> Tensor:
        """Features (n, inputs, height, width), `None` for the first, to (n, outputs, height, width)."""
        if x is None:
            x = self.const[None].to(ws[0].dtype).expand(ws[0].shape[0], -1, -1, -1)
            return self.conv1(x, ws[0], kernel, noise)
        if self.skip is None:
            return self.conv1(self.conv0(x, ws[0], kernel, noise), ws[1], kernel, noise)
        half = math.sqrt(0.5)
        y = self.skip(x, kernel) * half
        return y + self.conv1(self.conv0(x, ws[0], kernel, noise), ws[1], kernel, noise, half)


class SynthesisNetwork(nn.Module):
    """`w` of each layer to images. Arguments are those of `StyleGAN2Generator`."""

    def __init__(
        self,
        image_channels: int,
        w_dim: int,
        channels: tuple[int, ...],
        architecture: str,
        clamp: float | None,
        use_noise: bool,
        filter_shape: tuple[int, ...],
    ):
        super().__init__()
        self.register_buffer("resample_filter", _filter(filter_shape))
        self.sides = [4 * 2**k for k in range(len(channels))]
        for k, side in enumerate(self.sides):
            last = k == len(channels) - 1
            settings = (image_channels, w_dim, architecture, clamp, use_noise, last)
            self.add_module(f"b{side}", SynthesisBlock([0, *channels][k], channels[k], side, *settings))
        self.num_ws = 2 * len(channels)

    def forward(self, ws: Tensor, noise: str) -> tuple[Tensor, list[Tensor]]:
        """(n, num_ws, w_dim) to images (n, image_channels, height, width) and the features of each block."""
        layers, kernel = list(ws.unbind(1)), self.resample_filter
        x = image = None
        features, first = [], 0
        for side in self.sides:
            block = getattr(self, f"b{side}")
            count = 1 if x is None else 2
            x = block(x, layers[first : first + count], kernel, noise)
            first += count
            if image is not None:
                image = resample(image, kernel, around(kernel, up=2), up=2, gain=4)
            if block.torgb is not None:  # shares its w with the next block
                rgb = block.torgb(x, layers[first])
                image = rgb if image is None else image + rgb
            features.append(x)
        assert image is not None
        return image, features


class StyleGAN2Generator(ZooGenerator):
    """Latents and classes to images, about [-1, 1].

    Args: those of `ZooGenerator`, and
        embedding_dim: of a class, 0 without.
        mapping_widths: outputs of each layer of the mapping network; the last one is the length of `w`.
        lr_multiplier: of the mapping network.
        channels: of each block, the coarsest first.
        architecture: "skip", "resnet" or "orig".
        clamp: of activations, `None` for none.
        use_noise: whether layers add noise.
        filter_shape: of the filter that resamples: (height, width), or (taps,) for both axes one after the other.
    """

    family = NAME
    paper = "Analyzing and improving the image quality of StyleGAN, Karras et al. 2020"
    truncation = "moves w towards its mean"
    learning_rate = 2e-3
    style_mixing = 0.9
    torch_seeds = False

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 512,
        embedding_dim: int = 0,
        mapping_widths: tuple[int, ...] = (512,) * 8,
        lr_multiplier: float = 0.01,
        channels: tuple[int, ...] = (512, 512, 512, 512),
        architecture: str = "skip",
        clamp: float | None = None,
        use_noise: bool = True,
        filter_shape: tuple[int, ...] = (4, 4),
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        self.mapping = MappingNetwork(latent_dim, num_classes, embedding_dim, mapping_widths, lr_multiplier, True)
        synthesis = (image_channels, mapping_widths[-1], channels, architecture, clamp, use_noise, filter_shape)
        self.synthesis = SynthesisNetwork(*synthesis)

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """`w`, truncated, for each layer: (n, layers, w_dim)."""
        classes = self.class_input(labels, latents) if self.class_counts else None
        w = self.mapping.truncated(self.mapping(latents, classes), truncation, classes)
        return w[:, None].repeat(1, self.synthesis.num_ws, 1)

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooGenerator.draw`."""
        check_noise(noise)
        images, features = self.synthesis(codes, noise)
        return (images, features) if return_features else images

    def latent(self, seed: int) -> Tensor:
        """See `ZooGenerator.latent`."""
        return numpy_latent(seed, self.latent_dim)

    def code_weights(self) -> list[Tensor]:
        """See `ZooGenerator.code_weights`; of to-RGB layers only that of the last one, which has a code of its own."""
        blocks = [getattr(self.synthesis, f"b{side}") for side in self.synthesis.sides]
        convolutions = [getattr(block, name, None) for block in blocks for name in ("conv0", "conv1")]
        layers = [layer for layer in [*convolutions, blocks[-1].torgb] if layer is not None]
        return [layer.affine.scaled().detach() for layer in layers]

    def track(self, codes: Tensor, labels: Tensor | None) -> None:
        """See `ZooGenerator.track`."""
        classes = self.class_input(labels, codes) if self.class_counts else None
        self.mapping.track(codes[:, 0], classes, AVERAGE_DECAY)

    def for_classes(self, count: int, starts: Starts = ()) -> "StyleGAN2Generator":
        """See `ZooNetwork.for_classes`."""
        return mapped_for_classes(self, count, starts)


def mapped_for_classes(generator: Any, count: int, starts: Starts) -> Any:
    """`ZooNetwork.for_classes` of a generator with a mapping network."""
    known = sum(generator.class_counts)
    if list(starts) == list(range(known)) and count == known:
        return generator
    mapping, size = generator.mapping.for_classes(generator.latent_dim, count, starts)
    weights = {name: weight for name, weight in generator.state_dict().items() if not name.startswith("mapping.")}
    weights |= {f"mapping.{name}": weight for name, weight in mapping.items()}
    network = generator.rebuilt(weights, num_classes=count, embedding_dim=size)
    network.mapping.centre(network.latent_dim)
    return network


# The discriminator


class DiscriminatorBlock(nn.Module):
    """The layers of a resolution; the image comes in where there is a `fromrgb`."""

    def __init__(self, inputs: int, outputs: int, image_channels: int, architecture: str, first: bool):
        super().__init__()
        self.fromrgb = Convolution(image_channels, inputs, 1) if first or architecture == "skip" else None
        self.conv0 = Convolution(inputs, inputs, 3)
        self.conv1 = Convolution(inputs, outputs, 3, down=2)
        self.skip = Convolution(inputs, outputs, 1, down=2, bias=False) if architecture == "resnet" else None

    def forward(self, x: Tensor | None, image: Tensor | None, kernel: Tensor, clamp: float | None) -> Tensor:
        """Features (n, inputs, height, width), or an image, or both, to (n, outputs, height / 2, width / 2)."""
        if self.fromrgb is not None:
            y = activate(self.fromrgb(image, kernel), self.fromrgb.bias, clamp)
            x = y if x is None else x + y
        gain = 1.0 if self.skip is None else math.sqrt(0.5)
        y = activate(self.conv0(x, kernel), self.conv0.bias, clamp)
        y = activate(self.conv1(y, kernel), self.conv1.bias, clamp, gain)
        return y if self.skip is None else y + self.skip(x, kernel) * gain


def standard_deviations(x: Tensor, group_size: int, channels: int) -> Tensor:
    """Features (n, width, height, width) and, as further channels, how much they vary within groups of the batch.

    Image i is in group i mod (n / group size). Where the batch does not divide, groups are the largest that do.
    """
    n, width, *sides = x.shape
    size = next(size for size in range(min(group_size or n, n), 0, -1) if n % size == 0)
    y = x.reshape(size, n // size, channels, width // channels, *sides)
    y = (y.var(0, unbiased=False) + 1e-8).sqrt().mean((2, 3, 4))
    return torch.cat([x, y[:, :, None, None].repeat(size, 1, *sides)], dim=1)


class DiscriminatorEpilogue(nn.Module):
    """Features of 4x4 to a logit, or to as many features as a class has."""

    def __init__(
        self, width: int, outputs: int, image_channels: int, group_size: int, group_channels: int, architecture: str
    ):
        super().__init__()
        self.group_size, self.group_channels = group_size, group_channels
        self.fromrgb = Convolution(image_channels, width, 1) if architecture == "skip" else None
        self.conv = Convolution(width + group_channels, width, 3)
        self.fc = Linear(width * 16, width)
        self.out = Linear(width, outputs)

    def forward(self, x: Tensor, kernel: Tensor, clamp: float | None) -> Tensor:
        """(n, width, 4, 4) to (n, outputs)."""
        if self.group_channels:
            x = standard_deviations(x, self.group_size, self.group_channels)
        x = activate(self.conv(x, kernel), self.conv.bias, clamp)
        return self.out(F.leaky_relu(self.fc(x.flatten(1)), SLOPE) * math.sqrt(2))


class StyleGAN2Discriminator(ZooDiscriminator):
    """Images and classes to logits. Logits depend on the batch, by what varies within it.

    Args:
        image_channels, num_classes: of the images.
        channels: of each block, the finest first.
        architecture: "resnet", "skip" or "orig".
        clamp: of activations, `None` for none.
        group_size: of groups of the batch within which deviations are taken; 0 is the whole batch.
        group_channels: that they become; 0 for none.
        embedding_dim, mapping_widths, lr_multiplier: of the mapping network of classes, which may have no layers.
        filter_shape: as of `StyleGAN2Generator`.
    """

    family = NAME
    learning_rate = 2e-3

    @register_to_config
    def __init__(
        self,
        image_channels: int = 3,
        num_classes: int = 0,
        channels: tuple[int, ...] = (512, 512, 512, 512),
        architecture: str = "resnet",
        clamp: float | None = None,
        group_size: int = 4,
        group_channels: int = 1,
        embedding_dim: int = 0,
        mapping_widths: tuple[int, ...] = (),
        lr_multiplier: float = 0.01,
        filter_shape: tuple[int, ...] = (4, 4),
    ):
        super().__init__()
        self.class_counts = (num_classes,) if num_classes else ()
        self.architecture, self.clamp = architecture, clamp
        self.register_buffer("resample_filter", _filter(filter_shape))
        self.sides = [4 * 2**k for k in range(1, len(channels))][::-1]
        for k, side in enumerate(self.sides):
            block = DiscriminatorBlock(channels[k], channels[k + 1], image_channels, architecture, k == 0)
            self.add_module(f"b{side}", block)
        outputs = (embedding_dim, *mapping_widths)[-1] if num_classes else 1
        epilogue = (channels[-1], outputs, image_channels, group_size, group_channels, architecture)
        self.b4 = DiscriminatorEpilogue(*epilogue)
        self.mapping = None
        if num_classes:
            self.mapping = MappingNetwork(0, num_classes, embedding_dim, mapping_widths, lr_multiplier, False)

    def features(self, samples: Tensor) -> list[Tensor]:
        """See `ZooDiscriminator.features`."""
        x, kernel, features = None, self.resample_filter, []
        for side in self.sides:
            x = getattr(self, f"b{side}")(x, samples, kernel, self.clamp)
            if self.architecture == "skip":
                samples = resample(samples, kernel, around(kernel, down=2), down=2)
            features.append(x)
        if self.b4.fromrgb is not None:
            y = activate(self.b4.fromrgb(samples, kernel), self.b4.fromrgb.bias)
            features[-1] = features[-1] + y
        return features

    def head(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """See `ZooDiscriminator.head`."""
        x = self.b4(x, self.resample_filter, self.clamp)
        if self.mapping is None:
            return x.squeeze(1)
        mapped = self.mapping(None, self.class_input(labels, x))
        return (x * mapped).sum(1) / math.sqrt(x.shape[1])

    def resolutions(self) -> list[nn.Module]:
        """See `ZooDiscriminator.resolutions`."""
        return [*(getattr(self, f"b{side}") for side in self.sides), self.b4]

    @torch.no_grad()
    def for_classes(self, count: int, starts: Starts = ()) -> "StyleGAN2Discriminator":
        """See `ZooNetwork.for_classes`."""
        weights, out = self.state_dict(), self.b4.out
        if not (count or self.class_counts):
            return self
        if count and self.mapping is not None:
            weights["mapping.embed.weight"] = embeddings(self.mapping.embed, starts)
            return self.rebuilt(weights, num_classes=count)
        if count:
            width = out.weight.shape[1]
            mapping = MappingNetwork(0, count, width, (width,), MAPPING_LR, average=False)
            mapping.fc0.weight.zero_()
            mapping.fc0.bias.fill_(1 / (math.sqrt(2) * MAPPING_LR))  # which maps every class to ones
            weights |= {f"mapping.{name}": weight for name, weight in mapping.state_dict().items()}
            root = math.sqrt(width)
            weights["b4.out.weight"] = spread(out.weight * root, width, 1.0)
            weights["b4.out.bias"] = out.bias.repeat(width) / root
            sizes = {"embedding_dim": width, "mapping_widths": (width,), "lr_multiplier": MAPPING_LR}
            return self.rebuilt(weights, num_classes=count, **sizes)
        assert self.mapping is not None
        mean = self.mapping(None, torch.eye(sum(self.class_counts))).mean(0) / math.sqrt(len(out.weight))
        weights = {name: weight for name, weight in weights.items() if not name.startswith("mapping.")}
        weights |= {"b4.out.weight": mean[None] @ out.weight, "b4.out.bias": (mean @ out.bias)[None]}
        return self.rebuilt(weights, num_classes=0, embedding_dim=0, mapping_widths=())


# Files


def recognise(content: Any, **_: Any) -> Imported | None:
    """The networks of NVIDIA's pickles, if they are of StyleGAN2."""
    record, critic = players(content)
    if child(record, "synthesis.b4") is None or child(record, "mapping") is None:
        if isinstance(content, dict) and not WEIGHTS_ALONE.isdisjoint(state_dict(content)):
            raise DamagedError(
                "holds the weights of a StyleGAN2 or 3 of NVIDIA without its settings (factors, clamps); give the "
                "pickle that they were taken from"
            )
        return None
    generator, notes = read_generator(record)
    discriminator, more = read_discriminator(critic)
    return Imported(generator, discriminator, [*notes, *more])


def blocks(module: Any) -> list[int]:
    """The resolutions of the blocks `b4`, `b8`, ..., the coarsest first.

    Raises:
        DamagedError: if one is missing.
    """
    names = attributes(module).get("_modules") or {}
    sides = sorted(int(name[1:]) for name in names if re.fullmatch(r"b\d{1,4}", name))
    if sides != [4 * 2**k for k in range(len(sides))] or len(sides) < 2:
        raise DamagedError("has blocks of resolutions that are not known")
    return sides


def read_generator(record: Any) -> tuple[StyleGAN2Generator, list[str]]:
    """The generator of a pickled one, and what is to be said about it."""
    found = tensors(record)
    synthesis = child(record, "synthesis")
    sides = blocks(synthesis)
    last = child(synthesis, f"b{sides[-1]}")
    layer = attributes(child(last, "conv1"))
    _check_activation(layer)
    mapping = mapping_config(child(record, "mapping"))
    if not mapping["mapping_widths"]:
        raise DamagedError("has a generator without a mapping network, which is not known")
    config = {
        **mapping,
        "resolution": (sides[-1], sides[-1]),
        "image_channels": found[f"synthesis.b{sides[-1]}.torgb.bias"].shape[0],
        "channels": tuple(found[f"synthesis.b{side}.conv1.weight"].shape[0] for side in sides),
        "architecture": text(attributes(last).get("architecture")),
        "clamp": number(layer.get("conv_clamp")),
        "use_noise": f"synthesis.b{sides[-1]}.conv1.noise_const" in found,
        "filter_shape": tuple(found["synthesis.b4.resample_filter"].shape),
    }
    return with_average(StyleGAN2Generator, config, _with_one_filter(found, "synthesis.", "b4"))


def with_average(kind: Any, config: dict[str, Any], found: dict[str, Any]) -> tuple[Any, list[str]]:
    """A generator with a mapping network, and what is to be said about it: a file may lack the average of w."""
    if "mapping.w_avg" in found:
        return build(kind, config, found), []
    generator = build(kind, config, found | {"mapping.w_avg": torch.zeros(config["mapping_widths"][-1])})
    generator.mapping.centre(generator.latent_dim)
    return generator, [f"The file has no average of w; truncation moves towards that of {AVERAGED:,} latents."]


def read_discriminator(record: Any) -> tuple[ZooDiscriminator | None, list[str]]:
    """The discriminator of a pickled one, `None` if there is none or none that is known; and a sentence about it."""
    if not attributes(record):
        return None, ["The file has no discriminator."]
    if child(record, "b4") is None or child(record, "b8") is None:
        return None, [f"The discriminator, a {class_name(record)[:60]}, is not known and was left out."]
    return known_critic(lambda: _critic(record))


def _critic(record: Any) -> StyleGAN2Discriminator:
    found = tensors(record)
    sides = blocks(record)[::-1]
    first, epilogue = child(record, f"b{sides[0]}"), child(record, "b4")
    groups = attributes(child(epilogue, "mbstd"))
    for layer in (child(first, "conv0"), child(epilogue, "conv")):
        _check_activation(attributes(layer))
    mapping = mapping_config(child(record, "mapping")) if child(record, "mapping") else {}
    config = {
        **{name: mapping[name] for name in ("num_classes", "embedding_dim", "mapping_widths") if mapping},
        "lr_multiplier": mapping.get("lr_multiplier", 0.01),
        "image_channels": found[f"b{sides[0]}.fromrgb.weight"].shape[1],
        "channels": tuple(found[f"b{side}.conv0.weight"].shape[1] for side in sides[:-1])
        + (found["b4.fc.weight"].shape[0],),
        "architecture": text(attributes(first).get("architecture")),
        "clamp": number(attributes(child(first, "conv0")).get("conv_clamp")),
        "group_size": int(number(groups.get("group_size")) or 0),
        "group_channels": int(number(groups.get("num_channels")) or 0),
        "filter_shape": tuple(found[f"b{sides[0]}.resample_filter"].shape),
    }
    return build(StyleGAN2Discriminator, config, _with_one_filter(found, "", f"b{sides[0]}"))


def _check_activation(layer: dict[str, Any]) -> None:
    if layer.get("activation") != "lrelu":
        raise DamagedError("is a StyleGAN with another activation than leaky ReLU, which is not known")


def _with_one_filter(found: dict[str, Any], prefix: str, block: str) -> dict[str, Any]:
    """The tensors with the resampling filter of one block, which every layer that resamples has a copy of."""
    kept = {name: tensor for name, tensor in found.items() if not name.endswith("resample_filter")}
    return kept | {f"{prefix}resample_filter": found[f"{prefix}{block}.resample_filter"]}
