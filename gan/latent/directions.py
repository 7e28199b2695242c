"""Directions in code space that change one thing about a sample, and how well they do.

Three sources, none of which needs labelled data:

- measured: ridge regression from codes to what can be measured on a sample (`pipeline.attributes`), so that the name
  of a direction is true by construction; regressed jointly, so that it leaves the other attributes where they are.
- class: from the mean code to the mean code of a class.
- SeFa (Shen & Zhou 2021, "Closed-form factorization of latent semantics in GANs"): what the weights of the generator
  amplify most.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from gan.errors import GANError
from gan.networks import class_weights
from gan.utils.files import as_json

VECTORS, RECORDS = "directions.safetensors", "directions.json"
RIDGE = 0.03  # of the regression, as a share of the number of samples
SHARED = 0.3  # how much of what attributes share a direction may keep; 0 separates them completely
SEFA_DIRECTIONS = 6
MAX_STRENGTH = 10.0
MIN_SAMPLES = 50  # to find directions on; of fewer, regression says nothing
MANY_CLASSES = 24  # of more, nobody looks through directions towards each
STRENGTHS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # at which directions are scored

Measure = Callable[
    [Tensor], dict[str, Tensor]
]  # codes (n, layers, width) to attributes of their samples, (n,) by name


@dataclass(repr=False)
class Directions:
    """Named directions of a model; iterated over, their names.

    Attributes:
        vectors: (layers, width) by name; a strength of 1 adds the vector to the codes, which is as far as a standard
            deviation of the latent.
        records: by name, for programs and people: `source` ("measured", "class" or "sefa"), `range` (the strengths
            that make sense), `formerly` (names that it had before, which still hold) and, once scored, `monotone`,
            `effect`, `leakage` and `class_kept` (see `score`).
    """

    vectors: dict[str, Tensor] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.vectors)

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(self.vectors)

    def __repr__(self) -> str:
        return f"Directions({', '.join(self.vectors)})"

    def apply(self, codes: Tensor, edits: Mapping[str, float]) -> Tensor:
        """Codes (n, layers, width) moved along directions, by name and strength.

        Raises:
            GANError: for edits that are no mapping, a direction that there isn't, or a strength that is no number of
                at most `MAX_STRENGTH`.
        """
        if not isinstance(edits, Mapping):
            example = next(iter(self.vectors), "brightness")
            raise GANError(f'Edits are strengths by the name of a direction, such as {{"{example}": 1.5}}.')
        former = {old: name for name, record in self.records.items() for old in record.get("formerly", [])}
        for given, strength in edits.items():
            name = given if given in self.vectors else former.get(given, given)
            if name not in self.vectors:
                known = ", ".join(self.vectors) or "none; `python -m gan.latent directions MODEL` finds some"
                raise GANError(f"There is no direction {name!r}; this model has {known}.")
            is_number = isinstance(strength, int | float) and not isinstance(strength, bool)
            if not (is_number and abs(strength) <= MAX_STRENGTH):
                raise GANError(
                    f"A strength of {strength!r} for {name!r} cannot be used; it goes from {-MAX_STRENGTH:g} to "
                    f"{MAX_STRENGTH:g}."
                )
            codes = codes + strength * self.vectors[name].to(codes)
        return codes

    def renamed(self, old: str, new: str) -> "Directions":
        """A copy in which a direction has another name; the old one still holds in `apply`.

        Raises:
            GANError: if there is no such direction, or already one of the new name.
        """
        if old not in self.vectors:
            raise GANError(f"There is no direction {old!r}; this model has {', '.join(self.vectors)}.")
        if new in self.vectors or not new.strip():
            raise GANError(f"A direction cannot be called {new!r}: choose a name that is not taken.")
        vectors, records = (
            {new if name == old else name: value for name, value in values.items()}
            for values in (self.vectors, self.records)
        )
        records[new] = {**records[new], "formerly": [*records[new].get("formerly", []), old]}
        return replace(self, vectors=vectors, records=records)

    def save(self, folder: Path) -> None:
        """Writes both files."""
        save_file({name: vector.contiguous() for name, vector in self.vectors.items()}, folder / VECTORS)
        (folder / RECORDS).write_bytes(as_json(self.records))

    @classmethod
    def load(cls, folder: Path, shape: tuple[int, int], source: str) -> "Directions":
        """Those of a model repository, in the order of `directions.json`; without these files there are none.

        Args:
            shape: (layers, width) of the model's codes.
            source: name of the repository, for errors.

        Raises:
            GANError: if the files are damaged, or of another model.
        """
        if not (folder / VECTORS).is_file():
            return cls()
        try:
            vectors = load_file(folder / VECTORS)
            records = json.loads((folder / RECORDS).read_text(encoding="utf-8"))
            vectors = {name: vectors[name].float() for name in records}
            if not all(map(_is_record, records.values())):
                raise ValueError
        except (OSError, SafetensorError, AttributeError, ValueError, KeyError, TypeError) as error:
            raise GANError(
                f"The directions of {source} are damaged; find them anew with `python -m gan.latent directions`."
            ) from error
        if any(tuple(vector.shape) != shape or not vector.isfinite().all() for vector in vectors.values()):
            raise GANError(
                f"The directions of {source} do not fit its generator; find them anew with "
                f"`python -m gan.latent directions`."
            )
        return cls(vectors, records)


def _is_record(record: Any) -> bool:
    """Whether this is what a direction must have in `directions.json`; anybody may have written it."""
    low, high = record["range"]
    whole = all(isinstance(value, int | float) for value in (low, high))
    scores = [record.get(name, 0.0) for name in ("monotone", "effect", "leakage")]
    return (
        whole
        and -MAX_STRENGTH <= low < high <= MAX_STRENGTH
        and isinstance(record["source"], str)
        and all(isinstance(old, str) for old in record.get("formerly", []))
        and all(isinstance(value, int | float) for value in scores)
    )


def ranked(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of directions, the most useful first: those that somebody has named; measured ones, by how surely and how
    far they do what they are called, and no more; those towards classes; those of SeFa."""

    def worth(name: str) -> float:
        record = records[name]
        if record.get("formerly"):
            return 1e6
        if record["source"] != "measured":
            return {"class": -1e6}.get(record["source"], -1e7)
        return record.get("monotone", 0) * record.get("effect", 0) - record.get("leakage", 0)

    return sorted(records, key=worth, reverse=True)


def closed_form(generator: nn.Module, deviation: Tensor) -> Directions:
    """The directions that the weights of a generator amplify most (SeFa), which need neither data nor time.

    Args:
        deviation: (layers, width) standard deviation of codes within a class.
    """
    found = Directions()
    for k, vector in enumerate(normalised(sefa(generator, deviation.mean(0))).detach().cpu()):
        found.vectors[f"component {k + 1}"] = vector
        found.records[f"component {k + 1}"] = {"source": "sefa", "range": [-3, 3]}
    return found


def independent_codes(generator: nn.Module, latents: Tensor, labels: Tensor | None) -> Tensor:
    """Codes every layer of which has a latent of its own, so that the layers can be told apart.

    Args:
        latents: (n, layers, latent_dim).
        labels: of the n samples, the same for all layers.

    Returns:
        (n, layers, width).
    """
    layers = [_codes(generator, layer, labels)[:, k] for k, layer in enumerate(latents.unbind(1))]
    return torch.stack(layers, dim=1)


def _codes(generator: nn.Module, latents: Tensor, labels: Tensor | None) -> Tensor:
    """Codes float32 on the CPU, where directions are found, of latents from there: the generator may be elsewhere."""
    labels = None if labels is None else labels.to(generator.device)
    return generator.codes(latents.to(generator.device, generator.dtype), labels).float().cpu()


def sefa(generator: nn.Module, spread: Tensor, count: int = SEFA_DIRECTIONS) -> Tensor:
    """The directions of the code that change activations most, the same in all layers.

    Args:
        spread: (width,) standard deviation of codes within a class; where it is 0, in the class embedding, directions
            are 0 too, so that they keep the class.
        count: how many, the strongest first.

    Returns:
        (count, layers, width).
    """
    weights = [weight.to(spread) for weight in generator.code_weights()]
    _, _, right = torch.linalg.svd(torch.cat(weights) * spread, full_matrices=False)
    return (right[:count] * spread)[:, None].repeat(1, len(weights), 1)


def regressed(codes: Tensor, targets: Tensor, shared: float = SHARED) -> Tensor:
    """The directions along which each target grows while the others stay, by ridge regression.

    With regression coefficients B, the vectors B (B'B)^-1 would change one prediction each and no other. The inverse
    is regularised, because attributes that go together (ink and width) can only be separated at the price of both.

    Args:
        codes: (n, layers, width).
        targets: (n, k) standardised.
        shared: the regularisation.

    Returns:
        (k, layers, width).
    """
    x = codes.flatten(1)
    x = x - x.mean(0)
    gram = x.T @ x + RIDGE * len(x) * torch.eye(x.shape[1])
    coefficients = torch.linalg.solve(gram, x.T @ targets)
    overlap = coefficients.T @ coefficients
    identity = torch.eye(len(overlap))
    vectors = coefficients @ torch.linalg.inv(overlap + shared * overlap.diagonal().mean() * identity)
    return vectors.T.unflatten(1, codes.shape[1:])


def towards_classes(generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
    """(classes of all columns, layers, width): from the mean code of all classes of a column to that of each of them.

    Args:
        latents: (n, latent_dim), the same for all classes.
        labels: (n,) or (n, columns) class indices; one column after the other is replaced.
    """
    labels = labels.view(len(labels), -1)
    towards = []
    for column, count in enumerate(generator.class_counts):
        means = []
        for k in range(count):
            labels_k = labels.clone()
            labels_k[:, column] = k
            means.append(_codes(generator, latents, labels_k).mean(0))
        towards.append(torch.stack(means) - torch.stack(means).mean(0))
    return torch.cat(towards)


def within_classes(values: Tensor, labels: Tensor | None, class_counts: tuple[int, ...]) -> Tensor:
    """What is left of values (n, ...) when the mean of their class (of several columns: a sum of means) is gone."""
    if labels is None or not class_counts:
        return values - values.mean(0)
    design = class_weights(labels, class_counts, values.dtype)
    fitted = design @ torch.linalg.lstsq(design, values.flatten(1), driver="gelsd").solution
    return values - fitted.view_as(values)


def check_samples(found_on: int, scored_on: int, num_classes: int) -> None:
    """Raises `GANError` unless these are enough samples; what classes explain is taken out first."""
    least = max(MIN_SAMPLES, 2 * num_classes)
    if found_on < least:
        raise GANError(f"Directions of this model cannot be found on {found_on} samples; take {least} or more.")
    if scored_on < 1:
        raise GANError(f"Directions cannot be scored on {scored_on} samples; take one or more.")


def normalised(vectors: Tensor) -> Tensor:
    """Vectors (k, layers, width) of the length that a latent of unit norm has in all layers."""
    norms = vectors.flatten(1).norm(dim=1) / vectors.shape[1] ** 0.5
    return vectors / norms.clamp_min(1e-8)[:, None, None]


@torch.inference_mode()
def find(
    generator: nn.Module,
    measure: Measure,
    latents: Tensor,
    labels: Tensor | None,
    class_names: list[str],
) -> tuple[Directions, Tensor]:
    """Directions of a generator.

    Args:
        measure: what directions are named after.
        latents: (n, layers, latent_dim) from N(0, I).
        labels: (n,) or (n, columns) class indices, `None` without classes.
        class_names: of all label columns, for the directions towards classes.

    Returns:
        Directions, and (k,) the standard deviation of each measured attribute within a class.
    """
    counts = generator.class_counts
    codes = independent_codes(generator, latents, labels)
    measured = measure(codes)
    values = within_classes(torch.stack(list(measured.values()), dim=1), labels, counts)
    deviation = values.std(0).clamp_min(1e-6)
    inner = within_classes(codes, labels, counts)
    spread = inner.std((0, 1))
    spread = torch.where(spread > 1e-4 * spread.max(), spread, 0)
    found = Directions()
    for name, vector in zip(measured, normalised(regressed(inner, values / deviation) * (spread > 0))):
        found.vectors[name] = vector
        found.records[name] = {"source": "measured", "range": [-3, 3]}
    if labels is not None and 0 < len(class_names) <= MANY_CLASSES:
        for name, vector in zip(class_names, towards_classes(generator, latents[:, 0], labels)):
            if not vector.any():  # of the only class of a column
                continue
            found.vectors[f"class {name}"] = vector
            found.records[f"class {name}"] = {"source": "class", "range": [0, 1]}
    for k, vector in enumerate(normalised(sefa(generator, spread))):
        found.vectors[f"component {k + 1}"] = vector
        found.records[f"component {k + 1}"] = {"source": "sefa", "range": [-3, 3]}
    return found, deviation


@torch.inference_mode()
def score(
    directions: Directions,
    measure: Measure,
    codes: Tensor,
    deviation: Tensor,
    classify: Callable[[Tensor], Tensor] | None = None,
    progress: bool = False,
) -> None:
    """Adds to the records how each direction does on samples that it was not found on.

    For measured ones: `monotone`, the share of steps (of 1, between the strengths -3 and 3) that change the attribute
    the right way; `effect`, how far it goes from -3 to 3, in standard deviations within a class; `leakage`, how far
    the others go at that, on average. For all: `class_kept`, the share of samples whose class stays the same at 3 and
    -3, and `changes`, the attributes that it moves most, in standard deviations.

    Args:
        codes: (n, layers, width) of other samples.
        deviation: of the attributes, from `find`.
        classify: codes to the classes (n,) that their samples show, if anything can tell them.
        progress: whether to show a bar.
    """
    unmoved, usual = measure(codes), None if classify is None else classify(codes)
    bar = tqdm(directions.records.items(), desc="Scoring directions", leave=False, disable=not progress)
    for name, record in bar:
        low, high = record["range"]
        strengths = STRENGTHS if record["source"] == "measured" else (low, high)
        moved = [directions.apply(codes, {name: strength}) for strength in strengths]
        tables = [measure(edited) if strength else unmoved for strength, edited in zip(strengths, moved)]
        values = torch.stack([torch.stack(list(table.values()), dim=1) for table in tables]) / deviation
        change = (values[-1] - values[0]).mean(0)
        names = list(tables[0])
        if name in names:
            k = names.index(name)
            others = [j for j in range(len(names)) if j != k]
            record["monotone"] = round(float((values[..., k].diff(dim=0) > 0).float().mean()), 3)
            record["effect"] = round(float(change[k]), 2)
            record["leakage"] = round(float(change[others].abs().mean()), 2) if others else 0.0
        strongest = change.abs().argsort(descending=True)[:3].tolist()
        record["changes"] = {names[j]: round(float(change[j]), 2) for j in strongest}
        if classify is not None and record["source"] != "class":
            kept = torch.stack([classify(edited) == usual for edited in (moved[0], moved[-1])])
            record["class_kept"] = round(float(kept.float().mean()), 3)
