"""Pictures of a model as one picture: grids, contact sheets, reconstructions."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan.labels import by_column

if TYPE_CHECKING:
    from gan.image.data import ImageSet
    from gan.image.pipeline import ImagePipeline


MAX_WIDTH = 2048  # of a contact sheet


def to_pil(pixels: Tensor) -> list[Image.Image]:
    """uint8 (n, 1 or 3, height, width) to PIL pictures of mode "L" or "RGB"."""
    arrays = pixels.permute(0, 2, 3, 1).numpy()
    return [
        Image.fromarray(array[..., 0] if array.shape[-1] == 1 else np.ascontiguousarray(array)) for array in arrays
    ]


def contact_sheet(images: list[Image.Image]) -> Image.Image:
    """Eight pictures a row, enlarged by a whole number to about 512 pixels across, or shrunk to 2,048."""
    sheet = image_grid(images, columns=8)
    if sheet.width > MAX_WIDTH:
        return sheet.resize((MAX_WIDTH, sheet.height * MAX_WIDTH // sheet.width), Image.Resampling.LANCZOS)
    scale = max(1, 512 // sheet.width)
    return sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST)


def image_grid(images: list[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size side by side, row after row, edge to edge."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    sheet = Image.new(images[0].mode, (columns * width, rows * height))
    for k, image in enumerate(images):
        sheet.paste(image, (k % columns * width, k // columns * height))
    return sheet


def classes_by_seeds(pipeline: "ImagePipeline", rows: int) -> list[Image.Image]:
    """A row for each of some classes, of the last label column, with the first eight seeds: for `contact_sheet`.

    It shows what is asked of a model that was trained on groups: that a column belongs together.
    """
    column, names = list(by_column(pipeline.labels).items())[-1]
    images = []
    for k in torch.linspace(0, len(names) - 1, min(rows, len(names))).round().int().tolist():
        label = {column: names[k]} if len(pipeline.generator.class_counts) > 1 else k
        images += pipeline(seed=0, num_images=8, label=label).images
    return images


def reconstructions(pipeline: "ImagePipeline", images: "ImageSet", rows: int) -> list[Image.Image]:
    """The first pictures of a set, eight a row, and below each row how they are rebuilt: for `contact_sheet`."""
    shown = []
    for row in range(rows):
        indices = torch.arange(8 * row, 8 * row + 8) % len(images)
        real = images.images(indices)
        shown += to_pil(torch.from_numpy(images.pixels[indices.numpy()]))
        shown += to_pil(pipeline.decode(*pipeline.encode_pixels(real)))
    return shown
