"""What a generator loses on its way into a browser: the same 24 seeds by PyTorch, onnxruntime and the exported page.

    npm pack onnxruntime-web@1.30.0
    python benchmarks/browser.py weights/fashion --screenshots docs

One thread each, in one run; needs Chromium and `playwright`. Screenshots are the page on a desktop and on a phone.
"""

import argparse
import functools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import onnxruntime
import torch
from playwright.sync_api import sync_playwright
from studio import CHROMIUM, FLAGS

from gan import GANPipeline
from gan.export.__main__ import main as export
from gan.export.page import VERSION

COUNT = 24
LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}

# Moves the slider as a hand would, and waits until other pictures are drawn; what the page says it took.
MOVE = """value => new Promise(resolve => {
  const said = document.getElementById("time");
  const observer = new MutationObserver(() => {
    observer.disconnect();
    resolve(Number(said.textContent.match(/in (\\d+) ms/)[1]));
  });
  observer.observe(said, { childList: true });
  const slider = document.getElementById("truncation");
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--runtime", default=f"onnxruntime-web-{VERSION}.tgz")
    parser.add_argument("--moves", type=int, default=40, help="slider moves to time")
    parser.add_argument("--screenshots", type=Path, metavar="DIR", help="also save pictures of the page here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if export([options.model, "--page", folder, "--runtime", options.runtime]):
            sys.exit(2)
        rows = [("PyTorch", in_pytorch(options.model)), ("onnxruntime", in_onnxruntime(Path(folder)))]
        rows.append((f"Chromium, onnxruntime-web {VERSION}", in_the_browser(folder, options)))
    print(f"\n| {COUNT} pictures of `{Path(options.model).name}`, one thread | ms | of PyTorch |\n|---|---|---|")
    for name, milliseconds in rows:
        print(f"| {name} | {milliseconds:.0f} | {milliseconds / rows[0][1]:.1f} |")


def median(draw: Callable[[], object]) -> float:
    """Milliseconds of a call, the median of 15 after three that warm up."""
    taken = []
    for _ in range(18):
        start = time.perf_counter()
        draw()
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken[3:])


def in_pytorch(model: str) -> float:
    pipeline = GANPipeline.from_pretrained(model)
    return median(lambda: pipeline.decode(*pipeline.latents(list(range(COUNT))), 0.8))


def in_onnxruntime(folder: Path) -> float:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    codes, draw = (onnxruntime.InferenceSession(folder / f"{half}.onnx", settings) for half in ("codes", "draw"))
    feeds = {"seeds": np.arange(COUNT), "truncation": np.array(0.8, np.float32)}
    if "classes" in {taken.name for taken in codes.get_inputs()}:
        feeds["classes"] = np.full((COUNT, 1), -1)
    return median(lambda: draw.run(None, {"codes": codes.run(["codes"], feeds)[0]}))


def in_the_browser(folder: str, options: argparse.Namespace) -> float:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, look in LOOKS.items():
            page = browser.new_context(**look).new_page()
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{server.server_port}/?seed=7&truncation=0.8")
            page.wait_for_function("document.getElementById('time').textContent")
            # The first moves still compile; then there and back, so that the page ends as it began.
            values = [0.8 - 0.01 * (k % 20) for k in range(options.moves + 10)] + [0.8]
            taken = [page.evaluate(MOVE, value) for value in values]
            if options.screenshots:
                page.screenshot(path=options.screenshots / f"browser-{name}.png", full_page=name == "phone")
            if name == "desktop":
                milliseconds = statistics.median(taken[10:])
        browser.close()
    server.shutdown()
    return milliseconds


if __name__ == "__main__":
    main()
