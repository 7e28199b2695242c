"""The Pictures tab in a real browser."""

import base64
import io
import re
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from gan.studio.strings import EN, ZH

pytestmark = pytest.mark.browser


def sources(page):
    return page.eval_on_selector_all(".tile img", "images => images.map(image => image.src)")


def pixels(source):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))))


def changed(page, before):
    page.wait_for_function(
        "before => JSON.stringify([...document.querySelectorAll('.tile img')].map(i => i.src)) !== before",
        arg=page.evaluate("sources => JSON.stringify(sources)", before),
    )
    return sources(page)


def field(page, name):
    return page.locator(".pictures .field", has=page.get_by_text(EN[name], exact=True))


def seed_of(page):
    return page.locator(".pictures input[type=number]")


def hub(page):
    return page.locator(".pictures .hub input"), page.locator(".pictures .hub button")


def slide(page, name, value):
    field(page, name).locator("input[type=range]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def test_pictures_follow_seed_and_sliders_and_the_address_restores_them(open_page, registry):
    page = open_page("n=6")
    first = sources(page)
    direct = registry.get("shapes")(seed=7, num_images=6).images
    assert [pixels(source).tolist() for source in first] == [np.asarray(image).tolist() for image in direct]
    assert page.locator(".tile b").all_inner_texts() == ["7", "8", "9", "10", "11", "12"]

    seed_of(page).fill("40")
    after_seed = changed(page, first)
    assert not set(after_seed) & set(first)
    page.get_by_role("button", name=EN["dice"]).click()
    after_dice = changed(page, after_seed)
    slide(page, "truncation", 0.4)
    after_slider = changed(page, after_dice)

    page.wait_for_url(re.compile("psi=0.4"))
    again = open_page(page.url.partition("?")[2])
    assert sources(again) == after_slider


def test_an_address_restores_model_class_and_sliders(open_page, registry):
    page = open_page("model=shapes&label=Square%2Fbox&seed=9&n=2&psi=0.5")
    direct = registry.get("shapes")(seed=9, num_images=2, truncation=0.5, label="Square/box").images
    assert [pixels(source).tolist() for source in sources(page)] == [np.asarray(image).tolist() for image in direct]
    assert field(page, "label").locator("select").input_value() == "Square/box"
    assert field(page, "truncation").locator("input[type=range]").input_value() == "0.5"


DAMAGED = {  # address: seed, number of pictures and psi of what it opens on
    "seed=4294967290&n=4&psi=0.5&label=Star": ["4294967290", "4", "0.5"],
    "": ["7", "24", "1"],
    "seed=-1": ["7", "24", "1"],
    "n=4294967296&psi=1.5": ["7", "64", "1.2"],
    "n=0&psi=-1": ["7", "1", "0"],
    "seed=4294967295&n=2": ["7", "24", "1"],  # the second picture's would be too large
    "n=-9&psi=9": ["7", "1", "1.2"],
} | {f"seed={text}&n={text}&psi={text}": ["7", "24", "1"] for text in ("x", "", "nan", "-inf", "1e999")}


def test_an_address_that_is_damaged_opens_on_what_there_is(open_page):
    first, *others = DAMAGED
    page = open_page(first)
    for query in (first, *others):
        if query != first:
            page.evaluate("query => history.pushState(null, '', `?${query}`)", query)
            page.evaluate("window.dispatchEvent(new PopStateEvent('popstate'))")
        seed, count, psi = DAMAGED[query]
        page.wait_for_url(re.compile(rf"seed={seed}&n={count}&psi={psi}\b"))
        page.wait_for_function("count => document.querySelectorAll('.tile').length === count", arg=int(count))
        sliders = [field(page, name).locator("input[type=range]") for name in ("num_images", "truncation")]
        assert [field.input_value() for field in (seed_of(page), *sliders)] == [seed, count, psi], query
        refused = any(seed in query for seed in ("seed=-1", "seed=4294967295"))
        assert page.locator(".pictures .message").is_visible() == refused, query


def test_keys_turn_the_seeds_and_lead_back_to_the_grid(open_page):
    page = open_page("n=3&seed=1")
    first = sources(page)
    page.locator(".pictures .title").click()
    page.keyboard.press("ArrowRight")
    second = changed(page, first)
    page.wait_for_url(re.compile("seed=4&n=3"))
    page.locator(".tile").nth(1).click()
    page.wait_for_selector(".pictures.single")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("seed=4&n=1"))
    assert sources(page) == second[:1]
    page.keyboard.press("Escape")
    page.wait_for_selector(".pictures:not(.single)")
    page.wait_for_url(re.compile("seed=4&n=3"))
    field(page, "truncation").locator("input[type=range]").press("ArrowLeft")  # moves the slider, and not the seeds
    page.wait_for_url(re.compile("seed=4&n=3&psi=0.99"))


def test_a_number_of_a_slider_can_be_typed(open_page):
    page = open_page("n=3")
    number = field(page, "truncation").locator(".number")
    before = sources(page)
    number.fill("0,4")
    number.press("Enter")
    before = changed(page, before)
    page.wait_for_url(re.compile("psi=0.4$"))
    assert field(page, "truncation").locator("input[type=range]").input_value() == "0.4"
    number.fill("much")
    number.press("Enter")
    assert number.input_value() == "0.40" and sources(page) == before
    number.fill("99")
    number.press("Enter")
    page.wait_for_url(re.compile("psi=1.2$"))


def test_a_picture_opens_alone_and_leads_back_to_the_grid(open_page):
    page = open_page("n=6&seed=20")
    before = sources(page)
    page.locator(".tile").nth(2).click()
    page.wait_for_selector(".pictures.single")
    assert sources(page) == [before[2]]
    assert "seed=22" in page.url and "n=1" in page.url
    assert seed_of(page).input_value() == "22"

    with page.expect_download() as download:
        page.locator("[data-action=png]").click()
    assert re.fullmatch(r"shapes_seed-22_[\w-]+_psi-1\.png", download.value.suggested_filename)
    saved = np.asarray(Image.open(download.value.path()))
    assert np.array_equal(saved, pixels(before[2]))

    page.locator("[data-action=back]").click()
    page.wait_for_selector(".pictures:not(.single)")
    page.wait_for_function("document.querySelectorAll('.tile').length === 6")
    assert sources(page) == before
    page.go_back()
    page.wait_for_selector(".pictures.single")
    assert changed(page, before) == [before[2]]


def test_a_single_picture_is_taken_to_the_edit_tab(open_page):
    page = open_page("model=shapes&n=1&seed=21&psi=0.8")
    (wanted,) = sources(page)
    for _ in range(2):  # the first time the tab is new
        page.locator(".pictures [data-action=edit]").click()
        page.wait_for_function("wanted => document.querySelector('.edit .frame img')?.src === wanted", arg=wanted)
        assert re.search(r"tab=edit&model=shapes&seed=21&label=[\w%]+&psi=0.8$", page.url)
        page.go_back()
        page.wait_for_selector(".pictures.single:visible")
        (wanted,) = sources(page)


def test_a_picture_without_a_class_is_taken_to_the_edit_tab(open_page):
    page = open_page("model=strokes&n=1&seed=21&psi=0.8")
    (wanted,) = sources(page)
    page.locator(".pictures [data-action=edit]").click()
    page.wait_for_function("wanted => document.querySelector('.edit .frame img')?.src === wanted", arg=wanted)
    assert page.url.endswith("tab=edit&model=strokes&seed=21&psi=0.8")


def test_every_class_has_a_row_and_opens_one(open_page):
    page = open_page("model=shapes&n=3&seed=20")
    before = sources(page)
    page.get_by_role("button", name=EN["every_class"]).click()
    page.wait_for_function("document.querySelectorAll('.tile').length === 24")
    page.wait_for_url(re.compile("seed=20&psi=1&rows=classes$"))
    assert page.locator(".tile .class-name").all_inner_texts() == ["Circle", "Square/box", "Star"]
    assert not field(page, "num_images").is_visible()
    wanted = sources(page)[17]
    page.locator(".tile").nth(17).click()
    page.wait_for_selector(".pictures.single")
    page.wait_for_url(re.compile("seed=21&n=1&psi=1&label=Star$"))
    assert sources(page) == [wanted]
    page.locator("[data-action=back]").click()
    page.wait_for_function("document.querySelectorAll('.tile').length === 24")
    page.get_by_role("button", name=EN["every_class"]).click()
    page.wait_for_function("document.querySelectorAll('.tile').length === 3")
    assert sources(page) == before


def test_the_zip_holds_what_is_shown(open_page):
    page = open_page("model=strokes&n=5&seed=30&psi=0.8")
    assert not field(page, "label").is_visible()  # the model has no classes
    with page.expect_download() as download:
        page.locator("[data-action=zip]").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [f"strokes_seed-{seed}_psi-0.8.png" for seed in range(30, 35)]
        inside = [np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in archive.namelist()]
    assert all(np.array_equal(a, pixels(b)) for a, b in zip(inside, sources(page), strict=True))


def test_models_and_classes_are_chosen(open_page, registry):
    page = open_page("n=4")
    before = sources(page)
    field(page, "label").locator("select").select_option("Square/box")
    after = changed(page, before)
    direct = registry.get("shapes")(seed=7, num_images=4, label="Square/box").images
    assert [pixels(source).tolist() for source in after] == [np.asarray(image).tolist() for image in direct]
    field(page, "model").locator("select").select_option("strokes")
    changed(page, after)
    page.wait_for_url(re.compile("model=strokes"))
    assert "label=" not in page.url
    assert "12" in page.locator(".pictures .about").inner_text()


def test_what_cannot_be_is_said_on_the_page(open_page):
    page = open_page("model=nothing&seed=7")
    message = page.locator(".pictures .message")
    assert "There is no model 'nothing'" in message.inner_text()
    before = sources(page)
    seed_of(page).fill("99999999999")
    page.get_by_text("is not a whole number from 0").wait_for()
    assert sources(page) == before
    seed_of(page).fill("8")
    changed(page, before)
    assert not message.is_visible()
    assert page.locator(".tile").count() == 24
    name, load = hub(page)
    name.fill("nobody/nothing-at-all")
    load.click()
    page.get_by_text("nobody/nothing-at-all cannot be fetched").wait_for()
    assert load.inner_text() == EN["load"]
    assert page.locator(".tile").count() == 24


def test_a_model_from_the_hub_joins_the_picker(open_page, registry, weights, monkeypatch):
    source = registry.source  # as if the Hub had it
    monkeypatch.setattr(registry, "source", lambda m: str(weights / "strokes") if m == "user/remote" else source(m))
    page = open_page("n=3")
    before = sources(page)
    name, _ = hub(page)
    name.fill(" user/remote ")
    name.press("Enter")
    changed(page, before)
    page.wait_for_url(re.compile("model=user%2Fremote"))
    assert field(page, "model").locator("select").input_value() == "user/remote"
    assert name.input_value() == ""
    after = sources(page)
    slide(page, "truncation", 0.3)
    changed(page, after)


def test_the_load_button_survives_any_failure(open_page, registry, monkeypatch):
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda m, *kind: 1 // 0 if m == "user/broken" else get(m, *kind))
    page = open_page("n=3")
    name, load = hub(page)
    name.fill("user/broken")
    load.click()
    page.get_by_text("user/broken cannot be opened: ZeroDivisionError.").wait_for()
    assert load.is_enabled() and load.inner_text() == EN["load"]
    assert page.locator(".tile").count() == 3


def test_pictures_follow_a_second_shuffle_during_a_render(open_page, registry, monkeypatch):
    page = open_page("n=3")
    get, slow = registry.get, threading.Event()
    monkeypatch.setattr(registry, "get", lambda m, *kind: (slow.wait(5), get(m, *kind))[1])
    page.get_by_role("button", name=EN["dice"]).click()
    page.wait_for_timeout(300)
    page.get_by_role("button", name=EN["dice"]).click()
    page.wait_for_timeout(300)
    slow.set()
    seed = seed_of(page).input_value()
    page.wait_for_url(re.compile(f"seed={seed}&"))


def test_a_class_that_is_not_there_is_said(open_page):
    assert "There is no label 'Cube'" in open_page("label=Cube").locator(".pictures .message").inner_text()
    page = open_page("label=star")
    assert field(page, "label").locator("select").input_value() == "Star"
    assert not page.locator(".pictures .message").is_visible()


def test_chinese(open_page):
    page = open_page(locale="zh-CN")
    text = page.locator("main").inner_text()
    for key in ("seed", "dice", "truncation", "truncation_info", "label", "num_images", "hub", "load", "zip", "speed"):
        assert ZH[key] in text
        assert EN[key] not in text
    assert hub(page)[0].get_attribute("placeholder") == ZH["hub_placeholder"]
    assert ZH["any_label"] in page.locator(".pictures .class-label option:checked").inner_text()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_all_pictures_are_in_sight_and_crisp(open_page, size):
    page = open_page(viewport={"width": size[0], "height": size[1]})
    boxes = [tile.bounding_box() for tile in page.locator(".tile img").all()]
    assert all(box["y"] + box["height"] <= size[1] for box in boxes)
    assert all(box["width"] % 16 == 0 and box["height"] % 16 == 0 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_each_label_column_has_a_picker(open_address, animals_registry, animals_address):
    page = open_address(f"{animals_address}?model=animals&seed=3&n=4&label=colour%3Dfox")
    page.wait_for_selector(".tile img[src^='data:image/png']")
    pickers = page.locator(".pictures .class-label")
    assert pickers.locator("span").all_inner_texts() == ["Animal", "Colour"]
    assert [picker.input_value() for picker in pickers.locator("select").all()] == ["", "fox"]
    pipeline = animals_registry.get("animals")

    def shown(label):
        return [np.asarray(image).tolist() for image in pipeline(3, 4, label=label).images]

    assert [pixels(source).tolist() for source in sources(page)] == shown({"colour": "fox"})
    before = sources(page)
    pickers.first.locator("select").select_option("fox")
    assert [pixels(source).tolist() for source in changed(page, before)] == shown({"animal": "fox", "colour": "fox"})
    page.wait_for_url(re.compile(r"label=animal%3Dfox%2C\+colour%3Dfox$"))
    page.locator(".tile").nth(1).click()
    page.wait_for_selector(".pictures.single")
    page.locator(f".pictures .tools button[title='{EN['edit_picture']}']").click()  # with both classes
    page.wait_for_selector(".edit:not(.waiting)")
    assert [picker.input_value() for picker in page.locator(".edit .class-label select").all()] == ["fox", "fox"]


def test_a_class_that_no_label_column_has(open_address, animals_address):
    page = open_address(f"{animals_address}?model=animals&label=unicorn")
    page.wait_for_selector(".tile img[src^='data:image/png']")
    said = page.locator(".pictures .message").inner_text()
    assert "There is no animal 'unicorn'; this model knows cat, dog, fox" in said
