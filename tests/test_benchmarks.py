"""What the benchmarks compute; that they run to the end takes minutes and is not tested here."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
import baseline
import compare
import dcgan
import stacked_mnist
import throughput

from gan import ImageEncoder, ImagePipeline
from gan.image.data import ImageSet


def test_modes_all_drawn_alike_diverge_by_nothing_and_a_single_one_by_its_surprise() -> None:
    shares = torch.full((1000,), 1e-3, dtype=torch.float64)
    even = stacked_mnist.score(torch.arange(1000).repeat(3), shares)
    assert even["modes"] == 1000
    assert even["KL"] == pytest.approx(0, abs=1e-9)
    single = stacked_mnist.score(torch.full((50,), 123), shares)
    assert single["modes"] == 1
    assert single["KL"] == pytest.approx(math.log(1000))


def test_stacked_digits_are_channels_and_what_is_written_is_read_again(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(30, 1, 28, 28)).astype(np.uint8)
    digits = ImageSet(pixels, np.arange(30) % 10, [str(k) for k in range(10)], "digits", "train")
    stacked = stacked_mnist.stack(digits, 25, seed=0)
    assert stacked.shape == (25, 3, 32, 32)
    assert stacked[:, :, :2].max() == 0
    assert any((stacked[0, 1, 2:-2, 2:-2] == digit).all() for digit in pixels[:, 0])
    stacked_mnist.write_dataset(tmp_path, stacked)
    train_set, test_set = baseline.load(str(tmp_path), "--unconditional")
    assert len(train_set) + len(test_set) == 25
    assert train_set.labels is None
    read = np.concatenate([train_set.pixels, test_set.pixels])
    assert sorted(read.sum((1, 2, 3))) == sorted(stacked.sum((1, 2, 3)))


@pytest.mark.parametrize(
    ("resolution", "channels", "classes"), [((28, 28), 1, 10), ((32, 32), 3, 0), ((64, 48), 3, 2)]
)
def test_dcgan_draws_and_judges_pictures_of_any_size(resolution: tuple[int, int], channels: int, classes: int) -> None:
    shape = (resolution, channels, classes, 8)
    generator, discriminator = dcgan.Generator(*shape), dcgan.Discriminator(*shape)
    labels = torch.tensor([0, 1, 1]) if classes else None
    images = generator(torch.randn(3, dcgan.LATENT), labels)
    assert images.shape == (3, channels, *resolution)
    assert images.abs().max() <= 1
    assert discriminator(images, labels).shape == (3,)


def test_operations_are_counted_forwards_and_backwards() -> None:
    image, weight = torch.randn(2, 4, 8, 8, requires_grad=True), torch.randn(4, 4, 3, 3, requires_grad=True)
    one_pass = 2 * 2 * 4 * 4 * 9 * 8 * 8
    assert throughput.flops(lambda: F.conv2d(image, weight, padding=1)) == one_pass
    assert throughput.flops(lambda: F.conv2d(image, weight, padding=1).sum().backward()) == 3 * one_pass


def test_the_comparison_shows_what_is_known_of_each_model(
    make_pipeline: Callable[..., ImagePipeline],
) -> None:
    gan = make_pipeline()
    encoder = ImageEncoder((16, 16), 3, 3, gan.generator.config.latent_dim, gan.generator.config.channels)
    both = ImagePipeline(gan.generator, gan.discriminator, gan.labels, encoder=encoder)
    both.training = {"images_seen": 64, "seconds": 90}
    both.metrics = {"metrics": [{"name": "Precision (classifier features)", "value": 0.5}]}
    row = compare.row("some/folder", both)
    assert (row["minutes"], row["Precision"], row["Recall"]) == (1.5, 0.5, None)
    held_out = ImageSet(np.zeros((4, 3, 16, 16), np.uint8), None, None, "black", "test")
    picture = compare.figure([gan, both], held_out)
    assert picture.width > 2 * compare.SCALE * compare.SEEDS * 16
