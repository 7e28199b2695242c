"""The generator and discriminator of grids of numbers, whatever these show: pictures, or the spectrograms of sounds.

After the lessons of R3GAN (see `gan.blocks`): one grid out and one number back. A grid's channels shrink faster than
its sides grow, so that most of the work is done where it is small, and the generator is told its latent at every
stage: measured in `benchmarks/ablation.md`.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from torch import Tensor, nn

from gan.blocks import Conv2d, Downsample, ModulatedBlock, ResidualBlock, SampleLinear, Upsample, scaled
from gan.errors import GANError

MOST_CELLS = 2**20  # of a grid: a picture of 1024x1024
# name: (channels of a stage x its side to the power 1.5, most channels, blocks in a stage)
SIZES = {"tiny": (1350, 96, 1), "small": (2700, 160, 1), "base": (5400, 256, 2)}


def grids(resolution: tuple[int, int]) -> list[tuple[int, int]]:
    """The (height, width) of each stage, from the start grid up to the whole one.

    Sides are halved while both stay whole and neither falls below 4: 32 starts at 4, 28 at 7, 96x64 at 6x4.

    Raises:
        GANError: if a side does not divide by 4, or is smaller than 8, or there are more than `MOST_CELLS`: a network
            of few weights could ask for all the memory there is.
    """
    height, width = resolution
    if height * width > MOST_CELLS:
        raise GANError(f"A resolution of {height}x{width} cannot be used: {MOST_CELLS:,} pixels are the most.")
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


def class_weights(labels: Tensor, class_counts: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Labels as numbers that a linear layer takes.

    Args:
        labels: (n,) class indices; (n, columns) where samples carry several labels; or weights of the classes, as
            returned, so that a sample can lie between classes.
        class_counts: classes of each column.

    Returns:
        (n, classes of all columns together): the columns' one-hot vectors side by side.
    """
    if labels.is_floating_point():
        return labels.to(dtype)
    columns = labels.view(labels.shape[0], -1).unbind(1)  # len() would fix the batch of an export
    return torch.cat([F.one_hot(column, count) for column, count in zip(columns, class_counts)], dim=1).to(dtype)


class GridGenerator(ModelMixin, ConfigMixin):
    """Latents (and classes) to grids, in one forward pass.

    Args:
        resolution: (height, width) of a grid; both divide by 4.
        grid_channels: numbers in a cell.
        class_counts: classes of each label that a sample carries; empty for an unconditional generator.
        latent_dim: numbers in a latent `z`, which is drawn from N(0, I).
        embedding_dim: numbers that classes are told by, beside the latent.
        channels: width of each stage from the start grid up, as `stage_channels` gives them for a size preset.
        blocks_per_stage: residual blocks at every resolution.
    """

    def __init__(
        self,
        resolution: tuple[int, int],
        grid_channels: int,
        class_counts: tuple[int, ...],
        latent_dim: int,
        embedding_dim: int,
        channels: tuple[int, ...],
        blocks_per_stage: int,
    ):
        super().__init__()
        stages = _stages(resolution, channels)
        self.class_counts, self.latent_dim, self.start_grid = class_counts, latent_dim, stages[0]
        classes, depth = sum(class_counts), blocks_per_stage * len(stages)
        self.embed = scaled(SampleLinear(classes, embedding_dim, bias=False), math.sqrt(classes)) if classes else None
        condition = latent_dim + (embedding_dim if classes else 0)
        self.start = scaled(SampleLinear(condition, channels[0] * stages[0][0] * stages[0][1]))
        layers: list[nn.Module] = []
        for i, width in enumerate(channels):
            if i > 0:
                # The 1x1 convolution comes first: it commutes with the filter and costs a quarter down here.
                layers += [scaled(Conv2d(channels[i - 1], width, 1)), Upsample()]
            layers += [ModulatedBlock(width, depth, condition) for _ in range(blocks_per_stage)]
        self.stages = nn.Sequential(*layers)
        self.to_image = scaled(Conv2d(channels[-1], grid_channels, 3, padding=1))

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """
        Args:
            latents: (n, latent_dim), from N(0, I).
            labels: as for `class_weights`; needed if the model has classes.
            truncation: psi, see `truncate`; 1 is the model as trained. A tensor without dimensions is an input of the
                graph that an export traces.

        Returns:
            (n, grid_channels, height, width), about [-1, 1] (no squashing at the end).
        """
        if self.embed is not None:
            assert labels is not None, "a generator with classes needs labels"
            weights = class_weights(labels, self.class_counts, latents.dtype)
            latents = torch.cat([latents, self.embed(weights)], dim=1)
        start = self.start(latents)
        if isinstance(truncation, Tensor) or truncation != 1:
            without_noise = latents.clone()
            without_noise[:, : self.latent_dim] = 0
            start = truncate(start, self.start(without_noise), truncation)
            latents = without_noise + truncation * (latents - without_noise)  # for the blocks
        x = start.unflatten(1, (*self.start_grid, -1)).permute(0, 3, 1, 2)  # channels last in memory
        for layer in self.stages:
            x = layer(x, latents) if isinstance(layer, ModulatedBlock) else layer(x)
        return self.to_image(F.leaky_relu(x, 0.2))


def truncate(start: Tensor, mean: Tensor, psi: float | Tensor) -> Tensor:
    """Truncation without a mapping network: start grids drawn towards the mean of their class.

    StyleGAN's `mean + psi (w - mean)` (Karras et al. 2019, §B), in the space of the start grid, whose mean over
    latents is the start of the latent zero. The length that this takes away is half given back (as a geometric
    mean): without it pictures fade, as they do when the latent is scaled, since no layer here normalises.

    Args:
        start, mean: (n, features).
        psi: 1 changes nothing, 0 gives every latent of a class the same picture but for a trace of its contrast.
    """
    shrunk = mean + psi * (start - mean)
    return shrunk * (start.norm(dim=1, keepdim=True) / shrunk.norm(dim=1, keepdim=True).clamp_min(1e-8)).sqrt()


def downward_stages(
    resolution: tuple[int, int], grid_channels: int, channels: tuple[int, ...], blocks_per_stage: int
) -> nn.Sequential:
    """The generator's stages backwards, from a grid to the start grid: the body of discriminator and encoder."""
    depth = blocks_per_stage * len(_stages(resolution, channels))
    widths = channels[::-1]
    layers: list[nn.Module] = [scaled(Conv2d(grid_channels, widths[0], 3, padding=1))]
    for i, width in enumerate(widths):
        if i > 0:
            layers += [Downsample(), scaled(Conv2d(widths[i - 1], width, 1))]
        layers += [ResidualBlock(width, depth) for _ in range(blocks_per_stage)]
    return nn.Sequential(*layers)


class GridDiscriminator(ModelMixin, ConfigMixin):
    """Grids (and classes) to one number each, higher where they look real. The generator's mirror image.

    Args: those of `GridGenerator` that have nothing to do with the latent, and
        features: length of the vector that a grid is summed up in; classes are told by a dot product with it
            (projection discriminator, Miyato & Koyama 2018).
    """

    def __init__(
        self,
        resolution: tuple[int, int],
        grid_channels: int,
        class_counts: tuple[int, ...],
        channels: tuple[int, ...],
        blocks_per_stage: int,
        features: int,
    ):
        super().__init__()
        self.class_counts = class_counts
        self.stages = downward_stages(resolution, grid_channels, channels, blocks_per_stage)
        (height, width), classes = grids(resolution)[0], sum(class_counts)
        self.to_features = scaled(nn.Linear(channels[0] * height * width, features), math.sqrt(2))
        self.to_logit = scaled(nn.Linear(features, 1))
        self.embed = (
            scaled(nn.Linear(classes, features, bias=False), math.sqrt(classes / features)) if classes else None
        )

    def forward(
        self, samples: Tensor, labels: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """
        Args:
            samples: (n, grid_channels, height, width) in [-1, 1].
            labels: as for `class_weights`; needed if the model has classes.
            return_features: also return what `features` does.

        Returns:
            (n,) logits. Only differences between them mean anything under a relativistic loss.
        """
        features = self.features(samples)
        logits = self._judge(features[-1], labels)
        return (logits, features) if return_features else logits

    def logits(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """`forward` under a name that Accelerate does not wrap in autocast: the penalties need full precision."""
        return self._judge(self.features(samples)[-1], labels)

    def features(self, samples: Tensor) -> list[Tensor]:
        """What each stage makes of them, (n, channels, height, width), from the finest grid to the coarsest."""
        features, x = [], samples
        for layer in self.stages:
            if isinstance(layer, Downsample):
                features.append(x)
            x = layer(x)
        return [*features, x]

    def resolutions(self) -> list[nn.Sequential]:
        """Its layers in groups, one for each resolution, the finest first."""
        starts = [k for k, layer in enumerate(self.stages) if isinstance(layer, Downsample)]
        return [self.stages[a:b] for a, b in zip([0, *starts], [*starts, len(self.stages)])]

    def _judge(self, x: Tensor, labels: Tensor | None) -> Tensor:
        x = F.leaky_relu(x, 0.2)
        x = F.leaky_relu(self.to_features(x.flatten(1)), 0.2)
        logits = self.to_logit(x).squeeze(1)
        if self.embed is not None:
            assert labels is not None, "a discriminator with classes needs labels"
            logits = logits + (x * self.embed(class_weights(labels, self.class_counts, x.dtype))).sum(1)
        return logits


def _stages(resolution: tuple[int, int], channels: tuple[int, ...]) -> list[tuple[int, int]]:
    stages = grids(resolution)
    if len(channels) != len(stages):
        raise GANError(
            f"A resolution of {resolution[0]}x{resolution[1]} has {len(stages)} stages, "
            f"but channels lists {len(channels)} widths."
        )
    return stages
