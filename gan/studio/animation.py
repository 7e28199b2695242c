"""Pictures that play back and forth, as a file to download.

GIF is played everywhere and exact for grey pictures; coloured ones have more than its 256 colours. They become an MP4
where PyAV is installed, which phones and messengers play, and else a lossless WebP.
"""

import io
from importlib.util import find_spec
from typing import NamedTuple

from PIL import Image

VIEWABLE = 336  # pixels of the longer side at most
FRAME_TIME, REST = 50, 12  # milliseconds of a frame, and frames that either end is shown for


class Animation(NamedTuple):
    """A file.

    Attributes:
        data: its bytes.
        media_type: such as "image/gif".
        suffix: without a dot.
    """

    data: bytes
    media_type: str
    suffix: str


def animation_suffix(grey: bool) -> str:
    """What `animation` makes of grey or of coloured pictures here."""
    if grey:
        return "gif"
    return "mp4" if find_spec("av") else "webp"


def animation(frames: list[Image.Image], suffix: str | None = None) -> Animation:
    """Frames to and fro, with a rest at either end, their pixels enlarged to squares.

    Args:
        frames: grey or RGB, all of one size.
        suffix: "gif", "webp", or "mp4"; by default as `animation_suffix` says.
    """
    suffix = suffix or animation_suffix(frames[0].mode == "L")
    scale = max(1, VIEWABLE // max(frames[0].size))
    large = [frame.resize((frame.width * scale, frame.height * scale), Image.Resampling.NEAREST) for frame in frames]
    loop = [*large, *large[-2:0:-1]]
    rests = [REST if k in (0, len(frames) - 1) else 1 for k in range(len(loop))]
    if suffix == "mp4":
        return Animation(
            _mp4([frame for frame, rest in zip(loop, rests, strict=True) for _ in range(rest)]), "video/mp4", suffix
        )
    file = io.BytesIO()
    exact = {"lossless": True} if suffix == "webp" else {"optimize": False}
    times = [FRAME_TIME * rest for rest in rests]
    loop[0].save(file, suffix.upper(), save_all=True, append_images=loop[1:], duration=times, loop=0, **exact)
    return Animation(file.getvalue(), f"image/{suffix}", suffix)


def _mp4(frames: list[Image.Image]) -> bytes:
    """H.264 of 20 frames a second, in the one pixel format that every player knows; sides are even, as it needs."""
    import av  # an optional package

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1000 // FRAME_TIME, options={"crf": "17"})
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode(None))
    return file.getvalue()
