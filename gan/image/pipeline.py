"""`ImagePipeline`: pictures from seeds and, where the model has an encoder, from other pictures."""

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.utils import BaseOutput
from PIL import Image
from torch import Tensor

from gan.errors import GANError
from gan.hub.repository import FORMAT_VERSION
from gan.image.attributes import attributes
from gan.image.networks import ImageDiscriminator, ImageEncoder, ImageGenerator
from gan.image.plots import classes_by_seeds, contact_sheet, to_pil
from gan.image.preprocessing import UNREADABLE, as_floats, as_pixels, fit_picture
from gan.inputs import (
    agreed_count,
    check_latents,
    check_output_type,
    check_truncation,
    class_list,
    noise_sources,
    sample_seeds,
)
from gan.labels import Label, by_column, check_columns, check_labels, column_indices, listed
from gan.latent.guidance import check_guidance
from gan.latent.image_steering import SteerableImagePipeline
from gan.latent.interpolation import slerp
from gan.networks import class_weights
from gan.zoo import DISCRIMINATORS, GENERATORS, ZooGenerator
from gan.zoo.fetch import fetch
from gan.zoo.opening import open_checkpoint

KINDS = {  # by objective
    "gan": "A generative adversarial network",
    "vae": "A variational autoencoder",
    "vaegan": "A variational autoencoder trained against a discriminator (VAE-GAN)",
}
ADVERSARIAL = "relativistic pairing with R1 and R2 penalties (Huang et al. 2024)"
LOSSES = {  # by objective
    "gan": ADVERSARIAL,
    "vae": "evidence lower bound (Kingma & Welling 2014) with a calibrated likelihood (Rybkin et al. 2021)",
    "vaegan": f"{ADVERSARIAL}; reconstruction in the discriminator's features and KL divergence (Larsen et al. 2016)",
}
REBUILD = """ The model has an encoder, so it takes pictures, too:

```python
from PIL import Image

mine = Image.open("mine.png")
pipeline.reconstruct(mine).images[0].save("rebuilt.png")
between = pipeline.interpolate(mine, 7, steps=16).images  # from a picture, or a seed, to another
```"""
OUTPUT_TYPES = ("pil", "np", "pt")
SHEET_PIXELS = 2**22  # drawn for `samples.png`: large pictures take seconds each
BATCH = 64  # pictures that go through the generator at once, of up to 256x256 pixels: bounds memory


@dataclass
class ImagePipelineOutput(BaseOutput):
    """What `ImagePipeline` returns.

    Attributes:
        images: PIL pictures at native size, mode "L" or "RGB"; or an array or tensor, see `output_type`.
        seeds: the seed of each: `pipeline(seed=seeds[k])` makes picture k alone; empty where pictures were made from
            other pictures, latents or generators, or between two seeds.
        labels: the class name of each, of the weightiest between two; `None` for an unconditional model, or of codes.
        codes: (n, layers, width), where images were made of codes: what `edit`, `mix` and `drag` take.
    """

    images: list[Image.Image] | np.ndarray | Tensor
    seeds: list[int]
    labels: list[str] | None
    codes: Tensor | None = None


class ImagePipeline(SteerableImagePipeline):
    """A generator of pictures with the networks that it was trained with: a GAN, a VAE or a VAE-GAN.

    Args:
        generator: the network that is sampled, the decoder of a VAE; its EMA weights. Or one of `gan.zoo`.
        discriminator: kept for fine-tuning; `None` for a VAE.
        labels: class names by index, or, of several label columns, by column; `None` for an unconditional generator.
        format_version: of the repository that this was loaded from.
        encoder: finds the latents of pictures; `None` for a GAN.
        guidance: `steps`, `step_size` and `prior` of critic guidance that suit this model (`gan.latent.guidance`).
    """

    modality, task = "image", "gan.image.task.ImageTask"
    evaluation = "gan.image.evaluate.ImageEvaluation"
    unit = "images"
    file_suffix = ".png"
    hub_task = "unconditional-image-generation"
    losses = LOSSES
    opens_single_files = True

    def __init__(
        self,
        generator: ImageGenerator | GENERATORS,  # type: ignore[valid-type]
        discriminator: ImageDiscriminator | DISCRIMINATORS | None = None,  # type: ignore[valid-type]
        labels: list[str] | Mapping[str, list[str]] | list | None = None,
        format_version: int = FORMAT_VERSION,
        encoder: ImageEncoder | None = None,
        guidance: dict[str, Any] | None = None,
    ):
        super().__init__()
        if len(generator.class_counts) > 1:
            check_columns(by_column(labels), generator.class_counts)
        else:
            check_labels(None if labels is None else list(labels), generator.config.num_classes)
        if guidance is not None:
            check_guidance(**guidance)
        if encoder is not None:
            _check_fit(encoder, generator)
        self.register_modules(generator=generator, discriminator=discriminator, encoder=encoder)
        if len(generator.class_counts) > 1 and labels:  # pairs: the keys of a config are sorted when it is written
            labels = [list(column) for column in by_column(labels).items()]
        self.register_to_config(labels=labels, format_version=format_version, guidance=guidance)
        self.training_record: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        generator.eval().to(memory_format=torch.channels_last)
        if encoder is not None:
            encoder.eval().to(memory_format=torch.channels_last)

    @classmethod
    def open_single_file(
        cls,
        source: str,
        *,
        discriminator: str | None = None,
        labels: list[str] | None = None,
        token: str | bool | None = None,
        cache_dir: str | None = None,
        **kwargs: Any,
    ) -> "ImagePipeline":
        """See `GANPipeline.from_single_file`."""
        if kwargs:
            raise GANError(f"from_single_file does not know {', '.join(kwargs)}; leave it out.")
        found = fetch(source, token, cache_dir)
        critic = None if discriminator is None else fetch(discriminator, token, cache_dir).path
        imported = open_checkpoint(found.path, critic)
        pipeline = cls(imported.generator, imported.discriminator, labels)
        with found.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        pipeline.training_record = {
            "imported": {
                "from": found.origin,
                "sha256": digest,
                "family": imported.generator.family,
                "paper": imported.generator.paper,
                "license": found.license,
                "notes": imported.notes,
            }
        }
        return pipeline

    @property
    def labels(self) -> list[str] | dict[str, list[str]] | None:  # type: ignore[override]
        """Class names by index, or, of several label columns, by column; their numbers where they have no names;
        `None` without classes."""
        columns = by_column(self.config.labels) or _numbered(self.generator.class_counts)
        return columns if len(columns) > 1 else next(iter(columns.values()), None)

    def label_choices(self) -> list[str]:
        """What a caller can ask for, one at a time: class names, with their column where there are several."""
        labels = self.labels or []
        if isinstance(labels, dict):
            return [f"{column}={name}" for column, names in labels.items() for name in names]
        return labels

    @property
    def objective(self) -> str:
        """What the networks were trained as: "gan", "vae" or "vaegan"."""
        if self.encoder is None:
            return "gan"
        # Its discriminator may have been left out.
        trained_as = self.training_record.get("arguments", {}).get("objective")
        return "vaegan" if self.discriminator is not None or trained_as == "vaegan" else "vae"

    @property
    def resolution(self) -> tuple[int, int]:
        """(height, width) of a picture."""
        height, width = self.generator.config.resolution
        return height, width

    @torch.inference_mode()
    def __call__(
        self,
        seed: int = 0,
        num_images: int = 1,
        truncation: float = 1.0,
        label: Label = None,
        critic_steps: int = 0,
        critic_step_size: float | None = None,
        *,
        batch_size: int | None = None,
        class_labels: Sequence[str | int] | Tensor | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        latents: Tensor | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
    ) -> ImagePipelineOutput:
        """Makes pictures. Picture k is that of seed `seed + k`, whatever the batch.

        Args:
            seed: of the first picture, from 0 to 2^32 - 1.
            num_images: how many.
            truncation: psi. 1 is the model as trained, smaller is safer and less varied (`GridGenerator.codes`).
            label: a class name or index; of several label columns, names of some ("cat, noto"), or a dictionary of
                them by column. What isn't named is drawn from each seed.
            critic_steps: of critic guidance (`gan.latent.guidance`), each as much work as some samples; 0 is none.
            critic_step_size: of these steps; by default the one that suits the model.
            batch_size: another name for `num_images`, as in diffusers.
            class_labels: names or indices, one a picture, instead of `label`; of several label columns also a tensor
                (n, columns).
            generator: what noise is drawn from instead of a seed: one a picture, each of which draws what its seed
                does, or one for all, which draw from it one after the other.
            latents: (n, latent_dim), instead of those of the seeds; classes that aren't given are still drawn.
            output_type: "pil", or the same pixels in [0, 1]: "np" for float32 (n, height, width, channels), "pt" for
                (n, channels, height, width).
            return_dict: `False` returns a tuple, with the pictures first.

        Raises:
            GANError: for a seed, number, truncation, label, latents or guidance that can't be used, for two that
                contradict each other, or for guidance of a model without a discriminator.
        """
        psi = check_truncation(truncation)
        check_output_type(output_type, OUTPUT_TYPES)
        if latents is not None:
            latents = check_latents(latents, self.generator.config.latent_dim)
        each = class_list(label, class_labels)
        count = agreed_count(
            num_images, "num_images", batch_size=batch_size, class_labels=each, generator=generator, latents=latents
        )
        sources, seeds = noise_sources(seed, count, generator)
        drawn, classes = self._noise(sources, each or [label] * count, seeds)
        if latents is not None:
            drawn, seeds = latents, []
        drawn = self.guided(drawn, classes, psi, critic_steps, critic_step_size)
        output = self._output(drawn, classes, psi, seeds, output_type)
        return output if return_dict else output.to_tuple()

    def latents(self, seeds: list[int], label: Label = None) -> tuple[Tensor, Tensor]:
        """Latents (n, latent_dim) and class indices of these seeds, each from a CPU generator of its own.

        The indices are (n,), and (n, columns) where there are several label columns.
        """
        sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        return self._noise(sources, [label] * len(seeds), seeds)

    def _noise(
        self, sources: Sequence[torch.Generator], labels: Sequence[Any], seeds: list[int]
    ) -> tuple[Tensor, Tensor]:
        """`latents` of any generators, with a label for each; a family of `gan.zoo` has its own rule for seeds."""
        chosen = [self.label_indices(label) for label in labels]
        counts = self.generator.class_counts or (1,)
        latents, classes = [], []
        for source, wanted in zip(sources, chosen, strict=True):
            device = source.device
            latents.append(torch.randn(self.generator.config.latent_dim, generator=source, device=device).cpu())
            drawn = [int(torch.randint(count, (), generator=source, device=device)) for count in counts]
            classes.append([index if named is None else named for index, named in zip(drawn, wanted)])
        indices = torch.tensor(classes)
        if seeds and isinstance(self.generator, ZooGenerator):
            latents = [self.generator.latent(seed) for seed in seeds]
        return torch.stack(latents), indices if len(counts) > 1 else indices[:, 0]

    def label_indices(self, label: Label) -> list[int | None]:
        """The class index of each label column, `None` where it isn't named; one column at least.

        Raises:
            GANError: if there is no such class or column, or a name stands in several columns.
        """
        if len(self.generator.class_counts) < 2:
            return [self.label_index(label)]
        columns = by_column(self.labels)
        first, names = next(iter(columns.items()))
        if isinstance(label, int) and 0 <= label < len(names):  # an index is of the first column
            label = {first: names[label]}
        return column_indices(label, columns)

    @torch.inference_mode()
    def decode(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        """The pictures of latents.

        Args:
            latents: (n, latent_dim).
            classes: (n,) class indices, or (n, num_classes) weights of the classes, whose rows sum to 1.
            truncation: psi, see `GridGenerator.codes`.

        Returns:
            uint8 (n, channels, height, width) on the CPU.
        """
        device, dtype = self.generator.device, self.generator.dtype
        pixels = []
        batch = max(1, BATCH * 2**16 // max(2**16, math.prod(self.resolution)))
        if isinstance(self.generator, ZooGenerator) and device.type == "cpu":
            batch = 1  # their layers round differently in batches, which on a CPU save little time
        for z, c in zip(latents.split(batch), classes.split(batch)):
            images = self.generator.draw(self.generator.codes(z.to(device, dtype), c.to(device), truncation))
            pixels.append(as_pixels(images).cpu())
        return torch.cat(pixels)

    def draw(self, codes: Tensor) -> ImagePipelineOutput:
        """The images of codes (n, layers, width): of `codes_of`, an output, an inversion or a drag."""
        codes = self.codes_of(codes)
        pixels = as_pixels(self.draw_samples(codes))
        return ImagePipelineOutput(images=to_pil(pixels), seeds=[], labels=None, codes=codes)

    def attributes(self, samples: Tensor) -> dict[str, Tensor]:
        """What can be measured on images (n, channels, height, width): see `gan.image.attributes`."""
        return attributes(samples.clamp(-1, 1))

    def class_names(self) -> list[str]:
        """The names of all classes, of one label column after the other."""
        return [name for names in by_column(self.labels).values() for name in names]

    def fitted(self, images: Image.Image | list[Image.Image]) -> Tensor:
        """Images of any size and mode as the model takes them, (n, channels, height, width) in [-1, 1].

        Raises:
            GANError: if one is none or damaged, or there is none.
        """
        several = images if isinstance(images, list) else [images]
        if not several:
            raise GANError("There are no pictures in the list; give one or more.")
        return as_floats(torch.from_numpy(np.stack([self.fit(image) for image in several])))

    def encoded(self, pixels: Tensor) -> Tensor | None:
        """The codes that the encoder sees in images in [-1, 1]; `None` without one."""
        return None if self.encoder is None else self.codes_from(*self.encode_pixels(pixels))

    @torch.inference_mode()
    def encode(self, images: Image.Image | list[Image.Image], label: Label = None) -> tuple[Tensor, Tensor]:
        """The latents that `decode` rebuilds pictures from, and the classes that the encoder sees in them.

        Args:
            images: one or more, of any size and mode; they are fitted as the training data was (`fit_picture`).
            label: as in a call, for all of them; the encoder names what is left open of the classes of each.

        Returns:
            Latents (n, latent_dim), the means of the encoder's Gaussians, and classes: weights (n, classes of all
            label columns) with a single 1 a column in each row, or zeros (n,) for an unconditional model. What is
            found in a picture does not depend on those beside it.

        Raises:
            GANError: if the model has no encoder, a picture is none or damaged, or there is none, or no such class.
        """
        chosen = self.label_indices(label)
        if self.encoder is None:
            raise GANError(
                "This model has no encoder, so it cannot take pictures; use one that was trained with "
                "--objective vaegan or vae."
            )
        latents, classes = self.encode_pixels(self.fitted(images))
        if all(index is None for index in chosen):
            return latents, classes
        parts = [
            part if index is None else F.one_hot(torch.full((len(latents),), index), part.shape[1]).float()
            for part, index in zip(classes.split(self.generator.class_counts, dim=1), chosen)
        ]
        return latents, torch.cat(parts, dim=1)

    @torch.inference_mode()
    def encode_pixels(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """`encode` for pictures (n, channels, height, width) in [-1, 1] that fit the model."""
        device, dtype = self.encoder.device, self.encoder.dtype
        outputs = [self.encoder(batch.to(device, dtype)) for batch in pixels.split(BATCH)]
        latents = torch.cat([output.mean for output in outputs]).float().cpu()
        counts = self.generator.class_counts
        if not counts:
            return latents, torch.zeros(len(latents), dtype=torch.int64)
        columns = torch.cat([output.class_logits for output in outputs]).cpu().split(counts, dim=1)
        seen = torch.stack([column.argmax(1) for column in columns], dim=1)
        return latents, class_weights(seen, counts, torch.float32)

    @torch.inference_mode()
    def reconstruct(self, images: Image.Image | list[Image.Image], label: Label = None) -> ImagePipelineOutput:
        """Pictures encoded and decoded again, and the classes they were taken for.

        Args and errors: those of `encode`.
        """
        latents, classes = self.encode(images, label)
        return self._output(latents, classes, 1.0, [])

    @torch.inference_mode()
    def interpolate(
        self,
        a: int | Image.Image,
        b: int | Image.Image,
        steps: int = 16,
        label: Label = None,
        truncation: float = 1.0,
    ) -> ImagePipelineOutput:
        """Interpolates between two pictures, both ends included.

        Latents are interpolated spherically (Shoemake 1985; White 2016 for latents), their lengths and the class
        weights linearly.

        Args:
            a, b: each a seed, or a picture for a model with an encoder.
            steps: pictures, at least 2.
            label: a class name or index for all steps; `None` goes from the class of `a` to that of `b`.
            truncation: psi, as in a call.

        Raises:
            GANError: for an end, a number, a label or a truncation that can't be used.
        """
        count = len(sample_seeds(0, steps))
        if count < 2:
            raise GANError("An interpolation has at least 2 steps, its ends.")
        psi = check_truncation(truncation)
        (first, first_class), (last, last_class) = self._end(a, label), self._end(b, label)
        share = torch.linspace(0, 1, count)[:, None]
        latents = slerp(first, last, share)
        classes = torch.zeros(count, dtype=torch.int64)
        if self.generator.class_counts:
            classes = (1 - share) * first_class + share * last_class
        return self._output(latents, classes, psi, [])

    def _end(self, end: int | Image.Image, label: Label) -> tuple[Tensor, Tensor]:
        """Latent (1, latent_dim) and class weights (1, num_classes) of a seed or a picture."""
        if isinstance(end, Image.Image):
            return self.encode(end, label)
        latents, classes = self.latents(sample_seeds(end, 1), label)
        counts = self.generator.class_counts or (1,)
        return latents, class_weights(classes, counts, torch.float32)

    def fit(self, image: Image.Image) -> np.ndarray:
        """A picture of any size and mode as the model's training data was: uint8 (channels, height, width).

        Raises:
            GANError: if it is none, or damaged.
        """
        if not isinstance(image, Image.Image):
            raise GANError(f"A {type(image).__name__} is not a picture; give PIL pictures.")
        crop = self.training_record.get("arguments", {}).get("center_crop", True)
        try:
            return fit_picture(image, self.resolution, self.generator.config.image_channels, crop)
        except UNREADABLE as error:
            raise GANError(f"The picture cannot be read ({error}); it may be damaged.") from error

    def _output(
        self, latents: Tensor, classes: Tensor, psi: float, seeds: list[int], output_type: str = "pil"
    ) -> ImagePipelineOutput:
        pixels = self.decode(latents, classes, psi)
        images: Any = to_pil(pixels) if output_type == "pil" else pixels.float() / 255
        if output_type == "np":
            images = images.permute(0, 2, 3, 1).numpy()
        return ImagePipelineOutput(images=images, seeds=seeds, labels=self.label_names(classes))

    def describe(self) -> str:
        """A sentence for the model card."""
        height, width = self.resolution
        colour = "grey" if self.generator.config.image_channels == 1 else "RGB"
        columns = by_column(self.labels)
        lists = [f"{column} ({listed(names)})" for column, names in columns.items()]
        classes = f", by {' and '.join(lists)}"
        if len(columns) < 2:
            classes = "".join(f" of {len(names)} classes ({listed(names)})" for names in columns.values())
        kind = KINDS[self.objective]
        if isinstance(self.generator, ZooGenerator):
            kind = f"A {self.generator.family} generator"
        return (
            f"{kind} that draws {colour} pictures of {height}x{width} pixels{classes}: "
            f"{self.num_parameters / 1e6:.2f} million parameters, one forward pass a picture, at home on a CPU."
        )

    def facts(self) -> dict[str, Any]:
        """Width and height in pixels, channels (1 grey, 3 RGB)."""
        height, width = self.resolution
        return {"width": width, "height": height, "channels": self.generator.config.image_channels}

    def example(self) -> str:
        """Lines of Python for the model card, which sample with `pipeline`."""
        first: Any = {column: names[0] for column, names in by_column(self.labels).items()}
        first = first if len(first) > 1 else next(iter(first.values()), None)
        label = f", label={json.dumps(first, ensure_ascii=False)}" if first else ""
        return (
            f"out = pipeline(seed=7, num_images=16, truncation=0.8{label})\n"
            'out.images[0].save(f"{out.seeds[0]}.png")'
        )

    def example_notes(self) -> str:
        """What the card says below these lines, in Markdown."""
        return (
            "Image k is that of seed 7 + k, whatever the batch. `truncation` is psi: 1 is the model as trained, "
            "smaller is safer and less varied."
        ) + (REBUILD if self.encoder is not None else "")

    def sample_bytes(self, seed: int, count: int, **settings: Any) -> list[bytes]:
        """PNG files; see `GANPipeline.sample_bytes`."""
        files = []
        for image in self(seed, count, **settings).images:
            file = io.BytesIO()
            image.save(file, "PNG")
            files.append(file.getvalue())
        return files

    def save_samples(self, folder: Path) -> None:
        """Writes `samples.png`, the sheet that the card shows: a class a row, where there are classes; of a model that
        was trained on groups also a seed a column, whose pictures should belong together."""
        if self.labels and self.training_record.get("arguments", {}).get("group_column"):
            contact_sheet(classes_by_seeds(self, 10)).save(folder / "samples.png")
            return
        rows = min(len(next(iter(by_column(self.labels).values()))), 10) if self.labels else 4
        rows = min(rows, max(1, SHEET_PIXELS // (8 * math.prod(self.resolution))))
        images = []
        for row in range(rows):
            images += self(seed=8 * row, num_images=8, label=row if self.labels else None).images
        contact_sheet(images).save(folder / "samples.png")


def _numbered(class_counts: Sequence[int]) -> dict[str, list[str]]:
    """Names for the classes of a model that has none."""
    return {f"label {k + 1}": [str(n) for n in range(count)] for k, count in enumerate(class_counts)}


def _check_fit(encoder: ImageEncoder, generator: ImageGenerator) -> None:
    for name in ("resolution", "image_channels", "num_classes", "latent_dim"):
        of_one, of_other = (str(network.config[name]).strip("()[]") for network in (encoder, generator))
        if of_one != of_other:
            raise GANError(f"The encoder does not fit the generator: its {name} is {of_one}, and not {of_other}.")
