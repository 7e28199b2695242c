"""Threads of a training on a machine that others use, too: `python benchmarks/threads.py [flags of train.py image]`.

Trains alone, beside one busy single-threaded process, and two at once; with the number of threads that is timed, and
with one and all of them fixed. Prints images a second of training (of each, where there are two) and the threads at
its end. Only to be run on a machine with nothing else to do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
BUSY = "while True: pass"
PLACES = {"alone": (1, False), "beside a busy process": (1, True), "two at once": (2, False)}


def start(folder: Path, steps: int, threads: int | None, more: list[str]) -> subprocess.Popen[str]:
    flags = ["--max_train_steps", str(steps), "--checkpointing_steps", str(max(1, steps // 4)), "--no-evaluate"]
    flags += ["--train_batch_size", "16", "--report_to", "none", "--validation_steps", str(10 * steps), *more]
    flags += ["--output_dir", str(folder), *(["--num_threads", str(threads)] if threads else [])]
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # it would fix them
    command = [sys.executable, str(ROOT / "train.py"), "image", *flags]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def measure(trainings: int, busy: bool, steps: int, threads: int | None, more: list[str]) -> str:
    """Images a second and threads of each training, one of several runs at once."""
    neighbour = subprocess.Popen([sys.executable, "-c", BUSY]) if busy else None
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / str(k) for k in range(trainings)]
        runs = [start(folder, steps, threads, more) for folder in folders]
        errors = [run.communicate()[1] for run in runs]
        if neighbour is not None:
            neighbour.kill()
        if any(run.returncode for run in runs):
            raise SystemExit("\n".join(errors))
        records = [json.loads((folder / "training.json").read_text()) for folder in folders]
    return ", ".join(f"{record['images_per_second']:.0f} ({record['machine']['threads']})" for record in records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400, help="of each training")
    args, more = parser.parse_known_args()
    columns = {"timed": None, "1 thread": 1, f"{os.cpu_count()} threads": os.cpu_count()}
    print(f"| images/s (threads at the end) | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    bar = tqdm(total=len(PLACES) * len(columns), unit=" runs")
    for name, (trainings, busy) in PLACES.items():
        cells = []
        for threads in columns.values():
            cells.append(measure(trainings, busy, args.steps, threads, more))
            bar.update()
        bar.write(f"| {name} | {' | '.join(cells)} |")
    bar.close()


if __name__ == "__main__":
    main()
