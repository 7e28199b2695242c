"""The figures of a `metrics.json`, whatever was generated: each beside its floor, what real samples score.

A figure is a dict with `name`, `type` (for programs), `value`, `higher_is_better` and, where it was measured in a
feature space, `features` (the name of that space).
"""

from typing import Any

from torch import Tensor

from gan.metrics.distances import class_histogram, fidelity_and_diversity, frechet_distance, kernel_distance

FEWEST = 50  # samples; of fewer, distributions of features are not compared


def figure(name: str, kind: str, value: float, higher_is_better: bool | None, features: str = "") -> dict[str, Any]:
    """A figure; `higher_is_better` is `None` where it should be near its floor."""
    full_name = f"{name} ({features})" if features else name
    found = {"name": full_name, "type": kind, "value": value, "higher_is_better": higher_is_better}
    return found | ({"features": features} if features else {})


def in_space(
    fake: Tensor, real: Tensor, features: str, same_samples: bool = False, inception: bool = False
) -> list[dict[str, Any]]:
    """The figures of one set of features (n, d) against held-out ones (m, d).

    Args:
        features: name of the space.
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
        figures = [figure("FID", "fid", round(distance, 3), False, features)]
        figures += [figure("KID x 1000", "kid_x1000", round(1000 * kernel, 3), False, features)]
    else:
        figures = [figure("Fréchet distance", "frechet_distance", round(distance, 3), False, features)]
        figures += [figure("Kernel distance x 1000", "kernel_x1000", round(1000 * kernel, 3), False, features)]
    for kind, value in fidelity_and_diversity(fake, real).items():
        figures.append(figure(kind.capitalize(), kind, round(value, 4), True, features))
    return figures


def by_class(named: Tensor, wanted: Tensor | None, real: Tensor, num_classes: int) -> list[dict[str, Any]]:
    """The figures of the classes (n,) that a classifier sees, beside those that were asked for if any were.

    Args:
        wanted: int64 (n,) class that each sample was asked to show; with `None`, which are drawn is compared.
        real: int64 (m,) class of each training sample.
    """
    if wanted is not None:
        agreement = float((named == wanted).double().mean())
        return [figure("Class agreement", "class_agreement", round(agreement, 4), True)]
    drawn, divergence = class_histogram(named, real, num_classes)
    return [
        figure("Classes drawn", "classes_drawn", drawn, True),
        figure("Class divergence", "class_kl", round(divergence, 4), False),
    ]


def beside_real(
    generated: list[dict[str, Any]],
    real: list[dict[str, Any]],
    yardsticks: dict[str, list[dict[str, Any]]],
    split: str,
    count: int,
) -> dict[str, Any]:
    """`metrics` and `yardsticks` of a `metrics.json`.

    Args:
        generated, real: the figures of generated samples and of training samples, in the same order.
        yardsticks: the same figures by name of a yardstick; some may be missing.
        split: name of the held-out part.
        count: samples that were measured, for figures that don't say.
    """
    return {
        "metrics": [
            {"samples": count} | found | {"floor": floor["value"], "split": split}
            for found, floor in zip(generated, real, strict=True)
        ],
        "yardsticks": [
            {"name": name, "values": {found["name"]: found["value"] for found in row}}
            for name, row in yardsticks.items()
        ],
    }
