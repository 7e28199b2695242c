"""The contents of a `metrics.json` as Markdown tables, for the model card and the command line."""

from collections.abc import Iterable, Sequence
from typing import Any

# Accuracy on held-out samples, below which distances in a classifier's features are not to be trusted. By one with
# 56 %, emoji after 80,000 training images beat those after 240,000, which the eye and EfficientNet-Lite0 put first
# (`benchmarks/ablation.md`).
WEAK_CLASSIFIER = 0.75


ARROWS = {True: "↑", False: "↓", None: "≈"}  # what is better: more, less, or as much as real data have


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells as a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))


def metrics_tables(metrics: dict[str, Any]) -> str:
    """The contents of a `metrics.json` in Markdown: a table for each feature space or group, a legend, the setting.

    A metric that has no better and worse (`higher_is_better` is `None`) should be near its reference. `note` says what
    was compared with what.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for metric in metrics["metrics"]:
        groups.setdefault(metric.get("group") or metric.get("features", ""), []).append(metric)
    parts = []
    for features, group in groups.items():
        names = [metric["name"].removesuffix(f" ({features})") for metric in group]
        arrows = [ARROWS[metric.get("higher_is_better", False)] for metric in group]
        header = [features, *(f"{name} {arrow}" for name, arrow in zip(names, arrows, strict=True))]
        rows = [
            ["**generated**", *(f"**{metric['value']}**" for metric in group)],
            ["real (reference)", *(_shown(metric["reference"]) for metric in group)],
            *(
                [baseline["name"], *(_shown(baseline["values"].get(metric["name"])) for metric in group)]
                for baseline in metrics.get("baselines", [])
                if any(metric["name"] in baseline["values"] for metric in group)
            ),
        ]
        parts.append(markdown_table(header, rows))
    if sweep := metrics.get("sweep"):
        parts.append(_sweep_table(sweep))
    better = [metric.get("higher_is_better", False) for metric in metrics["metrics"]]
    legend = "↓: lower is better, ↑: higher is better"
    legend += ", ≈: the nearer to the reference, the better. " if None in better else ". "
    parts.append(legend + (metrics.get("note") or _note(metrics)) + _warning_about_classifier(metrics))
    if near := metrics.get("neighbours"):
        what = near.get("of", "picture")
        parts.append(
            f"Memorisation: the distance from a generated {what} to the nearest training {what} is "
            f"{near['distance_ratio']} of that from a held-out one (medians, in {near['features']}; well below 1 "
            f"would mean copies), and {near['very_near']:.1%} are nearer than all but the nearest 1 % of the held-out "
            f"ones."
        )
        if "quantiles" in near:
            parts.append(_neighbour_table(near, what))
    return "\n\n".join(parts)


def _neighbour_table(near: dict[str, Any], what: str) -> str:
    """How far the nearest training samples are, and how often one of them stands out, as it does of a copy."""
    quantiles, alone = near["quantiles"], near.get("singled_out")
    header = [f"nearest training {what}, of", *(f"{share:.0%} within" for share in quantiles["share"])]
    header += ["half as far as the next"] if alone else []
    rows = []
    for key, name in (("generated", "generated"), ("held_out", "held-out")):
        row = [name, *(_shown(distance) for distance in quantiles[key])]
        rows.append([*row, *([f"{alone[key]:.1%}"] if alone else [])])
    return markdown_table(header, rows)


def _note(metrics: dict[str, Any]) -> str:
    first = metrics["metrics"][0]
    return (
        f"{first['samples']:,} samples against the {first['split']} split. The reference is what real samples score."
    )


def _warning_about_classifier(metrics: dict[str, Any]) -> str:
    """Where distances are measured in the features of a classifier of low accuracy."""
    measures = any(metric.get("features") == "classifier features" for metric in metrics["metrics"])
    accuracy = metrics.get("classifier_accuracy", 1)
    if not measures or accuracy >= WEAK_CLASSIFIER:
        return ""
    return (
        f" **The classifier itself is right on only {accuracy:.0%} of held-out samples, so distances in its features "
        "can favour the worse model**; `--features efficientnet` measures in others."
    )


def _sweep_table(sweep: dict[str, Any]) -> str:
    """LM score and reverse LM score of each curve at each temperature."""
    values = {
        name: {point["temperature"]: f"{point['lm_score']} / {point['reverse_lm_score']}" for point in curve}
        for name, curve in sweep["curves"].items()
    }
    temperatures = sorted({temperature for curve in values.values() for temperature in curve})
    header = ["LM score / reverse LM score at temperature", *(str(temperature) for temperature in temperatures)]
    rows = [[name, *(curve.get(temperature, "") for temperature in temperatures)] for name, curve in values.items()]
    real = f"{sweep['real']['lm_score']} / {sweep['real']['reverse_lm_score']}"
    rows.append(["real", real, *[""] * (len(temperatures) - 1)])
    return markdown_table(header, rows)


def _shown(value: float | None) -> str:
    return "" if value is None else str(value)
