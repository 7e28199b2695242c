"""The plot of quality against diversity, and the sheet of samples."""

import io

from PIL import Image

from gan.text.plots import sweep_picture, text_sheet


def test_the_picture_shows_every_curve() -> None:
    def curve(offset: float) -> list[dict[str, float]]:
        return [
            {"temperature": t, "lm_score": t + offset, "reverse_lm_score": 3 - t + offset} for t in (0.6, 0.8, 1.0)
        ]

    one = {"real": {"lm_score": 1.2, "reverse_lm_score": 1.2}, "curves": {"generated": curve(0.2)}}
    two = {"real": one["real"], "curves": one["curves"] | {"without its critic (MLE)": curve(0.4)}}
    pictures = [Image.open(io.BytesIO(sweep_picture(sweep))).convert("RGB") for sweep in (one, two)]
    red, blue = (178, 58, 38), (44, 92, 140)
    drawn = [{colour for _, colour in picture.getcolors(2**20)} for picture in pictures]
    assert red in drawn[0] and blue not in drawn[0] and {red, blue} <= drawn[1]
    assert sweep_picture(one) == sweep_picture(one)


def test_a_sheet_has_a_row_a_text() -> None:
    one, two = text_sheet(["first"]), text_sheet(["first", "second\nline"])
    assert one.width == two.width and two.height > one.height
    assert len(one.getcolors(2**16)) > 1
