"""The image encoder of the VAE and the VAE-GAN (Kingma & Welling 2014; Larsen et al. 2016)."""

from dataclasses import dataclass

import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from gan.blocks import SampleLinear
from gan.grids import downward_stages, grids
from gan.image.networks import check_colours


@dataclass
class EncoderOutput(BaseOutput):
    """What `ImageEncoder` returns: a Gaussian over latents, and a guess at the class.

    Attributes:
        mean: (n, latent_dim).
        log_variance: (n, latent_dim).
        class_logits: (n, num_classes), or `None` for an unconditional model.
    """

    mean: Tensor
    log_variance: Tensor
    class_logits: Tensor | None


class ImageEncoder(ModelMixin, ConfigMixin):
    """Pictures to latents of the generator: the discriminator's stages under heads of its own.

    It is told no class but names it (as q(y|x) in Kingma et al. 2014, "Semi-supervised learning with deep generative
    models"), so that somebody's picture needs no label.

    Args: those of `ImageDiscriminator` but for `features`, and
        latent_dim: numbers in a latent.
    """

    @register_to_config
    def __init__(
        self,
        resolution: tuple[int, int] = (32, 32),
        image_channels: int = 3,
        num_classes: int = 0,
        latent_dim: int = 64,
        channels: tuple[int, ...] = (160, 128, 64, 32),
        blocks_per_stage: int = 1,
    ):
        super().__init__()
        check_colours(image_channels)
        self.stages = downward_stages(resolution, image_channels, channels, blocks_per_stage)
        height, width = grids(resolution)[0]
        # The mean must know where things are. How sure it is and what it shows can be told from averages over the
        # picture, which keeps the encoder as small as the discriminator.
        self.to_mean = SampleLinear(channels[0] * height * width, latent_dim)
        self.to_log_variance = SampleLinear(channels[0], latent_dim)
        self.to_class = SampleLinear(channels[0], num_classes) if num_classes else None
        nn.init.zeros_(self.to_log_variance.weight)
        nn.init.zeros_(self.to_log_variance.bias)

    def forward(self, images: Tensor) -> EncoderOutput:
        """
        Args:
            images: (n, image_channels, height, width) in [-1, 1].
        """
        x = F.leaky_relu(self.stages(images), 0.2)
        average = x.mean((2, 3))
        return EncoderOutput(
            mean=self.to_mean(x.flatten(1)),
            log_variance=self.to_log_variance(average),
            class_logits=None if self.to_class is None else self.to_class(average),
        )
