"""Any picture, made fit for a network: the same for training data and for a picture that somebody uploads."""

import struct

import numpy as np
import torch
from PIL import Image, ImageOps
from PIL.ExifTags import Base
from torch import Tensor

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


SIDEWAYS = (5, 6, 7, 8)  # of these turns, those that make the width the height
WHITE_LEVELS = (255, 1023, 4095, 16383, 65535)  # 8, 10, 12, 14, 16 bits
BITS_PER_SAMPLE = 258  # a TIFF tag


def as_floats(pixels: Tensor) -> Tensor:
    """uint8 pictures in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def as_pixels(images: Tensor) -> Tensor:
    """Pictures of [-1, 1], and what goes beyond cut off, as uint8."""
    return images.float().mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8)


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF orientation says.

    `ImageOps.exif_transpose` also writes the EXIF block anew, and breaks down where another entry of it is damaged.
    """
    image.load()  # a PNG may hold its EXIF block behind the pixels, and a TIFF turns itself
    turn = TURNS.get(image.getexif().get(Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def fit_picture(
    image: Image.Image, resolution: tuple[int, int], channels: int, crop: bool = True, white: int | None = None
) -> np.ndarray:
    """Turned upright (EXIF), on white where transparent, from more bits to 8, in grey or RGB, cropped and resized.

    Args:
        image: of any mode and size; of an animated one, the frame it stands at, which is the first when it is opened.
        resolution: (height, width).
        channels: 1 for grey, 3 for RGB.
        crop: to the shape of the resolution, about the middle; otherwise stretched to it.
        white: the number that stands for white in a picture of more than 8 bits; by default its own `white_level`.

    Returns:
        uint8 (channels, height, width).

    Raises:
        one of `UNREADABLE`: if the file behind the picture is damaged.
    """
    image = upright(image)
    if is_deep(image):
        image = _eight_bits(image, white or white_level(image))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    size = (resolution[1], resolution[0])
    if image.size != size:
        image = (ImageOps.fit if crop else Image.Image.resize)(image, size, Image.Resampling.LANCZOS)
    array = np.asarray(image)
    return array[None] if channels == 1 else array.transpose(2, 0, 1)


def is_deep(image: Image.Image) -> bool:
    """Whether it has more than 8 bits a pixel in one channel."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def is_grey(image: Image.Image) -> bool:
    """Whether it is stored without colours."""
    return image.mode in ("1", "L", "LA") or is_deep(image)


def pages(image: Image.Image) -> int:
    """Frames of an animation, or pages of a document; 1 where others are layers, previews or sizes of the same."""
    try:
        return 1 if image.format in ("MPO", "PSD", "ICO", "ICNS") else getattr(image, "n_frames", 1)
    except UNREADABLE:  # the first can be read, and what comes behind it is damaged
        return 1


def white_level(image: Image.Image) -> int:
    """The number that stands for white in a picture of more than 8 bits: the smallest usual one that no pixel exceeds.

    Cameras and microscopes store 10 to 14 bits in 16; numbers of 32 bits can be meant to end at 1 (fractions).
    """
    largest = float(np.nan_to_num(np.asarray(image, dtype=np.float64)).max())
    if image.mode == "F" and largest <= 1:
        return 1
    stated = 0
    if image.format == "TIFF":
        stated = 2 ** max(image.tag_v2.get(BITS_PER_SAMPLE, (0,))[0], 0) - 1
        stated = stated if stated in WHITE_LEVELS[:-1] else 0  # 16 bits may hold fewer
    return next((level for level in WHITE_LEVELS if level >= max(largest, stated)), WHITE_LEVELS[-1])


def _eight_bits(image: Image.Image, white: int) -> Image.Image:
    numbers = np.nan_to_num(np.asarray(image, dtype=np.float64))
    numbers = numbers * 255 if white == 1 else numbers // ((white + 1) // 256)
    return Image.fromarray(numbers.clip(0, 255).astype(np.uint8))
