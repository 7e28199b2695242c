"""Words set in letters that a model draws one by one: each takes the room of its ink, as the letters of a font do."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from gan.image.attributes import background, distance_from_background
from gan.image.preprocessing import as_pixels

HAZE = 0.04  # share of full ink that a generator leaves on its ground, and takes from its strokes
INKED = 0.25  # share of full ink from which on a column belongs to a letter
# As shares of the width of a picture:
GAP = 0.08  # between the ink of two letters
SPACE = 0.26  # a blank
ABSENT = 0.34  # the frame that stands for a character that cannot be drawn


def glyphs(images: Tensor) -> list[np.ndarray]:
    """The letters in pictures, cut to the columns that have ink.

    Args:
        images: (n, 1 or 3, height, width) in [-1, 1].

    Returns:
        RGBA, uint8 (height, width of the ink, 4) each. Grey letters are black ink on nothing, whether they were drawn
        in white on black or in black on white; coloured ones keep their ground.
    """
    images = images.float().clamp(-1, 1)
    ground = background(images)
    share = distance_from_background(images) / (1 + ground.abs().amax(1))[:, None, None]
    ink = ((share - HAZE) / (1 - 2 * HAZE)).clamp(0, 1).numpy()
    if images.shape[1] == 1:
        opacity = (255 * ink).round().astype(np.uint8)[..., None]
        tiles = np.concatenate([np.zeros((*ink.shape, 3), np.uint8), opacity], axis=3)
    else:
        colours = as_pixels(images).permute(0, 2, 3, 1).numpy()
        tiles = np.concatenate([colours, np.full((*ink.shape, 1), 255, np.uint8)], axis=3)
    return [tile[:, _inked(columns)] for tile, columns in zip(tiles, (ink > INKED).any(axis=1))]


def _inked(columns: np.ndarray) -> slice:
    """From the first to the last column with ink, and one more on either side, where it fades."""
    found = np.flatnonzero(columns)
    if not len(found):
        return slice(len(columns) // 3, 2 * len(columns) // 3)
    return slice(max(0, int(found[0]) - 1), int(found[-1]) + 2)


def absent_glyph(height: int, width: int) -> np.ndarray:
    """The frame that stands for a character that cannot be drawn, as a glyph; of pictures of this size."""
    frame: np.ndarray = np.zeros((height, max(3, round(ABSENT * width)), 4), np.uint8)
    top, bottom = round(0.25 * height), round(0.75 * height)
    frame[top:bottom, :, 3] = 110
    frame[top + 1 : bottom - 1, 1:-1, 3] = 0
    return frame


def set_text(text: str, letters: Mapping[str, np.ndarray], width: int, aspect: float | None = None) -> Image.Image:
    """A picture of words, in black ink on nothing or, where letters are coloured, on their ground.

    Args:
        text: words between blanks, one at least.
        letters: a glyph for each of its characters but blanks.
        width: of the pictures that the glyphs were cut from; blanks and gaps are measured by it.
        aspect: width / height of the frame in which the text is to be as large as possible, for which it is broken
            into lines; `None` for a single line.

    Returns:
        Mode RGBA. Every line is as high as a picture.
    """
    gap, blank = max(1, round(GAP * width)), max(1, round(SPACE * width))
    words = [_word([letters[character] for character in word], gap) for word in text.split()]
    lines = broken([word.shape[1] for word in words], blank, words[0].shape[0], aspect)
    rows = [_word([words[k] for k in line], blank) for line in lines]
    sheet = np.zeros((sum(row.shape[0] for row in rows), max(row.shape[1] for row in rows), 4), np.uint8)
    sheet[:] = _ground(words[0])
    top = 0
    for row in rows:
        sheet[top : top + row.shape[0], : row.shape[1]] = row
        top += row.shape[0]
    return Image.fromarray(sheet, "RGBA")


def _word(parts: Sequence[np.ndarray], gap: int) -> np.ndarray:
    """Parts beside each other, with gaps between them."""
    between = np.empty((parts[0].shape[0], gap, 4), np.uint8)
    between[:] = _ground(parts[0])
    return np.concatenate([piece for part in parts for piece in (between, part)][1:], axis=1)


def _ground(part: np.ndarray) -> np.ndarray:
    """The colour (4,) of what is not a letter: nothing, or that of a corner."""
    return part[0, 0] if part[0, 0, 3] == 255 else np.zeros(4, np.uint8)


def broken(words: Sequence[int], blank: int, height: int, aspect: float | None) -> list[list[int]]:
    """The lines in which words are as large as possible in a frame: indices of words, line by line.

    Args:
        words: widths.
        blank: between two of them.
        height: of a line.
        aspect: width / height of the frame; `None` for a single line.
    """
    if aspect is None:
        return [list(range(len(words)))]
    reach = [sum(words[: k + 1]) + k * blank for k in range(len(words))]
    best: list[list[int]] = []
    largest = 0.0
    for most in sorted({max(reached, *words) for reached in reach}, reverse=True):
        lines = _wrapped(words, blank, most)
        widest = max(sum(words[k] for k in line) + blank * (len(line) - 1) for line in lines)
        size = min(aspect / widest, 1 / (height * len(lines)))
        if size >= largest:  # of lines as good, the more even ones
            best, largest = lines, size
    return best


def _wrapped(words: Sequence[int], blank: int, most: int) -> list[list[int]]:
    lines: list[list[int]] = [[]]
    used = 0
    for k, word in enumerate(words):
        if lines[-1] and used + blank + word > most:
            lines.append([])
        used = word + (used + blank if lines[-1] else 0)
        lines[-1].append(k)
    return lines
