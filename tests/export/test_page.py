"""The page of an exported generator in headless Chromium, against the pipeline it came from."""

import functools
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan import GANPipeline, ImagePipeline
from gan.export.__main__ import main
from gan.export.onnx import Export
from gan.export.page import CDN, RUNTIME, VERSION, files
from gan.latent.directions import ranked

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / f"onnxruntime-web-{VERSION}.tgz"


def test_by_default_the_runtime_comes_from_a_cdn_and_is_checked() -> None:
    page = files(Export(b"codes", {}), Export(b"draw", {"model": "faces"}), [], None)
    assert set(page) == {"index.html", "page.css", "page.js", "worker.js", "codes.onnx", "draw.onnx", "model.json"}
    record = json.loads(page["model.json"])
    assert (record["model"], record["bytes"]) == ("faces", 9)
    runtime = record["runtime"]
    assert runtime == {"from": CDN, "integrity": [list(pair) for pair in RUNTIME.items()]}
    assert CDN.startswith("https://") and f"@{VERSION}/" in CDN


def test_ci_fetches_the_version_that_the_page_runs() -> None:
    assert re.findall(r"onnxruntime-web@([\d.]+\d)", (ROOT / ".ci" / "run").read_text(encoding="utf-8")) == [VERSION]


@pytest.fixture(scope="module")
def model(make_pipeline: Callable[..., ImagePipeline], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On disk, 8x12 RGB with classes Ada, Bob and Cleo."""
    folder = tmp_path_factory.mktemp("models") / "faces"
    pipeline = make_pipeline(resolution=(8, 12))
    pipeline.find_directions(num_samples=60, num_scored=4)
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def address(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The exported page, served with the runtime beside it."""
    if not ARCHIVE.is_file():
        pytest.skip(f"{ARCHIVE.name} is not here: npm pack onnxruntime-web@{VERSION}")
    folder = tmp_path_factory.mktemp("page")
    assert main([str(model), "--page", str(folder), "--runtime", str(ARCHIVE)]) == 0

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def pictures(page: Any) -> np.ndarray:
    """(24, height, width, 3) as the canvases show them."""
    drawn = page.eval_on_selector_all(
        "canvas", "all => all.map(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])"
    )
    return np.array(drawn).reshape(24, 8, 12, 4)[..., :3]


def expected(pipeline: GANPipeline, **settings: Any) -> np.ndarray:
    return np.stack([np.asarray(image, int) for image in pipeline(num_images=24, **settings).images])


def settled(page: Any, title: str) -> None:
    page.wait_for_function("title => document.getElementById('title').textContent === title", arg=title)


def test_the_browser_draws_what_python_draws(address: str, browser: Any, model: Path) -> None:
    pipeline = GANPipeline.from_pretrained(model)
    page = browser.new_page()
    page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    elsewhere = []
    page.on(
        "request", lambda asked: None if asked.url.startswith((address, "blob:", "data:")) else elsewhere.append(asked)
    )

    page.goto(f"{address}?seed=7&truncation=0.8")
    settled(page, "Seeds 7 to 30")
    meant = pipeline(seed=7, num_images=24, truncation=0.8)
    assert np.abs(pictures(page) - expected(pipeline, seed=7, truncation=0.8)).max() <= 1
    assert page.locator("figcaption b").all_inner_texts() == [str(seed) for seed in meant.seeds]
    assert page.locator("figcaption span").all_inner_texts() == meant.labels
    assert page.locator("#time").inner_text().startswith("24 pictures in ")
    assert not page.locator("#message").is_visible()

    page.locator("#label").select_option("Cleo")
    page.locator("#seed").fill(str(2**32))  # too high for 24 pictures: the last ones
    settled(page, f"Seeds {2**32 - 24} to {2**32 - 1}")
    page.wait_for_function("[...document.querySelectorAll('figcaption span')].every(s => s.textContent === 'Cleo')")
    wanted = {"seed": 2**32 - 24, "truncation": 0.8, "label": "Cleo"}
    assert np.abs(pictures(page) - expected(pipeline, **wanted)).max() <= 1
    assert page.locator("#code").inner_text() == (
        'pipeline(seed=4294967272, num_images=24, truncation=0.8, label="Cleo").images'
    )

    before = pictures(page).tolist()
    page.locator("#truncation").fill("0.3")
    page.wait_for_function(
        "before => document.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1).data.join() !== before",
        arg=",".join(map(str, [*before[0][0][0], 255])),
    )
    assert np.abs(pictures(page) - expected(pipeline, **wanted | {"truncation": 0.3})).max() <= 1
    assert page.url == f"{address}?seed=4294967272&truncation=0.3&label=Cleo"
    page.reload()
    settled(page, f"Seeds {2**32 - 24} to {2**32 - 1}")
    assert np.abs(pictures(page) - expected(pipeline, **wanted | {"truncation": 0.3})).max() <= 1
    assert not complaints
    assert not elsewhere
    page.close()


def test_sliders_move_pictures_along_directions(address: str, browser: Any, model: Path) -> None:
    pipeline = GANPipeline.from_pretrained(model)
    page = browser.new_page()
    page.set_default_timeout(120_000)
    names = ranked(pipeline.directions.records)[:12]
    first, second = names[:2]
    page.goto(f"{address}?seed=7&truncation=0.8&edits={first}:1.5")
    settled(page, "Seeds 7 to 30")

    def meant(edits: dict[str, float]) -> np.ndarray:
        images = [pipeline.edit(seed, edits, truncation=0.8).images[0] for seed in range(7, 31)]
        return np.stack([np.asarray(image, int) for image in images])

    assert np.abs(pictures(page) - meant({first: 1.5})).max() <= 1
    titles = {"x": "to the right", "y": "downwards", "ink": "weight"}  # names of attributes are short
    shown = [titles.get(name, name.replace("class ", "towards ")) for name in names]
    assert page.locator("#directions .name").all_text_contents() == shown
    before = pictures(page).tolist()
    page.locator("#direction-1").evaluate("input => { input.value = -2; input.dispatchEvent(new Event('input')); }")
    page.wait_for_function(
        "before => document.querySelector('canvas').getContext('2d').getImageData(0, 0, 12, 8).data.join() !== before",
        arg=",".join(",".join(map(str, [*pixel, 255])) for row in before[0] for pixel in row),
    )
    both = {first: 1.5, second: -2.0}
    assert np.abs(pictures(page) - meant(both)).max() <= 1
    code = page.locator("#code").inner_text()
    edited = eval(code, {"pipeline": pipeline})
    assert np.array_equal(np.stack([np.asarray(image, int) for image in edited]), meant(both))
    page.get_by_role("button", name="Reset").click()
    page.wait_for_url(f"{address}?seed=7&truncation=0.8")
    page.close()


def test_a_phone_needs_no_sideways_scrolling_and_says_what_fails(address: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.set_default_timeout(120_000)
    page.route("**/draw.onnx", lambda route: route.fulfill(status=503, body=""))
    page.goto(address)
    page.wait_for_function("document.getElementById('message').textContent.includes('503')")
    assert page.locator("#message").inner_text() == "draw.onnx answered 503."
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
