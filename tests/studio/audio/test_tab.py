"""The Sound tab in a real browser."""

import io
import re
import zipfile

import numpy as np
import pytest
import soundfile

from gan.latent.mixing import mix
from gan.studio.strings import EN, ZH

SHOWN = ".sound:not(.waiting)"
# Notes every clip that is begun, and what is seen playing: both may be over before anybody looks.
LISTEN = """() => {
    const start = AudioBufferSourceNode.prototype.start;
    window.heard = [];
    AudioBufferSourceNode.prototype.start = function (when) {
        window.heard.push({ when, rate: this.buffer.sampleRate, samples: [...this.buffer.getChannelData(0)] });
        return start.call(this, when);
    };
    window.seen = [];
    const note = ({ target }) => target.matches(".playing") && window.seen.push(target.className);
    new MutationObserver((all) => all.forEach(note))
        .observe(document.querySelector(".sound"), { subtree: true, attributeFilter: ["class"] });
}"""

pytestmark = pytest.mark.browser


@pytest.fixture
def open_sound(open_address, audio_address):
    """Opens the sound tab by its address and waits for its clips; what it plays is noted."""

    def opened(query="", **options):
        page = open_address(f"{audio_address}?tab=sound&{query}", **options)
        page.wait_for_selector(SHOWN)
        page.evaluate(LISTEN)
        return page

    return opened


def heard(page, count):
    """The samples of the clips that were begun so far, once there are so many."""
    page.wait_for_function("count => window.heard.length >= count", arg=count)
    return [np.array(clip["samples"]) for clip in page.evaluate("window.heard")]


def same(samples, audio):
    return np.abs(samples - np.asarray(audio).reshape(-1)).max() <= 2 / 32768


def slide(page, selector, value, done=False):
    page.locator(selector).evaluate(
        """(input, [value, done]) => { input.value = value; input.dispatchEvent(new Event('input', { bubbles: true }));
        if (done) input.dispatchEvent(new Event('change', { bubbles: true })); }""",
        [value, done],
    )


def facts(page):
    return page.locator(".clip .facts").evaluate_all(
        "all => all.map(one => [...one.children].map(c => c.textContent))"
    )


def wait_for_facts(page, output):
    wanted = [[f"Seed {seed}", label] for seed, label in zip(output.seeds, output.labels)]
    page.wait_for_function(
        """wanted => JSON.stringify([...document.querySelectorAll(".clip .facts")].map(one =>
        [...one.children].map(c => c.textContent))) === JSON.stringify(wanted)""",
        arg=wanted,
    )


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def in_zip(content):
    with zipfile.ZipFile(io.BytesIO(content)) as folder:
        return {name: soundfile.read(io.BytesIO(folder.read(name)))[0] for name in folder.namelist()}


def test_the_address_restores_clips_and_they_follow_seed_and_sliders(open_sound, audio_registry):
    pipeline = audio_registry.get("voices")
    page = open_sound("model=voices&seed=40&n=3&psi=0.7&label=speaker%3Dbob")
    wait_for_facts(page, pipeline(40, 3, truncation=0.7, label={"speaker": "bob"}))
    page.get_by_role("button", name=EN["later"]).click()
    wait_for_facts(page, pipeline(43, 3, truncation=0.7, label={"speaker": "bob"}))
    page.locator(".sound .labels select").first.select_option("two")
    direct = pipeline(43, 3, truncation=0.7, label="two, bob")
    wait_for_facts(page, direct)
    slide(page, ".sound .slide >> nth=1 >> input[type=range]", 2)
    page.wait_for_url(re.compile(r"\?tab=sound&model=voices&seed=43&n=2&psi=0.7&label=label%3Dtwo%2C\+speaker%3Dbob$"))
    page.locator(".clip .face").nth(1).click()
    assert same(heard(page, 1)[0], direct.audios[1])
    assert page.evaluate("window.heard[0].rate") == 8000


def test_a_clip_is_seen_playing_until_its_end_and_all_play_in_turn(open_sound, audio_registry):
    page = open_sound("model=hits&seed=5&n=3")
    direct = audio_registry.get("hits")(5, 3).audios
    page.locator(".clip footer button").first.click()
    page.wait_for_function("window.seen.length > 0")
    page.wait_for_selector(".sound:not(:has(.clip.playing))")
    page.get_by_role("button", name=EN["play_all"]).click()
    assert all(same(a, b) for a, b in zip(heard(page, 4)[1:], direct, strict=True))
    page.wait_for_selector(".sound:not(:has(.clip.playing))")
    page.locator(".sound .title").click()
    page.keyboard.press("Space")
    heard(page, 5)
    page.keyboard.press("Space")
    page.wait_for_selector(".sound:not(:has(.clip.playing))")


def test_pictures_of_clips_differ_and_follow_the_scheme(open_sound):
    page = open_sound("model=voices&n=4")
    pixels = "all => all.map(canvas => canvas.toDataURL())"
    drawn = page.locator(".clip .spectrum").evaluate_all(pixels)
    assert len(set(drawn)) == 4 and len(set(page.locator(".clip .wave").evaluate_all(pixels))) == 4
    page.evaluate("document.body.classList.toggle('dark')")
    page.wait_for_function("before => document.querySelector('.clip .spectrum').toDataURL() !== before", arg=drawn[0])


def test_clips_are_downloaded(open_sound, audio_registry):
    page = open_sound("model=hits&seed=5&n=2&label=snare")
    direct = audio_registry.get("hits")(5, 2, label="snare").audios
    name, content = saved(page, page.locator(".clip footer button").last)
    assert name == "hits_seed-6_snare_psi-1.wav"
    assert same(soundfile.read(io.BytesIO(content))[0], direct[1])
    name, content = saved(page, page.get_by_role("button", name=EN["zip"]))
    files = in_zip(content)
    assert name == "hits_seeds-5-6.zip" and list(files) == [f"hits_seed-{seed}_snare_psi-1.wav" for seed in (5, 6)]
    assert all(same(a, b) for a, b in zip(files.values(), direct, strict=True))


def test_an_interpolation_is_heard_where_the_slider_is_let_go(open_sound, audio_registry):
    page = open_sound("model=voices&view=way&a=3&b=9&t=0.25&label=speaker%3Dann")
    direct = audio_registry.get("voices").interpolate(3, 9, 17, label={"speaker": "ann"})
    assert "25 %" in page.locator(".caption").inner_text()
    page.get_by_role("button", name=EN["play_clip"], exact=True).locator("visible=true").click()
    assert same(heard(page, 1)[-1], direct.audios[4])
    slide(page, ".sound input.interpolation", 0.75, done=True)
    assert same(heard(page, 2)[-1], direct.audios[12])
    page.locator(".sound input.interpolation").press("ArrowRight")
    assert same(heard(page, 3)[-1], direct.audios[13])
    page.wait_for_url(re.compile(r"&t=0.813&label=speaker%3Dann&view=way&a=3&b=9$"))
    page.locator(".end .face").first.click()
    assert same(heard(page, 4)[-1], direct.audios[0])
    assert direct.labels[-1] in page.locator(".end").last.inner_text()
    page.locator(".end input").last.fill("-2")
    page.get_by_text("is not a whole number from 0").wait_for()
    page.locator(".end input").last.fill("12")
    page.wait_for_url(re.compile("b=12$"))
    slide(page, ".sound input.interpolation", 1, done=True)
    assert same(heard(page, 5)[-1], audio_registry.get("voices")(12, label={"speaker": "ann"}).audios[0])
    name, _ = saved(page, page.get_by_role("button", name=EN["save_wav"]).locator("visible=true"))
    assert name == "voices_seed-3_to-12-at-1.00_psi-1.wav"


def test_an_interpolation_plays_from_a_to_b(open_sound, audio_registry):
    page = open_sound("model=hits&view=way&a=3&b=9&t=0")
    page.get_by_role("button", name=EN["play_interpolation"]).click()
    direct = audio_registry.get("hits").interpolate(3, 9, 17).audios
    assert all(same(a, b) for a, b in zip(heard(page, 9), direct[::2], strict=True))
    page.get_by_role("button", name=EN["play_interpolation"]).wait_for()
    page.wait_for_url(re.compile("t=1&"))


def test_sliders_and_layers_of_another_seed_steer_all_clips(open_sound, audio_registry):
    pipeline = audio_registry.get("hits")
    page = open_sound("model=hits&seed=5&n=2")
    guidance = page.locator(".sound").get_by_text(EN["critic_guidance"], exact=True)
    assert not guidance.is_visible()  # it has no discriminator
    page.get_by_role("slider", name=EN["component"].format(number=2)).evaluate(
        "input => { input.value = 1.5; input.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.wait_for_url(re.compile(r"n=2&psi=1&edits=component\+2%3A1.5$"))
    page.locator(".clip .face").nth(1).click()
    assert same(heard(page, 1)[-1], pipeline.edit(6, {"component 2": 1.5}).audios[0])
    page.get_by_role("button", name=EN["coarse"]).click()
    page.wait_for_url(re.compile("layers=coarse&from=100$"))
    again = open_sound(page.url.partition("tab=sound&")[2])
    again.locator(".clip .face").nth(1).click()
    mixed = pipeline.codes_of(6)
    others = pipeline.codes_of(100)
    mixed = mix(mixed, others, "coarse")
    assert same(heard(again, 1)[-1], pipeline.edit(mixed, {"component 2": 1.5}).audios[0])
    page.get_by_role("button", name=EN["pads_view"]).click()
    page.wait_for_url(re.compile("view=pads.*layers=coarse"))
    page.keyboard.press("q")
    kick = mix(*(pipeline.codes_of(seed, "kick") for seed in (9, 100)), "coarse")
    assert same(heard(page, 2)[-1], pipeline.edit(kick, {"component 2": 1.5}).audios[0])


def pad(page, index):
    return page.locator(".pad").nth(index)


def test_pads_are_played_by_finger_and_key(open_sound, audio_registry):
    pipeline = audio_registry.get("hits")
    page = open_sound("model=hits&view=pads&seed=20")
    page.locator(".sound .title").click()
    page.keyboard.press("q")
    assert same(heard(page, 1)[-1], pipeline(24, label="kick").audios[0])
    page.keyboard.press("v")
    assert same(heard(page, 2)[-1], pipeline(35, label="closed hat").audios[0])
    page.wait_for_selector(".pad:last-child.chosen")
    box = pad(page, 6).bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()  # heard before the finger is lifted
    assert same(heard(page, 3)[-1], pipeline(26, label="snare").audios[0])
    page.mouse.up()
    pad(page, 6).locator(".hit").press("Enter")
    heard(page, 4)
    assert page.locator(".pad .hit").nth(6).get_attribute("aria-label") == EN["pad_title"].format(
        number=7, label="snare", seed=26, key="e"
    )


def test_pads_are_rerolled_locked_and_downloaded_and_the_address_restores_them(open_sound, audio_registry):
    pipeline = audio_registry.get("hits")
    page = open_sound("model=hits&view=pads&seed=20")
    pad(page, 2).get_by_role("button", name=EN["reroll"]).click()
    rolled = heard(page, 1)[-1]  # what is new is played
    page.wait_for_url(re.compile("&pads="))
    seed = int(page.locator(".chosen-pad input").input_value())
    assert same(rolled, pipeline(seed, label="kick").audios[0])
    page.get_by_role("button", name=EN["unlocked"], exact=True).click()
    page.locator(".chosen-pad select").select_option("closed hat")
    assert same(heard(page, 2)[-1], pipeline(seed, label="closed hat").audios[0])
    page.locator(".sound .row").get_by_label(EN["seed"], exact=True).first.fill("50")  # all but the locked one
    page.wait_for_function("document.querySelectorAll('.hit small')[15].textContent === '65'")

    again = open_sound(page.url.partition("tab=sound&")[2])
    for shown in (page, again):
        name, content = saved(shown, shown.get_by_role("button", name=EN["save_kit"]))
        files = in_zip(content)
        assert name == "hits_kit-50.zip" and len(files) == 16
        assert list(files)[:4] == [
            "01-kick-seed50.wav",
            "02-kick-seed51.wav",
            f"03-closed-hat-seed{seed}.wav",
            "04-kick-seed53.wav",
        ]
        assert same(files[f"03-closed-hat-seed{seed}.wav"], pipeline(seed, label="closed hat").audios[0])
        assert same(files["16-closed-hat-seed65.wav"], pipeline(65, label="closed hat").audios[0])


def test_a_beat_plays_the_pads_on_time(open_sound):
    page = open_sound("model=hits&view=pads&seed=20&beat=1-8800&bpm=180")
    steps = page.locator(".step")
    assert steps.evaluate_all("all => all.map(step => step.ariaPressed === 'true')") == [
        k in (0, 4) for k in range(16)
    ]
    steps.nth(8).click()
    page.wait_for_url(re.compile("&beat=1-8880&bpm=180$"))
    page.get_by_role("button", name=EN["play_beat"]).click()
    page.wait_for_selector(".step.now")
    heard(page, 3)
    times = page.evaluate("window.heard.map(clip => clip.when)")
    assert min(np.diff(times[:3])) > 60 / 180 - 1e-6  # later only where the browser was kept busy
    page.get_by_role("button", name=EN["stop_beat"], exact=True).click()
    page.wait_for_selector(".sound:not(:has(.step.now, .pad.playing))")


def test_what_cannot_be_is_said_and_what_was_there_stays(open_sound, audio_registry):
    page = open_sound("model=blots&seed=1&n=1")
    page.get_by_text("blots makes images, not clips").wait_for()
    assert facts(page) == [["Seed 1", audio_registry.get("voices")(1).labels[0]]]
    page.locator(".sound .controls > .row input").first.fill("99999999999")
    page.get_by_text("is not a whole number from 0").wait_for()
    assert len(facts(page)) == 1
    page.locator(".sound .controls > .row input").first.fill("2")
    page.wait_for_function("document.querySelector('.sound .message').hidden")
    page = open_sound("n=999&psi=x&view=what&beat=99-ffff&pads=1.2")
    assert len(facts(page)) == 16
    page = open_sound("label=speaker%3Dnobody")
    page.get_by_text("There is no label 'speaker=nobody'").wait_for()


def test_models_change_and_what_a_repository_says_is_escaped(open_sound):
    page = open_sound("model=voices&label=label%3D%3Cb%3Ethree%3C%2Fb%3E&n=2")
    assert all("<b>three</b>" in label for _, label in facts(page))
    assert page.locator(".facts span b, .about b, option b").count() == 0
    assert "<b>sung</b>" in page.locator(".sound .about").inner_text()
    assert page.locator(".sound .labels select").count() == 2
    page.locator(".sound select").first.select_option("hits")
    page.wait_for_url(re.compile(r"model=hits&seed=7&n=2&psi=1$"))
    assert page.locator(".sound .labels select").count() == 1


def test_a_model_from_the_hub_joins_the_picker_and_another_kind_is_refused(
    open_sound, audio_registry, audio_models, monkeypatch
):
    hub = {"user/remote": str(audio_models / "hits"), "user/pictures": str(audio_models / "blots")}
    source = audio_registry.source  # as if the Hub had them
    monkeypatch.setattr(audio_registry, "source", lambda model: hub.get(model) or source(model))
    page = open_sound("model=voices&seed=3&view=pads", viewport={"width": 390, "height": 844})
    field, load, message = (page.locator(f".sound {what}") for what in (".hub input", ".hub button", ".message"))
    for name, said in (
        ("user/pictures", "user/pictures makes images, not clips; choose one of voices, hits."),
        (str(audio_models / "hits"), "There is no model"),  # a folder is nobody else's business
    ):
        field.fill(name)
        load.click()
        message.get_by_text(said).wait_for()
        page.wait_for_function("0 <= document.querySelector('.sound .message').getBoundingClientRect().top")
        assert load.inner_text() == EN["load"] and field.input_value() == name
    field.fill(" user/remote ")
    field.press("Enter")
    page.wait_for_url(re.compile(r"model=user%2Fremote&seed=3&.*view=pads"))
    choice = page.locator(".sound select").first
    assert choice.input_value() == "user/remote" and field.input_value() == ""
    assert choice.locator("option").all_inner_texts() == ["voices", "hits", "user/remote"]
    page.locator(".hit b", has_text="kick").first.wait_for()
    assert not message.is_visible()


def test_nothing_is_asked_before_the_tab_is_shown(open_address, audio_address):
    asked = []
    page = open_address(audio_address)
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.wait_for_selector(".tile img[src]")
    assert not any("open_sound" in data or "make_clips" in data for data in asked)
    page.get_by_role("tab", name=EN["sound_tab"]).click()
    page.wait_for_selector(SHOWN)
    page.wait_for_url(re.compile(r"\?tab=sound&model=voices&seed=7&n=8&psi=1$"))


def test_without_a_model_that_sounds_there_is_no_tab(open_address, address):
    page = open_address(f"{address}?tab=sound")
    page.wait_for_selector(".tile img[src]")
    assert not page.get_by_role("tab", name=EN["sound_tab"]).is_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen_and_all_is_chinese(open_sound, width):
    page = open_sound("model=voices&view=pads", viewport={"width": width, "height": 844}, locale="zh-CN")
    everywhere = ["clips_view", "interpolation_view", "pads_view", "column_speaker", "truncation", "clip_format"]
    everywhere += ["speed", "hub", "load"]
    for view, address, own in (
        ("pads", "view=pads", ["play_beat", "tempo"]),
        ("interpolation", "view=way", ["play_interpolation", "dice"]),
        ("clips", "^(?!.*view=)", ["num_clips", "seed"]),
    ):
        page.locator(f".sound [data-view={view}]").click()
        page.wait_for_url(re.compile(address))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        words = page.locator(".workbench:visible").inner_text()
        for key in (*own, *everywhere):
            assert ZH[key] in words and EN[key] not in words
