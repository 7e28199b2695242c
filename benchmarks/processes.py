"""What a second process is worth: training speed of one process and of two, for the same batch of a step.

    python benchmarks/processes.py                       # an idle machine, two cores

Each row is a run of `train.py image` on the built-in glyphs by `torchrun`. That both give the same weights is tested
(`tests/training/test_processes.py`); this says how fast they come.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import baseline

ROOT = Path(__file__).parent.parent


def images_per_second(processes: int, threads: int, batch: int, steps: int) -> float:
    """Of a run in which all processes together see `batch` pictures a step."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        command += [str(ROOT / "train.py"), "image", "--max_train_steps", str(steps), "--output_dir", folder]
        command += ["--train_batch_size", str(batch // processes), "--report_to", "none", "--no-evaluate"]
        command += ["--validation_steps", "100000", "--checkpointing_steps", "100000"]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)})
        return json.loads((Path(folder) / "training.json").read_text())["images_per_second"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 16, 32], help="pictures of a step")
    parser.add_argument("--steps", type=int, default=200, help="of each run")
    args = parser.parse_args()
    rows = []
    for batch in args.batches:
        speeds = {
            f"{processes} x {threads} threads": images_per_second(processes, threads, batch, args.steps)
            for processes, threads in ((1, 1), (1, 2), (2, 1))
        }
        rows.append({"pictures a step": batch, **speeds})
    baseline.table(rows)


if __name__ == "__main__":
    main()
