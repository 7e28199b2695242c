"""What each choice of the recipe is worth: `python benchmarks/ablation.py [ROW ...] --cpu_minutes 3 --seeds 0 1 2`.

Trains one variant a row with `train.py`, each for the same CPU time on one thread (so that other work on the machine
doesn't matter much: a short pilot finds how many steps that is), measures it on held-out pictures, and prints a
Markdown table with the mean and the standard deviation over the seeds. Every run goes into `--output` at once: a
benchmark that was stopped goes on from there; runs on other data or of another length are passed over. Rows that were
measured are in `benchmarks/ablation.md`.
"""

import argparse
import json
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from equal_time import keep, kept, program, steps_in

from gan import GANPipeline
from gan.hub.repository import TRAINING
from gan.image.features import feature_space
from gan.metrics.records import class_metrics, feature_metrics

LARGE = ["--train_batch_size", "16", "--learning_rate", "5.6e-4"]  # for pictures of 64x64 in colour
ROWS = {
    "as shipped": [],
    "batch 4": ["--train_batch_size", "4"],
    "batch 16": ["--train_batch_size", "16"],
    "batch 16, learning rate 5.6e-4": ["--train_batch_size", "16", "--learning_rate", "5.6e-4"],
    "batch 32": ["--train_batch_size", "32"],
    "gamma 0.05": ["--gamma", "0.05"],
    "gamma 2": ["--gamma", "2"],
    "penalty every 4th step": ["--penalty_interval", "4"],
    "penalty every 16th step": ["--penalty_interval", "16"],
    "learning rate 2e-4": ["--learning_rate", "2e-4"],
    "learning rate 8e-4": ["--learning_rate", "8e-4"],
    "beta1 0.5": ["--adam_beta1", "0.5"],
    "no augmentation, none watched": ["--augment_target", "1"],
    "tiny": ["--model_size", "tiny"],
    "wide at fine scales": [],
    "64x64": LARGE,
    "64x64, narrow at fine scales": LARGE,
    "64x64, patches": [*LARGE, "--patch_size", "2"],
    "64x64, gamma stays": [*LARGE, "--gamma_final", "7.84"],
    "64x64, gamma 1": [*LARGE, "--gamma", "1"],
    "64x64, penalty every 16th step": [*LARGE, "--penalty_interval", "16"],
    "1,000 pictures": ["--max_train_samples", "1000"],
    "1,000 pictures, no augmentation, none watched": ["--max_train_samples", "1000", "--augment_target", "1"],
    "1,000 pictures, DiffAugment": ["--max_train_samples", "1000", "--augment_target", "1"],
}
CHANGED = {  # rows that no flag makes: what is done before `train.py`
    "wide at fine scales": "gan.image.networks.stage_channels = lambda *_: [144, 64, 32]",
    "64x64, narrow at fine scales": "gan.image.networks.stage_channels = lambda *_: [160, 112, 32, 16, 16]",
    "1,000 pictures, DiffAugment": (
        "from benchmarks.diffaugment import augment; gan.training.adversarial.augment = augment"
    ),
}


def train(row: str, flags: list[str], folder: Path, seed: int, steps: int) -> float:
    """CPU seconds of a run of `train.py` with what the row changes."""
    fixed = ["--max_train_steps", str(steps), "--output_dir", str(folder), "--seed", str(seed), "--report_to", "none"]
    fixed += ["--no-evaluate", "--no-directions", "--overwrite_output_dir", "--validation_steps", "1000000"]
    changed = CHANGED.get(row, "pass")
    script = f"import gan.image.task; from gan.training.__main__ import main; {changed}; raise SystemExit(main())"
    return program("-c", script, "image", *ROWS[row], *flags, *fixed)


class Judge:
    """Measures models as `python -m gan.image.evaluate` does, without references and baselines."""

    def __init__(self, dataset_name: str, num_samples: int):
        self.num_samples = num_samples
        self.train_set, self.test_set = baseline.load(dataset_name)
        self.space = feature_space("auto", self.train_set)
        if self.space is None:
            raise SystemExit(
                f"{dataset_name} has too few pictures with classes to train a classifier that measures, and "
                "EfficientNet-Lite0 is not installed (docs/install.md)."
            )
        self.held_out = self.space(torch.from_numpy(self.test_set.pixels))
        self.asked = baseline.wanted_classes(self.test_set, num_samples)

    @torch.inference_mode()
    def __call__(self, folder: Path) -> dict[str, float]:
        """Figures of the model in `folder`, from seeds 0, 1, ... with the classes of the held-out pictures."""
        pipeline = GANPipeline.from_pretrained(folder)
        latents, _ = pipeline.latents(list(range(self.num_samples)))
        pixels = pipeline.decode(latents, self.asked)
        features = self.space(pixels)
        found = feature_metrics(features, self.held_out, self.space.name)
        if self.space.classifier is not None:
            found += class_metrics(self.space.predict(pixels, features), self.asked, self.asked, 0)
        return baseline.figures(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; by default all")
    parser.add_argument("--dataset_name", default="zalando-datasets/fashion_mnist", help="pictures with classes")
    parser.add_argument("--cpu_minutes", type=float, default=3, help="of training for each row and seed")
    parser.add_argument("--num_samples", type=int, default=baseline.SAMPLES, help="pictures that are measured")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--output", type=Path, default=Path("ablation.jsonl"), help="a line for every run; those are kept"
    )
    args = parser.parse_args()
    rows = args.rows or list(ROWS)
    setting = {name: getattr(args, name) for name in ("dataset_name", "cpu_minutes", "num_samples")}
    runs: dict[tuple[str, int], dict[str, Any]] = {
        (run["row"], run["seed"]): run for run in kept(args.output, setting)
    }
    judge, steps = Judge(args.dataset_name, args.num_samples), {row: run["steps"] for (row, _), run in runs.items()}
    for seed in args.seeds:
        for row in rows:
            if (row, seed) in runs:
                continue
            with tempfile.TemporaryDirectory() as name:
                folder, flags = Path(name), ["--dataset_name", args.dataset_name]
                if row not in steps:
                    pilot = partial(train, row, flags, folder / "pilot", 0)
                    steps[row] = steps_in(args.cpu_minutes, pilot)
                seconds = train(row, flags, folder / "model", seed, steps[row])
                seen = json.loads((folder / "model" / TRAINING).read_text())["images_seen"]
                run = {"row": row, "seed": seed, "steps": steps[row], "images": seen, "cpu_seconds": round(seconds)}
                runs[row, seed] = run | judge(folder / "model")
            keep(args.output, setting, runs[row, seed])
    baseline.table([{"": row, **_spread([runs[row, seed] for seed in args.seeds])} for row in rows])


def _spread(runs: list[dict[str, Any]]) -> dict[str, str]:
    """Of runs that differ in their seeds: the mean of each figure and its standard deviation."""
    names = [name for name in runs[0] if name not in ("row", "seed")]
    columns = {name: [run[name] for run in runs] for name in names}
    return {
        name: f"{statistics.mean(c):.3g} ± {statistics.stdev(c) if len(c) > 1 else 0:.2g}"
        for name, c in columns.items()
    }


if __name__ == "__main__":
    main()
