"""What benchmarks of CPU time share: programs on one thread, how many steps fit, and runs that are kept.

CPU time of one thread is counted, so that other work on the machine doesn't matter much.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PILOT = 150  # steps


def children_seconds() -> float:
    """CPU time of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def program(*command: str) -> float:
    """Runs a Python program of this repository on one thread; returns its CPU seconds."""
    before = children_seconds()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit((done.stderr.strip().splitlines() or [f"It ended with {done.returncode}."])[-1])
    return children_seconds() - before


def train_into(folder: Path, command: Sequence[object]) -> None:
    """Runs a training on one thread, in sight, and leaves its CPU seconds in its folder, in `seconds.json`."""
    before = children_seconds()
    subprocess.run([*map(str, command)], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
    (folder / "seconds.json").write_text(json.dumps(children_seconds() - before))


def steps_in(cpu_minutes: float, trained: Callable[[int], float]) -> int:
    """How many steps of training fit, by a short pilot; `trained` gives the CPU seconds of a run of so many steps."""
    start = trained(1)  # reading the data, and the first step
    step = (trained(PILOT) - start) / (PILOT - 1)
    return max(1, int(60 * cpu_minutes / step))


def kept(output: Path, setting: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs of a setting that are in a file, a line each, without the setting; those of others are passed over."""
    runs = [json.loads(line) for line in output.read_text().splitlines()] if output.exists() else []
    return [{name: run[name] for name in run if name not in setting} for run in runs if setting.items() <= run.items()]


def keep(output: Path, setting: dict[str, Any], run: dict[str, Any]) -> None:
    """Appends a run of a setting to a file."""
    with output.open("a") as file:
        file.write(json.dumps(setting | run) + "\n")
