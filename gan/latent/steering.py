"""What pipelines offer of `gan.latent`: a base for all that have directions, and one for those whose generator has
codes and draws them."""

import numbers
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor, nn

from gan.errors import GANError
from gan.hub.repository import read_json
from gan.inputs import check_truncation, sample_seeds
from gan.labels import by_column
from gan.latent import directions, mixing
from gan.latent.classifier import SampleClassifier, small
from gan.latent.directions import RECORDS, VECTORS, Directions
from gan.latent.guidance import RECOMMENDED, check_guidance, guide
from gan.latent.space import CodeSpace, code_space
from gan.latent.tables import directions_notes, guidance_notes
from gan.networks import class_weights
from gan.pipeline import GANPipeline
from gan.utils.files import as_json

CURVE = "guidance.json"
SCORED = 2**31  # the first seed of samples that directions are scored on, or tuned for: hardly anybody looks at these
CLASSIFIED = 2000  # samples that a classifier of classes is trained on
RELIABLE = 0.75  # share of other samples whose class it must tell to be believed
BATCH = 64  # samples at once: bounds memory


@runtime_checkable
class Coded(Protocol):
    """What a method of a pipeline returns, made of codes: an output, an inversion, a step of a drag."""

    @property
    def codes(self) -> Tensor | None:
        """(n, layers, width); `None` where none were kept."""


Sample: TypeAlias = int | Tensor | Coded


class DirectedPipeline(GANPipeline):
    """A pipeline whose models may have named directions in code space, and keep them in their repository."""

    files: ClassVar[tuple[str, ...]] = (VECTORS, RECORDS)

    directions: Directions = Directions()

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

        Raises:
            GANError: for too few samples.
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
            return "\n\n".join(note for note in self.steering_notes() if note)
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # anybody may have written them
            raise GANError(
                f"{RECORDS} or {CURVE} of this model are damaged ({type(error).__name__}); make them anew with "
                f"`python -m gan.latent`."
            ) from error

    def steering_notes(self) -> list[str]:
        """What the card says, a part for everything that was looked at."""
        return [directions_notes(self.directions.records)]


class SteerablePipeline(DirectedPipeline):
    """A pipeline whose generator has `codes` and `draw`: critic guidance, directions and mixing.

    Where a method takes a sample, that is a seed, or codes: (layers, width) or (n, layers, width), as `codes_of` gives
    them, or what another of these methods returned, which has its `codes`.
    """

    files: ClassVar[tuple[str, ...]] = (VECTORS, RECORDS, CURVE)
    evaluation: ClassVar[str]  # import path of its `gan.evaluate.Evaluation`

    guidance_curve: dict[str, Any] = {}  # what `python -m gan.latent guidance` measured

    def attributes(self, samples: Tensor) -> dict[str, Tensor]:
        """What can be measured on samples as the generator draws them, (n,) by name."""
        raise NotImplementedError

    def latents(self, seeds: list[int], label: Any = None) -> tuple[Tensor, Tensor]:
        """Latents (n, latent_dim) and classes of seeds."""
        raise NotImplementedError

    def draw(self, codes: Tensor) -> Any:
        """The output of codes (n, layers, width), as of a call."""
        raise NotImplementedError

    def codes_of(self, sample: Sample, label: Any = None, truncation: float = 1.0) -> Tensor:
        """The codes (n, layers, width) of a seed, or codes as they are.

        Args:
            sample: a seed, codes, or what has `codes`.
            label: classes, and
            truncation: psi, of a seed.

        Raises:
            GANError: for a seed, codes, a label or a truncation that can't be used.
        """
        if isinstance(sample, Coded):
            if sample.codes is None:
                raise GANError("This output has no codes; draw its samples by `draw(codes_of(seed))`, or give a seed.")
            sample = sample.codes
        if not isinstance(sample, Tensor):
            seed: Any = sample
            if not isinstance(seed, numbers.Real):
                kind = type(seed).__name__
                raise GANError(f"A {kind} is no sample; give a seed, or codes, a tensor as of `codes_of`.")
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

    def steering_notes(self) -> list[str]:
        notes = super().steering_notes()
        return [*notes, guidance_notes(self.guidance_curve, self.guidance["steps"])] if self.guidance_curve else notes

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
            (folder / CURVE).write_bytes(as_json(self.guidance_curve))

    def find_directions(self, num_samples: int = 4000, num_scored: int = 200, progress: bool = False) -> None:
        directions.check_samples(num_samples, num_scored, sum(self.generator.class_counts))
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

    def label_names(self, classes: Tensor) -> list[str] | None:
        """The names of classes as `decode` takes them ("7, george"), one a sample; `None` without classes."""
        if not self.labels:
            return None
        counts = self.generator.class_counts
        parts = class_weights(classes, counts, torch.float32).split(counts, dim=1)
        columns = by_column(self.labels).values()
        rows = zip(*([names[k] for k in part.argmax(1)] for part, names in zip(parts, columns)))
        return [", ".join(row) for row in rows]

    @torch.inference_mode()
    def _classifier(self) -> Callable[[Tensor], Tensor] | None:
        """Codes to the classes that their samples show, of several label columns in the first one, in the eyes of a
        classifier of the model's own samples; `None` without classes, and where it cannot tell those of other seeds.
        """
        count = (self.generator.class_counts or (1,))[0]
        if count == 1:
            return None

        def of_seeds(first: int, number: int) -> tuple[Tensor, Tensor]:
            latents, classes = self.latents(list(range(first, first + number)))
            return self.codes_from(latents, classes), classes.view(number, -1)[:, 0]

        def features(codes: Tensor) -> Tensor:
            return torch.cat([small(self.draw_samples(part)) for part in codes.split(BATCH)])

        codes, classes = of_seeds(0, CLASSIFIED)
        classifier = SampleClassifier(features(codes), classes, count)

        def classify(codes: Tensor) -> Tensor:
            return classifier(features(codes))

        others, right = of_seeds(CLASSIFIED, 200)
        return classify if float((classify(others) == right).float().mean()) >= RELIABLE else None

    def edit(self, sample: Sample, edits: Mapping[str, float], label: Any = None, truncation: float = 1.0) -> Any:
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
        first: Sample,
        second: Sample,
        layers: str | int | Sequence[int] = "fine",
        label: Any = None,
        truncation: float = 1.0,
    ) -> Any:
        """The first sample with some layers of the second (style mixing).

        Args:
            first, second: seeds or codes.
            layers: that come from the second: "coarse" (where things are), "middle" or "fine" (colour and texture), or
                indices.
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
