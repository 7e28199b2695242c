"""The command line: `python app.py`, or `python -m gan.studio` from an installed package."""

import argparse
import os
import sys
import tempfile
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import torch
from diffusers.utils.logging import disable_progress_bar
from gradio.utils import get_upload_folder

from gan.cli import positive_int
from gan.errors import GANError
from gan.pipeline import GANPipeline
from gan.studio.page import LOOKS, TABS, build_page
from gan.studio.queue import run_queued
from gan.studio.registry import Registry, fetch_indexes, given_models, offered_models
from gan.utils.hardware import cores


def main(arguments: list[str] | None = None, prog: str | None = None) -> None:
    """Reads the command line and serves the page until it is stopped.

    Args:
        arguments: by default those of the process.
        prog: how the help names the program; by default, its file.
    """
    parser = argparse.ArgumentParser(prog, description="Opens the studio: a page to play with generators.")
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="to offer before the bundled ones: folders, Hub ids, or checkpoints of other code by their path, their "
        "address or as user/name/file.pkl (also: the variable GAN_MODELS)",
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for every network (default: this machine only)")
    parser.add_argument("--port", type=port, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="make a public link that works for a week")
    parser.add_argument(
        "--num_threads",
        type=positive_int,
        help="CPU threads of the generators (default: all cores but one, which is left to the server, and at most "
        "four); large models of other people gain from all of them",
    )
    options = parser.parse_args(arguments)
    # Who comes from elsewhere must not open folders of this machine.
    host = options.host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    share = options.share or os.environ.get("GRADIO_SHARE", "").lower() == "true"
    private = host in ("127.0.0.1", "localhost", "::1") and not share and "SPACE_ID" not in os.environ
    try:
        check_upload_folder()
        registry = Registry(offered_models(given_models(options.models)), allow_paths=private)
    except GANError as error:
        stop(str(error))
    disable_progress_bar()
    fetch_indexes(registry)
    torch.set_num_threads(options.num_threads or usual_threads())
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


def check_upload_folder() -> None:
    """Raises `GANError` if Gradio's folder for files cannot be written: /tmp/gradio may belong to another user."""
    folder = Path(get_upload_folder())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise GANError(
            f"The studio keeps uploads and downloads in {folder}, which cannot be written ({error.strerror}); set the "
            f"variable GRADIO_TEMP_DIR to a folder of your own."
        ) from error


def usual_threads() -> int:
    """All cores but one, which is left to the server, and at most four, as a small network gains nothing beyond.

    A Space shows more cores than it has, and says how many these are in a variable.
    """
    try:
        usable = int(float(os.environ["CPU_CORES"]))
    except (KeyError, ValueError, OverflowError):
        usable = cores()
    return min(4, max(1, usable - 1))


def warm_up(registry: Registry) -> None:
    """Loads and runs the first model of the first tab while the page is still on its way to the browser."""
    tab = next((tab for tab in TABS if tab.offered(registry)), None)
    with suppress(GANError):  # the page asks again in a moment, and shows what is wrong
        if tab:
            pipeline: GANPipeline = registry.get(registry.default(tab.pipeline.modality))
            run_queued(lambda: pipeline(seed=0))
