"""Pictures of every kind, made fit."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.ExifTags import Base
from PIL.TiffImagePlugin import IFDRational

from gan.image.preprocessing import UNREADABLE, fit_picture, upright

RAMP = np.tile(np.linspace(0, 255, 16, dtype=np.uint8), (8, 1))  # 8 x 16, brighter to the right


def saved(image: Image.Image, kind: str, **options: Any) -> Image.Image:
    """As it comes back from a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(file)


def test_shape_and_channels() -> None:
    image = Image.fromarray(RAMP)
    assert np.array_equal(fit_picture(image, (8, 16), 1), RAMP[None])
    assert np.array_equal(fit_picture(image, (8, 16), 3), np.stack([RAMP] * 3))
    assert fit_picture(image, (32, 12), 3).shape == (3, 32, 12)


def test_cropped_about_the_middle_or_stretched() -> None:
    image = Image.fromarray(RAMP)
    assert np.array_equal(fit_picture(image, (8, 8), 1)[0], RAMP[:, 4:12])
    stretched = fit_picture(image, (8, 8), 1, crop=False)[0]
    assert stretched[:, 0].max() < 20 and stretched[:, -1].min() > 235


def test_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right of the file
    fitted = fit_picture(saved(Image.fromarray(RAMP), "PNG", exif=exif), (16, 8), 1)[0]
    assert np.array_equal(fitted, np.rot90(RAMP, -1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_pillow_turns(orientation: int) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    for kind in ("PNG", "WEBP", "TIFF"):
        image = saved(Image.fromarray(RAMP).convert("RGB"), kind, exif=exif, lossless=True)
        assert np.array_equal(np.asarray(upright(image)), np.asarray(ImageOps.exif_transpose(image))), kind


def test_turned_upright_though_the_rest_of_its_exif_is_damaged() -> None:
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Software] = 6, "X" * 8
    content = io.BytesIO()
    Image.fromarray(RAMP).save(content, "PNG", exif=exif)
    data = bytearray(content.getvalue())
    place = data.index(b"\x01\x31\x00\x02", data.index(b"eXIf"))  # Software, which is text,
    data[place : place + 8] = b"\x01\x31\x00\x05\x00\x00\x00\x01"  # becomes a fraction
    start = data.index(b"eXIf")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    data[start + 4 + length : start + 8 + length] = struct.pack(">I", zlib.crc32(data[start : start + 4 + length]))
    image = Image.open(io.BytesIO(bytes(data)))
    assert isinstance(image.getexif()[Base.Software], IFDRational)
    assert np.array_equal(fit_picture(image, (16, 8), 1)[0], np.rot90(RAMP, -1))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_white_where_transparent(mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    image.paste((10, 20, 30, 255), (0, 0, 4, 8))
    image = saved(image.convert(mode) if mode != "P" else image.quantize(4), "PNG")
    fitted = fit_picture(image, (8, 8), 3)
    assert (fitted[:, :, 4:] == 255).all() and (fitted[:, :, :4] < 40).all()


def test_sixteen_bits() -> None:
    deep = saved(Image.fromarray(RAMP.astype(np.uint16) * 257), "PNG")
    assert deep.mode.startswith("I")
    assert np.array_equal(fit_picture(deep, (8, 16), 1)[0], RAMP)


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        (RAMP.astype(np.int32), RAMP),
        (RAMP.astype(np.int32) * 257, RAMP),
        (RAMP.astype(np.float32), RAMP),
        (np.float32([[0, 0.5], [1, np.nan]]), np.uint8([[0, 127], [255, 0]])),
    ],
)
def test_thirty_two_bits(numbers: np.ndarray, shown: np.ndarray) -> None:
    deep = saved(Image.fromarray(numbers), "TIFF")
    assert deep.mode in ("I", "F")
    assert np.array_equal(fit_picture(deep, shown.shape, 1)[0], shown)


def test_cmyk() -> None:
    colour = Image.new("RGB", (8, 8), (200, 30, 60))
    fitted = fit_picture(saved(colour.convert("CMYK"), "JPEG", quality=95), (8, 8), 3)
    assert np.abs(fitted.astype(int) - np.array([200, 30, 60])[:, None, None]).max() < 12


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("L", (8, 8), value) for value in (40, 200)]
    animated = saved(
        frames[0], kind, save_all=True, append_images=frames[1:], **{"lossless": True} if kind == "WEBP" else {}
    )
    assert animated.n_frames == 2
    assert np.abs(fit_picture(animated, (8, 8), 1).astype(int) - 40).max() < 3


def test_black_and_white_and_palettes() -> None:
    image = Image.fromarray(RAMP)
    assert set(np.unique(fit_picture(image.convert("1"), (8, 16), 1))) == {0, 255}
    assert fit_picture(image.convert("P"), (8, 16), 3).std() > 50


def test_a_damaged_file() -> None:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(file, "PNG")
    half = Image.open(io.BytesIO(file.getvalue()[:2000]))
    with pytest.raises(UNREADABLE):
        fit_picture(half, (8, 8), 1)
