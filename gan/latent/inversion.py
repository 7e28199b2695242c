"""Inversion: the codes whose sample is a given image (Abdal et al. 2019, "Image2StyleGAN", with every layer free).

What images have in common is measured by the discriminator's features, which a model brings along, beside the pixels.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.latent.space import CodeSpace

LEARNING_RATE = 0.2  # in standard deviations of the codes
BETAS = (0.7, 0.8)  # a few dozen steps are too few for longer memories
DECAY = 0.25  # share of the steps, the last ones, in which the learning rate falls to 0
PRIOR = 2e-4  # weight of the squared distance from the mean code, in standard deviations: what is drawn stays editable
PERCEPTUAL = 0.5  # weight of the features against the pixels
STEPS = 60  # by default: 64x64 in a second and a half on two cores
CANDIDATES = 256  # seeds, the best of which is where inversion starts
SHORTLIST = 32  # of these, the nearest in pixels, whose features are compared

Features = Callable[[Tensor], list[Tensor]]


class ImageDistance:
    """How far images are from targets: mean squared error of pixels and, if there is a discriminator, of its features.

    Args:
        targets: (n, channels, height, width) in [-1, 1].
        features: images to maps (n, channels, height, width) of several stages, or `None`.
    """

    def __init__(self, targets: Tensor, features: Features | None):
        self.targets, self.features = targets, features
        with torch.no_grad():
            self.maps = [] if features is None else [normalised(stage) for stage in features(targets)]

    def __call__(self, images: Tensor) -> Tensor:
        """(n,)"""
        distance = (images - self.targets).square().mean((1, 2, 3))
        if self.features is None:
            return distance
        stages = zip(self.features(images), self.maps)
        apart = [(normalised(stage) - target).square().sum(1).mean((1, 2)) for stage, target in stages]
        return distance + PERCEPTUAL * torch.stack(apart).mean(0)

    def of(self, index: int) -> "ImageDistance":
        """The same for one of the targets, to compare many images with."""
        one = object.__new__(ImageDistance)
        one.targets, one.features = self.targets[index : index + 1], self.features
        one.maps = [stage[index : index + 1] for stage in self.maps]
        return one


def normalised(features: Tensor) -> Tensor:
    """Unit length over channels, as in LPIPS (Zhang et al. 2018)."""
    return F.normalize(features, dim=1)


def nearest_start(distance: ImageDistance, codes: Tensor, images: Tensor) -> Tensor:
    """The codes (n, layers, width) of the candidates that are nearest to each of the n targets.

    Args:
        codes, images: of the candidates. Those nearest in pixels are compared by features, too.
    """
    found = []
    with torch.no_grad():
        for k, target in enumerate(distance.targets):
            apart = (images - target).square().mean((1, 2, 3))
            near = apart.topk(min(SHORTLIST, len(images)), largest=False).indices
            found.append(near[distance.of(k)(images[near]).argmin()])
    return codes[torch.stack(found)]


def held_rate(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate is held, and falls to 0 over the last steps."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (1 - step / max(1, steps)) / DECAY))


def inversion(
    generator: nn.Module, distance: ImageDistance, space: CodeSpace, start: Tensor, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Codes and their distances from the targets, (n, layers, width) and (n,), from the start on and after each step.

    Adam in whitened codes, kept near the mean code; its learning rate is held, and falls to 0 in a line at the end.
    """
    with torch.inference_mode(False), torch.enable_grad():
        start = start.clone()
        whitened = space.whiten(start).clone().requires_grad_()
        optimizer = torch.optim.Adam([whitened], LEARNING_RATE, betas=BETAS)
        schedule = held_rate(optimizer, steps)
        for step in range(steps + 1):
            codes = space.colour(whitened, start)
            apart = distance(generator.draw(codes))
            yield codes.detach(), apart.detach()
            if step < steps:
                loss = apart + PRIOR * whitened.square().mean((1, 2))
                (whitened.grad,) = torch.autograd.grad(loss.sum(), whitened)
                optimizer.step()
                schedule.step()
