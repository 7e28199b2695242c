"""Pictures as strangers send them: taken as a user would expect, or refused in one sentence."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gan import GANError
from gan.studio.morph.generate import fit_upload
from gan.studio.morph.uploads import MAX_BYTES, decode_base64, read_picture
from gan.studio.strings import EN, ZH


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def taken(data, pipeline):
    """A file's pixels as the model would get them."""
    return np.asarray(fit_upload(pipeline, read_picture(data, EN), invert=False)[0]).astype(int)


@pytest.fixture
def halves():
    """16x16 grey, the upper half light, the lower dark."""
    return Image.fromarray(np.repeat([[200]] * 8 + [[40]] * 8, 16, axis=1).astype(np.uint8))


@pytest.fixture
def model(vae_registry):
    """16x16 grey."""
    return vae_registry.get("toys-vae")


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG", "AVIF"])
def test_every_common_format_is_read(kind, halves, model):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind in ("JPEG", "AVIF") else {}
    assert np.abs(taken(encoded(halves, kind, **options), model) - np.asarray(halves)).max() <= 6


def test_16_bits_become_8(halves, model):
    deep = Image.fromarray(np.asarray(halves).astype(np.uint16) * 257)
    assert deep.mode.startswith("I;16")
    assert np.array_equal(taken(encoded(deep, "PNG"), model), np.asarray(halves))


def test_cmyk_is_seen_as_printed(halves, model):
    data = encoded(halves.convert("RGB").convert("CMYK"), "JPEG", quality=95)
    assert np.abs(taken(data, model) - np.asarray(halves)).max() <= 6


def test_of_an_animation_the_first_frame_counts(halves, model):
    data = encoded(halves, "GIF", save_all=True, append_images=[Image.new("L", (16, 16), 255)])
    assert np.array_equal(taken(data, model), np.asarray(halves))


def test_a_photo_is_turned_upright(halves, model):
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was upside down
    data = encoded(halves.transpose(Image.Transpose.ROTATE_180), "PNG", exif=exif)
    assert np.array_equal(taken(data, model), np.asarray(halves))


def test_what_is_transparent_lies_on_white(halves, model):
    clear = halves.convert("LA")
    clear.putalpha(Image.fromarray(np.where(np.asarray(halves) > 100, 0, 255).astype(np.uint8)))
    assert np.array_equal(np.unique(taken(encoded(clear, "PNG"), model)), [40, 255])


def test_any_size_is_fitted(model):
    assert taken(encoded(Image.new("RGB", (700, 40), "red"), "PNG"), model).shape == (16, 16)
    assert taken(encoded(Image.new("P", (1, 1)), "PNG"), model).shape == (16, 16)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\0" * 999]
)
def test_what_is_no_picture_is_said(data):
    with pytest.raises(GANError) as raised:
        read_picture(data, EN)
    assert str(raised.value) == EN["no_picture"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_cut_off_is_said_in_the_language_of_the_page(kind):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = encoded(noise, kind)
    with pytest.raises(GANError) as raised:
        read_picture(data[: len(data) // 2], ZH)
    assert str(raised.value) in (ZH["damaged"], ZH["no_picture"])


def forged(width, height):
    """A PNG that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize(("width", "height"), [(9000, 9000), (1, 40_000_001), (60_000, 60_000)])
def test_what_is_enormous_is_refused_before_it_is_decoded(width, height):
    with pytest.raises(GANError, match="at most 40 million"):
        read_picture(forged(width, height), EN)


def test_a_file_has_a_largest_size():
    with pytest.raises(GANError, match="at most 20 MB"):
        read_picture(b"\0" * (MAX_BYTES + 1), EN)
    with pytest.raises(GANError, match="at most 20 MB"):
        decode_base64("A" * (2 * MAX_BYTES), EN)


@pytest.mark.parametrize("text", [None, 7, "not base64!", "é"])
def test_text_that_is_no_file_is_said(text):
    with pytest.raises(GANError) as raised:
        decode_base64(text, EN)
    assert str(raised.value) == EN["no_picture"]
    assert decode_base64(base64.b64encode(b"abc").decode(), EN) == b"abc"
