"""What sounds bring to the training loop."""

import argparse
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor, nn

from gan.audio import data, metrics
from gan.audio.networks import SIZES, AudioDiscriminator, AudioGenerator, folded_size, stage_channels
from gan.audio.pipeline import AudioPipeline
from gan.audio.plots import contact_sheet, spectrogram_picture
from gan.audio.preprocessing import wav
from gan.audio.spectrogram import analyse, window_size
from gan.cli import positive_float, positive_int
from gan.data import add_label_arguments
from gan.errors import GANError
from gan.training.adversarial import (
    VALIDATION_SHARE,
    AdversarialObjective,
    AdversarialTask,
    add_adversarial_arguments,
)
from gan.training.class_transfer import resembling, starts, transferred
from gan.training.task import load_pretrained


class AudioTask(AdversarialTask):
    """Sounds: a generator and discriminator of log-magnitude spectrograms, with any number of labels a clip."""

    unit = "clips"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags for sounds."""
        sounds = parser.add_argument_group("sounds")
        sounds.add_argument(
            "--dataset_name", default="drums", help="a Hub id, a local folder laid out as one, or the built-in drums"
        )
        sounds.add_argument("--audio_column", help="column with the sounds; by default the one there is")
        sounds.add_argument(
            "--label_column",
            nargs="+",
            metavar="COLUMN",
            help="columns with classes, one or several at once (digit speaker); by default `label`, or the one that "
            "is usually called so",
        )
        sounds.add_argument("--unconditional", action="store_true", help="pay no attention to classes")
        add_label_arguments(sounds)
        sounds.add_argument(
            "--sampling_rate", type=positive_int, help="in Hz; by default the data's own, at most 16000"
        )
        sounds.add_argument(
            "--duration",
            type=positive_float,
            help="of a clip in seconds, rounded up to a whole number of frames; by default 1; shorter sounds are "
            "padded, longer ones cropped from their onset",
        )
        sounds.add_argument(
            "--slice",
            choices=data.SLICES,
            help="recordings that are longer than a clip: cut them evenly, cut them where sounds set in (onset), or "
            "use the first sound of each; by default first, and even where most files are much longer than a clip",
        )
        sounds.add_argument(
            "--normalize",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="bring the peak of every clip to 0.9",
        )
        sounds.add_argument("--model_size", choices=tuple(SIZES), default="small", help="of both networks")
        sounds.add_argument("--latent_dim", type=positive_int, default=64, help="numbers in a latent")
        add_adversarial_arguments(sounds, "clips")

    def __init__(self, args: argparse.Namespace):
        self.args = args
        pretrained = load_pretrained(args, AudioPipeline)
        if pretrained is not None:
            args.sampling_rate = args.sampling_rate or pretrained.sampling_rate
            args.duration = args.duration or pretrained.duration
        self.train_set, self.test_set = data.load(args)
        known, found = list((pretrained and pretrained.labels) or {}), self.train_set.label_names or {}
        if known != list(found) and set(known) == set(found):  # columns are matched by name
            self.train_set = self.train_set.in_order(known)
            self.test_set = self.test_set and self.test_set.in_order(known)
        self.n_fft = window_size(self.train_set.sampling_rate)
        self.generator, self.discriminator = _networks(args, self.train_set, self.n_fft, pretrained)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=torch.channels_last).train()
        self.freeze_discriminator()
        self.split_validation(VALIDATION_SHARE if args.augment_target < 1 else 0.0)
        self.objective = AdversarialObjective(args)

    def samples(self, indices: Tensor) -> Tensor:
        return analyse(self.train_set.clips(indices), self.n_fft)

    def pipeline(self, generator: nn.Module, discriminator: nn.Module | None) -> AudioPipeline:
        return AudioPipeline(generator, discriminator, self.train_set.label_names)

    def preview(self, pipeline: AudioPipeline, path: Path) -> Path:
        file = path.with_suffix(".png")
        clips = pipeline(seed=0, num_samples=32).audios[..., 0]
        contact_sheet([spectrogram_picture(clip, self.n_fft) for clip in clips]).save(file)
        path.with_suffix(".wav").write_bytes(wav(clips[:8].reshape(-1), pipeline.sampling_rate))
        return file

    def evaluate(self, pipeline: AudioPipeline) -> dict[str, Any]:
        if self.test_set is None:
            PartialState().print("There are too few sounds to hold some out, so nothing is measured.", flush=True)
            return {"metrics": []}
        return metrics.evaluate(pipeline, self.train_set, self.test_set)


def _networks(
    args: argparse.Namespace, train_set: data.AudioSet, n_fft: int, pretrained: AudioPipeline | None
) -> list[nn.Module]:
    """New networks, or those of an earlier model: classes are matched by name, new ones start as those like them."""
    names = list((train_set.label_names or {}).values())
    counts = tuple(len(column) for column in names)
    if pretrained is None:
        size = folded_size(train_set.samples, n_fft)
        config: dict[str, Any] = {
            "sampling_rate": train_set.sampling_rate,
            "samples": train_set.samples,
            "n_fft": n_fft,
            "num_classes": counts,
            "channels": stage_channels(size, args.model_size),
            "blocks_per_stage": SIZES[args.model_size][2],
        }
        return [AudioGenerator(latent_dim=args.latent_dim, **config), AudioDiscriminator(**config)]
    _check_pretrained(args, train_set, pretrained)
    args.latent_dim = pretrained.generator.latent_dim
    old_names, classes = list((pretrained.labels or {}).values()), train_set.classes(torch.arange(len(train_set)))
    like = resembling(pretrained.generator, lambda some: analyse(train_set.clips(some), n_fft))
    begin = starts(old_names, names, classes, like)
    known = pretrained.generator.class_counts
    return [transferred(old, known, counts, begin) for old in (pretrained.generator, pretrained.discriminator)]


def _check_pretrained(args: argparse.Namespace, train_set: data.AudioSet, pretrained: AudioPipeline) -> None:
    source, config = args.pretrained_model_name_or_path, pretrained.generator.config
    if (train_set.sampling_rate, train_set.samples) != (config.sampling_rate, config.samples):
        raise GANError(
            f"{source} makes {pretrained.duration:g} seconds at {config.sampling_rate} Hz, and cannot be "
            f"fine-tuned to others; leave --sampling_rate and --duration out, or train from scratch."
        )
    if pretrained.discriminator is None:
        raise GANError(f"{source} has no discriminator, so it cannot be fine-tuned; train from scratch.")
    columns = [len(labels or {}) for labels in (pretrained.labels, train_set.label_names)]
    if columns[0] != columns[1] and all(columns):
        raise GANError(
            f"{source} knows {columns[0]} columns of labels and the data has {columns[1]}; name as many with "
            f"--label_column, or leave classes out with --unconditional."
        )
