"""Models of one data set side by side, whoever trained them: a table, and a picture of what they draw.

    python benchmarks/peers.py my-model dcgan diffusion/steps-10 --names Ours DCGAN "diffusion, 10 steps" \\
        --figure docs/peers.png

Takes folders of `train.py` that were measured (`python -m gan.image.evaluate`), and folders that one of the baselines
wrote (`dcgan.py`, `r3gan.py`, `diffusion.py`, `pythae_baselines.py`, `lightweight_gan_baseline.py`).
"""

import argparse
import json
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from compare import arrange, with_heading

from gan import ImagePipeline
from gan.image.plots import image_grid

SHOWN = ("Fréchet distance", "Precision", "Recall", "Coverage")
ROWS, COLUMNS, SIDE = 5, 4, 64  # of a picture: classes, samples of each, pixels


def row(name: str, folder: Path) -> dict[str, object]:
    """Of a report or a model: what was seen, how long, and what was measured."""
    report = folder / "report.json"
    if report.is_file():
        facts = json.loads(report.read_text())
        measured = facts["metrics"]
    else:
        facts = json.loads((folder / "training.json").read_text())
        facts["minutes"] = round(facts["seconds"] / 60, 1)
        measured = json.loads((folder / "metrics.json").read_text())["metrics"]
    values = baseline.figures(measured)
    known = {key: facts.get(key) for key in ("images_seen", "minutes", "cpu_minutes", "cpu_ms_a_picture")}
    return {"": name, "parameters": facts.get("parameters"), **known, **{key: values.get(key) for key in SHOWN}}


def picture(folder: Path) -> Image.Image:
    """A class a row, from the folder's own sheet, or drawn now by a model."""
    if not (folder / "report.json").is_file():
        pipeline = ImagePipeline.from_pretrained(folder)
        images = [image for k in range(ROWS) for image in pipeline(0, COLUMNS, label=k).images]
        return image_grid(images, COLUMNS)
    with Image.open(folder / "samples.png") as sheet:  # eight pictures a row
        side = sheet.width // 8
        cut = sheet.crop((0, 0, COLUMNS * side, ROWS * side)).convert("RGB")
    return cut.resize((COLUMNS * SIDE, ROWS * SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--names", nargs="+", help="one a folder; by default their own")
    parser.add_argument("--figure", type=Path, help="where to write the picture, a PNG")
    args = parser.parse_args()
    names = args.names or [folder.name for folder in args.folders]
    baseline.table([row(name, folder) for name, folder in zip(names, args.folders, strict=True)])
    if args.figure:
        sheet = arrange([with_heading(*each) for each in zip(names, map(picture, args.folders))], downwards=False)
        sheet.quantize(256, dither=Image.Dither.NONE).save(args.figure, optimize=True)


if __name__ == "__main__":
    main()
