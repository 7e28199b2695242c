"""What every command line shares: types of arguments, and the words of one as a record may hold them."""

import argparse
from pathlib import Path


def positive_int(text: str) -> int:
    """An argparse type."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return value


def whole_number(text: str) -> int:
    """An argparse type."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def decay(text: str) -> float:
    """An argparse type: a rate of a running mean."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to just below 1")
    return value


def positive_float(text: str) -> float:
    """An argparse type."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def without_folders(word: str) -> str:
    """The last part of an absolute path, also behind `--flag=`; anything else as it is."""
    flag, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return flag + sign + (Path(value).name if Path(value).is_absolute() else value)


def without_token(words: list[str]) -> list[str]:
    """The command line without `--hub_token`, for the record."""
    kept, skip = [], False
    for word in words:
        if not skip and word != "--hub_token" and not word.startswith("--hub_token="):
            kept.append(word)
        skip = word == "--hub_token"
    return kept
