"""Records the moving picture of the README: the studio, driven by hand for fourteen seconds.

    python benchmarks/record_studio.py docs/studio.webp
    python benchmarks/record_studio.py docs/studio.webp --frames frames     # and each frame as a PNG, to look at
    python benchmarks/record_studio.py docs/studio.webp --stills docs       # and the pictures of docs/studio.md

Starts `python app.py` in a fresh process and drives the page in Chromium with Playwright's mouse. Every frame is a
screenshot of the page after it has answered; nothing is drawn by this script but the pointer, which a headless browser
does not show. Frames are shown for a twelfth of a second each, those of the drum pattern for as long as they lasted:
it is a demonstration, and no measurement (`benchmarks/studio.py` measures).
"""

import argparse
import base64
import io
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, TimeoutError, sync_playwright
from studio import CHROMIUM, DESKTOP, FIRST_PICTURE, FLAGS, SOUNDING, WRITTEN, served

SIZE = {"width": 1280, "height": 820}  # sixteen pads and their pattern fit
FRAME = 1000 // 12  # milliseconds
MAX_BYTES = 3_500_000
SETTLED = 350  # milliseconds in which the page has answered and is drawn, on a busy machine too
SOUND = ["--autoplay-policy=no-user-gesture-required"]
TYPE_DIRECTIONS = "Weight", "Width"
PULLED = (0.62, 0.13), (0.62, 0.3)  # a point of the edited picture, and where it is pulled to
PADS_FULL = "document.querySelectorAll('.sound .pad b:not(:empty)').length == 16"

POINTER = """() => {
  const pointer = document.createElement("div");
  pointer.innerHTML = `<svg width="22" height="22" viewBox="0 0 22 22"><path d="M3 2l14 8.2-6.4 1.3-3.3 5.9z"
    fill="#111" stroke="#fff" stroke-width="1.5"/></svg>`;
  pointer.style.cssText = "position:fixed;z-index:99999;pointer-events:none;left:-30px;top:-30px";
  document.body.append(pointer);
  document.addEventListener("pointermove", (event) => {
    pointer.style.left = `${event.clientX - 3}px`;
    pointer.style.top = `${event.clientY - 2}px`;
  }, true);
}"""


class Recorder:
    """The frames of a page, and how long each is shown.

    Args:
        page: that is recorded.
    """

    def __init__(self, page: Page):
        self.page = page
        self.devtools = page.context.new_cdp_session(page)  # Playwright's own screenshots take several times as long
        self.frames: list[bytes] = []  # PNG
        self.durations: list[int] = []

    def frame(self, count: int = 1) -> None:
        """Adds the page as it looks now, shown for `count` frames."""
        taken = self.devtools.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        self.frames.append(base64.b64decode(taken["data"]))
        self.durations.append(FRAME * count)

    def glide(self, target: Locator, steps: int = 4) -> None:
        """Moves the pointer to the middle of an element."""
        box = target.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=steps)
        self.frame()

    def drag(self, slider: Locator, values: list[float], waiting: Callable[[Page, Callable], None]) -> None:
        """Drags the knob of a range slider over these shares of its width, a frame each.

        Args:
            waiting: makes a move and waits for the answer of the page.
        """
        box = slider.bounding_box()
        assert box is not None
        places = [box["x"] + 8 + (box["width"] - 16) * value for value in values]
        height = box["y"] + box["height"] / 2
        self.page.mouse.move(places[0], height, steps=3)
        self.frame(2)
        self.page.mouse.down()
        for place in places:
            waiting(self.page, lambda place=place: self.page.mouse.move(place, height))
            self.frame()
        self.page.mouse.up()
        self.frame(3)

    def last(self, seconds: float) -> None:
        """Records what moves by itself, in its own time."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self.frame()
            self.durations[-1] = max(20, round(1000 * (time.monotonic() - now)))


def there_and_back(first: float, last: float, steps: int) -> list[float]:
    """Shares from one to another and back again."""
    forth = [first + (last - first) * k / steps for k in range(steps + 1)]
    return forth + forth[-2::-1]


def ready(page: Page, address: str, selector: str) -> None:
    """Opens an address and waits for what it shows."""
    page.goto(address, wait_until="commit")
    page.wait_for_selector(selector)
    page.wait_for_timeout(800)  # fonts and the last layout
    page.evaluate(POINTER)


def redrawn(page: Page, action: Callable[[], object], image: str = ".pictures .tile img") -> None:
    """Does something and waits until an image shows something else; not for long, where it stays the same."""
    source = f"document.querySelector('{image}').src"
    before = page.evaluate(source)
    action()
    with suppress(TimeoutError):
        page.wait_for_function(f"before => {source} !== before", arg=before, timeout=2000)


def choose(recorder: Recorder, title: str, name: str) -> None:
    """Picks an entry of a drop-down list of the tab of pictures; a headless browser doesn't show the list itself."""
    choice = recorder.page.locator(".pictures").get_by_label(title, exact=True)
    recorder.glide(choice)
    recorder.frame(3)
    redrawn(recorder.page, lambda: choice.select_option(name))
    recorder.frame(6)


def pictures(recorder: Recorder, address: str) -> None:
    """Truncation by the slider, a class, other seeds."""
    page = recorder.page
    ready(page, f"{address}?model=avatars&n=12", FIRST_PICTURE)
    recorder.frame(4)
    knob = page.locator(".pictures").get_by_role("slider", name="Truncation")
    recorder.drag(knob, there_and_back(1 / 1.2, 0.02, 5), redrawn)
    choose(recorder, "Class", "lorelei")
    later = page.locator(".pictures .tools button").nth(2)
    recorder.glide(later)
    for _ in range(2):
        redrawn(page, later.click)
        recorder.frame(4)


def letters(recorder: Recorder, address: str) -> None:
    """What is typed, in letters that two sliders move, and in those of other seeds."""
    page, words = recorder.page, ".edit .words img"
    ready(page, f"{address}?tab=edit&model=typefaces&view=type&seed=1&text=small+GANs+draw+2", f"{words}[src]")
    recorder.frame(4)
    for name in TYPE_DIRECTIONS:
        knob = page.locator(".edit .directions").get_by_role("slider", name=name, exact=True)
        recorder.drag(knob, there_and_back(0.5, 0.95, 5), lambda page, move: redrawn(page, move, words))
    dice = page.locator(".edit").get_by_role("button", name="Shuffle", exact=True).locator("visible=true").first
    recorder.glide(dice)
    for _ in range(3):
        redrawn(page, dice.click, words)
        recorder.frame(4)


def painted(page: Page, action: Callable[[], object]) -> None:
    """Does something that the page answers by itself, and waits for its next paint."""
    action()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def morph(recorder: Recorder, address: str) -> None:
    """From one picture to another."""
    page = recorder.page
    ready(page, f"{address}?tab=morph", ".morph:not(.waiting)")
    knob = page.locator(".morph .track input")
    recorder.drag(knob, [k / 12 for k in range(13)], painted)


def edit(recorder: Recorder, address: str) -> None:
    """A point of a picture is pulled to another place."""
    page = recorder.page
    ready(page, f"{address}?tab=edit&model=fashion&seed=24", ".edit:not(.waiting)")
    box = page.locator(".edit svg.points").bounding_box()
    assert box is not None
    (x, y), (to_x, to_y) = PULLED
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    recorder.frame(4)
    page.mouse.down()
    for k in range(1, 9):
        at = box["x"] + (x + (to_x - x) * k / 8) * box["width"], box["y"] + (y + (to_y - y) * k / 8) * box["height"]
        redrawn(page, lambda at=at: page.mouse.move(*at), ".edit .frame img")
        recorder.frame()
    for _ in range(5):
        redrawn(page, lambda: None, ".edit .frame img")
        recorder.frame()
    page.mouse.up()
    recorder.frame(5)


def text(recorder: Recorder, address: str) -> None:
    """Texts while they are written, coloured by the critic: a frame after each answer of the server."""
    page = recorder.page
    ready(page, f"{address}?tab=text&n=8", WRITTEN)
    later = page.locator(".text .tools button").nth(2)
    recorder.glide(later)
    held: list[Route] = []
    page.route("**/component_server**", lambda route: held.append(route))
    unfinished = page.locator(".text .words:not([aria-busy=false])")
    for _ in range(2):
        later.click()
        while not held:
            page.wait_for_timeout(10)
        while held or unfinished.count():
            if held:
                recorder.frame(2)
                held.pop(0).continue_()
            page.wait_for_timeout(20)
        recorder.frame(5)
    page.unroute("**/component_server**")


def pads(recorder: Recorder, address: str) -> None:
    """Sixteen drums and a pattern."""
    page = recorder.page
    ready(page, f"{address}?tab=sound&model=drums", SOUNDING)
    page.locator(".sound button[data-view=pads]").click()
    page.wait_for_function(PADS_FULL)
    page.wait_for_timeout(SETTLED)
    recorder.frame(2)
    play = page.locator(".sound .sequencer button").first
    recorder.glide(play)
    play.click()
    recorder.last(2.4)


def stills(browser: Browser, address: str, folder: Path) -> None:
    """The tabs as a desktop shows them, in few colours to be small files."""
    for name, query, selector in (
        ("pictures", "", FIRST_PICTURE),
        ("text", "?tab=text", WRITTEN),
        ("pads", "?tab=sound&model=drums", SOUNDING),
    ):
        page = browser.new_page(**DESKTOP, color_scheme="light", locale="en-US")
        page.goto(address + query, wait_until="commit")
        page.wait_for_selector(selector)
        if name == "pads":
            page.locator(".sound button[data-view=pads]").click()
            page.wait_for_function(PADS_FULL)
            page.locator(".sound .sequencer button").first.click()
        page.wait_for_timeout(1500)
        still = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        still.quantize(256, dither=Image.Dither.NONE).save(folder / f"studio-{name}.png", optimize=True)
        page.close()


def save(recorder: Recorder, path: Path) -> None:
    """Writes an animated WebP, lossless: lossy frames, which are stored as differences, leave ghosts on a page."""
    first, *others = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in recorder.frames]
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=recorder.durations,
        loop=0,
        lossless=True,
        quality=80,
        method=4,
    )
    size = path.stat().st_size
    print(f"{path}: {len(recorder.frames)} frames, {sum(recorder.durations) / 1000:.1f} s, {size:,} bytes")
    if size > MAX_BYTES:
        sys.exit(f"That is more than {MAX_BYTES:,} bytes.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the file to write, .webp")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="also save each frame here")
    parser.add_argument("--stills", type=Path, metavar="DIR", help="also save a picture of three tabs here")
    options = parser.parse_args()
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS + SOUND)
        recorder = Recorder(browser.new_page(viewport=SIZE, locale="en-US", color_scheme="light"))
        for scene in (pictures, letters, edit, morph, text, pads):
            scene(recorder, address)
        if options.stills:
            stills(browser, address, options.stills)
        browser.close()
    if options.frames:
        options.frames.mkdir(parents=True, exist_ok=True)
        for k, frame in enumerate(recorder.frames):
            (options.frames / f"{k:03d}.png").write_bytes(frame)
    save(recorder, options.output)


if __name__ == "__main__":
    main()
