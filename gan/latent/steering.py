"""What pipelines offer of `gan.latent`: a base for all that have directions, one for those whose generator has codes
and draws them, and one for those of images."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from gan.errors import GANError, check_whole
from gan.hub.repository import read_json
from gan.latent import directions, dragging, mixing, tuning
from gan.latent.directions import RECORDS, VECTORS, Directions
from gan.latent.dragging import Drag, check_points
from gan.latent.guidance import RECOMMENDED, check_guidance, guide
from gan.latent.inversion import CANDIDATES, STEPS, ImageDistance, inversion, nearest_start
from gan.latent.space import CodeSpace, code_space
from gan.latent.tables import steering_notes
from gan.pipeline import GANPipeline, check_truncation, sample_seeds

CURVE = "guidance.json"
MAX_INVERSION_STEPS = MAX_TUNING_STEPS = 2000
SCORED = 2**31  # the first seed of samples that directions are scored on, or tuned for: hardly anybody looks at these
RELIABLE = 0.75  # share of samples whose class the discriminator must tell to be believed
BATCH = 64  # samples at once: bounds memory


class DirectedPipeline(GANPipeline):
    """A pipeline whose models may have named directions in code space, and keep them in their repository."""

    files: ClassVar[tuple[str, ...]] = (VECTORS, RECORDS)

    directions: Directions = Directions()
    guidance_curve: dict[str, Any] = {}  # what `python -m gan.latent guidance` measured, of those that it can guide

    @property
    def can_be_directed(self) -> bool:
        """Whether this model has codes to move."""
        return True

    @cached_property
    def code_space(self) -> CodeSpace:
        """Mean and standard deviation of the codes."""
        return code_space(self.generator)

    @cached_property
    def class_space(self) -> CodeSpace:
        """The same of codes within a class."""
        return code_space(self.generator, within_class=True)

    def usable_directions(self) -> Directions:
        """The model's directions; of one that came without any, those that its weights amplify most (SeFa)."""
        return self.directions if self.directions else self._closed_form

    @cached_property
    def _closed_form(self) -> Directions:
        if not self.can_be_directed or not hasattr(self.generator, "code_weights"):
            return Directions()
        return directions.closed_form(self.generator, self.class_space.deviation)

    def find_directions(self, num_samples: int = 4000, num_scored: int = 200, progress: bool = False) -> None:
        """Finds the model's directions, anew, and scores them (`gan.latent.directions`).

        Args:
            num_samples: to find them on.
            num_scored: others, to score them on.
            progress: whether to show a bar.
        """
        raise NotImplementedError

    def _write_repository(self, folder: Path, *args: Any) -> None:
        super()._write_repository(folder, *args)
        if self.directions:
            self.directions.save(folder)

    def notes_on_steering(self) -> str:
        """What the card says of directions and guidance, in Markdown.

        Raises:
            GANError: if `directions.json` or `guidance.json` are not what `python -m gan.latent` writes.
        """
        try:
            return steering_notes(self.directions.records, self.guidance_curve)
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # anybody may have written them
            raise GANError(
                f"{RECORDS} or {CURVE} of this model are damaged ({type(error).__name__}); make them anew with "
                f"`python -m gan.latent`."
            ) from error


class SteerablePipeline(DirectedPipeline):
    """A pipeline whose generator has `codes` and `draw`: critic guidance, directions and mixing.

    Where a method takes a sample, that is a seed, or codes: (layers, width) or (n, layers, width), as `codes_of`, and
    the `codes` of outputs, are.
    """

    files: ClassVar[tuple[str, ...]] = (VECTORS, RECORDS, CURVE)
    evaluation: ClassVar[str]  # import path of its `gan.evaluate.Evaluation`

    def attributes(self, samples: Tensor) -> dict[str, Tensor]:
        """What can be measured on samples as the generator draws them, (n,) by name."""
        raise NotImplementedError

    def latents(self, seeds: list[int], label: Any = None) -> tuple[Tensor, Tensor]:
        """Latents (n, latent_dim) and classes of seeds."""
        raise NotImplementedError

    def draw(self, codes: Tensor) -> Any:
        """The output of codes (n, layers, width), as of a call."""
        raise NotImplementedError

    def codes_of(self, sample: int | Tensor, label: Any = None, truncation: float = 1.0) -> Tensor:
        """The codes (n, layers, width) of a seed, or codes as they are.

        Args:
            sample: a seed or codes.
            label: classes, and
            truncation: psi, of a seed.

        Raises:
            GANError: for a seed, codes, a label or a truncation that can't be used.
        """
        if not isinstance(sample, Tensor):
            latents, classes = self.latents(sample_seeds(sample, 1), label)
            return self.codes_from(latents, classes, check_truncation(truncation))
        codes = sample.detach().float().cpu()
        codes = codes[None] if codes.ndim == 2 else codes
        shape = self.code_shape
        if codes.ndim != 3 or codes.shape[1:] != shape or not len(codes):
            raise GANError(
                f"Codes of shape {tuple(sample.shape)} cannot be used; those of this model are (n, {shape[0]}, "
                f"{shape[1]})."
            )
        if not codes.isfinite().all():
            raise GANError("The codes are not all finite numbers; start again from a seed.")
        return codes

    @torch.inference_mode()
    def codes_from(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        """The codes (n, layers, width) of latents (n, latent_dim) and classes as `decode` takes them, on the CPU."""
        device, dtype = self.generator.device, self.generator.dtype
        return self.generator.codes(latents.to(device, dtype), classes.to(device), truncation).float().cpu()

    @cached_property
    def code_shape(self) -> tuple[int, int]:
        """(layers, width) of codes."""
        latents, classes = self.latents([0])
        layers, width = self.codes_from(latents, classes).shape[1:]
        return layers, width

    @torch.inference_mode()
    def draw_samples(self, codes: Tensor) -> Tensor:
        """What the generator makes of codes (n, layers, width), as float32 on the CPU."""
        device, dtype = self.generator.device, self.generator.dtype
        parts = [self.generator.draw(part.to(device, dtype)) for part in codes.split(BATCH)]
        return torch.cat([part.float().cpu() for part in parts])

    # Critic guidance

    @property
    def guidance(self) -> dict[str, Any]:
        """The `steps`, `step_size` and `prior` of critic guidance that suit this model, from `model_index.json`."""
        return {**RECOMMENDED, **(self.config.get("guidance") or {})}

    def guided(
        self,
        latents: Tensor,
        classes: Tensor,
        truncation: float,
        steps: int,
        step_size: float | None,
        prior: float | None = None,
    ) -> Tensor:
        """Latents (n, latent_dim) after so many steps of critic guidance (`gan.latent.guidance.guide`).

        Args:
            step_size, prior: by default those that suit this model.

        Raises:
            GANError: for steps or a size that can't be used, or a model without a discriminator.
        """
        step_size = self.guidance["step_size"] if step_size is None else step_size
        prior = self.guidance["prior"] if prior is None else prior
        check_guidance(steps, step_size, prior)
        if steps == 0:
            return latents
        critic, device, dtype = self.critic(), self.generator.device, self.generator.dtype
        # With gradients, convolutions on a CPU round differently with the size of the batch (`gan.blocks.Conv2d`).
        batch = 1 if device.type == "cpu" else BATCH
        guided = [
            guide(self.generator, critic, z.to(device, dtype), c.to(device), truncation, steps, step_size, prior)
            for z, c in zip(latents.split(batch), classes.split(batch))
        ]
        return torch.cat(guided).to("cpu", latents.dtype)

    def critic(self) -> nn.Module:
        """The discriminator; where it was left out when the model was loaded, it is loaded now and kept.

        Raises:
            GANError: if the model has none.
        """
        if self.discriminator is not None:
            return self.discriminator.eval()
        if self._left_out is None:
            raise GANError(
                "This model has no discriminator, so critic guidance cannot be used; set the critic steps to 0, or "
                "use a model that was published with its discriminator."
            )
        return self._left_out

    @cached_property
    def _left_out(self) -> nn.Module | None:
        return self.load_network("discriminator")

    # Directions and mixing

    def read_more(self, folder: Path, source: str) -> None:
        """Reads the directions of a repository, and what was measured of guidance."""
        self.directions = Directions.load(folder, self.code_shape, source)
        self.guidance_curve = read_json(folder / CURVE, source)

    def _write_repository(self, folder: Path, *args: Any) -> None:
        super()._write_repository(folder, *args)
        if self.guidance_curve:
            text = json.dumps(self.guidance_curve, indent=2, ensure_ascii=False) + "\n"
            (folder / CURVE).write_text(text, encoding="utf-8")

    def find_directions(self, num_samples: int = 4000, num_scored: int = 200, progress: bool = False) -> None:
        source = torch.Generator().manual_seed(0)
        latents = torch.randn(num_samples, self.code_shape[0], self.generator.latent_dim, generator=source)
        _, classes = self.latents(list(range(num_samples)))
        labels = classes if self.generator.class_counts else None
        found, deviation = directions.find(self.generator, self.measure, latents, labels, self.class_names())
        codes = self.codes_from(*self.latents(list(range(SCORED, SCORED + num_scored))))
        directions.score(found, self.measure, codes, deviation, self._classifier(), progress)
        self.directions = found

    def measure(self, codes: Tensor) -> dict[str, Tensor]:
        """The attributes of the samples of codes (n, layers, width), (n,) by name."""
        parts = [self.attributes(self.draw_samples(part)) for part in codes.split(BATCH)]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def class_names(self) -> list[str]:
        """The names of all classes, of one label column after the other."""
        raise NotImplementedError

    def _classifier(self) -> Callable[[Tensor], Tensor] | None:
        """Codes to the classes that their samples show, in the eyes of the discriminator; `None` where it cannot tell.

        Of several label columns the first one counts.
        """
        try:
            critic = self.critic()
        except GANError:
            return None
        if not self.generator.class_counts or not hasattr(critic, "class_logits"):
            return None

        @torch.inference_mode()
        def classify(codes: Tensor) -> Tensor:
            samples = (self.draw_samples(part).to(self.generator.device) for part in codes.split(BATCH))
            logits = torch.cat([critic.class_logits(part).cpu() for part in samples])
            return logits[:, : self.generator.class_counts[0]].argmax(1)

        latents, classes = self.latents(list(range(200)))
        right = classify(self.codes_from(latents, classes)) == classes.view(len(latents), -1)[:, 0]
        return classify if float(right.float().mean()) >= RELIABLE else None

    def edit(
        self, sample: int | Tensor, edits: Mapping[str, float], label: Any = None, truncation: float = 1.0
    ) -> Any:
        """A sample moved along directions.

        Args:
            sample: a seed or codes.
            edits: strengths by the name of one of `usable_directions()`; 1 is as far as a standard deviation of the
                latent.
            label, truncation: of a seed.

        Raises:
            GANError: for a sample, direction or strength that can't be used.
        """
        return self.draw(self.usable_directions().apply(self.codes_of(sample, label, truncation), edits))

    def mix(
        self,
        first: int | Tensor,
        second: int | Tensor,
        layers: str | Sequence[int] = "fine",
        label: Any = None,
        truncation: float = 1.0,
    ) -> Any:
        """The first sample with some layers of the second (style mixing).

        Args:
            first, second: seeds or codes.
            layers: that come from the second: "coarse" (where things are), "middle" or "fine" (colour and texture), or
                a list of indices.
            label, truncation: of seeds.

        Raises:
            GANError: for a sample or layers that can't be used.
        """
        pair = [self.codes_of(sample, label, truncation) for sample in (first, second)]
        if len(pair[0]) != len(pair[1]) and 1 not in (len(pair[0]), len(pair[1])):
            raise GANError(f"{len(pair[0])} samples cannot be mixed with {len(pair[1])}; give one, or as many.")
        count = max(map(len, pair))
        first_codes, second_codes = (codes.expand(count, -1, -1) for codes in pair)
        return self.draw(mixing.mix(first_codes, second_codes, layers))


class SteerableImagePipeline(SteerablePipeline):
    """What makes sense for images only: inversion, tuning and dragging."""

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
        codes: int | Tensor,
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
        sample: int | Tensor,
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
            mask: (height, width), true where the image may change; `None` for everywhere.
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
            mask = torch.as_tensor(mask, dtype=torch.float32)
            if tuple(mask.shape) != self.resolution:
                raise GANError(f"A mask of shape {tuple(mask.shape)} does not fit images of {self.resolution}.")
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
