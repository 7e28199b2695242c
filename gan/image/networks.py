"""The image generator and discriminator: `gan.grids` with a picture for a grid."""

from diffusers.configuration_utils import register_to_config

from gan.errors import GANError
from gan.grids import GridDiscriminator, GridGenerator


class ImageGenerator(GridGenerator):
    """Latents (and class labels) to pictures, in one forward pass; `forward` is that of `GridGenerator`.

    Args:
        resolution: (height, width) of a picture; both divide by 4.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: 0 makes an unconditional generator.
        latent_dim: numbers in a latent `z`, which is drawn from N(0, I).
        embedding_dim: numbers that a class is told by, beside the latent.
        channels: width of each stage from the start grid up, as `stage_channels` gives them for a size preset.
        blocks_per_stage: residual blocks at every resolution.
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
    ):
        check_colours(image_channels)
        classes = (num_classes,) if num_classes else ()
        super().__init__(resolution, image_channels, classes, latent_dim, embedding_dim, channels, blocks_per_stage)


class ImageDiscriminator(GridDiscriminator):
    """Pictures (and class labels) to one number each; `forward` is that of `GridDiscriminator`.

    Args: those of `ImageGenerator` that have nothing to do with the latent, and
        features: length of the vector that a picture is summed up in.
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
        check_colours(image_channels)
        classes = (num_classes,) if num_classes else ()
        super().__init__(resolution, image_channels, classes, channels, blocks_per_stage, features)


def check_colours(image_channels: int) -> None:
    """Raises `GANError` unless pictures are grey or RGB."""
    if image_channels not in (1, 3):
        raise GANError(f"image_channels is {image_channels}; pictures are grey (1) or RGB (3).")
