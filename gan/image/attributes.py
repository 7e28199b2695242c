"""What can be measured on an image without any label: the quantities that directions are named after.

They look at the pixels that differ from the background, which is taken to be the median of the border. All of them are
differentiable.
"""

import torch
from torch import Tensor

CONTRAST = 0.5  # distance from the background from which a pixel counts fully as ink, in [-1, 1]
LUMA = (0.299, 0.587, 0.114)


def attributes(images: Tensor) -> dict[str, Tensor]:
    """Attributes of images.

    Args:
        images: (n, 1 or 3, height, width) in [-1, 1].

    Returns:
        (n,) by name. Of the pixels that differ from the background: `brightness` and `contrast` (mean and standard
        deviation of luma), `sharpness` (gradient over contrast), and for RGB `saturation`, `redness` (red against
        green) and `warmth` (red and green against blue). `ink` is their share of the image; `width`, `height`, `x`,
        `y` are their extent and centre as shares of the image, right and down; `slant` is how far the top leans to
        the right; `symmetry` is 1 where the image is its own mirror image.
    """
    images = images.float()
    luma = images.mean(1) if images.shape[1] == 1 else (images * images.new_tensor(LUMA)[:, None, None]).sum(1)
    ink = (distance_from_background(images) / CONTRAST).clamp(0, 1)
    mass = ink.sum((1, 2)).clamp_min(1e-3)

    def mean(values: Tensor) -> Tensor:
        return (values * ink).sum((1, 2)) / mass

    brightness = mean(luma)
    contrast = mean((luma - brightness[:, None, None]).square()).clamp_min(1e-6).sqrt()
    vertical, horizontal = (luma.diff(dim=dim).abs() for dim in (1, 2))
    gradient = vertical[:, :, :-1] + horizontal[:, :-1, :]
    found = {
        "brightness": brightness,
        "contrast": contrast,
        "sharpness": gradient.sum((1, 2)) / mass / (contrast + 0.1),
        "ink": ink.mean((1, 2)),
        **_shape(ink, mass),
        "symmetry": 1 - (images - images.flip(3)).abs().mean((1, 2, 3)) / (2 * ink.mean((1, 2))).clamp_min(1e-3),
    }
    if images.shape[1] == 3:
        red, green, blue = images.unbind(1)
        found["saturation"] = mean(images.amax(1) - images.amin(1))
        found["redness"] = mean(red - green)
        found["warmth"] = mean((red + green) / 2 - blue)
    return found


def distance_from_background(images: Tensor) -> Tensor:
    """(n, height, width): how far each pixel is from the median colour of the border, in the farthest channel."""
    return (images - background(images)[:, :, None, None]).abs().amax(1)


def background(images: Tensor) -> Tensor:
    """(n, channels): the median colour of the border of images (n, channels, height, width)."""
    border = torch.cat([images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]], dim=2)
    return border.detach().median(2).values


def _shape(ink: Tensor, mass: Tensor) -> dict[str, Tensor]:
    """Extent, centre and slant of ink (n, height, width), from its moments."""
    height, width = ink.shape[1:]
    y = torch.linspace(-0.5, 0.5, height, device=ink.device)[None, :, None]
    x = torch.linspace(-0.5, 0.5, width, device=ink.device)[None, None, :]

    def mean(values: Tensor) -> Tensor:
        return (values * ink).sum((1, 2)) / mass

    centre_x, centre_y = mean(x.expand_as(ink)), mean(y.expand_as(ink))
    off_x, off_y = x - centre_x[:, None, None], y - centre_y[:, None, None]
    var_x, var_y = mean(off_x.square()), mean(off_y.square())
    uniform = 12**0.5  # the width of a uniform distribution over its standard deviation
    return {
        "width": uniform * var_x.clamp_min(1e-6).sqrt(),
        "height": uniform * var_y.clamp_min(1e-6).sqrt(),
        "x": centre_x,
        "y": centre_y,
        "slant": -mean(off_x * off_y) / var_y.clamp_min(1e-6),
    }
