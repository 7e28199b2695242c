"""Plots of text models: quality against diversity over temperatures, and a sheet of samples."""

import io
import math
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom
Point = dict[str, float]  # `lm_score` and `reverse_lm_score`, and `temperature` on a curve
INK: Colour = (27, 26, 24)

# Of the plot, in pixels
WIDTH, HEIGHT = 760, 520
LEFT, TOP, RIGHT, BOTTOM = 84, 82, 28, 68  # margins
SCALE = 2  # supersampling, for smooth lines
TICK, GRID = (122, 117, 110), (231, 228, 222)
COLOURS: list[Colour] = [(178, 58, 38), (44, 92, 140), (96, 122, 60), (128, 84, 140), (190, 130, 30), (60, 130, 130)]
COLOURS += [(150, 80, 90), (110, 110, 110)]  # the number of curves is at most theirs
X_LABEL = "LM score: nats a token of generated text under a language model of real text"
Y_LABEL = (
    "Reverse LM score: nats a token of real text under a language model of generated text; nearer to the corner is "
    "better"
)

# Of the sheet, in pixels
SIZE, LEADING, MARGIN, SHEET_WIDTH = 20, 34, 24, 960
FONTS = (  # with Chinese characters, where systems keep one; without, those are boxes
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


def sweep_picture(sweep: dict[str, Any]) -> bytes:
    """Quality against diversity, a curve a model over temperatures, and the point of real text: a PNG.

    Args:
        sweep: `curves`, by name a list of points with `temperature`, `lm_score` and `reverse_lm_score`; `real`, one
            such point without a temperature. See `gan.text.metrics.evaluate`.
    """
    return _Plot(sweep).png()


def text_sheet(texts: list[str]) -> Image.Image:
    """A text a row, cut off at the right edge."""
    path = next((font for font in FONTS if Path(font).is_file()), None)
    font = ImageFont.truetype(path, SIZE) if path else ImageFont.load_default(SIZE)
    sheet = Image.new("RGB", (SHEET_WIDTH, 2 * MARGIN + LEADING * len(texts)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, text in enumerate(texts):
        pen.text((MARGIN, MARGIN + row * LEADING), text.replace("\n", " "), font=font, fill=INK)
    return sheet


class _Plot:
    """The plot of `sweep_picture`."""

    def __init__(self, sweep: dict[str, Any]):
        self.real: Point = sweep["real"]
        self.curves: list[tuple[str, Colour, list[Point]]] = [
            (name, colour, points) for (name, points), colour in zip(sweep["curves"].items(), COLOURS)
        ]
        points = [self.real, *(point for curve in sweep["curves"].values() for point in curve)]
        self.x_axis, self.y_axis = (
            _Axis([point[name] for point in points]) for name in ("lm_score", "reverse_lm_score")
        )
        self.image = Image.new("RGB", (SCALE * WIDTH, SCALE * HEIGHT), "white")
        self.pen = ImageDraw.Draw(self.image)
        self.small, self.large = ImageFont.load_default(13 * SCALE), ImageFont.load_default(15 * SCALE)
        self.occupied: list[Box] = []

    def png(self) -> bytes:
        self._axes()
        self._points()
        self._legend()
        file = io.BytesIO()
        self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
        return file.getvalue()

    def _x(self, value: float) -> float:
        return SCALE * (LEFT + self.x_axis.share(value) * (WIDTH - LEFT - RIGHT))

    def _y(self, value: float) -> float:
        return SCALE * (HEIGHT - BOTTOM - self.y_axis.share(value) * (HEIGHT - TOP - BOTTOM))

    def _place(self, point: Point) -> tuple[float, float]:
        return self._x(point["lm_score"]), self._y(point["reverse_lm_score"])

    def _axes(self) -> None:
        for tick in self.x_axis.ticks:
            x = self._x(tick)
            self.pen.line((x, SCALE * TOP, x, SCALE * (HEIGHT - BOTTOM)), GRID, SCALE)
            self.pen.text((x, SCALE * (HEIGHT - BOTTOM + 8)), f"{tick:g}", TICK, self.small, anchor="ma")
        for tick in self.y_axis.ticks:
            y = self._y(tick)
            self.pen.line((SCALE * LEFT, y, SCALE * (WIDTH - RIGHT), y), GRID, SCALE)
            self.pen.text((SCALE * (LEFT - 8), y), f"{tick:g}", TICK, self.small, anchor="rm")
        middle = SCALE * (LEFT + WIDTH - RIGHT) / 2, SCALE * (HEIGHT - 18)
        self.pen.text(middle, X_LABEL, INK, self.large, anchor="ms")
        # PIL cannot rotate text: the other axis has its label above it.
        self.pen.text((SCALE * 16, SCALE * 30), Y_LABEL, INK, self.small, anchor="ls")

    def _points(self) -> None:
        for _, colour, points in self.curves:
            self.pen.line([self._place(point) for point in points], colour, 2 * SCALE, joint="curve")
        self._dot(*self._place(self.real), INK)
        for _, colour, points in self.curves:
            for point in points:
                self._dot(*self._place(point), colour)
        for _, colour, points in self.curves:
            for point in points:
                self._label(*self._place(point), f"{point['temperature']:g}", colour)

    def _legend(self) -> None:
        x, y = SCALE * LEFT, SCALE * 58
        for name, colour in [*((name, colour) for name, colour, _ in self.curves), ("real text", INK)]:
            self._dot(x, y, colour)
            self.pen.text((x + 10 * SCALE, y), name, colour, self.large, anchor="lm")
            x += 32 * SCALE + self.large.getlength(name)

    def _dot(self, x: float, y: float, colour: Colour) -> None:
        radius = 4.5 * SCALE
        self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), colour, "white", SCALE)
        self.occupied.append((x - radius, y - radius, x + radius, y + radius))

    def _label(self, x: float, y: float, text: str, colour: Colour) -> None:
        """Beside a point where there is room; nowhere if there is none."""
        for right, down, anchor in ((8, -6, "ls"), (8, 6, "lt"), (-8, -6, "rs"), (-8, 6, "rt")):
            at = x + right * SCALE, y + down * SCALE
            box = self.pen.textbbox(at, text, self.small, anchor=anchor)
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in self.occupied):
                self.pen.text(at, text, colour, self.small, anchor=anchor)
                self.occupied.append(box)
                return


class _Axis:
    """From the round number below the smallest value to that above the largest.

    Attributes:
        ticks: round numbers at equal distances.
    """

    def __init__(self, values: list[float]):
        extent = max(max(values) - min(values), 0.1)
        rough = extent / 5
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough)
        first, last = math.floor(min(values) / step - 0.2), math.ceil(max(values) / step + 0.2)
        self.ticks = [round(step * k, 6) for k in range(first, last + 1)]

    def share(self, value: float) -> float:
        """The position of a value on the axis, from 0 to 1."""
        return (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
