"""The image generator and discriminator, after the lessons of R3GAN (Huang et al. 2024, "The GAN is dead; long live
the GAN!"): residual blocks without normalisation layers, fix-up initialisation, anti-aliased resampling, one picture
out and one number back. What differs is the machine they are made for: convolutions are dense (grouped ones crawl on
a CPU), a picture's channels shrink faster than its sides grow, so that most of the work is done where a picture is
small, and the generator is told its latent at every stage: measured in `benchmarks/ablation.md`.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.errors import GANError

# name: (channels of a stage x its side to the power 1.5, most channels, blocks in a stage)
SIZES = {"tiny": (1350, 96, 1), "small": (2700, 160, 1), "base": (5400, 256, 2)}


def grids(resolution: tuple[int, int]) -> list[tuple[int, int]]:
    """The (height, width) of each stage, from the start grid up to the picture.

    Sides are halved while both stay whole and neither falls below 4: 32 starts at 4, 28 at 7, 96x64 at 6x4.

    Raises:
        GANError: if a side does not divide by 4, or is smaller than 8.
    """
    height, width = resolution
    if height % 4 or width % 4 or min(height, width) < 8:
        raise GANError(
            f"A resolution of {height}x{width} cannot be used: both sides must be at least 8 and divide by 4; "
            f"try {max(8, round(height / 4) * 4)}x{max(8, round(width / 4) * 4)}."
        )
    stages = [(height, width)]
    while height % 2 == 0 and width % 2 == 0 and min(height, width) >= 8:
        height, width = height // 2, width // 2
        stages.insert(0, (height, width))
    return stages


def stage_channels(resolution: tuple[int, int], size: str) -> list[int]:
    """Channels of each stage of `grids(resolution)` for a size preset; multiples of 16, which the CPU likes best."""
    if size not in SIZES:
        raise GANError(f"There is no model size {size!r}; choose one of {', '.join(SIZES)}.")
    budget, most, _ = SIZES[size]
    return [min(most, max(16, int(budget / max(grid) ** 1.5) // 16 * 16)) for grid in grids(resolution)]


class Upsample(nn.Module):
    """Doubles the sides with the separable [1, 3, 3, 1] filter, which is what bilinear interpolation computes."""

    def forward(self, x: Tensor) -> Tensor:  # (n, c, h, w) -> (n, c, 2h, 2w)
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class _Halve(torch.autograd.Function):
    # The adjoint of Upsample is the [1, 3, 3, 1] low-pass followed by decimation. PyTorch has it as the backward of
    # bilinear interpolation: ten times faster on a CPU than a depthwise convolution, and in bfloat16 too.
    @staticmethod
    def forward(ctx, x):
        n, c, h, w = x.shape
        return torch.ops.aten.upsample_bilinear2d_backward(x, [h, w], [n, c, h // 2, w // 2], False, None, None) / 4

    @staticmethod
    def backward(ctx, grad):
        return F.interpolate(grad, scale_factor=2, mode="bilinear", align_corners=False) / 4


class Downsample(nn.Module):
    """Halves the sides after the separable [1, 3, 3, 1] low-pass filter; differentiable any number of times."""

    def forward(self, x: Tensor) -> Tensor:  # (n, c, 2h, 2w) -> (n, c, h, w)
        return _Halve.apply(x)


class _Conv2d(nn.Conv2d):
    # On a CPU, PyTorch chooses between two kernels by the size of the batch and the number of threads, and they round
    # differently. A picture must be a function of its seed alone, so sampling always takes the same one.
    def forward(self, x: Tensor) -> Tensor:
        same_everywhere = x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available()
        if torch.is_inference_mode_enabled() and same_everywhere:
            return torch.mkldnn_convolution(
                x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
            )
        return super().forward(x)


class SampleLinear(nn.Linear):
    """A linear layer that takes each sample by itself outside of training.

    One big product rounds differently with the size of the batch, and a sample must not depend on its neighbours (see
    `_Conv2d`).
    """

    def forward(self, x: Tensor) -> Tensor:  # (n, in_features) -> (n, out_features)
        if self.training:
            return super().forward(x)
        product = torch.bmm(x.unsqueeze(1), self.weight.t().expand(len(x), -1, -1)).squeeze(1)
        return product if self.bias is None else product + self.bias


class ResidualBlock(nn.Module):
    """`x + conv(act(conv(act(x))))`, an identity at first (fix-up initialisation, Zhang et al. 2019).

    Args:
        channels: channels in and out.
        depth: residual blocks in the whole network; deeper networks start with smaller branches.
    """

    def __init__(self, channels: int, depth: int):
        super().__init__()
        self.conv1 = _Conv2d(channels, channels, 3, padding=1)
        self.conv2 = _Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.conv1.weight, std=math.sqrt(2 / 1.04 / (9 * channels * depth)))
        nn.init.zeros_(self.conv1.bias)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))


class ModulatedBlock(ResidualBlock):
    """A residual block that is told the latent again: pixels are normalised (Karras et al. 2018, §4.2) on the way into
    the branch, and its inner channels are scaled and shifted by the latent (FiLM, Perez et al. 2018).

    Args:
        condition: numbers in the latent and class embedding together.
    """

    def __init__(self, channels: int, depth: int, condition: int):
        super().__init__(channels, depth)
        self.modulation = _scaled(SampleLinear(condition, 2 * channels), 0.5)

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:  # type: ignore[override]
        scale, shift = self.modulation(latents)[:, :, None, None].chunk(2, dim=1)
        normalised = x * torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-4).to(x.dtype)
        inner = self.conv1(F.leaky_relu(normalised, 0.2)) * (1 + scale) + shift
        return x + self.conv2(F.leaky_relu(inner, 0.2))


def _scaled(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Conv2d | nn.Linear:
    """Weights from N(0, gain^2 / fan_in), biases at zero."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class ImageGenerator(ModelMixin, ConfigMixin):
    """Latents (and class labels) to pictures, in one forward pass.

    Args:
        resolution: (height, width) of a picture; both divide by 4.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: 0 makes an unconditional generator.
        latent_dim: numbers in a latent `z`, which is drawn from N(0, I).
        embedding_dim: numbers that a class is told by, beside the latent.
        channels: width of each stage from the start grid up, as `stage_channels` gives them for a size preset.
        blocks_per_stage: residual blocks at every resolution.
        modulated: whether every block is told the latent, or only the start grid (models of version 0.1).
    """

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 64,
        embedding_dim: int = 16,
        channels: tuple[int, ...] = (160, 112, 32, 16),
        blocks_per_stage: int = 1,
        modulated: bool = False,
    ):
        super().__init__()
        stages = _check(resolution, image_channels, channels)
        start = channels[0] * stages[0][0] * stages[0][1]
        depth = blocks_per_stage * len(stages)
        self.embed = (
            _scaled(SampleLinear(num_classes, embedding_dim, bias=False), math.sqrt(num_classes))
            if num_classes
            else None
        )
        condition = latent_dim + (embedding_dim if num_classes else 0)
        self.start = _scaled(SampleLinear(condition, start))
        layers: list[nn.Module] = []
        for i, width in enumerate(channels):
            if i > 0:
                # The 1x1 convolution comes first: it commutes with the filter and costs a quarter down here.
                layers += [_scaled(_Conv2d(channels[i - 1], width, 1)), Upsample()]
            for _ in range(blocks_per_stage):
                layers.append(ModulatedBlock(width, depth, condition) if modulated else ResidualBlock(width, depth))
        self.stages = nn.Sequential(*layers)
        self.to_image = _scaled(_Conv2d(channels[-1], image_channels, 3, padding=1))

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """
        Args:
            latents: (n, latent_dim), from N(0, I).
            labels: (n,) class indices, or (n, num_classes) weights of the classes, whose rows sum to 1, so that a
                picture can lie between classes; needed if the model has classes.
            truncation: psi, see `truncate`; 1 is the model as trained.

        Returns:
            (n, image_channels, height, width) pictures, about [-1, 1] (no squashing at the end: clamp to show them).
        """
        if self.embed is not None:
            assert labels is not None, "a generator with classes needs labels"
            weights = labels if labels.is_floating_point() else F.one_hot(labels, self.config.num_classes)
            latents = torch.cat([latents, self.embed(weights.to(latents.dtype))], dim=1)
        start = self.start(latents)
        if truncation != 1:
            without_noise = latents.clone()
            without_noise[:, : self.config.latent_dim] = 0
            start = truncate(start, self.start(without_noise), truncation)
            latents = without_noise + truncation * (latents - without_noise)  # for the blocks
        height, width = grids(self.config.resolution)[0]
        x = start.unflatten(1, (height, width, -1)).permute(0, 3, 1, 2)  # channels last in memory
        for layer in self.stages:
            x = layer(x, latents) if isinstance(layer, ModulatedBlock) else layer(x)
        return self.to_image(F.leaky_relu(x, 0.2))


def truncate(start: Tensor, mean: Tensor, psi: float) -> Tensor:
    """Truncation for a generator without a mapping network: start grids drawn towards the mean of their class.

    StyleGAN's `mean + psi (w - mean)` (Karras et al. 2019, §B), in the space of the start grid, whose mean over
    latents is the picture of the latent zero. The length that this takes away is half given back (as a geometric
    mean): without it pictures fade, as they do when the latent is scaled, since no layer here normalises.

    Args:
        start, mean: (n, features).
        psi: 1 changes nothing, 0 gives every latent of a class the same picture but for a trace of its contrast.
    """
    shrunk = mean + psi * (start - mean)
    return shrunk * (start.norm(dim=1, keepdim=True) / shrunk.norm(dim=1, keepdim=True).clamp_min(1e-8)).sqrt()


def downward_stages(
    resolution: tuple[int, int], image_channels: int, channels: tuple[int, ...], blocks_per_stage: int
) -> nn.Sequential:
    """The generator's stages backwards, from a picture to its start grid: the body of discriminator and encoder."""
    depth = blocks_per_stage * len(_check(resolution, image_channels, channels))
    widths = channels[::-1]
    layers: list[nn.Module] = [_scaled(_Conv2d(image_channels, widths[0], 3, padding=1))]
    for i, width in enumerate(widths):
        if i > 0:
            layers += [Downsample(), _scaled(_Conv2d(widths[i - 1], width, 1))]
        layers += [ResidualBlock(width, depth) for _ in range(blocks_per_stage)]
    return nn.Sequential(*layers)


class ImageDiscriminator(ModelMixin, ConfigMixin):
    """Pictures (and class labels) to one number each, higher where they look real. The generator's mirror image.

    Args: those of `ImageGenerator`, without the latent.
        features: length of the vector that a picture is summed up in; classes are told by a dot product with it
            (projection discriminator, Miyato & Koyama 2018).
    """

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int = 0,
        channels: tuple[int, ...] = (160, 128, 64, 32),
        blocks_per_stage: int = 1,
        features: int = 64,
    ):
        super().__init__()
        self.stages = downward_stages(resolution, image_channels, channels, blocks_per_stage)
        height, width = grids(resolution)[0]
        self.to_features = _scaled(nn.Linear(channels[0] * height * width, features), math.sqrt(2))
        self.to_logit = _scaled(nn.Linear(features, 1))
        self.embed = (
            _scaled(nn.Linear(num_classes, features, bias=False), math.sqrt(num_classes / features))
            if num_classes
            else None
        )

    def forward(
        self, images: Tensor, labels: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """
        Args:
            images: (n, image_channels, height, width) in [-1, 1].
            labels: (n,) class indices; needed if the model has classes.
            return_features: also return what `features` does.

        Returns:
            (n,) logits. Only differences between them mean anything under a relativistic loss.
        """
        features = self.features(images)
        logits = self._judge(features[-1], labels)
        return (logits, features) if return_features else logits

    def logits(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """`forward` under a name that Accelerate does not wrap in autocast: the penalties need full precision."""
        return self._judge(self.stages(images), labels)

    def features(self, images: Tensor) -> list[Tensor]:
        """What each stage makes of pictures, (n, channels, height, width), from the finest grid to the coarsest."""
        features, x = [], images
        for layer in self.stages:
            if isinstance(layer, Downsample):
                features.append(x)
            x = layer(x)
        return [*features, x]

    def _judge(self, x: Tensor, labels: Tensor | None) -> Tensor:
        x = F.leaky_relu(x, 0.2)
        x = F.leaky_relu(self.to_features(x.flatten(1)), 0.2)
        logits = self.to_logit(x).squeeze(1)
        if self.embed is not None:
            classes = F.one_hot(labels, self.config.num_classes).to(x.dtype)
            logits = logits + (x * self.embed(classes)).sum(1)
        return logits


def _check(resolution: tuple[int, int], image_channels: int, channels: tuple[int, ...]) -> list[tuple[int, int]]:
    stages = grids(resolution)
    if image_channels not in (1, 3):
        raise GANError(f"image_channels is {image_channels}; pictures are grey (1) or RGB (3).")
    if len(channels) != len(stages):
        raise GANError(
            f"A resolution of {resolution[0]}x{resolution[1]} has {len(stages)} stages, "
            f"but channels lists {len(channels)} widths."
        )
    return stages
