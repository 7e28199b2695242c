"""Fonts of a seed: outlines of pictures, and a TrueType file that other programs open."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fontTools import ttLib
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gan import GANError, ImagePipeline
from gan.export import fonts
from gan.export.__main__ import main
from gan.export.outlines import TOLERANCE, edges, outlines, without_specks

SIDE, FINE = 64, 16  # pixels, and how much finer a test draws before it averages


def drawn(draw: Callable[[ImageDraw.ImageDraw, int], None]) -> Tensor:
    """A picture (64, 64) of shares of ink, from a drawing in 16 times as many pixels."""
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    draw(ImageDraw.Draw(canvas), FINE)
    array = np.asarray(canvas, dtype=np.float32).reshape(SIDE, FINE, SIDE, FINE).mean((1, 3)) / 255
    return torch.from_numpy(array)


def bars(*boxes: tuple[float, float, float, float]) -> Tensor:
    """Upright rectangles, each (left, top, right, bottom) in pixels."""

    def draw(canvas: ImageDraw.ImageDraw, scale: int) -> None:
        for left, top, right, bottom in boxes:
            canvas.rectangle((left * scale, top * scale, right * scale - 1, bottom * scale - 1), fill=255)

    return drawn(draw)


def test_a_box_has_four_sharp_corners_at_their_places() -> None:
    (outline,) = outlines(bars((20.25, 10.5, 40.75, 50.0)))
    assert outline.on_curve.all() and len(outline.points) == 4
    wanted = np.array([[20.25, 10.5], [40.75, 10.5], [40.75, 50.0], [20.25, 50.0]])
    distances = np.linalg.norm(outline.points[:, None] - wanted, axis=2)
    assert distances.min(0).max() < 0.2


def test_a_ring_is_two_smooth_curves_that_run_in_opposite_directions() -> None:
    def draw(canvas: ImageDraw.ImageDraw, scale: int) -> None:
        for radius, grey in ((20, 255), (12, 0)):
            box = [(side + sign * radius) * scale for sign in (-1, 1) for side in (31.3, 33.1)]
            canvas.ellipse(box, fill=grey)

    ring = drawn(draw)
    curves = outlines(ring)
    assert len(curves) == 2 and not any(curve.on_curve.any() for curve in curves)
    for curve, edge in zip(curves, edges(ring)):
        assert len(curve.points) < 20
        radii = np.linalg.norm(edge - edge.mean(0), axis=1)
        assert radii.std() < TOLERANCE and np.allclose(edge.mean(0), (31.3, 33.1), atol=0.1)
    assert sorted(round(np.linalg.norm(edge - edge.mean(0), axis=1).mean()) for edge in edges(ring)) == [12, 20]


def test_specks_and_empty_pictures_have_no_outline() -> None:
    assert outlines(torch.zeros(SIDE, SIDE)) == []
    assert outlines(bars((30, 30, 30.7, 30.7))) == []
    stem, dot, speck = (30, 24, 33, 50), (30, 18, 33, 21), (45, 44, 46, 46)
    pictures = torch.stack([bars(stem, dot, speck), torch.zeros(SIDE, SIDE)])
    assert without_specks(pictures).equal(torch.stack([bars(stem, dot), torch.zeros(SIDE, SIDE)]))


def letters() -> dict[str, Tensor]:
    """H, I, n and p of bars, with a cap height of 36 pixels above row 50 and an x-height of 24."""
    return {
        "H": bars((15, 14, 20, 50), (20, 29, 40, 34), (40, 14, 45, 50)),
        "I": bars((30, 14, 35, 50)),
        "n": bars((20, 26, 25, 50), (25, 26, 35, 31), (35, 26, 40, 50)),
        "p": bars((20, 26, 25, 60), (25, 26, 35, 31), (35, 26, 40, 50), (25, 45, 35, 50)),
    }


def test_a_font_opens_elsewhere_and_draws_what_it_was_made_of() -> None:
    made = letters()
    data, written = fonts.font(torch.stack(list(made.values())), list(made), "Bars 3", "Made by a test.")
    assert written == "HIhinp"  # "n" and "p" as they are, "h" and "i" as their capitals
    table = ttLib.TTFont(io.BytesIO(data))
    assert table["head"].unitsPerEm == 1000 and table["OS/2"].sCapHeight == 700
    assert str(table["name"].getName(1, 3, 1, 0x409)) == "Bars 3"
    assert str(table["name"].getName(13, 3, 1, 0x409)) == "Made by a test."
    assert {32, 160, *map(ord, "HInp")} <= set(table.getBestCmap())
    font = ImageFont.truetype(
        io.BytesIO(data), 514
    )  # 36 / 0.7, ten times: capitals are ten times as tall as they were
    for character, picture in made.items():
        canvas = Image.new("L", (800, 800))
        ImageDraw.Draw(canvas).text((200, 500), character, 255, font, anchor="ls")
        left, top, right, bottom = canvas.getbbox() or (0, 0, 0, 0)
        inked = (picture > 0.5).nonzero()
        height, width = (10 * (inked.amax(0) - inked.amin(0) + 1)).tolist()
        assert (right - left, bottom - top) == (pytest.approx(width, abs=8), pytest.approx(height, abs=8))
        assert bottom == pytest.approx(600 if character == "p" else 500, abs=6)
    assert font.getlength("n ") > font.getlength("n") > font.getbbox("n")[2] - font.getbbox("n")[0]
    assert data == fonts.font(torch.stack(list(made.values())), list(made), "Bars 3", "Made by a test.")[0]


def test_capitals_stand_in_for_missing_lower_case() -> None:
    made = {name: letters()[name] for name in "HI"}
    data, written = fonts.font(torch.stack(list(made.values())), list(made), "Capitals")
    assert written == "HIhi"
    cmap = ttLib.TTFont(io.BytesIO(data)).getBestCmap()
    assert cmap[ord("h")] == cmap[ord("H")]


def test_dark_letters_on_light_are_ink_as_well() -> None:
    samples = torch.stack(list(letters().values()))[:, None] * 2 - 1
    assert torch.allclose(fonts.ink(samples), fonts.ink(-samples))


def test_pictures_without_ink_are_refused() -> None:
    with pytest.raises(GANError, match=r"^Only 1 of 3 characters have any ink; choose another seed\.$"):
        fonts.font(torch.stack([letters()["H"], torch.zeros(SIDE, SIDE), torch.zeros(SIDE, SIDE)]), "HIJ", "Empty")


@pytest.fixture
def model(make_pipeline: Callable[..., ImagePipeline], tmp_path: Path) -> Path:
    """A model of characters on disk."""
    pipeline = make_pipeline(resolution=(32, 32), image_channels=1, labels=list("ABab"))
    pipeline.training_record = {"dataset": {"name": "user/faces"}, "arguments": {"license": "ofl-1.1"}}
    pipeline.save_pretrained(tmp_path / "letters")
    return tmp_path / "letters"


def test_the_command_writes_the_font_of_a_seed(
    model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(model), "--format", "ttf", "--seed", "7"]) == 0
    assert "letters-7.ttf" in capsys.readouterr().out
    table = ttLib.TTFont(tmp_path / "letters-7.ttf")
    assert str(table["name"].getName(4, 3, 1, 0x409)) == "Letters 7"
    assert "user/faces" in str(table["name"].getName(13, 3, 1, 0x409))
    first = (tmp_path / "letters-7.ttf").read_bytes()
    assert main([str(model), "--format", "ttf", "--seed", "7", "--output", "again/letters.ttf"]) == 0
    assert (tmp_path / "again/letters.ttf").read_bytes() == first
    assert main([str(model), "--format", "ttf", "--seed", "8", "--output", "other.ttf"]) == 0
    assert (tmp_path / "other.ttf").read_bytes() != first


def test_codes_take_the_place_of_a_seed(model: Path, tmp_path: Path) -> None:
    pipeline = ImagePipeline.from_pretrained(model)
    codes = fonts.character_codes(pipeline, 7)
    made = [fonts.write_font(pipeline, tmp_path / f"{k}.ttf", 7, codes=c) for k, c in enumerate((None, codes))]
    assert made[0]["characters"] == made[1]["characters"] == "ABab"
    assert (tmp_path / "0.ttf").read_bytes() == (tmp_path / "1.ttf").read_bytes()
    with pytest.raises(GANError, match=r"^Codes of 2 characters were given; this model has 4\.$"):
        fonts.write_font(pipeline, tmp_path / "2.ttf", codes=codes[:2])


BAD = {
    "classes that are no characters": (["names"], "the classes of this model are Ada, Bob, Cleo, ...;"),
    "no classes": (["nameless"], "the classes of this model do not exist;"),
    "colour": (["colour"], "A font has no colours, and this model draws in colour;"),
    "a flag of graphs": (["letters", "--half"], "--half has no effect on a font; leave it out."),
    "a seed that is none": (["letters", "--seed", str(2**40)], "is not a whole number from 0 to"),
    "truncation": (["letters", "--truncation", "2"], "A truncation of 2.0 cannot be used;"),
    "a file in the way": (["letters", "--output", "letters/README.md/a.ttf"], "could not be written to"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(
    name: str,
    model: Path,
    make_pipeline: Callable[..., ImagePipeline],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(model.parent)
    make_pipeline(image_channels=1).save_pretrained("names")
    make_pipeline(image_channels=1, labels=None).save_pretrained("nameless")
    make_pipeline(labels=list("abc")).save_pretrained("colour")
    words, sentence = BAD[name]
    assert main([*words, "--format", "ttf"]) == 2
    error = capsys.readouterr().err.split("\n")[-2]
    assert error.startswith("error: ") and sentence in error and error.endswith(".")


def test_a_seed_is_of_fonts_only(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(model), "--seed", "3"]) == 2
    assert "--seed is of a font" in capsys.readouterr().err


def test_missing_packages_are_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "contourpy", None)
    with pytest.raises(GANError, match=r"pip install fonttools==[\d.]+ contourpy"):
        fonts.write_font(ImagePipeline.from_pretrained(model), tmp_path / "a.ttf")
