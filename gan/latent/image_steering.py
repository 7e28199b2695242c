"""What pipelines offer of `gan.latent` where the generator draws images: inversion, tuning and dragging."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import BaseOutput
from torch import Tensor

from gan.errors import GANError, check_whole
from gan.latent import dragging, tuning
from gan.latent.dragging import Drag, check_points
from gan.latent.inversion import CANDIDATES, STEPS, ImageDistance, inversion, nearest_start
from gan.latent.steering import BATCH, SCORED, Sample, SteerablePipeline

MAX_INVERSION_STEPS = MAX_TUNING_STEPS = 2000


class SteerableImagePipeline(SteerablePipeline):
    """A steerable pipeline of images."""

    _tuning: tuning.Factors = {}  # that is on
    _untuned: dict[str, Tensor] = {}  # the weights that it changes, as they were

    @property
    def resolution(self) -> tuple[int, int]:
        """(height, width) of an image."""
        raise NotImplementedError

    def encoded(self, pixels: Tensor) -> Tensor | None:
        """The codes (n, layers, width) that the encoder sees in images; `None` for a model without one."""
        raise NotImplementedError

    def fitted(self, images: Any) -> Tensor:
        """PIL images as the model takes them, (n, channels, height, width) in [-1, 1]."""
        raise NotImplementedError

    def invert(self, images: Any, steps: int = STEPS) -> "Inversion":
        """The codes whose samples are given images, found by gradient descent from those that the encoder sees or,
        without one, from the best of a few hundred seeds.

        Args:
            images: one PIL image or several, of any size and mode.
            steps: of gradient descent, from 0 to 2,000.

        Raises:
            GANError: for something that is no image, or a number of steps that can't be used.
        """
        last = None
        losses = []
        for last in self.inverting(images, steps):
            losses.append(last.losses[-1])
        assert last is not None
        return Inversion(last.codes, torch.stack(losses))

    def inverting(self, images: Any, steps: int = STEPS) -> Iterator["Inversion"]:
        """As `invert`, from the start on after every step: stop iterating to cancel. Each has the last losses only."""
        most = MAX_INVERSION_STEPS
        check_whole(steps, 0, most, f"{steps!r} steps cannot be taken; an inversion takes from 0 to {most:,}.")
        device = self.generator.device
        pixels = self.fitted(images).to(device)
        distance = ImageDistance(pixels, self._perceptual())
        start = self.encoded(pixels)
        if start is None:
            start = nearest_start(distance, *self._candidates)
        for codes, losses in inversion(self.generator, distance, self.code_space, start.to(device), steps):
            yield Inversion(codes.cpu(), losses.cpu()[None])

    def tune(
        self,
        images: Any,
        codes: Sample,
        steps: int = tuning.STEPS,
        rank: int = tuning.RANK,
        progress: bool = False,
    ) -> Tensor:
        """Changes the generator a little, so that it draws given images at given codes and other samples stay (pivotal
        tuning, `gan.latent.tuning`). An earlier tuning is taken off first.

        The codes are edited, mixed and dragged as before. `save_tuning` keeps the change, `unload_tuning` takes it
        back, and `save_pretrained` writes the generator with it.

        Args:
            images: one PIL image or several, of any size and mode.
            codes: of each, as `invert` finds them; or a seed.
            steps: of gradient descent, from 1 to 2,000.
            rank: of the change of each weight, from 1 to 64; the size of the file is in proportion to it.
            progress: whether to show a bar.

        Returns:
            (steps + 1, n): the distance from each image, at first and after each step.

        Raises:
            GANError: for something that is no image, as many codes as there are no images, or steps or a rank that
                can't be used.
        """
        for number, most, what in ((steps, MAX_TUNING_STEPS, "steps"), (rank, tuning.MAX_RANK, "as rank")):
            check_whole(number, 1, most, f"{number!r} {what} cannot be used; a tuning takes from 1 to {most:,}.")
        device = self.generator.device
        pixels, pivots = self.fitted(images).to(device), self.codes_of(codes)
        if len(pixels) != len(pivots):
            raise GANError(f"{len(pixels)} images cannot be met at the codes of {len(pivots)}; give as many.")
        self.unload_tuning()
        others = self.codes_from(*self.latents(list(range(SCORED, SCORED + steps * tuning.OTHERS))))
        others = others.unflatten(0, (steps, tuning.OTHERS)).to(device)
        distance = ImageDistance(pixels, self._perceptual())
        factors, losses = tuning.tune(self.generator, distance, pivots.to(device), others, rank, progress)
        self._load_tuning(factors)
        return losses.cpu()

    def save_tuning(self, path: str | Path) -> None:
        """Writes the tuning that is on, a safetensors file.

        Raises:
            GANError: if there is none, or the file cannot be written.
        """
        if not self._tuning:
            raise GANError("There is no tuning to save; `tune` makes one.")
        tuning.write(Path(path), self._tuning, self._weights_before_tuning())

    def load_tuning(self, path: str | Path) -> None:
        """Puts on a tuning that `save_tuning` wrote, in the place of one that is on.

        Raises:
            GANError: if the file is missing, damaged or of another model; then everything stays as it is.
        """
        factors = tuning.read(Path(path), self._weights_before_tuning())
        self.unload_tuning()
        self._load_tuning(factors)

    def unload_tuning(self) -> None:
        """Takes the tuning off: the generator is what it was, to the bit."""
        tuning.take_off(self.generator, self._untuned)
        self._tuning, self._untuned = {}, {}
        self._forget_samples()

    def _load_tuning(self, factors: tuning.Factors) -> None:
        self._tuning, self._untuned = factors, tuning.put_on(self.generator, factors)
        self._forget_samples()

    def _weights_before_tuning(self) -> dict[str, Tensor]:
        return dict(self.generator.named_parameters()) | self._untuned

    def _forget_samples(self) -> None:
        """Forgets what depends on the weights."""
        for name in ("_candidates", "_closed_form"):
            self.__dict__.pop(name, None)

    def _perceptual(self) -> Any:
        """The features of the discriminator, `None` without one."""
        try:
            return self.critic().features
        except GANError:
            return None

    @cached_property
    def _candidates(self) -> tuple[Tensor, Tensor]:
        """Codes and samples of the first seeds, where inversions start."""
        codes = self.codes_from(*self.latents(list(range(CANDIDATES))))
        with torch.inference_mode(False), torch.no_grad():
            codes = codes.clone().to(self.generator.device)
            return codes, torch.cat([self.generator.draw(part) for part in codes.split(BATCH)])

    def drag(
        self,
        sample: Sample,
        handles: Sequence[Sequence[float]],
        targets: Sequence[Sequence[float]],
        steps: int = 100,
        mask: Any = None,
        label: Any = None,
        truncation: float = 1.0,
        since: Drag | None = None,
    ) -> Iterator[Drag]:
        """Pulls points of an image to other places, a step at a time: `for codes, handles in pipeline.drag(...)`.

        Args:
            sample: a seed, or the codes of one image.
            handles, targets: points (x, y) in pixels, as many of both.
            steps: at most; it ends early once all handles have arrived.
            mask: (height, width), true where the image may change, or shares from 0 to 1; `None` for everywhere.
            label, truncation: of a seed.
            since: the codes and handles with which dragging began, if this goes on with it.

        Raises:
            GANError: for a sample, points, a mask or steps that can't be used.
        """
        codes = self.codes_of(sample, label, truncation)
        if len(codes) != 1:
            raise GANError(f"One image is dragged at a time, and these are the codes of {len(codes)}.")
        most = dragging.MAX_STEPS
        check_whole(steps, 1, most, f"{steps!r} steps cannot be taken; dragging takes from 1 to {most:,}.")
        from_points, to_points = _points(handles), _points(targets)
        check_points(from_points, to_points, self.resolution)
        if mask is not None:
            mask = _mask(mask, self.resolution)
        if since is not None:
            began = _points(since.handles)
            check_points(began, to_points, self.resolution)
            since = Drag(self.codes_of(since.codes), began)
        there = self.generator.device
        dragged = dragging.drag(
            self.generator,
            self.class_space,
            codes.to(there),
            from_points.to(there),
            to_points.to(there),
            steps,
            None if mask is None else mask.to(there),
            since=None if since is None else Drag(since.codes.to(there), since.handles.to(there)),
        )
        return (Drag(found.codes.cpu(), found.handles.cpu()) for found in dragged)


@dataclass
class Inversion(BaseOutput):
    """What `invert` finds.

    Attributes:
        codes: (n, layers, width).
        losses: (steps + 1, n): the distance from each image, from the start on and after each step.
    """

    codes: Tensor
    losses: Tensor


def _points(values: Any) -> Tensor:
    try:
        return torch.as_tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise GANError("Handles and targets are points (x, y) in pixels, such as [(10, 12)].") from error


def _mask(values: Any, size: tuple[int, int]) -> Tensor:
    try:
        mask = torch.as_tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise GANError(
            f"A mask is an array of (height, width), here {size}, and not a {type(values).__name__}."
        ) from error
    if tuple(mask.shape) != size:
        raise GANError(f"A mask of shape {tuple(mask.shape)} does not fit images of {size}.")
    if not ((mask >= 0) & (mask <= 1)).all():
        raise GANError("A mask is 1 where the image may change and 0 where it should not; this one goes beyond that.")
    return mask
