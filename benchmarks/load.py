"""The studio under load: many users at once, mixing pictures, text and sound.

    python benchmarks/load.py                            # 64 users for two minutes
    python benchmarks/load.py --users 1 8 64 --threads 1 2 --seconds 60

Starts `python app.py` in a fresh process for each number of users and of the generators' threads. Each user is a
`gradio_client` of its own that asks, without a pause, for pictures, texts or sounds of random seeds by random bundled
models. Every answer is compared with what the pipeline makes of that seed alone, in this process; users and server
share the machine. Printed: answers, errors, answers that differ, how long users waited, and the server's memory
before, halfway and after.
"""

import argparse
import io
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import baseline
import numpy as np
import soundfile
from gradio_client import Client
from PIL import Image
from studio import ROOT, free_port, p95, wait_for

from gan import AudioPipeline, GANPipeline, ImagePipeline, TextPipeline
from gan.audio.preprocessing import wav

SEEDS = 40  # different ones
Answer = Any


class Reference:
    """What each model makes of each seed, alone."""

    def __init__(self) -> None:
        self.pipelines = {path.parent.name: GANPipeline.from_pretrained(path.parent) for path in MODELS}
        self.answers = {(name, seed): self.make(name, seed) for name in self.pipelines for seed in range(SEEDS)}

    def make(self, name: str, seed: int) -> Answer:
        pipeline = self.pipelines[name]
        if isinstance(pipeline, ImagePipeline):
            return np.asarray(pipeline(seed=seed).images[0].convert("RGB"))
        if isinstance(pipeline, TextPipeline):
            return pipeline(seed=seed).texts[0]
        assert isinstance(pipeline, AudioPipeline)
        sound, _ = soundfile.read(io.BytesIO(wav(pipeline(seed=seed).audios[0, :, 0], pipeline.sampling_rate)))
        return sound

    def endpoint(self, name: str) -> str:
        kinds = {ImagePipeline: "images", TextPipeline: "text", AudioPipeline: "audio"}
        return f"/generate_{kinds[type(self.pipelines[name])]}"

    def agrees(self, name: str, seed: int, answer: Answer) -> bool:
        expected, kind = self.answers[name, seed], self.endpoint(name)
        if kind == "/generate_images":
            with Image.open(answer[0]["image"]) as image:
                return np.array_equal(np.asarray(image.convert("RGB")), expected)
        if kind == "/generate_text":
            return answer[0]["text"] == expected
        return np.array_equal(soundfile.read(answer[0][0])[0], expected)


MODELS = sorted(ROOT.glob("weights/*/model_index.json"))


def user(client: Client, reference: Reference, until: float, chance: random.Random, note: Callable[..., None]) -> None:
    """Asks until the time is up."""
    while time.monotonic() < until:
        name, seed = chance.choice(list(reference.pipelines)), chance.randrange(SEEDS)
        started = time.monotonic()
        try:
            answer = client.predict(name, seed, api_name=reference.endpoint(name))
            outcome = "answers" if reference.agrees(name, seed, answer) else "differ"
        except Exception as error:  # whatever it is, it is counted
            outcome = f"{type(error).__name__}: {error}"
        note(reference.endpoint(name), outcome, time.monotonic() - started)


def memory(process_id: int) -> float:
    """Resident MiB of a process."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


Seen = list[tuple[str, str, float]]  # endpoint, outcome and seconds of each answer


def measure(reference: Reference, users: int, threads: int | None, seconds: float) -> tuple[Seen, list[float]]:
    """What users saw of a fresh server, and its memory before, halfway and after."""
    seen: Seen = []
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "app.py", "--port", str(port)]
    command += [] if threads is None else ["--num_threads", str(threads)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(address, process)
        warm = Client(address, verbose=False)
        for name in reference.pipelines:
            warm.predict(name, 0, api_name=reference.endpoint(name))
        clients = [Client(address, verbose=False) for _ in range(users)]
        used = [memory(process.pid)]
        until = time.monotonic() + seconds
        asking = [
            threading.Thread(
                target=user,
                args=(client, reference, until, random.Random(k), lambda *what: seen.append(what)),
            )
            for k, client in enumerate(clients)
        ]
        for thread in asking:
            thread.start()
        time.sleep(seconds / 2)
        used.append(memory(process.pid))
        for thread in asking:
            thread.join()
        used.append(memory(process.pid))
    finally:
        process.terminate()
        process.wait()
    return seen, used


def rows_of(seen: Seen, used: list[float], users: int, threads: int | None) -> list[dict[str, Any]]:
    """A row an endpoint."""
    rows = []
    for kind in sorted({kind for kind, _, _ in seen}):
        waits = [seconds for of, _, seconds in seen if of == kind]
        outcomes = [outcome for of, outcome, _ in seen if of == kind]
        rows.append(
            {
                "users": users,
                "threads": threads or "usual",
                "endpoint": kind,
                "answers": outcomes.count("answers"),
                "differ": outcomes.count("differ"),
                "errors": sum(outcome not in ("answers", "differ") for outcome in outcomes),
                "wait p50, s": statistics.median(waits),
                "p95, s": p95(waits),
                "server, MiB": " / ".join(f"{mebibytes:.0f}" for mebibytes in used),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--users", type=int, nargs="+", default=[64])
    parser.add_argument("--threads", type=int, nargs="+", default=[None], help="of the generators; default: as usual")
    parser.add_argument("--seconds", type=float, default=120)
    args = parser.parse_args()
    reference = Reference()
    rows, everything = [], []
    for users in args.users:
        for threads in args.threads:
            seen, used = measure(reference, users, threads, args.seconds)
            rows += rows_of(seen, used, users, threads)
            everything += seen
    print(f"{args.seconds:g} seconds each; the server's memory is before / halfway / after.\n")
    baseline.table(rows)
    for error in sorted({outcome for _, outcome, _ in everything} - {"answers", "differ"}):
        print(error)


if __name__ == "__main__":
    main()
