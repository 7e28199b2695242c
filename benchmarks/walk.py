"""Somebody else's generator walked through in the studio, as screenshots.

    python benchmarks/walk.py network.pkl walk                        # a desktop and a phone, every step a PNG
    python benchmarks/walk.py network.pkl walk --picture face.png     # with a picture of yours, which is inverted

Starts `python app.py --models network.pkl` in a fresh process and does in Chromium what a visitor would: pictures,
truncation, a class, a direction, mixing, a drag, an own picture, and what the box for models of the Hub says to the
file. It measures nothing; the pictures are there to be looked at, two of them in docs/zoo.md.
"""

import argparse
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright
from studio import CHROMIUM, FIRST_PICTURE, FLAGS, served

LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 820}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}
SETTLED = 600  # milliseconds in which the page has answered and is drawn, on a busy machine too
EDITED = ".edit .frame img"
PULLED = (0.5, 0.25), (0.5, 0.5)  # a point of the picture, and where it is pulled to


class Walk:
    """The steps of one visitor; each is a method that leaves the page as it is to be seen.

    Args:
        page: of the studio.
        address: of the studio.
        model: the file.
        picture: of the visitor, `None` if there is none.
    """

    def __init__(self, page: Page, address: str, model: Path, picture: Path | None):
        self.page, self.address, self.model, self.picture = page, address, model, picture

    def pictures(self) -> None:
        self.page.goto(self.address, wait_until="commit")
        self.page.wait_for_selector(FIRST_PICTURE)

    def truncation(self) -> None:
        self.slide(".pictures", "Truncation ψ", 0.5)

    def every_class(self) -> None:
        button = self.page.locator(".pictures .every-class")
        if button.is_visible():
            button.click()

    def single(self) -> None:
        self.page.goto(f"{self.address}?n=1&seed=7&psi=0.7", wait_until="commit")
        self.page.wait_for_selector(FIRST_PICTURE)

    def edit(self) -> None:
        self.page.locator(".pictures [data-action=edit]").click()
        self.page.wait_for_selector(".edit:not(.waiting)")

    def direction(self) -> None:
        slider = self.page.locator(".edit .directions input[type=range]").first
        self.slide(".edit", slider.get_attribute("aria-label") or "", 2)

    def variations(self) -> None:
        self.view("variations", ".edit .variations img[src]")

    def mix(self) -> None:
        self.view("mix", ".edit .mixtures img[src]")

    def drag(self) -> None:
        self.page.goto(f"{self.address}?tab=edit&seed=7&psi=0.7", wait_until="commit")
        self.page.wait_for_selector(".edit:not(.waiting)")
        layer = self.page.locator(".edit svg.points")
        layer.scroll_into_view_if_needed()
        box = layer.bounding_box()
        assert box is not None
        (x, y), (to_x, to_y) = PULLED
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + to_x * box["width"], box["y"] + to_y * box["height"], steps=8)
        self.redrawn(lambda: None)
        self.page.mouse.up()
        with suppress(TimeoutError):
            self.page.wait_for_url("**codes=**", timeout=30_000)

    def inversion(self) -> None:
        if self.picture:
            self.redrawn(lambda: self.page.locator(".edit input[type=file]").set_input_files(self.picture))
            self.page.locator(".edit .looking").wait_for(state="hidden", timeout=240_000)

    def hub_box(self) -> None:
        row = self.page.locator(".edit .hub")
        row.locator("input").fill(str(self.model.resolve()))
        row.locator("button").click()

    def morph(self) -> None:
        self.page.goto(f"{self.address}?tab=morph&model={self.model.stem}", wait_until="commit")
        self.page.wait_for_selector(".morph:not(.waiting)")

    def slide(self, tab: str, name: str, value: float) -> None:
        image = EDITED if tab == ".edit" else FIRST_PICTURE
        slider = self.page.locator(tab).get_by_role("slider", name=name, exact=True).first
        move = """(input, value) => {
          input.value = value;
          for (const type of ["input", "change"]) input.dispatchEvent(new Event(type, { bubbles: true }));
        }"""
        self.redrawn(lambda: slider.evaluate(move, value), image)

    def view(self, name: str, shows: str) -> None:
        self.page.locator(f".edit [data-view={name}]").first.click()
        self.page.wait_for_selector(shows)

    def redrawn(self, action: Callable[[], object], image: str = EDITED) -> None:
        """Does something and waits until an image shows something else; not for long, where it stays the same."""
        look = "selector => document.querySelector(selector).src"
        before = self.page.evaluate(look, image)
        action()
        with suppress(TimeoutError):
            self.page.wait_for_function(f"([selector, src]) => ({look})(selector) !== src", arg=[image, before])


STEPS = (
    *(Walk.pictures, Walk.truncation, Walk.every_class, Walk.single, Walk.edit, Walk.direction, Walk.variations),
    *(Walk.mix, Walk.drag, Walk.inversion, Walk.hub_box, Walk.morph),
)


def walk(browser: Browser, address: str, options: argparse.Namespace) -> None:
    for look, device in LOOKS.items():
        page = browser.new_page(**device, color_scheme="light", locale="en-US")
        page.on("console", lambda said: print(f"{look}: the console says {said.text}"))
        page.on("pageerror", lambda error: print(f"{look}: {error}"))
        visitor = Walk(page, address, options.model, options.picture)
        for number, step in enumerate(STEPS):
            step(visitor)
            page.wait_for_timeout(SETTLED)
            path = options.folder / f"{look}-{number:02d}-{step.__name__}.png"
            still = Image.open(io.BytesIO(page.screenshot(full_page=look == "phone"))).convert("RGB")
            still.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)  # few colours make small files
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a checkpoint of other code")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--picture", type=Path, help="that is inverted")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with served("--models", str(options.model.resolve())) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        walk(browser, address, options)
        browser.close()


if __name__ == "__main__":
    main()
