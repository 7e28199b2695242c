"""What is measured of a generator of sounds, always beside what real clips score.

By a classifier: whether clips say what was asked for, column by column. In a feature space (`gan.audio.features`): the
distances and shares of `gan.metrics.distances`, and how much clips of the same labels differ from each other.

Every metric has its reference, what as many real training clips score against the held-out ones. Its baselines are the
held-out clips themselves with noise, and resynthesised from their magnitude spectrograms: an upper bound for every
generator of spectrograms, as no network brings back what that loses.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gan.audio.features import feature_space
from gan.audio.plots import spectrogram_picture
from gan.audio.spectrogram import analyse, synthesise, window_size
from gan.errors import GANError
from gan.features import FeatureSpace
from gan.labels import class_indices
from gan.metrics.neighbours import memorisation, nearest, neighbour_sheet
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
    from gan.audio.data import AudioSet
    from gan.audio.pipeline import AudioPipeline

NUM_CLIPS = 1_000
MAX_HELD_OUT = 2_000  # clips that the generated ones are compared with
NOISE = (30, 20, 10)  # dB that the clips are louder than the noise of the baselines
CEILING = "analysis-synthesis (ceiling)"
NEIGHBOURS = 3  # training clips beside a generated one
BATCH = 64


@torch.inference_mode()
def measure(
    generated: Tensor,
    classes: Tensor | None,
    train_set: "AudioSet",
    test_set: "AudioSet",
    space: FeatureSpace,
    references: bool = True,
    known: tuple[Tensor, Tensor] | None = None,
) -> dict[str, Any]:
    """Measures clips, wherever they come from, against all held-out ones (2,000 at most).

    More clips may be generated than are held out, not more than there are to train on: as many training clips are
    the reference, so that both distances have the same bias.

    Args:
        generated: float32 (n, samples) in [-1, 1], or int16; as long as the clips of the data or longer.
        classes: int64 (n, columns) that each was asked to show; `None` for an unconditional model.
        space: from `features.feature_space`. With fewer than 50 clips, generated or held out, features are not
            compared.
        references: whether real samples, with and without noise, are measured beside them; without, there are only
            the `metrics`.
        known: features in that space of all generated clips and of the held-out ones, where they are known.

    Returns:
        `metrics`: a record for each metric, with `name`, `type` (for programs), `features` (name of the space) or
        `group`, `value`, `reference`, `higher_is_better`, `split` and `samples`; `baselines`: a list of `name` and
        `values` (by `name` of the metric); `note`: what was compared with what.
    """
    count = min(len(generated), len(train_set))
    picked = fixed_random_subset(len(generated), count)
    made = as_floats(generated[picked])[:, : test_set.samples]
    asked = None if classes is None else classes[picked]
    chosen = fixed_random_subset(len(train_set), count, in_order=False)
    kept = fixed_random_subset(len(test_set), min(len(test_set), MAX_HELD_OUT))
    held_out, labels = test_set.clips(kept), test_set.classes(kept)
    real_labels = train_set.classes(chosen)
    rows: dict[str, tuple[Callable[[], Tensor], Tensor | None]] = {
        "generated": (lambda: made, asked),
    }
    if references:
        rows["real"] = (lambda: train_set.clips(chosen), real_labels)
        rows[CEILING] = (lambda: round_trip(held_out, test_set.sampling_rate), labels)
    for decibels in NOISE if references else ():
        rows[f"held-out with noise at {decibels} dB"] = (partial(with_noise, held_out, decibels), labels)
    often = _twice_in_each(asked, real_labels, labels)

    of_made, real = (space(made), space(held_out)) if known is None else (known[0][picked], known[1])
    features: dict[str, Tensor] = {}
    predicted: dict[str, Tensor] = {}
    for name, (of, _) in rows.items():
        clips = of()
        features[name] = of_made if name == "generated" else space(clips)
        if space.classifier is not None:
            # The classifier has seen the training clips: its reference is measured on those it has not.
            judged = (held_out, real) if name == "real" else (clips, features[name])
            predicted[name] = space.predict(*judged)

    def records_of(name: str) -> list[dict[str, Any]]:
        records, wanted = [], rows[name][1]
        if name in predicted:
            assert train_set.labels is not None and train_set.label_names is not None
            shown = None if asked is None else labels if name == "real" else wanted
            all_labels = torch.from_numpy(train_set.labels)
            found = class_metrics_by_column(predicted[name], shown, all_labels, train_set.label_names)
            records += [record | {"group": "labels"} for record in found]
        if min(count, len(held_out)) >= MIN_SAMPLES:
            records += feature_metrics(
                features[name], real, space.name, same_samples=name not in ("generated", "real")
            )
            if len(often):
                ratio = within(features[name], wanted, often) / within(real, labels, often)
                records.append(
                    metric_record("Diversity within labels", "diversity", round(ratio, 3), None, space.name)
                )
        return records

    table = dict(zip(rows, map_items(records_of, list(rows)), strict=True))
    made_records = table.pop("generated")
    if not references:
        return {"metrics": made_records}
    found = with_references(made_records, table.pop("real"), table, test_set.split, count)
    return found | {"note": _note(count, len(held_out), test_set.split)}


def evaluate(
    pipeline: "AudioPipeline",
    train_set: "AudioSet",
    test_set: "AudioSet",
    features: str = "auto",
    num_clips: int = NUM_CLIPS,
    references: bool = True,
) -> dict[str, Any]:
    """The contents of `metrics.json`; the sheet of nearest training clips goes to `pipeline.neighbours`.

    Clips are generated with truncation 1 from seeds 0, 1, ..., with labels of held-out clips, each as often.

    Args:
        features: one of `features.SPACES`.
        num_clips: to generate, at most as many as there are training clips.
        references: see `measure`; without, there is no sheet either.

    Raises:
        GANError: if the labels of the model aren't those of the data, or the feature space cannot be had.
    """
    count = min(num_clips, len(train_set))
    latents, drawn = pipeline.latents(list(range(count)))
    asked = None
    if pipeline.labels:
        asked = labels_like(test_set, count)
        drawn = as_the_model_counts(pipeline, asked, test_set)
    with synchronized():  # a package may be missing on one machine
        space = feature_space(features, train_set)
    generated = map_batches(pipeline.decode, latents, drawn, batch=BATCH, what="Making clips")
    kept = fixed_random_subset(len(test_set), min(len(test_set), MAX_HELD_OUT))
    of_generated, of_held_out = space(generated), space(test_set.clips(kept))
    records = measure(generated, asked, train_set, test_set, space, references, (of_generated, of_held_out))
    if not references:
        return records

    trained_on = torch.cat([space(train_set.clips(part)) for part in torch.arange(len(train_set)).split(10 * BATCH)])
    neighbours = min(NEIGHBOURS, len(train_set))
    distances, indices = nearest(of_generated, trained_on, neighbours)
    held_out_distances, _ = nearest(of_held_out, trained_on, neighbours)
    n_fft = window_size(train_set.sampling_rate)
    sheet = io.BytesIO()
    neighbour_sheet(
        lambda index: spectrogram_picture(generated[index].numpy(), n_fft),
        lambda index: spectrogram_picture(train_set.clips(torch.tensor([index]))[0].numpy(), n_fft),
        distances,
        indices,
        "clips",
    ).save(sheet, "PNG", optimize=True)
    pipeline.neighbours = sheet.getvalue()
    near = memorisation(distances, held_out_distances)
    return records | {"neighbours": {"features": space.name, "of": "clip"} | near}


def labels_like(test_set: "AudioSet", count: int) -> Tensor | None:
    """int64 (count, columns): the labels of held-out clips in an order of chance, over and over; `None` without."""
    order = torch.randperm(len(test_set), generator=torch.Generator().manual_seed(0))
    return test_set.classes(order.repeat(-(-count // len(order)))[:count])


def as_the_model_counts(pipeline: "AudioPipeline", classes: Tensor | None, data: "AudioSet") -> Tensor:
    """Classes of the data, int64 (n, columns), as the model numbers them: columns and classes are matched by name.

    Raises:
        GANError: for a column or class that only one of both has.
    """
    known = pipeline.labels or {}
    names = data.label_names or {}
    if known.keys() != names.keys() or classes is None:
        raise GANError(
            f"The model was trained on labels {' and '.join(known)}, and {data.name} is read with "
            f"{' and '.join(names) or 'none'}; name the columns with --label_column."
        )
    places = list(names)
    return torch.stack(
        [class_indices(known[column], names[column], data.name)[classes[:, places.index(column)]] for column in known],
        dim=1,
    )


def within(features: Tensor, labels: Tensor | None, of: Tensor) -> float:
    """The mean distance between two samples of the same labels, each of the labels counting alike.

    Args:
        features: (n, d).
        labels: int64 (n, columns); the same labels are the same in every column.
        of: int64 (k, columns), the labels that count; each has two samples at least.
    """
    assert labels is not None
    return float(torch.stack([torch.pdist(features[(labels == one).all(1)]).mean() for one in of]).mean())


def with_noise(clips: Tensor, decibels: float) -> Tensor:
    """Clips (n, samples) with white noise that is so much quieter than each of them."""
    noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(1))
    return clips + noise * clips.square().mean(1, keepdim=True).sqrt() * 10 ** (-decibels / 20)


def round_trip(clips: Tensor, sampling_rate: int) -> Tensor:
    """Clips (n, samples) as pictures and back."""
    n_fft = window_size(sampling_rate)
    return map_batches(lambda batch: synthesise(analyse(batch, n_fft), n_fft), clips, batch=BATCH, what="Synthesising")


def as_floats(clips: Tensor) -> Tensor:
    """Clips in [-1, 1] of floats, or of int16."""
    return clips.float() / (32767 if clips.dtype == torch.int16 else 1)


def _note(count: int, held_out: int, split: str) -> str:
    """What was compared with what, for the card."""
    if min(count, held_out) < MIN_SAMPLES:
        return (
            f"{count:,} clips; the {split} split has {held_out:,}, and features of fewer than {MIN_SAMPLES} are not "
            f"compared."
        )
    return (
        f"{count:,} clips against {held_out:,} of the {split} split. The reference is what real clips score: as many "
        f"training clips against held-out ones; for class agreement, held-out clips. Baselines: the held-out clips "
        f"themselves, taken through a spectrogram without phases and back, which no generator of spectrograms can do "
        f"better than, and with white noise. Diversity within labels: how far clips of the same labels are from each "
        f"other, over how far held-out ones are."
    )


def _twice_in_each(*sets: Tensor | None) -> Tensor:
    """int64 (k, columns): the labels that two samples at least have in each of the sets (n, columns)."""
    often = []
    for labels in sets:
        if labels is None:
            return torch.empty(0, 1)
        found, counts = labels.unique(dim=0, return_counts=True)
        often.append({tuple(row) for row in found[counts > 1].tolist()})
    return torch.tensor(sorted(set.intersection(*often)))
