"""The page: assembled, given its theme, and opened."""

import argparse
import os
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import NoReturn

import gradio as gr
import torch
from diffusers.utils.logging import disable_progress_bar

from gan.errors import GANError
from gan.pipeline import GANPipeline
from gan.studio.api import add_endpoints
from gan.studio.audio import tab as audio
from gan.studio.compare import tab as compare
from gan.studio.component import script
from gan.studio.images import tab as images
from gan.studio.morph import tab as morph
from gan.studio.morph.uploads import MAX_BYTES
from gan.studio.queue import queue_status, run_queued
from gan.studio.registry import Registry, fetch_indexes, given_models, offered_models
from gan.studio.strings import LANGUAGES, i18n
from gan.studio.text import tab as text
from gan.studio.theme import CSS, StudioTheme
from gan.utils.hardware import cores

TABS = (images.TAB, morph.TAB, compare.TAB, text.TAB, audio.TAB)  # in this order
# How `gr.Blocks.launch` dresses the page, wherever it is launched from.
LOOKS = {"theme": StudioTheme(), "css": CSS, "i18n": i18n, "footer_links": ["api"], "ssr_mode": False}
LOOKS |= {"max_file_size": MAX_BYTES}
KEPT_SECONDS = 3600  # that files made for a client of the API stay on the disk, about


def build_page(registry: Registry) -> gr.Blocks:
    """The page, ready for `.launch(**LOOKS)`."""
    offered = [tab for tab in TABS if tab.offered(registry)]
    with gr.Blocks(
        title="gan studio", fill_width=True, analytics_enabled=False, delete_cache=(KEPT_SECONDS, KEPT_SECONDS)
    ) as page:
        with gr.Row(elem_id="head"):
            gr.HTML(
                i18n("tagline"),
                html_template='<div class="brand"><i></i><b>gan studio</b><span>${value}</span>'
                '<em class="queue" role="status"></em></div>',
                js_on_load=script("queue.js"),
                server_functions=[queue_status],
                strings=LANGUAGES,
                elem_id="brand",
                apply_default_css=False,
            )
        if not offered:
            gr.HTML(i18n("no_tabs"))
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:  # where they don't fit they scroll: studio.css
            for tab in offered:
                with gr.Tab(i18n(f"{tab.name}_tab"), id=tab.name, elem_id=f"{tab.name}-tab"):
                    tab.build(registry)
        add_endpoints(registry, [tab.api for tab in TABS if tab.api])

        def select_tab(request: gr.Request):
            asked = request.query_params.get("tab")
            return gr.update(selected=asked if asked in [tab.name for tab in offered] else offered[0].name)

        if offered:
            page.load(select_tab, None, tabs, show_progress="hidden", api_visibility="private", queue=False)
    return page.queue(max_size=64)


def main(arguments: list[str] | None = None) -> None:
    """`python app.py`: reads the command line and serves the page until it is stopped."""
    parser = argparse.ArgumentParser(description="Opens the studio: a page to play with generators.")
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="folders or Hub ids to offer before the bundled ones (also: the variable GAN_MODELS)",
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for every network (default: this machine only)")
    parser.add_argument("--port", type=port, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link that works for a week")
    options = parser.parse_args(arguments)
    # Where strangers come, folders of this machine are none of their business.
    host = options.host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    share = options.share or os.environ.get("GRADIO_SHARE", "").lower() == "true"
    private = host in ("127.0.0.1", "localhost", "::1") and not share and "SPACE_ID" not in os.environ
    try:
        registry = Registry(offered_models(given_models(options.models)), allow_paths=private)
    except GANError as error:
        stop(str(error))
    disable_progress_bar()
    fetch_indexes(registry)
    set_threads()
    threading.Thread(target=warm_up, args=(registry,), daemon=True).start()
    page = build_page(registry)
    try:
        mcp = True if find_spec("mcp") else None  # None: as the variable GRADIO_MCP_SERVER says
        page.launch(server_name=options.host, server_port=options.port, share=share, mcp_server=mcp, **LOOKS)
    except OSError as error:
        stop(f"The page cannot be served: {str(error).partition('. ')[0]}; try another --host or --port.")


def port(text: str) -> int:
    """A port of the command line."""
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port; ports go from 1 to 65535")
    return number


def stop(message: str) -> NoReturn:
    """Ends the program with one sentence."""
    print(message, file=sys.stderr)
    sys.exit(2)


def set_threads() -> None:
    """Threads for a batch: a small network gains nothing beyond four, and a Space names fewer cores than it shows."""
    try:
        usable = int(float(os.environ["CPU_CORES"]))
    except (KeyError, ValueError, OverflowError):
        usable = cores()
    torch.set_num_threads(min(4, max(1, usable)))


def warm_up(registry: Registry) -> None:
    """Loads and runs the first model of the first tab while the page is still on its way to the browser."""
    tab = next((tab for tab in TABS if tab.offered(registry)), None)
    with suppress(GANError):  # the page asks again in a moment, and shows what is wrong
        if tab:
            pipeline: GANPipeline = registry.get(registry.default(tab.pipeline.modality))
            run_queued(lambda: pipeline(seed=0))
