"""The Text tab in a real browser."""

import re

import pytest

from gan.studio.strings import EN, ZH

WRITTEN = ".text:not(.waiting) .words[aria-busy=false]"
TIMEOUT = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture
def open_text(open_address, text_address):
    """Opens the text tab by its address and waits until its texts are whole."""

    def opened(query="", **options):
        page = open_address(f"{text_address}?tab=text&{query}", **options)
        page.set_default_timeout(TIMEOUT)
        page.wait_for_selector(WRITTEN)
        return page

    return opened


def texts(page):
    """What stands in the samples, once none of them is being written."""
    page.wait_for_function(
        "document.querySelectorAll('.words').length && !document.querySelector('.words:not([aria-busy=false])')"
    )
    return page.locator(".words").evaluate_all("all => all.map(words => words.textContent)")


def wait_for_texts(page, wanted):
    page.wait_for_function(
        """wanted => JSON.stringify([...document.querySelectorAll(".words[aria-busy=false]")].map(words =>
        words.textContent)) === JSON.stringify(wanted)""",
        arg=wanted,
    )


def slide(page, name, value):
    page.locator(".slide", has=page.get_by_text(name, exact=True)).locator("input[type=range]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def test_a_first_opening_that_failed_is_tried_again(open_address, text_address):
    page = open_address(f"{text_address}")
    page.wait_for_selector(".tile img[src]")
    page.context.set_offline(True)
    page.get_by_role("tab", name=EN["text_tab"]).click()
    page.locator(".text .message", has_text=EN["unreachable"]).wait_for()
    page.context.set_offline(False)
    page.get_by_role("tab", name=EN["pictures_tab"]).click()
    page.get_by_role("tab", name=EN["text_tab"]).click()
    page.wait_for_selector(WRITTEN, timeout=TIMEOUT)
    names = page.locator(".text select").first.locator("option").all_inner_texts()
    assert len(names) == len(set(names))


def test_the_address_restores_texts_and_they_follow_seed_and_sliders(open_text, text_registry):
    pipeline = text_registry.get("verses")
    page = open_text("model=verses&seed=40&n=3&t=0.7&lambda=1.5&p=0.9&k=9")
    asked = {"temperature": 0.7, "critic_strength": 1.5, "top_p": 0.9, "top_k": 9}
    assert texts(page) == pipeline(40, 3, **asked).texts
    assert "Seeds 40 to 42" in page.locator(".text .title").inner_text()
    slide(page, EN["critic_strength"], 0)
    wait_for_texts(page, pipeline(40, 3, **asked | {"critic_strength": 0.0}).texts)
    page.get_by_role("button", name=EN["later"]).locator("visible=true").click()
    wait_for_texts(page, pipeline(43, 3, **asked | {"critic_strength": 0.0}).texts)
    slide(page, EN["best_of"], 4)
    wait_for_texts(page, pipeline(43, 3, **asked | {"critic_strength": 0.0}, best_of=4).texts)
    page.wait_for_url(re.compile(r"\?tab=text&model=verses&seed=43&n=3&t=0.7&k=9&p=0.9&lambda=0&best=4$"))
    page.keyboard.press("Escape")
    page.locator(".text .title").click()
    page.keyboard.press("ArrowLeft")
    wait_for_texts(page, pipeline(40, 3, **asked | {"critic_strength": 0.0}, best_of=4).texts)


def test_the_newest_state_wins(open_text, text_registry):
    page = open_text("model=verses&n=2")
    for value in range(40):
        page.get_by_label(EN["seed"], exact=True).locator("visible=true").fill(str(100 + value))
    wait_for_texts(page, text_registry.get("verses")(139, 2).texts)
    page.wait_for_url(re.compile("seed=139"))


def test_every_token_shows_the_critics_opinion(open_text, text_registry):
    page = open_text("model=verses&seed=3&n=1")
    output = text_registry.get("verses")(3, 1)
    marks = page.locator(".words mark")
    assert marks.evaluate_all("all => all.map(mark => mark.className)") == [
        "less" if opinion < 0 else "more" for opinion in output.token_opinions[0]
    ]
    facts = page.locator(".facts").inner_text()
    likelihood = output.log_likelihoods[0] / len(output.pieces[0])
    assert "Seed 3" in facts and f"{-likelihood:.2f}" in facts and f"{abs(sum(output.token_opinions[0])):.1f}" in facts
    colours = "all => all.map(mark => getComputedStyle(mark).backgroundImage)"
    assert len(set(marks.evaluate_all(colours))) > 2
    marks.nth(1).hover()
    assert EN["score"] in page.locator(".tip").inner_text()
    page.get_by_role("button", name=EN["critic_view"]).click()
    page.wait_for_url(re.compile("view=plain"))
    assert len(set(marks.evaluate_all(colours))) == 1


def test_a_text_begins_with_a_prefix_or_an_acrostic(open_text, text_registry):
    page = open_text("model=verses&n=2&seed=5")
    page.get_by_label(EN["acrostic"]).fill("春夏秋冬")
    wait_for_texts(page, text_registry.get("verses")(5, 2, acrostic="春夏秋冬").texts)
    assert page.get_by_label(EN["prefix"]).is_disabled()
    page.wait_for_url(re.compile("acrostic="))
    page.get_by_label(EN["acrostic"]).fill("")
    page.get_by_label(EN["prefix"]).fill("明月")
    wait_for_texts(page, text_registry.get("verses")(5, 2, prefix="明月").texts)
    before = texts(page)
    page.get_by_label(EN["prefix"]).fill("<b>")
    page.get_by_text("which the model has never seen").wait_for()
    assert texts(page) == before


def test_models_change_and_what_was_written_is_escaped(open_text, text_registry):
    page = open_text("model=notes&seed=2&n=12&label=long")
    assert texts(page) == text_registry.get("notes")(2, 12, label="long").texts
    assert page.locator(".words b, .words i, .about b").count() == 0
    assert "<b>written</b>" in page.locator(".text .about").inner_text()
    for control in (EN["critic_strength"], EN["best_of"], EN["acrostic"], EN["critic_view"]):
        assert not page.locator(".text").get_by_text(control, exact=True).first.is_visible()
    page.get_by_label(EN["model"], exact=True).locator("visible=true").select_option("verses")
    wait_for_texts(page, text_registry.get("verses")(2, 12).texts)
    assert page.locator(".text select").first.locator("option").all_inner_texts() == ["verses", "notes"]


def test_texts_are_copied_and_downloaded(open_text, text_registry):
    page = open_text("model=verses&seed=3&n=2", permissions=["clipboard-read", "clipboard-write"])
    direct = [re.sub("(?<=[，。])", "\n", text).strip() for text in text_registry.get("verses")(3, 2).texts]
    page.get_by_role("button", name=EN["copy_text"]).last.click()
    page.get_by_text(EN["text_copied"], exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == direct[1]
    for button, name, wanted in (
        (page.locator(".text .do [data-action=save]").first, "verses_seed-3.txt", direct[0] + "\n"),
        (page.locator(".text .tools [data-action=save]"), "verses_seeds-3-4.txt", None),
    ):
        with page.expect_download() as download:
            button.click()
        assert download.value.suggested_filename == name
        content = download.value.path().read_text(encoding="utf-8")
        assert content == wanted if wanted else all(text in content for text in direct)
    page.locator(".text .tools [data-action=copy]").click()
    page.get_by_text(EN["copied"], exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_an_address_that_asks_for_the_impossible_opens_on_what_there_is(open_text, text_registry):
    page = open_text("model=blots&seed=1&n=1")
    page.get_by_text("blots makes images, not texts").wait_for()
    assert texts(page) == text_registry.get("verses")(1, 1).texts
    page = open_text("n=999&t=x&p=-4&k=1e9")
    assert len(texts(page)) == 32


def test_a_model_from_the_hub_joins_the_picker_and_another_kind_is_refused(
    open_text, text_registry, text_models, monkeypatch
):
    hub = {"user/remote": str(text_models / "notes"), "user/pictures": str(text_models / "blots")}
    source = text_registry.source  # as if the Hub had them
    monkeypatch.setattr(text_registry, "source", lambda model: hub.get(model) or source(model))
    page = open_text("model=verses&seed=3&n=2")
    field, load = page.locator(".text .hub input"), page.locator(".text .hub button")
    before = texts(page)
    for name, message in (
        ("user/pictures", "user/pictures makes images, not texts; choose one of verses, notes."),
        (str(text_models / "notes"), "There is no model"),  # a folder is nobody else's business
    ):
        field.fill(name)
        load.click()
        page.locator(".text .message").get_by_text(message).wait_for()
        assert load.inner_text() == EN["load"] and field.input_value() == name and texts(page) == before
    field.fill(" user/remote ")
    field.press("Enter")
    wait_for_texts(page, text_registry.get("notes")(3, 2).texts)
    page.wait_for_url(re.compile(r"model=user%2Fremote&seed=3&n=2"))
    choice = page.locator(".text select").first
    assert choice.input_value() == "user/remote" and field.input_value() == ""
    assert choice.locator("option").all_inner_texts() == ["verses", "notes", "user/remote"]
    assert not page.locator(".text .message").is_visible()


def test_nothing_is_asked_before_the_tab_is_shown(open_address, text_address):
    asked = []
    page = open_address(text_address)
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.set_default_timeout(TIMEOUT)
    page.wait_for_selector(".tile img[src]")
    assert not any("open_text" in data or "write_text" in data for data in asked)
    page.get_by_role("tab", name=EN["text_tab"]).click()
    page.wait_for_selector(WRITTEN)
    page.wait_for_url(re.compile(r"\?tab=text&model=verses&seed=7"))
    assert any("write_text" in data for data in asked)


def test_without_a_text_model_there_is_no_tab(open_address, address):
    page = open_address(f"{address}?tab=text")
    page.set_default_timeout(TIMEOUT)
    page.wait_for_selector(".tile img[src]")
    assert not page.get_by_role("tab", name=EN["text_tab"]).is_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen_and_all_is_chinese(open_text, width):
    page = open_text("model=verses", viewport={"width": width, "height": 844}, locale="zh-CN")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    words = page.locator(".workbench:visible").inner_text()
    for key in (
        "prefix",
        "acrostic",
        "critic_strength",
        "temperature",
        "vocabulary",
        "less_real",
        "speed",
        "hub",
        "load",
    ):
        assert ZH[key] in words and EN[key] not in words


@pytest.fixture
def open_latent(open_address, sayings_address):
    """Opens the text tab on a model with a latent."""

    def opened(query="", **options):
        page = open_address(f"{sayings_address}?tab=text&{query}", **options)
        page.wait_for_selector(".text:not(.waiting)")
        return page

    return opened


def reads(page, wanted, selector=".text .one:visible > .reading"):
    page.locator(selector, has_text=re.compile(f"^{re.escape(wanted)}$")).wait_for()


def test_the_page_writes_what_a_seed_of_a_latent_gives(open_latent, sayings_registry):
    page = open_latent("model=sayings&seed=3&n=2")
    assert texts(page) == sayings_registry.get("sayings")(seed=3, num_samples=2).texts
    page.wait_for_url(re.compile("&t=0$"))
    page.get_by_role("button", name=EN["edit_text"]).last.click()
    reads(page, sayings_registry.get("sayings")(seed=4).texts[0])
    page.go_back()
    page.locator(".text .samples").wait_for()
    page.get_by_label(EN["model"], exact=True).locator("visible=true").select_option("plain")
    wait_for_texts(page, sayings_registry.get("plain")(seed=3, num_samples=2, temperature=1.0).texts)
    assert not page.locator(".text .latent-pad").is_visible() and not page.locator(".text .kinds").is_visible()


def test_a_sentence_follows_the_pad_and_the_address_restores_it(open_latent, sayings_registry):
    pipeline = sayings_registry.get("sayings")
    page = open_latent("model=sayings&view=edit&seed=3&pad=with dogs;length")
    reads(page, pipeline(seed=3).texts[0])
    box = page.locator(".plane").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 0.25 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"edits=.*3"))
    titles = {"with dogs": "With “dogs”", "length": "Length", "plural": "Plural"}
    edits = {name: float(page.get_by_role("slider", name=title).input_value()) for name, title in titles.items()}
    assert edits["with dogs"] == 3 and 1.3 < edits["length"] < 1.7 and edits["plural"] == 0
    edited = pipeline.edit(3, edits).texts[0]
    reads(page, edited)
    again = open_latent(page.url.partition("tab=text&")[2])
    reads(again, edited)
    assert again.locator(".axes select").first.input_value() == "with dogs"
    again.locator(".plane").press("0")
    reads(again, pipeline(seed=3).texts[0])
    again.get_by_label(EN["own_text"]).locator("visible=true").fill("the cat sleeps")
    reads(again, pipeline.reconstruct("the cat sleeps").texts[0])
    again.get_by_label(EN["own_text"]).locator("visible=true").fill("你好")
    again.get_by_text("The model has never seen any of '你好'").wait_for()
    reads(again, pipeline.reconstruct("the cat sleeps").texts[0])
    again.get_by_label(EN["own_text"]).locator("visible=true").fill("the cat 你好 hears")
    again.get_by_text(EN["left_out"].format(words="你好")).wait_for()
    reads(again, pipeline.reconstruct("the cat hears").texts[0])


def test_both_directions_of_the_pad_are_not_one(open_latent):
    page = open_latent("model=sayings&view=edit&seed=3&pad=length;length")
    across, up = page.locator(".axes select").all()
    assert (across.input_value(), up.input_value()) == ("length", "plural")  # as without an address
    up.select_option("length")
    assert (across.input_value(), up.input_value()) == ("plural", "length")
    page = open_latent("model=sayings&view=edit&seed=3&pad=plural")
    assert [select.input_value() for select in page.locator(".axes select").all()] == ["length", "plural"]


def test_a_class_that_is_not_chosen_is_the_seeds(open_latent, sayings_registry):
    pipeline = sayings_registry.get("talks")
    page = open_latent("model=talks&view=edit&seed=3&text=the cat sleeps&prefix=two dogs")
    reads(page, pipeline.reconstruct("the cat sleeps", pipeline(seed=3).labels[0], prefix="two dogs").texts[0])


def test_others_like_it_and_the_way_between_two(open_latent, sayings_registry):
    pipeline = sayings_registry.get("sayings")
    page = open_latent("model=sayings&view=vary&seed=3")
    line = page.locator(".text .line:visible").first
    text = line.inner_text()
    line.click()
    reads(page, text)
    page.get_by_role("button", name=EN["back_to_seed"].format(seed=3)).click()
    reads(page, pipeline(seed=3).texts[0])
    page.get_by_role("button", name=EN["way_view"], exact=True).locator("visible=true").click()
    page.get_by_label(EN["own_text"]).locator("visible=true").last.fill("the sea sleeps")
    page.wait_for_url(re.compile("b_text=the"))
    wanted = pipeline.interpolate(7, "the sea sleeps", 9).texts
    assert page.locator(".text .line:visible span").all_inner_texts() == wanted
    page.locator(".text .line:visible").nth(4).click()
    reads(page, wanted[4])


def test_a_latent_fits_a_phone_in_chinese(open_latent):
    page = open_latent("model=sayings&view=morph", viewport={"width": 390, "height": 844}, locale="zh-CN")
    own = (ZH["pad_button"], ZH["with_word"].format(word="dogs"))
    views = {"way": "view=morph", "similar": "view=vary", "sentence": "view=edit", "texts": "^(?!.*view=)"}
    for view, address in views.items():
        page.locator(f".text [data-view={view}]").click()
        page.wait_for_url(re.compile(address))
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        words = page.locator(".workbench:visible").inner_text()
        assert all(word in words for word in own) and EN["temperature"] not in words
