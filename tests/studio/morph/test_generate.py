"""Morphs."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image, ImageOps

from gan import GANError
from gan.studio.morph.generate import (
    EXAMPLES,
    STEPS,
    fit_upload,
    is_dark,
    morph,
    morph_file,
    morph_value,
    opening,
)
from gan.studio.strings import EN


def as_text(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def from_text(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.fixture
def picture(vae_registry):
    return vae_registry.get("toys-gan")(seed=5).images[0]


def test_a_morph_goes_from_one_end_to_the_other(vae_registry, picture):
    pipeline = vae_registry.get("toys-vae")
    found = morph(vae_registry, "toys-vae", picture, 9, "")
    assert len(found.frames) == STEPS
    assert found.frames[0].tobytes() == pipeline.reconstruct(picture).images[0].tobytes()
    assert found.frames[-1].tobytes() == pipeline(seed=9).images[0].tobytes()
    assert found.labels == [pipeline.reconstruct(picture).labels[0], pipeline(seed=9).labels[0]]
    assert [len(code) for code in found.codes] == [12, 12]
    assert set(morph(vae_registry, "toys-vae", picture, 9, "Star").labels) == {"Star"}
    assert morph(vae_registry, "paint", 1, 2, "").labels == [None, None]


def test_the_browser_gets_all_frames_on_a_strip(vae_registry, picture):
    asked = {
        "model": "toys-vaegan",
        "a": {"picture": as_text(picture), "invert": False},
        "b": {"seed": 9},
        "label": "",
    }
    value = json.loads(json.dumps(morph_value(vae_registry, asked, EN)))
    strip = np.asarray(from_text(value["strip"])).reshape(STEPS, 16, 16)
    frames = morph(vae_registry, "toys-vaegan", picture, 9, "").frames
    assert np.array_equal(strip, np.stack([np.asarray(frame) for frame in frames]))
    assert from_text(value["ends"][0]["taken"]).tobytes() == picture.tobytes()
    assert value["ends"][1]["taken"] is None


def test_a_picture_on_paper_is_inverted_for_a_model_of_the_dark(vae_registry, monkeypatch):
    pipeline = vae_registry.get("toys-vae")
    light, dark = Image.new("L", (40, 30), 250), Image.new("RGB", (30, 40), 5)
    for background, image, other in ((0, light, dark), (255, dark, light)):
        shown = [Image.new("L", (16, 16), background)]
        monkeypatch.setattr("gan.studio.morph.generate.examples", lambda _, shown=shown: (shown, [None]))
        fitted, inverted = fit_upload(pipeline, image, None)
        assert inverted and is_dark([fitted]) == is_dark(shown)
        assert not fit_upload(pipeline, other, None)[1]
        kept, inverted = fit_upload(pipeline, image, False)
        assert not inverted and ImageOps.invert(kept).tobytes() == fitted.tobytes()
    assert not fit_upload(vae_registry.get("paint"), light, None)[1]  # colours mean something


def test_a_morph_as_a_file(vae_registry):
    file = morph_file(vae_registry, {"model": "toys-vae", "a": {"seed": 3}, "b": {"seed": 4}, "label": ""}, EN)
    assert (file["type"], file["name"]) == ("image/gif", "toys-vae_seed-3_to_seed-4.gif")
    first = np.asarray(morph(vae_registry, "toys-vae", 3, 4, "").frames[0])
    assert np.array_equal(np.asarray(from_text(file["data"]).convert("L"))[::21, ::21], first)


def test_what_a_browser_must_know_of_a_model(vae_registry):
    facts = opening(vae_registry, "toys-vaegan", EN)
    assert (facts["width"], facts["height"], facts["animation"]) == (16, 16, "gif")
    assert [example["label"] for example in facts["examples"]] == [
        "Circle",
        "Circle",
        "Square/box",
        "Square/box",
        "Star",
        "Star",
    ]
    assert len(opening(vae_registry, "paint", EN)["examples"]) == EXAMPLES
    with pytest.raises(GANError, match="has no encoder"):
        opening(vae_registry, "toys-gan", EN)


@pytest.mark.parametrize(
    "end", [{"seed": -1}, {"seed": 1.5}, {"seed": "7"}, {"seed": None}, {"picture": "?"}, {"picture": None}, {}]
)
def test_an_end_that_cannot_be_is_said(vae_registry, end):
    for a, b in ((end, {"seed": 1}), ({"seed": 1}, end)):
        with pytest.raises(GANError):
            morph_value(vae_registry, {"model": "toys-vae", "a": a, "b": b, "label": ""}, EN)
