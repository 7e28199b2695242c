"""What the tabs beside the first show: morphs, animations, comparisons."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image, ImageOps, ImageSequence

from gan import GANError
from gan.studio.compare.generate import COUNT, compared_facts, compared_pictures
from gan.studio.compare.models import comparisons
from gan.studio.model_info import has_component, objective
from gan.studio.morph.generate import (
    EXAMPLES,
    STEPS,
    animation,
    fit_upload,
    is_dark,
    morph,
    morph_file,
    morph_value,
    opening,
)
from gan.studio.registry import Registry
from gan.studio.strings import EN, ZH


def as_text(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def from_text(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.fixture
def picture(relatives):
    return relatives.get("toys-gan")(seed=5).images[0]


def test_a_morph_goes_from_one_end_to_the_other(relatives, picture):
    pipeline = relatives.get("toys-vae")
    found = morph(relatives, "toys-vae", picture, 9, "")
    assert len(found.frames) == STEPS
    assert found.frames[0].tobytes() == pipeline.reconstruct(picture).images[0].tobytes()
    assert found.frames[-1].tobytes() == pipeline(seed=9).images[0].tobytes()
    assert found.labels == [pipeline.reconstruct(picture).labels[0], pipeline(seed=9).labels[0]]
    assert [len(code) for code in found.codes] == [12, 12]
    assert set(morph(relatives, "toys-vae", picture, 9, "Star").labels) == {"Star"}
    assert morph(relatives, "paint", 1, 2, "").labels == [None, None]


def test_the_browser_gets_all_frames_on_a_strip(relatives, picture):
    asked = {
        "model": "toys-vaegan",
        "a": {"picture": as_text(picture), "invert": False},
        "b": {"seed": 9},
        "label": "",
    }
    value = json.loads(json.dumps(morph_value(relatives, asked, EN)))
    strip = np.asarray(from_text(value["strip"])).reshape(STEPS, 16, 16)
    frames = morph(relatives, "toys-vaegan", picture, 9, "").frames
    assert np.array_equal(strip, np.stack([np.asarray(frame) for frame in frames]))
    assert from_text(value["ends"][0]["taken"]).tobytes() == picture.tobytes()
    assert value["ends"][1]["taken"] is None


def test_a_picture_on_paper_is_inverted_for_a_model_of_the_dark(relatives, monkeypatch):
    pipeline = relatives.get("toys-vae")
    light, dark = Image.new("L", (40, 30), 250), Image.new("RGB", (30, 40), 5)
    for background, image, other in ((0, light, dark), (255, dark, light)):
        shown = [Image.new("L", (16, 16), background)]
        monkeypatch.setattr("gan.studio.morph.generate.examples", lambda _, shown=shown: (shown, [None]))
        fitted, inverted = fit_upload(pipeline, image, None)
        assert inverted and is_dark([fitted]) == is_dark(shown)
        assert not fit_upload(pipeline, other, None)[1]
        kept, inverted = fit_upload(pipeline, image, False)
        assert not inverted and ImageOps.invert(kept).tobytes() == fitted.tobytes()
    assert not fit_upload(relatives.get("paint"), light, None)[1]  # colours mean something


@pytest.mark.parametrize(("model", "kind"), [("toys-vae", "gif"), ("paint", "webp")])
def test_an_animation_is_exact_enlarged_and_plays_for_ever(relatives, model, kind):
    asked = {"model": model, "a": {"seed": 3}, "b": {"seed": 4}, "label": ""}
    file = morph_file(relatives, asked, EN)
    assert (file["type"], file["name"]) == (f"image/{kind}", f"{model}_seed-3_to_seed-4.{kind}")
    animated = from_text(file["data"])
    assert animated.size == (336, 336) and animated.info["loop"] == 0
    frames = morph(relatives, model, 3, 4, "").frames
    played = [frame.convert(frames[0].mode) for frame in ImageSequence.Iterator(animated)]
    kept = [np.asarray(frame)[::21, ::21] for frame in played]
    assert np.array_equal(kept[0], np.asarray(frames[0]))
    assert any(np.array_equal(frame, np.asarray(frames[-1])) for frame in kept)
    assert all(np.array_equal(np.asarray(frame), np.kron(small, np.ones((21, 21) + (1,) * (small.ndim - 2), np.uint8)))
               for frame, small in zip(played, kept, strict=True))  # fmt: skip


def test_an_animation_rests_at_its_ends():
    frames = [Image.new("L", (8, 12), 80 * k) for k in range(3)]
    data, _ = animation(frames)
    animated = Image.open(io.BytesIO(data))
    assert animated.size == (224, 336)
    times = [frame.info["duration"] for frame in ImageSequence.Iterator(animated)]
    assert times == [600, 50, 600, 50]


def test_what_a_browser_must_know_of_a_model(relatives):
    facts = opening(relatives, "toys-vaegan")
    assert (facts["width"], facts["height"], facts["grey"]) == (16, 16, True)
    assert [example["label"] for example in facts["examples"]] == [
        "Circle",
        "Circle",
        "Square/box",
        "Square/box",
        "Star",
        "Star",
    ]
    assert len(opening(relatives, "paint")["examples"]) == EXAMPLES
    with pytest.raises(GANError, match="has no encoder"):
        opening(relatives, "toys-gan")


@pytest.mark.parametrize(
    "end", [{"seed": -1}, {"seed": 1.5}, {"seed": "7"}, {"seed": None}, {"picture": "?"}, {"picture": None}, {}]
)
def test_an_end_that_cannot_be_is_said(relatives, end):
    for a, b in ((end, {"seed": 1}), ({"seed": 1}, end)):
        with pytest.raises(GANError):
            morph_value(relatives, {"model": "toys-vae", "a": a, "b": b, "label": ""}, EN)


def test_encoders_and_objectives_are_known_before_anything_is_loaded(relatives, family, tmp_path):
    assert [has_component(source, "encoder") for source in relatives.offered.values()] == [True, False, True, True]
    assert list(relatives.offered) == ["paint", "toys-gan", "toys-vae", "toys-vaegan"]
    assert [objective(source) for source in relatives.offered.values()] == ["vae", "gan", "vae", "vaegan"]
    assert not has_component("nobody/never-fetched", "encoder") and objective("nobody/never-fetched") is None
    assert comparisons(relatives) == {"toys": {"gan": "toys-gan", "vae": "toys-vae", "vaegan": "toys-vaegan"}}
    assert comparisons(Registry({name: str(family / name) for name in ("toys-vae", "paint")})) == {}
    (tmp_path / "training.json").write_text("[")
    (tmp_path / "model_index.json").write_text("[]")
    assert comparisons(Registry({"damaged": str(tmp_path)})) == {}
    assert not has_component(str(tmp_path), "encoder")


def test_models_of_equal_training_are_compared(tmp_path):
    trained = {"short": ("gan", 900), "long": ("gan", 9000), "vae": ("vae", 8000), "old": ("gan", None)}
    for name, (trained_as, seconds) in trained.items():
        (tmp_path / name).mkdir()
        record = {"dataset": {"name": "toys"}, "seconds": seconds, "arguments": {"objective": trained_as}}
        (tmp_path / name / "training.json").write_text(json.dumps(record))
        (tmp_path / name / "model_index.json").write_text('{"_class_name": "ImagePipeline"}')
    offered = {name: str(tmp_path / name) for name in trained}
    assert comparisons(Registry(offered)) == {"toys": {"gan": "long", "vae": "vae"}}


def test_the_same_seeds_are_compared(relatives):
    models = ["toys-gan", "toys-vae"]
    columns = compared_pictures(relatives, models, 4, 0.8, "Star")
    for model, column in zip(models, columns, strict=True):
        direct = relatives.get(model)(seed=4, num_images=COUNT, truncation=0.8, label="Star")
        assert [from_text(text).tobytes() for text in column["pictures"]] == [i.tobytes() for i in direct.images]
        assert (column["seeds"], column["labels"]) == (direct.seeds, direct.labels)
    with pytest.raises(GANError, match="There is no label"):
        compared_pictures(relatives, models, 4, 0.8, "Cube")


def test_what_was_measured_is_compared(relatives):
    rows = compared_facts(relatives, ["toys-gan", "toys-vae", "toys-vaegan"], EN)
    by_name = {row["name"]: row for row in rows}
    distance = by_name["Fréchet distance (toy features)"]
    assert distance["cells"] == ["2.5", "7.25", "3"] and distance["best"] == 0
    assert distance["note"] == "lower is better, real pictures 0.5"
    assert by_name["Reconstruction error"]["cells"] == ["–", "0.01", "0.02"]
    assert by_name["Reconstruction error"]["best"] == 1
    assert by_name["Precision (toy features)"]["best"] is None  # there is nothing to compare it with
    assert by_name["Training"]["cells"] == ["1 min"] * 3
    assert "弗雷歇距离 (toy features)" in [row["name"] for row in compared_facts(relatives, ["toys-gan"], ZH)]
