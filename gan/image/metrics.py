"""What can be measured of a picture generator without any other network.

The sliced Wasserstein distance between the patches of generated and of held-out pictures, at every scale of a
Laplacian pyramid (Karras et al. 2018, "Progressive growing of GANs", §5): it sees colour, texture and layout, needs
no labels and nothing to download. Each figure stands beside its floor: the same distance between real training
pictures and the held-out ones.
"""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.image.networks import Downsample, Upsample

if TYPE_CHECKING:
    from gan.image.data import ImageSet
    from gan.image.pipeline import ImagePipeline

PATCH = 7  # side, in pixels
PATCHES = 16  # of each picture and scale
PROJECTIONS = 256
MOST_IMAGES = 2_000
SMALLEST = 14  # side of the coarsest scale


def sliced_wasserstein(first: Tensor, second: Tensor, seed: int = 0) -> float:
    """The mean over scales of the sliced Wasserstein-1 distance between patch distributions, times 1,000.

    Args:
        first, second: pictures (n, channels, height, width) in [-1, 1], as many in both; each channel and scale is
            measured in units of its standard deviation in `second`.
        seed: of the patch positions and projections.
    """
    generator = torch.Generator().manual_seed(seed)
    distances = []
    for a, b in zip(_pyramid(first), _pyramid(second), strict=True):
        # One scale for both, so that a difference in colour or contrast counts.
        mean, deviation = b.mean((0, 2, 3), keepdim=True), b.std((0, 2, 3), keepdim=True) + 1e-8
        a, b = (a - mean) / deviation, (b - mean) / deviation
        positions = torch.rand(len(a), PATCHES, 2, generator=generator)
        a, b = _patches(a, positions), _patches(b, positions)
        directions = F.normalize(torch.randn(a.shape[1], PROJECTIONS, generator=generator), dim=0)
        distances.append((torch.sort((a @ directions).T)[0] - torch.sort((b @ directions).T)[0]).abs().mean())
    return 1000 * float(torch.stack(distances).mean())


@torch.inference_mode()
def evaluate(pipeline: "ImagePipeline", train_set: "ImageSet", test_set: "ImageSet") -> dict[str, Any]:
    """The contents of `metrics.json`: the distance of generated pictures from held-out ones, and its floor.

    Pictures are generated with truncation 1 from seeds 0, 1, ..., with the classes of the held-out pictures.
    """
    count = min(MOST_IMAGES, len(test_set), len(train_set))
    pick = torch.linspace(0, len(test_set) - 1, count).long()
    held_out = test_set.images(pick)
    real = train_set.images(torch.randperm(len(train_set), generator=torch.Generator().manual_seed(0))[:count])
    latents, classes = pipeline.latents(list(range(count)))
    wanted = test_set.classes(pick)
    generated = [
        pipeline.decode(z, c).float() / 127.5 - 1
        for z, c in zip(latents.split(64), (classes if wanted is None else wanted).split(64), strict=True)
    ]
    return {
        "metrics": [
            {
                "name": "Sliced Wasserstein distance",
                "value": round(sliced_wasserstein(torch.cat(generated), held_out), 2),
                "floor": round(sliced_wasserstein(real, held_out), 2),
                "split": test_set.split,
                "samples": count,
            }
        ]
    }


def _pyramid(images: Tensor) -> list[Tensor]:
    """Laplacian pyramid, finest scale first."""
    levels = []
    down, up = Downsample(), Upsample()
    while min(images.shape[2:]) >= 2 * SMALLEST and images.shape[2] % 2 == 0 and images.shape[3] % 2 == 0:
        coarse = down(images)
        levels.append(images - up(coarse))
        images = coarse
    return [*levels, images]


def _patches(images: Tensor, positions: Tensor) -> Tensor:
    """(n * PATCHES, channels * PATCH^2) patches at relative positions."""
    n, _, height, width = images.shape
    rows = (positions[..., 0] * (height - PATCH + 1)).long()
    columns = (positions[..., 1] * (width - PATCH + 1)).long()
    offsets = torch.arange(PATCH)
    y = (rows[..., None] + offsets)[:, :, :, None]  # (n, patches, PATCH, 1)
    x = (columns[..., None] + offsets)[:, :, None, :]
    sample = torch.arange(n)[:, None, None, None]
    return images.permute(0, 2, 3, 1)[sample, y, x].flatten(0, 1).flatten(1)
