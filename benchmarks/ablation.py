"""What each choice of the recipe is worth: `python benchmarks/ablation.py --cpu_minutes 3 --seeds 0 1 2 [ROW ...]`.

Trains one variant a row with `train.py`, each for the same CPU time on one thread (so that other work on the machine
doesn't matter: a short pilot finds how many steps that is), measures it on held-out pictures, and prints a Markdown
table with the mean and the standard deviation over the seeds. Rows that were measured are in `benchmarks/ablation.md`.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline

from gan import GANPipeline

ROOT = Path(__file__).parent.parent
PILOT = 150  # steps
ROWS = {
    "as shipped": [],
    "batch 4": ["--train_batch_size", "4"],
    "batch 16": ["--train_batch_size", "16"],
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
}


def cpu_seconds() -> float:
    """Of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(*command: str) -> float:
    """Runs a Python program of this repository on one thread; returns its CPU seconds."""
    before = cpu_seconds()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, *command], check=True, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    return cpu_seconds() - before


def train(flags: list[str], steps: int, folder: Path, seed: int) -> float:
    """CPU seconds of a run of `train.py`."""
    fixed = ["--max_train_steps", str(steps), "--output_dir", str(folder), "--seed", str(seed), "--report_to", "none"]
    fixed += ["--no-evaluate", "--overwrite_output_dir", "--validation_steps", "1000000"]
    return run(str(ROOT / "train.py"), "image", *flags, *fixed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; by default all")
    parser.add_argument("--dataset_name", default="zalando-datasets/fashion_mnist", help="as for train.py")
    parser.add_argument("--cpu_minutes", type=float, default=3, help="of training for each row and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in args.rows or ROWS:
            flags = ["--dataset_name", args.dataset_name, *ROWS[row]]
            start = train(flags, 1, folder / "pilot", 0)  # reading the data, and the first step
            step = (train(flags, PILOT, folder / "pilot", 0) - start) / (PILOT - 1)
            steps, measured = max(1, int(60 * args.cpu_minutes / step)), []
            for seed in args.seeds:
                train(flags, steps, folder / "model", seed)
                run("-m", "gan.image.evaluate", str(folder / "model"), "--dataset_name", args.dataset_name)
                pipeline = GANPipeline.from_pretrained(folder / "model")
                measured.append(baseline.figures(pipeline.metrics["metrics"]))
            spread = {
                key: f"{statistics.mean(values):.3g} ± {statistics.pstdev(values):.2g}"
                for key in measured[0]
                for values in [[figures[key] for figures in measured]]
            }
            rows.append({"": row, "images": pipeline.training["images_seen"], **spread})
    baseline.table(rows)


if __name__ == "__main__":
    main()
