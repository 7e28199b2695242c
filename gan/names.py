"""Classes are found by name."""

from collections.abc import Sequence


def place_of(name: str, names: Sequence[str]) -> int | None:
    """Where a name stands in a list: the very name if it is there, else one that differs in case only, else `None`."""
    if name in names:
        return names.index(name)
    folded = [known.casefold() for known in names]
    return folded.index(name.casefold()) if name.casefold() in folded else None
