"""Words set in drawn letters."""

import numpy as np
import pytest
import torch

from gan.image.typesetting import absent_glyph, broken, glyphs, set_text


def letter(first: int, last: int, ink: float = 1.0, ground: float = -1.0) -> torch.Tensor:
    """(1, 10, 20): a bar from one column to another, four rows high."""
    image = torch.full((1, 10, 20), ground)
    image[:, 3:7, first : last + 1] = ink
    return image


def test_letters_are_cut_to_their_ink_whatever_is_light() -> None:
    white, black = glyphs(torch.stack([letter(4, 9), letter(4, 9, -1, 1)]))
    assert white.shape == (10, 8, 4)  # a column more on either side
    assert np.array_equal(white, black)
    assert (white[..., :3] == 0).all()
    assert white[5, :, 3].tolist() == [0, 255, 255, 255, 255, 255, 255, 0] and white[0, :, 3].max() == 0


def test_faint_columns_are_no_ink_and_an_empty_picture_has_room() -> None:
    smeared = letter(8, 11)
    smeared[:, :, :6] = -0.8
    (cut,) = glyphs(smeared[None])
    assert cut.shape[1] == 6
    (empty,) = glyphs(torch.full((1, 1, 10, 20), -1.0))
    assert 0 < empty.shape[1] < 20 and empty[..., 3].max() == 0


def test_colours_stay() -> None:
    image = torch.full((3, 10, 20), 0.0)
    image[0, 3:7, 5:9] = 1.0
    (cut,) = glyphs(image[None])
    assert cut.shape == (10, 6, 4) and (cut[..., 3] == 255).all()
    assert cut[5, 2].tolist() == [255, 128, 128, 255]
    sheet = np.asarray(set_text("a a", {"a": cut}, 20))
    assert (sheet[0] == [128, 128, 128, 255]).all()


def test_advances_are_proportional_and_a_blank_is_fixed() -> None:
    wide, narrow = glyphs(torch.stack([letter(2, 15), letter(9, 10)]))
    letters = {"m": wide, "i": narrow}
    one, two = set_text("mi", letters, 20), set_text("m  i ", letters, 20)
    gap, blank = 2, 5
    assert (one.mode, one.height) == ("RGBA", 10)
    assert one.width == wide.shape[1] + gap + narrow.shape[1]
    assert two.width == wide.shape[1] + blank + narrow.shape[1]
    assert np.array_equal(np.asarray(one)[:, : wide.shape[1]], wide)
    assert np.asarray(one)[:, wide.shape[1] : wide.shape[1] + gap].max() == 0


def test_what_there_is_not_is_a_frame() -> None:
    frame = absent_glyph(10, 20)
    assert frame.shape == (10, 7, 4)
    assert frame[5, 0, 3] and not frame[5, 3, 3] and not frame[0].any()


@pytest.mark.parametrize(
    ("aspect", "lines"),
    [
        (None, [[0, 1, 2, 3]]),
        (20.0, [[0, 1, 2, 3]]),
        (3.0, [[0, 1], [2, 3]]),
        (0.5, [[0], [1], [2], [3]]),
    ],
)
def test_text_is_broken_to_be_as_large_as_possible(aspect: float | None, lines: list[list[int]]) -> None:
    assert broken([30, 30, 30, 30], 5, 20, aspect) == lines


def test_no_line_is_longer_than_the_longest_word_needs() -> None:
    assert broken([100, 10, 10], 5, 20, 1.0) == [[0], [1, 2]]
    sheet = set_text("a a a", {"a": glyphs(letter(4, 9)[None])[0]}, 20, 0.5)
    assert sheet.height == 30 and sheet.width == 8
