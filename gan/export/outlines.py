"""The outlines of a character that was drawn in pixels, as a TrueType font stores them.

A grey value says how much of a pixel is inked, so the edge of the ink runs where the picture, interpolated between its
pixels, passes one half: it is known to a tenth of a pixel. Between two corners it is smooth, and becomes a
uniform quadratic B-spline, which is what TrueType calls a run of off-curve points.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ENLARGED = 8  # samples to a pixel, between which the edge is straight
MARGIN = 2  # pixels of background around a picture, so that every edge is closed
SPECK = 0.04  # share of the ink; smaller islands are noise: the dot of a "j" has half as much again
MIN_AREA = 0.6  # square pixels; smaller holes are noise
STEP = 0.2  # pixels between the points of an edge
TOLERANCE = 0.15  # pixels by which a curve may miss the edge
PIECE = 1.5  # pixels, at least, to a control point
STIFFNESS = 1e-3  # of a curve where no point of the edge holds it: it bends as little as it can
CONTROLS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 34)  # of a curve from one corner to the next

# A corner turns by much, and does so at once. Turns are measured between what lies so many pixels before and behind.
NEAR, FAR = (0.25, 1.0), (1.0, 2.5)
CORNER = np.radians(32)
SUDDEN = 0.62  # share of the turn within the far window that the near one has; of an arc it is a third
ROUNDED = 1.1  # pixels before and behind a corner that the pixel grid has rounded off
MAX_SHIFT = 1.0  # pixels from the rounded corner to where its sides would meet


@dataclass
class Outline:
    """One closed curve.

    Attributes:
        points: float64 (k, 2), in pixels from the upper left, x to the right and y downwards; the ink is to the right
            of somebody who follows them on the page.
        on_curve: bool (k,). Between two points that are not on the curve it passes half-way; from one that is to the
            next that is it runs straight.
    """

    points: np.ndarray
    on_curve: np.ndarray


def without_specks(pictures: Tensor) -> Tensor:
    """Pictures (n, height, width) of shares of ink, without islands that have less than `SPECK` of a picture's ink."""
    inked = (pictures > 0.5).float()
    islands = inked * torch.arange(1.0, inked[0].numel() + 1).view(inked[0].shape)
    while not torch.equal(islands, grown := inked * F.max_pool2d(islands[:, None], 3, 1, 1)[:, 0]):
        islands = grown  # until all pixels of an island have the highest number that there was in it
    of = islands.long().flatten(1)
    sizes = torch.zeros(len(of), inked[0].numel() + 1).scatter_add_(1, of, inked.flatten(1)).gather(1, of)
    is_speck = sizes < SPECK * inked.sum((1, 2))[:, None]
    return torch.where((is_speck & (of > 0)).view(inked.shape), 0.0, pictures)


def outlines(picture: Tensor) -> list[Outline]:
    """The curves around the ink.

    Args:
        picture: float (height, width), from 0 for background to 1 for ink; may go a little beyond.
    """
    return [_fitted(edge) for edge in edges(picture)]


def edges(picture: Tensor) -> list[np.ndarray]:
    """The closed lines along which a picture passes one half: float64 (k, 2), points `STEP` pixels apart.

    Args and coordinates: as of `outlines` and `Outline`.
    """
    from contourpy import LineType, contour_generator  # an optional package

    padded = F.pad(picture.double()[None, None], [MARGIN] * 4)
    fine = F.interpolate(padded, scale_factor=ENLARGED, mode="bilinear", align_corners=False)[0, 0]
    fine[[0, -1]], fine[:, [0, -1]] = 0, 0
    x, y = ((np.arange(side) + 0.5) / ENLARGED - MARGIN for side in (fine.shape[1], fine.shape[0]))
    found: Any = contour_generator(x, y, fine.numpy(), line_type=LineType.Separate).lines(0.5)
    lines: list[np.ndarray] = [line for line in found if abs(_area(line)) >= MIN_AREA]
    if not lines:
        return []
    # All edges have the ink on the same side; the longest way round encloses ink.
    outward = np.sign(_area(max(lines, key=lambda line: abs(_area(line)))))
    return [_spaced(line if outward > 0 else line[::-1]) for line in lines]


def _area(line: np.ndarray) -> float:
    """The enclosed area, positive where it is to the right of somebody who follows the line on the page."""
    x, y = line.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _spaced(line: np.ndarray) -> np.ndarray:
    """A closed line, whose last point is its first, as points at equal distances along it."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])
    wanted = np.arange(max(8, round(lengths[-1] / STEP))) / max(8, round(lengths[-1] / STEP)) * lengths[-1]
    return np.stack([np.interp(wanted, lengths, values) for values in line.T], axis=1)


def _fitted(edge: np.ndarray) -> Outline:
    corners = _corners(edge)
    if not len(corners):
        controls = _closed_spline(edge)
        return Outline(controls, np.zeros(len(controls), dtype=bool))
    tips = [_tip(edge, corner) for corner in corners]
    points: list[np.ndarray] = []
    on_curve: list[bool] = []
    for place, corner in enumerate(corners):
        following = corners[(place + 1) % len(corners)]
        inner: np.ndarray = edge.take(
            range(corner, following if following > corner else following + len(edge)), 0, mode="wrap"
        )
        skipped = min(round(ROUNDED / STEP), len(inner) // 4)
        section = np.stack([tips[place], *inner[skipped : len(inner) - skipped], tips[(place + 1) % len(tips)]])
        controls = _open_spline(section)
        points += [tips[place], *controls]
        on_curve += [True] + [False] * len(controls)
    return Outline(np.array(points), np.array(on_curve))


def _turns(edge: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """By how much the edge turns at each of its points: the angle between what comes before and what behind."""
    near, far = (round(distance / STEP) for distance in window)
    before = np.roll(edge, near, 0) - np.roll(edge, far, 0)
    behind = np.roll(edge, -far, 0) - np.roll(edge, -near, 0)
    cross = before[:, 0] * behind[:, 1] - before[:, 1] * behind[:, 0]
    return np.arctan2(np.abs(cross), (before * behind).sum(1))


def _corners(edge: np.ndarray) -> list[int]:
    """Indices of the corners, in order."""
    if len(edge) < 8 * FAR[1] / STEP / 2:
        return []  # a dot
    near, far = _turns(edge, NEAR), _turns(edge, FAR)
    strength = np.where((far > CORNER) & (near > SUDDEN * far), near, 0)
    width = round(NEAR[1] / STEP)
    around = np.stack([np.roll(strength, shift) for shift in range(-width, width + 1)])
    best = (strength > 0) & (strength >= around.max(0)) & (strength > around[width + 1 :].max(0))
    return list(np.flatnonzero(best))


def _tip(edge: np.ndarray, corner: int) -> np.ndarray:
    """Where the two sides of a corner would meet, had the pixels not rounded it off; the corner if that is far."""
    near, far = round(ROUNDED / STEP), round((ROUNDED + 1.2) / STEP)
    a, b = edge[corner - near], edge[corner - far]
    c, d = edge[(corner + near) % len(edge)], edge[(corner + far) % len(edge)]
    first, second = a - b, c - d
    cross = first[0] * second[1] - first[1] * second[0]
    if abs(cross) < 0.1 * np.linalg.norm(first) * np.linalg.norm(second):
        return edge[corner]
    way = ((c - a)[0] * second[1] - (c - a)[1] * second[0]) / cross
    meeting = a + way * first
    return meeting if np.linalg.norm(meeting - edge[corner]) <= MAX_SHIFT else edge[corner]


def _open_spline(section: np.ndarray) -> np.ndarray:
    """As few control points (k, 2) as keep to the section (n, 2), whose first and last points are on the curve."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(section, axis=0), axis=1).cumsum()])
    along = lengths / lengths[-1]
    if _miss(section, section[0] + along[:, None] * (section[-1] - section[0])) <= TOLERANCE:
        return np.empty((0, 2))
    for count in [count for count in CONTROLS if count <= max(1, lengths[-1] / PIECE)]:
        weights = _bspline(along * count, count, closed=False)
        ends = weights[:, [0]] * section[0] + weights[:, [-1]] * section[-1]
        controls = _least_squares(weights[:, 1:-1], section - ends)
        if _miss(section, weights[:, 1:-1] @ controls + ends) <= TOLERANCE:
            break
    return controls


def _closed_spline(edge: np.ndarray) -> np.ndarray:
    """As few control points (k, 2) as keep to a closed edge (n, 2) without corners."""
    along = np.arange(len(edge)) / len(edge)
    for count in CONTROLS[3:]:
        weights = _bspline(along * count, count, closed=True)
        controls = _least_squares(weights, edge)
        if _miss(edge, weights @ controls) <= TOLERANCE:
            break
    return controls


def _least_squares(weights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    count = weights.shape[1]
    bends = np.diff(np.eye(count), 2, axis=0)
    squares = weights.T @ weights + STIFFNESS * bends.T @ bends + 1e-9 * np.eye(count)
    return np.linalg.solve(squares, weights.T @ wanted)


def _miss(wanted: np.ndarray, found: np.ndarray) -> float:
    return float(np.linalg.norm(wanted - found, axis=1).max())


def _bspline(at: np.ndarray, count: int, closed: bool) -> np.ndarray:
    """The weights of the control points at positions from 0 to `count`, the number of pieces.

    A piece is a parabola that starts half-way between two control points, bends towards the second and ends half-way
    to the third; the first and the last piece of an open spline reach its ends.

    Returns:
        (positions, count), or (positions, count + 2) of an open spline, whose ends are the first and the last.
    """
    piece = np.minimum(at.astype(int), count - 1)
    t = at - piece
    starts = (1 - t) ** 2 * np.where(piece == 0, 1.0 if not closed else 0.5, 0.5)
    stops = t**2 * np.where(piece == count - 1, 1.0 if not closed else 0.5, 0.5)
    weights = np.zeros((len(at), count if closed else count + 2))
    rows = np.arange(len(at))
    for shift, share in enumerate((starts, 1 - starts - stops, stops)):
        weights[rows, (piece + shift) % weights.shape[1]] += share
    return weights
