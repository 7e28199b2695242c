"""What was found out about steering a model, as Markdown tables for the card and the command line."""

from typing import Any

HEADER = ["direction", "monotone ↑", "effect ↑", "leakage ↓", "class kept ↑", "changes most"]


def directions_table(records: dict[str, dict[str, Any]]) -> str:
    """A row for each direction, from `directions.json`, and what the columns mean."""
    rows = [HEADER, ["---"] * len(HEADER)]
    for name, record in records.items():
        changes = ", ".join(f"{attribute} {change:+g}" for attribute, change in record.get("changes", {}).items())
        shown = [record.get(column) for column in ("monotone", "effect", "leakage", "class_kept")]
        rows.append([name, *("" if value is None else f"{value:g}" for value in shown), changes])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"{table}\n\nEdits by -3 to 3 standard deviations of the latent (towards a class: 0 to 1). Monotone: the "
        "share of steps of 1 that change what the direction is named after the right way. Effect: how far it goes, "
        "and leakage: how far the other attributes go on average, in standard deviations within a class. Class kept: "
        "the share of samples that the discriminator still takes for the same class at either end."
    )


def guidance_table(curve: list[dict[str, float]]) -> str:
    """A row for each number of critic steps, from `gan.latent.guidance_curve`."""
    columns = list(dict.fromkeys(name for row in curve for name in row))
    titles = [name.replace("_", " ") for name in columns]
    rows = [titles, ["---"] * len(titles), *([f"{row[name]:g}" for name in columns] for row in curve)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
