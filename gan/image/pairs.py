"""Whether two pictures belong together: a classifier of pairs, and what it says of generated ones.

A model that was trained on groups (`--group_column`) should make one group of one seed: one typeface, whatever the
letter. A small network learns from real pictures to tell pairs of one group from pairs of two. It sees the same
labels in both cases, and is believed as far as it is right on groups that it has not seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor

from gan.data import Pairs
from gan.features import cached, fit
from gan.image.features import MAX_PICTURES, MIN_PICTURES
from gan.image.preprocessing import as_floats
from gan.image.siamese import SiameseNetwork
from gan.metrics.records import MIN_SAMPLES, metric_record
from gan.utils.distributed import map_batches
from gan.utils.files import fingerprint
from gan.utils.subsets import fixed_random_subset, training_subset

if TYPE_CHECKING:
    from gan.image.data import ImageSet

EXAMPLES_SEEN, MIN_EPOCHS = 100_000, 1  # in training: small sets take more epochs
BATCH, LEARNING_RATE = 64, 2e-3
RECIPE = 3  # raised with any change to the network or its training, as older ones are kept on disk
MAX_PAIRS = 2_000  # that are measured, of each kind


class PairClassifier(ModelMixin, ConfigMixin):
    """A small convolutional network that tells pairs of one group from pairs of two.

    Args:
        resolution: (height, width) of a picture.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: of each label column.
    """

    @register_to_config
    def __init__(self, resolution: tuple[int, int], image_channels: int, num_classes: tuple[int, ...]):
        super().__init__()
        self.network = SiameseNetwork(resolution, image_channels, tuple(num_classes))

    def forward(self, images: Tensor, labels: Tensor, pairs: Tensor) -> Tensor:
        """The logits (k,) of `SiameseNetwork`, above 0 where a pair is taken for one of a single group."""
        return self.network(images, labels, pairs)

    def of(self, one: Tensor, other: Tensor, labels: Tensor, other_labels: Tensor) -> Tensor:
        """The logits of pairs of uint8 pictures (n, channels, height, width) with labels (n, columns)."""
        images = as_floats(torch.cat([one, other]))
        return self(images, torch.cat([labels, other_labels]), torch.arange(len(images)).view(2, -1).T)


@dataclass
class Triples:
    """Indices of pictures, int64 (n,) each.

    Attributes:
        first: of any group.
        mate: of the same group and with other labels.
        stranger: of another group, with the labels of the mate.
    """

    first: Tensor
    mate: Tensor
    stranger: Tensor


class TripleSampler:
    """Draws triples of a set.

    Args:
        groups: int64 (n,).
        labels: int64 (n, columns).

    Attributes:
        usable: int64 indices of pictures that have a mate.
    """

    def __init__(self, groups: np.ndarray, labels: np.ndarray):
        label = np.unique(labels, axis=0, return_inverse=True)[1].ravel()
        self._mates, self._strangers = Pairs(groups, labels), Pairs(label, groups)
        self.usable = np.flatnonzero(self._mates.partners)

    def __call__(self, first: Tensor, chance: Tensor) -> Triples:
        """
        Args:
            first: int64 (n,), of `usable`.
            chance: (n, 2) in [0, 1).

        Returns:
            Triples of these; without those whose mate is the only picture with its labels.
        """
        mate = self._mates.complete(first.repeat_interleave(2), chance[:, 0])[1::2]
        known = torch.from_numpy(self._strangers.partners[mate.numpy()] > 0)
        first, mate, chance = first[known], mate[known], chance[known]
        stranger = self._strangers.complete(mate.repeat_interleave(2), chance[:, 1])[1::2]
        return Triples(first, mate, stranger)


def train_classifier(train_set: "ImageSet") -> PairClassifier:
    """AdamW over pictures, each with a mate and a stranger drawn anew every time."""
    labels, names = train_set.columns()
    assert labels is not None and train_set.groups is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        counts = tuple(map(len, names.values()))
        classifier = PairClassifier(train_set.resolution, train_set.channels, counts)
    draw, pixels, all_labels = TripleSampler(train_set.groups, labels), train_set.pixels, torch.from_numpy(labels)
    usable = torch.from_numpy(draw.usable[training_subset(len(draw.usable), MAX_PICTURES)])

    def loss(batch: Tensor) -> Tensor:
        triples = draw(usable[batch], torch.rand(len(batch), 2))
        chosen = [triples.first, triples.mate, triples.stranger]
        images = as_floats(torch.from_numpy(pixels[torch.cat(chosen).numpy()]))
        one, mate, stranger = torch.arange(len(images)).chunk(3)
        pairs = torch.cat([torch.stack([one, mate], dim=1), torch.stack([one, stranger], dim=1)])
        together, apart = classifier(images, all_labels[torch.cat(chosen)], pairs).chunk(2)
        return (F.softplus(-together).sum() + F.softplus(apart).sum()) / (2 * len(batch))

    epochs = max(MIN_EPOCHS, round(EXAMPLES_SEEN / len(usable)))
    return fit(classifier, loss, len(usable), "pairs", epochs, BATCH, LEARNING_RATE)


def classifier_for(train_set: "ImageSet") -> PairClassifier:
    """The pair classifier of a set with groups, from the cache or trained now and kept there."""
    assert train_set.groups is not None
    name = f"{train_set.fingerprint()}-{fingerprint(train_set.groups)}-pairs-{RECIPE}"
    return cached(PairClassifier, name, lambda: train_classifier(train_set))


def why_no_pairs(train_set: "ImageSet", triples: Triples) -> str | None:
    """Why pairs cannot be measured; `None` if they can."""
    if len(train_set) < MIN_PICTURES:
        return f"{len(train_set):,} pictures are too few to learn which belong together, it takes {MIN_PICTURES:,}"
    if len(triples.first) < MIN_SAMPLES:
        return f"there are {len(triples.first)} pairs of held-out groups, it takes {MIN_SAMPLES}"
    return None


def held_out_triples(train_set: "ImageSet", test_set: "ImageSet") -> Triples:
    """Triples of held-out pictures, 2,000 at most and always the same ones, of groups that are not trained on."""
    labels, _ = test_set.columns()
    assert labels is not None and train_set.groups is not None and test_set.groups is not None
    unseen = np.flatnonzero(~np.isin(test_set.groups, train_set.groups))
    draw = TripleSampler(test_set.groups[unseen], labels[unseen])
    first = torch.from_numpy(draw.usable)[fixed_random_subset(len(draw.usable), MAX_PAIRS)]
    triples = draw(first, torch.rand(len(first), 2, generator=torch.Generator().manual_seed(0)))
    places = torch.from_numpy(unseen)
    return Triples(places[triples.first], places[triples.mate], places[triples.stranger])


@torch.inference_mode()
def measure(
    classifier: PairClassifier,
    test_set: "ImageSet",
    triples: Triples,
    draw: Callable[[list[int], Tensor], Tensor],
) -> dict[str, Any]:
    """How often pairs are taken for pairs of one group: generated ones beside real ones of held-out groups.

    Args:
        draw: seeds and the labels that are asked for, int64 (n, columns) as the data count them, to uint8 pictures.

    Returns:
        `metrics`: two records, of pairs of one seed and of two; `pair_classifier_accuracy`, on real pairs.
    """
    labels, _ = test_set.columns()
    assert labels is not None
    asked, asked_mate = (torch.from_numpy(labels[part.numpy()]) for part in (triples.first, triples.mate))

    def share(one: Tensor, other: Tensor) -> float:
        logits = map_batches(classifier.of, one, other, asked, asked_mate, batch=BATCH, what="Comparing pairs")
        return round(float((logits > 0).double().mean()), 4)

    seeds = list(range(len(asked)))
    one, mate = draw(seeds, asked), draw(seeds, asked_mate)
    stranger = draw([seed + len(seeds) for seed in seeds], asked_mate)
    parts = (triples.first, triples.mate, triples.stranger)
    real, real_mate, real_stranger = (torch.from_numpy(test_set.pixels[part.numpy()]) for part in parts)
    rows = [
        ("Pairs of one group taken for one", "pairs_of_one_group", True, share(one, mate), share(real, real_mate)),
        (
            "Pairs of two groups taken for one",
            "pairs_of_two_groups",
            False,
            share(one, stranger),
            share(real, real_stranger),
        ),
    ]
    records = [
        metric_record(name, kind, value, better)
        | {"samples": len(seeds), "reference": reference, "split": test_set.split, "group": "pairs"}
        for name, kind, better, value, reference in rows
    ]
    accuracy = (records[0]["reference"] + 1 - records[1]["reference"]) / 2
    return {"metrics": records, "pair_classifier_accuracy": round(accuracy, 4)}
