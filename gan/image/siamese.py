"""A network that compares two pictures: do they belong together?"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from gan.blocks import Downsample, scaled
from gan.errors import GANError
from gan.networks import class_weights

SIDE = 32  # pixels: what makes a group shows in small pictures, and 64 take several times as long
WIDTH = 128  # of the features that are compared


def convolutions(resolution: tuple[int, int], image_channels: int) -> tuple[list[nn.Module], int]:
    """Layers that take pictures down to 8 pixels a side or fewer, and how many numbers come out of them."""
    layers: list[nn.Module] = [nn.Conv2d(image_channels, 32, 3, padding=1), nn.ReLU()]
    width, (height, breadth) = 32, resolution
    while max(height, breadth) > 8:
        layers += [nn.Conv2d(width, 64, 3, 2, padding=1), nn.ReLU()]
        width, height, breadth = 64, (height + 1) // 2, (breadth + 1) // 2
    return layers, width * height * breadth


class SiameseNetwork(nn.Module):
    """How well two pictures of different classes go together: one logit a pair, the same in either order.

    It compares what each picture is like *as one of its class*: features that the class scales and shifts (FiLM, Perez
    et al. 2018), so that a serif can be looked for in other places of an I than of a g. The logit is a weighted L1
    distance of both (Koch et al. 2015, "Siamese neural networks for one-shot image recognition"), small at first:
    under gradient penalties, a larger one and one with layers behind the distance learn to ignore the pictures.

    Args:
        resolution: (height, width) of a picture.
        image_channels: 1 for grey, 3 for RGB.
        class_counts: number of classes of each label column.
        grown: how often pictures are halved before they are of the size that it was first trained on.
    """

    def __init__(
        self, resolution: tuple[int, int], image_channels: int, class_counts: tuple[int, ...], grown: int = 0
    ):
        super().__init__()
        if not class_counts:
            raise GANError("A discriminator can only judge pairs of pictures that have classes.")
        self.class_counts, classes = class_counts, sum(class_counts)
        height, width = (side // 2**grown for side in resolution)
        factor = min(math.ceil(max(height, width) / SIDE), height, width)  # a strip keeps a pixel across
        layers, inputs = convolutions((height // factor, width // factor), image_channels)
        self.halve = nn.Sequential(*(Downsample() for _ in range(grown)), nn.AvgPool2d(factor))
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.to_features = scaled(nn.Linear(inputs, WIDTH), math.sqrt(2))
        self.embed = scaled(nn.Linear(classes, 2 * WIDTH, bias=False), math.sqrt(classes) / 2)
        self.mix = scaled(nn.Linear(WIDTH, WIDTH), math.sqrt(2))
        self.to_logit = nn.Linear(WIDTH, 1)
        nn.init.constant_(self.to_logit.weight, -1 / WIDTH)  # pairs begin as the nearer the likelier
        nn.init.zeros_(self.to_logit.bias)

    def forward(self, images: Tensor, labels: Tensor, pairs: Tensor) -> Tensor:
        """
        Args:
            images: (n, image_channels, height, width) in [-1, 1].
            labels: of the n pictures, as for `class_weights`.
            pairs: int64 (k, 2), the rows of each pair.

        Returns:
            (k,) logits, higher where a pair looks real.
        """
        features = self.to_features(self.body(self.halve(images)))
        scale, shift = self.embed(class_weights(labels, self.class_counts, features.dtype)).chunk(2, dim=1)
        features = self.mix(F.leaky_relu(features * (1 + scale) + shift, 0.2))
        one, other = features[pairs].unbind(1)
        return self.to_logit((one - other).abs()).squeeze(1)
