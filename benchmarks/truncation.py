"""What truncation does, and the figure of docs/load.md: `python benchmarks/truncation.py [MODEL] --figure FILE`.

For each psi: how varied the pictures of a class are (mean pixel distance between two of them, relative to psi = 1) and
how high the model's own discriminator rates them (mean logit, relative to psi = 1).
"""

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
from gan import ImagePipeline
from gan.image.plots import image_grid

PSI = (1.2, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).parent.parent
    parser.add_argument("model", nargs="?", default=str(root / "weights" / "fashion"))
    parser.add_argument("--figure", type=Path, help="where to write the figure, a PNG")
    args = parser.parse_args()
    pipeline = ImagePipeline.from_pretrained(args.model)
    classes = len(pipeline.labels or [None])

    print("| psi | variety | discriminator |\n|---|---|---|")
    latents, labels = pipeline.latents(list(range(512)))
    order = labels.argsort(stable=True)  # neighbours share a class
    pairs = labels[order][1:] == labels[order][:-1]
    figures = {}
    for psi in sorted(PSI, reverse=True):
        pixels = pipeline.decode(latents, labels, psi)
        images = pixels.float() / 127.5 - 1
        with torch.inference_mode():
            logit = pipeline.discriminator(images, labels).mean()
        distance = (images[order][1:] - images[order][:-1]).flatten(1).norm(dim=1)[pairs].mean()
        figures[psi] = (float(distance), float(logit))
    for psi, (distance, logit) in figures.items():
        print(f"| {psi} | {distance / figures[1.0][0]:.2f} | {logit - figures[1.0][1]:+.2f} |")

    if args.figure:
        rows = []
        for psi in PSI:
            rows += [
                pipeline(seed, 1, psi, seed % classes if pipeline.labels else None).images[0] for seed in range(16)
            ]
        sheet = image_grid(rows, columns=16)
        args.figure.parent.mkdir(exist_ok=True)
        sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(args.figure)


if __name__ == "__main__":
    main()
