"""Pictures for the page and the API."""

import numpy as np
import pytest

from gan import GANError
from gan.studio.images.generate import START, file_name, generate_images, images_for_page, png_base64


def test_file_names_carry_everything():
    assert file_name("user/name", 7, "Square/box", 0.8) == "user-name_seed-7_Square-box_psi-0.8.png"
    assert file_name("fashion", 7, None, 1.0) == "fashion_seed-7_psi-1.png"
    for model in ("/home/me/network.pkl", "https://example.org/models/network.pkl"):
        assert file_name(model, 7, None, 1.0) == "network_seed-7_psi-1.png"


@pytest.mark.parametrize("missing", ["seed", "num_images", "truncation"])
def test_a_number_that_is_missing_is_said(missing, registry):
    with pytest.raises(GANError, match="must be numbers"):
        generate_images(registry, "shapes", **{**START, missing: None})


def test_each_seed_is_drawn_in_every_class(registry):
    pictures, _, total = images_for_page(registry, {"model": "shapes", **START, "label": "Star", "rows": "classes"})
    assert total == 24
    assert [picture["label"] for picture in pictures] == ["Circle"] * 8 + ["Square/box"] * 8 + ["Star"] * 8
    assert [picture["seed"] for picture in pictures] == [*range(7, 15)] * 3
    assert pictures[18]["png"] == png_base64(registry.get("shapes")(seed=9, label="Star").images[0])
    with pytest.raises(GANError, match="strokes has 0 classes"):
        images_for_page(registry, {"model": "strokes", **START, "rows": "classes"})


def test_where_drawing_takes_long_pictures_come_in_several_answers(registry, monkeypatch):
    monkeypatch.setattr("gan.studio.images.generate.PATIENCE", 0.0)
    monkeypatch.setattr("gan.studio.images.generate.PIXELS_AT_ONCE", 16 * 16 * 5)
    for rows, total in (("", 12), ("classes", 24)):
        settings = {"model": "shapes", **START, "num_images": 12, "rows": rows}
        pictures, answers = [], 0
        while len(pictures) < total:
            more, _, said = images_for_page(registry, settings | {"skip": len(pictures)})
            assert 1 <= len(more) <= 5 and said == total
            pictures, answers = pictures + more, answers + 1
        monkeypatch.setattr("gan.studio.images.generate.PATIENCE", 60.0)
        assert pictures == images_for_page(registry, settings)[0] and answers > 2
        monkeypatch.setattr("gan.studio.images.generate.PATIENCE", 0.0)


def test_guidance_goes_in_parts(vae_registry):
    guided, _ = generate_images(vae_registry, "toys-gan", 3, 6, 1.0, "", 2)
    direct = vae_registry.get("toys-gan")(3, 6, critic_steps=2)
    assert guided.seeds == direct.seeds and guided.labels == direct.labels
    apart = [np.abs(np.asarray(a).astype(int) - b).max() for a, b in zip(guided.images, direct.images, strict=True)]
    assert max(apart) <= 1
