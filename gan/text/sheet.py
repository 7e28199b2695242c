"""Texts as a picture, for trackers that show pictures."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# Where systems keep a font with Chinese characters; without one, those are boxes in the picture (the texts are
# written beside it).
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)
SIZE, LEADING, MARGIN, WIDTH = 20, 34, 24, 960  # pixels


def text_sheet(texts: list[str]) -> Image.Image:
    """A text a line, cut off at the right edge."""
    path = next((font for font in FONTS if Path(font).is_file()), None)
    font = ImageFont.truetype(path, SIZE) if path else ImageFont.load_default(SIZE)
    sheet = Image.new("RGB", (WIDTH, 2 * MARGIN + LEADING * len(texts)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, text in enumerate(texts):
        pen.text((MARGIN, MARGIN + row * LEADING), text.replace("\n", " "), font=font, fill=(27, 26, 24))
    return sheet
