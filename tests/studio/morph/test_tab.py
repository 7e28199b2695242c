"""The Rebuild & morph tab in a real browser."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from gan.studio.strings import EN, ZH

PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"

pytestmark = pytest.mark.browser


def grey(page, selector):
    """The pixels of a canvas of ours, which shows a grey picture."""
    canvas = page.locator(selector)
    height = int(canvas.get_attribute("height"))
    return np.array(canvas.evaluate(PIXELS), np.uint8).reshape(height, -1, 4)[..., 0]


def slide(page, selector, value):
    page.locator(selector).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}


def end(page, index):
    return page.locator(".morph .end").nth(index)


def test_the_address_restores_a_morph_between_seeds(open_tab, vae_registry):
    page = open_tab("tab=morph&model=toys-vae&a=3&b=9")
    frames = vae_registry.get("toys-vae").interpolate(3, 9, 33).images
    for place in (0, 0.25, 1):
        slide(page, ".morph .interpolation", place)
        assert np.array_equal(grey(page, ".morph .frame"), np.asarray(frames[int(place * 32)]))
    page.locator(".morph .interpolation").press("ArrowLeft")
    assert np.array_equal(grey(page, ".morph .frame"), np.asarray(frames[31]))
    assert "Seed 3" in end(page, 0).inner_text()
    page.wait_for_url(re.compile(r"tab=morph&model=toys-vae&a=3&b=9"))
    end(page, 1).get_by_role("button", name=EN["dice"]).click()
    page.wait_for_url(re.compile(r"&a=3&b=(?!9$)\d+$"))


def test_an_uploaded_picture_is_rebuilt_and_the_morph_saved(open_tab, vae_registry):
    page = open_tab("tab=morph&model=toys-vae&b=9")
    mine = Image.linear_gradient("L").convert("RGB")
    end(page, 0).locator("input[type=file]").set_input_files(png(mine))
    end(page, 0).get_by_text(EN["yours"]).wait_for()
    invert = end(page, 0).get_by_label(EN["invert"])
    if invert.is_checked():  # a tiny model's background is what chance made it
        invert.uncheck()
    rebuilt = np.asarray(vae_registry.get("toys-vae").reconstruct(mine).images[0])
    shown = f"wanted => JSON.stringify(({PIXELS})(document.querySelector('.end .rebuilt'))) === wanted"
    opaque = np.insert(np.repeat(rebuilt.reshape(-1, 1), 3, axis=1), 3, 255, axis=1)
    page.wait_for_function(shown, arg=str(opaque.ravel().tolist()).replace(" ", ""))
    with page.expect_download() as download:
        page.get_by_role("button", name=EN["save_as"].format(format="GIF")).click()
    assert download.value.suggested_filename == "toys-vae_picture_to_seed-9.gif"
    with Image.open(download.value.path()) as animated:
        assert animated.n_frames > 2 and animated.size == (336, 336)
        assert np.array_equal(np.asarray(animated.convert("L"))[::21, ::21], rebuilt)


def test_a_drawing_is_rebuilt_while_it_is_drawn(open_tab):
    page = open_tab("tab=morph&model=paint&a=3&b=9")
    end(page, 0).get_by_role("button", name=EN["draw_kind"]).click()
    page.wait_for_url(re.compile("model=paint&b=9$"))
    page.wait_for_timeout(300)
    before = page.locator(".end .rebuilt").first.evaluate(PIXELS)
    box = page.locator(".end .pad").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 20, steps=8)
    page.mouse.up()
    different = "before => JSON.stringify((" + PIXELS + ")(document.querySelector('.end .rebuilt'))) !== before"
    page.wait_for_function(different, arg=str(before).replace(" ", ""))
    assert page.get_by_role("button", name=re.compile("MP4|WebP")).is_visible()


@pytest.mark.parametrize(("locale", "words"), [("en-US", EN), ("zh-CN", ZH)])
def test_a_file_that_cannot_be_taken_is_said_and_what_was_there_stays(open_tab, locale, words):
    page = open_tab("tab=morph&model=toys-vae", locale=locale)
    before = grey(page, ".morph .frame")
    end(page, 1).locator("input[type=file]").set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"hello"}
    )
    page.get_by_text(words["no_picture"]).wait_for()
    assert np.array_equal(grey(page, ".morph .frame"), before)
    end(page, 1).locator(".examples button").first.click()
    page.wait_for_function("document.querySelector('.morph .message').hidden")


def test_an_example_is_a_click_away_and_classes_can_be_chosen(open_tab, vae_registry):
    page = open_tab("tab=morph&model=toys-vae")
    assert end(page, 0).locator(".examples button").count() == 6
    page.locator(".morph .class-label select").select_option("Star")
    page.wait_for_url(re.compile("label=Star"))
    assert "Rebuilt · Star" in end(page, 0).inner_text() and "Rebuilt · Star" in end(page, 1).inner_text()
    page.locator(".morph select").first.select_option("paint")
    page.wait_for_url(re.compile("model=paint$"))
    assert not page.locator(".morph .class-label").is_visible()


def test_the_picker_names_the_model_that_is_shown(open_tab):
    page = open_tab("tab=morph&model=toys-vae")
    picker = page.locator(".morph select").first
    page.context.set_offline(True)
    picker.select_option("paint")
    page.locator(".morph .message", has_text=EN["unreachable"]).wait_for()
    assert picker.input_value() == "toys-vae"
    page.context.set_offline(False)
    picker.select_option("paint")
    page.wait_for_url(re.compile("model=paint$"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("model=toys-gan", "toys-gan has no encoder, so it takes no pictures. Here is toys-vaegan instead."),
        ("model=nothing", "There is no model 'nothing'"),
        ("model=toys-vae", ""),
        ("", ""),
    ],
)
def test_a_model_that_takes_no_pictures_is_said_and_which_is_shown(open_tab, query, said):
    page = open_tab(f"tab=morph&{query}")
    page.wait_for_url(re.compile("tab=morph&model=toys-vae"))
    message = page.locator(".morph .message")
    if not said:
        assert message.is_hidden()
        return
    message.get_by_text(said).wait_for()
    assert "Here is toys-vaegan instead." in message.inner_text() and page.locator(".morph .frame").is_visible()
    page.locator(".morph select").first.select_option("paint")
    message.wait_for(state="hidden")


def test_a_studio_without_encoders_says_so(open_address, address):
    page = open_address(f"{address}?tab=morph")
    page.get_by_text(EN["no_encoder"]).wait_for()
    assert not page.get_by_role("tab", name=EN["compare_tab"]).is_visible()
