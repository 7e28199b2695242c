"""The built-in data set `glyphs`: capital letters in endless fonts, poses and colours, drawn in code.

A tiny Metafont. A letter is a skeleton of straight lines and arcs, drawn with an elliptical pen. The pen becomes the
unit circle of a stretched space, in which the distance from a pixel to the nearest stroke tells whether it is inked.
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

CLASS_NAMES: tuple[str, ...] = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

# A stroke runs from one node to another and carries the marks of its two ends. A node is (centre x, centre y, radius
# x, radius y, degrees), so that the shape of an arc, round or squarish, can be chosen a picture. A mark is None where
# the stroke runs into another one, otherwise the directions in which a serif grows, l, r, u, d, or "" for a flat end.
_Node = tuple[float, float, float, float, float]
_Stroke = tuple[_Node, _Node, str | None, str | None]

_ARC_STEP = 18  # degrees a segment: up to 64x64 the polyline stays within about a third of a pixel of the arc
_CHUNK_PIXELS = 2**16  # pixels drawn together: few enough for the cache, and enough to keep Python out of the way
_STYLE_NUMBERS = 48  # uniform numbers a picture, a few to spare: to draw one more is to change every picture


def _line(x0: float, y0: float, x1: float, y1: float, start: str | None = None, end: str | None = None) -> _Stroke:
    return (x0, y0, 0, 0, 0), (x1, y1, 0, 0, 0), start, end


def _arc(
    x: float,
    y: float,
    rx: float,
    ry: float,
    turn: tuple[float, float],
    start: str | None = None,
    end: str | None = None,
) -> _Stroke:
    return (x, y, rx, ry, turn[0]), (x, y, rx, ry, turn[1]), start, end


# The baseline is y = 0, the cap height y = 1.
_LETTERS: dict[str, list[_Stroke]] = {
    "A": [_line(0, 0, 0.41, 1, "lr"), _line(0.82, 0, 0.41, 1, "lr"), _line(0.14, 0.34, 0.68, 0.34)],
    "B": [
        _line(0, 0, 0, 1, "l", "l"),
        _line(0, 1, 0.28, 1),
        _arc(0.28, 0.765, 0.24, 0.235, (90, -90)),
        _line(0, 0.53, 0.3, 0.53),
        _arc(0.3, 0.265, 0.29, 0.265, (90, -90)),
        _line(0, 0, 0.3, 0),
    ],
    "C": [_arc(0.42, 0.5, 0.42, 0.5, (48, 312), "", "")],
    "D": [
        _line(0, 0, 0, 1, "l", "l"),
        _line(0, 1, 0.26, 1),
        _arc(0.26, 0.5, 0.44, 0.5, (90, -90)),
        _line(0, 0, 0.26, 0),
    ],
    "E": [
        _line(0, 0, 0, 1, "l", "l"),
        _line(0, 1, 0.52, 1, None, "d"),
        _line(0, 0.51, 0.44, 0.51, None, ""),
        _line(0, 0, 0.54, 0, None, "u"),
    ],
    "F": [_line(0, 0, 0, 1, "lr", "l"), _line(0, 1, 0.54, 1, None, "d"), _line(0, 0.5, 0.43, 0.5, None, "")],
    "G": [_arc(0.42, 0.5, 0.42, 0.5, (48, 360), ""), _line(0.84, 0.5, 0.47, 0.5, "", "")],
    "H": [_line(0, 0, 0, 1, "lr", "lr"), _line(0.68, 0, 0.68, 1, "lr", "lr"), _line(0, 0.51, 0.68, 0.51)],
    "I": [_line(0, 0, 0, 1, "lr", "lr")],
    "J": [_line(0.42, 1, 0.42, 0.28, "lr"), _arc(0.21, 0.28, 0.21, 0.28, (360, 190), None, "")],
    "K": [_line(0, 0, 0, 1, "lr", "lr"), _line(0.62, 1, 0, 0.38, "lr"), _line(0.25, 0.56, 0.66, 0, None, "lr")],
    "L": [_line(0, 0, 0, 1, "l", "lr"), _line(0, 0, 0.54, 0, None, "u")],
    "M": [
        _line(0, 0, 0, 1, "lr", "l"),
        _line(0, 1, 0.43, 0.14),
        _line(0.86, 1, 0.43, 0.14),
        _line(0.86, 0, 0.86, 1, "lr", "r"),
    ],
    "N": [_line(0, 0, 0, 1, "lr", "l"), _line(0, 1, 0.7, 0), _line(0.7, 0, 0.7, 1, "", "lr")],
    "O": [_arc(0.43, 0.5, 0.43, 0.5, (0, 360))],
    "P": [
        _line(0, 0, 0, 1, "lr", "l"),
        _line(0, 1, 0.28, 1),
        _arc(0.28, 0.73, 0.28, 0.27, (90, -90)),
        _line(0, 0.46, 0.28, 0.46),
    ],
    "Q": [_arc(0.43, 0.5, 0.43, 0.5, (0, 360)), _line(0.5, 0.32, 0.9, 0, None, "")],
    "R": [
        _line(0, 0, 0, 1, "lr", "l"),
        _line(0, 1, 0.28, 1),
        _arc(0.28, 0.745, 0.27, 0.255, (90, -90)),
        _line(0, 0.49, 0.28, 0.49),
        _line(0.26, 0.49, 0.6, 0, None, "r"),
    ],
    "S": [_arc(0.29, 0.755, 0.27, 0.245, (28, 270), ""), _arc(0.29, 0.255, 0.29, 0.255, (90, -152), None, "")],
    "T": [_line(0, 1, 0.72, 1, "d", "d"), _line(0.36, 0, 0.36, 1, "lr")],
    "U": [
        _line(0, 1, 0, 0.35, "lr"),
        _arc(0.34, 0.35, 0.34, 0.35, (180, 360)),
        _line(0.68, 0.35, 0.68, 1, None, "lr"),
    ],
    "V": [_line(0, 1, 0.4, 0, "lr"), _line(0.8, 1, 0.4, 0, "lr")],
    "W": [
        _line(0, 1, 0.27, 0, "lr"),
        _line(0.52, 0.94, 0.27, 0),
        _line(0.52, 0.94, 0.77, 0),
        _line(1.04, 1, 0.77, 0, "lr"),
    ],
    "X": [_line(0, 0, 0.68, 1, "lr", "lr"), _line(0, 1, 0.68, 0, "lr", "lr")],
    "Y": [_line(0, 1, 0.36, 0.46, "lr"), _line(0.72, 1, 0.36, 0.46, "lr"), _line(0.36, 0, 0.36, 0.46, "lr")],
    "Z": [_line(0, 1, 0.62, 1, "d", ""), _line(0.62, 1, 0, 0), _line(0, 0, 0.64, 0, "", "u")],
}

# Ranges in OKLCH of background, letter and accent (outline or shadow): lightness from and to, chroma from and to.
_PALETTES = torch.tensor(
    [
        [[0.90, 0.97, 0.015, 0.06], [0.32, 0.54, 0.11, 0.19], [0.70, 0.82, 0.11, 0.17]],  # deep ink on paper
        [[0.25, 0.37, 0.04, 0.10], [0.80, 0.93, 0.08, 0.16], [0.50, 0.62, 0.13, 0.19]],  # neon on night
        [[0.50, 0.63, 0.13, 0.19], [0.94, 0.98, 0.01, 0.05], [0.24, 0.32, 0.04, 0.09]],  # cream on a vivid wall
        [[0.76, 0.86, 0.11, 0.17], [0.22, 0.33, 0.04, 0.11], [0.95, 0.98, 0.01, 0.04]],  # ink on a bright wall
    ]
)
_HUE_STEPS = torch.tensor([0.0, 35.0, -35.0, 120.0, 180.0, 210.0])  # degrees away from the hue of the background

_LAB_TO_LMS = torch.tensor(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_LMS_TO_RGB = torch.tensor(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


@functools.lru_cache(maxsize=8)
def _compile(arc_step: float) -> tuple[Tensor, Tensor]:
    """Lays every letter out as segments, an arc cut every `arc_step` degrees, all padded to as many by repetition.

    Returns the ends [26, segments, 2, 8], each (centre, radius, cosine and sine, serif direction), and their caps
    [26, segments, 2]: 0 round, 1 flat, 2 flat and so long that the cut along the line of text shapes it.
    """
    letters = []
    for name in CLASS_NAMES:
        strokes: list[tuple] = []
        serifs: list[tuple] = []
        for first, last, *marks in _LETTERS[name]:
            steps = max(1, math.ceil(abs(last[4] - first[4]) / arc_step))
            points = []
            for step in range(steps + 1):
                x, y, rx, ry, degrees = (a + (b - a) * step / steps for a, b in zip(first, last))
                points.append((x, y, rx, ry, math.cos(math.radians(degrees)), math.sin(math.radians(degrees))))
            caps = [0.0] * len(points)
            for index, mark in zip((0, -1), marks):
                if mark is not None:
                    caps[index] = 2.0 if first[1] != last[1] else 1.0
                if mark:
                    start = (*points[index], -float("l" in mark), -float("d" in mark))
                    end = (*points[index], float("r" in mark), float("u" in mark))
                    serifs.append(((start, end), (1.0, 1.0)))
            bare = [(*point, 0.0, 0.0) for point in points]
            strokes += zip(zip(bare, bare[1:]), zip(caps, caps[1:]))
        letters.append(strokes + serifs)
    longest = max(map(len, letters))
    padded = [letter + letter[-1:] * (longest - len(letter)) for letter in letters]
    ends = torch.tensor([[segment for segment, _ in letter] for letter in padded])
    return ends, torch.tensor([[caps for _, caps in letter] for letter in padded])


def draw_glyphs(count: int, resolution: tuple[int, int], seed: int) -> tuple[Tensor, Tensor]:
    """Draws `count` labelled letters; `resolution` is (height, width).

    Returns uint8 images [count, 3, height, width] and int64 labels [count], indices into `CLASS_NAMES` that cycle
    through the alphabet. The result is a pure function of the arguments, and picture k does not depend on `count`.
    """
    height, width = resolution
    # A chunk is always drawn whole, so that the shapes, and with them every rounding, are the same whatever the count.
    chunk = max(1, _CHUNK_PIXELS // (height * width))
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % len(CLASS_NAMES)
    images = torch.empty(count, 3, height, width, dtype=torch.uint8)
    for start in range(0, count, chunk):
        numbers = torch.rand(chunk, _STYLE_NUMBERS, generator=generator)
        pictures = _draw_chunk(torch.arange(start, start + chunk) % len(CLASS_NAMES), numbers, height, width)
        images[start : start + chunk] = pictures[: count - start]
    return images, labels


def _draw_chunk(labels: Tensor, numbers: Tensor, height: int, width: int) -> Tensor:
    """Draws one letter a label [n] in the style that its row of uniform numbers [n, _STYLE_NUMBERS] stands for."""
    uniform = iter(numbers.unbind(1))
    rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * next(uniform)

    def chance(probability: float) -> Tensor:
        return next(uniform) < probability

    # The font: all lengths are in cap heights. Three treatments exclude each other and need some flesh on the bones.
    treatment = between(0, 1)
    shadowed, outlined, hollow = treatment < 0.2, (treatment >= 0.2) & (treatment < 0.34), treatment > 0.9
    weight = 0.035 + 0.1 * between(0, 1)  # half the thickness of a thick stroke
    weight = weight.clamp(min=torch.where(hollow, 0.1, torch.where(shadowed | outlined, 0.06, 0.0)))
    thinness = torch.where(chance(0.5) & ~hollow, between(0.4, 0.9), 1.0)
    nib_angle = torch.where(chance(0.4), between(0.25, 0.7), 0.0)
    flat = (chance(0.75) & (nib_angle == 0)).float()  # a tilted pen would cut its strokes askew
    serif = torch.where(chance(0.4) & ~hollow, weight + between(0.05, 0.1), 0.0)
    roundness = between(0.62, 1.0)  # 1 for ellipses, less for rounded rectangles
    waist = between(-0.25, 0.25)
    stretch = between(0.8, 1.15) * (width / height) ** 0.5
    slant = torch.where(chance(0.35), between(0.1, 0.32), 0.0)
    rotation = between(-0.13, 0.13) + between(-0.13, 0.13)  # up to 15 degrees, small ones more often
    border = torch.where(outlined, between(0.03, 0.06), 0.0)
    depth = torch.where(shadowed, between(0.06, 0.11), 0.0)

    # The skeleton: [n, segments, 2 ends, 2 coordinates].
    letter_ends, letter_caps = _compile(_ARC_STEP / max(1, max(height, width) / 64) ** 0.5)
    centre, radius, direction, growth = letter_ends[labels].split(2, dim=-1)
    bulge = direction.sign() * direction.abs() ** roundness[:, None, None, None]
    points = centre + radius * bulge + growth * serif[:, None, None, None]
    x, y = points.unbind(-1)
    y = y + waist[:, None, None] * y * (1 - y)
    x = x * stretch[:, None, None] + slant[:, None, None] * y
    cosine, sine = rotation.cos(), rotation.sin()
    rotate = torch.stack([cosine, sine, sine, -cosine], 1).view(-1, 2, 2)  # and turn y downwards, as the rows run
    points = torch.stack([x, y], -1).flatten(1, 2) @ rotate.mT

    # The pose: as large as fits, a little less, and anywhere in what is left.
    canvas = torch.tensor([width, height], dtype=torch.float32)
    low, high = points.amin(1), points.amax(1)
    room = high - low + (2 * weight + 2 * border + depth)[:, None]
    scale = between(0.76, 0.92) * (canvas / room).amin(1)
    slack = (canvas - room * scale[:, None]) / 2
    offset = canvas / 2 + 0.7 * slack * torch.stack([between(-1, 1), between(-1, 1)], 1)
    points = (points - ((low + high) / 2)[:, None]) * scale[:, None, None] + offset[:, None]

    # The pen: `to_pen` takes the plane to the space where the nib is the unit circle.
    thick = (weight * scale).clamp(min=0.6)
    thin = (thick * thinness).clamp(min=0.55)
    angle = rotation - nib_angle
    to_pen = torch.stack([angle.cos() / thick, angle.sin() / thick, -angle.sin() / thin, angle.cos() / thin], 1)
    to_pen = to_pen.view(-1, 2, 2)
    ends = (points @ to_pen.mT).unflatten(1, (-1, 2))
    distance = _distance_to_ink(ends, letter_caps[labels] * flat[:, None, None], to_pen, columns, rows)
    # Diagonal strokes overshoot. Cut them along the baseline and the cap height, as in print.
    origin = offset - (low + high) / 2 * scale[:, None]
    dx, dy = columns - origin[:, :1, None], rows[:, None] - origin[:, 1:, None]
    text_y = sine[:, None, None] * dx - cosine[:, None, None] * dy
    middle = scale[:, None, None] / 2
    nib_height = torch.hypot(thick * nib_angle.sin(), thin * nib_angle.cos())[:, None, None]
    distance = torch.maximum(distance, (text_y - middle).abs() - middle - nib_height)

    letter = (0.5 - distance).clamp(0, 1)
    wall = (thick * between(0.4, 0.7)).clamp(min=1.0)
    hole = (0.5 - distance - wall[:, None, None]).clamp(0, 1) * hollow[:, None, None]
    border = torch.where(outlined, (border * scale).clamp(min=1.0), 0.0)
    accent = (0.5 - distance + border[:, None, None]).clamp(0, 1) * (shadowed | outlined)[:, None, None]
    accent = _extrude(accent, depth * scale, between(0.25, 0.75) * math.pi)

    colours = _colours(torch.stack([next(uniform) for _ in range(11)], 1))
    paper, ink, accent_colour, far_paper = colours[..., None, None].unbind(1)
    tilt = between(-math.pi, math.pi)[:, None, None, None]
    position = 0.5 + tilt.cos() * (columns / width - 0.5) + tilt.sin() * (rows[:, None] / height - 0.5)
    paper = torch.lerp(paper, far_paper, position.clamp(0, 1))
    picture = torch.lerp(paper, accent_colour, accent[:, None])
    picture = torch.lerp(picture, ink, letter[:, None])
    picture = torch.lerp(picture, paper, hole[:, None])
    return (picture * 255).round().to(torch.uint8)


def _distance_to_ink(ends: Tensor, caps: Tensor, to_pen: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Signed distances [n, rows, columns] in pixels to the edge of the ink, negative inside.

    `ends` [n, segments, 2, 2] lie in the space of the pen, `to_pen` [n, 2, 2] takes the pixels at `columns` and `rows`
    there, and `caps` is [n, segments, 2].
    """
    first, last = ends.unbind(2)
    along = last - first
    length = along.norm(dim=-1, keepdim=True)
    along = torch.where(length > 1e-4, along / length.clamp(min=1e-4), torch.tensor([1.0, 0.0]))
    across = torch.stack([-along[..., 1], along[..., 0]], -1)
    caps = caps * (length > 1e-4)  # a serif of no length is a dot within its stroke, not a square that sticks out
    overshoot = 1.5 * (caps > 1).float()
    first, last = first - overshoot[..., :1] * along, last + overshoot[..., 1:] * along
    # All that is needed is linear in the pixel, and so a function of its column plus one of its row: how far it is
    # beside the segment, before its start and after its end, the latter two once for round caps and once for flat.
    is_flat = caps.clamp(max=1)
    is_round = 1 - is_flat
    factors = torch.stack([torch.ones_like(is_flat[..., 0]), *is_round.unbind(-1), *is_flat.unbind(-1)], 1)
    normals = torch.stack([across, -along, along, -along, along], 1) * factors[..., None]
    anchors = torch.stack([first, first, last, first, last], 1)
    bias = (normals * anchors).sum(-1)[..., None]
    slopes = (normals.flatten(1, 2) @ to_pen).unflatten(1, (5, -1))
    of_column = slopes[..., :1] * columns - bias
    of_row = slopes[..., 1:] * rows
    # One unit of the pen's space in pixels, across a segment and along it.
    squeeze_across, squeeze_along = (torch.stack([across, along]) @ to_pen).square().sum(-1)[..., None, None]
    nearest = torch.full((len(ends), len(rows), len(columns)), math.inf)
    for segment in range(ends.shape[1]):  # one at a time, as all at once would not fit the cache
        planes = of_row[:, :, segment, :, None] + of_column[:, :, segment, None, :]
        beside, before, after, flat_before, flat_after = planes.unbind(1)
        beside = (beside * beside).add_(1e-6)
        beyond = torch.maximum(before, after).clamp_(min=0).square_()
        # The usual estimate for an ellipse: (value - 1) / gradient.
        value = (beside + beyond).sqrt_()
        gradient = (beside * squeeze_across[:, segment]).addcmul_(beyond, squeeze_along[:, segment]).sqrt_()
        distance = (value - 1).mul_(value).div_(gradient)
        past = torch.maximum(flat_before, flat_after).sub_(1).div_(squeeze_along[:, segment].sqrt())
        nearest = torch.minimum(nearest, distance.maximum(past))
    return nearest


def _extrude(coverage: Tensor, depth: Tensor, angle: Tensor) -> Tensor:
    """Sweeps coverage [n, height, width] by `depth` [n] pixels in the direction `angle` [n], as for a solid block."""
    height, width = coverage.shape[1:]
    shift = torch.stack([depth * angle.cos() * 2 / width, depth * angle.sin() * 2 / height], 1)
    swept = coverage
    for share in (0.25, 0.5, 0.75, 1.0):
        move = torch.cat([torch.eye(2).expand(len(depth), 2, 2), -share * shift[..., None]], 2)
        grid = functional.affine_grid(move, [len(depth), 1, height, width], align_corners=False)
        moved = functional.grid_sample(coverage[:, None], grid, align_corners=False)
        swept = torch.maximum(swept, moved[:, 0])
    return swept


def _colours(numbers: Tensor) -> Tensor:
    """sRGB in 0..1 of background, letter, accent and far end of the background [n, 4, 3], from numbers [n, 11]."""
    palette = _PALETTES[torch.bucketize(numbers[:, 0].contiguous(), torch.tensor([0.4, 0.7, 0.88]))]
    lightness = torch.lerp(palette[..., 0], palette[..., 1], numbers[:, 1:4])
    chroma = torch.lerp(palette[..., 2], palette[..., 3], numbers[:, 4:7])
    steps = _HUE_STEPS[(numbers[:, 7:9] * len(_HUE_STEPS)).long()]
    # No yellow-green paper: it is olive wherever it is not bright.
    hue = 120 + 320 * numbers[:, 9:10] + torch.cat([torch.zeros_like(steps[:, :1]), steps], 1)
    bend = 2 * numbers[:, 10:11] - 1
    lightness = torch.cat([lightness, lightness[:, :1] + 0.05 * bend], 1)
    chroma = torch.cat([chroma, chroma[:, :1]], 1)
    hue = torch.deg2rad(torch.cat([hue, hue[:, :1] + 50 * bend], 1))
    # OKLCH to sRGB, with Ottosson's matrices.
    lab = torch.stack([lightness, chroma * hue.cos(), chroma * hue.sin()], -1)
    linear = ((lab @ _LAB_TO_LMS.T).pow(3) @ _LMS_TO_RGB.T).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.pow(1 / 2.4) - 0.055)
