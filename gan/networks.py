"""The generator and the discriminator that images and audio share: convolutional networks for samples on a grid, which
are images, or the spectrograms of clips.

After R3GAN (see `gan.blocks`): one forward pass from a latent to a sample, one from a sample to a logit. Channels
of small samples shrink faster than the sides grow, so that most of the work is done at low resolution, and every stage
of the generator is conditioned on the latent; both are ablated in `benchmarks/ablation.md`.
"""

import math

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from torch import Tensor, nn

from gan.blocks import Conv2d, Downsample, ModulatedBlock, ResidualBlock, SampleLinear, Upsample, scaled
from gan.errors import GANError

MAX_PIXELS = 2**20  # of a sample: an image of 1024x1024
# name: (channels of a stage x its longer side to the power 1.5, maximum of channels, blocks in a stage)
SIZES = {"tiny": (1350, 96, 1), "small": (2700, 160, 1), "base": (5400, 256, 2)}
# Samples that are large, or cut into patches, have details at more scales: channels of a stage x its longer side.
WIDE_BUDGETS = {"tiny": 512, "small": 1024, "base": 2048}
LARGE = 64  # longer side


def grids(resolution: tuple[int, int]) -> list[tuple[int, int]]:
    """The (height, width) of each stage, from the coarsest, where the generator starts, to the full resolution.

    Sides are halved while both stay whole and neither falls below 4: 32 starts at 4, 28 at 7, 96x64 at 6x4.

    Raises:
        GANError: if a side does not divide by 4 or is smaller than 8, or there are more than `MAX_PIXELS` pixels: a
            config of a few bytes could ask for all the memory there is.
    """
    height, width = resolution
    if height * width > MAX_PIXELS:
        raise GANError(f"A resolution of {height}x{width} cannot be used: {MAX_PIXELS:,} pixels are the most.")
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


def stage_channels(grid: tuple[int, int], size: str, folded: bool = False) -> list[int]:
    """Channels of each stage of `grids(grid)` for a size preset; multiples of 16, which CPUs compute fastest.

    Args:
        grid: (height, width) of the finest stage.
        folded: whether its pixels are patches of samples; these need more channels, so that every stage costs about
            as much.
    """
    if size not in SIZES:
        raise GANError(f"There is no model size {size!r}; choose one of {', '.join(SIZES)}.")
    budget, maximum, _ = SIZES[size]
    is_wide = folded or max(grid) >= LARGE
    wanted = [WIDE_BUDGETS[size] / max(side) if is_wide else budget / max(side) ** 1.5 for side in grids(grid)]
    return [min(maximum, max(16, int(channels) // 16 * 16)) for channels in wanted]


def class_weights(labels: Tensor, class_counts: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Labels as the input of a linear layer.

    Args:
        labels: int64 (n,) class indices; int64 (n, columns) where samples have several labels; or float weights of
            the classes (n, classes of all columns), which are returned as they are: a sample can lie between classes.
        class_counts: number of classes of each label column.

    Returns:
        (n, classes of all columns): the one-hot vectors of the columns, concatenated.
    """
    if labels.is_floating_point():
        return labels.to(dtype)
    columns = labels.view(labels.shape[0], -1).unbind(1)  # len() would fix the batch of an export
    return torch.cat([F.one_hot(column, count) for column, count in zip(columns, class_counts)], dim=1).to(dtype)


class GridGenerator(ModelMixin, ConfigMixin):
    """Latents (and class labels) to samples, in one forward pass.

    It comes in two halves, so that samples can be edited between them (`gan.latent`): `codes` says what each layer is
    conditioned on, `draw` makes a sample of that, and `forward` is one after the other. A code is a latent, a class
    embedding and the gain of the start grid, which truncation sets; layers are the start grid and every block.

    Args:
        resolution: (height, width) of a sample; both divide by 4.
        grid_channels: channels of a sample.
        class_counts: number of classes of each label column; empty for an unconditional generator.
        latent_dim: length of a latent `z`, which is drawn from N(0, I).
        embedding_dim: length of the class embedding.
        channels: channels of each stage, the coarsest first, as `stage_channels` gives them for a size preset.
        blocks_per_stage: residual blocks at every resolution.
        grown: how many of the finest stages were added to a model that had been trained without them. Each adds its
            detail to the enlarged sample of those before it (Karras et al. 2018, "Progressive growing of GANs"), and
            none at first: the grown model begins as the smaller one.
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
        grown: int = 0,
    ):
        super().__init__()
        stages = _stages(resolution, channels)
        self.class_counts, self.latent_dim, self.start_grid = class_counts, latent_dim, stages[0]
        classes, depth = sum(class_counts), blocks_per_stage * len(stages)
        self.num_layers = 1 + depth
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
        widths = channels[len(channels) - 1 - _checked(grown, channels) :]
        self.to_image = scaled(Conv2d(widths[0], grid_channels, 3, padding=1))
        self.details = nn.ModuleList([_without_effect(Conv2d(w, grid_channels, 3, padding=1)) for w in widths[1:]])

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """`draw(codes(latents, labels, truncation))`."""
        samples = self.draw(self.codes(latents, labels, truncation))
        assert isinstance(samples, Tensor)
        return samples

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """What each layer is conditioned on.

        Truncation is StyleGAN's `mean + psi (w - mean)` (Karras et al. 2019, §B): the start grid, which is linear in
        the latent, moves towards its mean over latents, that of the latent zero. Half of the norm that this takes
        away is given back by the gain (as a geometric mean): without it images fade, as no layer normalises.

        Args:
            latents: (n, latent_dim), from N(0, I).
            labels: as for `class_weights`; needed if the model has classes.
            truncation: psi; 1 is the model as trained, 0 the mean of the class but for the norm of its start grid. A
                tensor without dimensions is an input of the graph that an export traces.

        Returns:
            (n, layers, width): latent, class embedding and gain of every layer. They are the same for all layers, but
            for the gain, which only the first one reads.
        """
        condition = latents
        if self.embed is not None:
            assert labels is not None, "a generator with classes needs labels"
            weights = class_weights(labels, self.class_counts, latents.dtype)
            condition = torch.cat([latents, self.embed(weights)], dim=1)
        gain = torch.ones_like(condition[:, :1])
        gains = gain.expand(-1, self.num_layers)
        if isinstance(truncation, Tensor) or truncation != 1:
            norm = self.start(condition).norm(dim=1, keepdim=True)
            condition = torch.cat([truncation * latents, condition[:, self.latent_dim :]], dim=1)
            gain = (norm / self.start(condition).norm(dim=1, keepdim=True).clamp_min(1e-8)).sqrt()
            gains = torch.cat([gain, gains[:, 1:]], dim=1)
        # Flipped, autograd adds up the gradients of the layers from the last one on: it has to be some order, and with
        # this one training stays what it was to the bit.
        conditions = torch.stack([condition] * self.num_layers, dim=1).flip(1)
        return torch.cat([conditions, gains[:, :, None]], dim=2)

    def draw(self, codes: Tensor, return_features: bool = False) -> Tensor | tuple[Tensor, list[Tensor]]:
        """The samples of codes.

        Args:
            codes: (n, layers, width) as `codes` returns them, or edited ones.
            return_features: also return the output of each stage, (n, channels, height, width), the coarsest first.

        Returns:
            (n, grid_channels, height, width), about [-1, 1] (there is no activation at the end).
        """
        conditions = iter(codes[:, :, :-1].transpose(0, 1).contiguous().unbind(0))  # products round by memory layout
        start = self.start(next(conditions))
        start = start * codes[:, 0, -1:].to(start.dtype)
        x = start.unflatten(1, (*self.start_grid, -1)).permute(0, 3, 1, 2)  # channels last in memory
        features = []
        for layer in self.stages:
            if isinstance(layer, Conv2d):  # the first layer of the next stage
                features.append(x)
            x = layer(x, next(conditions)) if isinstance(layer, ModulatedBlock) else layer(x)
        features.append(x)
        heads = [self.to_image, *self.details]
        parts = [head(F.leaky_relu(x, 0.2)) for head, x in zip(heads, features[-len(heads) :])]
        samples = self.assemble(parts)
        return (samples, features) if return_features else samples

    def assemble(self, parts: list[Tensor]) -> Tensor:
        """The samples (n, grid_channels, height, width) of what the finest stages draw, each twice the one before."""
        assert len(parts) == 1, "how samples are enlarged is known to the modality"
        return parts[0]

    def code_weights(self) -> list[Tensor]:
        """(features, width) of each layer: the linear map from a layer's code to its activations, without gain."""
        blocks = [layer.modulation for layer in self.stages if isinstance(layer, ModulatedBlock)]
        return [F.pad(linear.weight.detach(), (0, 1)) for linear in (self.start, *blocks)]


def downward_stages(
    resolution: tuple[int, int], grid_channels: int, channels: tuple[int, ...], blocks_per_stage: int, grown: int = 0
) -> nn.Sequential:
    """The stages of the generator in reverse, down to its start grid: the body of discriminator and encoder.

    Without the `grown` finest ones, which are `entries`.
    """
    depth = blocks_per_stage * len(_stages(resolution, channels))
    widths = channels[: len(channels) - _checked(grown, channels)][::-1]
    layers: list[nn.Module] = [scaled(Conv2d(grid_channels, widths[0], 3, padding=1))]
    for i, width in enumerate(widths):
        if i > 0:
            layers += [Downsample(), scaled(Conv2d(widths[i - 1], width, 1))]
        layers += [ResidualBlock(width, depth) for _ in range(blocks_per_stage)]
    return nn.Sequential(*layers)


def entries(grid_channels: int, channels: tuple[int, ...], blocks_per_stage: int, grown: int) -> nn.ModuleList:
    """The finest stages of a grown discriminator or encoder, in the order in which they were added.

    Each sees samples at its own resolution and adds to what the next coarser one makes of them halved; none at first.
    """
    depth, widths = blocks_per_stage * len(channels), channels[len(channels) - 1 - _checked(grown, channels) :]
    stages = []
    for coarser, width in zip(widths, widths[1:]):
        blocks = [ResidualBlock(width, depth) for _ in range(blocks_per_stage)]
        last = _without_effect(Conv2d(width, coarser, 1))
        stages.append(nn.Sequential(scaled(Conv2d(grid_channels, width, 3, padding=1)), *blocks, Downsample(), last))
    return nn.ModuleList(stages)


def entered(entries: nn.ModuleList, stages: nn.Sequential, grids: list[Tensor]) -> list[Tensor]:
    """What each stage makes of samples, the finest first.

    Args:
        entries: of `entries`.
        stages: those from before the growing, as of `downward_stages`.
        grids: samples (n, grid_channels, height, width) at the resolution of each entry, the finest first, and at
            that of `stages`.
    """
    features, carried = [], None
    for layers, grid in zip([*list(entries)[::-1], stages], grids, strict=True):
        x = layers[0](grid)
        x = x if carried is None else x + carried
        for layer in layers[1:]:
            if isinstance(layer, Downsample):
                features.append(x)
            x = layer(x)
        carried = x
    return [*features, x]


class GridDiscriminator(ModelMixin, ConfigMixin):
    """Samples (and class labels) to logits, higher where a sample looks real. It mirrors the generator.

    Args: those of `GridGenerator` but for latent and embedding, and
        features: length of the feature vector before the logit, which is also projected onto the class embedding
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
        grown: int = 0,
    ):
        super().__init__()
        self.class_counts = class_counts
        self.entries = entries(grid_channels, channels, blocks_per_stage, grown)
        self.stages = downward_stages(resolution, grid_channels, channels, blocks_per_stage, grown)
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
            return_features: also return the `features` of the samples.

        Returns:
            (n,) logits. Only differences between them mean anything under a relativistic loss.
        """
        features = self.features(samples)
        logits = self._head(features[-1], labels)
        return (logits, features) if return_features else logits

    def logits(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """`forward` under a name that Accelerate does not wrap in autocast: penalties are computed in float32."""
        return self._head(self.features(samples)[-1], labels)

    def features(self, samples: Tensor) -> list[Tensor]:
        """The output of each stage, (n, channels, height, width), the finest first."""
        return entered(self.entries, self.stages, self.grids(samples))

    def grids(self, samples: Tensor) -> list[Tensor]:
        """Samples as grids, at the resolution of every entry, the finest first, and of the stages behind them."""
        assert not len(self.entries), "how samples are halved is known to the modality"
        return [samples]

    def resolutions(self) -> list[nn.Sequential]:
        """The layers of each stage, the finest first."""
        starts = [k for k, layer in enumerate(self.stages) if isinstance(layer, Downsample)]
        first = [self.stages[a:b] for a, b in zip([0, *starts], [*starts, len(self.stages)])]
        return [*list(self.entries)[::-1], *first]

    def class_logits(self, samples: Tensor) -> Tensor:
        """(n, classes of all columns): by how much each class raises the logit, which makes it a classifier."""
        assert self.embed is not None, "only a discriminator with classes has class logits"
        return self._summary(self.features(samples)[-1]) @ self.embed.weight

    def _summary(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.to_features(F.leaky_relu(x, 0.2).flatten(1)), 0.2)

    def _head(self, x: Tensor, labels: Tensor | None) -> Tensor:
        x = self._summary(x)
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


def _checked(grown: int, channels: tuple[int, ...]) -> int:
    if not 0 <= grown < len(channels):
        raise GANError(f"A network of {len(channels)} stages cannot have been grown by {grown}.")
    return grown


def _without_effect(layer: Conv2d) -> Conv2d:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
