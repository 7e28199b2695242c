"""Errors that a user can mend."""

from typing import Any


class GANError(Exception):
    """Something that cannot work, in one sentence that names it and the remedy.

    The command line prints it and exits with code 2; the studio shows it on the page. A programming mistake stays an
    ordinary exception with its traceback.
    """


def check_whole(number: Any, least: int, most: int, refusal: str) -> None:
    """Raises `GANError` with this sentence unless it is a whole number, and no bool, from `least` to `most`."""
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise GANError(refusal)
