"""Dragging: points of a sample are pulled to where the user wants them (Pan et al. 2023, "Drag your GAN").

Motion supervision: the codes of the first layers change so that the features around a handle reappear one pixel nearer
to its target. Point tracking: the handle is then looked for, by its first feature, near where it was.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.errors import GANError
from gan.latent.space import CodeSpace

STEP = 0.3  # length of a step of the codes, in standard deviations
SUPERVISED, TRACKED = 2, 3  # radius in pixels of the patch that moves and of the one that is searched, at 64 pixels
MASK_WEIGHT = 1.0  # of features that should stay, against those that should move
FREE_RADIUS = 0.25  # of the image: how far around handles it may change without a mask
FREE_WEIGHT = 0.5  # the same without a mask
ARRIVED = 0.5  # pixels
MAX_HANDLES, MAX_STEPS = 16, 1000


class Drag(NamedTuple):
    """Where dragging stands.

    Attributes:
        codes: (1, layers, width).
        handles: (k, 2) as (x, y) in pixels, where the handles are now.
    """

    codes: Tensor
    handles: Tensor


def check_points(handles: Tensor, targets: Tensor, size: tuple[int, int]) -> None:
    """Raises `GANError` unless handles and targets are (k, 2) points (x, y) in an image of size (height, width)."""
    if handles.ndim != 2 or handles.shape[1:] != (2,) or handles.shape != targets.shape or not len(handles):
        raise GANError("Dragging takes a list of handles and a target for each, all of them points (x, y) in pixels.")
    if len(handles) > MAX_HANDLES:
        raise GANError(f"{len(handles)} handles cannot be dragged at once; {MAX_HANDLES} are the most.")
    height, width = size
    points = torch.cat([handles, targets])
    inside = (points >= 0) & (points <= points.new_tensor([width - 1, height - 1]))
    if not (points.isfinite() & inside).all():
        raise GANError(f"A handle or target is outside the image, which has {width} columns and {height} rows.")


def drag(
    generator: nn.Module,
    space: CodeSpace,
    codes: Tensor,
    handles: Tensor,
    targets: Tensor,
    steps: int,
    mask: Tensor | None = None,
    since: Drag | None = None,
) -> Iterator[Drag]:
    """Moves handles to targets, step by step along the gradient; ends early once all have arrived.

    Steps have a fixed length: Adam, which DragGAN uses, moves all coordinates alike, and the image with them.

    Args:
        codes: (1, layers, width) of the sample.
        handles, targets: (k, 2) points (x, y) in pixels.
        mask: (height, width), 1 where the image may change, 0 where it should not; `None` for near the handles, with
            half the weight.
        since: where dragging began, if this goes on with it: what is looked for, and what should stay, are of there.

    Yields:
        The codes and handles after each step.
    """
    free = torch.zeros(codes.shape[1], 1, device=codes.device)
    free[: -(-2 * codes.shape[1] // 3)] = 1  # the coarser two thirds of the layers
    with torch.inference_mode(False), torch.enable_grad():
        codes, handles, targets = codes.clone(), handles.clone().float(), targets.clone().float()
        start = space.whiten(codes)
        change = torch.zeros_like(start)
        with torch.no_grad():
            began = Drag(codes, handles) if since is None else since
            first = feature_map(generator, began.codes.clone())
            sought = sample(first, began.handles.clone())  # (k, channels)
        size = first.shape[2:]
        free_region, weight = (
            (near(began.handles, targets, size), FREE_WEIGHT) if mask is None else (mask, MASK_WEIGHT)
        )
        grow = max(1.0, max(size) / 64)
        patch, area = (disc(round(radius * grow)).to(codes.device) for radius in (SUPERVISED, TRACKED))
        features = feature_map(generator, space.colour(start + change.requires_grad_() * free, codes))
        for _ in range(steps):
            loss = motion(features, handles, targets, patch)
            loss = loss + weight * ((features - first).abs() * (1 - free_region)).mean()
            (gradient,) = torch.autograd.grad(loss, change)
            change = (change.detach() - STEP * gradient / gradient.norm().clamp_min(1e-8)).requires_grad_()
            now = space.colour(start + change * free, codes)
            features = feature_map(generator, now)  # where handles are looked for, and what the next step starts from
            handles = track(features.detach(), handles, sought, area)
            yield Drag(now.detach(), handles)
            if ((targets - handles).norm(dim=1) < ARRIVED).all():
                return


def feature_map(generator: nn.Module, codes: Tensor) -> Tensor:
    """(1, channels, height, width): the features of the finest stage but one, in the resolution of the sample."""
    samples, features = generator.draw(codes, return_features=True)
    stage = features[max(0, len(features) - 2)]
    return F.interpolate(stage, samples.shape[2:], mode="bilinear", align_corners=False)


def near(handles: Tensor, targets: Tensor, size: tuple[int, int]) -> Tensor:
    """(height, width): a mask that falls off as a Gaussian around the middle between each handle and its target."""
    rows, columns = (torch.arange(length, device=handles.device) for length in size)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    radius = FREE_RADIUS * max(size) + (targets - handles).norm(dim=1) / 4
    middle = (handles + targets) / 2
    squared = (x[..., None] - middle[:, 0]).square() + (y[..., None] - middle[:, 1]).square()
    return (-squared / (2 * radius.square())).exp().amax(2)


def motion(features: Tensor, handles: Tensor, targets: Tensor, patch: Tensor) -> Tensor:
    """Motion supervision: the features around each handle should reappear a step of one pixel nearer to the target."""
    loss = features.new_zeros(())
    for handle, target in zip(handles, targets):
        way = target - handle
        step = way / way.norm().clamp_min(1)
        points = handle + patch
        loss = loss + (sample(features, points + step) - sample(features, points).detach()).abs().mean()
    return loss


def track(features: Tensor, handles: Tensor, sought: Tensor, area: Tensor) -> Tensor:
    """(k, 2): where, around each handle, the features (k, channels) that it had at first are found now."""
    height, width = features.shape[2:]
    found = []
    for handle, feature in zip(handles, sought):
        points = (handle + area).clamp_min(0).minimum(handle.new_tensor([width - 1, height - 1]))
        found.append(points[(sample(features, points) - feature).abs().sum(1).argmin()])
    return torch.stack(found)


def sample(features: Tensor, points: Tensor) -> Tensor:
    """(k, channels): the features (1, channels, height, width) at points (k, 2), between pixels interpolated."""
    height, width = features.shape[2:]
    grid = 2 * points / points.new_tensor([width - 1, height - 1]) - 1
    return F.grid_sample(features, grid[None, None], align_corners=True, padding_mode="border")[0, :, 0].T


def disc(radius: int) -> Tensor:
    """(k, 2): offsets (x, y) within a radius, the centre first."""
    axis = torch.arange(-radius, radius + 1).float()
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([x.flatten(), y.flatten()], dim=1)
    points = points[points.norm(dim=1) <= radius + 0.5]
    return points[points.norm(dim=1).argsort(stable=True)]
