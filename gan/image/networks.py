"""The image generator, discriminator and encoder, built from `gan.networks`.

They can work on pictures whose patches are folded into channels (space-to-depth): the finest stage is the most
expensive one by far, and CPUs compute few pixels of many channels faster than many of few.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from gan.blocks import Downsample, SampleLinear, Upsample
from gan.errors import GANError
from gan.image.siamese import SiameseNetwork
from gan.networks import (
    SIZES,
    GridDiscriminator,
    GridGenerator,
    downward_stages,
    entered,
    entries,
    grids,
    stage_channels,
)


class ImageGenerator(GridGenerator):
    """Latents (and class labels) to images, in one forward pass; the methods are those of `GridGenerator`.

    Args:
        resolution: (height, width) of an image; both divide by 4.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: 0 makes an unconditional generator; with several label columns, the classes of each.
        latent_dim: length of a latent `z`, which is drawn from N(0, I).
        embedding_dim: length of the class embedding.
        channels: channels of each stage, the coarsest first, as `stage_channels` gives them for a size preset.
        blocks_per_stage: residual blocks at every resolution.
        patch_size: side of the patches that are drawn as one pixel of the finest stage.
        grown: stages that were added to a smaller model (`gan.image.growing`).
    """

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int | tuple[int, ...] = 0,
        latent_dim: int = 64,
        embedding_dim: int = 16,
        channels: tuple[int, ...] = (160, 112, 32, 16),
        blocks_per_stage: int = 1,
        patch_size: int = 1,
        grown: int = 0,
    ):
        check_colours(image_channels)
        grid, cell = folded_size(resolution, patch_size), image_channels * patch_size**2
        classes = class_counts(num_classes)
        super().__init__(grid, cell, classes, latent_dim, embedding_dim, channels, blocks_per_stage, grown)
        self.patch_size = patch_size

    def assemble(self, parts: list[Tensor]) -> Tensor:
        """Pictures (n, image_channels, height, width), about [-1, 1]: each grown stage adds to the enlarged one."""
        images = F.pixel_shuffle(parts[0], self.patch_size)
        for part in parts[1:]:
            images = Upsample()(images) + F.pixel_shuffle(part, self.patch_size)
        return images


class ImageDiscriminator(GridDiscriminator):
    """Images (and class labels) to logits; the methods are those of `GridDiscriminator`.

    Args: those of `ImageGenerator` but for latent and embedding, and
        features: length of the feature vector before the logit.
        pairs: whether it also judges pairs of images that belong together (`--group_column`).
    """

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int | tuple[int, ...] = 0,
        channels: tuple[int, ...] = (160, 128, 64, 32),
        blocks_per_stage: int = 1,
        features: int = 64,
        patch_size: int = 1,
        pairs: bool = False,
        grown: int = 0,
    ):
        check_colours(image_channels)
        grid, cell = folded_size(resolution, patch_size), image_channels * patch_size**2
        classes = class_counts(num_classes)
        super().__init__(grid, cell, classes, channels, blocks_per_stage, features, grown)
        self.patch_size = patch_size
        self.pair = SiameseNetwork(resolution, image_channels, classes, grown) if pairs else None

    def forward(  # type: ignore[override]
        self, samples: Tensor, labels: Tensor | None = None, return_features: bool = False, pairs: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor] | tuple[Tensor, list[Tensor]]:
        """As `GridDiscriminator`; with `pairs`, int64 (k, 2) rows of samples, also their logits (k,)."""
        if pairs is None:
            return super().forward(samples, labels, return_features)
        return self.logits(samples, labels, pairs)

    def logits(  # type: ignore[override]
        self, samples: Tensor, labels: Tensor | None = None, pairs: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """`forward` in full precision, as penalties need it (see `GridDiscriminator`)."""
        if pairs is None:
            return super().logits(samples, labels)
        assert self.pair is not None and labels is not None, "only a discriminator of pairs judges them"
        return super().logits(samples, labels), self.pair(samples, labels, pairs)

    def grids(self, samples: Tensor) -> list[Tensor]:
        """As `GridDiscriminator`, of pictures (n, image_channels, height, width)."""
        return folded_pyramid(samples, len(self.entries), self.patch_size)


def folded_pyramid(images: Tensor, grown: int, patch_size: int) -> list[Tensor]:
    """Pictures, and halved as often as a network was grown, each with its patches as channels, the largest first."""
    sizes = [images]
    for _ in range(grown):
        sizes.append(Downsample()(sizes[-1]))
    return [F.pixel_unshuffle(size, patch_size) for size in sizes]


def folded_size(resolution: tuple[int, int], patch_size: int) -> tuple[int, int]:
    """(rows, columns) of the patches of a picture.

    Raises:
        GANError: if there is no whole number of them, or a picture is too large (`grids`).
    """
    height, width = resolution
    if patch_size < 1 or height % patch_size or width % patch_size:
        raise GANError(f"Pictures of {height}x{width} cannot be cut into patches of {patch_size}x{patch_size}.")
    grids(resolution)
    return height // patch_size, width // patch_size


def size_preset(resolution: tuple[int, int], size: str, patch_size: int) -> dict[str, Any]:
    """What the configs of networks say of a size preset."""
    channels = stage_channels(folded_size(resolution, patch_size), size, patch_size > 1)
    return {"channels": tuple(channels), "blocks_per_stage": SIZES[size][2], "patch_size": patch_size}


def class_counts(num_classes: int | Sequence[int]) -> tuple[int, ...]:
    """The classes of each label column, of which there may be none."""
    if isinstance(num_classes, int):
        return (num_classes,) if num_classes else ()
    return tuple(num_classes)


def check_colours(image_channels: int) -> None:
    """Raises `GANError` unless images are grey or RGB."""
    if image_channels not in (1, 3):
        raise GANError(f"image_channels is {image_channels}; pictures are grey (1) or RGB (3).")


@dataclass
class EncoderOutput(BaseOutput):
    """What `ImageEncoder` returns: the approximate posterior over latents, and class logits.

    Attributes:
        mean: (n, latent_dim).
        log_variance: (n, latent_dim).
        class_logits: (n, classes of all label columns), or `None` for an unconditional model.
    """

    mean: Tensor
    log_variance: Tensor
    class_logits: Tensor | None


class ImageEncoder(ModelMixin, ConfigMixin):
    """Images to a Gaussian over latents: the stages of the discriminator, with heads of its own.

    It is not conditioned on the class but classifies (as q(y|x) in Kingma et al. 2014, "Semi-supervised learning with
    deep generative models"), so that a user's image needs no label.

    Args: those of `ImageDiscriminator` but for `features`, and
        latent_dim: length of a latent.
    """

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int | tuple[int, ...] = 0,
        latent_dim: int = 64,
        channels: tuple[int, ...] = (160, 128, 64, 32),
        blocks_per_stage: int = 1,
        patch_size: int = 1,
        grown: int = 0,
    ):
        super().__init__()
        check_colours(image_channels)
        grid, cell = folded_size(resolution, patch_size), image_channels * patch_size**2
        self.class_counts, self.patch_size = class_counts(num_classes), patch_size
        self.entries = entries(cell, channels, blocks_per_stage, grown)
        self.stages = downward_stages(grid, cell, channels, blocks_per_stage, grown)
        height, width = grids(grid)[0]
        # The mean depends on where things are. Variance and class can be read from averages over the image, which
        # keeps the encoder as small as the discriminator.
        self.to_mean = SampleLinear(channels[0] * height * width, latent_dim)
        self.to_log_variance = SampleLinear(channels[0], latent_dim)
        self.to_class = SampleLinear(channels[0], sum(self.class_counts)) if self.class_counts else None
        nn.init.zeros_(self.to_log_variance.weight)
        nn.init.zeros_(self.to_log_variance.bias)

    def forward(self, images: Tensor) -> EncoderOutput:
        """
        Args:
            images: (n, image_channels, height, width) in [-1, 1].
        """
        grids = folded_pyramid(images, len(self.entries), self.patch_size)
        x = F.leaky_relu(entered(self.entries, self.stages, grids)[-1], 0.2)
        average = x.mean((2, 3))
        return EncoderOutput(
            mean=self.to_mean(x.flatten(1)),
            log_variance=self.to_log_variance(average),
            class_logits=None if self.to_class is None else self.to_class(average),
        )
