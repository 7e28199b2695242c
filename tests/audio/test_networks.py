"""The networks of sounds: folded spectrograms, several labels at once."""

import pytest
import torch

from gan import AudioDiscriminator, AudioGenerator, GANError
from gan.audio.networks import fold, folded_size, stage_channels, unfold

SHAPES = {(2048, 256): (64, 16), (6144, 256): (64, 48), (16384, 512): (64, 64), (8192, 1024): (64, 16)}


@pytest.mark.parametrize(("shape", "size"), SHAPES.items(), ids=str)
@pytest.mark.parametrize("num_classes", [(), (3,), (10, 6)], ids=str)
def test_shapes(shape: tuple[int, int], size: tuple[int, int], num_classes: tuple[int, ...]) -> None:
    samples, n_fft = shape
    assert folded_size(samples, n_fft) == size
    channels = tuple(min(16, width) for width in stage_channels(size, "tiny"))
    shared = {"samples": samples, "n_fft": n_fft, "num_classes": num_classes, "channels": channels}
    generator, discriminator = AudioGenerator(latent_dim=7, **shared), AudioDiscriminator(**shared)
    labels = torch.tensor([[1] * len(num_classes), [2] * len(num_classes)]) if num_classes else None
    spectrograms = generator(torch.randn(2, 7), labels)
    assert spectrograms.shape == (2, 1, n_fft // 2, samples // (n_fft // 4))
    assert discriminator(spectrograms, labels).shape == (2,)


def test_folding() -> None:
    spectrogram = torch.arange(2 * 256 * 8.0).view(2, 1, 256, 8)
    grid = fold(spectrogram)
    assert grid.shape == (2, 8, 64, 4)
    assert torch.equal(grid[1, :, 3, 2], spectrogram[1, 0, 12:16, 4:6].flatten())
    assert grid.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(unfold(grid), spectrogram)


@pytest.mark.parametrize(("samples", "n_fft"), [(1000, 256), (0, 256), (4096, 64), (4096, 300)])
def test_lengths_that_do_not_divide(samples: int, n_fft: int) -> None:
    for network in (AudioGenerator, AudioDiscriminator):
        with pytest.raises(GANError, match=f"{samples} samples with a window of {n_fft}"):
            network(samples=samples, n_fft=n_fft)


def test_every_column_is_told_and_judged() -> None:
    shared = {"samples": 2048, "num_classes": (3, 2), "channels": (16, 16, 16)}
    generator, discriminator = AudioGenerator(latent_dim=7, **shared), AudioDiscriminator(**shared)
    with torch.no_grad():
        discriminator.stages[0].bias.fill_(0.1)
    latents = torch.randn(1, 7).expand(3, -1)
    labels = torch.tensor([[0, 0], [1, 0], [0, 1]])
    spectrograms = generator(latents, labels)
    assert not torch.equal(spectrograms[0], spectrograms[1]) and not torch.equal(spectrograms[0], spectrograms[2])
    logits = discriminator(spectrograms[:1].expand(3, -1, -1, -1), labels)
    assert len(set(logits.tolist())) == 3


def test_weights_of_classes_are_labels_too() -> None:
    generator = AudioGenerator(samples=2048, num_classes=(3, 2), channels=(16, 16, 16))
    latents = torch.randn(1, 64)
    weights = torch.tensor([[0.0, 1, 0, 0, 1]])
    assert torch.equal(generator(latents, weights), generator(latents, torch.tensor([[1, 1]])))


def test_the_defaults_fit_each_other() -> None:
    assert AudioDiscriminator()(AudioGenerator()(torch.randn(1, 64))).shape == (1,)
