"""The endpoint of text models, called over HTTP by the real client."""

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(text_address, tmp_path_factory):
    return Client(text_address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_the_arguments_have_stable_names(client):
    endpoint = client.view_api(return_format="dict")["named_endpoints"]["/generate_text"]
    names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
    assert names == [
        *("model", "seed", "num_samples", "temperature", "top_k", "top_p", "prefix", "critic_strength"),
        *("acrostic", "best_of", "label", "edits"),
    ]
    assert all(parameter["parameter_has_default"] for parameter in endpoint["parameters"])
    assert "same texts" in endpoint["description"]


def test_texts_are_those_of_the_pipeline(client, text_registry):
    pipeline = text_registry.get("verses")
    found = client.predict("verses", 40, 3, 0.8, 12, 0.95, "明月", 1.5, api_name="/generate_text")
    direct = pipeline(40, 3, temperature=0.8, top_k=12, top_p=0.95, prefix="明月", critic_strength=1.5)
    assert [sample["text"] for sample in found] == direct.texts and direct.texts[0].startswith("明月")
    assert [sample["seed"] for sample in found] == [40, 41, 42]
    assert found[1]["log_likelihood"] == pytest.approx(direct.log_likelihoods[1], abs=1e-3)
    assert "".join(piece or "" for piece, _, _ in found[2]["tokens"]) == direct.texts[2]
    # what is left out is as the model was published, critic and all; the first model writes
    assert client.predict(api_name="/generate_text")[0]["text"] == pipeline().texts[0]
    best = client.predict(seed=2, acrostic="春夏", best_of=8, api_name="/generate_text")[0]["text"]
    assert best == pipeline(2, acrostic="春夏", best_of=8).texts[0]
    named = client.predict("notes", seed=3, label="long", api_name="/generate_text")[0]
    assert (named["text"], named["label"]) == (text_registry.get("notes")(3, label="long").texts[0], "long")


@pytest.mark.parametrize(
    ("endpoint", "arguments", "message"),
    [
        ("/generate_text", {"model": "blots"}, "blots makes images, not texts; choose one of verses, notes"),
        ("/generate_images", {"model": "verses"}, "verses makes texts, not images; choose one of blots"),
        ("/generate_text", {"model": "notes", "critic_strength": 1}, "This model has no critic"),
        ("/generate_text", {"model": "nothing"}, "There is no model 'nothing'"),
        ("/generate_text", {"num_samples": 99}, "ask for 1 to 32"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(client, endpoint, arguments, message):
    with pytest.raises(AppError, match=message):
        client.predict(api_name=endpoint, **arguments)
    assert client.predict("verses", api_name="/load_model")["kind"] == "text"
