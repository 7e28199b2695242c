"""Stacked MNIST: does the generator draw all of 1,000 modes, and equally often? (Metz et al. 2017, Srivastava et al.
2017, Lin et al. 2018)

    python benchmarks/stacked_mnist.py --max_train_steps 5000       # flags that it does not know go to train.py,
                                                                    # such as --overwrite_output_dir
    python benchmarks/stacked_mnist.py --model stacked-mnist/model  # measure again

Three digits drawn at random are the red, green and blue of a picture of 32x32 (padded with black), so that there are
1,000 modes; nobody tells the model. A classifier trained on the digits reads each channel of 25,600 generated
pictures. Printed: how many modes were drawn, and the reverse Kullback-Leibler divergence KL(generated || data) in nats
between the histogram of modes and the shares that they have in the data. So many samples of the very data score about
0.02, as the row of real held-out digits shows. KL to the uniform distribution, from which the data itself differs
by 0.004, stands beside it.
"""

import argparse
import io
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import torch
from PIL import Image
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline

from gan import ImagePipeline
from gan.image.data import ImageSet
from gan.image.features import ImageClassifier, classifier_for

ROOT = Path(__file__).parent.parent
BORDER = 2  # pixels of black around a digit of 28x28
PUBLISHED = [  # Huang et al. 2024, "The GAN is dead; long live the GAN!"
    {"": "R3GAN, published", "modes": 1000, "KL": 0.029},
    {"": "its loss on a plain network, published", "modes": 1000, "KL": 0.078},
]


def stack(digits: ImageSet, count: int, seed: int) -> np.ndarray:
    """uint8 (count, 3, 32, 32): three random digits each."""
    chosen = np.random.default_rng(seed).integers(len(digits), size=(count, 3))
    return np.pad(digits.pixels[chosen, 0], [(0, 0), (0, 0), (BORDER, BORDER), (BORDER, BORDER)])


def write_dataset(folder: Path, pixels: np.ndarray) -> None:
    """A data set as on the Hub, of PNGs without labels; whole or not there at all."""

    def png(picture: np.ndarray) -> dict[str, bytes | None]:
        file = io.BytesIO()
        Image.fromarray(picture.transpose(1, 2, 0)).save(file, "PNG", compress_level=1)
        return {"bytes": file.getvalue(), "path": None}

    features = datasets.Features({"image": datasets.Image()})
    table = datasets.Dataset.from_dict({"image": [png(picture) for picture in pixels]}, features=features)
    beside = folder.with_name(f".{folder.name}.writing")
    (beside / "data").mkdir(parents=True, exist_ok=True)
    table.to_parquet(beside / "data" / "train-00000-of-00001.parquet")
    beside.rename(folder)


def generate(pipeline: ImagePipeline, count: int) -> Tensor:
    """uint8 (count, 3, 32, 32) of the seeds from 0."""
    return pipeline.decode(*pipeline.latents(list(range(count))))


def modes_of(pixels: Tensor, classifier: ImageClassifier) -> Tensor:
    """int64 (n,) in 0..999: the three digits of each picture, read as a number."""
    digits = pixels[:, :, BORDER:-BORDER, BORDER:-BORDER].flatten(0, 1).unsqueeze(1)
    return classifier.predict(digits).view(-1, 3) @ torch.tensor([100, 10, 1])


def score(modes: Tensor, shares: Tensor) -> dict[str, float]:
    """Modes drawn, and the divergence of their histogram from the data's shares and from uniform ones.

    Args:
        modes: int64 (n,).
        shares: float64 (1000,) of each mode in the data, none of them 0.
    """
    drawn = modes.bincount(minlength=1000).double() / len(modes)

    def divergence(reference: Tensor) -> float:
        return float(torch.special.xlogy(drawn, drawn / reference).sum())

    return {
        "modes": int((drawn > 0).sum()),
        "KL": divergence(shares),
        "KL to uniform": divergence(torch.full((1000,), 1e-3, dtype=torch.float64)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--dataset_name", default="ylecun/mnist", help="where the digits come from")
    parser.add_argument("--stacked", type=int, default=128_000, help="pictures to train on")
    parser.add_argument("--samples", type=int, default=25_600, help="pictures to measure")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    parser.add_argument("--output_dir", type=Path, default=Path("stacked-mnist"), help="for the data and the model")
    parser.add_argument("--model", help="measure this one instead of training")
    args, flags = parser.parse_known_args()
    if args.model and flags:
        parser.error(f"{flags[0]} is for training; leave --model out")

    digits, held_out = baseline.load(args.dataset_name, "--image_channels", "1", "--resolution", "28")
    if args.model is None:
        data = args.output_dir / f"{args.dataset_name.replace('/', '--').strip('-')}-{args.stacked}"
        model = args.output_dir / "model"
        if not data.exists():
            write_dataset(data, stack(digits, args.stacked, 0))
        command = [sys.executable, str(ROOT / "train.py"), "image", "--dataset_name", str(data), "--unconditional"]
        command += ["--output_dir", str(model), "--seed", str(args.seed), "--no-evaluate", *flags]
        if code := subprocess.run(command).returncode:
            raise SystemExit(code)  # train.py said why
        args.model = str(model)

    classifier = classifier_for(digits)
    named = classifier.predict(torch.from_numpy(held_out.pixels))
    accuracy = float((named == torch.from_numpy(held_out.labels)).double().mean())
    print(f"The classifier reads {accuracy:.2%} of the held-out digits right.\n")
    digit = torch.from_numpy(digits.labels).bincount(minlength=10).double() / len(digits)
    shares = torch.einsum("i,j,k->ijk", digit, digit, digit).flatten()

    pipeline = ImagePipeline.from_pretrained(args.model)
    run = pipeline.training_record
    ours = score(modes_of(generate(pipeline, args.samples), classifier), shares)
    facts = {"images seen": run["images_seen"], "minutes": round(run["seconds"] / 60, 1), "seed": run["seed"]}
    real = torch.from_numpy(stack(held_out, args.samples, 1))
    baseline.table(
        [
            {"": "ours"} | ours | facts,
            {"": "real held-out digits"} | score(modes_of(real, classifier), shares),
            *PUBLISHED,
        ]
    )


if __name__ == "__main__":
    main()
