"""The tables of docs/edit.md about directions and critic guidance, and its picture.

    python benchmarks/steering.py weights/fashion weights/emoji
    python benchmarks/steering.py weights/fashion weights/typefaces --figure docs/edit.png --rows typefaces:ink:1

The tables are those of `directions.json` and `guidance.json`, which `python -m gan.latent` writes into models. The
picture has a row for each MODEL:DIRECTION:SEED, at strengths from -3 to 3.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from baseline import table
from PIL import Image

from gan import ImagePipeline
from gan.image.plots import image_grid
from gan.latent.directions import RECORDS, STRENGTHS
from gan.latent.guidance_curve import distance
from gan.latent.steering import CURVE

SIDE = 64  # pixels of a square of the picture
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--figure", type=Path, help="where to write the picture, a PNG")
    parser.add_argument("--rows", nargs="+", default=[], metavar="MODEL:DIRECTION:SEED", help="of the picture")
    args = parser.parse_args()
    found = {model.name: json.loads((model / RECORDS).read_text("utf-8")) for model in args.models}
    measured = {
        name: {key: record for key, record in records.items() if record["source"] == "measured"}
        for name, records in found.items()
    }
    table(direction_rows(measured))
    curves = {
        model.name: json.loads((model / CURVE).read_text("utf-8"))
        for model in args.models
        if (model / CURVE).is_file()
    }
    if curves:
        print()
        table([row for name, curve in curves.items() for row in guidance_rows(name, curve)])
    if args.figure:
        folders = {model.name: model for model in args.models}
        images = [image for row in args.rows for image in moved(folders, row)]
        image_grid(images, columns=len(STRENGTHS)).save(args.figure)


def direction_rows(models: dict[str, dict[str, Any]]) -> list[Row]:
    """A row for each attribute: monotone share, effect and leakage of its direction, by model."""
    attributes = dict.fromkeys(name for records in models.values() for name in records)
    return [
        {"direction": name}
        | {f"`{model}`": _scores(records[name]) if name in records else None for model, records in models.items()}
        for name in attributes
    ]


def _scores(record: dict[str, Any]) -> str:
    return f"{record['monotone']:.2f}, {record['effect']:.3g}, {record['leakage']:.3g}"


def guidance_rows(model: str, curve: dict[str, Any]) -> list[Row]:
    """A row without guidance and one for each prior: distance, precision, recall and coverage, by number of steps."""
    unguided, *rest = curve["curve"]
    steps = list(dict.fromkeys(int(row["critic_steps"]) for row in rest))
    rows = []
    for prior in dict.fromkeys(row["critic_prior"] for row in rest):
        by_steps = {int(row["critic_steps"]): row for row in rest if row["critic_prior"] == prior}
        cells = {f"{n} steps": _figures(by_steps[n]) for n in steps}
        rows.append({"model": f"`{model}`", "prior": f"{prior:g}", "none": _figures(unguided), **cells})
    chosen = curve["chosen"]
    kept = f"{chosen['critic_steps']:g}, prior {chosen['critic_prior']:g}" if chosen["critic_steps"] else "none"
    other_half = " -> ".join(f"{distance(row):.3g}" for row in curve["confirmed"])
    return [{**row, "chosen": kept, "distance on the other half": other_half} for row in rows]


def _figures(row: Row) -> str:
    shares = [f"{row[name]:.3f}".lstrip("0") for name in ("precision", "recall", "coverage") if name in row]
    return ", ".join([f"{distance(row):.3g}", *shares])


def moved(folders: dict[str, Path], row: str) -> list[Image.Image]:
    """The pictures of MODEL:DIRECTION:SEED in RGB, enlarged by a whole number, on squares of their background."""
    model, direction, seed = row.split(":")
    pipeline = ImagePipeline.from_pretrained(folders[model])
    tiles = []
    for strength in STRENGTHS:
        image = pipeline.edit(int(seed), {direction: strength}).images[0].convert("RGB")
        tile = Image.new("RGB", (SIDE, SIDE), image.getpixel((0, 0)))
        large = image.resize([SIDE // max(image.size) * side for side in image.size], Image.Resampling.NEAREST)
        tile.paste(large, ((SIDE - large.width) // 2, (SIDE - large.height) // 2))
        tiles.append(tile)
    return tiles


if __name__ == "__main__":
    main()
