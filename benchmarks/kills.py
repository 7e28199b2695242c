"""Exact resume under fire: kills training with SIGKILL at random moments, resumes it each time, and compares the end.

    python benchmarks/kills.py --kills 10

For each modality a tiny model on a built-in set is trained twice: undisturbed, and killed so many times, wherever it
stands (starting, stepping, saving), each time gone on from by the same command with `--resume_from_checkpoint latest`.
It saves every second step, so that many kills fall into a save: their halves are counted. Where it gets to its end
before the kills are used up, another one begins. All tensors of the final models must be equal bit for bit.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import baseline
import torch
from safetensors.torch import load_file

from gan.cli import positive_int

ROOT = Path(__file__).parent.parent
COMMON = ["--report_to", "none", "--no-evaluate", "--train_batch_size", "4", "--checkpointing_steps", "2"]
COMMON += ["--checkpoints_total_limit", "3", "--validation_steps", "100000"]
MODALITIES = {
    "image": ["--max_train_samples", "200", "--resolution", "16", "--model_size", "tiny", "--augment_target", "-9"],
    "text": ["--max_train_samples", "200", "--embedding_size", "16", "--hidden_size", "16"],
    "audio": ["--max_train_samples", "60", "--duration", "0.25", "--model_size", "tiny", "--augment_target", "-9"],
}


def command(modality: str, folder: Path, steps: int) -> list[str]:
    flags = [*COMMON, *MODALITIES[modality], "--max_train_steps", str(steps), "--output_dir", str(folder)]
    return [sys.executable, str(ROOT / "train.py"), modality, *flags]


def run(line: list[str]) -> float:
    """Runs a command to its end and returns the seconds that it took."""
    started = time.monotonic()
    subprocess.run(line, check=True, capture_output=True)
    return time.monotonic() - started


def under_fire(modality: str, calm: Path, steps: int, kills: int, chance: random.Random, longest: float) -> dict:
    """Trains through so many kills, each after up to `longest` seconds, and anew where a training gets to its end;
    counts what the kills hit, and how many trainings ended with the tensors of the undisturbed one."""
    seen = {"kills": 0, "in a save": 0, "before the first step": 0, "trainings": 0, "equal": 0}
    while seen["kills"] < kills:
        folder = calm.with_name(f"fire-{seen['trainings']}")
        line = [*command(modality, folder, steps), "--resume_from_checkpoint", "latest"]
        while seen["kills"] < kills and not (folder / "training.json").exists():
            before = _newest(folder)
            with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                try:
                    _, said = process.communicate(timeout=chance.uniform(0, longest))
                except subprocess.TimeoutExpired:
                    process.kill()
                else:
                    assert process.returncode == 0, said.decode()
                    break  # it was done before its time was up
            seen["kills"] += 1
            seen["in a save"] += any(folder.glob(".checkpoint-*.saving"))
            seen["before the first step"] += _newest(folder) == before
        run(line)
        seen["trainings"] += 1
        seen["equal"] += equal(calm, folder)
    return seen


def _newest(folder: Path) -> int:
    return max((int(path.name.split("-")[1]) for path in folder.glob("checkpoint-*")), default=0)


def equal(one: Path, other: Path) -> bool:
    """Whether the networks of two model repositories are the same, bit for bit."""
    files = sorted(path.relative_to(one) for path in one.glob("*or/*.safetensors"))
    assert files, one
    pairs = [(load_file(one / file), load_file(other / file)) for file in files]
    return all(a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a) for a, b in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--kills", type=positive_int, default=10, help="of each modality")
    parser.add_argument("--steps", type=int, default=400, help="of each training")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    rows = []
    for modality in MODALITIES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            to_start = run(command(modality, folder / "start", 2))
            training = run(command(modality, folder / "calm", args.steps)) - to_start
            # Of lives that are as likely to end before the first step as after it, so many don't reach the end.
            longest = to_start + 3 * training / args.kills
            seen = under_fire(modality, folder / "calm", args.steps, args.kills, random.Random(args.seed), longest)
            rows.append({"": modality, "steps": args.steps, **seen})
    baseline.table(rows)


if __name__ == "__main__":
    main()
