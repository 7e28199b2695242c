"""Feature spaces that clips are compared in.

A small classifier trained on the data set's own labels, a public embedding of speech (`gan.audio.speech`), and, where
there are no labels, a coarse spectrogram.
"""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.audio import speech
from gan.audio.spectrogram import analyse, window_size
from gan.errors import GANError
from gan.features import FeatureSpace, cached, fit, why_no_classifier
from gan.utils.subsets import fixed_random_subset

if TYPE_CHECKING:
    from gan.audio.data import AudioSet

SPACES = ("auto", "classifier", "speech")
FEATURES = 64
RECIPE = 1  # of the classifier: raised with any change to the network or its training, as older ones are kept on disk
MIN_CLIPS, MAX_CLIPS = 200, 20_000  # that a classifier is trained on
EXAMPLES_SEEN, MIN_EPOCHS = 32_000, 3  # in training: small sets take more epochs
BATCH, LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 64, 2e-3, 0.05, 0.3
SHIFT = 0.06  # seconds that a clip may start earlier or later
MAX_NOISE, GRAIN = 0.0, 0.1  # on the scale of the spectrogram, [-1, 1]; makes it robust against faint hiss
SIDE = 64  # at most, of the spectrogram that the classifier sees: finer ones take longer and help nothing
COARSE = 16  # side of the spectrogram that is a feature space itself


class AudioClassifier(ModelMixin, ConfigMixin):
    """A small convolutional network that predicts the classes of a clip; its last hidden layer is a feature space.

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

    def spectrograms(self, clips: Tensor) -> Tensor:
        """Clips (n, samples) in [-1, 1] to what the network sees: log magnitudes (n, 1, at most 64, at most 64)."""
        whole = [analyse(batch, window_size(self.config.sampling_rate)) for batch in clips.split(BATCH)]
        return torch.cat([F.avg_pool2d(spectrogram, self.pool) for spectrogram in whole])

    def forward(self, spectrograms: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Spectrograms from `spectrograms` to features (n, 64) and the logits (n, classes) of each column."""
        features = F.relu(self.to_features(self.body(spectrograms)))
        return features, [head(features) for head in self.to_logits]

    def predict_from_features(self, features: Tensor) -> Tensor:
        """Features (n, 64) to the most likely classes, int64 (n, columns)."""
        return torch.stack([head(features).argmax(1) for head in self.to_logits], dim=1)

    @torch.inference_mode()
    def predict(self, clips: Tensor) -> Tensor:
        """Clips (n, samples) in [-1, 1] to the most likely classes of each, int64 (n, columns)."""
        features = [self(self.spectrograms(batch))[0] for batch in clips.split(BATCH)]
        return self.predict_from_features(torch.cat(features))


def train_classifier(train_set: "AudioSet") -> AudioClassifier:
    """AdamW over labelled clips, augmented by random shifts in time and noise; all label columns at once."""
    chosen = fixed_random_subset(len(train_set), min(len(train_set), MAX_CLIPS))
    labels = train_set.classes(chosen)
    assert labels is not None and train_set.label_names is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        counts = [len(names) for names in train_set.label_names.values()]
        classifier = AudioClassifier(train_set.sampling_rate, train_set.samples, counts)
    spectrograms = classifier.spectrograms(train_set.clips(chosen))
    hop = window_size(train_set.sampling_rate) // 4
    most = max(1, round(SHIFT * train_set.sampling_rate / (hop * classifier.pool[1])))

    def loss(batch: Tensor) -> Tensor:
        _, logits = classifier(_with_noise(_shifted(spectrograms[batch], most)))
        return torch.stack([F.cross_entropy(head, labels[batch, k]) for k, head in enumerate(logits)]).sum()

    epochs = max(MIN_EPOCHS, round(EXAMPLES_SEEN / len(chosen)))
    return fit(classifier, loss, len(chosen), "clips", epochs, BATCH, LEARNING_RATE, WEIGHT_DECAY)


def classifier_for(train_set: "AudioSet") -> AudioClassifier:
    """The classifier of a labelled data set, from the cache or trained now and kept there.

    The same clips and labels always find the same classifier. Of larger sets it sees a fixed random subset of 20,000
    clips.

    Raises:
        GANError: if the clips have no labels, all the same ones, or are fewer than 200.
    """
    if reason := why_no_classifier(train_set, MIN_CLIPS, "clips"):
        raise GANError(f"No classifier can be trained to measure with: {reason}.")
    name = f"{train_set.fingerprint()}-audio-{RECIPE}"
    return cached(AudioClassifier, name, lambda: train_classifier(train_set))


def feature_space(kind: str, train_set: "AudioSet") -> FeatureSpace:
    """The space to measure clips like these in.

    Args:
        kind: one of `SPACES`. "auto" is the classifier where the clips have labels and are enough, else the coarse
            spectrogram.

    Raises:
        GANError: if the one that was asked for is not available.
    """
    if kind == "speech":
        network = speech.embedding(train_set.sampling_rate)
        classifier = None if why_no_classifier(train_set, MIN_CLIPS, "clips") else classifier_for(train_set)
        return FeatureSpace("speech embedding", network, "speech", classifier)
    if kind == "auto" and why_no_classifier(train_set, MIN_CLIPS, "clips"):
        return coarse_spectrograms(train_set.sampling_rate)
    classifier = classifier_for(train_set)
    return FeatureSpace(
        "classifier features", lambda clips: classifier(classifier.spectrograms(clips))[0], "classifier", classifier
    )


def coarse_spectrograms(sampling_rate: int) -> FeatureSpace:
    """The log-magnitude spectrogram averaged to 16 bands and 16 frames: a space that nothing was learned for."""

    def network(clips: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(analyse(clips, window_size(sampling_rate)), COARSE).flatten(1)

    return FeatureSpace(f"{COARSE} x {COARSE} spectrograms", network, "spectrogram")


def _shifted(spectrograms: Tensor, most: int) -> Tensor:
    """Spectrograms (n, 1, bins, frames), each shifted by up to `most` frames either way and padded with silence."""
    wide = F.pad(spectrograms, (most, most), value=-1.0)
    starts = torch.randint(2 * most + 1, (len(spectrograms), 1, 1, 1))
    return wide.gather(3, (torch.arange(spectrograms.shape[3]) + starts).expand_as(spectrograms))


def _with_noise(spectrograms: Tensor) -> Tensor:
    """Spectrograms with a noise floor of random level, for half of them below silence."""
    level = torch.rand(len(spectrograms), 1, 1, 1) * (MAX_NOISE + 2) - 2
    return torch.maximum(spectrograms, level + GRAIN * torch.randn(spectrograms.shape))
