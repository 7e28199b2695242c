"""The page: assembled, given its theme, and opened."""

import argparse
import os
import sys
import threading

import gradio as gr
import torch

from gan.errors import GANError
from gan.studio import images
from gan.studio.endpoints import add_endpoints
from gan.studio.models import Registry, given_models, offered_models
from gan.studio.pictures import draw
from gan.studio.strings import i18n
from gan.studio.theme import CSS, StudioTheme

# How `gr.Blocks.launch` dresses the page, wherever it is launched from.
LOOKS = {"theme": StudioTheme(), "css": CSS, "i18n": i18n, "footer_links": ["api"]}


def build_page(registry: Registry) -> gr.Blocks:
    """The page, ready for `.launch(**LOOKS)`."""
    with gr.Blocks(title="gan studio", fill_width=True, analytics_enabled=False) as page:
        images.build(page, registry)
        add_endpoints(registry)
    return page.queue(max_size=64)


def main(arguments: list[str] | None = None) -> None:
    """`python app.py`: reads the command line and serves the page until it is stopped."""
    parser = argparse.ArgumentParser(description="Opens the studio: a page to play with image generators.")
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="folders or Hub ids to offer before the bundled ones (also: the variable GAN_MODELS)",
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for every network (default: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link that works for a week")
    options = parser.parse_args(arguments)
    # Where strangers come, folders of this machine are none of their business.
    host = options.host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    private = host in ("127.0.0.1", "localhost", "::1") and not options.share and "SPACE_ID" not in os.environ
    try:
        registry = Registry(offered_models(given_models(options.models)), allow_paths=private)
    except GANError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    set_threads()
    threading.Thread(target=warm_up, args=(registry,), daemon=True).start()
    page = build_page(registry)
    page.launch(server_name=options.host, server_port=options.port, share=options.share or None, **LOOKS)


def set_threads() -> None:
    """Threads for a batch: a small network gains nothing beyond four, and a Space names fewer cores than it shows."""
    torch.set_num_threads(min(4, int(os.environ.get("CPU_CORES", os.cpu_count() or 1))))


def warm_up(registry: Registry) -> None:
    """Loads the first model while the page is still on its way to the browser."""
    try:
        draw(registry, registry.default, 0, 1, 1.0, "")
    except GANError:
        pass  # the page asks again in a moment, and has somebody to tell
