"""`AudioPipeline`: sounds from seeds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.utils import BaseOutput
from torch import Tensor

from gan.audio.attributes import attributes
from gan.audio.networks import AudioDiscriminator, AudioGenerator
from gan.audio.plots import contact_sheet, spectrogram_picture
from gan.audio.preprocessing import wav
from gan.audio.spectrogram import analyse, synthesise
from gan.errors import GANError
from gan.hub.repository import FORMAT_VERSION
from gan.inputs import (
    agreed_count,
    check_latents,
    check_output_type,
    check_truncation,
    class_list,
    noise_sources,
    sample_seeds,
)
from gan.labels import Label, check_columns, column_indices, listed
from gan.latent.guidance import check_guidance
from gan.latent.interpolation import slerp
from gan.latent.steering import SteerablePipeline
from gan.networks import class_weights

LOSSES = {"gan": "relativistic pairing with R1 and R2 gradient penalties (Huang et al. 2024), on spectrograms"}
OUTPUT_TYPES = ("np", "pt")
BATCH = 16  # clips made at once: bounds memory


@dataclass
class AudioPipelineOutput(BaseOutput):
    """What `AudioPipeline` returns.

    Attributes:
        audios: float32 (n, samples, 1) in [-1, 1]: clips, samples, channels; an array, or a tensor (`output_type`).
        sampling_rate: in Hz.
        seeds: the seed of each: `pipeline(seed=seeds[k])` makes clip k alone; empty for clips between two seeds,
            or of latents or generators.
        labels: the classes of each ("7, george"), the weightiest between two; `None` for an unconditional model, or
            of codes.
        codes: (n, layers, width), where clips were made of codes: what `edit` and `mix` take.
    """

    audios: np.ndarray | Tensor
    sampling_rate: int
    seeds: list[int]
    labels: list[str] | None
    codes: Tensor | None = None


class AudioPipeline(SteerablePipeline):
    """A generator of sounds with the discriminator that it was trained with.

    Args:
        generator: the network that is sampled; its EMA weights.
        discriminator: kept for fine-tuning.
        labels: class names by label column, such as {"label": ["0", "1"], "speaker": ["george", "lucas"]}; `None` for
            an unconditional generator.
        format_version: of the repository that this was loaded from.
        guidance: `steps`, `step_size` and `prior` of critic guidance that suit this model (`gan.latent.guidance`).
    """

    modality, task = "audio", "gan.audio.task.AudioTask"
    evaluation = "gan.audio.evaluate.AudioEvaluation"
    unit = "clips"
    sample_files = ("samples.png", "samples.wav")
    file_suffix = ".wav"
    hub_task = "text-to-audio"  # the nearest task that the Hub has
    example_imports = "import soundfile\n"
    losses = LOSSES

    def __init__(
        self,
        generator: AudioGenerator,
        discriminator: AudioDiscriminator | None = None,
        labels: Mapping[str, list[str]] | list | None = None,
        format_version: int = FORMAT_VERSION,
        guidance: dict[str, Any] | None = None,
    ):
        super().__init__()
        if guidance is not None:
            check_guidance(**guidance)
        check_columns(dict(labels or {}), generator.class_counts)
        columns: list[list[Any]] = [list(column) for column in dict(labels or {}).items()]
        self.register_modules(generator=generator, discriminator=discriminator)
        # Pairs, because the keys of a config are sorted when it is written.
        self.register_to_config(labels=columns or None, format_version=format_version, guidance=guidance)
        self.training_record: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        generator.eval().to(memory_format=torch.channels_last)

    @property
    def labels(self) -> dict[str, list[str]] | None:  # type: ignore[override]
        """Class names by column, or `None`."""
        return {column: list(names) for column, names in self.config.labels} if self.config.labels else None

    @property
    def sampling_rate(self) -> int:
        """In Hz."""
        return self.generator.config.sampling_rate

    @property
    def duration(self) -> float:
        """Of a clip, in seconds."""
        return self.generator.config.samples / self.sampling_rate

    @torch.inference_mode()
    def __call__(
        self,
        seed: int = 0,
        num_samples: int = 1,
        truncation: float = 1.0,
        label: Label = None,
        critic_steps: int = 0,
        critic_step_size: float | None = None,
        *,
        batch_size: int | None = None,
        class_labels: Sequence[Label | Sequence[int]] | Tensor | None = None,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        latents: Tensor | None = None,
        output_type: str = "np",
        return_dict: bool = True,
    ) -> AudioPipelineOutput:
        """Makes clips. Clip k is that of seed `seed + k`, whatever the batch.

        Args:
            seed: of the first clip, from 0 to 2^32 - 1.
            num_samples: how many.
            truncation: psi. 1 is the model as trained, smaller is safer and less varied (`GridGenerator.codes`).
            label: a class name, several of different columns ("7, george", or "speaker=george" where a name is not
                enough), or a dictionary of them by column; what isn't named is drawn from each seed.
            critic_steps: of critic guidance (`gan.latent.guidance`), each as much work as some samples; 0 is none.
            critic_step_size: of these steps; by default the one that suits the model.
            batch_size: another name for `num_samples`, as in diffusers.
            class_labels: one a clip, instead of `label`: what that takes, or indices (columns,), also as a tensor (n,
                columns).
            generator: what noise is drawn from instead of a seed: one a clip, each of which draws what its seed does,
                or one for all, which draw from it one after the other.
            latents: (n, latent_dim), instead of those of the seeds; classes that aren't given are still drawn.
            output_type: "np", or "pt" for the same as a tensor.
            return_dict: `False` returns a tuple, with the clips first.

        Raises:
            GANError: for a seed, number, truncation, label, latents or guidance that can't be used, two that
                contradict each other, or guidance of a model without a discriminator.
        """
        psi = check_truncation(truncation)
        check_output_type(output_type, OUTPUT_TYPES)
        if latents is not None:
            latents = check_latents(latents, self.generator.latent_dim)
        each = class_list(label, class_labels)
        count = agreed_count(
            num_samples, "num_samples", batch_size=batch_size, class_labels=each, generator=generator, latents=latents
        )
        sources, seeds = noise_sources(seed, count, generator)
        drawn, classes = self._noise(sources, each or [label] * count)
        if latents is not None:
            drawn, seeds = latents, []
        drawn = self.guided(drawn, classes, psi, critic_steps, critic_step_size)
        output = self._output(drawn, classes, psi, seeds)
        if output_type == "pt":
            output.audios = torch.from_numpy(output.audios)
        return output if return_dict else output.to_tuple()

    def latents(self, seeds: list[int], label: Label = None) -> tuple[Tensor, Tensor]:
        """Latents (n, latent_dim) and class indices (n, columns) of seeds, each from a CPU generator of its own."""
        return self._noise([torch.Generator().manual_seed(seed) for seed in seeds], [label] * len(seeds))

    def _noise(self, sources: Sequence[torch.Generator], labels: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """`latents` of any generators, with a label for each."""
        latents, classes = [], []
        for source, label in zip(sources, labels, strict=True):
            device, counts = source.device, self.generator.class_counts
            chosen = self.label_indices(label)
            latents.append(torch.randn(self.generator.latent_dim, generator=source, device=device).cpu())
            drawn = [int(torch.randint(count, (), generator=source, device=device)) for count in counts]
            classes.append([index if wanted is None else wanted for index, wanted in zip(drawn, chosen)])
        return torch.stack(latents), torch.tensor(classes, dtype=torch.int64).view(len(sources), -1)

    @torch.inference_mode()
    def decode(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        """The clips of latents.

        Args:
            latents: (n, latent_dim).
            classes: (n, columns) class indices, or weights (n, classes of all columns) as `gan.networks.class_weights`
                makes them.
            truncation: psi.

        Returns:
            float32 (n, samples) in [-1, 1] on the CPU.
        """
        device, dtype = self.generator.device, self.generator.dtype
        clips = []
        for z, c in zip(latents.split(BATCH), classes.split(BATCH)):
            clips.append(self._clips(self.generator(z.to(device, dtype), c.to(device), truncation)))
        return torch.cat(clips)

    def _clips(self, spectrograms: Tensor) -> Tensor:
        # Cut, not made softer: measured, that took the drums further from real ones (distance 35.9, not 25.9).
        return synthesise(spectrograms, self.generator.config.n_fft).clamp(-1, 1).cpu()

    @torch.inference_mode()
    def draw(self, codes: Tensor) -> AudioPipelineOutput:
        """The clips of codes (n, layers, width): of `codes_of`, or of an output."""
        codes = self.codes_of(codes)
        audios = torch.cat([self._clips(self.draw_samples(part)) for part in codes.split(BATCH)]).numpy()[..., None]
        return AudioPipelineOutput(audios, self.sampling_rate, seeds=[], labels=None, codes=codes)

    def attributes(self, samples: Tensor) -> dict[str, Tensor]:
        """What can be measured on spectrograms (n, 1, n_fft / 2, frames): see `gan.audio.attributes`."""
        return attributes(samples, self.sampling_rate, self.generator.config.n_fft)

    def class_names(self) -> list[str]:
        """The names of all classes, of one label column after the other; their numbers where they have none."""
        columns = self.labels.values() if self.labels else [map(str, range(n)) for n in self.generator.class_counts]
        return [name for names in columns for name in names]

    def spectrograms(self, audios: Tensor) -> Tensor:
        """Clips (n, samples) in [-1, 1] as the discriminator sees them: (n, 1, n_fft / 2, frames)."""
        return analyse(audios, self.generator.config.n_fft)

    @torch.inference_mode()
    def interpolate(
        self, a: int, b: int, steps: int = 16, label: Label = None, truncation: float = 1.0
    ) -> AudioPipelineOutput:
        """Interpolates between the clips of two seeds, both ends included.

        Latents turn from one direction to the other at even speed, their length along with them (`slerp`), and
        classes are mixed.

        Args:
            a, b: seeds.
            steps: clips, at least 2.
            label: classes for all steps; those not named go from those of `a` to those of `b`.
            truncation: psi, as in a call.

        Raises:
            GANError: for a seed, a number, a label or a truncation that can't be used.
        """
        count = len(sample_seeds(0, steps))
        if count < 2:
            raise GANError("An interpolation has at least 2 steps, its ends.")
        return self.between(a, b, torch.linspace(0, 1, count), label, truncation)

    @torch.inference_mode()
    def between(
        self, a: int, b: int, positions: Tensor, label: Label = None, truncation: float = 1.0
    ) -> AudioPipelineOutput:
        """As `interpolate`, at given positions (n,) from 0, at `a`, to 1, at `b`."""
        psi = check_truncation(truncation)
        return self._output(*self.latents_between(a, b, positions, label), psi, [])

    def latents_between(self, a: int, b: int, positions: Tensor, label: Label = None) -> tuple[Tensor, Tensor]:
        """Latents (n, latent_dim) and class weights (n, classes of all columns) at positions (n,) between seeds."""
        (first, first_classes), (last, last_classes) = (self.latents(sample_seeds(end, 1), label) for end in (a, b))
        positions = positions[:, None]
        counts = self.generator.class_counts
        classes = torch.zeros(len(positions), 0, dtype=torch.int64)
        if counts:
            ends = [class_weights(ends, counts, torch.float32) for ends in (first_classes, last_classes)]
            classes = (1 - positions) * ends[0] + positions * ends[1]
        return slerp(first, last, positions), classes

    def label_indices(self, label: Label) -> list[int | None]:
        """The class index of each column, `None` where it isn't named.

        Raises:
            GANError: if there is no such class or column, or a name stands in several columns.
        """
        columns = self.labels or {
            f"label {k + 1}": [str(n) for n in range(count)] for k, count in enumerate(self.generator.class_counts)
        }
        return column_indices(label, columns)

    def _output(self, latents: Tensor, classes: Tensor, psi: float, seeds: list[int]) -> AudioPipelineOutput:
        audios = self.decode(latents, classes, psi).numpy()[..., None]
        return AudioPipelineOutput(audios, self.sampling_rate, seeds=seeds, labels=self.label_names(classes))

    def describe(self) -> str:
        """A sentence for the model card."""
        columns = [f"{column} ({listed(names)})" for column, names in (self.labels or {}).items()]
        classes = f", by {' and '.join(columns)}" if columns else ""
        return (
            f"A GAN that makes sounds of {self.duration:.2f} seconds at {self.sampling_rate / 1000:g} kHz{classes}: "
            f"{self.num_parameters / 1e6:.2f} million parameters, one forward pass and a few steps of Griffin-Lim a "
            f"clip, many times faster than real time on a CPU."
        )

    def facts(self) -> dict[str, Any]:
        """Sampling rate in Hz, samples of a clip, and its duration in seconds."""
        return {
            "sampling_rate": self.sampling_rate,
            "samples": self.generator.config.samples,
            "duration": round(self.duration, 3),
        }

    def example(self) -> str:
        """Lines of Python for the model card, which sample with `pipeline`."""
        label = ""
        if self.labels:
            first = {column: names[0] for column, names in self.labels.items()}
            shown: Any = ", ".join(first.values())
            try:
                plain = self.label_indices(shown) == [0] * len(first)
            except GANError:  # a name stands in two columns, say
                plain = False
            label = f", label={json.dumps(shown if plain else first, ensure_ascii=False)}"
        return (
            f"out = pipeline(seed=7, num_samples=16, truncation=0.8{label})\n"
            'soundfile.write(f"{out.seeds[0]}.wav", out.audios[0], out.sampling_rate)'
        )

    def example_notes(self) -> str:
        """What the card says below these lines, in Markdown."""
        return (
            "Clip k is that of seed 7 + k, whatever the batch. `truncation` is psi: 1 is the model as trained, "
            "smaller is safer and less varied."
        )

    def sample_bytes(self, seed: int, count: int, **settings: Any) -> list[bytes]:
        """WAV files; see `GANPipeline.sample_bytes`."""
        return [wav(audio, self.sampling_rate) for audio in self(seed, count, **settings).audios]

    def save_samples(self, folder: Path) -> None:
        """Writes `samples.png`, spectrograms with a class of the first column a row, and `samples.wav`, one a row."""
        names = next(iter((self.labels or {"": []}).values()))
        column = next(iter(self.labels or {"": []}))
        rows: list[Label] = [{column: name} for name in names[:12]] or [None] * 4
        clips = [self(seed=8 * row, num_samples=8, label=label).audios for row, label in enumerate(rows)]
        pictures = [spectrogram_picture(clip[:, 0], self.generator.config.n_fft) for row in clips for clip in row]
        contact_sheet(pictures).save(folder / "samples.png")
        (folder / "samples.wav").write_bytes(wav(np.concatenate([row[0] for row in clips]), self.sampling_rate))

    def show_samples(self) -> str:
        """What the card shows of them, in Markdown."""
        return (
            '![Spectrograms of samples](samples.png)\n\n<audio controls src="samples.wav"></audio>\n\n'
            "[samples.wav](samples.wav): the first clip of each row."
        )
