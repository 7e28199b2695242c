"""Trains a peer in an environment of its own: what goes there and comes back, in archives of numpy.

A script of ours calls `train` with the pictures; the interpreter of the peer's environment runs another script, which
reads them, trains, and writes what it drew with a record of the run. Both import this, and it imports nothing of ours.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def train(python: str, script: str, pixels: np.ndarray, flags: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
    """Runs a script of this folder by another interpreter, on `pixels`.

    Args:
        python: the interpreter.
        script: its file name, for a script whose parser is `parser`'s.
        pixels: uint8 (n, channels, height, width).
        flags: name and value; those that are `None` are left to the script.

    Returns:
        uint8 (samples, channels, height, width) and the record of the run.
    """
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / "exchange.npz"
        np.savez(archive, pixels=pixels)
        given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
        subprocess.run([python, str(Path(__file__).parent / script), str(archive), *given], check=True)
        with np.load(_answer(archive)) as made:
            return made["generated"], json.loads(str(made["record"]))


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with what every script in a peer's environment is told."""
    flags = argparse.ArgumentParser(description=description)
    flags.add_argument("archive", type=Path, help="with the pictures, `pixels`")
    flags.add_argument("--minutes", type=float, default=15)
    flags.add_argument("--cpu_minutes", type=float)
    flags.add_argument("--samples", type=int, default=10_000)
    flags.add_argument("--seed", type=int, default=0)
    return flags


def read(archive: Path) -> np.ndarray:
    """uint8 (n, channels, height, width): the pictures to learn from."""
    with np.load(archive) as given:
        return given["pixels"]


def write(archive: Path, generated: np.ndarray, record: dict[str, Any]) -> None:
    """Leaves pictures in [0, 1], (samples, channels, height, width), and the record of the run beside the archive."""
    pixels = (generated * 255).round().astype(np.uint8)
    np.savez(_answer(archive), generated=pixels, record=json.dumps(record))


def _answer(archive: Path) -> Path:
    return archive.with_name(archive.stem + "-generated.npz")
