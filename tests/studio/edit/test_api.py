"""The endpoints that edit pictures, called over HTTP by the real client."""

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from gan.studio.edit.generate import Base
from gan.studio.edit.letters import typed


@pytest.fixture(scope="module")
def client(vae_address, tmp_path_factory):
    return Client(vae_address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def call(client, endpoint, **arguments):
    image, facts = client.predict(api_name=f"/{endpoint}", **{"model": "toys-gan", **arguments})
    return np.asarray(Image.open(image)).astype(int), facts


def near(first, second):
    return np.abs(first - np.asarray(second).astype(int)).max() <= 1


def test_an_edit_is_that_of_the_pipeline(client, vae_registry):
    plain, facts = call(client, "edit_image", seed=7, label="Star")
    assert np.array_equal(plain, vae_registry.get("toys-gan")(7, label="Star").images[0])
    edited, _ = call(client, "edit_image", seed=7, label="Star", edits={"component 1": 2, "component 2": -1})
    direct = vae_registry.get("toys-gan").edit(7, {"component 1": 2, "component 2": -1}, label="Star").images[0]
    assert near(edited, direct) and not np.array_equal(edited, plain)
    again, _ = call(client, "edit_image", codes=facts["codes"])
    assert near(again, plain)


def test_pictures_are_guided_by_the_discriminator(client, vae_registry):
    direct = vae_registry.get("toys-gan")(7, 6, critic_steps=3).images
    result = client.predict("toys-gan", 7, 6, 1.0, "", 3, api_name="/generate_images")
    pictures = [np.asarray(Image.open(item["image"])).astype(int) for item in result]
    assert all(near(picture, image) for picture, image in zip(pictures, direct, strict=True))
    assert near(call(client, "edit_image", seed=7, critic_steps=3)[0], direct[0])


def test_a_mixture_is_that_of_the_pipeline(client, vae_registry):
    mixed, _ = call(client, "mix_images", first_seed=3, second_seed=9, layers="coarse")
    assert near(mixed, vae_registry.get("toys-gan").mix(3, 9, "coarse").images[0])


@pytest.mark.parametrize("model", ["toys-gan", "toys-vae"])
def test_a_picture_is_inverted_then_dragged(client, model, tmp_path):
    Image.radial_gradient("L").save(tmp_path / "mine.png")
    mine = handle_file(tmp_path / "mine.png")
    _, start = call(client, "invert_image", model=model, image=mine, steps=0)
    found, facts = call(client, "invert_image", model=model, image=mine, steps=12)
    assert facts["distance"] < start["distance"]
    points = {"handles": [[4, 4]], "targets": [[9, 6]]}
    dragged, moved = call(client, "drag_image", model=model, codes=facts["codes"], steps=4, **points)
    assert dragged.shape == found.shape and not np.array_equal(dragged, found)
    assert np.shape(moved["handles"]) == (1, 2) and moved["codes"] != facts["codes"]


def test_a_text_is_set_in_letters_of_a_seed(type_address, type_registry, tmp_path):
    client = Client(type_address, verbose=False, download_files=str(tmp_path))
    file, facts = client.predict(
        "type", "cab é", 9, {"component 1": 1.0}, truncation=0.9, aspect=1.0, api_name="/type_text"
    )
    picture = Image.open(file)
    base = Base(9, truncation=0.9)
    direct = typed(type_registry.get("type"), base, {"component 1": 1.0}, "cab é", 1.0).picture
    assert facts == {"missing": ["é"]} and picture.size == direct.size and picture.mode == "RGB"
    assert near(np.asarray(picture)[..., 0].astype(int), 255 - np.asarray(direct)[..., 3])
    with pytest.raises(AppError, match="Only a model whose classes are single characters"):
        client.predict("tiles", "a", api_name="/type_text")


@pytest.mark.parametrize(
    ("endpoint", "arguments", "refusal"),
    [
        ("edit_image", {"edits": {"beauty": 1}}, "There is no direction 'beauty'"),
        ("edit_image", {"edits": [1, 2]}, "Edits are strengths"),
        ("edit_image", {"codes": "?"}, "These codes cannot be read"),
        ("edit_image", {"model": "toys-vae", "critic_steps": 2}, "This model has no discriminator"),
        ("mix_images", {"layers": "finest"}, "choose coarse, middle, fine"),
        ("drag_image", {"handles": [[4, 4]], "targets": [[99, 4]]}, "outside the image"),
        ("drag_image", {"handles": [[4, 4]] * 100, "targets": [[5, 5]] * 100}, "100 handles"),
        ("drag_image", {"handles": None, "targets": None}, "points"),
        ("drag_image", {"handles": [[4, 4]], "targets": [[5, 5]], "steps": 10_000}, "10000 steps"),
        ("invert_image", {"image": None}, "There is no picture"),
    ],
)
def test_what_cannot_be_is_said(client, endpoint, arguments, refusal):
    with pytest.raises(AppError, match=refusal):
        call(client, endpoint, **arguments)
