"""What a model is: as a dict for the API, and as the panel beside its samples."""

import math
from html import escape
from typing import Any, TypeAlias

from gan.labels import by_column, listed
from gan.pipeline import GANPipeline
from gan.studio.strings import METRICS

Row: TypeAlias = tuple[str, str]  # a term and its value


def describe(name: str, pipeline: GANPipeline) -> dict[str, Any]:
    """What is known of a model: facts of the network, then what its repository holds of training and metrics."""
    tensors = pipeline.generator.state_dict().values()
    training = pipeline.training_record
    arguments, imported = training.get("arguments"), training.get("imported")
    imported = imported if isinstance(imported, dict) else {}
    seen = (f"{pipeline.unit}_seen", f"{pipeline.unit}_per_second")
    return {
        "model": name,
        "kind": pipeline.modality,
        **pipeline.facts(),
        "labels": pipeline.labels,
        "parameters": pipeline.num_parameters,
        "megabytes": round(sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6, 2),
        "training": {
            key: training[key] for key in ("dataset", "steps", *seen, "seconds", "seed", "command") if key in training
        },
        "imported": {key: imported[key] for key in ("family", "from") if key in imported},
        "license": (arguments.get("license") if isinstance(arguments, dict) else None) or imported.get("license"),
        "metrics": [metric for metric in pipeline.metrics.get("metrics", []) if isinstance(metric, dict)],
    }


def panel_html(facts: dict[str, Any], own_rows: list[Row], words: dict[str, str]) -> str:
    """The panel. Everything a repository says is escaped: anybody may have written it.

    Args:
        facts: of `describe`.
        own_rows: what the tab of its modality says of `pipeline.facts()`.
        words: the strings of the page's language.
    """
    training = facts["training"]
    dataset = training.get("dataset")
    rows = [
        (words["family"], facts["imported"].get("family")),
        (words["from"], facts["imported"].get("from")),
        (words["dataset"], dataset.get("name") if isinstance(dataset, dict) else dataset),
        *_class_rows(facts["labels"], words),
        *own_rows,
        (words["parameters"], size(facts, words)),
        (words["trained"], _trained(training, words)),
        *_metric_rows(facts["metrics"], words),
        (words["license"], facts["license"] or (facts["imported"] and words["license_not_stated"])),
    ]
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text(value))}</dd>" for term, value in rows if value)
    return f"<h2>{escape(facts['model'])}</h2><dl>{terms}</dl>"


def size(facts: dict[str, Any], words: dict[str, str]) -> str:
    """Parameters and megabytes of a generator."""
    parameters, megabytes = facts["parameters"], facts["megabytes"]
    key = "parameters_value" if parameters >= 1e5 else "few_parameters_value"
    return words[key].format(
        millions=f"{parameters / 1e6:.2f}",
        count=f"{parameters:,}",
        megabytes=f"{megabytes:.1f}" if megabytes >= 1 else f"{megabytes:.2f}",
    )


def _class_rows(labels: list[str] | dict[str, list[str]] | None, words: dict[str, str]) -> list[Row]:
    """A row a label column."""
    columns = labels if isinstance(labels, dict) else {"label": labels} if labels else {}
    return [
        (words["classes"] if name == "label" else column_name(name, words), f"{len(classes):,}: {listed(classes)}")
        for name, classes in columns.items()
    ] or [(words["classes"], words["no_classes"])]


def column_name(name: str, words: dict[str, str]) -> str:
    """What the page calls a label column: a word of its own where it has one, else the data set's."""
    return words.get(f"column_{name}", name[:1].upper() + name[1:])


def label_columns(pipeline: GANPipeline, words: dict[str, str]) -> list[dict[str, Any]]:
    """The label columns of a model as pickers take them: name, title and class names of each."""
    return [
        {"name": name, "title": column_name(name, words), "labels": classes}
        for name, classes in by_column(pipeline.labels).items()
    ]


def _trained(training: dict[str, Any], words: dict[str, str]) -> str:
    """Steps, samples seen and time, as far as they are known."""
    parts = [
        words[key].format(count=f"{value:,}")
        for key, value in training.items()
        if (key == "steps" or key.endswith("_seen")) and key in words and is_number(value)
    ]
    if is_number(training.get("seconds")):
        parts.append(duration(training["seconds"], words))
    return " · ".join(parts)


def duration(seconds: float, words: dict[str, str]) -> str:
    """Hours and minutes, minutes, or seconds."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return words["seconds"].format(s=round(seconds))
    if minutes < 60:
        return words["minutes"].format(m=minutes)
    return words["hours"].format(h=minutes // 60, m=minutes % 60)


def _metric_rows(metrics: list[dict[str, Any]], words: dict[str, str]) -> list[Row]:
    """A row a metric, and one that names the feature space before the first of each."""
    rows, space = [], ""
    for metric in metrics:
        name, features = text(metric.get("name")), text(metric.get("features"))
        if features and features != space:
            rows.append((words["measured_in"], features))
            space = features
        rows.append((metric_name(name.removesuffix(f" ({features})"), words), _measured(metric, words)))
    return rows


def metric_name(name: str, words: dict[str, str]) -> str:
    """The name of a metric in the page's language, where that is known."""
    known = next((known for known in METRICS if name.startswith(known)), None)
    return words[known] + name.removeprefix(known) if known else name


def _measured(metric: dict[str, Any], words: dict[str, str]) -> str:
    value = text(metric.get("value"))
    reference = metric.get("reference")
    return words["reference"].format(value=value, reference=text(reference)) if is_number(reference) else value


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def text(value: Any) -> str:
    """A value of a JSON file as the page shows it."""
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
