"""What is measured of a picture generator, always beside what real pictures score.

In a feature space (`gan.image.features`): the distances and shares of `gan.metrics.distances`. By a classifier, or by
the nearest training pictures where there is none: whether pictures show the class that was asked for. With no network
at all: the sliced Wasserstein distance (`gan.image.wasserstein`).

Every metric has its reference, what real training pictures score against the held-out ones, and its baselines: what
the held-out pictures themselves score with a little noise on them.
"""

import io
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from gan.errors import GANError
from gan.features import FeatureSpace
from gan.image import pairs
from gan.image.features import PIXELS, feature_space
from gan.image.preprocessing import as_floats
from gan.image.wasserstein import sliced_wasserstein
from gan.labels import by_column, class_indices
from gan.metrics.neighbours import NEAREST, memorisation, nearest, neighbour_sheet
from gan.metrics.records import (
    MIN_SAMPLES,
    class_metrics_by_column,
    feature_metrics,
    metric_record,
    with_references,
)
from gan.utils.distributed import map_batches, map_items, synchronized
from gan.utils.subsets import fixed_random_subset

if TYPE_CHECKING:
    from gan.image.data import ImageSet
    from gan.image.pipeline import ImagePipeline

NUM_IMAGES = 10_000
NOISE = (0.02, 0.03, 0.05, 0.1)  # sigma of the baselines, on the [-1, 1] scale
BATCH = 64
CHUNK = 1_000  # pictures at once: bounds memory
SIDE = 56  # smaller pictures are enlarged on the sheet, by a whole number to at least this

PATCHED_IMAGES = 2_000  # at most, for the sliced Wasserstein distance
COMPARED_IMAGES = 2_000  # at most, with every training picture


def with_noise(pixels: Tensor, sigma: float) -> Tensor:
    """uint8 pictures with Gaussian noise of standard deviation `sigma` on the [-1, 1] scale, uint8 again."""
    source = torch.Generator().manual_seed(1)
    noisy = [
        (batch + 127.5 * sigma * torch.randn(batch.shape, generator=source)).round().clamp(0, 255).to(torch.uint8)
        for batch in pixels.split(CHUNK)
    ]
    return torch.cat(noisy)


@torch.inference_mode()
def measure(
    generated: Tensor,
    classes: Tensor | None,
    train_set: "ImageSet",
    test_set: "ImageSet",
    space: FeatureSpace | None,
    references: bool = True,
    train_features: Tensor | None = None,
) -> dict[str, Any]:
    """Measures pictures, wherever they come from, against held-out ones.

    As many pictures are compared as there are of the rarest kind: generated, held-out or training ones.

    Args:
        generated: uint8 (n, channels, height, width).
        classes: int64 (n,), or (n, columns), the classes that each was asked to show; `None` for an unconditional
            model.
        space: from `features.feature_space`; with `None` there is only the sliced Wasserstein distance. With fewer
            than 50 pictures features are not compared either.
        references: whether real samples, with and without noise, are measured beside them; without, there are only
            the `metrics`.
        train_features: of all training pictures in that space, where they are known: float32 (m, d).

    Returns:
        `metrics`: a record for each metric, with `name`, `type` (for programs), `features` (name of the space),
        `value`, `reference`, `higher_is_better`, `split` and `samples`; `baselines`: a list of `name` and `values` (by
        `name` of the metric); `classifier_accuracy`: of the classifier on held-out pictures, if there is one, of the
        label column that it tells worst.
    """
    count = min(len(generated), len(train_set), len(test_set))
    picked = fixed_random_subset(len(generated), count)
    generated, asked = generated[picked], None if classes is None else classes[picked]
    kept = fixed_random_subset(len(test_set), count)
    held_out, held_out_labels = _pixels(test_set, kept), test_set.classes(kept)
    chosen = fixed_random_subset(len(train_set), count, in_order=False)
    rows = {"generated": generated}
    if references:
        rows["real"] = _pixels(train_set, chosen)
        rows |= {f"held-out with noise {sigma:g}": with_noise(held_out, sigma) for sigma in NOISE}

    few = fixed_random_subset(count, min(PATCHED_IMAGES, count))
    held_out_features = None if space is None else space(held_out)

    features: dict[str, Tensor] = {}
    predicted: dict[str, Tensor] = {}
    if space is not None and held_out_features is not None:
        for name, pixels in rows.items():
            known = train_features if name == "real" else None
            features[name] = space(pixels) if known is None else known[chosen]
            if space.classifier is not None:
                # The classifier has seen the training pictures: its reference is measured on those it has not.
                judged = (held_out, held_out_features) if name == "real" else (pixels, features[name])
                predicted[name] = space.predict(*judged)

    def records_of(name: str) -> list[dict[str, Any]]:
        records = []
        if space is not None and held_out_features is not None and count >= MIN_SAMPLES:
            same, inception = name not in ("generated", "real"), space.kind == "inception"
            records += feature_metrics(features[name], held_out_features, space.name, same, inception)
        if name in predicted:
            wanted = asked if name == "generated" or asked is None else held_out_labels
            labels, names = train_set.columns()
            assert labels is not None
            records += class_metrics_by_column(predicted[name], wanted, torch.from_numpy(labels), names)
        distance = sliced_wasserstein(as_floats(rows[name][few]), as_floats(held_out[few]))
        found = metric_record("Sliced Wasserstein distance", "sliced_wasserstein_distance", round(distance, 2), False)
        return [*records, found | {"samples": len(few)}]

    table = dict(zip(rows, map_items(records_of, list(rows)), strict=True))
    generated_records = table.pop("generated")
    if not references:
        return {"metrics": generated_records}
    real_records = table.pop("real")
    accuracy = {}
    if "real" in predicted and held_out_labels is not None:
        right = (predicted["real"] == held_out_labels).double().view(count, -1).mean(0)
        accuracy["classifier_accuracy"] = round(float(right.min()), 4)
    return with_references(generated_records, real_records, table, test_set.split, count) | accuracy


def evaluate(
    pipeline: "ImagePipeline",
    train_set: "ImageSet",
    test_set: "ImageSet",
    features: str = "auto",
    num_images: int = NUM_IMAGES,
    references: bool = True,
) -> dict[str, Any]:
    """The contents of `metrics.json`; the sheet of nearest training pictures goes to `pipeline.neighbours`.

    Pictures are generated with truncation 1 from seeds 0, 1, ..., with the classes of the held-out pictures.

    Args:
        features: one of `features.SPACES`.
        num_images: at most; as many are generated as there are held-out and training pictures.
        references: see `measure`; without, there is no sheet either.

    Raises:
        GANError: if the classes of the model aren't those of the data, or the feature space cannot be had.
    """
    count = min(num_images, len(test_set), len(train_set))
    kept = fixed_random_subset(len(test_set), count)
    asked = test_set.classes(kept) if pipeline.labels else None
    latents, drawn = pipeline.latents(list(range(count)))
    if asked is not None:
        drawn = _model_classes(pipeline, test_set, asked)
    with synchronized():  # a network may be missing on one machine
        space = feature_space(features, train_set)
    with torch.inference_mode():
        generated = map_batches(pipeline.decode, latents, drawn, batch=BATCH, what="Drawing pictures")
        look = space or PIXELS
        trained_on = look(torch.from_numpy(train_set.pixels)) if references else None
        known = None if space is None else trained_on
        records = measure(generated, asked, train_set, test_set, space, references, known)
        if trained_on is None:
            return records

        few = fixed_random_subset(count, min(COMPARED_IMAGES, count))
        neighbours = min(NEAREST, len(train_set))
        distances, indices = nearest(look(generated[few]), trained_on, neighbours)
        held_out_distances, held_out_indices = nearest(look(_pixels(test_set, kept[few])), trained_on, neighbours)
        if space is not None and space.classifier is None and asked is not None:
            first = indices[:, 0], held_out_indices[:, 0]
            records["metrics"] += _agreement(*first, asked[few], train_set, test_set.split)
        records["note"] = _note(records)
        if pipeline.encoder is not None:
            _add_reconstruction(records, pipeline, test_set, kept)
        sheet = io.BytesIO()
        picture_sheet(generated[few], distances, indices, train_set).save(sheet, "PNG", optimize=True)
    pipeline.neighbours = sheet.getvalue()
    if train_set.groups is not None and pipeline.labels:
        _add_pairs(records, pipeline, train_set, test_set)
    return records | {"neighbours": {"features": look.name} | memorisation(distances, held_out_distances)}


def _agreement(
    generated: Tensor, held_out: Tensor, asked: Tensor, train_set: "ImageSet", split: str
) -> list[dict[str, Any]]:
    """How often the nearest training picture is of the class that was asked for: what takes no classifier.

    Args:
        generated, held_out: int64 (n,) the training picture that is nearest to each.
        asked: int64 (n,) or (n, columns) the classes of the held-out pictures, which were asked for.
    """
    labels, names = train_set.columns()
    assert labels is not None
    columns = torch.from_numpy(labels)
    records = []
    for place, (column, wanted) in enumerate(zip(names, asked.view(len(asked), -1).unbind(1), strict=True)):
        of = f" of {column}" if len(names) > 1 else ""
        shares = [
            round(float((columns[found, place] == wanted).double().mean()), 4) for found in (generated, held_out)
        ]
        record = metric_record(f"Class agreement{of} with the nearest", "neighbour_agreement", shares[0], True)
        records.append(record | {"samples": len(wanted), "reference": shares[1], "split": split})
    return records


def _model_classes(pipeline: "ImagePipeline", test_set: "ImageSet", asked: Tensor) -> Tensor:
    """The model's indices of the classes of held-out pictures, in the order of its columns: as `asked`.

    Raises:
        GANError: if it does not know one, or has other columns.
    """
    own, found = by_column(pipeline.labels), test_set.columns()[1]
    if len(own) != len(found) or (len(own) > 1 and set(own) != set(found)):
        raise GANError(
            f"The model knows the label columns {', '.join(own)} and not {', '.join(found)} of {test_set.name}; name "
            f"those of the training with --label_column."
        )
    order = list(own) if len(own) > 1 else list(found)
    columns = asked.view(len(asked), -1)
    drawn = []
    for names, column in zip(own.values(), order):
        place = list(found).index(column)
        drawn.append(class_indices(names, found[column], test_set.name)[columns[:, place]])
    return torch.stack(drawn, dim=1) if len(drawn) > 1 else drawn[0]


def picture_sheet(generated: Tensor, distances: Tensor, indices: Tensor, train_set: "ImageSet") -> Image.Image:
    """Generated pictures, uint8 (n, channels, height, width), each beside its nearest training pictures."""
    height, breadth = train_set.resolution
    scale = max(1, -(-SIDE // max(height, breadth)))

    def shown(pixels: Tensor) -> Image.Image:
        array = pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
        return Image.fromarray(array).resize((scale * breadth, scale * height), Image.Resampling.NEAREST)

    return neighbour_sheet(
        lambda index: shown(generated[index]),
        lambda index: shown(torch.from_numpy(train_set.pixels[index])),
        distances,
        indices,
        "pictures",
    )


def _add_reconstruction(
    records: dict[str, Any], pipeline: "ImagePipeline", test_set: "ImageSet", kept: Tensor
) -> None:
    """Adds how far held-out pictures are from themselves, encoded and decoded: the root mean square in [-1, 1]."""

    def error(pixels: Tensor) -> float:
        return round(float((pixels.float() - held_out.float()).square().mean().sqrt()) / 127.5, 4)

    def rebuild(pixels: Tensor) -> Tensor:
        return pipeline.decode(*pipeline.encode_pixels(as_floats(pixels)))

    held_out = _pixels(test_set, kept)
    rebuilt = map_batches(rebuild, held_out, batch=BATCH, what="Rebuilding pictures")
    found = metric_record("Reconstruction error", "reconstruction_rmse", error(rebuilt), False)
    records["metrics"].append(found | {"samples": len(kept), "reference": 0.0, "split": test_set.split})
    for baseline, sigma in zip(records["baselines"], NOISE, strict=True):
        baseline["values"][found["name"]] = error(with_noise(held_out, sigma))


def _add_pairs(
    records: dict[str, Any], pipeline: "ImagePipeline", train_set: "ImageSet", test_set: "ImageSet"
) -> None:
    """Adds how often generated pairs are taken for pairs of one group, where enough groups are held out."""
    triples = pairs.held_out_triples(train_set, test_set)
    if reason := pairs.why_no_pairs(train_set, triples):
        records["note"] += f" Pairs are not measured: {reason}."
        return

    def draw(seeds: list[int], asked: Tensor) -> Tensor:
        latents, _ = pipeline.latents(seeds)
        flat = asked if asked.shape[1] > 1 else asked[:, 0]
        return map_batches(
            pipeline.decode, latents, _model_classes(pipeline, test_set, flat), batch=BATCH, what="Drawing pairs"
        )

    found = pairs.measure(pairs.classifier_for(train_set), test_set, triples, draw)
    records["metrics"] += found.pop("metrics")
    records |= found
    records["note"] += (
        f" A generated pair of one group is two labels of one seed, one of two groups those of two seeds; they are "
        f"judged by a classifier that is right on {found['pair_classifier_accuracy']:.0%} of pairs of held-out groups."
    )


def _note(found: dict[str, Any]) -> str:
    """What was compared with what, for the card."""
    samples = {record["name"].split(" (")[0]: record["samples"] for record in found["metrics"]}
    has_classes = any(name.startswith("Class agreement") for name in samples)
    most = max(samples.values())
    fewer = [f"{count:,} for the {name}" for name, count in samples.items() if count != most]
    return (
        f"{most:,} pictures{f' ({fewer[0]})' if fewer else ''} against the {found['metrics'][0]['split']} split. The "
        f"reference is what real pictures score: training pictures against held-out ones"
        f"{'; for class agreement, held-out pictures' if has_classes else ''}."
        f"{' Baselines: the held-out pictures themselves with Gaussian noise.' if found['baselines'] else ''}"
    )


def _pixels(images: "ImageSet", indices: Tensor) -> Tensor:
    return torch.from_numpy(images.pixels[indices.numpy()])
