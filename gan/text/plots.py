"""Quality against diversity as a picture: a curve for each model over temperatures, and where real text is."""

import io
import math
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 760, 520
LEFT, TOP, RIGHT, BOTTOM = 84, 82, 28, 68  # margins
SCALE = 2  # drawn so much larger and reduced, for smooth lines
INK, FAINT, GRID = (27, 26, 24), (122, 117, 110), (231, 228, 222)
Box = tuple[float, float, float, float]  # left, top, right, bottom
COLOURS = [(178, 58, 38), (44, 92, 140), (96, 122, 60), (128, 84, 140), (190, 130, 30), (60, 130, 130), (150, 80, 90)]
COLOURS += [(110, 110, 110)]  # as many curves can be drawn


def sweep_picture(sweep: dict[str, Any]) -> bytes:
    """A PNG.

    Args:
        sweep: `curves`, by name a list of points with `temperature`, `lm_score` and `reverse_lm_score`; `real`, one
            such point without a temperature. See `gan.text.metrics.evaluate`.
    """
    every = [sweep["real"], *(point for curve in sweep["curves"].values() for point in curve)]
    across, up = (_Axis([point[name] for point in every]) for name in ("lm_score", "reverse_lm_score"))
    sheet = Image.new("RGB", (SCALE * WIDTH, SCALE * HEIGHT), "white")
    pen = ImageDraw.Draw(sheet)
    small, large = ImageFont.load_default(13 * SCALE), ImageFont.load_default(15 * SCALE)

    def place(point: dict[str, float]) -> tuple[float, float]:
        x = LEFT + across.share(point["lm_score"]) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - up.share(point["reverse_lm_score"]) * (HEIGHT - TOP - BOTTOM)
        return SCALE * x, SCALE * y

    for tick in across.ticks:
        x = SCALE * (LEFT + across.share(tick) * (WIDTH - LEFT - RIGHT))
        pen.line((x, SCALE * TOP, x, SCALE * (HEIGHT - BOTTOM)), GRID, SCALE)
        pen.text((x, SCALE * (HEIGHT - BOTTOM + 8)), f"{tick:g}", FAINT, small, anchor="ma")
    for tick in up.ticks:
        y = SCALE * (HEIGHT - BOTTOM - up.share(tick) * (HEIGHT - TOP - BOTTOM))
        pen.line((SCALE * LEFT, y, SCALE * (WIDTH - RIGHT), y), GRID, SCALE)
        pen.text((SCALE * (LEFT - 8), y), f"{tick:g}", FAINT, small, anchor="rm")
    quality = "LM score: nats a token of generated text under a judge of real text"
    pen.text((SCALE * (LEFT + WIDTH - RIGHT) / 2, SCALE * (HEIGHT - 18)), quality, INK, large, anchor="ms")
    # PIL writes across only: the other axis is named above it.
    diversity = (
        "Reverse LM score: nats a token of real text under a judge of generated text; nearer to the corner is better"
    )
    pen.text((SCALE * 16, SCALE * 30), diversity, INK, small, anchor="ls")

    for colour, curve in zip(COLOURS, sweep["curves"].values()):
        pen.line([place(point) for point in curve], colour, 2 * SCALE, joint="curve")
    taken = [_dot(pen, *place(sweep["real"]), INK)]
    for colour, curve in zip(COLOURS, sweep["curves"].values()):
        taken += [_dot(pen, *place(point), colour) for point in curve]
    for colour, curve in zip(COLOURS, sweep["curves"].values()):
        for point in curve:
            _label(pen, *place(point), f"{point['temperature']:g}", colour, small, taken)

    beginning = SCALE * LEFT
    for colour, name in [*zip(COLOURS, sweep["curves"]), (INK, "real text")]:
        _dot(pen, beginning, SCALE * 58, colour)
        pen.text((beginning + 10 * SCALE, SCALE * 58), name, colour, large, anchor="lm")
        beginning += 32 * SCALE + large.getlength(name)
    file = io.BytesIO()
    sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


class _Axis:
    """From the round number below the smallest value to that above the largest.

    Attributes:
        ticks: round numbers, equally far from each other.
    """

    def __init__(self, values: list[float]):
        extent = max(max(values) - min(values), 0.1)
        rough = extent / 5
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough)
        first, last = math.floor(min(values) / step - 0.2), math.ceil(max(values) / step + 0.2)
        self.ticks = [round(step * k, 6) for k in range(first, last + 1)]

    def share(self, value: float) -> float:
        """How far along the axis a value is, from 0 to 1."""
        return (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, colour: tuple[int, int, int]) -> Box:
    radius = 4.5 * SCALE
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), colour, "white", SCALE)
    return x - radius, y - radius, x + radius, y + radius


def _label(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, colour: tuple[int, int, int], font: Any, taken: list[Box]
) -> None:
    """Writes beside a point where there is room, and adds it to what is taken; nowhere if there is none."""
    for across, up, anchor in ((8, -6, "ls"), (8, 6, "lt"), (-8, -6, "rs"), (-8, 6, "rt")):
        at = x + across * SCALE, y + up * SCALE
        box = pen.textbbox(at, text, font, anchor=anchor)
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            pen.text(at, text, colour, font, anchor=anchor)
            taken.append(box)
            return


# Where systems keep a font with Chinese characters; without one, those are boxes in the picture (the texts are
# written beside it).
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)
SIZE, LEADING, MARGIN, SHEET_WIDTH = 20, 34, 24, 960  # pixels


def text_sheet(texts: list[str]) -> Image.Image:
    """A text a line, cut off at the right edge."""
    path = next((font for font in FONTS if Path(font).is_file()), None)
    font = ImageFont.truetype(path, SIZE) if path else ImageFont.load_default(SIZE)
    sheet = Image.new("RGB", (SHEET_WIDTH, 2 * MARGIN + LEADING * len(texts)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, text in enumerate(texts):
        pen.text((MARGIN, MARGIN + row * LEADING), text.replace("\n", " "), font=font, fill=(27, 26, 24))
    return sheet
