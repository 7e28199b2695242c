"""What was found out about steering a model, as Markdown tables for the card and the command line."""

from collections.abc import Mapping
from typing import Any

from gan.metrics.tables import markdown_table

COLUMNS = {"monotone": "monotone ↑", "effect": "effect ↑", "leakage": "leakage ↓", "class_kept": "class kept ↑"}
COLUMNS |= {"moved": "moved ↑", "kept": "text kept ↑"}  # of texts
ALWAYS = ("monotone", "effect", "leakage")


def directions_table(records: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each direction, from `directions.json`, and what the columns mean.

    Whether the class is kept is a column only where something could tell.
    """
    shown = [name for name in COLUMNS if name in ALWAYS or any(name in record for record in records.values())]
    header = ["direction", *(COLUMNS[name] for name in shown), "changes most"]
    rows = []
    for name, record in records.items():
        changes = ", ".join(f"{attribute} {change:+g}" for attribute, change in record.get("changes", {}).items())
        values = [record.get(column) for column in shown]
        rows.append([name, *("" if value is None else f"{value:g}" for value in values), changes])
    kept = (
        "Moved: the share of texts in which what the direction is named after is larger at 2 than at -2; text kept: "
        "BLEU-4 of the texts at 2 and -2 against what they were."
        if "moved" in shown
        else "Class kept: the share of samples that a linear classifier, trained on others of the model, still takes "
        "for the same class at either end."
        if "class_kept" in shown
        else "Whether samples keep their class is left out: there are no classes, or a linear classifier does not "
        "tell those of unedited samples surely enough to be asked."
    )
    return (
        f"{markdown_table(header, rows)}\n\n"
        "Edits by -3 to 3 standard deviations of the latent (towards a class: 0 to 1). Monotone: the share of steps "
        "of 1 that change what the direction is named after the right way. Effect: how far it goes, and leakage: how "
        f"far the other attributes go on average, in standard deviations within a class. {kept}"
    )


def guidance_table(curve: list[dict[str, float]]) -> str:
    """A row for each number of critic steps, from `gan.latent.guidance_curve`."""
    columns = list(dict.fromkeys(name for row in curve for name in row))
    titles = [name.replace("_", " ") for name in columns]
    return markdown_table(titles, ([f"{row[name]:g}" for name in columns] for row in curve))


def directions_notes(records: Mapping[str, Mapping[str, Any]]) -> str:
    """What a card says of a model's directions, from `directions.json`; "" without measured ones."""
    measured = {name: record for name, record in records.items() if record["source"] == "measured"}
    if not measured:
        return ""
    more = len(records) - len(measured)
    example = next(iter(measured))
    return (
        f'### Directions\n\n`pipeline.edit(7, {{"{example}": 1.5}})` moves a sample along one'
        f"{f'; beside these there are {more} more, towards classes or without a meaning' if more else ''}.\n\n"
        f"{directions_table(measured)}"
    )


def guidance_notes(guidance: Mapping[str, Any], suited_steps: int) -> str:
    """What a card says of critic guidance.

    Args:
        guidance: the contents of `guidance.json`.
        suited_steps: those that suit the model by it (`gan.latent.guidance_curve.suited`).
    """
    chosen = guidance["chosen"]
    best = f"{chosen['critic_steps']:g} steps with a prior of weight {chosen['critic_prior']:g}"
    parts = [
        "### Critic guidance",
        guidance_table(guidance["curve"]),
        f"Steps of size {guidance['step_size']:g}, on one half of the held-out data. The smallest distance there "
        f"is that of {best if chosen['critic_steps'] else 'no guidance'}; on the other half:",
        guidance_table(guidance["confirmed"]),
    ]
    if chosen["critic_steps"] and not suited_steps:
        parts.append("There it is no nearer than without guidance, so none is recommended.")
    return "\n\n".join(parts)
