"""Is it worth starting from somebody's model? Few pictures of classes that a model has never seen, fine-tuned against
trained from scratch, for the same number of steps of the same networks.

    python benchmarks/finetune.py

A model is first trained on all classes but the held-out ones. Then, for each number of pictures of these and each
seed, `train.py` runs twice, with `--pretrained_model_name_or_path` and without, and both results are measured against
the test pictures of the held-out classes, in the features of the classifier of the whole data set.
"""

import argparse
import io
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import baseline
import datasets
import numpy as np
from PIL import Image

from gan import ImagePipeline
from gan.image import metrics
from gan.image.data import ImageSet
from gan.image.features import feature_space

ROOT = Path(__file__).parent.parent


def write(folder: Path, pictures: ImageSet, indices: np.ndarray) -> Path:
    """Grey pictures and the names of their classes, as a data set on the Hub. Returns its folder."""

    def png(picture: np.ndarray) -> dict[str, bytes | None]:
        file = io.BytesIO()
        Image.fromarray(picture[0]).save(file, "PNG")
        return {"bytes": file.getvalue(), "path": None}

    names = [pictures.label_names[pictures.labels[k]] for k in indices]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    rows = {"image": [png(pictures.pixels[k]) for k in indices], "label": names}
    (folder / "data").mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return folder


def train(data: Path, model: Path, steps: int, seed: int, *flags: str) -> ImagePipeline:
    """A model by the command line; one that is there already is taken as it is."""
    if not (model / "training.json").exists():
        command = [sys.executable, str(ROOT / "train.py"), "image", "--dataset_name", str(data)]
        command += ["--output_dir", str(model), "--max_train_steps", str(steps), "--seed", str(seed)]
        command += ["--no-evaluate", "--report_to", "none", "--checkpointing_steps", "100000", *flags]
        subprocess.run([*command, "--overwrite_output_dir"], check=True, capture_output=True)
    return ImagePipeline.from_pretrained(model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--dataset_name", default="zalando-datasets/fashion_mnist")
    parser.add_argument("--held_out", nargs="+", default=["Dress", "Sneaker", "Bag"], help="classes")
    parser.add_argument("--pictures", nargs="+", type=int, default=[100, 500])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--base_steps", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=600, help="of each training on few pictures")
    parser.add_argument("--output_dir", type=Path, default=Path("finetune"), help="for data and models")
    args, flags = parser.parse_known_args()  # the rest goes to the fine-tuning runs

    whole, test = baseline.load(args.dataset_name)
    space = feature_space("classifier", whole)
    unseen = np.isin(np.asarray(whole.label_names)[whole.labels], args.held_out)
    order = np.random.default_rng(0).permutation(np.flatnonzero(unseen))
    kept = np.isin(np.asarray(test.label_names)[test.labels], args.held_out)
    real_train, real_test = whole.take(np.flatnonzero(unseen), "train"), test.take(np.flatnonzero(kept), test.split)
    base = args.output_dir / "base"
    train(write(args.output_dir / "data-base", whole, np.flatnonzero(~unseen)), base, args.base_steps, 0)

    rows = []
    for count in args.pictures:
        data = write(args.output_dir / f"data-{count}", whole, np.sort(order[:count]))
        for kind, more in {
            "from scratch": [],
            "fine-tuned": ["--pretrained_model_name_or_path", str(base), *flags],
        }.items():
            figures: list[dict[str, float]] = []
            for seed in args.seeds:
                model = args.output_dir / f"{kind.replace(' ', '-')}-{count}-{seed}"
                pipeline = train(data, model, args.steps, seed, *more)
                latents, classes = pipeline.latents(list(range(len(real_test))))
                pixels = pipeline.decode(latents, classes)
                measured = metrics.measure(pixels, None, real_train, real_test, space)["metrics"]
                figures.append(baseline.figures(measured))
            rows.append({"pictures": count, "": kind, "seeds": len(args.seeds), **spread(figures)})
    reference = {metric["name"].split(" (")[0]: metric["reference"] for metric in measured}
    rows.append({"pictures": None, "": "real (reference)", "seeds": None, **{name: reference[name] for name in SHOWN}})
    baseline.table(rows)


def spread(figures: list[dict[str, float]]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds."""
    columns = {name: [row[name] for row in figures] for name in SHOWN}
    return {
        name: f"{statistics.mean(values):.3g} ± {statistics.stdev(values) if len(values) > 1 else 0:.2g}"
        for name, values in columns.items()
    }


SHOWN = ("Fréchet distance", "Precision", "Recall", "Coverage")


if __name__ == "__main__":
    main()
