"""Feature spaces that clips are compared in.

A small classifier trained on the data set's own labels, a public embedding of speech (`gan.audio.speech`), and, where
there are no labels, the spectrogram itself in few numbers. A figure measured in one says nothing beside one measured
in another, so every figure carries the name of its space.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.audio import speech
from gan.audio.spectrogram import analyse, window_size
from gan.errors import GANError
from gan.features import cached, fit
from gan.utils.distributed import map_batches
from gan.utils.subsets import fixed_random_subset

if TYPE_CHECKING:
    from gan.audio.data import AudioSet

SPACES = ("auto", "classifier", "speech")
FEATURES = 64
RECIPE = 1  # of the classifier: raised with any change to the network or its training, as older ones are kept on disk
FEWEST_CLIPS, MOST_CLIPS = 200, 20_000  # that a classifier is trained on
SEEN, FEWEST_EPOCHS = 32_000, 3  # clips that it sees in all, of few clips each often
BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 64, 2e-3, 0.05, 0.3
SHIFT = 0.06  # seconds that a clip may start earlier or later
LOUDEST_NOISE, GRAIN = 0.0, 0.1  # of a spectrogram in [-1, 1]; without noise, a hiss that nobody minds would upset it
SIDE = 64  # at most, of the picture that the classifier sees: finer ones take longer and tell it nothing
COARSE = 16  # side of the spectrogram that is a space itself


@dataclass(frozen=True)
class FeatureSpace:
    """Clips as vectors; several processes share the work out (`gan.utils.distributed`).

    Attributes:
        name: goes with every figure measured here: "classifier features".
        network: clips (n, samples) in [-1, 1] to vectors (n, d).
        kind: "classifier", "speech" or "spectrogram".
        classifier: names the classes of a clip, whatever the space; `None` where the data has no labels.
    """

    name: str
    network: Callable[[Tensor], Tensor]
    kind: str
    classifier: "AudioClassifier | None" = None

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> Tensor:
        """float32 (n, samples) to float32 (n, d)."""
        return map_batches(self.network, clips, batch=BATCH, what=f"Computing {self.name}")

    @torch.inference_mode()
    def classify(self, clips: Tensor, features: Tensor) -> Tensor:
        """The most likely classes of each clip, int64 (n, columns): of clips and their features here."""
        assert self.classifier is not None
        if self.kind == "classifier":
            return self.classifier.most_likely(features)
        return map_batches(self.classifier.classify, clips, batch=BATCH)


class AudioClassifier(ModelMixin, ConfigMixin):
    """A small convolutional network that names the classes of a clip; its last hidden layer is a feature space.

    Args:
        sampling_rate: in Hz.
        samples: in a clip.
        num_classes: of each column of labels.
    """

    @register_to_config
    def __init__(self, sampling_rate: int, samples: int, num_classes: list[int]):
        super().__init__()
        bins, frames = window_size(sampling_rate) // 2, samples // (window_size(sampling_rate) // 4)
        self.pool = (-(-bins // SIDE), -(-frames // SIDE))
        height, breadth = bins // self.pool[0], frames // self.pool[1]
        layers: list[nn.Module] = []
        before = 1
        while max(height, breadth) > 4:
            width = 32 if before == 1 else 64
            layers += [nn.Conv2d(before, width, 3, 2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before, height, breadth = width, (height + 1) // 2, (breadth + 1) // 2
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(DROPOUT))
        self.to_features = nn.Linear(before * height * breadth, FEATURES)
        self.to_logits = nn.ModuleList(nn.Linear(FEATURES, count) for count in num_classes)

    def look(self, clips: Tensor) -> Tensor:
        """Clips (n, samples) in [-1, 1] as the pictures that the network sees, (n, 1, at most 64, at most 64)."""
        pictures = [analyse(batch, window_size(self.config.sampling_rate)) for batch in clips.split(BATCH)]
        return torch.cat([F.avg_pool2d(picture, self.pool) for picture in pictures])

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Pictures from `look` to features (n, 64) and the logits (n, classes) of each column."""
        features = F.relu(self.to_features(self.body(pictures)))
        return features, [head(features) for head in self.to_logits]

    def most_likely(self, features: Tensor) -> Tensor:
        """Features (n, 64) to the most likely classes, int64 (n, columns)."""
        return torch.stack([head(features).argmax(1) for head in self.to_logits], dim=1)

    @torch.inference_mode()
    def classify(self, clips: Tensor) -> Tensor:
        """Clips (n, samples) in [-1, 1] to the most likely classes of each, int64 (n, columns)."""
        return torch.cat([self.most_likely(self(self.look(batch))[0]) for batch in clips.split(BATCH)])


def train_classifier(train_set: "AudioSet", seed: int = 0) -> AudioClassifier:
    """AdamW over labelled clips, each time a little earlier or later and with another noise; all columns at once."""
    chosen = fixed_random_subset(len(train_set), min(len(train_set), MOST_CLIPS))
    labels = train_set.classes(chosen)
    assert labels is not None and train_set.label_names is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        counts = [len(names) for names in train_set.label_names.values()]
        classifier = AudioClassifier(train_set.sampling_rate, train_set.samples, counts)
    pictures = classifier.look(train_set.clips(chosen))
    hop = window_size(train_set.sampling_rate) // 4
    most = max(1, round(SHIFT * train_set.sampling_rate / (hop * classifier.pool[1])))

    def loss(batch: Tensor) -> Tensor:
        _, logits = classifier(_with_noise(_shifted(pictures[batch], most)))
        return torch.stack([F.cross_entropy(head, labels[batch, k]) for k, head in enumerate(logits)]).sum()

    epochs = max(FEWEST_EPOCHS, round(SEEN / len(chosen)))
    return fit(classifier, loss, len(chosen), "clips", epochs, BATCH, LEARNING_RATE, WEIGHT_DECAY, seed=seed)


def classifier_for(train_set: "AudioSet") -> AudioClassifier:
    """The classifier of a labelled data set, from the cache or trained now and kept there.

    The same clips and labels always find the same classifier. Of larger sets 20,000 clips are used, always the same
    ones.

    Raises:
        GANError: if the clips have no labels, all the same ones, or are fewer than 200.
    """
    if reason := _unfit_for_classifier(train_set):
        raise GANError(f"No classifier can be trained to measure with: {reason}.")
    name = f"{train_set.fingerprint()}-audio-{RECIPE}"
    return cached(AudioClassifier, name, lambda: train_classifier(train_set))


def feature_space(kind: str, train_set: "AudioSet") -> FeatureSpace:
    """The space to measure clips like these in.

    Args:
        kind: one of `SPACES`. "auto" is the classifier where the clips have labels and are enough, else the coarse
            spectrogram.

    Raises:
        GANError: if the one that was asked for cannot be had.
    """
    if kind == "speech":
        network = speech.embedding(train_set.sampling_rate)
        classifier = None if _unfit_for_classifier(train_set) else classifier_for(train_set)
        return FeatureSpace("speech embedding", network, "speech", classifier)
    if kind == "auto" and _unfit_for_classifier(train_set):
        return coarse_spectrograms(train_set.sampling_rate)
    classifier = classifier_for(train_set)
    return FeatureSpace(
        "classifier features", lambda clips: classifier(classifier.look(clips))[0], "classifier", classifier
    )


def coarse_spectrograms(sampling_rate: int) -> FeatureSpace:
    """The log-magnitude spectrogram in 16 bands and 16 moments: a space that nothing was learned for."""

    def network(clips: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(analyse(clips, window_size(sampling_rate)), COARSE).flatten(1)

    return FeatureSpace(f"{COARSE} x {COARSE} spectrograms", network, "spectrogram")


def _unfit_for_classifier(train_set: "AudioSet") -> str | None:
    """Why no classifier can be trained on these clips; `None` if one can."""
    if train_set.labels is None:
        return "the clips have no labels"
    if len(train_set) < FEWEST_CLIPS:
        return f"{len(train_set)} clips are too few, it takes {FEWEST_CLIPS:,}"
    if (train_set.labels == train_set.labels[0]).all():
        return "the clips all have the same labels"
    return None


def _shifted(pictures: Tensor, most: int) -> Tensor:
    """Pictures (n, 1, height, breadth), each moved by up to `most` columns either way; silence comes in."""
    wide = F.pad(pictures, (most, most), value=-1.0)
    starts = torch.randint(2 * most + 1, (len(pictures), 1, 1, 1))
    return wide.gather(3, (torch.arange(pictures.shape[3]) + starts).expand_as(pictures))


def _with_noise(pictures: Tensor) -> Tensor:
    """Pictures over a floor of noise, half of them below what is silence."""
    level = torch.rand(len(pictures), 1, 1, 1) * (LOUDEST_NOISE + 2) - 2
    return torch.maximum(pictures, level + GRAIN * torch.randn(pictures.shape))
