"""A typeface from a seed, as a TrueType font: `python -m gan.export MODEL --format ttf --seed 7`.

The model draws one character a class, all of them from one latent. The outlines are those of its pictures
(`gan.export.outlines`); the measures of the font, where the baseline is, how tall capitals are, how much white a
letter wants at its sides, are taken from what was drawn.
"""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.errors import GANError
from gan.export.outlines import Outline, outlines, without_specks
from gan.image.pipeline import ImagePipeline
from gan.inputs import check_truncation, sample_seeds
from gan.utils.files import files_into

PACKAGES = "fonttools==4.68.0 contourpy==1.3.3"

EM, CAP_HEIGHT = 1000, 700  # units
ON_BASELINE = "HEIMNTLFKAXZDBPRhiklmnrxzf1247"  # stand flat on it
AS_TALL_AS_CAPITALS = "HEIMNTLFKXZDBPR1457"
EPOCH = 2_082_844_800  # 1970 in the font's calendar: a seed makes the same file on every day
DEEPEST = 6  # pixels; white further inside of a letter does not count as beside it
OPTICAL = 0.55  # share of the white beside a letter, within its own box, that the next one may come nearer
RHYTHM = 0.4  # share of the white within an "n" that is beside one
NARROWEST = 15  # units beside a letter


@dataclass
class Glyph:
    """A character in font units: the baseline at 0, y upwards, x from the left edge of the ink.

    Attributes:
        curves: as of `gan.export.outlines`.
        width: of the ink.
        left, right: white beside it, up to the next letter's.
    """

    curves: list[Outline]
    width: float
    left: float
    right: float


def write_font(
    pipeline: ImagePipeline,
    path: str | Path,
    seed: int = 0,
    truncation: float = 1.0,
    codes: Tensor | None = None,
    family: str = "Seed",
) -> dict[str, Any]:
    """Writes one typeface of a model of characters as a TrueType font, which programs can install and embed.

    Capitals have 700 units of an em of 1000. Characters that the model does not know are missing, but for the space;
    of a model without lower case, capitals stand in for it.

    Args:
        pipeline: of grey pictures, one class a character: light on dark, or dark on light.
        path: of the file, whose folder is made if need be.
        seed: of the typeface.
        truncation: psi, of a seed.
        codes: (classes, layers, width), those of every class in their order, instead of the seed's: of steered
            typefaces (`pipeline.edit`, `mix`), or between two.
        family: what programs list it as; the seed is added: "Seed 7".

    Returns:
        `file`, `family`, `characters` (all that can be written with it), `bytes`.

    Raises:
        GANError: for a model that has other classes than characters, or draws in colour; a seed, truncation or codes
            that can't be used; missing packages; or a folder that can't be written to.
    """
    characters = check_characters(pipeline)
    _check_packages()
    if codes is None:
        codes = character_codes(pipeline, seed, truncation)
    pictures = ink(pipeline.draw_samples(pipeline.codes_of(codes)))
    if len(pictures) != len(characters):
        raise GANError(f"Codes of {len(pictures)} characters were given; this model has {len(characters)}.")
    name = f"{family} {seed}"
    data, written = font(pictures, characters, name, _licence(pipeline))
    path = Path(path)
    try:
        with files_into(path.parent) as folder:
            (folder / path.name).write_bytes(data)
    except OSError as error:
        raise GANError(f"The font could not be written to {path} ({error.strerror}); choose another place.") from error
    return {"file": str(path), "family": name, "characters": written, "bytes": len(data)}


def check_characters(pipeline: Any) -> list[str]:
    """The character of each class.

    Raises:
        GANError: if a model makes something else than grey pictures of characters.
    """
    if not isinstance(pipeline, ImagePipeline):
        raise GANError(f"A font is made of pictures, and this model makes {pipeline.unit}; choose another --format.")
    labels = pipeline.labels if pipeline.config.labels else None  # numbers of classes are no characters
    names = [unicodedata.normalize("NFC", name) for name in labels] if isinstance(labels, list) else []
    if not names or any(len(name) != 1 for name in names):
        known = f"are {', '.join(pipeline.label_choices()[:3])}, ..." if labels else "do not exist"
        raise GANError(
            f"A font needs one class for each character (A, B, a, b, 1, ...), and the classes of this model {known}; "
            f"choose another --format, or another model."
        )
    if pipeline.generator.config.image_channels != 1:
        raise GANError("A font has no colours, and this model draws in colour; train one with --image_channels 1.")
    return names


def character_codes(pipeline: ImagePipeline, seed: int, truncation: float = 1.0) -> Tensor:
    """The codes (classes, layers, width) of one seed in every class, in their order.

    Raises:
        GANError: for a seed or truncation that can't be used.
    """
    latents, _ = pipeline.latents(sample_seeds(seed, 1))
    count = len(pipeline.class_names())
    return pipeline.codes_from(latents.expand(count, -1), torch.arange(count), check_truncation(truncation))


def ink(samples: Tensor) -> Tensor:
    """Samples (n, 1, height, width) in [-1, 1] as shares of ink (n, height, width), about [0, 1]."""
    shares = (samples[:, 0] + 1) / 2
    border = torch.cat([shares[:, [0, -1]].flatten(), shares[:, :, [0, -1]].flatten()])
    return 1 - shares if border.median() > 0.5 else shares  # dark on light


def font(pictures: Tensor, characters: Sequence[str], name: str, licence: str = "") -> tuple[bytes, str]:
    """A font from pictures of characters, all on one baseline.

    Args:
        pictures: float (n, height, width), from 0 for background to 1 for ink.
        characters: what each of them shows.
        name: of the family.
        licence: a sentence for its name table.

    Returns:
        The contents of a TrueType file, and the characters that are in it.

    Raises:
        GANError: if nearly all pictures are empty.
    """
    from fontTools.fontBuilder import FontBuilder

    pictures = without_specks(pictures)
    found = {character: outlines(picture) for character, picture in zip(characters, pictures, strict=True)}
    found = {character: curves for character, curves in found.items() if curves}
    if 2 * len(found) < len(characters):
        raise GANError(f"Only {len(found)} of {len(characters)} characters have any ink; choose another seed.")
    shares = dict(zip(characters, pictures.numpy(), strict=True))
    glyphs = _glyphs(found, shares)
    names = {character: f"uni{ord(character):04X}" for character in glyphs}
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", "space", *names.values()])
    stand_ins = {c.lower(): c for c in glyphs if len(c.lower()) == 1 and c.lower() not in glyphs}
    written = {character: names[stand_ins.get(character, character)] for character in {**glyphs, **stand_ins}}
    builder.setupCharacterMap({0x20: "space", 0xA0: "space"} | {ord(c): glyph for c, glyph in written.items()})
    builder.setupGlyf(
        {".notdef": _box(), "space": _drawn([], 0)}
        | {names[c]: _drawn(glyph.curves, glyph.left) for c, glyph in glyphs.items()}
    )
    advances = {names[c]: (round(g.left + g.width + g.right), round(g.left)) for c, g in glyphs.items()}
    builder.setupHorizontalMetrics({".notdef": (500, 50), "space": (round(_space(glyphs)), 0)} | advances)
    tops = [curve.points[:, 1] for glyph in glyphs.values() for curve in glyph.curves]
    ascent = max(750, round(max(map(np.max, tops))))
    descent = min(-200, round(min(map(np.min, tops))))
    builder.setupHorizontalHeader(ascent=ascent, descent=descent)
    builder.setupNameTable(_names(name, licence))
    builder.setupOS2(
        sTypoAscender=ascent,
        sTypoDescender=descent,
        sTypoLineGap=0,
        usWinAscent=ascent,
        usWinDescent=-descent,
        sCapHeight=CAP_HEIGHT,
        fsType=0,  # may be installed and embedded
    )
    builder.setupPost()
    builder.updateHead(created=EPOCH, modified=EPOCH)
    builder.font.recalcTimestamp = False
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue(), "".join(sorted(written))


def _glyphs(found: dict[str, list[Outline]], shares: dict[str, np.ndarray]) -> dict[str, Glyph]:
    """Curves in pixels, and the pictures that they come from, as glyphs in font units."""
    extent = {c: np.concatenate([curve.points for curve in curves]) for c, curves in found.items()}
    bottom = {c: points[:, 1].max() for c, points in extent.items()}
    top = {c: points[:, 1].min() for c, points in extent.items()}

    def middle(values: dict[str, float], wanted: str) -> float:
        return float(np.median([values[c] for c in wanted if c in values] or list(values.values())))

    baseline = middle(bottom, ON_BASELINE)
    scale = CAP_HEIGHT / max(1.0, baseline - middle(top, AS_TALL_AS_CAPITALS))
    x_height = top.get("x", top.get("z", middle(top, AS_TALL_AS_CAPITALS)))
    wanted = _white_beside(found, shares, (x_height, baseline)) * scale
    glyphs = {}
    for character, curves in found.items():
        left, right = extent[character][:, 0].min(), extent[character][:, 0].max()
        moved = [Outline((curve.points - [left, baseline]) * [scale, -scale], curve.on_curve) for curve in curves]
        beside = [
            max(NARROWEST, wanted - OPTICAL * scale * white)
            for white in _open_white(shares[character], (x_height, baseline))
        ]
        glyphs[character] = Glyph(moved, (right - left) * scale, *beside)
    return glyphs


def _white_beside(found: dict[str, list[Outline]], shares: dict[str, np.ndarray], band: tuple[float, float]) -> float:
    """Pixels of white that a straight side wants beside it: a share of the white between the stems of an "n"."""
    pair = next((c for c in "nhuHNU" if c in found), None)
    if pair is None:
        return 0.06 * next(iter(shares.values())).shape[0]
    row = shares[pair][round((band[0] + 3 * band[1]) / 4)] > 0.5
    inked = np.flatnonzero(row)
    white = 0 if len(inked) == 0 else int((~row[inked[0] : inked[-1]]).sum())
    return RHYTHM * white if white >= 3 else 0.06 * len(row)


def _open_white(share: np.ndarray, band: tuple[float, float]) -> tuple[float, float]:
    """Pixels of white, on average, from the sides of the ink's box to the ink, between x-height and baseline."""
    inked = share > 0.5
    columns = np.flatnonzero(inked.any(0))
    rows = inked[max(0, round(band[0])) : round(band[1]), columns[0] : columns[-1] + 1]
    if not len(rows):
        return 0.0, 0.0
    whites = []
    for side in (rows, rows[:, ::-1]):
        depth = np.where(side.any(1), side.argmax(1), DEEPEST)
        whites.append(float(np.minimum(depth, DEEPEST).mean()))
    return whites[0], whites[1]


def _drawn(curves: list[Outline], left: float) -> Any:
    """A glyph as the font stores it: points in whole units."""
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    for curve in curves:
        points = [(round(x + left), round(y)) for x, y in curve.points]
        if not curve.on_curve.any():
            pen.qCurveTo(*points, None)
            pen.closePath()
            continue
        pen.moveTo(points[0])  # which is on the curve
        bend: list[tuple[int, int]] = []
        for point, is_on in zip([*points[1:], points[0]], [*curve.on_curve[1:], True]):
            bend.append(point)
            if is_on:
                pen.qCurveTo(*bend)
                bend = []
        pen.closePath()
    return pen.glyph()


def _box() -> Any:
    """What stands for a character that is missing: an empty frame."""
    frame = [((50, 0), (50, 700), (450, 700), (450, 0)), ((90, 40), (410, 40), (410, 660), (90, 660))]
    return _drawn([Outline(np.array(points, dtype=float), np.ones(4, dtype=bool)) for points in frame], 0)


def _space(glyphs: dict[str, Glyph]) -> float:
    """The advance of a space: half that of a usual letter."""
    usual = glyphs.get("n") or next(iter(glyphs.values()))
    return min(400.0, max(160.0, 0.48 * (usual.left + usual.width + usual.right)))


def _names(name: str, licence: str) -> dict[str, str]:
    plain = "".join(character for character in name if character.isascii() and character.isalnum()) or "Seed"
    return {
        "familyName": name,
        "styleName": "Regular",
        "uniqueFontIdentifier": f"{plain}-Regular",
        "fullName": name,
        "version": "Version 1.000",
        "psName": f"{plain}-Regular",
        "licenseDescription": licence,
    }


def _licence(pipeline: ImagePipeline) -> str:
    """Where a font comes from, for its name table."""
    record = pipeline.training_record
    arguments = record.get("arguments", {})
    data = record.get("dataset", {}).get("name")
    parts = [f"Made by a model{f' trained on {data}' if data else ''}, of which a seed is a typeface."]
    if arguments.get("data_credit"):
        parts.append(str(arguments["data_credit"]))
    if arguments.get("license"):
        parts.append(f"Licence of the model: {arguments['license']}.")
    return " ".join(parts)


def _check_packages() -> None:
    """Raises `GANError` if what writes fonts is not installed."""
    try:
        import contourpy  # noqa: F401
        import fontTools  # noqa: F401
    except ImportError as error:
        raise GANError(f"Fonts need two packages more; `pip install {PACKAGES}` brings them.") from error
