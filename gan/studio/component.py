"""What the page's own components share: their scripts, and how a `GANError` reaches the page and the API."""

import traceback
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr

from gan.errors import GANError
from gan.studio.strings import LANGUAGES

HERE = Path(__file__).parent


def script(*names: str) -> str:
    """What `gr.HTML` runs when the component of these scripts is first shown: what all share, then these."""
    return "".join((HERE / file).read_text(encoding="utf-8") for file in ("common.js", "fields.js", "tab.js", *names))


def workbench(name: str, scripts: Iterable[str], functions: Iterable[Callable], **props: Any) -> gr.HTML:
    """The component that fills a tab: an empty element, drawn by its scripts.

    Args:
        name: of the tab, and class of the element.
        scripts: files in this folder, of which the last draws the element when it is first shown.
        functions: what the scripts can call as `server.NAME`.
        props: what they find in `props`.
    """
    return gr.HTML(
        html_template=f'<div class="{name} workbench"></div>',
        js_on_load=script(*scripts),
        apply_default_css=False,
        server_functions=list(functions),
        strings=LANGUAGES,
        elem_id=name,
        **props,
    )


def _handling_errors(handle: Callable[[GANError], Any]) -> Callable[[Callable], Callable]:
    """A decorator: where the function raises a `GANError`, its result is what `handle` makes of it."""

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except GANError as error:
                return handle(error)

        return wrapper

    return decorate


def _raise_for_client(error: GANError) -> NoReturn:
    raise gr.Error(str(error), print_exception=False) from error


# For functions that a script of the page calls: the script gets {"error": sentence}.
page_errors = _handling_errors(lambda error: {"error": str(error)})

# For endpoints: the client gets an error with the sentence as its message.
api_errors = _handling_errors(_raise_for_client)


def open_errors(function: Callable) -> Callable:
    """As `page_errors`, for functions that open a model, their first argument. A model from the Hub may be broken in
    any way, so any exception becomes an answer; its traceback is printed where the studio runs."""

    @page_errors
    @wraps(function)
    def wrapper(model: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(model, *args, **kwargs)
        except GANError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise GANError(f"{model} cannot be opened: {type(error).__name__}.") from error

    return wrapper
