"""lightweight-gan (Liu et al. 2021, "Towards faster and stabilized GAN training for high-fidelity few-shot image
synthesis", in the version of lucidrains), as its trainer saves it in release 1.2: a dict whose `GAN` is a state dict,
in which `GE` is the averaged generator.

Widths, attention and gates are read off names and shapes. Images are in [0, 1], and every layer adds noise even when
it is sampled; here noise is the same for every image unless it is asked for otherwise, so that a seed has one image.
"""

import re
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError
from gan.zoo.checkpoint import state_dict
from gan.zoo.family import (
    BatchNorm2d,
    Imported,
    ZooDiscriminator,
    ZooGenerator,
    build,
    check_noise,
    known_critic,
    renamed,
)
from gan.zoo.resample import resample
from gan.zoo.unpickle import DamagedError, StoredTensor

NAME = "lightweight-gan"
START = 4  # pixels a side
HEADS, HEAD_DIM, WINDOW = 8, 64, 3  # of attention
SLOPE = 0.1  # of leaky ReLU
MAX_LAYERS = 16
LOW = 32  # pixels a side of the discriminator's second look
LOW_WIDTHS = (64, 32)
GATES = {16: 128, 32: 256, 64: 512, 128: 1024}  # sides of the features that gate, and of those that are gated


class Attention(nn.Module):
    """Channel norm, then linear attention over the image beside ordinary attention over the 3x3 pixels around each."""

    def __init__(self, width: int):
        super().__init__()
        inner = HEADS * HEAD_DIM
        self.gain = nn.Parameter(torch.ones(1, width, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.linear_q = nn.Conv2d(width, inner, 1, bias=False)
        self.linear_depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.linear_kv = nn.Conv2d(width, 2 * inner, 1, bias=False)
        self.to_q = nn.Conv2d(width, inner, 1, bias=False)
        self.to_kv = nn.Conv2d(width, 2 * inner, 1, bias=False)
        self.to_out = nn.Conv2d(2 * inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, height, width) to the same."""
        variance, mean = torch.var_mean(x, dim=1, unbiased=False, keepdim=True)
        y = (x - mean) / (variance + 1e-5).sqrt() * self.gain + self.shift
        return x + self.to_out(torch.cat([F.gelu(self._linear(y)), self._local(y)], dim=1))

    def _linear(self, y: Tensor) -> Tensor:
        keys, values = self.linear_kv(self.linear_depthwise(y)).chunk(2, dim=1)
        # (n, heads, channels, places)
        queries, keys, values = (t.flatten(2).unflatten(1, (HEADS, -1)) for t in (self.linear_q(y), keys, values))
        context = values @ keys.softmax(-1).transpose(2, 3)
        attended = context @ (queries.softmax(2) * HEAD_DIM**-0.5)
        return attended.flatten(1, 2).unflatten(2, y.shape[2:])

    def _local(self, y: Tensor) -> Tensor:
        queries = self.to_q(y).flatten(2).unflatten(1, (HEADS, HEAD_DIM)) * HEAD_DIM**-0.5
        keys, values = (
            F.unfold(t, WINDOW, padding=WINDOW // 2).unflatten(1, (HEADS, HEAD_DIM, WINDOW**2))
            for t in self.to_kv(y).chunk(2, dim=1)
        )  # (n, heads, channels, places of the window, places)
        weights = (queries[:, :, :, None] * keys).sum(2).softmax(2)
        return (weights[:, :, None] * values).sum(3).flatten(1, 2).unflatten(2, y.shape[2:])


def blurred(x: Tensor) -> Tensor:
    """(n, channels, height, width) by 1, 2, 1 along both axes, as `antialias` of the trainer does."""
    taps = torch.tensor([0.25, 0.5, 0.25], device=x.device)
    return resample(F.pad(x, (1, 1, 1, 1), mode="reflect"), taps, (0, 0, 0, 0))


class Gate(nn.Module):
    """Skip-layer excitation: a weighted mean of coarse features scales channels of fine ones.

    Args:
        inputs, middle, outputs: channels.
        side: of the features where a cosine of each channel weighs them (Qin et al. 2021, "FcaNet: Frequency channel
            attention networks"), 0 where attention does.
    """

    def __init__(self, inputs: int, middle: int, outputs: int, side: int):
        super().__init__()
        if side:
            self.register_buffer("cosines", torch.zeros(1, inputs, side, side))
        self.context = None if side else nn.Conv2d(inputs, 1, 1)
        self.reduce, self.expand = nn.Conv2d(inputs, middle, 1), nn.Conv2d(middle, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, height, width) to (n, outputs, 1, 1) in (0, 1)."""
        if self.context is None:
            average = (x * self.cosines).sum((2, 3), keepdim=True)
        else:
            weights = self.context(x).flatten(2).softmax(-1)
            average = (x.flatten(2) @ weights.transpose(1, 2))[..., None]
        return torch.sigmoid(self.expand(F.leaky_relu(self.reduce(average), SLOPE)))


class GeneratorLayer(nn.Module):
    """Attention where there is, then twice the sides by pixel shuffle, convolution, noise, norm, gated linear units.

    Args:
        inputs, outputs: channels.
        attention: whether there is.
        gate: arguments of the gate that this layer gives, after its inputs; () for none.
        antialias: whether what was enlarged is blurred.
    """

    def __init__(self, inputs: int, outputs: int, attention: bool, gate: tuple[int, ...], antialias: bool):
        super().__init__()
        self.antialias = antialias
        self.attention = Attention(inputs) if attention else None
        self.up = nn.Conv2d(inputs, inputs * 4, 1)
        self.conv = nn.Conv2d(inputs, outputs * 2, 4)
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.norm = BatchNorm2d(outputs * 2)
        self.gate = Gate(outputs, *gate) if gate else None

    def forward(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """(n, inputs, height, width) to (n, outputs, 2 height, 2 width); noise is (n or 1, 1, 2 height, 2 width)."""
        x = x if self.attention is None else self.attention(x)
        x = F.pixel_shuffle(F.silu(self.up(x)), 2)
        x = blurred(x) if self.antialias else x
        x = self.conv(F.pad(x, (2, 1, 2, 1)))
        x = x if noise is None else x + self.noise_strength * noise.to(x)
        return F.glu(self.norm(x), dim=1)


@cache
@torch.inference_mode(False)  # gradients may pass through what it is added to
def constant_noise(layer: int, side: int) -> Tensor:
    """(1, 1, side, side) that a layer adds to every image."""
    return torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(layer))


class LightweightGenerator(ZooGenerator):
    """Latents to images: `forward` in [0, 1], `draw` in [-1, 1].

    Args: those of `ZooGenerator`, and
        channels: of the start and of each layer.
        attention: of each layer, 1 where there is, otherwise 0.
        gates: of each layer: channels within and after the gate that it gives; () for none.
        frequencies: whether gates weigh features by cosines.
        antialias: whether features are blurred after they were enlarged.
    """

    family = NAME
    paper = "Towards faster and stabilized GAN training for high-fidelity few-shot image synthesis, Liu et al. 2021"

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (64, 64),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 256,
        channels: tuple[int, ...] = (512, 512, 512, 256, 128),
        attention: tuple[int, ...] = (0, 0, 0, 1),
        gates: tuple[tuple[int, ...], ...] = ((), (), (), ()),
        frequencies: bool = False,
        antialias: bool = False,
    ):
        super().__init__(resolution, image_channels, num_classes, latent_dim)
        self.start = nn.ConvTranspose2d(latent_dim, channels[0] * 2, START)
        self.norm = BatchNorm2d(channels[0] * 2)
        self.layers = nn.ModuleList()
        for k, gate in enumerate(gates):
            gate = (*gate, START * 2 ** (k + 1) if frequencies else 0) if gate else ()
            widths = channels[k], channels[k + 1]
            self.layers.append(GeneratorLayer(*widths, bool(attention[k]), gate, antialias))
        self.to_image = nn.Conv2d(channels[-1], image_channels, 3, padding=1)

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        truncation: float | Tensor = 1.0,
        noise: Any = "const",
    ) -> Tensor:
        """See `ZooGenerator.forward`; images are in [0, 1], not clamped, and noise may also be a list of one tensor
        (n, 1, height, width) a layer."""
        return self._images(self.codes(latents, labels, truncation), noise)[0]

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """The latent itself, which is all that the one conditioned layer, the first, is told: (n, 1, latent_dim)."""
        return (latents * truncation)[:, None]

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooGenerator.draw`."""
        images, features = self._images(codes, noise)
        images = images * 2 - 1
        return (images, features) if return_features else images

    def _images(self, codes: Tensor, noise: Any) -> tuple[Tensor, list[Tensor]]:
        x = F.normalize(F.glu(self.norm(self.start(codes[:, 0, :, None, None])), dim=1), dim=1)
        features, gates = [x], {}
        for k, layer in enumerate(self.layers):
            side = START * 2 ** (k + 1)
            x = layer(x, self._noise(noise, k, x.shape[0], side))
            if layer.gate is not None:
                gates[GATES[side]] = layer.gate(x)
            x = x * gates[side] if side in gates else x
            features.append(x)
        return self.to_image(x), features

    def _noise(self, noise: Any, layer: int, count: int, side: int) -> Tensor | None:
        if isinstance(noise, list | tuple):
            if len(noise) != len(self.layers):
                raise GANError(f"{len(noise)} tensors of noise were given for {len(self.layers)} layers.")
            return noise[layer]
        check_noise(noise)
        if noise == "none":
            return None
        if noise == "random":
            return torch.randn(count, 1, side, side)
        return constant_noise(layer, side)

    def code_weights(self) -> list[Tensor]:
        """See `ZooGenerator.code_weights`."""
        return [self.start.weight.detach().flatten(1).T]


class DownBlock(nn.Module):
    """Half the sides: pixels beside each other as channels and two convolutions, plus an average and a convolution;
    with `antialias`, of what is blurred first."""

    def __init__(self, inputs: int, outputs: int, antialias: bool):
        super().__init__()
        self.antialias = antialias
        self.down = nn.Conv2d(inputs * 4, outputs, 1)
        self.conv = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, height, width) to (n, outputs, height / 2, width / 2)."""
        x = blurred(x) if self.antialias else x
        y = F.leaky_relu(self.down(F.pixel_unshuffle(x, 2)), SLOPE)
        y = F.leaky_relu(self.conv(y), SLOPE)
        return y + F.leaky_relu(self.skip(F.avg_pool2d(x, 2)), SLOPE)


class LightweightDiscriminator(ZooDiscriminator):
    """Images to logits, lower where they look real. `forward` takes images in [0, 1], `features` and `logits` in
    [-1, 1], as the generator's halves give them.

    Args:
        image_channels: of an image.
        channels: of each stage's output, the finest first.
        attention: of each stage, 1 where there is before it, otherwise 0.
        last_kernel: 3 for a file with one logit an image, 1 for one with 5x5.
        first: channels after each of the plain convolutions that halve images of more than 256 pixels.
        antialias: whether what is halved is blurred before.
    """

    family = NAME
    loss = "hinge"
    sign = -1

    @register_to_config
    def __init__(
        self,
        image_channels: int = 3,
        channels: tuple[int, ...] = (128, 256, 512),
        attention: tuple[int, ...] = (0, 1, 0),
        last_kernel: int = 3,
        first: tuple[int, ...] = (),
        antialias: bool = False,
    ):
        super().__init__()
        self.antialias = antialias
        colours = (image_channels, *first)
        self.halves = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in zip(colours, first))
        widths = (colours[-1], *channels)
        self.stages = nn.ModuleList(DownBlock(before, width, antialias) for before, width in zip(widths, channels))
        self.attends = nn.ModuleList(Attention(w) if there else nn.Identity() for w, there in zip(widths, attention))
        stride, padding = (2, 1) if last_kernel == 3 else (1, 0)
        self.last = nn.Conv2d(channels[-1], channels[-1], last_kernel, stride, padding)
        self.to_logits = nn.Conv2d(channels[-1], 1, 4)
        self.low_start = nn.Conv2d(image_channels, LOW_WIDTHS[0], 3, padding=1)
        self.low_attention = nn.ModuleList(Attention(width) for width in LOW_WIDTHS)
        self.low_down = DownBlock(*LOW_WIDTHS, antialias)
        self.low_logits = nn.Conv2d(LOW_WIDTHS[1], 1, 4)
        for layer in (self.low_start, self.low_attention, self.low_down, self.low_logits):
            layer.requires_grad_(False)  # only the logits of whole images are trained on

    def forward(
        self, samples: Tensor, labels: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """See `ZooDiscriminator.forward`."""
        features = self._stages(samples)
        logits = self.head(features[-1], labels)
        return (logits, features) if return_features else logits

    def features(self, samples: Tensor) -> list[Tensor]:
        """See `ZooDiscriminator.features`."""
        return self._stages((samples + 1) / 2)

    def head(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """See `ZooDiscriminator.head`: the mean logit where there is one for each of 5x5 places."""
        x = blurred(x) if self.antialias and self.last.stride == (2, 2) else x
        return self.to_logits(F.leaky_relu(self.last(x), SLOPE)).flatten(1).mean(1)

    def resolutions(self) -> list[nn.Module]:
        """See `ZooDiscriminator.resolutions`."""
        stages = [nn.ModuleList(pair) for pair in zip(self.attends, self.stages)]
        return [*self.halves, *stages, nn.ModuleList([self.last, self.to_logits])]

    def logits_of_32(self, samples: Tensor) -> Tensor:
        """The second output, (n,) logits of images in [0, 1] that are brought to 32x32 pixels."""
        x = self.low_attention[0](self.low_start(F.interpolate(samples, size=(LOW, LOW))))
        x = self.low_attention[1](self.low_down(x))
        return self.low_logits(F.adaptive_avg_pool2d(x, 4)).flatten()

    def _stages(self, x: Tensor) -> list[Tensor]:
        features = []
        for layer in self.halves:
            x = F.leaky_relu(layer(blurred(x) if self.antialias else x), SLOPE)
            features.append(x)
        for stage, attention in zip(self.stages, self.attends):
            x = stage(attention(x))
            features.append(x)
        return features


# Files

ATTENTION = {  # theirs: ours
    "norm.g": "gain",
    "norm.b": "shift",
    "fn.to_lin_q.": "linear_q.",
    "fn.to_lin_kv.net.0.": "linear_depthwise.",
    "fn.to_lin_kv.net.1.": "linear_kv.",
    "fn.to_q.": "to_q.",
    "fn.to_kv.": "to_kv.",
    "fn.to_out.": "to_out.",
}
LAYER = {
    "0.0.net.0.": "up.",
    "0.2.1.": "conv.",
    "0.3.weight": "noise_strength",
    "0.4.": "norm.",
    "1.to_k.": "gate.context.",
    "1.dct_weights": "gate.cosines",
    "1.net.0.": "gate.reduce.",
    "1.net.2.": "gate.expand.",
    **{f"2.{theirs}": f"attention.{ours}" for theirs, ours in ATTENTION.items()},
}
BLUR = ".f"  # ends the name of its taps, which are 1, 2, 1
OTHER = "is a lightweight-gan of another release or with other options, whose layers are not known"
BRANCHES = {"branches.0.1.1.": "down.", "branches.0.3.": "conv.", "branches.1.2.": "skip."}


def recognise(content: Any, **_: Any) -> Imported | None:
    """The networks of a trainer's file, if it is one of lightweight-gan."""
    state = state_dict(content.get("GAN")) if isinstance(content, dict) else {}
    state = state or state_dict(content)
    averaged = renamed(state, "GE.") or renamed(state, "G.") or state
    if "initial_conv.0.weight" not in averaged or "out_conv.weight" not in averaged:
        return None
    if "layers.0.0.0.net.0.weight" not in averaged:
        raise DamagedError(OTHER)
    generator = read_generator(averaged)
    critic = renamed(state, "D.")
    if "residual_layers.0.0.branches.0.1.1.weight" not in critic:
        return Imported(generator, None, ["The file has no discriminator that is known."])
    return Imported(generator, *known_critic(lambda: read_discriminator(critic)))


def count(state: dict[str, StoredTensor], kind: str) -> int:
    """How many layers `kind.N.` there are.

    Raises:
        DamagedError: if they are far too many: what is read of them is looked for by their numbers.
    """
    numbers = [int(name.split(".")[1]) for name in state if re.match(rf"{kind}\.\d{{1,3}}\.", name)]
    if not numbers or max(numbers) >= MAX_LAYERS:
        raise DamagedError("has layers for images that are far too large")
    return 1 + max(numbers)


def read_generator(state: dict[str, StoredTensor]) -> LightweightGenerator:
    """The generator of a state dict."""
    tensors = renamed(state, "initial_conv.0.", "start.") | renamed(state, "initial_conv.1.", "norm.")
    tensors |= renamed(state, "out_conv.", "to_image.")
    depth = count(state, "layers")
    for k in range(depth):
        for theirs, ours in LAYER.items():
            tensors |= renamed(state, f"layers.{k}.{theirs}", f"layers.{k}.{ours}")
    tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    known = len(tensors) + len([name for name in state if name.endswith(("num_batches_tracked", BLUR))])
    if known != len(state):
        raise DamagedError(OTHER)
    gates = [
        tensors[f"layers.{k}.gate.expand.weight"].shape[:2][::-1]
        if f"layers.{k}.gate.expand.weight" in tensors
        else ()
        for k in range(depth)
    ]
    if any(gate and START * 2 ** (k + 1) not in GATES for k, gate in enumerate(gates)):
        raise DamagedError("is a lightweight-gan with gates in layers where none are known")
    side = START * 2 ** min(depth, 20)
    config = {
        "resolution": (side, side),
        "image_channels": tensors["to_image.bias"].shape[0],
        "latent_dim": tensors["start.weight"].shape[0],
        "channels": (
            tensors["start.weight"].shape[1] // 2,
            *(tensors[f"layers.{k}.conv.weight"].shape[0] // 2 for k in range(depth)),
        ),
        "attention": tuple(int(f"layers.{k}.attention.gain" in tensors) for k in range(depth)),
        "gates": tuple(tuple(gate) for gate in gates),
        "frequencies": any(name.endswith("gate.cosines") for name in tensors),
        "antialias": any(name.endswith(BLUR) for name in state),
    }
    return build(LightweightGenerator, config, tensors)


def read_discriminator(state: dict[str, StoredTensor]) -> LightweightDiscriminator:
    """The discriminator of a state dict; decoders, which only training needs, are left out."""
    tensors: dict[str, StoredTensor] = {}
    depth = count(state, "residual_layers")
    blocks = {f"residual_layers.{k}.0.": f"stages.{k}." for k in range(depth)} | {"to_shape_disc_out.2.": "low_down."}
    attentions = {f"residual_layers.{k}.1.": f"attends.{k}." for k in range(depth)}
    attentions |= {"to_shape_disc_out.1.fn.": "low_attention.0.", "to_shape_disc_out.3.fn.": "low_attention.1."}
    for names, parts in ((blocks, BRANCHES), (attentions, ATTENTION)):
        for theirs, ours in names.items():
            for part, of_ours in parts.items():
                tensors |= renamed(state, theirs + part, ours + of_ours)
    layers = [name for name in state if name.startswith("to_logits.") and not name.endswith(BLUR)]
    places = sorted({int(name.split(".")[1]) for name in layers})
    for place, ours in zip(places, ("last.", "to_logits.")):
        tensors |= renamed(state, f"to_logits.{place}.", ours)
    tensors |= renamed(state, "to_shape_disc_out.0.", "low_start.") | renamed(
        state, "to_shape_disc_out.5.", "low_logits."
    )
    halving = 0
    if any(name.startswith("non_residual_layers.") for name in state):
        halving = count(state, "non_residual_layers")
        for k in range(halving):  # the first of each, a blur, is only there where it was asked for
            tensors |= renamed(state, f"non_residual_layers.{k}.1.", f"halves.{k}.")
    config = {
        "image_channels": tensors["low_start.weight"].shape[1],
        "first": tuple(tensors[f"halves.{k}.bias"].shape[0] for k in range(halving)),
        "channels": tuple(tensors[f"stages.{k}.conv.weight"].shape[0] for k in range(depth)),
        "attention": tuple(int(f"attends.{k}.gain" in tensors) for k in range(depth)),
        "last_kernel": tensors["last.weight"].shape[-1],
        "antialias": any(name.endswith(BLUR) for name in state),
    }
    return build(LightweightDiscriminator, config, tensors)
