"""GAN, VAE and VAE-GAN side by side, as docs/results/image.md shows them.

    python benchmarks/compare.py my-gan my-vae my-vaegan --figure docs/comparison.png

Prints a Markdown table of what each model's `metrics.json` says and of how long 64 pictures take here, and draws the
same seeds of all of them beside each other: a class a row, a seed a column. Below, what the models with an encoder
make of pictures that they have never seen.
"""

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from speed import BATCH, milliseconds

from gan import ImagePipeline
from gan.image.data import ImageSet
from gan.image.plots import image_grid, to_pil

NAMES = {"gan": "GAN", "vae": "VAE", "vaegan": "VAE-GAN"}  # by objective
SHOWN = ("Fréchet distance", "Precision", "Recall", "Coverage", "Class agreement", "Reconstruction error")
SEEDS, ROWS = 6, 10
SCALE, MARGIN, HEADING = 2, 16, 44  # pixels


def row(path: str, pipeline: ImagePipeline) -> dict[str, object]:
    run, measured = pipeline.training_record, baseline.figures(pipeline.metrics.get("metrics", []))
    return {
        "model": f"{NAMES[pipeline.objective]} (`{Path(path).name}`)",
        "images seen": run.get("images_seen"),
        "minutes": round(run["seconds"] / 60, 1) if "seconds" in run else None,
        **{name: measured.get(name) for name in SHOWN},
        "64 pictures, ms": round(milliseconds(lambda: pipeline(seed=1, num_images=BATCH), 20)),
    }


def samples(pipeline: ImagePipeline) -> Image.Image:
    """A class a row, a seed a column; without classes every picture has a seed of its own."""
    images: list[Image.Image] = []
    for k in range(ROWS):
        label = k % len(pipeline.labels) if pipeline.labels else None
        images += pipeline(0 if pipeline.labels else SEEDS * k, SEEDS, label=label).images
    return image_grid(images, columns=SEEDS)


@torch.inference_mode()
def rebuilt(pipeline: ImagePipeline, originals: list[Image.Image]) -> Image.Image:
    return image_grid(pipeline.reconstruct(originals).images, columns=len(originals))


def with_heading(text: str, picture: Image.Image) -> Image.Image:
    picture = picture.resize((SCALE * picture.width, SCALE * picture.height), Image.Resampling.NEAREST).convert("RGB")
    sheet = Image.new("RGB", (picture.width, picture.height + HEADING), "white")
    sheet.paste(picture, (0, HEADING))
    ImageDraw.Draw(sheet).text((0, HEADING - 8), text, "black", ImageFont.load_default(24), anchor="ls")
    return sheet


def arrange(pictures: list[Image.Image], downwards: bool) -> Image.Image:
    """Pictures beside or below each other, a margin between them."""
    widths, heights = [picture.width for picture in pictures], [picture.height for picture in pictures]
    gaps = MARGIN * (len(pictures) - 1)
    size = (max(widths), sum(heights) + gaps) if downwards else (sum(widths) + gaps, max(heights))
    sheet, position = Image.new("RGB", size, "white"), 0
    for picture in pictures:
        sheet.paste(picture, (0, position) if downwards else (position, 0))
        position += (picture.height if downwards else picture.width) + MARGIN
    return sheet


def figure(pipelines: list[ImagePipeline], held_out: ImageSet) -> Image.Image:
    groups = [with_heading(NAMES[pipeline.objective], samples(pipeline)) for pipeline in pipelines]
    parts = [arrange(groups, downwards=False)]
    takers = [pipeline for pipeline in pipelines if pipeline.encoder is not None]
    if takers:
        count = (parts[0].width // SCALE) // pipelines[0].resolution[1]
        chosen = torch.linspace(0, len(held_out) - 1, count).long().numpy()
        originals = to_pil(torch.from_numpy(held_out.pixels[chosen]))
        parts.append(with_heading("Pictures never seen", image_grid(originals, columns=count)))
        parts += [
            with_heading(f"Rebuilt by the {NAMES[pipeline.objective]}", rebuilt(pipeline, originals))
            for pipeline in takers
        ]
    sheet = arrange(parts, downwards=True)
    framed = Image.new("RGB", (sheet.width + 2 * MARGIN, sheet.height + 2 * MARGIN), "white")
    framed.paste(sheet, (MARGIN, MARGIN))
    return framed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", help="folders or Hub ids, of one data set")
    parser.add_argument("--dataset_name", default="zalando-datasets/fashion_mnist", help="for pictures to rebuild")
    parser.add_argument("--figure", type=Path, help="where to write the figure, a PNG")
    args = parser.parse_args()
    pipelines = [ImagePipeline.from_pretrained(model) for model in args.models]
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n")
    baseline.table([row(path, pipeline) for path, pipeline in zip(args.models, pipelines)])
    if args.figure:
        args.figure.parent.mkdir(parents=True, exist_ok=True)
        _, held_out = baseline.load(args.dataset_name)
        figure(pipelines, held_out).save(args.figure, optimize=True)


if __name__ == "__main__":
    main()
