"""Directions on the page, and the names that users give them."""

import json

import pytest

from gan import GANError, GANPipeline
from gan.studio.directions import direction_rows, rename_direction
from gan.studio.edit.generate import edited_value
from gan.studio.registry import Registry, offered_models
from gan.studio.strings import EN


@pytest.fixture
def mine(make_pipeline, tmp_path):
    """A folder of a model with directions."""
    pipeline = make_pipeline()
    pipeline.find_directions(num_samples=100, num_scored=5)
    pipeline.save_pretrained(tmp_path / "mine")
    return tmp_path


def wanted(name, new):
    return {"model": "mine", "name": name, "wanted": new}


def test_a_name_is_kept_in_the_folder_of_the_model_and_the_old_one_holds(mine):
    registry = Registry(offered_models([str(mine / "mine")], bundled=mine), allow_paths=True)
    answer = rename_direction(registry, wanted("component 2", "  smile "), EN)
    first = answer["directions"][0]
    assert (first["name"], first["title"], first["formerly"]) == ("smile", "Smile", ["component 2"])
    loaded = GANPipeline.from_pretrained(mine / "mine")
    assert "smile" in loaded.directions.vectors
    settings = {"model": "mine", "seed": 7, "origin": ""}
    new, old = (edited_value(registry, {**settings, "edits": {name: 2.0}}) for name in ("smile", "component 2"))
    assert new["png"] == old["png"] != edited_value(registry, {**settings, "edits": {}})["png"]
    again = rename_direction(registry, wanted("smile", "grin"), EN)["directions"][0]
    assert again["formerly"] == ["component 2", "smile"]


def test_where_others_may_come_nothing_is_written(mine):
    registry = Registry(offered_models([str(mine / "mine")], bundled=mine))
    before = (mine / "mine" / "directions.json").read_text()
    assert rename_direction(registry, wanted("component 2", "smile"), EN) == {}
    assert (mine / "mine" / "directions.json").read_text() == before


@pytest.mark.parametrize(
    ("name", "new", "refusal"),
    [
        ("beauty", "smile", "There is no direction 'beauty'"),
        ("component 2", " ", "choose a name that is not taken"),
        ("component 2", "component 1", "choose a name that is not taken"),
        ("component 2", "x" * 41, "at most 40 letters"),
    ],
)
def test_names_that_cannot_be_are_said(mine, name, new, refusal):
    registry = Registry(offered_models([str(mine / "mine")], bundled=mine), allow_paths=True)
    with pytest.raises(GANError, match=refusal):
        rename_direction(registry, wanted(name, new), EN)
    assert "smile" not in json.loads((mine / "mine" / "directions.json").read_text())


def test_titles_of_what_has_a_word_of_its_own(mine):
    pipeline = GANPipeline.from_pretrained(mine / "mine")
    titles = {row["name"]: row["title"] for row in direction_rows(pipeline, EN)}
    assert titles["ink"] == "Weight" and titles["component 1"] == "Component 1"
