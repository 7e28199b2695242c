"""Words in the letters of one seed, of a model whose classes are characters."""

import base64
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from gan.errors import GANError
from gan.export.fonts import check_characters, write_font
from gan.image.pipeline import ImagePipeline
from gan.image.typesetting import absent_glyph, glyphs, set_text
from gan.inputs import check_truncation, sample_seeds
from gan.labels import by_column, label_index
from gan.studio.codes import read_codes
from gan.studio.edit.generate import Base
from gan.studio.images.generate import file_name, png_base64
from gan.studio.queue import run_queued
from gan.studio.registry import Registry

MAX_TEXT = 200  # characters
PANGRAM = "Hamburgefonstiv"  # what type is judged by: letters that show how all others are built


class Alphabet(NamedTuple):
    """The label column of a model whose classes are single characters: which one it is, and its classes."""

    column: int
    characters: list[str]

    @property
    def specimen(self) -> str:
        """What is shown before anything is typed."""
        known = all(label_index(character, self.characters) is not None for character in PANGRAM)
        return PANGRAM if known else "".join(self.characters[:12])


class Typed(NamedTuple):
    """A text in letters of a model: its picture (RGBA), characters that the model does not have, and how many letters
    were drawn for it."""

    picture: Image.Image
    missing: list[str]
    drawn: int


def alphabet_of(pipeline: ImagePipeline) -> Alphabet | None:
    """The first label column all of whose classes are single characters, `None` without one."""
    for column, names in enumerate(by_column(pipeline.config.labels).values()):
        if len(names) > 1 and all(len(name) == 1 for name in names):
            return Alphabet(column, names)
    return None


def letter_codes(pipeline: ImagePipeline, base: Base, alphabet: Alphabet, indices: list[int]) -> Tensor:
    """The codes (n, layers, width) of characters in the style of a base: one latent, many classes.

    Where the base is codes, those of a dragged or inverted picture, the class is exchanged in them: what the mean code
    of the class that they are nearest to has to the mean code of each character is added.
    """
    latent, drawn = pipeline.latents(sample_seeds(base.seed, 1), base.label or None)

    def codes(latents: Tensor, characters: list[int], psi: float) -> Tensor:
        classes = drawn.view(1, -1).repeat(len(characters), 1)
        classes[:, alphabet.column] = torch.tensor(characters)
        classes = classes if classes.shape[1] > 1 else classes[:, 0]
        return pipeline.codes_from(latents.expand(len(characters), -1), classes, psi)

    if not base.codes:
        return codes(latent, indices, check_truncation(base.truncation))
    given = read_codes(pipeline, base.codes)
    means = codes(torch.zeros_like(latent), list(range(len(alphabet.characters))), 1.0)
    within = pipeline.class_space.deviation
    apart = ((given - means) / within.clamp_min(1e-3 * within.max())).square().sum((1, 2))
    return given + means[indices] - means[apart.argmin()]


def typed(
    pipeline: ImagePipeline, base: Base, edits: Mapping[str, float], text: str, aspect: float | None = None
) -> Typed:
    """A text in the letters of a base that directions move, all of them drawn in one batch. To be called on the
    queue's thread.

    A character that the model does not have in this case of letters is taken in the other; for one that it does not
    have at all stands an empty frame.

    Args:
        text: at most `MAX_TEXT` characters; without any, a specimen.
        aspect: see `gan.image.typesetting.set_text`.

    Raises:
        GANError: for a model whose classes are no characters, or an argument that can't be used.
    """
    alphabet = alphabet_of(pipeline)
    if alphabet is None:
        raise GANError("Only a model whose classes are single characters sets text, and those of this one are not.")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise GANError(f"A text has at most {MAX_TEXT} characters.")
    if aspect is not None and not (isinstance(aspect, int | float) and 0.1 <= aspect <= 100):
        raise GANError(f"An aspect of {aspect!r} cannot be used; it is width / height, from 0.1 to 100.")
    text = text if text.split() else alphabet.specimen
    places = {each: label_index(each, alphabet.characters) for each in dict.fromkeys("".join(text.split()))}
    indices = sorted({place for place in places.values() if place is not None})
    height, width = pipeline.resolution
    drawn = {}
    if indices:
        codes = pipeline.usable_directions().apply(letter_codes(pipeline, base, alphabet, indices), edits)
        drawn = dict(zip(indices, glyphs(pipeline.draw_samples(codes))))
    letters = {
        character: absent_glyph(height, width) if place is None else drawn[place]
        for character, place in places.items()
    }
    missing = [character for character, place in places.items() if place is None]
    return Typed(set_text(text, letters, width, aspect), missing, len(indices))


def font_value(registry: Registry, settings: dict[str, Any]) -> dict[str, str]:
    """The letters of a base that directions move, all of them, as a font: its bytes in base64 and a name for the file.

    Raises:
        GANError: for a model of which no font can be made, an argument that can't be used, or missing packages.
    """
    pipeline, base = registry.get(settings["model"], ImagePipeline), Base.of(settings)
    characters = check_characters(pipeline)
    family = file_name(settings["model"], 0, None, 1.0).split("_seed-")[0].capitalize()

    def work() -> bytes:
        codes = letter_codes(pipeline, base, Alphabet(0, characters), list(range(len(characters))))
        codes = pipeline.usable_directions().apply(codes, settings["edits"])
        with TemporaryDirectory() as folder:
            file = Path(folder) / "font.ttf"
            write_font(pipeline, file, base.seed, codes=codes, family=family)
            return file.read_bytes()

    data = base64.b64encode(run_queued(work)[0]).decode()
    return {"data": data, "file": f"{family}-{base.seed}.ttf"}


def typed_value(registry: Registry, settings: dict[str, Any]) -> dict[str, Any]:
    """What the page shows: the text that its settings ask for."""
    pipeline, base = registry.get(settings["model"], ImagePipeline), Base.of(settings)
    text, edits = settings.get("text") or "", settings["edits"]
    result, milliseconds = run_queued(lambda: typed(pipeline, base, edits, text, settings.get("aspect")))
    words = "-".join(text.split()) or "specimen"
    return {
        "png": png_base64(result.picture),
        "missing": result.missing,
        "width": result.picture.width,
        "height": result.picture.height,
        "drawn": result.drawn,
        "file": file_name(settings["model"], base.seed, words[:40], base.truncation),
        "milliseconds": milliseconds,
    }
