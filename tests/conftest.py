"""One thread, no network, and a tiny model for the tests that need one.

What takes seconds to import is imported in the fixtures: the process that hands out the tests needs none of it.
"""

from __future__ import annotations

import gc
import os
import shutil

os.environ["OMP_NUM_THREADS"] = (
    "1"  # before torch is imported: threads that wait for each other crawl on a busy machine
)
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # the discard port, where nothing listens: a Hub that is away
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gan import ImagePipeline

LONG = ["processes", "browser", "slow"]  # marks of what takes long, the longest first
NAMES = ["Ada", "Bob", "Cleo"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--process-per-site"]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests of processes and pages wait for these, and then another works."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Nothing that is imported is garbage: looking for some, then and ever again, takes seconds."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.enable()
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: at the end, no process waits for another that has only just begun one."""

    def rank(item: pytest.Item) -> int:
        marks = [number for number, name in enumerate(LONG) if item.get_closest_marker(name)]
        return min(marks, default=len(LONG))

    ranks: dict[Path, int] = {}
    for item in items:
        ranks[item.path] = min(ranks.get(item.path, len(LONG)), rank(item))
    items.sort(key=lambda item: ranks[item.path])


@pytest.fixture(scope="session")
def make_pipeline() -> Callable[..., ImagePipeline]:
    """Makes a tiny model whose residual blocks do something, as if it had been trained."""
    import torch

    from gan import ImageDiscriminator, ImageGenerator, ImagePipeline
    from gan.networks import stage_channels

    def make(
        resolution: tuple[int, int] = (16, 16),
        image_channels: int = 3,
        labels: list[str] | None = NAMES,
        seed: int = 0,
    ) -> ImagePipeline:
        torch.manual_seed(seed)
        shared: dict[str, Any] = {
            "resolution": resolution,
            "image_channels": image_channels,
            "num_classes": len(labels or []),
            "channels": tuple(min(32, width) for width in stage_channels(resolution, "tiny")),
        }
        generator = ImageGenerator(latent_dim=12, **shared)
        players = generator, ImageDiscriminator(**shared)
        with torch.no_grad():
            for parameter in [*players[0].parameters(), *players[1].parameters()]:
                parameter.add_(torch.randn_like(parameter) * 0.03)
        return ImagePipeline(*players, labels)

    return make


@pytest.fixture
def pipeline(make_pipeline: Callable[..., ImagePipeline]) -> ImagePipeline:
    """16x16, RGB, classes Ada, Bob and Cleo."""
    return make_pipeline()


@pytest.fixture
def record() -> dict[str, Any]:
    """A `training.json`, as the training loop writes it."""
    return {
        "command": "accelerate launch train.py image --dataset_name user/faces --license cc-by-4.0",
        "dataset": {"name": "user/faces", "split": "train", "images": 1631, "skipped": 2, "fingerprint": "0" * 16},
        "seed": 5,
        "steps": 3000,
        "images_seen": 96000,
        "seconds": 540.2,
        "images_per_second": 177.7,
        "arguments": {"license": "cc-by-4.0", "data_credit": "Faces by A. Painter, CC BY 4.0.", "gamma": 0.5},
        "machine": {"device": "x86_64 CPU", "threads": 2},
        "versions": {"torch": "2.13.0"},
        "date": "2026-11-23",
    }


@pytest.fixture
def measured() -> dict[str, Any]:
    """A `metrics.json`, as the evaluation writes it."""
    metric = {
        "name": "Sliced Wasserstein distance",
        "value": 31.25,
        "reference": 4.5,
        "split": "test",
        "samples": 2000,
    }
    return {"metrics": [metric], "command": "accelerate launch train.py image"}


@pytest.fixture
def repository(pipeline: ImagePipeline, record: dict[str, Any], measured: dict[str, Any], tmp_path: Path) -> Path:
    """The model of `pipeline` on disk, with its records."""
    pipeline.training_record, pipeline.metrics = record, measured
    pipeline.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, for all tests of pages: Playwright runs only once in a process."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
