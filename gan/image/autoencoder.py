"""What the VAE and the VAE-GAN are made of: encoder and generator as one network, and the two terms of their bound.

Kingma & Welling 2014, "Auto-encoding variational Bayes"; Larsen et al. 2016, "Autoencoding beyond pixels using a
learned similarity metric".
"""

from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor, nn

from gan.image.encoder import ImageEncoder
from gan.image.networks import ImageGenerator
from gan.image.pipeline import ImagePipeline, to_pil

if TYPE_CHECKING:
    from gan.image.data import ImageSet

FINEST = (2 / 255) ** 2 / 12  # variance of the rounding of pixels to 8 bits: no likelihood is sharper


class Autoencoder(nn.Module):
    """Encoder and generator in one, so that one optimiser, one average and one data-parallel wrapper serve both."""

    def __init__(self, generator: ImageGenerator, encoder: ImageEncoder):
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(self, latents: Tensor, labels: Tensor | None, images: Tensor, every: int = 1) -> dict[str, Tensor]:
        """Generates pictures: every `every`-th, from the first on, rebuilds one of `images`, the others are new.

        Args:
            latents: (n, latent_dim) from N(0, I): the latents of new pictures, and for rebuilt ones the noise of the
                reparametrisation `z = mean + deviation * noise`.
            labels: (n,) class indices, or `None`.
            images: (ceil(n / every), channels, height, width) in [-1, 1].

        Returns:
            `samples` (n, channels, height, width), and for the pictures that are rebuilt the encoder's `mean` and
            `log_variance` (m, latent_dim), and `class_logits` (m, num_classes) where there are classes.
        """
        code = self.encoder(images)
        encoded = code.mean.float() + torch.exp(code.log_variance.float() / 2) * latents[::every]
        latents = latents.clone()
        latents[::every] = encoded
        outputs = {"samples": self.generator(latents, labels), "mean": code.mean, "log_variance": code.log_variance}
        if code.class_logits is not None:
            outputs["class_logits"] = code.class_logits
        return outputs


def gaussian_nll(prediction: Tensor, target: Tensor) -> Tensor:
    """Nats a number of `target` under a Gaussian about `prediction`, without the constant.

    All numbers share the variance that makes them likeliest, which is their mean squared error (Rybkin et al. 2021,
    "Simple and effective VAE training with calibrated decoders"): nothing is left to weigh against the KL divergence.
    """
    error = (prediction.float() - target.float()).square().mean()
    variance = error.detach().clone()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(variance)
        variance /= torch.distributed.get_world_size()
    variance = variance.clamp_min(FINEST)
    return (error / variance + torch.log(variance)) / 2


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Nats a picture from the encoder's Gaussians (n, latent_dim) to the prior N(0, I)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2


def reconstructions(pipeline: ImagePipeline, images: "ImageSet", rows: int) -> list[Image.Image]:
    """The first pictures of a set, eight a row, and below each row how they are rebuilt: for `contact_sheet`."""
    shown = []
    for row in range(rows):
        indices = torch.arange(8 * row, 8 * row + 8) % len(images)
        real = images.images(indices)
        shown += to_pil(torch.from_numpy(images.pixels[indices.numpy()]))
        shown += to_pil(pipeline.decode(*pipeline.encode_pixels(real)))
    return shown
