"""The nearest training pictures of generated ones: did the model learn its pictures by heart?"""

from typing import TYPE_CHECKING

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

if TYPE_CHECKING:
    from gan.image.data import ImageSet

ROWS, NEAREST = 8, 5  # of one half of the sheet
IN_MEMORY = 2**26  # numbers of a distance matrix at once
SIDE = 56  # smaller pictures are enlarged by a whole number to at least this


def nearest(queries: Tensor, candidates: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances and indices (n, count) of the nearest candidates (m, d) of each query (n, d), nearest first."""
    rows = max(1, IN_MEMORY // len(candidates))
    found = [torch.cdist(chunk, candidates).topk(count, largest=False) for chunk in queries.split(rows)]
    return torch.cat([distances for distances, _ in found]), torch.cat([indices for _, indices in found])


def memorisation(generated: Tensor, held_out: Tensor) -> dict[str, float]:
    """How near generated pictures are to training pictures, beside how near held-out ones are.

    Args:
        generated, held_out: (n,) distance of each picture from its nearest training picture.

    Returns:
        `distance_ratio`: the median of the first over that of the second; near or above 1, nothing was memorised.
        `very_near`: the share of generated pictures that are nearer than 99 % of the held-out ones are; of other
        held-out pictures it would be 0.01.
    """
    ratio = generated.median() / held_out.median().clamp_min(1e-12)
    very_near = (generated < held_out.quantile(0.01)).float().mean()
    return {"distance_ratio": round(float(ratio), 3), "very_near": round(float(very_near), 4)}


def neighbour_sheet(generated: Tensor, distances: Tensor, indices: Tensor, train_set: "ImageSet") -> Image.Image:
    """Generated pictures, each beside its nearest training pictures.

    The left half shows pictures as they come, the right half those that are nearest to a training picture.

    Args:
        generated: uint8 (n, channels, height, width).
        distances, indices: (n, at least 1) from `nearest`, among the training pictures.
    """
    height, breadth = train_set.resolution
    scale = max(1, -(-SIDE // max(height, breadth)))
    height, breadth = scale * height, scale * breadth
    gap, heading = 12, 40
    rows, columns = min(ROWS, len(generated)), indices.shape[1]
    half = gap + breadth + gap + columns * breadth
    sheet = Image.new("RGB", (2 * half + 2 * gap, heading + rows * (height + 2) + gap), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    halves = {"as they come": torch.arange(rows), "the nearest of all": distances[:, 0].argsort(stable=True)[:rows]}
    for number, (title, chosen) in enumerate(halves.items()):
        left = gap + number * (half + gap)
        draw.text((left, 4), f"Generated, {title}", "black", font)
        draw.text((left + breadth + gap, 21), "nearest training pictures", "grey", font)
        for row, index in enumerate(chosen.tolist()):
            top = heading + row * (height + 2)
            places = [left, *(left + breadth + gap + k * breadth for k in range(columns))]
            pictures = [generated[index], *torch.from_numpy(train_set.pixels[indices[index].numpy()])]
            for x, pixels in zip(places, pictures, strict=True):
                array = pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
                image = Image.fromarray(array).resize((breadth, height), Image.Resampling.NEAREST)
                sheet.paste(image, (x, top))
    return sheet
