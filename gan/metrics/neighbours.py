"""The nearest training samples of generated ones: did the model learn them by heart?"""

from collections.abc import Callable

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

ROWS, NEAREST = 8, 5  # of one half of the sheet
IN_MEMORY = 2**26  # numbers of a distance matrix at once


def nearest(queries: Tensor, candidates: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances and indices (n, count) of the nearest candidates (m, d) of each query (n, d), nearest first."""
    rows = max(1, IN_MEMORY // len(candidates))
    found = [torch.cdist(chunk, candidates).topk(count, largest=False) for chunk in queries.split(rows)]
    return torch.cat([distances for distances, _ in found]), torch.cat([indices for _, indices in found])


def memorisation(generated: Tensor, held_out: Tensor) -> dict[str, float]:
    """How near generated samples are to training samples, beside how near held-out ones are.

    Args:
        generated, held_out: (n,) distance of each sample from its nearest training sample.

    Returns:
        `distance_ratio`: the median of the first over that of the second; near or above 1, nothing was memorised.
        `very_near`: the share of generated samples that are nearer than 99 % of the held-out ones are; of other
        held-out samples it would be 0.01.
    """
    ratio = generated.median() / held_out.median().clamp_min(1e-12)
    very_near = (generated < held_out.quantile(0.01)).float().mean()
    return {"distance_ratio": round(float(ratio), 3), "very_near": round(float(very_near), 4)}


def neighbour_sheet(
    generated: Callable[[int], Image.Image],
    training: Callable[[int], Image.Image],
    distances: Tensor,
    indices: Tensor,
    unit: str,
) -> Image.Image:
    """Generated samples, each beside its nearest training samples.

    The left half shows samples as they come, the right half those that are nearest to a training sample.

    Args:
        generated, training: draw the sample at an index, all in one size.
        distances, indices: (n, at least 1) from `nearest`, among the training samples.
        unit: what samples are called, in the plural.
    """
    breadth, height = generated(0).size
    gap, heading = 12, 40
    rows, columns = min(ROWS, len(distances)), indices.shape[1]
    half = gap + breadth + gap + columns * breadth
    sheet = Image.new("RGB", (2 * half + 2 * gap, heading + rows * (height + 2) + gap), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    halves = {"as they come": torch.arange(rows), "the nearest of all": distances[:, 0].argsort(stable=True)[:rows]}
    for number, (title, chosen) in enumerate(halves.items()):
        left = gap + number * (half + gap)
        draw.text((left, 4), f"Generated, {title}", "black", font)
        draw.text((left + breadth + gap, 21), f"nearest training {unit}", "grey", font)
        for row, index in enumerate(chosen.tolist()):
            top = heading + row * (height + 2)
            sheet.paste(generated(index), (left, top))
            for place, neighbour in enumerate(indices[index].tolist()):
                sheet.paste(training(neighbour), (left + breadth + gap + place * breadth, top))
    return sheet
