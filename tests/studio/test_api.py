"""The endpoints, called over HTTP by the real client."""

import numpy as np
import pytest
from gradio.utils import get_function_description
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from gan.studio.api import ModelAPI
from gan.studio.page import TABS


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


@pytest.fixture(scope="module")
def vae_client(vae_address, tmp_path_factory):
    return Client(vae_address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def generate(client, **arguments):
    result = client.predict(api_name="/generate_images", **arguments)
    images = [Image.open(item["image"]) for item in result]
    return [np.asarray(image) for image in images], [item["caption"] for item in result], images


def test_only_the_endpoints_are_public(client):
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {
        "/generate_images",
        "/generate_text",
        "/encode_text",
        "/edit_text",
        "/interpolate_text",
        "/reconstruct_image",
        "/interpolate_images",
        "/generate_audio",
        "/edit_image",
        "/mix_images",
        "/invert_image",
        "/drag_image",
        "/type_text",
        "/interpolate_audio",
        "/drum_kit",
        "/load_model",
        "/list_models",
    }
    assert not client.view_api(return_format="dict")["unnamed_endpoints"]


def test_the_arguments_have_stable_names_and_are_documented(client):
    endpoint = client.view_api(return_format="dict")["named_endpoints"]["/generate_images"]
    names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
    assert names == ["model", "seed", "num_images", "truncation", "label", "critic_steps"]
    assert all(parameter["parameter_has_default"] for parameter in endpoint["parameters"])
    assert "same pictures" in endpoint["description"]


@pytest.mark.parametrize("api", [tab.api for tab in TABS if tab.api] + [ModelAPI])
def test_every_parameter_is_described_to_mcp_clients(api, registry):
    endpoints = [getattr(api(registry), name) for name in vars(api) if name[0] != "_" and callable(vars(api)[name])]
    assert endpoints
    for endpoint in endpoints:
        description, parameters, _ = get_function_description(endpoint)
        assert description and all(parameters.values()), endpoint.__name__


def test_models_are_listed_and_described(client):
    assert client.predict(api_name="/list_models") == ["shapes", "strokes"]
    facts = client.predict("shapes", api_name="/load_model")
    assert (facts["width"], facts["height"], facts["labels"]) == (16, 16, ["Circle", "Square/box", "Star"])
    assert facts["parameters"] > 0 and facts["megabytes"] > 0


@pytest.mark.parametrize(("model", "mode"), [("shapes", "RGB"), ("strokes", "L")])
def test_pixels_are_those_of_the_pipeline(client, registry, model, mode):
    pixels, captions, images = generate(client, model=model, seed=40, num_images=5, truncation=0.7)
    direct = registry.get(model)(seed=40, num_images=5, truncation=0.7)
    assert captions == ["40", "41", "42", "43", "44"]
    assert all(np.array_equal(a, b) for a, b in zip(pixels, direct.images, strict=True))
    assert all(image.format == "PNG" and image.mode == mode for image in images)


def test_a_picture_is_a_function_of_its_seed(client):
    batch, _, _ = generate(client, model="shapes", seed=3, num_images=4)
    alone, _, _ = generate(client, model="shapes", seed=5, num_images=1)
    assert np.array_equal(batch[2], alone[0])
    assert not np.array_equal(batch[0], batch[1])


def test_a_label_by_name_in_any_case(client, registry):
    by_name, _, _ = generate(client, model="shapes", seed=1, label="star")
    assert np.array_equal(by_name[0], registry.get("shapes")(seed=1, label=2).images[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "shapes", "label": "Cube"}, "There is no label 'Cube'; this model knows Circle"),
        ({"model": "strokes", "label": "Star"}, "has no classes"),
        ({"model": "nothing"}, "choose one of shapes, strokes"),
        ({"model": "shapes", "num_images": 65}, "ask for 1 to 64"),
        ({"model": "shapes", "num_images": 0}, "ask for 1 to 64"),
        ({"model": "shapes", "num_images": None}, "must be numbers"),
        ({"model": "shapes", "seed": -1}, "not a whole number from 0"),
        ({"model": "shapes", "truncation": 7}, "truncation of 7"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(client, arguments, message):
    with pytest.raises(AppError, match=message):
        generate(client, **arguments)


def test_an_unknown_repository_is_named(client):
    with pytest.raises(AppError, match="nobody/nothing-at-all cannot be fetched"):
        client.predict("nobody/nothing-at-all", api_name="/load_model")
    with pytest.raises(AppError, match="There is no model '/etc'"):
        client.predict("/etc", api_name="/load_model")


@pytest.fixture
def picture(tmp_path):
    """A picture file from elsewhere: larger than the model's, in colour."""
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "mine.jpg")
    return tmp_path / "mine.jpg"


def test_a_picture_is_rebuilt(vae_client, vae_registry, picture):
    pipeline = vae_registry.get("toys-vaegan")
    for label in ("", "star"):
        path = vae_client.predict("toys-vaegan", handle_file(picture), label, api_name="/reconstruct_image")
        direct = pipeline.reconstruct(Image.open(picture), label or None).images[0]
        with Image.open(path) as rebuilt:
            assert rebuilt.format == "PNG" and rebuilt.size == (16, 16)
            assert np.array_equal(np.asarray(rebuilt.convert("L")), np.asarray(direct))


def test_interpolated_pictures(client, registry):
    for model in ("shapes", "strokes"):  # neither has an encoder, nor is one needed
        result = client.predict(model, 3, 9, 5, "", 0.7, api_name="/interpolate_images")
        direct = registry.get(model).interpolate(3, 9, 5, truncation=0.7).images
        assert [item["caption"] for item in result] == ["0.000", "0.250", "0.500", "0.750", "1.000"]
        shown = [np.asarray(Image.open(item["image"])) for item in result]
        assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(shown, direct, strict=True))


def test_what_cannot_be_rebuilt_is_said_in_a_sentence(client, vae_client, picture, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for asked, message in (
        ((vae_client, "toys-gan", picture, ""), "has no encoder, so it cannot take pictures"),
        ((vae_client, "toys-vae", tmp_path / "notes.txt", ""), "not a picture that can be read"),
        ((vae_client, "toys-vae", picture, "Cube"), "There is no label 'Cube'"),
        ((client, "nothing", picture, ""), "choose one of shapes, strokes"),
    ):
        who, model, path, label = asked
        with pytest.raises(AppError, match=message):
            who.predict(model, handle_file(path), label, api_name="/reconstruct_image")
    with pytest.raises(AppError, match="There is no picture"):
        vae_client.predict("toys-vae", None, "", api_name="/reconstruct_image")
    for arguments, message in (
        ((-1, 2, 4), "not a whole number from 0"),
        ((1, 2, 1), "ask for 2 to 64"),
        ((1, 2, 65), "ask for 2 to 64"),
        ((1, 2, None), "ask for 2 to 64"),
    ):
        with pytest.raises(AppError, match=message):
            client.predict("shapes", *arguments, "", 1.0, api_name="/interpolate_images")
