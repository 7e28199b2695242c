"""Metric records, the entries of a `metrics.json`, each with its reference: what real samples score.

A record is a dict with `name`, `type` (for programs), `value`, `higher_is_better` and, where it was measured in a
feature space, `features` (the name of that space).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from gan.metrics.distances import class_histogram, fidelity_and_diversity, frechet_distance, kernel_distance

MIN_SAMPLES = 50  # samples; of fewer, distributions of features are not compared


def metric_record(
    name: str, kind: str, value: float, higher_is_better: bool | None, features: str = ""
) -> dict[str, Any]:
    """A metric record; `higher_is_better` is `None` where the value should be near its reference."""
    full_name = f"{name} ({features})" if features else name
    found = {"name": full_name, "type": kind, "value": value, "higher_is_better": higher_is_better}
    return found | ({"features": features} if features else {})


def feature_metrics(
    fake: Tensor, real: Tensor, features: str, same_samples: bool = False, inception: bool = False
) -> list[dict[str, Any]]:
    """Fréchet and kernel distance, precision, recall, density and coverage of features (n, d) against held-out (m, d).

    Args:
        features: name of the feature space.
        same_samples: whether row k of both is of the same sample. The kernel distance then takes every second row of
            one and the others of the other: it is unbiased for sets drawn independently.
        inception: whether the space is the one that FID and KID are defined in.
    """
    distance = frechet_distance(fake, real)
    # Its cubic kernel has a scale of its own, which Inception features happen to suit.
    scale = 1.0 if inception else float(real.square().mean().sqrt())
    apart = (fake[::2], real[1::2]) if same_samples else (fake, real)
    kernel = kernel_distance(apart[0] / scale, apart[1] / scale)
    if inception:
        records = [metric_record("FID", "fid", round(distance, 3), False, features)]
        records += [metric_record("KID x 1000", "kid_x1000", round(1000 * kernel, 3), False, features)]
    else:
        records = [metric_record("Fréchet distance", "frechet_distance", round(distance, 3), False, features)]
        records += [metric_record("Kernel distance x 1000", "kernel_x1000", round(1000 * kernel, 3), False, features)]
    for kind, value in fidelity_and_diversity(fake, real).items():
        records.append(metric_record(kind.capitalize(), kind, round(value, 4), True, features))
    return records


def class_metrics(predicted: Tensor, wanted: Tensor | None, real: Tensor, num_classes: int) -> list[dict[str, Any]]:
    """How far the classes (n,) that a classifier predicts are those that were asked for, or of real samples.

    Args:
        wanted: int64 (n,) class label that each sample was generated with; with `None`, the histogram of predicted
            classes is compared with the real one.
        real: int64 (m,) class of each training sample.
    """
    if wanted is not None:
        agreement = float((predicted == wanted).double().mean())
        return [metric_record("Class agreement", "class_agreement", round(agreement, 4), True)]
    drawn, divergence = class_histogram(predicted, real, num_classes)
    return [
        metric_record("Classes drawn", "classes_drawn", drawn, True),
        metric_record("Class divergence", "class_kl", round(divergence, 4), False),
    ]


def class_metrics_by_column(
    predicted: Tensor, wanted: Tensor | None, real: Tensor, names: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """`class_metrics` of each label column, which the records are named after where there are several.

    Args:
        predicted, wanted, real: int64 (n,) or (n, columns).
        names: of the classes of each column.
    """
    columns = [None if labels is None else labels.view(len(labels), -1) for labels in (predicted, wanted, real)]
    records = []
    for k, (column, known) in enumerate(names.items()):
        shown, asked, there = (None if labels is None else labels[:, k] for labels in columns)
        assert shown is not None and there is not None
        for found in class_metrics(shown, asked, there, len(known)):
            if len(names) > 1:
                found |= {"name": f"{found['name']}, {column}", "type": f"{found['type']}_{column}"}
            records.append(found)
    return records


def with_references(
    generated: list[dict[str, Any]],
    real: list[dict[str, Any]],
    baselines: dict[str, list[dict[str, Any]]],
    split: str,
    count: int,
) -> dict[str, Any]:
    """`metrics` and `baselines` of a `metrics.json`.

    Args:
        generated, real: the records of generated samples and of real ones, in the same order.
        baselines: the same records by name of a baseline; some may be missing.
        split: name of the held-out part.
        count: samples that were measured, for records that don't say.
    """
    return {
        "metrics": [
            {"samples": count} | found | {"reference": reference["value"], "split": split}
            for found, reference in zip(generated, real, strict=True)
        ],
        "baselines": [
            {"name": name, "values": {found["name"]: found["value"] for found in row}}
            for name, row in baselines.items()
        ],
    }


def with_present_names(metrics: dict[str, Any]) -> dict[str, Any]:
    """The contents of a `metrics.json` under today's names: until November 2026 a reference was called a floor."""
    names = {"floor": "reference", "yardsticks": "baselines"}
    renamed = {names.get(key, key): value for key, value in metrics.items()}
    if isinstance(renamed.get("metrics"), list):
        renamed["metrics"] = [
            {names.get(key, key): value for key, value in record.items()} if isinstance(record, dict) else record
            for record in renamed["metrics"]
        ]
    return renamed
