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
from gan.cli import expanded_path, positive_float, positive_int
from gan.data import add_label_arguments
from gan.errors import GANError
from gan.training.adversarial import (
    VALIDATION_SHARE,
    AdversarialObjective,
    AdversarialTask,
    add_adversarial_arguments,
    keep_shape,
)
from gan.training.class_transfer import resembling, starts, transferred, with_columns
from gan.training.task import load_pretrained


class AudioTask(AdversarialTask):
    """Sounds: a generator and discriminator of log-magnitude spectrograms, with any number of labels a clip."""

    unit = "clips"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Adds the flags for sounds."""
        sounds = parser.add_argument_group("sounds")
        sounds.add_argument(
            "--dataset_name",
            type=expanded_path,
            default="drums",
            help="a Hub id, a local folder laid out as one, or the built-in drums",
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
        sounds.add_argument("--model_size", choices=tuple(SIZES), help="of both networks (default: small)")
        sounds.add_argument("--latent_dim", type=positive_int, help="numbers in a latent (default: 64)")
        add_adversarial_arguments(sounds, "clips")

    @staticmethod
    def unused_flags(args: argparse.Namespace) -> dict[str, str]:
        unused = AdversarialTask.unused_flags(args)
        if args.train_data_dir is None and args.dataset_name == data.BUILT_IN:
            names = ("audio_column", "label_column", "dataset_config_name", "slice", "normalize", "no-normalize")
            unused |= {f"--{name}": f"means nothing to the built-in {data.BUILT_IN}" for name in names}
        return unused

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
        args.model_size, args.latent_dim = args.model_size or "small", args.latent_dim or 64
        config: dict[str, Any] = {
            "sampling_rate": train_set.sampling_rate,
            "samples": train_set.samples,
            "n_fft": n_fft,
            "num_classes": counts,
            **_shape(train_set, n_fft, args.model_size),
        }
        return [AudioGenerator(latent_dim=args.latent_dim, **config), AudioDiscriminator(**config)]
    _check_pretrained(args, train_set, pretrained)
    shape = _shape(train_set, n_fft, args.model_size) if args.model_size else {}
    keep_shape(args, pretrained.generator, {"model_size": shape})
    earlier = {"generator": pretrained.generator, "discriminator": pretrained.discriminator}
    known, found = pretrained.labels or {}, train_set.label_names or {}
    old_names = list(known.values())
    if known and found and len(known) != len(found):
        earlier, old_names = with_columns(earlier, known, found)
    generator: Any = earlier["generator"]
    classes = train_set.classes(torch.arange(len(train_set)))
    like = resembling(generator, lambda some: analyse(train_set.clips(some), n_fft))
    begin = starts(old_names, names, classes, like)
    return [transferred(old, generator.class_counts, counts, begin) for old in earlier.values()]


def _shape(train_set: data.AudioSet, n_fft: int, size: str) -> dict[str, Any]:
    """What the configs of networks say of a size preset."""
    channels = stage_channels(folded_size(train_set.samples, n_fft), size)
    return {"channels": channels, "blocks_per_stage": SIZES[size][2]}


def _check_pretrained(args: argparse.Namespace, train_set: data.AudioSet, pretrained: AudioPipeline) -> None:
    source, config = args.pretrained_model_name_or_path, pretrained.generator.config
    if (train_set.sampling_rate, train_set.samples) != (config.sampling_rate, config.samples):
        raise GANError(
            f"{source} makes {pretrained.duration:g} seconds at {config.sampling_rate} Hz, and cannot be "
            f"fine-tuned to others; leave --sampling_rate and --duration out, or train from scratch."
        )
    if pretrained.discriminator is None:
        raise GANError(f"{source} has no discriminator, so it cannot be fine-tuned; train from scratch.")
