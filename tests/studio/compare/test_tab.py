"""The Compare tab in a real browser."""

import base64
import io
import re

import pytest
from PIL import Image

pytestmark = pytest.mark.browser


def slide(page, selector, value):
    page.locator(selector).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def test_objectives_stand_side_by_side(open_tab, vae_registry):
    page = open_tab("tab=compare&seed=5&psi=0.8&label=Star")
    assert page.locator(".compare .column h2").all_inner_texts() == ["GAN", "VAE", "VAE-GAN"]
    for k, model in enumerate(("toys-gan", "toys-vae", "toys-vaegan")):
        sources = page.locator(".compare .sheet").nth(k).locator("img").evaluate_all("all => all.map(i => i.src)")
        shown = [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]
        direct = vae_registry.get(model)(seed=5, num_images=12, truncation=0.8, label="Star").images
        assert [image.tobytes() for image in shown] == [image.tobytes() for image in direct]
    table = page.locator(".compare table").inner_text()
    assert "Fréchet distance (toy features)" in table and "7.25" in table and "ms a picture" in table
    slide(page, ".compare .slide input[type=range]", 0.4)
    page.wait_for_url(re.compile("psi=0.4"))
    page.locator(".compare input[type=number]").fill("-3")
    page.get_by_text("is not a whole number from 0").wait_for()


def test_a_class_that_is_not_there_is_said_and_the_tab_opens_without(open_tab):
    page = open_tab("tab=compare&label=Cube")
    page.locator(".compare .message", has_text="There is no label 'Cube'").wait_for()
    assert page.locator(".compare .class-label select").input_value() == ""
    page = open_tab("tab=compare&label=star")
    page.wait_for_url(re.compile("label=Star$"))
