"""Golden slices of the bundled models: whatever is rearranged, a seed keeps its sample."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan import AudioPipeline, ImagePipeline, TextPipeline

WEIGHTS = Path(__file__).parents[1] / "weights"


@pytest.mark.parametrize(
    ("name", "drawn", "asked"),
    [
        (
            "fashion",
            [183, 176, 175, 215, 64, 176, 184, 3, 90, 178, 172, 2, 121, 179, 172, 2],
            [0, 209, 1, 0, 0, 206, 158, 0, 0, 194, 186, 0, 2, 216, 134, 0],
        ),
        (
            "fashion-vae",
            [104, 108, 103, 7, 35, 94, 106, 14, 24, 83, 75, 31, 35, 45, 36, 34],
            [180, 157, 167, 51, 0, 155, 172, 0, 0, 174, 162, 1, 11, 182, 173, 1],
        ),
        (
            "fashion-vaegan",
            [138, 100, 107, 112, 83, 94, 127, 0, 63, 87, 77, 1, 40, 95, 94, 0],
            [198, 206, 201, 191, 0, 200, 220, 244, 33, 200, 178, 0, 71, 198, 183, 0],
        ),
        (
            "avatars",
            [207, 207, 209, 209, 207, 208, 213, 83, 208, 208, 130, 152, 208, 64, 120, 75],
            [241, 243, 246, 237, 240, 245, 115, 4, 239, 237, 0, 0, 241, 113, 0, 5],
        ),
        (
            "typefaces",
            [0, 1, 1, 203, 0, 0, 0, 252, 1, 1, 1, 253, 1, 1, 1, 254],
            [0, 0, 0, 1, 0, 0, 0, 196, 0, 0, 0, 153, 0, 0, 1, 152],
        ),
        (
            "emoji",
            [255, 250, 227, 248, 198, 255, 186, 230, 252, 240, 251, 249, 254, 253, 246, 230],
            [200, 208, 209, 202, 178, 157, 172, 179, 153, 151, 151, 149, 146, 139, 140, 155],
        ),
    ],
)
def test_pixels(name: str, drawn: list[int], asked: list[int]):
    """Seed 7 with truncation 0.8 and a class of its own (first channel), seed 8 with class 3 (last channel)."""
    pipeline = ImagePipeline.from_pretrained(WEIGHTS / name)
    first = np.atleast_3d(np.asarray(pipeline(seed=7, num_images=2, truncation=0.8).images[0], dtype=int))
    np.testing.assert_allclose(first[8:24:5, 8:24:5, 0].flatten(), drawn, atol=1)  # one grey level
    second = np.atleast_3d(np.asarray(pipeline(seed=8, label=3).images[0], dtype=int))
    np.testing.assert_allclose(second[8:24:5, 8:24:5, -1].flatten(), asked, atol=1)


def writing(name: str, texts: list[str], log_likelihoods: list[float], **settings: Any) -> TextPipeline:
    """A text model, of which seeds 3 and 4 have been compared."""
    pipeline = TextPipeline.from_pretrained(WEIGHTS / name)
    written = pipeline(seed=3, num_samples=2, **settings)
    assert written.texts == texts
    np.testing.assert_allclose(written.log_likelihoods, log_likelihoods, atol=1e-2)
    return pipeline


@pytest.mark.parametrize(
    ("name", "texts", "log_likelihoods", "plain"),
    [
        (
            "tang",
            ["天寒不可见，宿发暂同车。还归前山吏，暂寻远棹人。", "微风万不年，形胜坠三白。故人始移年，春花未到处。"],
            [-95.9001, -104.1107],
            "江南日已长，斜发竟相宜。旧客思何疾，劳歌道促风。",
        ),
        (
            "captions",
            [
                "a man with a motorcycle sitting on a snowy bench.",
                "a bathroom with a toilet paper roll and soap mirror.",
            ],
            [-22.2677, -26.2135],
            "a motorcycle with the car going through the shade.",
        ),
    ],
)
def test_tokens(name: str, texts: list[str], log_likelihoods: list[float], plain: str):
    """Seeds 3 and 4 with the critic, seed 3 without."""
    pipeline = writing(name, texts, log_likelihoods, temperature=0.9, top_p=0.95)
    assert pipeline(seed=3, critic_strength=0.0).texts == [plain]


def test_texts_of_a_latent():
    """Seeds 3 and 4, seed 3 with dice, and a caption read, rewritten and walked from."""
    pipeline = writing(
        "captions-latent",
        [
            "a bicyclist as a herd of bananas is on the floor.",
            "a group of sheep and leaning down a bicycle.",
        ],
        [-12.3141, -5.4845],
    )
    assert pipeline(seed=3, temperature=1).texts == ["a football on a tent is performing the floor of a television."]
    caption = "a cat sitting on the hood of a car."
    latent = pipeline.encode(caption)[0, :6]
    np.testing.assert_allclose(latent, [0.564, 1.0487, 0.5158, 1.4038, 0.6953, 0.1951], atol=1e-3)
    assert pipeline.reconstruct(caption).texts == [caption]
    others = [text.rstrip(".") for text in pipeline.variations(caption, 5).texts]
    assert len({caption.rstrip("."), *others}) == 6, "a mark at the end makes no other text"
    assert pipeline.edit(caption, {"with woman": 4}).texts == ["a woman sitting on a hood of a car."]
    assert pipeline.interpolate(caption, "a man is riding a horse.", 7).texts[2:5] == [
        "a cat is sitting on a car.",
        "a man is sitting on a car.",
        "a man is riding a horse on a horse.",
    ]


def test_poems_of_a_latent_in_four_parts():
    """Seeds 3 and 4, an edit, a way between two seeds, and a poem that is read and rewritten."""
    pipeline = writing(
        "tang-latent",
        [
            "异泽依江水，东山照越源。地逢三夏景，楼是一将春。",
            "放然无此姿，偶送登陵迟。终子伤成子，谁知忆客情。",
        ],
        [-35.3873, -35.5921],
    )
    assert pipeline.edit(3, {"with 风": 4}).texts == ["异泽依秋水，东山照暮风。风多逢地落，风影是天城。"]
    assert pipeline.interpolate(7, 8, 3).texts[::2] == pipeline(seed=7, num_samples=2).texts
    poem = "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"
    latent = pipeline.encode(poem)[0, :6]
    np.testing.assert_allclose(latent, [0.324, -0.335, -1.0831, -0.6359, -0.8116, -0.6171], atol=1e-3)
    assert pipeline.reconstruct(poem).texts == ["春眠不觉觉，处处鸟闻啼。夜雨来风雨，花花落日多。"]
    assert pipeline(seed=3, acrostic="山高水长").texts == ["山水依彭广，高源日几行。水逢三景地，长是暮楼楼。"]


def test_names_of_a_latent_in_several_countries():
    """Seed 11, a name that is typed, and the way to it from another."""
    pipeline = TextPipeline.from_pretrained(WEIGHTS / "places")
    countries = ("Finland", "Germany", "Indonesia", "Italy", "Japan")
    assert [pipeline(11, label=country).texts[0] for country in countries] == [
        "Sartela",
        "Baltel",
        "Bartelay",
        "Altrella",
        "Okariya",
    ]
    typed = pipeline.encode("Winchester")
    np.testing.assert_allclose(typed[0, :6], [-1.4909, 1.6275, -0.1044, -0.4637, -0.1690, -0.8453], atol=1e-3)
    assert pipeline.decode(typed, label="Italy").texts == ["Winchesterio"]
    assert pipeline.interpolate("Kyoto", "Winchester", 7, label="Japan").texts[2:6] == [
        "Kynoto",
        "Kanosho",
        "Winohetsu",
        "Wincheshi",
    ]


@pytest.mark.parametrize(
    ("name", "label", "start", "step", "samples"),
    [
        (
            "digits",
            "0, george",
            1000,
            300,
            [0.1712, 0.2479, -0.2687, 0.0804, -0.0953, 0.5539, -0.0518, 0.0682, 0.0264],
        ),
        ("drums", "kick", 200, 500, [0.6985, 0.8379, -0.0113, -0.0543, -0.0271, 0.0321, -0.0096, -0.0080, 0.0096]),
    ],
)
def test_waveform(name: str, label: str, start: int, step: int, samples: list[float]):
    """Seed 7 with truncation 0.8."""
    pipeline = AudioPipeline.from_pretrained(WEIGHTS / name)
    audio = pipeline(seed=7, num_samples=2, truncation=0.8, label=label).audios[0, :, 0]
    np.testing.assert_allclose(audio[start : start + len(samples) * step : step], samples, atol=2e-3)
