"""The Edit tab in a real browser."""

import io
import re

import pytest
from PIL import Image

from gan.studio.strings import EN, ZH

pytestmark = pytest.mark.browser

PICTURE = ".edit .frame img"


@pytest.fixture
def open_edit(open_address, address):
    """Opens the tab with this query and waits for its picture."""

    def opened(query="model=shapes", **options):
        page = open_address(f"{address}?tab=edit&{query}", **options)
        page.wait_for_selector(".edit:not(.waiting)")
        return page

    return opened


def source(page, selector=PICTURE):
    return page.locator(selector).first.get_attribute("src")


def changed(page, before, selector=PICTURE):
    page.wait_for_function(
        "([selector, before]) => document.querySelector(selector).src !== before", arg=[selector, before]
    )
    return source(page, selector)


def shows(page, wanted):
    page.wait_for_function(
        "([selector, wanted]) => document.querySelector(selector).src === wanted", arg=[PICTURE, wanted]
    )


def slide(page, name, value):
    page.get_by_role("slider", name=name).evaluate(
        "(input, value) => { input.value = value; for (const type of ['input', 'change']) "
        "input.dispatchEvent(new Event(type, { bubbles: true })); }",
        value,
    )


def test_sliders_undo_and_the_address(open_edit):
    page = open_edit()
    plain = source(page)
    slide(page, "Component 1", 2.5)
    edited = changed(page, plain)
    page.wait_for_url(re.compile(r"edits=component\+1%3A2.5"))
    page.keyboard.down("b")
    shows(page, plain)
    page.keyboard.up("b")
    shows(page, edited)
    page.keyboard.press("Control+z")
    shows(page, plain)
    page.get_by_role("button", name=EN["redo_step"]).click()
    shows(page, edited)
    again = open_edit(page.url.partition("tab=edit&")[2])
    assert source(again) == edited
    page.get_by_role("slider", name="Component 1").dblclick()
    shows(page, plain)


def test_points_are_pulled_and_the_address_restores_the_picture(open_edit):
    page = open_edit()
    plain = source(page)
    box = page.locator(".edit svg.points").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    changed(page, plain)  # while the pointer is down
    page.mouse.up()
    page.wait_for_url(re.compile("codes="))
    dragged = source(page)
    assert page.get_by_text(EN["from_codes"].format(seed=7)).is_visible()
    again = open_edit(page.url.partition("tab=edit&")[2])
    assert source(again) == dragged
    page.get_by_role("button", name=EN["undo_step"]).click()
    shows(page, plain)
    assert page.locator(".edit svg.points circle").count() == 0


def test_variations_and_mixtures_are_chosen(open_edit):
    page = open_edit("model=shapes&view=variations")
    before = source(page, ".edit .variations img")
    assert page.locator(".edit .variations img").count() == 16
    page.locator(".edit .variations .choice").nth(5).click()
    changed(page, before, ".edit .variations img")
    page.wait_for_url(re.compile("view=variations&codes="))
    page.get_by_role("button", name=EN["mix_view"], exact=True).click()
    page.wait_for_selector(".edit .mixtures img[src]")
    assert page.locator(".edit .mixtures .choice").count() == 20
    page.locator(".edit .mixtures .choice").nth(3).click()
    page.get_by_role("button", name=EN["edit_view"], exact=True).click()
    page.wait_for_url(re.compile("tab=edit&model=shapes&seed=7&codes="))


def test_an_own_picture_is_inverted(open_edit):
    page = open_edit("model=shapes&seed=9")
    before = source(page)
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    upload = page.locator(".edit input[type=file]")
    upload.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_text(EN["no_picture"]).wait_for()
    assert source(page) == before
    upload.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()})
    changed(page, before)
    page.wait_for_url(re.compile("from=picture&codes="))
    page.locator(".edit .looking").wait_for(state="hidden")
    page.get_by_role("button", name=EN["back_to_seed"].format(seed=9)).click()
    shows(page, before)


def test_what_an_address_asks_in_vain_is_said(open_edit):
    page = open_edit("model=shapes&edits=beauty:2")
    assert "There is no direction 'beauty'" in page.locator(".edit .message").inner_text()
    before = source(page)
    slide(page, "Component 2", -2)
    changed(page, before)
    assert not page.locator(".edit .message").is_visible()


def test_what_is_typed_is_set_in_letters_of_one_seed(open_address, type_address):
    words = ".edit .words img"
    page = open_address(f"{type_address}?tab=edit&model=type&view=type&seed=9")
    page.wait_for_selector(f"{words}[src]")
    assert page.locator(words).get_attribute("alt") == "Abc7Z"
    before = source(page, words)
    page.get_by_label(EN["typed_text"]).fill("cab?")
    typed = changed(page, before, words)
    page.wait_for_url(re.compile(r"edit&model=type&seed=9&view=type&text=cab%3F$"))
    assert EN["missing_letters"].format(letters="“?”") in page.locator(".edit .type").inner_text()
    assert EN["typed_of"].format(seed=9, count=3) in page.locator(".edit .title").inner_text()
    slide(page, "Component 1", 2)
    moved = changed(page, typed, words)
    page.wait_for_url(re.compile("edits=component"))
    again = open_address(page.url)
    again.wait_for_selector(f"{words}[src]")
    assert source(again, words) == moved
    with page.expect_download() as download:
        page.get_by_role("button", name=EN["png"]).click()
    assert download.value.suggested_filename == "type_seed-9_cab_psi-1.png"
    with Image.open(download.value.path()) as picture:
        assert picture.height == 64 and picture.convert("L").getextrema()[1] == 255
    page.get_by_role("button", name=EN["dice"], exact=True).locator("visible=true").first.click()
    changed(page, moved, words)
    page.locator(".edit select").first.select_option("tiles")  # whose classes are no characters
    page.wait_for_url(re.compile("model=tiles&seed="))
    assert not page.get_by_role("button", name=EN["type_view"], exact=True).is_visible()
    assert page.locator(".edit .frame").is_visible()


@pytest.mark.parametrize(("width", "locale"), [(390, "zh-CN"), (1280, "en-US")])
def test_words_fit_the_screen(open_address, type_address, width, locale):
    size = {"width": width, "height": 844}
    page = open_address(
        f"{type_address}?tab=edit&view=type&text=ab cA 7Z bc Ab cZ 7A bc", viewport=size, locale=locale
    )
    page.wait_for_selector(".edit .words img[style]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text = page.locator(".edit").inner_text()
    own, other = (ZH, EN) if locale == "zh-CN" else (EN, ZH)
    for key in ("type_view", "typed_text", "type_info"):
        assert own[key] in text and other[key] not in text


@pytest.mark.parametrize(("width", "locale"), [(390, "zh-CN"), (1280, "en-US")])
def test_everything_fits_the_screen(open_edit, width, locale):
    page = open_edit("model=shapes&view=mix", viewport={"width": width, "height": 844}, locale=locale)
    own, other = (ZH, EN) if locale == "zh-CN" else (EN, ZH)
    for view, address in {"mix": "view=mix", "variations": "view=variations", "edit": "^(?!.*view=)"}.items():
        page.locator(f".edit [data-view={view}]").click()
        page.wait_for_url(re.compile(address))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        text = page.locator(".edit").inner_text()
        for key in ("edit_view", "variations_view", "mix_view", "your_picture", "directions", "truncation"):
            assert own[key] in text and other[key] not in text
        for tool in page.locator(".edit .tools button:visible").all():
            box = tool.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width
    title = page.locator(".edit .title")  # the class that the seed has drawn is said nowhere else
    assert title.is_visible() and re.search("Circle|Square|Star", title.inner_text())
