"""Animations to download."""

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gan.studio.animation import animation, animation_suffix


def frames(mode: str, count: int) -> list[Image.Image]:
    """Frames of 8x12 pixels."""
    generator = np.random.default_rng(0)
    shape = (12, 8) if mode == "L" else (12, 8, 3)
    return [Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)) for _ in range(count)]


@pytest.mark.parametrize(("mode", "suffix"), [("L", "gif"), ("RGB", "webp")])
def test_an_animation_is_exact_enlarged_and_plays_for_ever(mode: str, suffix: str) -> None:
    given = frames(mode, 4)
    made = animation(given, suffix)
    animated = Image.open(io.BytesIO(made.data))
    assert (made.media_type, made.suffix) == (f"image/{suffix}", suffix)
    assert animated.size == (224, 336) and animated.info["loop"] == 0
    enlarged = np.ones((28, 28) + (1,) * (mode == "RGB"), np.uint8)
    expected = [np.kron(np.asarray(given[k]), enlarged) for k in (0, 1, 2, 3, 2, 1)]
    played = [np.asarray(frame.convert(mode)) for frame in ImageSequence.Iterator(animated)]
    assert np.array_equal(played, expected)


def test_an_animation_rests_at_its_ends() -> None:
    animated = Image.open(io.BytesIO(animation(frames("L", 3), "gif").data))
    assert [frame.info["duration"] for frame in ImageSequence.Iterator(animated)] == [600, 50, 600, 50]


def test_an_mp4_shows_the_colours_and_rests_at_its_ends() -> None:
    av = pytest.importorskip("av")
    colours = [(220, 40, 30), (40, 180, 60), (30, 60, 200)]
    made = animation([Image.new("RGB", (8, 12), colour) for colour in colours], "mp4")
    assert (made.media_type, made.suffix) == ("video/mp4", "mp4")
    with av.open(io.BytesIO(made.data)) as container:
        played = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert played[0].shape == (336, 224, 3)
    shown = np.mean(played, axis=(1, 2))
    expected = np.array([colours[k] for k in [0] * 12 + [1] + [2] * 12 + [1]])
    assert np.abs(shown - expected).max() < 8


def test_colours_are_an_mp4_where_it_can_be_written() -> None:
    pytest.importorskip("av")
    assert (animation_suffix(grey=True), animation_suffix(grey=False)) == ("gif", "mp4")
