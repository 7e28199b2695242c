"""The classes of the data and those of the model that is fine-tuned."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from accelerate import PartialState
from torch import Tensor, nn

from gan.labels import label_index

# The weights of generators, discriminators and encoders that depend on the class, and the axis that counts classes.
CLASS_AXIS = {"embed.weight": 1, "pair.embed.weight": 1, "to_class.weight": 0, "to_class.bias": 0}

AVERAGED = 64  # samples, generated and real, whose means are compared
NAMELESS = ""  # the class of a label column that a model does not have
Start = list[int | None]  # for every class of the data, the class of the model that it starts as


def by_name(old: Sequence[str], new: Sequence[str]) -> Start:
    """The class of the model that has the name of a class of the data, if need be in another case, or `None`."""
    return [label_index(name, old) for name in new]


def resembling(
    generator: nn.Module, samples: Callable[[Tensor], Tensor], averaged: int = AVERAGED
) -> Callable[[int, Tensor], int]:
    """Finds the class that real samples resemble: that whose generated samples are, on average, nearest to their mean.

    Fine-tuned with so few steps that it counts where one starts, a class that starts as the one it resembles comes to
    half the distance of one that starts as the mean of all (`benchmarks/finetune.py`).

    Args:
        samples: gives real samples (k, channels, height, width) for k indices of the data.
        averaged: generated samples of a class.

    Returns:
        For `starts`: a column of the generator's labels, and indices of the data, to a class of that column.
    """
    counts = generator.class_counts
    latents = torch.randn(averaged, generator.latent_dim, generator=torch.Generator().manual_seed(0))

    @cache
    @torch.inference_mode()
    def means(column: int) -> Tensor:  # (classes of the column, channels, height, width)
        found = []
        for index in range(counts[column]):
            weights = [
                torch.full((count,), 1 / count) for count in counts
            ]  # uniform over the classes of the other columns
            weights[column] = F.one_hot(torch.tensor(index), counts[column]).float()
            found.append(generator(latents, torch.cat(weights).expand(averaged, -1)).float().mean(0))
        return torch.stack(found)

    def nearest(column: int, some: Tensor) -> int:
        return int((means(column) - samples(some).mean(0)).square().flatten(1).mean(1).argmin())

    return nearest


def starts(
    old: Sequence[Sequence[str]],
    new: Sequence[Sequence[str]],
    classes: Tensor | None,
    resembled: Callable[[int, Tensor], int | None],
) -> list[Start]:
    """Where each class of the data starts: as the class of its name, or else as the one that it resembles; says so.

    Empty where only one of model and data has classes: see `transferred`.

    Args:
        old, new: the class names of each label column of the model and of the data; as many columns, or none.
        classes: int64 (n,) or (n, columns), of the data; `None` where there are no columns.
        resembled: a column and indices of the data to the class of the model that these samples are most like, `None`
            for the mean of all.
    """
    if bool(old) != bool(new):
        said = "Training starts from the mean of the model's classes" if old else "All classes start as the model is"
        PartialState().print(f"{said}, as the {'data has none' if old else 'model knows none'}.", flush=True)
        return []
    found = []
    for column, (known, wanted) in enumerate(zip(old, new, strict=True)):
        assert classes is not None
        start = by_name(known, wanted)
        for index in [index for index, place in enumerate(start) if place is None]:
            some = (classes.view(len(classes), -1)[:, column] == index).nonzero().flatten()[:AVERAGED]
            if len(some):
                start[index] = resembled(column, some)
        _print_starts(known, wanted, start)
        found.append(start)
    return found


def column_places(known: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]) -> list[int | None]:
    """For each label column of the data, which of the model's it is: that of its name, or else, of the others, the one
    that knows most of its classes; `None` where none knows any.

    Args:
        known, wanted: the class names by column of the model and of the data.
    """
    columns = list(known)
    places = [columns.index(column) if column in known else None for column in wanted]
    for index, names in enumerate(wanted.values()):
        if places[index] is None:
            free = [k for k in range(len(columns)) if k not in places]
            shared = {k: len(names) - by_name(known[columns[k]], names).count(None) for k in free}
            best = max(free, key=shared.__getitem__, default=None)
            places[index] = best if best is not None and shared[best] else None
    return places


def with_columns(
    networks: Mapping[str, nn.Module], known: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]
) -> tuple[dict[str, nn.Module], list[list[str]]]:
    """Networks of an earlier model with as many label columns as the data has; says what becomes of each.

    They compute what the earlier ones did: a column that the data lacks becomes its mean, one that the model lacks has
    a single class, without a name, which has no effect at first.

    Args:
        networks: generator, discriminator or encoder of `gan.networks`, by name.
        known, wanted: the class names by column of the model and of the data.

    Returns:
        The networks, and the classes that they know in each column of the data.
    """
    places, counts = column_places(known, wanted), [len(names) for names in known.values()]
    changed: dict[str, nn.Module] = {}
    for name, old in networks.items():
        weights = old.state_dict()
        for tensor in CLASS_AXIS.keys() & weights.keys():
            axis = CLASS_AXIS[tensor]
            columns = weights[tensor].split(counts, axis)
            none = torch.zeros_like(columns[0].narrow(axis, 0, 1))
            parts = [none if place is None else columns[place] for place in places]
            if tensor.endswith("embed.weight"):  # columns add up: each sample has one class of the first
                gone = [columns[k].mean(axis, keepdim=True) for k in range(len(columns)) if k not in places]
                parts[0] = sum(gone, parts[0])
            weights[tensor] = torch.cat(parts, axis)
        sizes = tuple(1 if place is None else counts[place] for place in places)
        changed[name] = type(old).from_config(old.config, num_classes=sizes)  # type: ignore[attr-defined]
        changed[name].load_state_dict(weights)
    names = list(known.values())
    _print_columns(list(known), list(wanted), places)
    return changed, [[NAMELESS] if place is None else list(names[place]) for place in places]


def _print_columns(known: list[str], wanted: list[str], places: list[int | None]) -> None:
    said = [f"{column} is new to it" for column, place in zip(wanted, places) if place is None]
    pairs = [(column, known[place]) for column, place in zip(wanted, places) if place is not None]
    said += [f"{column} starts as {old}" for column, old in pairs if column != old]
    said += [f"{column} as its mean" for k, column in enumerate(known) if k not in places]
    PartialState().print(f"Label columns of the model: {', '.join(said)}.", flush=True)


def _print_starts(old: Sequence[str], new: Sequence[str], start: Start) -> None:
    """Prints what the classes start as that the model has no name for."""
    pairs = [
        f"{name} as {old[place]}"
        for name, place in zip(new, start, strict=True)
        if place is not None and old[place] not in (NAMELESS, name) and old[place].casefold() != name.casefold()
    ]
    if pairs:
        PartialState().print(f"New classes start as those that they resemble: {', '.join(pairs)}.", flush=True)


def transferred(
    old: nn.Module, counts: Sequence[int], num_classes: int | Sequence[int], starts: Sequence[Start]
) -> nn.Module:
    """A network of an earlier model for the classes of other data. It computes what the earlier one did.

    From a model with classes to data without, the embedding of the classes becomes its mean, a constant that biases
    take over. The other way round, new embeddings begin without effect.

    Args:
        old: generator, discriminator or encoder of `gan.networks`.
        counts: classes that it knows, in each column of labels.
        num_classes: those of the data, as its config has them; 0 or empty for none.
        starts: for each column, what its classes start as; of no meaning where only one side has classes.
    """
    network = type(old).from_config(old.config, num_classes=num_classes)  # type: ignore[attr-defined]
    weights = old.state_dict()
    if counts and not num_classes:
        weights = _without_classes(weights, counts)
    elif num_classes and not counts:
        weights = _with_classes(weights, network.state_dict())
    else:
        weights = matched(weights, counts, starts)
    network.load_state_dict(weights)
    return network


def _without_classes(weights: dict[str, Tensor], counts: Sequence[int]) -> dict[str, Tensor]:
    weights = {name: weight for name, weight in weights.items() if not name.startswith("to_class.")}
    if "embed.weight" not in weights:  # an encoder, which only names classes
        return weights
    mean = torch.stack([column.mean(1) for column in weights.pop("embed.weight").split(list(counts), 1)]).sum(0)
    for name in _conditioned(weights):
        of_latent, of_class = weights[f"{name}.weight"].tensor_split([-len(mean)], dim=1)
        weights |= {f"{name}.weight": of_latent, f"{name}.bias": weights[f"{name}.bias"] + of_class @ mean}
    if "to_logit.weight" in weights:  # the projection discriminator's logit is linear in the embedding
        weights["to_logit.weight"] = weights["to_logit.weight"] + mean
    return weights


def _with_classes(weights: dict[str, Tensor], fresh: dict[str, Tensor]) -> dict[str, Tensor]:
    widened = {
        f"{name}.weight": F.pad(weights[f"{name}.weight"], (0, len(fresh["embed.weight"])))
        for name in _conditioned(weights)
    }
    if "to_logit.weight" in weights:
        widened["embed.weight"] = torch.zeros_like(fresh["embed.weight"])
    return fresh | weights | widened


def _conditioned(weights: dict[str, Tensor]) -> list[str]:
    """The generator's linear layers that read the latent and the class embedding."""
    names = (name.removesuffix(".weight") for name in weights if name.endswith(".weight"))
    return [name for name in names if name == "start" or name.endswith(".modulation")]


def matched(
    weights: dict[str, Tensor],
    counts: Sequence[int],
    starts: Sequence[Start],
    class_axis: Mapping[str, int] = CLASS_AXIS,
) -> dict[str, Tensor]:
    """Weights of a network for other classes than those that it knows.

    Args:
        counts: classes that it knows, in each column of labels.
        starts: for each column, the known class that each class of the data starts as; `None`: the mean of all.
        class_axis: the weights that depend on the class, and the axis that counts classes in each.
    """
    for name in class_axis.keys() & weights.keys():
        axis, parts = class_axis[name], []
        columns = weights[name].split(list(counts), axis) if counts else ()
        for column, start in zip(columns, starts, strict=True):
            parts += [column.mean(axis) if k is None else column.select(axis, k) for k in start]
        weights[name] = torch.stack(parts, axis)
    return weights
