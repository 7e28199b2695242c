"""A classifier of a model's own samples."""

import torch

from gan.latent.classifier import SampleClassifier, small


def samples(classes: torch.Tensor, seed: int) -> torch.Tensor:
    """Noise with a bright row, whose place is the class."""
    noise = torch.randn(len(classes), 1, 32, 24, generator=torch.Generator().manual_seed(seed))
    for image, k in zip(noise, classes.tolist()):
        image[0, 4 * k : 4 * k + 4] += 3
    return noise


def test_it_tells_the_classes_of_other_samples():
    classes = torch.arange(300) % 5
    classifier = SampleClassifier(small(samples(classes, 0)), classes, 5)
    assert (classifier(small(samples(classes, 1))) == classes).float().mean() > 0.95
