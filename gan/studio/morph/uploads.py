"""Uploaded pictures: bounded before they are decoded, and refused in one sentence."""

import base64
import binascii
import io
import threading
import warnings

from PIL import Image

from gan.errors import GANError
from gan.image.preprocessing import UNREADABLE

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000  # a phone's camera takes 12 to 25 million
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")

# The largest picture takes a few hundred megabytes while it is decoded, so at most two are decoded at a time.
_decoding = threading.Semaphore(2)


def read_picture(data: bytes, words: dict[str, str]) -> Image.Image:
    """The picture in a file, decoded; of an animation the first frame. Its mode and orientation are those of the file.

    Args:
        data: the file's bytes.
        words: the strings of the page's language.

    Raises:
        GANError: if it isn't a picture in one of `FORMATS`, is damaged, or too large.
    """
    if len(data) > MAX_BYTES:
        raise GANError(words["too_many_bytes"].format(max=MAX_BYTES // 1_000_000))
    try:
        with _decoding, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is stricter
            image = Image.open(io.BytesIO(data), formats=FORMATS)  # reads the header only
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise GANError(
                    words["too_many_pixels"].format(width=width, height=height, max=MAX_PIXELS // 1_000_000)
                )
            image.load()
    except Image.DecompressionBombError as error:
        raise GANError(words["bomb"].format(max=MAX_PIXELS // 1_000_000)) from error
    except Image.UnidentifiedImageError as error:
        raise GANError(words["no_picture"]) from error
    except UNREADABLE as error:
        raise GANError(words["damaged"]) from error
    return image


def decode_base64(text: object, words: dict[str, str]) -> bytes:
    """The bytes of a base64 text.

    Raises:
        GANError: if it isn't one, or is too long.
    """
    if not isinstance(text, str):
        raise GANError(words["no_picture"])
    if len(text) > MAX_BYTES * 4 / 3 + 4:
        raise GANError(words["too_many_bytes"].format(max=MAX_BYTES // 1_000_000))
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise GANError(words["no_picture"]) from error
