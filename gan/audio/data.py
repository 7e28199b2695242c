"""Sounds for training: from the Hub, from a local data set repository, from a plain folder, or synthesised in code."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import datasets
import numpy as np
import soundfile
import soxr
import torch
from datasets.packaged_modules.audiofolder.audiofolder import AudioFolder
from torch import Tensor

from gan.audio import drums
from gan.audio.preprocessing import (
    MAX_SECONDS,
    UNREADABLE,
    Silent,
    cut,
    fit_clip,
    openable,
    read_recording,
    read_sound,
    sixteen_bits,
)
from gan.audio.spectrogram import whole_length
from gan.data import (
    PEEKED,
    DataReport,
    Decoder,
    LeftOut,
    Rows,
    SampleKind,
    counted,
    decode,
    duplicates,
    find_rows,
    has_same_classes,
    hold_out,
    remembered,
    take,
    unusable,
)
from gan.errors import GANError
from gan.utils.files import fingerprint
from gan.utils.subsets import training_subset

BUILT_IN = "drums"
DRUMS_TRAIN, DRUMS_TEST = 8_000, 1_000
LOWEST_RATE, HIGHEST_RATE = 4_000, 16_000  # between which data keep their own
SECONDS = 1.0
SLICES = ("first", "even", "onset")
RECORDING = 8  # times the length of a clip and more is a recording, of which one clip is surely not all that is meant
MIN_RECORDING = 10.0  # and so many seconds

_CONVERT = "convert them, for instance with `ffmpeg -i sound.m4a sound.wav`"
_ELSEWHERE = (".m4a", ".aac", ".wma", ".mp4", ".webm", ".amr", ".ape", ".wv", ".mka", ".ac3", ".3gp", ".mov", ".mkv")
SOUNDS = SampleKind(
    name="sound",
    plural="sounds",
    flag="audio",
    feature=datasets.Audio,
    suffixes=openable(),
    advice=dict.fromkeys(_ELSEWHERE, _CONVERT),
)


class _Undecoded(datasets.Audio):
    """A column of sound files as they are."""

    def encode_example(self, value: str) -> dict[str, Any]:
        return {"bytes": None, "path": value}


AudioFolder.BASE_FEATURE = _Undecoded  # its own wants torchcodec, and that FFmpeg, even to list files


@dataclass
class AudioSet:
    """Clips of one length and their classes.

    Attributes:
        audio: int16 (n, samples), 32767 for 1: half the memory of floats.
        labels: int64 (n, columns), or `None` without classes.
        label_names: by column, class names by index; or `None`.
        sampling_rate: in Hz.
        name: of the data set, for the card.
        split: which part this is.
        skipped: files that could not be read, or in which nothing is heard.
        license: as its repository states it, or `None`.
        report: what reading found, or `None`.
    """

    audio: np.ndarray
    labels: np.ndarray | None
    label_names: dict[str, list[str]] | None
    sampling_rate: int
    name: str
    split: str
    skipped: int = 0
    license: str | None = None
    report: DataReport | None = None

    def __len__(self) -> int:
        return len(self.audio)

    @property
    def samples(self) -> int:
        """In a clip."""
        return self.audio.shape[1]

    def clips(self, indices: Tensor) -> Tensor:
        """float32 (k, samples) in [-1, 1]."""
        return torch.from_numpy(self.audio[indices.numpy()]).float() / 32767

    def classes(self, indices: Tensor) -> Tensor | None:
        """int64 (k, columns) class indices."""
        return None if self.labels is None else torch.from_numpy(self.labels[indices.numpy()])

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any sample or label."""
        shape = f"{self.audio.shape} {self.sampling_rate}".encode()
        labels = b"" if self.labels is None else self.labels
        return remembered(self.audio, fingerprint(shape, labels), lambda: fingerprint(shape, self.audio, labels))

    def in_order(self, columns: list[str]) -> "AudioSet":
        """With its label columns in another order."""
        assert self.labels is not None and self.label_names is not None
        places = [list(self.label_names).index(column) for column in columns]
        names = {column: self.label_names[column] for column in columns}
        return replace(self, labels=self.labels[:, places], label_names=names)

    def take(self, indices: np.ndarray, split: str) -> "AudioSet":
        """The clips at these indices."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, audio=take(self.audio, indices), labels=labels, split=split)


def load(args: Any, split: str | None = None) -> tuple[AudioSet, AudioSet | None]:
    """The training clips and the held-out ones, as the command line asks for them; says what was found.

    The held-out set is the data set's own `test` or `validation` split; where it has none, a tenth of the training
    clips is set aside (at most 2,000), always the same ones. Of fewer than 20 clips none is: `None`.

    Args:
        args: `dataset_name`, `dataset_config_name`, `train_data_dir`, `cache_dir`, `hub_token`, `audio_column`,
            `label_column` (names, or `None` for the one that is usually called so), `unconditional`,
            `allow_any_label`, `sampling_rate` (`None`: that of most files, if it is at most 16 kHz), `duration`
            (seconds, or `None` for one; rounded up to a whole number of hops), `slice` (one of `SLICES`, or `None`:
            `first`, and `even` where most are long recordings), `normalize`, `max_train_samples`.
        split: the data set's split to hold out instead.

    Raises:
        GANError: if there are no usable clips, with the reason.
    """
    if args.sampling_rate is not None and args.sampling_rate < LOWEST_RATE:
        raise GANError(f"--sampling_rate {args.sampling_rate} is too low; give at least {LOWEST_RATE}.")
    if args.duration is not None and args.duration > MAX_SECONDS:
        raise GANError(f"--duration {args.duration:g} is too long; give at most {MAX_SECONDS} seconds.")
    report = DataReport("clips")
    recording_of = None
    test: AudioSet | None
    if args.train_data_dir is None and args.dataset_name == BUILT_IN:
        train = _drums(args, min(DRUMS_TRAIN, args.max_train_samples or DRUMS_TRAIN), 0, "train")
        test = _drums(args, DRUMS_TEST, 1, "test")
        report.name = train.name
        report.found = {"size": f"{train.samples / train.sampling_rate:g} s at {train.sampling_rate:,} Hz"}
    else:
        rows, test_rows = find_rows(args, SOUNDS, report, split)
        form = _decide_form(rows, args, report)
        train, recording_of = _audio_set(rows, form, args, report)
        test = None if test_rows is None else _audio_set(test_rows, form, args, report, train)[0]
        if test is not None and not has_same_classes(test, train):
            report.note(unusable(test.split, train.name, "sounds"))
            test = None
    if test is None:
        train, test = hold_out(train, recording_of)
    report.describe(len(train), train.labels, train.label_names)
    if test is not None:
        report.describe_held_out(test.split, len(test), duplicates(train.audio, test.audio))
    report.show()
    return replace(train, report=report), test


def _drums(args: Any, count: int, seed: int, split: str) -> AudioSet:
    rate = args.sampling_rate or HIGHEST_RATE
    audio, labels = drums.synthesise(count, rate, whole_length(args.duration or SECONDS, rate), seed)
    names = {"label": list(drums.CLASS_NAMES)}
    if args.unconditional:
        return AudioSet(audio, None, None, rate, "drums", split, license="apache-2.0")
    return AudioSet(audio, labels[:, None], names, rate, "drums", split, license="apache-2.0")


@dataclass(frozen=True)
class Form:
    """What every clip of a set is made.

    Attributes:
        sampling_rate: in Hz.
        samples: in a clip.
        slice: one of `SLICES`: how many clips a file is made, and where they begin.
        normalize: whether the peak of each is brought to 0.9.
    """

    sampling_rate: int
    samples: int
    slice: str
    normalize: bool

    def fit(self, file: Any) -> tuple[np.ndarray, Counter[str]]:
        """A file to int16 (clips, samples), and what is to be counted about it."""
        if file is None:
            raise ValueError("there is no sound")
        if self.slice == "first":
            sounds = [read_sound(file)]
        else:
            recording = read_recording(file, self.sampling_rate)
            pieces = cut(recording, self.sampling_rate, self.samples, self.slice == "onset")
            sounds = [(piece, self.sampling_rate) for piece in pieces]
        clips = []
        for sound, own_rate in sounds:
            try:
                clips.append(fit_clip(sound, own_rate, self.sampling_rate, self.samples, self.normalize))
            except Silent:
                continue
        if not clips:
            raise LeftOut("silent")
        return sixteen_bits(np.stack(clips)), Counter(silent=len(sounds) - len(clips))


def _decide_form(rows: Rows, args: Any, report: DataReport) -> Form:
    """What all clips are made: as the command line says, or else as most files are."""
    rates: Counter[int] = Counter()
    seconds = []
    for index in training_subset(len(rows), PEEKED):
        try:
            about = soundfile.info(rows.files[index])
        except UNREADABLE:
            continue  # counted when it is decoded
        rates[min(max(about.samplerate, LOWEST_RATE), HIGHEST_RATE)] += 1
        seconds.append(about.frames / about.samplerate)
    rate = args.sampling_rate or (rates.most_common(1)[0][0] if rates else HIGHEST_RATE)
    samples = whole_length(args.duration or SECONDS, rate)
    how = "asked for" if args.sampling_rate else f"{rates[rate]:,} of {rates.total():,} looked at have it"
    report.found["size"] = f"{samples / rate:g} s at {rate:,} Hz ({how})"
    chosen = args.slice or _choose_slice(np.asarray(seconds), samples / rate, report)
    return Form(rate, samples, chosen, args.normalize)


def _choose_slice(seconds: np.ndarray, clip: float, report: DataReport) -> str:
    """One clip a file, unless the set is mostly long recordings: then they are cut evenly, and it is said.

    That most of what there is to hear is left out is said, too.

    Args:
        seconds: float64 (n,), of files that were looked at.
        clip: seconds of a clip.
    """
    recordings = seconds[seconds > max(RECORDING * clip, MIN_RECORDING)]
    unused = (seconds - clip).clip(0).sum()  # of one clip each
    if not len(recordings) and unused <= seconds.sum() / 2:
        return "first"
    long = recordings if len(recordings) else seconds[seconds > clip]
    about = f"Up to {long.max():,.0f} seconds in {len(long):,} of {len(seconds):,} files, and a clip has {clip:g}:"
    if recordings.sum() < seconds.sum() / 2:
        report.note(
            f"{about} one clip of each is used, where it begins to be heard; --slice even or --slice onset cuts them "
            f"up, --duration lengthens the clips."
        )
        return "first"
    report.note(
        f"{about} they are cut evenly into clips; --slice onset begins a clip wherever a sound sets in, --slice first "
        f"keeps one of each, --duration lengthens the clips."
    )
    return "even"


def _audio_set(
    rows: Rows, form: Form, args: Any, report: DataReport, like: AudioSet | None = None
) -> tuple[AudioSet, np.ndarray | None]:
    """Decodes rows; also says which recording each clip is of, if they were cut up: int64 (n,).

    Args:
        like: the training clips, whose classes count.
    """
    decoder = Decoder(form.fit, f"{form} {soundfile.__version__} {soxr.__version__}", UNREADABLE, "sounds")
    decoded = decode(rows, decoder, args.cache_dir, report)
    if not len(decoded.samples):
        raise GANError(f"None of the {counted(len(rows), 'file')} in {rows.where} can be read as sound and heard.")
    files = len(np.unique(decoded.kept))
    if form.slice != "first" and like is None:
        how = "evenly" if form.slice == "even" else "at their onsets"
        report.found["clips"] = f"{counted(len(decoded.kept), 'clip')} cut {how} from {counted(files, 'recording')}"
    known = None if like is None else like.label_names or {}
    labels, names = rows.labels(decoded.kept, known)
    found = AudioSet(
        decoded.samples, labels, names, form.sampling_rate, rows.name, rows.split, len(rows) - files, rows.license
    )
    return found, None if form.slice == "first" else decoded.kept
