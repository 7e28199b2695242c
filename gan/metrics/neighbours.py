"""The nearest training samples of generated ones: did the model learn them by heart?"""

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

ROWS, NEAREST = 8, 5  # of one half of the sheet
QUANTILES = (0.01, 0.1, 0.5, 0.9)
IN_MEMORY = 2**26  # numbers of a distance matrix at once


def nearest(queries: Tensor, candidates: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Distances and indices (n, count) of the nearest candidates (m, d) of each query (n, d), nearest first."""
    rows = max(1, IN_MEMORY // len(candidates))
    found = [torch.cdist(chunk, candidates).topk(count, largest=False) for chunk in queries.split(rows)]
    return torch.cat([distances for distances, _ in found]), torch.cat([indices for _, indices in found])


def memorisation(generated: Tensor, held_out: Tensor) -> dict[str, Any]:
    """How near generated samples are to training samples, beside how near held-out ones are.

    Args:
        generated, held_out: (n, k) and (m, k) distances of each sample from its nearest training samples, the nearest
            first.

    Returns:
        `distance_ratio`: the median of the first over that of the second; near or above 1, nothing was memorised.
        `very_near`: the share of generated samples that are nearer than 99 % of the held-out ones are; of other
        held-out samples it would be 0.01.
        `quantiles`: `share`, and the distances within which such a share of `generated` and `held_out` samples has
        its nearest training sample.
        `singled_out`: the share of `generated` and `held_out` samples of whose training samples the nearest is less
        than half as far as the second nearest, as it is of a copy. Without a second one, it is left out.
    """
    first = {"generated": generated[:, 0], "held_out": held_out[:, 0]}
    ratio = first["generated"].median() / first["held_out"].median().clamp_min(1e-12)
    very_near = (first["generated"] < first["held_out"].quantile(0.01)).float().mean()
    found: dict[str, Any] = {"distance_ratio": round(float(ratio), 3), "very_near": round(float(very_near), 4)}
    shares = torch.tensor(QUANTILES)
    found["quantiles"] = {"share": list(QUANTILES)} | {
        name: [float(f"{value:.4g}") for value in distances.quantile(shares).tolist()]
        for name, distances in first.items()
    }
    if generated.shape[1] > 1:
        both = {"generated": generated, "held_out": held_out}
        found["singled_out"] = {
            name: round(float((distances[:, 0] < distances[:, 1] / 2).float().mean()), 4)
            for name, distances in both.items()
        }
    return found


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
