"""`ImagePipeline`: pictures from seeds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.utils import BaseOutput
from PIL import Image
from torch import Tensor

from gan.errors import GANError
from gan.image.networks import ImageDiscriminator, ImageGenerator
from gan.pipeline import FORMAT_VERSION, GANPipeline, check_truncation, sample_seeds

BATCH = 64  # pictures that go through the generator at once: bounds memory


@dataclass
class ImagePipelineOutput(BaseOutput):
    """What `ImagePipeline` returns.

    Attributes:
        images: PIL pictures at native size, mode "L" or "RGB".
        seeds: the seed of each: `pipeline(seed=seeds[k])` makes picture k alone.
        labels: the class name of each; `None` for an unconditional model.
    """

    images: list[Image.Image]
    seeds: list[int]
    labels: list[str] | None


class ImagePipeline(GANPipeline):
    """A generator of pictures with, for fine-tuning, its discriminator.

    Args:
        generator: the network that is sampled; its EMA weights.
        discriminator: the other player, or `None`.
        labels: class names, by index; `None` for an unconditional generator.
        format_version: of the repository that this was loaded from.
    """

    unit = "images"
    hub_task = "unconditional-image-generation"

    def __init__(
        self,
        generator: ImageGenerator,
        discriminator: ImageDiscriminator | None = None,
        labels: list[str] | None = None,
        format_version: int = FORMAT_VERSION,
    ):
        super().__init__()
        if labels and not all(isinstance(name, str) for name in labels):
            raise GANError("The labels are not all text.")
        if labels and len(labels) != generator.config.num_classes:
            raise GANError(f"There are {len(labels)} labels for the {generator.config.num_classes} classes.")
        self.register_modules(generator=generator, discriminator=discriminator)
        self.register_to_config(labels=labels, format_version=format_version)
        self.training: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        generator.eval().to(memory_format=torch.channels_last)

    @property
    def labels(self) -> list[str] | None:
        """Class names by index, or `None`."""
        return list(self.config.labels) if self.config.labels else None

    @property
    def resolution(self) -> tuple[int, int]:
        """(height, width) of a picture."""
        height, width = self.generator.config.resolution
        return height, width

    @torch.inference_mode()
    def __call__(
        self, seed: int = 0, num_images: int = 1, truncation: float = 1.0, label: str | int | None = None
    ) -> ImagePipelineOutput:
        """Makes pictures. Picture k is that of seed `seed + k`, whatever the batch.

        Args:
            seed: of the first picture, from 0 to 2^32 - 1.
            num_images: how many.
            truncation: psi. 1 is the model as trained, smaller is safer and less varied (`networks.truncate`).
            label: a class name or index; `None` gives every picture a class of its own, drawn from its seed.

        Raises:
            GANError: for a seed, number, truncation or label that can't be used.
        """
        seeds = sample_seeds(seed, num_images)
        psi = check_truncation(truncation)
        latents, classes = self.latents(seeds, label)
        pixels = [self.decode(z, c, psi) for z, c in zip(latents.split(BATCH), classes.split(BATCH))]
        names = [self.labels[c] for c in classes.tolist()] if self.labels else None
        return ImagePipelineOutput(images=to_pil(torch.cat(pixels)), seeds=seeds, labels=names)

    def latents(self, seeds: list[int], label: str | int | None = None) -> tuple[Tensor, Tensor]:
        """Latents (n, latent_dim) and class indices (n,) of these seeds, each from a CPU generator of its own."""
        chosen = self.label_index(label)
        latents, classes = [], []
        for seed in seeds:
            source = torch.Generator().manual_seed(seed)
            latents.append(torch.randn(self.generator.config.latent_dim, generator=source))
            drawn = int(torch.randint(max(1, self.generator.config.num_classes), (), generator=source))
            classes.append(drawn if chosen is None else chosen)
        return torch.stack(latents), torch.tensor(classes)

    def decode(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        """Latents (n, latent_dim) and class indices (n,) to uint8 pictures (n, channels, height, width) on the CPU."""
        device, dtype = self.generator.device, self.generator.dtype
        images = self.generator(latents.to(device, dtype), classes.to(device), truncation)
        return images.float().mul(127.5).add(127.5).round().clamp(0, 255).to("cpu", torch.uint8)

    def label_index(self, label: str | int | None) -> int | None:
        """The index of a class given by name (any case) or index.

        Raises:
            GANError: if there is no such class.
        """
        if label is None:
            return None
        names = self.labels or [str(k) for k in range(self.generator.config.num_classes)]
        if not names:
            raise GANError(f"This model has no classes, so the label {label!r} cannot be used; leave it out.")
        wanted = str(label).strip()
        matches = [k for k, name in enumerate(names) if wanted.casefold() == name.casefold()]
        if not matches and wanted.isdecimal() and int(wanted) < len(names):
            return int(wanted)
        if not matches:
            raise GANError(
                f"There is no label {label!r}; this model knows {', '.join(names)} (0 to {len(names) - 1})."
            )
        return matches[0]

    def describe(self) -> str:
        """A sentence for the model card."""
        height, width = self.resolution
        colour = "grey" if self.generator.config.image_channels == 1 else "RGB"
        classes = f" of {len(self.labels)} classes ({', '.join(self.labels)})" if self.labels else ""
        return (
            f"A generative adversarial network that draws {colour} pictures of {height}x{width} pixels{classes}: "
            f"{self.num_parameters / 1e6:.2f} million parameters, one forward pass a picture, at home on a CPU."
        )

    def usage(self, repo_id: str) -> str:
        """The section of the model card that shows how to sample."""
        label = f", label={json.dumps(self.labels[0], ensure_ascii=False)}" if self.labels else ""
        return (
            "```python\nfrom gan import GANPipeline\n\n"
            f'pipeline = GANPipeline.from_pretrained("{repo_id}")\n'
            f"out = pipeline(seed=7, num_images=16, truncation=0.8{label})\n"
            'out.images[0].save(f"{out.seeds[0]}.png")\n```\n\n'
            "Picture k is that of seed 7 + k, whatever the batch. `truncation` is psi: 1 is the model as trained, "
            "smaller is safer and less varied."
        )

    def save_samples(self, folder: Path) -> None:
        """Writes `samples.png`, the sheet that the card shows: a class a row, where there are classes."""
        rows = min(len(self.labels), 10) if self.labels else 4
        images = []
        for row in range(rows):
            images += self(seed=8 * row, num_images=8, label=row if self.labels else None).images
        contact_sheet(images).save(folder / "samples.png")


def to_pil(pixels: Tensor) -> list[Image.Image]:
    """uint8 (n, 1 or 3, height, width) to PIL pictures of mode "L" or "RGB"."""
    arrays = pixels.permute(0, 2, 3, 1).numpy()
    return [
        Image.fromarray(array[..., 0] if array.shape[-1] == 1 else np.ascontiguousarray(array)) for array in arrays
    ]


def contact_sheet(images: list[Image.Image]) -> Image.Image:
    """Eight pictures a row, enlarged by a whole number to about 512 pixels across."""
    sheet = image_grid(images, columns=8)
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
