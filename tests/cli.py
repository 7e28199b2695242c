"""Runs the real command line: `train.py` in processes of its own, away from the caller's home, login and network."""

import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forks import Fork
from PIL import Image

from gan.hub.wheel import NAME as WHEEL

ROOT = Path(__file__).resolve().parents[1]
TRAIN = [sys.executable, str(ROOT / "train.py"), "image"]
TINY = ["--model_size", "tiny", "--train_batch_size", "4", "--report_to", "none"]
MEASURED = {"metrics.json", "neighbours.png"}  # of it, what the evaluation writes
NOWHERE = "http://127.0.0.1:9"  # the discard port, where nothing listens: a Hub that is away
MODEL = {  # the files of a model repository
    "README.md",
    "discriminator/config.json",
    "discriminator/diffusion_pytorch_model.safetensors",
    "generator/config.json",
    "generator/diffusion_pytorch_model.safetensors",
    "metrics.json",
    "model_index.json",
    "neighbours.png",
    "samples.png",
    "training.json",
    WHEEL,
}

# Many command lines in one process: a Python that has imported torch costs seconds.
IN_ONE_PROCESS = """
import contextlib, io, json, logging, sys, traceback
from gan.training.__main__ import main

def run(line):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        logging.root.handlers.clear()  # they hold the stderr of the line before
        try:
            code = main(line)
        except SystemExit as end:  # argparse
            code = end.code
        except BaseException:
            code = None
            traceback.print_exc()
    return code, out.getvalue(), err.getvalue()

with open(sys.argv[2], "w") as report:
    json.dump([run(line) for line in json.loads(sys.argv[1])], report)
"""


@dataclass
class Result:
    """How a command line ended."""

    code: int | None
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines on stderr as a terminal shows them in the end, without progress bars."""
        lines = [line.split("\r")[-1].strip() for line in self.err.split("\n")]
        return [line for line in lines if line and not re.search(r"\d%\||\[\d\d:\d\d<", line)]

    @property
    def error(self) -> str:
        """The last line on stderr; asserts that it is the one error sentence, and that the exit code is 2."""
        assert self.code == 2, f"exit code {self.code}: {self.out}{self.err}"
        assert "Traceback" not in self.err, self.err
        assert [line for line in self.said if line.startswith("error: ")] == self.said[-1:], self.err
        assert self.said[-1].endswith("."), self.said
        return self.said[-1]

    def check(self) -> "Result":
        """Asserts success."""
        assert self.code == 0, f"exit code {self.code}: {self.out}{self.err}"
        return self


def environment(home: Path, base: dict[str, str] | None = None, **more: str) -> dict[str, str]:
    """The environment of a run: all that it may write outside of its folder goes below `home`.

    Args:
        base: what to start from, e.g. `HubServer.env`; by default this process's environment and a Hub that is away.
    """
    if base is None:
        base = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        base |= {"HF_ENDPOINT": NOWHERE, "HF_HOME": str(home / "huggingface")}
    home.mkdir(parents=True, exist_ok=True)
    base |= {"HOME": str(home), "TMPDIR": str(home), "TRACKIO_DIR": str(home / "trackio")}
    base |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
    return base | more


def python(*words: object, env: dict[str, str], cwd: Path) -> Result:
    """`python` with these words, to its end: a process of its own that has imported torch already."""
    return _together(words, [env], cwd)


def in_two_processes(*words: object, env: dict[str, str], cwd: Path) -> Result:
    """A script, or `-m` and a module, with its words, as two processes on the CPU, as `torchrun` starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        env = env | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    env |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "CUDA_VISIBLE_DEVICES": ""}
    return _together(words, [env | {"RANK": rank, "LOCAL_RANK": rank} for rank in "01"], cwd)


def _together(words: Sequence[object], environments: list[dict[str, str]], cwd: Path) -> Result:
    """A process in each environment, to the end of all; where one fails, the others are terminated."""
    with tempfile.TemporaryDirectory() as place:
        files = [(Path(place) / f"out{k}", Path(place) / f"err{k}") for k in range(len(environments))]
        forks = [Fork([*map(str, words)], env, cwd, *pair) for env, pair in zip(environments, files)]
        deadline = time.monotonic() + 240
        while None in [fork.wait(0.05) for fork in forks] and time.monotonic() < deadline:
            if any(fork.returncode for fork in forks):
                for fork in forks:
                    fork.send_signal(signal.SIGTERM)
        for fork in forks:
            fork.kill()
        code = next(filter(None, (fork.returncode for fork in forks)), forks[0].returncode)
        return Result(code, *("".join(path.read_text() for path in paths) for paths in zip(*files)))


def by_torchrun(*words: object, env: dict[str, str], cwd: Path) -> Result:
    """`torchrun` with these words, as two processes on the CPU."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return python(*torchrun, *words, env=env | {"CUDA_VISIBLE_DEVICES": ""}, cwd=cwd)


def train(*flags: object, env: dict[str, str], cwd: Path) -> Result:
    """`train.py image` with tiny settings and these flags."""
    return python(*TRAIN[1:], *TINY, *flags, env=env, cwd=cwd)


def train_each(
    lines: Sequence[Sequence[object]], env: dict[str, str], cwd: Path, shared: Sequence[str] = ("image", *TINY)
) -> list[Result]:
    """Several command lines behind `train.py`, one after the other in one process."""
    report = cwd / "results.json"
    words = json.dumps([[*shared, *map(str, line)] for line in lines])
    python("-c", IN_ONE_PROCESS, words, report, env=env, cwd=cwd).check()
    return [Result(*result) for result in json.loads(report.read_text())]


def pictures(folder: Path, count: int = 24, side: int = 20) -> Path:
    """Writes PNGs of noise, dark ones in the sub-folder `night`, bright ones in `day`. Returns the folder."""
    chance = np.random.default_rng(0)
    for k in range(count):
        low = 128 * (k % 2)
        file = folder / ("day" if low else "night") / f"{k:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(low, low + 128, (side, side, 3), dtype=np.uint8)).save(file)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def model_files(folder: Path) -> dict[str, bytes]:
    """The files of the model repository that a run wrote: all but its checkpoints, previews and tracker files."""
    return {
        path: data
        for path, data in files(folder).items()
        if not path.startswith((".checkpoint", "checkpoint-", "previews/", "logs/"))
    }


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text())
