"""The pictures of docs/edit.md and docs/export.md, each by one command.

    python benchmarks/figures.py directions docs/edit-directions.png weights/avatars weights/typefaces weights/fashion
    python benchmarks/figures.py mixing docs/edit-mixing.png weights/avatars
    python benchmarks/figures.py codes docs/edit-codes.png weights/avatars --dataset_name avatars
    python benchmarks/figures.py fonts docs/export-fonts.png weights/typefaces
    python benchmarks/figures.py guidance docs/edit-guidance.png weights/fashion weights/avatars weights/drums

Directions: of each model the three that the studio lists first, by their scores, at strengths from -3 to 3; the first
moves seed 0, the second seed 1, the third seed 2. Mixing: seed 0 in the left column, other seeds in the top row, and
between them the former with some layers of the latter. Codes: a point that is dragged, and a held-out picture that is
inverted and tuned for. Fonts: a sentence with every letter, set by Pillow in the fonts of four seeds. Guidance:
precision against recall by the number of critic steps, from the models' `guidance.json`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from baseline import load
from PIL import Image, ImageDraw, ImageFont

from gan import GANPipeline, ImagePipeline
from gan.export.fonts import write_font
from gan.image.plots import to_pil
from gan.latent.directions import ranked
from gan.latent.inversion import STEPS
from gan.latent.mixing import PRESETS
from gan.latent.steering import SteerablePipeline

SIDE, LARGE = 88, 128  # pixels of a tile
GAP, EDGE, HEADER, TEXT, NOTE = 4, 8, 28, 15, 12
STRENGTHS = {"-3": -3.0, "-1.5": -1.5, "0": 0.0, "+1.5": 1.5, "+3": 3.0}
DRAGGED, HANDLE, TARGET = 6, (34.0, 14.0), (34.0, 4.0)  # seed and points (x, y) of the drag
PANGRAM, FONT_SEEDS, FONT_SIZES = "Sphinx of black quartz judge my vow 0123456789", (1, 2, 5, 9), (34, 18)
INK, GREY = (31, 35, 40), (101, 109, 118)  # on white: both are read easily
PANEL, FRAME, PANELS_ACROSS = 150, 42, 4  # side of a plot, the white around it, in pixels; plots in a row
LINE = (208, 205, 199)
PRIORS = {0.0: (44, 92, 140), 1.0: (178, 58, 38)}  # their colours


class Row(NamedTuple):
    """A row of a figure: what is written before it, and its pictures, `None` where there is none."""

    label: str
    note: str
    tiles: list[Image.Image | None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=tuple(FIGURES))
    parser.add_argument("output", type=Path, help="where to write it, a PNG")
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--dataset_name", help="whose held-out picture in the middle is inverted")
    args = parser.parse_args()
    image = FIGURES[args.figure]([GANPipeline.from_pretrained(model) for model in args.models], args)
    image.quantize(256, kmeans=4, dither=Image.Dither.NONE).save(args.output, optimize=True)
    print(f"{args.output}: {image.width}x{image.height}, {args.output.stat().st_size / 1000:.0f} kB")


def directions(pipelines: list[ImagePipeline], args: argparse.Namespace) -> Image.Image:
    """Three directions of each model."""
    rows = []
    for pipeline, folder in zip(pipelines, args.models):
        for seed, name in enumerate(ranked(pipeline.directions.records)[:3]):
            moved = [pipeline.edit(seed, {name: strength}).images[0] for strength in STRENGTHS.values()]
            rows.append(Row(name, f"{folder.name}, seed {seed}", [tile(image) for image in moved]))
    return figure(list(STRENGTHS), rows)


def mixing(pipelines: list[ImagePipeline], args: argparse.Namespace) -> Image.Image:
    """Every preset of layers, from six seeds."""
    (pipeline,) = pipelines
    seeds = range(1, 7)
    rows = [Row("", "", [None, *(tile(pipeline(seed=seed).images[0]) for seed in seeds)])]
    for preset in PRESETS:
        mixed = [pipeline.mix(0, seed, layers=preset).images[0] for seed in seeds]
        rows.append(Row(preset, "of the seed above", [tile(pipeline(seed=0).images[0]), *map(tile, mixed)]))
    return figure(["seed 0", *(f"seed {seed}" for seed in seeds)], rows)


def codes(pipelines: list[ImagePipeline], args: argparse.Namespace) -> Image.Image:
    """A drag, and an inversion with a tuning after it."""
    (pipeline,) = pipelines
    before = tile(pipeline(seed=DRAGGED).images[0], LARGE)
    way(before, HANDLE, TARGET, LARGE / max(pipeline.resolution))
    *_, dragged = pipeline.drag(DRAGGED, [HANDLE], [TARGET], steps=200)
    _, test_set = load(args.dataset_name)
    (given,) = to_pil(torch.from_numpy(test_set.pixels[len(test_set) // 2][None]))
    start, found = (pipeline.invert(given, steps=steps).codes for steps in (0, STEPS))
    drawn = [pipeline.draw(each).images[0] for each in (start, found)]
    pipeline.tune(given, found)
    drawn.append(pipeline.draw(found).images[0])
    shown = [before, tile(pipeline.draw(dragged.codes).images[0], LARGE), None]
    shown += [tile(image, LARGE) for image in (given, *drawn)]
    columns = [f"seed {DRAGGED}", "dragged", "", "held out", "start", "inverted", "tuned"]
    return figure(columns, [Row("", "", shown)], LARGE)


def fonts(pipelines: list[ImagePipeline], args: argparse.Namespace) -> Image.Image:
    """A sentence in large and in small letters of the fonts of some seeds."""
    (pipeline,) = pipelines
    lines, heights = [], [round(1.5 * size) for size in FONT_SIZES]
    with tempfile.TemporaryDirectory() as folder:
        for seed in FONT_SEEDS:
            path = Path(folder) / f"{seed}.ttf"
            write_font(pipeline, path, seed=seed)
            lines += [ImageFont.truetype(path, size) for size in FONT_SIZES]
        width = round(max(font.getlength(PANGRAM) for font in lines))
        sheet = Image.new("RGB", (width + 2 * EDGE, len(FONT_SEEDS) * (sum(heights) + EDGE) + EDGE), "white")
        pen, top = ImageDraw.Draw(sheet), EDGE
        for k, font in enumerate(lines):
            pen.text((EDGE, top), PANGRAM, INK, font)
            top += heights[k % 2] + EDGE * (k % 2)
    return sheet


def guidance(pipelines: list[SteerablePipeline], args: argparse.Namespace) -> Image.Image:
    """A panel for each model: precision upwards, recall to the right, and a curve over steps for each prior."""
    panels = [panel(pipeline, folder.name) for pipeline, folder in zip(pipelines, args.models)]
    rows = -(-len(panels) // PANELS_ACROSS)
    width, height = panels[0].size
    sheet = Image.new("RGB", (PANELS_ACROSS * width, rows * height), "white")
    for k, one in enumerate(panels):
        sheet.paste(one, (k % PANELS_ACROSS * width, k // PANELS_ACROSS * height))
    if len(panels) < rows * PANELS_ACROSS:  # in the free place, what colours mean
        left, top = len(panels) % PANELS_ACROSS * width + FRAME, (rows - 1) * height + FRAME
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
        for k, (prior, colour) in enumerate(PRIORS.items()):
            pen.line((left, top + 24 * k, left + 24, top + 24 * k), colour, 3)
            pen.text((left + 34, top + 24 * k), f"prior {prior:g}", INK, font, anchor="lm")
        pen.text(
            (left, top + 52), "up: precision\nright: recall\nblack: no critic steps\nlast dot: the most", GREY, font
        )
    return sheet


def panel(pipeline: SteerablePipeline, name: str) -> Image.Image:
    """The curves of a model; both axes have the same scale."""
    rows = pipeline.guidance_curve["curve"]
    unguided, *rest = rows
    places = [(row["recall"], row["precision"]) for row in rows]
    spans = [(min(values), max(values)) for values in zip(*places)]
    reach = 0.6 * max(0.02, *(high - low for low, high in spans))
    (left, bottom) = (sum(span) / 2 - reach for span in spans)
    image = Image.new("RGB", (PANEL + 2 * FRAME, PANEL + 2 * FRAME), "white")
    pen, font, small = ImageDraw.Draw(image), ImageFont.load_default(TEXT), ImageFont.load_default(NOTE)

    def at(row: dict[str, float]) -> tuple[float, float]:
        x, y = (row["recall"] - left) / (2 * reach), (row["precision"] - bottom) / (2 * reach)
        return FRAME + x * PANEL, FRAME + (1 - y) * PANEL

    pen.rectangle((FRAME, FRAME, FRAME + PANEL, FRAME + PANEL), outline=LINE)
    pen.text((FRAME, FRAME - 8), name, INK, font, anchor="ls")
    for share, anchor in ((0.0, "l"), (1.0, "r")):
        across, up = (f"{low + share * 2 * reach:.3f}".lstrip("0") for low in (left, bottom))
        pen.text((FRAME + share * PANEL, FRAME + PANEL + 5), across, GREY, small, anchor=f"{anchor}a")
        pen.text((FRAME - 5, FRAME + (1 - share) * PANEL), up, GREY, small, anchor="rs" if share == 0 else "rt")
    for prior, colour in PRIORS.items():
        curve = [unguided, *(row for row in rest if row["critic_prior"] == prior)]
        pen.line([at(row) for row in curve], colour, 3, joint="curve")
        for row in curve[1:]:
            pen.circle(at(row), 4, fill=colour)
    pen.circle(at(unguided), 5, fill=INK)
    return image


def tile(image: Image.Image, side: int = SIDE) -> Image.Image:
    """A picture in RGB, enlarged, on a square of its background."""
    image = image.convert("RGB")
    scale = side / max(image.size)
    square = Image.new("RGB", (side, side), image.getpixel((0, 0)))
    large = image.resize([round(scale * length) for length in image.size], Image.Resampling.LANCZOS)
    square.paste(large, ((side - large.width) // 2, (side - large.height) // 2))
    return square


def way(image: Image.Image, start: tuple[float, float], end: tuple[float, float], scale: float) -> None:
    """Draws a handle, red, and its target, blue, at points (x, y) of the picture before it was enlarged."""
    pen = ImageDraw.Draw(image)
    places = [((x + 0.5) * scale, (y + 0.5) * scale) for x, y in (start, end)]
    pen.line([*places[0], *places[1]], fill="white", width=3)
    for place, colour in zip(places, ("red", "blue")):
        pen.circle(place, 6, fill=colour, outline="white", width=2)


def figure(columns: list[str], rows: list[Row], side: int = SIDE) -> Image.Image:
    """Rows of tiles with what is written above columns and before rows, on white."""
    font, small = ImageFont.load_default(TEXT), ImageFont.load_default(NOTE)
    margin = max(max(font.getlength(row.label), small.getlength(row.note)) for row in rows)
    left = EDGE + (int(margin) + 10 if margin else 0)
    step = side + GAP
    size = (left + len(columns) * step - GAP + EDGE, HEADER + len(rows) * step - GAP + EDGE)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for k, text in enumerate(columns):
        pen.text((left + k * step + side / 2, HEADER / 2), text, INK, font, anchor="mm")
    for j, row in enumerate(rows):
        top = HEADER + j * step
        pen.text((left - 10, top + side / 2 - 9), row.label, INK, font, anchor="rm")
        pen.text((left - 10, top + side / 2 + 9), row.note, GREY, small, anchor="rm")
        for k, image in enumerate(row.tiles):
            if image is not None:
                sheet.paste(image, (left + k * step, top))
    return sheet


FIGURES: dict[str, Callable[[list[Any], argparse.Namespace], Image.Image]] = {
    "directions": directions,
    "mixing": mixing,
    "codes": codes,
    "fonts": fonts,
    "guidance": guidance,
}

if __name__ == "__main__":
    main()
