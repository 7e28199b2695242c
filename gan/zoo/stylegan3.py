"""StyleGAN3, configurations T and R (Karras et al. 2021, "Alias-free generative adversarial networks").

A signal of Fourier features, which `w` shifts and rotates, goes through layers that treat it as continuous: up-sample,
bend (leaky ReLU), down-sample, each with a filter that keeps what the rate can hold. Every filter, size and factor is
stored in the files, so nothing is designed anew. The names of tensors are those of the files; the discriminator is
that of StyleGAN2. There is no noise.
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.hub.repository import Signed
from gan.zoo.family import Imported, Starts, ZooGenerator, check_noise, full_precision, numpy_latent
from gan.zoo.modules import attributes, child, number, players, tensors
from gan.zoo.resample import resample
from gan.zoo.stylegan2 import (
    SLOPE,
    Linear,
    MappingNetwork,
    mapped_for_classes,
    mapping_config,
    read_discriminator,
    with_average,
)
from gan.zoo.unpickle import DamagedError, StoredArray

NAME = "StyleGAN3"
MAX_SIZE = 4096  # of a layer, in pixels
MAX_UP = 2 * MAX_SIZE  # within a layer
MAX_FACTOR = 16  # of up- and down-sampling
AVERAGE_DECAY = 0.998  # a step of training; of w_avg
MAGNITUDE_HALF_LIFE = 20_000  # images, in training; of the mean square of what comes into a layer


class SynthesisInput(nn.Module):
    """Sinusoids whose frequencies and phases `w` rotates and shifts. Computed in float32, as a phase is a place.

    Args:
        channels: sinusoids.
        w_dim: length of `w`.
        size: (width, height) in pixels, margin included.
        sampling_rate: pixels a unit.
        bandwidth: frequency from which on sinusoids fade out, in periods a unit.
    """

    def __init__(self, channels: int, w_dim: int, size: tuple[int, int], sampling_rate: float, bandwidth: float):
        super().__init__()
        self.size, self.sampling_rate, self.bandwidth = size, sampling_rate, bandwidth
        self.weight = nn.Parameter(torch.zeros(channels, channels))
        self.affine = Linear(w_dim, 4)
        self.register_buffer("transform", torch.zeros(3, 3))
        self.register_buffer("freqs", torch.zeros(channels, 2))
        self.register_buffer("phases", torch.zeros(channels))

    def forward(self, w: Tensor) -> Tensor:
        """(n, w_dim) to (n, channels, height, width)."""
        with full_precision(w.device):
            return self._waves(w)

    def _waves(self, w: Tensor) -> Tensor:
        pose = F.linear(w.float(), self.affine.scaled().float(), self.affine.bias.float())
        cosine, sine, *shift = (pose / pose[:, :2].norm(dim=1, keepdim=True)).unbind(1)
        rotation = torch.stack([cosine, -sine, sine, cosine], dim=1).unflatten(1, (2, 2))
        # A place p is looked up at rotation (transform p - shift).
        linear, offset = self.transform[:2, :2].float(), self.transform[:2, 2].float()
        moved = rotation @ (offset - torch.stack(shift, dim=1))[:, :, None]
        frequencies = self.freqs.float() @ (rotation @ linear)
        phases = self.phases.float() + (self.freqs.float() @ moved).squeeze(2)
        fading = (frequencies.norm(dim=2) - self.bandwidth) / (self.sampling_rate / 2 - self.bandwidth)
        x, y = (self._places(size, w.device) for size in self.size)
        angles = frequencies[:, :, :1, None] * x + frequencies[:, :, 1:, None] * y[:, None]
        waves = torch.sin(2 * math.pi * (angles + phases[:, :, None, None]))
        waves = waves * (1 - fading).clamp(0, 1)[:, :, None, None]
        weight = self.weight.float() / math.sqrt(len(self.weight))
        return torch.einsum("oc,nchw->nohw", weight, waves).to(w.dtype)

    def _places(self, size: int, device: torch.device) -> Tensor:
        """Where the centres of pixels are, 0 in the middle."""
        return (torch.arange(size, device=device, dtype=torch.float32) + 0.5 - size / 2) / self.sampling_rate


class SynthesisLayer(nn.Module):
    """A convolution modulated by `w`, and a leaky ReLU at a higher rate; the last layer is linear and ends in RGB.

    Args:
        inputs, outputs: channels.
        w_dim: length of `w`.
        kernel: pixels a side of the convolution.
        up, down: factors.
        up_filter, down_filter: shapes, () for none.
        padding: left, right, top, bottom, in pixels of the higher rate.
        clamp: of activations, `None` for none.
        last: whether it is the layer that ends in RGB.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        w_dim: int,
        kernel: int,
        up: int,
        down: int,
        up_filter: tuple[int, ...],
        down_filter: tuple[int, ...],
        padding: tuple[int, int, int, int],
        clamp: float | None,
        last: bool,
    ):
        super().__init__()
        self.up, self.down, self.clamp, self.last = up, down, clamp, last
        left, right, top, bottom = padding
        self.padding = (left, right, top, bottom)
        self.affine = Linear(w_dim, inputs)
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("magnitude_ema", torch.ones(()))
        self.register_buffer("up_filter", torch.zeros(*up_filter) if up_filter else None)
        self.register_buffer("down_filter", torch.zeros(*down_filter) if down_filter else None)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(n, inputs, height, width) and (n, w_dim) to (n, outputs, height, width)."""
        if self.training:
            with torch.no_grad():
                decay = 0.5 ** (len(x) / MAGNITUDE_HALF_LIFE)
                self.magnitude_ema.lerp_(x.float().square().mean(), 1 - decay)
        styles, weight = self.affine(w), self.weight
        if self.last:
            styles = styles / math.sqrt(weight[0].numel())
        else:  # brought to about 1 before they are multiplied; demodulation takes it away again
            styles = styles * styles.square().mean(1, keepdim=True).rsqrt()
            weight = weight * weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
        x = F.conv2d(x * styles[:, :, None, None], weight, padding=weight.shape[-1] - 1)
        if not self.last:
            norms = styles.square() @ weight.square().sum((2, 3)).T
            x = x * (norms + 1e-8).rsqrt()[:, :, None, None]
        x = x * self.magnitude_ema.rsqrt() + self.bias[:, None, None]
        x = resample(x, self.up_filter, self.padding, up=self.up, gain=self.up**2)
        if not self.last:
            x = F.leaky_relu(x, SLOPE) * math.sqrt(2)
        if self.clamp is not None:
            x = x.clamp(-self.clamp, self.clamp)
        return resample(x, self.down_filter, (0, 0, 0, 0), down=self.down)


class SynthesisNetwork(nn.Module):
    """`w` of each layer to images. Arguments are those of `StyleGAN3Generator`."""

    def __init__(
        self, w_dim: int, channels: tuple[int, ...], input: dict[str, Any], layers: dict[str, dict[str, Any]]
    ):
        super().__init__()
        self.input = SynthesisInput(channels[0], w_dim, **input)
        self.names = list(layers)
        for k, (name, settings) in enumerate(layers.items()):
            last = k == len(layers) - 1
            self.add_module(name, SynthesisLayer(channels[k], channels[k + 1], w_dim, last=last, **settings))

    def forward(self, ws: Tensor) -> list[Tensor]:
        """(n, layers, w_dim) to the output of each layer, the last of which is the image."""
        first, *others = ws.unbind(1)
        outputs = [self.input(first)]
        for name, w in zip(self.names, others):
            outputs.append(getattr(self, name)(outputs[-1], w))
        return outputs[1:]


class StyleGAN3Generator(ZooGenerator):
    """Latents and classes to images, about [-1, 1].

    Args: those of `ZooGenerator`, and
        embedding_dim, mapping_widths, lr_multiplier: as of `StyleGAN2Generator`.
        input_size, sampling_rate, bandwidth: of `SynthesisInput`.
        layer_names: of each layer, the last one ends in RGB.
        channels: of the input and of each layer.
        kernels, up_factors, down_factors, up_filters, down_filters, paddings: of each `SynthesisLayer`.
        rates: pixels a side of each layer's output without its margin.
        clamp: of activations, `None` for none; one of each layer where they differ.
        output_scale: of the image.
        class_averages: whether truncation moves towards an average of each class.
    """

    family = NAME
    paper = "Alias-free generative adversarial networks, Karras et al. 2021"
    truncation = "moves w towards its mean"
    learning_rate = 2.5e-3
    torch_seeds = False
    _keep_in_fp32_modules = ["input"]

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 512,
        embedding_dim: int = 0,
        mapping_widths: tuple[int, ...] = (512, 512),
        lr_multiplier: float = 0.01,
        input_size: tuple[int, int] = (36, 36),
        sampling_rate: float = 16.0,
        bandwidth: float = 2.0,
        layer_names: tuple[str, ...] = (),
        channels: tuple[int, ...] = (512,),
        kernels: tuple[int, ...] = (),
        up_factors: tuple[int, ...] = (),
        down_factors: tuple[int, ...] = (),
        up_filters: tuple[tuple[int, ...], ...] = (),
        down_filters: tuple[tuple[int, ...], ...] = (),
        paddings: tuple[tuple[Signed, ...], ...] = (),
        rates: tuple[int, ...] = (),
        clamp: float | tuple[float | None, ...] | None = None,
        output_scale: float = 0.25,
        class_averages: bool = False,
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        self.rates, self.output_scale = rates, output_scale
        clamps = clamp if isinstance(clamp, list | tuple) else [clamp] * len(layer_names)
        layers = {
            name: {"kernel": kernel, "up": up, "down": down, "padding": padding, "clamp": clamp}
            for name, kernel, up, down, padding, clamp in zip(
                layer_names, kernels, up_factors, down_factors, paddings, clamps
            )
        }
        for settings, up_filter, down_filter in zip(layers.values(), up_filters, down_filters):
            settings |= {"up_filter": up_filter, "down_filter": down_filter}
        _check_sizes(max(input_size), list(layers.values()))
        classes = (num_classes, embedding_dim)
        self.mapping = MappingNetwork(latent_dim, *classes, mapping_widths, lr_multiplier, True, class_averages)
        start = {"size": input_size, "sampling_rate": sampling_rate, "bandwidth": bandwidth}
        self.synthesis = SynthesisNetwork(mapping_widths[-1], channels, start, layers)

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """`w`, truncated, for the input and each layer: (n, layers + 1, w_dim)."""
        classes = self.class_input(labels, latents) if self.class_counts else None
        w = self.mapping.truncated(self.mapping(latents, classes), truncation, classes)
        return w[:, None].repeat(1, len(self.synthesis.names) + 1, 1)

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooGenerator.draw`; features are those of every layer, without the margin around the image."""
        check_noise(noise)
        *features, images = self.synthesis(codes)
        images = images * self.output_scale
        if not return_features:
            return images
        margins = [max(0, (x.shape[-1] - rate) // 2) for x, rate in zip(features, self.rates)]
        return images, [x[:, :, m : x.shape[2] - m, m : x.shape[3] - m] for x, m in zip(features, margins)]

    def latent(self, seed: int) -> Tensor:
        """See `ZooGenerator.latent`."""
        return numpy_latent(seed, self.latent_dim)

    def code_weights(self) -> list[Tensor]:
        """See `ZooGenerator.code_weights`."""
        layers = [getattr(self.synthesis, name) for name in ("input", *self.synthesis.names)]
        return [layer.affine.scaled().detach() for layer in layers]

    def track(self, codes: Tensor, labels: Tensor | None) -> None:
        """See `ZooGenerator.track`."""
        classes = self.class_input(labels, codes) if self.class_counts else None
        self.mapping.track(codes[:, 0], classes, AVERAGE_DECAY)

    def for_classes(self, count: int, starts: Starts = ()) -> "StyleGAN3Generator":
        """See `ZooNetwork.for_classes`."""
        return mapped_for_classes(self, count, starts)


def _check_sizes(size: int, layers: list[dict[str, Any]]) -> None:
    """Raises `GANError` for factors and paddings that make layers too large for memory, or leave nothing of them."""
    for layer in layers:
        high = (size + layer["kernel"] - 1) * layer["up"] + sum(layer["padding"][:2])
        taps = [next(iter(layer[f"{way}_filter"]), 1) for way in ("up", "down")]
        size = (high - sum(taps) + 1) // layer["down"] + 1
        if not 0 < size <= MAX_SIZE or high > MAX_UP:
            raise GANError(f"The generator has layers of {max(size, high)} pixels, and {MAX_SIZE} are the most.")


# Files


def recognise(content: Any, **_: Any) -> Imported | None:
    """The networks of NVIDIA's pickles, if they are of StyleGAN3."""
    record, critic = players(content)
    if child(record, "synthesis.input") is None or child(record, "mapping.fc0") is None:
        return None
    config = {**mapping_config(child(record, "mapping")), **synthesis_config(record)}
    generator, notes = with_average(StyleGAN3Generator, config, tensors(record))
    discriminator, more = read_discriminator(critic)
    return Imported(generator, discriminator, [*notes, *more])


def synthesis_config(record: Any) -> dict[str, Any]:
    """Arguments of a pickled generator but for those of its mapping network."""
    found = tensors(record)
    synthesis = child(record, "synthesis")
    start = attributes(child(synthesis, "input"))
    names = attributes(synthesis).get("layer_names")
    if not isinstance(names, list) or not all(isinstance(name, str) and child(synthesis, name) for name in names):
        raise DamagedError("has layers that are not known")
    layers = [attributes(child(synthesis, name)) for name in names]
    clamps = tuple(number(layer.get("conv_clamp")) for layer in layers)
    weights = [found[f"synthesis.{name}.weight"].shape for name in names]
    filters = [[_shape(found, f"synthesis.{name}.{way}_filter") for name in names] for way in ("up", "down")]
    side = _whole(attributes(synthesis).get("img_resolution"), MAX_SIZE)
    return {
        "resolution": (side, side),
        "image_channels": weights[-1][0],
        "input_size": tuple(_whole(size, MAX_SIZE) for size in _list(start.get("size"), 2)),
        "sampling_rate": _real(start.get("sampling_rate")),
        "bandwidth": _real(start.get("bandwidth")),
        "layer_names": tuple(names),
        "channels": (weights[0][1], *(shape[0] for shape in weights)),
        "kernels": tuple(shape[-1] for shape in weights),
        "up_factors": tuple(_whole(layer.get("up_factor"), MAX_FACTOR) for layer in layers),
        "down_factors": tuple(_whole(layer.get("down_factor"), MAX_FACTOR) for layer in layers),
        "up_filters": tuple(filters[0]),
        "down_filters": tuple(filters[1]),
        "paddings": tuple(tuple(map(_padding, _list(layer.get("padding"), 4))) for layer in layers),
        "rates": tuple(_whole(layer.get("out_sampling_rate"), MAX_SIZE) for layer in layers),
        "clamp": clamps[0] if len(set(clamps)) == 1 else clamps,
        "output_scale": _real(attributes(synthesis).get("output_scale")),
    }


def _shape(found: dict[str, Any], name: str) -> tuple[int, ...]:
    return tuple(found[name].shape) if name in found else ()


def _list(value: Any, count: int) -> list[Any]:
    """A list, tuple or array of so many numbers."""
    value = value.values if isinstance(value, StoredArray) else value
    if isinstance(value, np.ndarray) and value.shape == (count,):
        value = value.tolist()
    if not isinstance(value, list | tuple) or len(value) != count:
        raise DamagedError("has sizes that are not known")
    return list(value)


def _real(value: Any) -> float:
    found = number(value)
    if found is None or not 0 < found < MAX_SIZE:
        raise DamagedError(f"has a rate that cannot be, {found}")
    return found


def _whole(value: Any, largest: int) -> int:
    found = number(value)
    if found is None or found != int(found) or not 1 <= found <= largest:
        raise DamagedError(f"has a size that cannot be, {found}")
    return int(found)


def _padding(value: Any) -> int:
    if type(value) is not int or abs(value) > MAX_SIZE:
        raise DamagedError("has a padding that cannot be")
    return value
