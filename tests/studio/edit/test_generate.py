"""Edited pictures for the page and the API."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from gan import GANError
from gan.studio.directions import direction_rows
from gan.studio.edit.generate import (
    COLUMNS,
    ROWS,
    VARIATIONS,
    Base,
    drag,
    drag_value,
    edited_value,
    in_queue,
    invert,
    invert_value,
    mixtures_value,
    variations_value,
)
from gan.studio.images.generate import png_base64
from gan.studio.strings import EN, ZH

STATE = {
    "model": "shapes",
    "seed": 7,
    "label": "Star",
    "truncation": 0.8,
    "critic_steps": 0,
    "edits": {},
    "codes": "",
    "origin": "",
}
MORE = {"reach": 0.5, "batch": 0, "layers": "fine", "row_seed": 40, "column_seed": 100}


def pixels(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))).astype(int)


def test_without_edits_a_picture_is_that_of_its_seed(registry):
    value = edited_value(registry, {**STATE, "before": True})
    (direct,) = registry.get("shapes")(seed=7, label="Star", truncation=0.8).images
    assert np.array_equal(pixels(value["png"]), np.asarray(direct))
    assert value["before"] == value["png"]
    assert value["label"] == "Star" and value["file"] == "shapes_seed-7_Star_psi-0.8.png"


def test_a_model_without_directions_gets_those_of_its_weights(registry):
    pipeline = registry.get("shapes")
    rows = direction_rows(pipeline, EN)
    assert [row["title"] for row in rows] == [f"Component {k}" for k in range(1, 7)]
    assert direction_rows(pipeline, ZH)[0]["title"] == "成分 1"
    assert all(vector.shape == pipeline.code_shape for vector in pipeline.usable_directions().vectors.values())


def test_directions_that_do_what_they_are_called_come_first(pipeline):
    pipeline.find_directions(num_samples=60, num_scored=8)
    rows = direction_rows(pipeline, ZH)
    assert [row["source"] for row in rows] == sorted(
        (row["source"] for row in rows), key=["measured", "class", "sefa"].index
    )
    assert {"亮度", "宽度", "趋向 Ada", "成分 1"} <= {row["title"] for row in rows}
    records = pipeline.usable_directions().records
    worth = [records[row["name"]] for row in rows if row["source"] == "measured"]
    worth = [one["monotone"] * one["effect"] - one["leakage"] for one in worth]
    assert worth == sorted(worth, reverse=True)


def test_a_slider_changes_the_picture_and_not_what_was_before(registry):
    plain = edited_value(registry, STATE)
    value = edited_value(registry, {**STATE, "edits": {"component 1": 2.5}, "before": True})
    assert value["png"] != plain["png"] == value["before"]
    assert value["file"] == "shapes_seed-7_Star_psi-0.8_edited.png"


@pytest.mark.parametrize("edits", [{}, {"component 1": 1.5, "component 3": -1.0}])
@pytest.mark.parametrize(("make", "count"), [(variations_value, VARIATIONS), (mixtures_value, ROWS * COLUMNS)])
def test_what_is_chosen_is_what_was_shown(registry, make, count, edits):
    value = make(registry, {**STATE, **MORE, "edits": edits})
    assert len(value["pictures"]) == count
    for picture in value["pictures"][:: count // 4]:
        chosen = edited_value(registry, {**STATE, "edits": edits, "codes": picture["codes"]})
        assert chosen["png"] == picture["png"]


def test_variations_go_as_far_as_asked(registry):
    near, far = (variations_value(registry, {**STATE, **MORE, "reach": reach})["pictures"] for reach in (0.1, 1.5))
    start = pixels(edited_value(registry, STATE)["png"])
    change = [np.mean([np.abs(pixels(one["png"]) - start).mean() for one in some]) for some in (near, far)]
    assert change[0] < change[1]
    again = variations_value(registry, {**STATE, **MORE, "batch": 1, "reach": 0.1})["pictures"]
    assert again != near


def test_a_drag_keeps_the_sliders(registry):
    settings = {**STATE, "edits": {"component 2": 1.0}, "handles": [[4, 4]], "targets": [[9, 6]], "steps": 3}
    value = drag_value(registry, settings)
    shown = edited_value(registry, {**settings, "codes": value["codes"]})
    assert shown["png"] == value["png"]
    assert np.shape(value["handles"]) == (1, 2)
    assert value["png"] != edited_value(registry, settings)["png"]


def test_a_drag_that_goes_on_is_the_drag_in_one(registry):
    pipeline, edits = registry.get("shapes"), {"component 2": 1.0}
    settings = {**STATE, "edits": edits, "handles": [[4.0, 4.0]], "targets": [[12.0, 9.0]], "steps": 3}
    since = {"codes": "", "handles": settings["handles"]}
    for _ in range(3):
        value = drag_value(registry, {**settings, "since": since})
        settings |= {"codes": value["codes"], "handles": value["handles"]}
    base = Base(seed=7, label="Star", truncation=0.8)
    whole = drag(registry, "shapes", base, edits, [[4.0, 4.0]], [[12.0, 9.0]], 9)
    assert np.allclose(value["handles"], whole.handles, atol=1e-3)
    assert np.abs(pixels(value["png"]) - np.asarray(pipeline.draw(whole.codes).images[0])).max() <= 2


def test_a_drag_in_parts_is_that_of_the_pipeline(registry):
    pipeline = registry.get("shapes")
    steps = list(pipeline.drag(7, [(4, 4)], [(12, 12)], steps=23))
    result = drag(registry, "shapes", Base(7), {}, [(4, 4)], [(12, 12)], 23)
    assert torch.equal(result.codes, steps[-1].codes)


def test_sixteen_who_drag_at_once_get_what_each_gets_alone(registry):
    def dragged(seed):
        return drag(registry, "shapes", Base(seed), {}, [(4, 4)], [(12, 12)], 12).codes

    alone = [dragged(seed) for seed in range(16)]
    with ThreadPoolExecutor(16) as users:
        together = list(users.map(dragged, range(16)))
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


def test_a_picture_is_inverted_and_can_be_edited(registry):
    mine = Image.linear_gradient("L").convert("RGB").resize((40, 30))
    settings = {"model": "shapes", "picture": png_base64(mine), "invert": False, "steps": 12}
    value = invert_value(registry, settings, EN)
    fitted = pixels(value["fitted"])
    assert fitted.shape == (16, 16, 3)
    shown = edited_value(registry, {**STATE, "codes": value["codes"], "origin": "picture", "before": True})
    assert shown["before"] == shown["png"] and shown["file"] == "shapes_picture_psi-0.8_edited.png"
    start, end = (invert(registry, "shapes", mine, steps).losses[-1] for steps in (0, 12))
    assert end < start


def test_an_optimisation_ends_with_its_last_step():
    assert in_queue(lambda: iter(range(25))) == 24
    assert in_queue(lambda: iter(range(20))) == 19


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"edits": {"beauty": 1.0}}, "There is no direction 'beauty'; this model has component 1"),
        ({"edits": {"component 1": 99}}, "A strength of 99"),
        ({"edits": {"component 1": float("nan")}}, "A strength of nan"),
        ({"codes": "nonsense"}, "These codes cannot be read"),
        ({"label": "Cube"}, "There is no label 'Cube'"),
        ({"seed": -1}, "is not a whole number from 0"),
        ({"critic_steps": 3}, "This model has no discriminator"),
        ({"critic_steps": 1000}, "1000 critic steps cannot be taken"),
    ],
)
def test_what_cannot_be_edited_is_said(registry, change, refusal):
    with pytest.raises(GANError, match=refusal):
        edited_value(registry, {**STATE, **change})


@pytest.mark.parametrize(
    ("handles", "refusal"),
    [
        ([[99, 4]], "outside the image"),
        ([[4, 4]] * 100, "100 handles"),
        ([], "list of handles"),
        ([["a", 1]], "points"),
    ],
)
def test_what_cannot_be_dragged_is_said(registry, handles, refusal):
    with pytest.raises(GANError, match=refusal):
        drag_value(registry, {**STATE, "handles": handles, "targets": handles, "steps": 3})


@pytest.mark.parametrize("change", [{"reach": 9}, {"batch": -1}, {"reach": float("nan")}])
def test_variations_out_of_range_are_refused(registry, change):
    with pytest.raises(GANError):
        variations_value(registry, {**STATE, **MORE, **change})


def test_layers_that_there_are_not_are_refused(registry):
    with pytest.raises(GANError, match="choose coarse, middle, fine"):
        mixtures_value(registry, {**STATE, **MORE, "layers": "finest"})
