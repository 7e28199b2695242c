"""How fast many pictures are read: by one process, by one a core, and from the cache.

    python benchmarks/reading.py --count 200000

Makes JPEGs of 256x256 (noise over a gradient, so that they are as large as photographs), and prints seconds and
memory of: decoding them to 64x64 by one core, the first start of a training, and the second.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

SIDE, FOLDERS = 256, 10


def make(job: tuple[Path, int]) -> None:
    """Writes one JPEG."""
    root, k = job
    chance = np.random.default_rng(k)
    ramp = np.linspace(0, 200, SIDE)[None, :, None] * chance.uniform(0.2, 1, 3)
    noise = Image.fromarray(chance.integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)).resize((SIDE, SIDE))
    pixels = (0.7 * ramp + 0.3 * np.asarray(noise)).astype(np.uint8)
    Image.fromarray(pixels).save(root / f"class{k % FOLDERS}" / f"{k:07}.jpg", quality=85)


def start(folder: Path, cache: Path, cores: int) -> tuple[float, float, str]:
    """Reads the folder in a new process: seconds, GiB at most (without mapped files), and a fingerprint."""
    command = [sys.executable, __file__, "--read", str(folder), "--cache_dir", str(cache)]
    if cores == 1:
        command = ["taskset", "-c", "0", *command]
    seconds, memory, fingerprint = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[
        -3:
    ]
    return float(seconds), float(memory), fingerprint


def read(folder: str, cache: str) -> None:
    """What `start` runs."""
    from gan.image import data
    from gan.image.task import ImageTask
    from gan.training import arguments

    before = anonymous()
    words = ["image", "--train_data_dir", folder, "--cache_dir", cache, "--resolution", "64"]
    args = arguments.parser({"image": ImageTask}).parse_args(words)
    begin = time.perf_counter()
    train, _ = data.load(args)
    seconds = time.perf_counter() - begin
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(seconds, anonymous() - before + children, train.fingerprint())


def anonymous() -> float:
    """Memory of this process that is no mapped file, in GiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="pictures (default: 20000)")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--cache_dir", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        read(args.read, args.cache_dir)
        return
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for k in range(FOLDERS):
            (root / "pictures" / f"class{k}").mkdir(parents=True)
        with get_context("fork").Pool() as pool:
            pool.map(make, [(root / "pictures", k) for k in range(args.count)], chunksize=100)
        print(f"{args.count:,} JPEGs of {SIDE}x{SIDE} to 64x64, {len(os.sched_getaffinity(0))} cores\n")
        print("| start | seconds | memory above the program's own, GiB |\n|---|---:|---:|")
        found = set()
        runs = [("one core", "one", 1), ("first", "all", 0), ("second", "all", 0)]
        for title, cache, cores in runs:
            seconds, memory, fingerprint = start(root / "pictures", root / cache, cores)
            found.add(fingerprint)
            print(f"| {title} | {seconds:.1f} | {memory:.2f} |", flush=True)
        assert len(found) == 1, "the same pictures, whoever decodes them"


if __name__ == "__main__":
    main()
