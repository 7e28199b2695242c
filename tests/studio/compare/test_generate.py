"""Pictures and metrics of several models side by side."""

import base64
import io

import pytest
from PIL import Image

from gan import GANError
from gan.studio.compare.generate import COUNT, compared_facts, compared_pictures
from gan.studio.strings import EN, ZH


def from_text(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_the_same_seeds_are_compared(vae_registry):
    models = ["toys-gan", "toys-vae"]
    columns = compared_pictures(vae_registry, models, 4, 0.8, "Star")
    for model, column in zip(models, columns, strict=True):
        direct = vae_registry.get(model)(seed=4, num_images=COUNT, truncation=0.8, label="Star")
        assert [from_text(text).tobytes() for text in column["pictures"]] == [i.tobytes() for i in direct.images]
        assert (column["seeds"], column["labels"]) == (direct.seeds, direct.labels)
    with pytest.raises(GANError, match="There is no label"):
        compared_pictures(vae_registry, models, 4, 0.8, "Cube")


def test_what_was_measured_is_compared(vae_registry):
    rows = compared_facts(vae_registry, ["toys-gan", "toys-vae", "toys-vaegan"], EN)
    by_name = {row["name"]: row for row in rows}
    distance = by_name["Fréchet distance (toy features)"]
    assert distance["cells"] == ["2.5", "7.25", "3"] and distance["best"] == 0
    assert distance["note"] == "lower is better, real pictures 0.5"
    assert by_name["Reconstruction error"]["cells"] == ["–", "0.01", "0.02"]
    assert by_name["Reconstruction error"]["best"] == 1
    assert by_name["Precision (toy features)"]["best"] is None  # there is nothing to compare it with
    assert by_name["Training"]["cells"] == ["1 min"] * 3
    assert "弗雷歇距离 (toy features)" in [row["name"] for row in compared_facts(vae_registry, ["toys-gan"], ZH)]
