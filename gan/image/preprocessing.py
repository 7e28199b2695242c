"""Any picture, made fit for a network: the same for training data and for a picture that somebody uploads."""

import struct

import numpy as np
from PIL import Image, ImageOps
from PIL.ExifTags import Base

# What a damaged picture makes its reader raise.
UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, EOFError, struct.error, Image.DecompressionBombError)

# How stored rows and columns come upright, by the orientation that EXIF states.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF orientation says.

    `ImageOps.exif_transpose` also writes the EXIF block anew, and breaks down where another entry of it is damaged.
    """
    image.load()  # a PNG may hold its EXIF block behind the pixels, and a TIFF turns itself
    turn = TURNS.get(image.getexif().get(Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def fit_picture(image: Image.Image, resolution: tuple[int, int], channels: int, crop: bool = True) -> np.ndarray:
    """Turned upright (EXIF), on white where transparent, from more bits to 8, in grey or RGB, cropped and resized.

    Args:
        image: of any mode and size; of an animated one, the frame it stands at, which is the first when it is opened.
        resolution: (height, width).
        channels: 1 for grey, 3 for RGB.
        crop: to the shape of the resolution, about the middle; otherwise stretched to it.

    Returns:
        uint8 (channels, height, width).

    Raises:
        one of `UNREADABLE`: if the file behind the picture is damaged.
    """
    image = upright(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    size = (resolution[1], resolution[0])
    if image.size != size:
        image = (ImageOps.fit if crop else Image.Image.resize)(image, size, Image.Resampling.LANCZOS)
    array = np.asarray(image)
    return array[None] if channels == 1 else array.transpose(2, 0, 1)


def _eight_bits(image: Image.Image) -> Image.Image:
    """A picture of 16 or 32 bits in 8. Numbers of 32 bits can be meant to end at 1 (fractions), 255 or 65,535."""
    numbers = np.nan_to_num(np.asarray(image, dtype=np.float64))
    most = numbers.max()
    if image.mode.startswith("I;16") or most > 255:
        numbers = numbers // 256
    elif image.mode == "F" and most <= 1:
        numbers = numbers * 255
    return Image.fromarray(numbers.clip(0, 255).astype(np.uint8))
