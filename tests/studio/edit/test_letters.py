"""Words in the letters of one seed."""

import base64

import numpy as np
import pytest
import torch

from gan.errors import GANError
from gan.image.typesetting import glyphs, set_text
from gan.studio.codes import codes_text
from gan.studio.edit.generate import Base
from gan.studio.edit.letters import MAX_TEXT, Alphabet, alphabet_of, font_value, letter_codes, typed, typed_value


@pytest.fixture
def model(type_registry):
    return type_registry.get("type")


def drawn(pipeline, seed, *labels, psi=1.0):
    """The glyphs that the pipeline draws of a seed in some classes."""
    codes = [pipeline.codes_of(seed, label, psi) for label in labels]
    return glyphs(pipeline.draw_samples(torch.cat(codes)))


def test_only_columns_of_single_characters_are_alphabets(type_registry):
    assert alphabet_of(type_registry.get("type")) == Alphabet(0, ["A", "b", "c", "7", "Z"])
    assert alphabet_of(type_registry.get("styles")).column == 1
    assert alphabet_of(type_registry.get("tiles")) is None
    assert Alphabet(0, [*"abc"]).specimen == "abc"
    assert Alphabet(0, [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]).specimen == "Hamburgefonstiv"


def test_a_word_is_one_latent_in_several_classes(model):
    result = typed(model, Base(7, truncation=0.8), {}, "cA c")
    big, small = drawn(model, 7, "A", "c", psi=0.8)
    assert result.drawn == 2 and not result.missing
    meant = set_text("cA c", {"A": big, "c": small}, 16)
    assert np.abs(np.asarray(result.picture, int) - np.asarray(meant, int)).max() <= 1


def test_other_cases_stand_in_and_what_there_is_not_is_said(model):
    result = typed(model, Base(7), {}, "aBé!é")
    assert result.missing == ["é", "!"] and result.drawn == 2
    nothing = typed(model, Base(7), {}, "??")
    assert nothing.missing == ["?"] and nothing.drawn == 0 and nothing.picture.width > 0


def test_without_a_text_there_is_a_specimen(model):
    empty, given = typed(model, Base(7), {}, "  "), typed(model, Base(7), {}, "Abc7Z")
    assert np.array_equal(np.asarray(empty.picture), np.asarray(given.picture))


def test_sliders_move_all_letters(model):
    plain, moved = (typed(model, Base(7), edits, "A") for edits in ({}, {"component 1": 3.0}))
    assert (
        plain.picture.size != moved.picture.size
        or np.asarray(plain.picture).tolist() != np.asarray(moved.picture).tolist()
    )


def test_other_columns_keep_their_class(type_registry):
    pipeline = type_registry.get("styles")
    alphabet = alphabet_of(pipeline)
    codes = letter_codes(pipeline, Base(7, "style=square"), alphabet, [4, 0])
    meant = torch.cat([pipeline.codes_of(7, {"style": "square", "letter": name}) for name in ("Z", "A")])
    torch.testing.assert_close(codes, meant)


@pytest.mark.parametrize("name", ["type", "styles"])
def test_codes_of_a_letter_give_the_others_in_its_style(type_registry, name):
    pipeline = type_registry.get(name)
    label = {"type": "b", "styles": "style=round, letter=b"}[name]
    text = codes_text(pipeline, pipeline.codes_of(7, label))
    alphabet = alphabet_of(pipeline)
    found = letter_codes(pipeline, Base(7, "" if name == "type" else label, codes=text), alphabet, [0, 1, 4])
    meant = letter_codes(pipeline, Base(7, "" if name == "type" else label), alphabet, [0, 1, 4])
    torch.testing.assert_close(found, meant, atol=2e-3, rtol=0)


def test_the_page_gets_a_picture_and_its_size(type_registry):
    settings = {"model": "type", "seed": 7, "truncation": 1.0, "label": "", "edits": {}, "text": "A c", "aspect": 0.5}
    value = typed_value(type_registry, settings)
    assert value["height"] == 32 and value["drawn"] == 2 and value["missing"] == []
    assert value["file"] == "type_seed-7_A-c_psi-1.png"


def test_a_font_has_the_letters_that_the_sliders_show(type_registry):
    settings = {"model": "type", "seed": 7, "truncation": 1.0, "label": "", "edits": {}}
    value = font_value(type_registry, settings)
    assert value["file"] == "Type-7.ttf" and base64.b64decode(value["data"])[:4] == b"\x00\x01\x00\x00"
    moved = font_value(type_registry, settings | {"edits": {"component 1": 3.0}})
    assert moved["data"] != value["data"]
    with pytest.raises(GANError, match="A font needs one class for each character"):
        font_value(type_registry, settings | {"model": "tiles"})


@pytest.mark.parametrize(
    ("name", "text", "aspect", "refusal"),
    [
        ("tiles", "A", None, "Only a model whose classes are single characters"),
        ("type", "A" * (MAX_TEXT + 1), None, "at most 200 characters"),
        ("type", "A", float("nan"), "An aspect of nan"),
        ("type", "A", 0.001, "An aspect of 0.001"),
    ],
)
def test_what_cannot_be_set_is_said(type_registry, name, text, aspect, refusal):
    with pytest.raises(GANError, match=refusal):
        typed(type_registry.get(name), Base(7), {}, text, aspect)
