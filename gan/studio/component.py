"""The scripts of the page's own components, and how the functions that they call on the server say what went wrong."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from gan.errors import GANError

HERE = Path(__file__).parent


def script(*names: str) -> str:
    """What `gr.HTML` runs when the component of these scripts is first shown."""
    return "".join((HERE / file).read_text(encoding="utf-8") for file in ("common.js", *names))


def said(function: Callable) -> Callable:
    """Hands a `GANError` to the script as `{"error": sentence}`."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except GANError as error:
            return {"error": str(error)}

    return wrapper
