"""The tables of docs/edit.md about directions and critic guidance.

    python benchmarks/steering.py weights/fashion weights/emoji

The tables are those of `directions.json` and `guidance.json`, which `python -m gan.latent` writes into models.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from baseline import table

from gan.latent.directions import RECORDS
from gan.latent.guidance_curve import distance, suited
from gan.latent.steering import CURVE

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    args = parser.parse_args()
    found = {model.name: json.loads((model / RECORDS).read_text("utf-8")) for model in args.models}
    measured = {
        name: {key: record for key, record in records.items() if record["source"] == "measured"}
        for name, records in found.items()
    }
    table(direction_rows(measured))
    curves = {
        model.name: json.loads((model / CURVE).read_text("utf-8"))
        for model in args.models
        if (model / CURVE).is_file()
    }
    if curves:
        print()
        table([row for name, curve in curves.items() for row in guidance_rows(name, curve)])


def direction_rows(models: dict[str, dict[str, Any]]) -> list[Row]:
    """A row for each attribute: monotone share, effect and leakage of its direction, by model."""
    attributes = dict.fromkeys(name for records in models.values() for name in records)
    return [
        {"direction": name}
        | {f"`{model}`": _scores(records[name]) if name in records else None for model, records in models.items()}
        for name in attributes
    ]


def _scores(record: dict[str, Any]) -> str:
    return f"{record['monotone']:.2f}, {record['effect']:.3g}, {record['leakage']:.3g}"


def guidance_rows(model: str, curve: dict[str, Any]) -> list[Row]:
    """A row without guidance and one for each prior: distance, precision, recall and coverage, by number of steps."""
    unguided, *rest = curve["curve"]
    steps = list(dict.fromkeys(int(row["critic_steps"]) for row in rest))
    rows = []
    for prior in dict.fromkeys(row["critic_prior"] for row in rest):
        by_steps = {int(row["critic_steps"]): row for row in rest if row["critic_prior"] == prior}
        cells = {f"{n} steps": _figures(by_steps[n]) for n in steps}
        rows.append({"model": f"`{model}`", "prior": f"{prior:g}", "none": _figures(unguided), **cells})
    chosen = curve["chosen"]
    kept = f"{chosen['critic_steps']:g}, prior {chosen['critic_prior']:g}" if suited(curve)["steps"] else "none"
    other_half = " -> ".join(f"{distance(row):.3g}" for row in curve["confirmed"])
    return [{**row, "chosen": kept, "distance on the other half": other_half} for row in rows]


def _figures(row: Row) -> str:
    shares = [f"{row[name]:.3f}".lstrip("0") for name in ("precision", "recall", "coverage") if name in row]
    return ", ".join([f"{distance(row):.3g}", *shares])


if __name__ == "__main__":
    main()
