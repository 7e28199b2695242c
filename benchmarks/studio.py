"""How long a user of the studio waits, and what it looks like.

    python benchmarks/studio.py                          # cold start, first picture, slider to picture
    python benchmarks/studio.py --screenshots docs       # and its pictures: desktop and phone, light and dark

Starts `python app.py` in a fresh process; needs Chromium and `playwright` for what concerns the page.
"""

import argparse
import math
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
FIRST_PICTURE = ".tile img[src^='data:image/png']"
SOUNDING = ".sound:not(.waiting)"
WRITTEN = ".text:not(.waiting) .words[aria-busy=false]"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}, "device_scale_factor": 2}

# Moves the truncation slider as a hand would and waits until the browser is about to paint other pictures.
MOVE = """value => new Promise((resolve, reject) => {
  const slider = document.querySelector(".pictures .slide input[type=range]");
  const start = performance.now();
  const observer = new MutationObserver(() => {
    observer.disconnect();
    requestAnimationFrame(() => {
      const generator = document.querySelector(".pictures .about").innerText.match(/in (\\d+) ms/)[1];
      resolve([performance.now() - start, Number(generator)]);
    });
  });
  observer.observe(document.querySelector(".tile img"), { attributes: true, attributeFilter: ["src"] });
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  setTimeout(() => reject(new Error("no picture within 10 s")), 10000);
})"""

# Types another seed for the morph's first end; the address follows when all of it is drawn.
MORPH = """seed => new Promise((resolve, reject) => {
  const field = document.querySelector(".morph .end input[type=number]");
  const start = performance.now();
  const look = () => {
    if (location.search.includes(`a=${seed}&`)) resolve(performance.now() - start);
    else requestAnimationFrame(look);
  };
  field.value = seed;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  look();
  setTimeout(() => reject(new Error("no morph within 10 s")), 10000);
})"""

# Types another seed of the texts; until their first characters stand there, and until all do.
TEXT = """seed => new Promise((resolve, reject) => {
  const field = document.querySelector(".text .controls input[type=number]");
  const start = performance.now();
  let first = 0;
  const look = () => {
    const now = performance.now() - start;
    if (!first && document.querySelector(".text .title").textContent.includes(seed)) first = now;
    if (first && !document.querySelector(".words:not([aria-busy=false])")) resolve([first, now]);
    else setTimeout(look, 4);
  };
  field.value = seed;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  look();
  setTimeout(() => reject(new Error("no text within 30 s")), 30000);
})"""


# Types another seed of the clips; until all of them are drawn and can be played.
SOUND = """seed => new Promise((resolve, reject) => {
  const field = document.querySelector(".sound .controls input[type=number]");
  const start = performance.now();
  const look = () => {
    if (document.querySelector(".sound .title").textContent.includes(seed)) resolve(performance.now() - start);
    else setTimeout(look, 4);
  };
  field.value = seed;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  look();
  setTimeout(() => reject(new Error("no sound within 30 s")), 30000);
})"""

# Waits for the next move of a finger on the pad, and then until the address says that what it asks for is drawn.
PAD = """tab => {
  const before = location.search;
  window.studioTook = new Promise((resolve) => {
    document.querySelector(`.${tab} .plane`).addEventListener("pointermove", () => {
      const start = performance.now();
      const look = () => {
        if (location.search === before) setTimeout(look, 2);
        else requestAnimationFrame(() => resolve(performance.now() - start));
      };
      look();
    }, { once: true });
  });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], help="handed to app.py")
    parser.add_argument("--moves", type=int, default=40, help="slider moves to time")
    parser.add_argument("--screenshots", type=Path, metavar="DIR", help="also save pictures of the page here")
    options = parser.parse_args()
    models = ["--models", *options.models] if options.models else []
    rows = []
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, diffusers, gradio"], check=True)
    rows.append(("Baseline: importing torch, diffusers and gradio", f"{time.perf_counter() - start:.1f} s"))
    start = time.perf_counter()
    with served(*models) as address:
        rows.append(("`python app.py` to the page answering", f"{time.perf_counter() - start:.1f} s"))
        first_picture_over_http(address)
        rows.append(("`python app.py` to first picture over HTTP", f"{time.perf_counter() - start:.1f} s"))
        rows += in_the_browser(address, options.moves, options.screenshots)
    print("| | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


@contextmanager
def served(*flags: str) -> Iterator[str]:
    """The address of the studio, `python app.py` with these flags in a fresh process, once its page answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        app = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), *flags], cwd=ROOT, stdout=log, stderr=log
        )
        try:
            wait_for(address, app)
            yield address
        finally:
            app.terminate()
            app.wait()


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def wait_for(address: str, app: subprocess.Popen) -> None:
    while app.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/config", timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit("app.py ended before it served a page; run it by hand to see why.")


def first_picture_over_http(address: str) -> None:
    # In this process, so that the client's own import isn't counted twice; it was imported while app.py started.
    from gradio_client import Client

    client = Client(address, verbose=False)
    assert client.predict(api_name="/generate_images")[0]["image"].endswith(".png")


def in_the_browser(address: str, moves: int, screenshots: Path | None) -> list[tuple[str, str]]:
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        start = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_selector(FIRST_PICTURE)
        rows.append(("Opening the address to pictures on the page", f"{time.perf_counter() - start:.2f} s"))
        for count in (1, 24, 64):
            rows.append((f"Slider to {count} new pictures", slider_to_pictures(page, address, count, moves)))
        rows.append(("Seed to a new morph of 33 pictures", seed_to_morph(page, address, moves)))
        tabs = [("morph", ".morph:not(.waiting)"), ("compare", ".compare .sheet img[src]")]
        if page.locator("#text-tab-button").is_visible():
            tabs.append(("text", WRITTEN))
            rows += seed_to_text(page, address, moves)
        if page.locator("#sound-tab-button").is_visible():
            tabs.append(("sound", SOUNDING))
            rows.append(("Seed to 8 new clips", seed_to_sound(page, address, moves)))
        for tab, what in (("edit", "another picture"), ("text", "another sentence"), ("sound", "8 other clips")):
            if page.locator(f"#{tab}-tab-button").is_visible():
                rows.append((f"A finger's move on the pad to {what}", pad_to_sample(page, address, tab, moves)))
        if screenshots:
            screenshots.mkdir(parents=True, exist_ok=True)
            for name, device in (("desktop", DESKTOP), ("phone", PHONE)):
                for scheme in ("light", "dark"):
                    page = browser.new_page(**device, color_scheme=scheme, locale="en-US")
                    page.goto(address, wait_until="commit")
                    page.wait_for_selector(FIRST_PICTURE)
                    page.wait_for_timeout(500)  # fonts and the last layout
                    page.screenshot(path=screenshots / f"studio-{name}-{scheme}.png")
                    for tab, ready in tabs:
                        page.goto(f"{address}?tab={tab}", wait_until="commit")
                        page.wait_for_selector(ready)
                        page.wait_for_timeout(500)
                        page.screenshot(path=screenshots / f"studio-{tab}-{name}-{scheme}.png")
        browser.close()
    return rows


def p95(times: Sequence[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]


def summary(times: Sequence[float]) -> str:
    return f"median {statistics.median(times):.0f} ms, p95 {p95(times):.0f} ms"


def seed_to_morph(page: Page, address: str, moves: int) -> str:
    page.goto(f"{address}?tab=morph&a=1&b=2", wait_until="commit")
    page.wait_for_selector(".morph:not(.waiting)")
    page.wait_for_timeout(1000)
    return summary([page.evaluate(MORPH, 1000 + k) for k in range(moves)])


def seed_to_text(page: Page, address: str, moves: int) -> list[tuple[str, str]]:
    page.goto(f"{address}?tab=text", wait_until="commit")
    page.wait_for_selector(WRITTEN)
    page.wait_for_timeout(1000)
    found = zip(*(page.evaluate(TEXT, 1000 + k) for k in range(moves)))
    names = ("Seed to the first characters of 6 texts", "Seed to all of 6 texts")
    return [(name, summary(times)) for name, times in zip(names, found)]


def seed_to_sound(page: Page, address: str, moves: int) -> str:
    page.goto(f"{address}?tab=sound", wait_until="commit")
    page.wait_for_selector(SOUNDING)
    page.wait_for_timeout(1000)
    return summary([page.evaluate(SOUND, 1000 + k) for k in range(moves)])


def pad_to_sample(page: Page, address: str, tab: str, moves: int) -> str:
    model = "&view=edit&model=captions-latent" if tab == "text" else ""
    page.goto(f"{address}?tab={tab}{model}", wait_until="commit")
    page.wait_for_selector(f".{tab}:not(.waiting)")
    plane = page.locator(f".{tab} .plane")
    if not plane.is_visible():
        page.locator(f".{tab} .steering header").get_by_text("Pad").click()
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.wait_for_timeout(1000)
    times = []
    for k in range(moves):
        page.evaluate(PAD, tab)
        angle = 0.7 * k
        x, y = 0.5 + 0.4 * math.cos(angle), 0.5 + 0.4 * math.sin(angle)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        times.append(page.evaluate("studioTook"))
        page.wait_for_timeout(60)
    page.mouse.up()
    return summary(times)


def slider_to_pictures(page: Page, address: str, count: int, moves: int) -> str:
    page.goto(f"{address}?n={count}&psi=0.2", wait_until="commit")
    page.wait_for_selector(FIRST_PICTURE)
    page.wait_for_timeout(1000)
    times, generator = zip(*(page.evaluate(MOVE, 0.2 + (k + 1) / 100) for k in range(moves)))
    alone = statistics.median(generator)
    return f"median {statistics.median(times):.0f} ms (generator {alone:.0f} ms), p95 {p95(times):.0f} ms"


if __name__ == "__main__":
    main()
