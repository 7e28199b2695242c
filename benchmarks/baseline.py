"""What the baselines share: the data as `train.py` reads them, and what is measured and kept of a run."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))
from gan import GANError
from gan.image import data, features, metrics
from gan.image.data import ImageSet
from gan.image.plots import contact_sheet, to_pil
from gan.image.task import ImageTask
from gan.training import arguments

SAMPLES = 10_000  # pictures that are measured


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the flags that every baseline understands."""
    flags = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    flags.add_argument("--dataset_name", default="zalando-datasets/fashion_mnist", help="as for train.py")
    flags.add_argument("--minutes", type=float, default=15, help="of training, by the clock on the wall")
    flags.add_argument("--cpu_minutes", type=float, help="or of all cores together, where the machine is busy")
    flags.add_argument("--seed", type=int, default=0, help="of everything that is drawn by chance")
    flags.add_argument("--num_samples", type=int, default=SAMPLES, help="pictures that are measured")
    return flags


def load(dataset_name: str, *flags: str) -> tuple[ImageSet, ImageSet]:
    """The training and the held-out pictures, as `train.py image --dataset_name ...` would see them.

    Raises:
        SystemExit: where there are none, with a sentence that says why.
    """
    try:
        train_set, test_set = data.load(
            arguments.parser({"image": ImageTask}).parse_args(["image", "--dataset_name", dataset_name, *flags])
        )
    except GANError as error:
        raise SystemExit(str(error)) from None
    if test_set is None:
        raise SystemExit(f"{dataset_name} has too few pictures to hold some out.")
    return train_set, test_set


def parameters(*networks: nn.Module) -> str:
    """How many each has: "1.14 M + 0.74 M"."""
    return " + ".join(f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M" for network in networks)


def wanted_classes(test_set: ImageSet, num_samples: int = SAMPLES) -> Tensor | None:
    """int64 (num_samples,): the classes of the held-out pictures, over and over; `None` without classes."""
    return test_set.classes(torch.arange(num_samples) % len(test_set))


def report(
    name: str,
    folder: Path,
    pixels: Tensor,
    classes: Tensor | None,
    sets: tuple[ImageSet, ImageSet],
    facts: dict[str, Any],
) -> None:
    """Measures generated pictures, writes `report.json` and `samples.png`, and prints a Markdown table of one row.

    Args:
        name: of the row.
        folder: where the files go.
        pixels: uint8 (n, channels, height, width).
        classes: int64 (n,) that each picture was drawn for, or `None`.
        sets: training and held-out pictures.
        facts: what else to keep and show: images seen, minutes, seed, parameters.
    """
    measured = metrics.measure(pixels, classes, *sets, features.feature_space("auto", sets[0]))
    shown = pixels[:64] if classes is None else pixels[_by_class(classes)]
    contact_sheet(to_pil(shown)).save(folder / "samples.png")
    keep(name, folder, measured, {"name": sets[0].name, "fingerprint": sets[0].fingerprint()}, facts)


def keep(name: str, folder: Path, measured: dict[str, Any], data: dict[str, str], facts: dict[str, Any]) -> None:
    """Writes `report.json` and prints a Markdown table of one row: what was `measured` of the row `name`."""
    record = {
        "name": name,
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "data": data,
        "threads": torch.get_num_threads(),
        **facts,
        **measured,
    }
    (folder / "report.json").write_text(json.dumps(record, indent=2) + "\n")
    table([{"": name, **facts, **figures(measured["metrics"])}])


def figures(measured: list[dict[str, Any]]) -> dict[str, float]:
    """From the metrics of a `metrics.json` or `report.json` to name and value, the name without its feature space."""
    return {metric["name"].split(" (")[0]: metric["value"] for metric in measured}


def table(rows: list[dict[str, Any]]) -> None:
    """Prints rows as a Markdown table; the first one names the columns."""
    columns = list(rows[0])
    print("| " + " | ".join(column.replace("_", " ") for column in columns) + " |")
    print("|---" * len(columns) + "|")
    for row in rows:
        cells = (row.get(column) for column in columns)
        print("| " + " | ".join(_cell(value) for value in cells) + " |", flush=True)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def _by_class(classes: Tensor) -> Tensor:
    """Indices of eight pictures of each of the first ten classes."""
    order = np.argsort(classes.numpy(), kind="stable")
    starts = np.searchsorted(classes.numpy()[order], np.unique(classes.numpy())[:10])
    return torch.from_numpy(np.concatenate([order[start : start + 8] for start in starts]))
