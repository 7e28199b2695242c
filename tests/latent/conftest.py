"""A tiny model with everything: classes, a discriminator and an encoder."""

import pytest
import torch

from gan import ImageEncoder, ImagePipeline


@pytest.fixture
def with_encoder(pipeline: ImagePipeline) -> ImagePipeline:
    """The model of `pipeline` with an encoder."""
    config = pipeline.generator.config
    torch.manual_seed(1)
    encoder = ImageEncoder(
        resolution=tuple(config.resolution),
        image_channels=config.image_channels,
        num_classes=config.num_classes,
        latent_dim=config.latent_dim,
        channels=tuple(config.channels),
    )
    return ImagePipeline(pipeline.generator, pipeline.discriminator, pipeline.labels, encoder=encoder)
