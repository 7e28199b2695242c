"""The classifier that tells pairs of one group from pairs of two, and what is measured with it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from torch import Tensor

from gan import ImageDiscriminator, ImageGenerator, ImagePipeline
from gan.data import DataReport
from gan.image import metrics, pairs
from gan.image.data import ImageSet
from gan.image.siamese import SIDE

LETTERS = ["a", "b", "c"]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where classifiers are kept: one is trained for all tests, and not for long."""
    home = tmp_path_factory.mktemp("huggingface")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HOME", str(home))
        patch.setattr(pairs, "EXAMPLES_SEEN", 15_000)
        yield home / "gan-studio/classifiers"


def drawn(styles: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """8x8 pictures of bars: the label says where they lie, the style how bright they are."""
    pixels = np.random.default_rng(0).integers(0, 20, (len(labels), 1, 8, 8), dtype=np.uint8)
    for picture, style, label in zip(pixels, styles, labels):
        picture[0, 2 * label : 2 * label + 3] += np.uint8(30 + 200 * style)
    return pixels


def letters(groups: int, seed: int, split: str, first: int = 0) -> ImageSet:
    styles = np.random.default_rng(seed).random(groups).repeat(3)
    labels = np.tile(np.arange(3), groups)
    numbers = np.arange(first, first + groups).repeat(3)
    return ImageSet(
        drawn(styles, labels), labels, LETTERS, "bars", split, report=DataReport("pictures"), groups=numbers
    )


@pytest.fixture
def sets() -> tuple[ImageSet, ImageSet]:
    return letters(400, 0, "train"), letters(60, 1, "test", first=400)


def test_triples_are_of_one_group_and_of_another_with_the_same_label(sets: tuple[ImageSet, ImageSet]) -> None:
    train_set, test_set = sets
    triples = pairs.held_out_triples(train_set, test_set)
    first, mate, stranger = (part.numpy() for part in (triples.first, triples.mate, triples.stranger))
    groups, labels = test_set.groups, test_set.labels
    assert len(first) == len(np.unique(first)) == 180
    assert (groups[first] == groups[mate]).all() and (labels[first] != labels[mate]).all()
    assert (groups[first] != groups[stranger]).all() and (labels[mate] == labels[stranger]).all()
    again = pairs.held_out_triples(train_set, test_set)
    assert torch.equal(again.stranger, triples.stranger)


def test_groups_that_are_trained_on_are_not_measured() -> None:
    train_set, test_set = letters(400, 0, "train"), letters(60, 1, "test", first=370)
    triples = pairs.held_out_triples(train_set, test_set)
    assert len(triples.first) == 90 and not np.isin(test_set.groups[triples.first], train_set.groups).any()


def test_a_label_of_one_group_makes_no_pair_of_two() -> None:
    draw = pairs.TripleSampler(np.array([0, 0, 1, 1]), np.array([[0], [1], [0], [2]]))
    triples = draw(torch.tensor([0, 1, 2, 3]), torch.zeros(4, 2))
    assert torch.stack([triples.first, triples.mate, triples.stranger]).T.tolist() == [[1, 0, 2], [3, 2, 0]]


def test_one_seed_is_told_from_two(sets: tuple[ImageSet, ImageSet], cache: Path) -> None:
    train_set, test_set = sets
    triples = pairs.held_out_triples(train_set, test_set)
    assert pairs.why_no_pairs(train_set, triples) is None
    classifier = pairs.classifier_for(train_set)
    (kept,) = cache.glob(f"*-pairs-{pairs.RECIPE}")
    assert {file.name for file in kept.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}

    def faithful(seeds: list[int], asked: Tensor) -> Tensor:  # a style a seed
        styles = np.random.default_rng(2).random(1_000)[seeds]
        return torch.from_numpy(drawn(styles, asked[:, 0].numpy()))

    def careless(seeds: list[int], asked: Tensor) -> Tensor:  # a style a picture
        styles = np.random.default_rng(int(asked.sum())).random(len(seeds))
        return torch.from_numpy(drawn(styles, asked[:, 0].numpy()))

    found = pairs.measure(classifier, test_set, triples, faithful)
    one, two = found["metrics"]
    assert found["pair_classifier_accuracy"] > 0.85 and one["reference"] > 0.85 and two["reference"] < 0.2
    assert one["value"] > 0.85 and two["value"] < 0.2
    assert pairs.measure(classifier, test_set, triples, careless)["metrics"][0]["value"] < 0.4
    assert pairs.measure(pairs.classifier_for(train_set), test_set, triples, faithful) == found


def test_an_evaluation_says_how_well_pairs_go_together(sets: tuple[ImageSet, ImageSet]) -> None:
    train_set, test_set = sets
    shape = {"resolution": (8, 8), "image_channels": 1, "num_classes": 3, "channels": (16, 16)}
    model = ImagePipeline(ImageGenerator(latent_dim=4, **shape), ImageDiscriminator(**shape), LETTERS)
    found = metrics.evaluate(model, train_set, test_set)
    kinds = [record["type"] for record in found["metrics"]]
    assert kinds[-2:] == ["pairs_of_one_group", "pairs_of_two_groups"]
    assert f"right on {found['pair_classifier_accuracy']:.0%} of pairs of held-out groups" in found["note"]


def test_few_pictures_or_held_out_groups_are_not_measured(sets: tuple[ImageSet, ImageSet]) -> None:
    train_set, test_set = sets
    few = letters(5, 1, "test", first=400)
    assert "there are 15 pairs of held-out groups" in str(
        pairs.why_no_pairs(train_set, pairs.held_out_triples(train_set, few))
    )
    small = letters(40, 0, "train")
    triples = pairs.held_out_triples(small, test_set)
    assert "120 pictures are too few" in str(pairs.why_no_pairs(small, triples))


@pytest.mark.parametrize("resolution", [(64, 64), (48, 96), (33, 20)])
def test_large_pictures_are_judged_small(resolution: tuple[int, int]) -> None:
    classifier = pairs.PairClassifier(resolution, 3, (2,))
    pictures, labels = torch.zeros(5, 3, *resolution, dtype=torch.uint8), torch.zeros(5, 1, dtype=torch.int64)
    assert classifier.of(pictures, pictures, labels, labels).shape == (5,)
    assert max(classifier.network.halve(pictures.float()).shape[2:]) <= SIDE
