"""What all tabs share, in a real browser."""

import re

import pytest

from gan.studio.strings import EN, ZH

pytestmark = pytest.mark.browser


def test_nothing_of_the_pictures_is_asked_behind_another_tab(open_address, vae_address):
    asked = []
    page = open_address(f"{vae_address}robots.txt")  # nothing of the studio yet
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.goto(f"{vae_address}?tab=compare")
    page.wait_for_selector(".compare .sheet img[src]")
    assert any("open_comparison" in data for data in asked)
    assert not any("open_images" in data or "make_images" in data for data in asked)
    page.get_by_role("tab", name=EN["pictures_tab"]).click()
    page.wait_for_selector(".tile img[src]")


@pytest.mark.parametrize(
    ("tab", "asks"),
    [("morph&model=toys-vae&a=3&b=9", ".morph .end input[type=number]"), ("compare", ".compare input")],
)
def test_a_lost_connection_is_said_until_it_is_back(open_tab, tab, asks):
    page = open_tab(f"tab={tab}")
    seed = page.locator(asks).first
    page.context.set_offline(True)
    seed.fill("41")
    page.get_by_text(EN["unreachable"]).wait_for()
    page.context.set_offline(False)
    seed.fill("42")
    page.get_by_text(EN["unreachable"]).wait_for(state="hidden")


def test_tabs_turn_by_mouse_and_keys_and_keep_their_addresses(open_address, vae_address):
    page = open_address(f"{vae_address}?model=toys-gan&seed=40&n=4")
    page.wait_for_selector(".tile img[src]")
    page.get_by_role("tab", name=EN["morph_tab"]).click()
    page.wait_for_selector(".morph:not(.waiting)")
    page.wait_for_url(re.compile(r"\?tab=morph&model=toys-vaegan$"))  # toys-gan takes no pictures
    page.get_by_role("tab", name=EN["pictures_tab"]).click()
    page.wait_for_url(re.compile(r"model=toys-gan&seed=40&n=4&psi=1$"))
    assert "tab=" not in page.url
    page.get_by_role("tab", name=EN["compare_tab"]).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".compare .sheet img[src]")
    page.keyboard.press("ArrowRight")  # moves among the tabs, and not the seeds
    page.wait_for_url(re.compile(r"\?tab=compare&seed=7&psi=1$"))


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen_in_any_language(open_tab, width):
    page = open_tab("tab=morph&model=toys-vae", viewport={"width": width, "height": 844}, locale="zh-CN")
    for tab, ready, keys in (
        ("morph", ".morph:not(.waiting)", ("label", "play", "rebuilt")),
        ("compare", ".compare .sheet img[src]", ("label", "dice", "truncation", "measured")),
    ):
        page.get_by_role("tab", name=ZH[f"{tab}_tab"]).click()
        page.wait_for_selector(ready)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for key in ("pictures_tab", "morph_tab", "compare_tab"):
            assert page.get_by_role("tab", name=ZH[key]).is_visible()
        text = page.locator(".workbench:visible").inner_text()
        assert all(ZH[key] in text and EN[key] not in text for key in keys)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_reaches_every_tab(open_address, audio_address, locale):
    page = open_address(f"{audio_address}?tab=sound", viewport={"width": 390, "height": 844}, locale=locale)
    page.wait_for_selector(".sound:not(.waiting)")
    for tab in page.get_by_role("tab").locator("visible=true").all():
        box = tab.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 40
