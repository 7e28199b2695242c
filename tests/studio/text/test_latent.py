"""Text with a latent: what the page and the API get."""

import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

from gan import GANError
from gan.studio.directions import direction_rows
from gan.studio.morph.tab import takes_pictures
from gan.studio.strings import EN, ZH
from gan.studio.text.api import given_latent
from gan.studio.text.generate import Streams
from gan.studio.text.latent import Base, sentence_value, similar_value, way_value

SAYING = "who hears the cat?"


@pytest.fixture(scope="module")
def client(sayings_address, tmp_path_factory):
    return Client(sayings_address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_the_page_shows_what_the_pipeline_reads(sayings_registry):
    pipeline = sayings_registry.get("sayings")
    settings = {"model": "sayings", "seed": 3, "edits": {"length": 2.5}}
    found = sentence_value(sayings_registry, settings)
    assert (found["text"], found["before"]) == (pipeline.edit(3, {"length": 2.5}).texts[0], pipeline(seed=3).texts[0])
    typed = sentence_value(sayings_registry, settings | {"text": SAYING, "edits": {}})
    assert typed["text"] == typed["before"] == pipeline.reconstruct(SAYING).texts[0]
    ends = {"a": 3, "b": 4, "a_text": "", "b_text": SAYING}
    lines = way_value(sayings_registry, settings | ends | {"edits": {}})["lines"]
    assert [line["text"] for line in lines] == pipeline.interpolate(3, SAYING, 9).texts
    chosen = sentence_value(sayings_registry, settings | {"codes": lines[4]["codes"], "edits": {}})
    assert chosen["text"] == lines[4]["text"]
    assert Base.of(settings | {"label": None}) == Base(seed=3)


def test_sliders_keep_their_places_when_a_variation_is_chosen(sayings_registry):
    settings = {"model": "sayings", "seed": 3, "edits": {"length": 1.5}, "reach": 0.6, "batch": 0}
    found = similar_value(sayings_registry, settings)
    texts = [line["text"] for line in found["lines"]]
    assert found["text"] == sayings_registry.get("sayings").edit(3, {"length": 1.5}).texts[0] not in texts
    assert 2 <= len(texts) == len(set(texts)) <= 8
    chosen = sentence_value(sayings_registry, settings | {"codes": found["lines"][0]["codes"]})
    assert chosen["text"] == texts[0]
    classes = similar_value(sayings_registry, settings | {"model": "moods", "edits": {}})
    chosen = {"model": "moods", "seed": 3, "edits": {}, "codes": classes["lines"][0]["codes"]}
    assert sentence_value(sayings_registry, chosen)["label"] == sayings_registry.get("moods")(seed=3).labels[0]


def test_what_is_typed_has_the_class_of_the_seed_and_may_have_unknown_words(sayings_registry):
    pipeline = sayings_registry.get("talks")
    settings = {"model": "talks", "seed": 3, "edits": {}, "text": "The cat 你好 hears", "prefix": "two"}
    [own], wanted = pipeline(seed=3).labels, {"prefix": "two"}
    found = sentence_value(sayings_registry, settings)
    assert (found["label"], found["unknown"]) == (own, ["你好"])
    assert found["text"] == pipeline.reconstruct("the cat hears", own, **wanted).texts[0]
    similar = similar_value(sayings_registry, settings | {"reach": 0.05, "batch": 0})
    assert similar["unknown"] == ["你好"] and similar["few"] == (len(similar["lines"]) < 8)
    assert all(line["text"].startswith("two") for line in similar["lines"])
    ends = {"a": 3, "b": 4, "a_text": "", "b_text": settings["text"]}
    way = way_value(sayings_registry, settings | ends)
    assert [line["text"] for line in way["lines"]] == pipeline.interpolate(3, "the cat hears", 9, own, **wanted).texts
    assert way["unknown"] == ["你好"]
    unknown = settings | {"text": "你好 再见"}
    with pytest.raises(GANError, match="The model has never seen any of '你好', '再见'; give a text in words that it"):
        sentence_value(sayings_registry, unknown)
    chosen = sentence_value(sayings_registry, unknown | {"codes": way["lines"][-1]["codes"]})  # which count then
    assert chosen["unknown"] == [] and chosen["text"] == pipeline.reconstruct("the cat hears", own, **wanted).texts[0]


def test_a_stream_follows_a_finger_and_is_greedy(sayings_registry):
    pipeline, streams = sayings_registry.get("sayings"), Streams()
    request = {"seed": 3, "num_samples": 2, "edits": {"plural": 1}}
    answer = streams.begin(pipeline, request)
    while not answer["done"]:
        more = streams.more(answer["stream"])
        for sample, new in zip(answer["samples"], more["samples"]):
            sample["tokens"] += new["tokens"]
        answer["done"] = more["done"]
    texts = ["".join(piece or "" for piece, *_ in sample["tokens"]) for sample in answer["samples"]]
    assert texts == pipeline(seed=3, num_samples=2, edits={"plural": 1}).texts


def test_directions_have_names_and_models_without_any_have_components(sayings_registry):
    titles = [row["title"] for row in direction_rows(sayings_registry.get("sayings"), ZH)]
    assert sorted(titles) == sorted([ZH["direction_length"], ZH["direction_plural"], "含“dogs”"])
    assert direction_rows(sayings_registry.get("moods"), EN)[0]["title"] == "Component 1"
    assert direction_rows(sayings_registry.get("plain"), EN) == []


def test_the_morph_tab_takes_no_encoders_of_text(sayings_registry, vae_registry):
    assert not takes_pictures(sayings_registry.source("sayings"))
    assert takes_pictures(vae_registry.source("toys-vae"))


def test_endpoints_give_what_the_pipeline_reads(client, sayings_registry):
    pipeline = sayings_registry.get("sayings")
    latent = client.predict("sayings", SAYING, api_name="/encode_text")["latent"]
    assert torch.allclose(torch.tensor(latent), pipeline.encode(SAYING)[0])
    edits = {"length": 2.0, "plural": -1}
    found = client.predict(text=SAYING, edits=edits, api_name="/edit_text")
    assert found["text"] == pipeline.edit(SAYING, edits).texts[0]
    assert found["unedited"] == pipeline.reconstruct(SAYING).texts[0]
    again = client.predict(latent=found["latent"], api_name="/edit_text")
    assert again["text"] == again["unedited"] == found["text"]
    assert client.predict(seed=5, api_name="/edit_text")["text"] == pipeline(seed=5).texts[0]
    lines = client.predict(a_seed=3, b_text=SAYING, steps=5, api_name="/interpolate_text")
    assert [line["text"] for line in lines] == pipeline.interpolate(3, SAYING, 5).texts
    assert [line["share"] for line in lines] == [0, 0.25, 0.5, 0.75, 1]
    moved = client.predict(b_latent=latent, a_seed=3, edits=edits, steps=3, api_name="/interpolate_text")
    assert moved[0]["text"] == pipeline.edit(3, edits).texts[0] and moved[2]["text"] == found["text"]
    assert moved[2]["latent"] == pytest.approx(found["latent"], abs=1e-5)
    typed, [own] = {"model": "talks", "seed": 3, "text": SAYING}, sayings_registry.get("talks")(seed=3).labels
    read = client.predict(**typed, api_name="/edit_text")
    assert (read["text"], read["label"]) == (sayings_registry.get("talks").reconstruct(SAYING, own).texts[0], own)
    generated = client.predict(seed=3, edits=edits, api_name="/generate_text")[0]["text"]
    assert generated == pipeline(seed=3, edits=edits).texts[0]


@pytest.mark.parametrize(
    ("endpoint", "arguments", "refusal"),
    [
        ("encode_text", {"text": " "}, "The text is empty"),
        ("encode_text", {"text": "你好 the cat"}, "The text has '你好' in it, which the model has never seen"),
        ("encode_text", {"text": "the " * 250}, "250 tokens long, and a text of this model at most 12; shorten it"),
        ("encode_text", {"text": "cat " * 1000}, "The text has 4,000 characters, and 1,000 are the most; shorten it"),
        ("encode_text", {"model": "moods", "text": SAYING}, "This model has no encoder, so it cannot read texts"),
        ("edit_text", {"model": "plain"}, "plain has no latent; choose sayings"),
        ("edit_text", {"edits": {"mood": 1}}, "There is no direction 'mood'; this model has length"),
        ("edit_text", {"edits": [1]}, "Edits are strengths by the name"),
        ("edit_text", {"edits": {"length": 99}}, "A strength of 99"),
        ("edit_text", {"latent": [0.5, 1]}, "A latent of this model is a list of 8 numbers"),
        ("edit_text", {"latent": ["x"]}, "A latent of this model is a list of 8 numbers"),
        ("edit_text", {"latent": [[0.5] * 8] * 2}, "A latent of this model is a list of 8 numbers"),
        ("interpolate_text", {"b_latent": [0.5] * 7}, "A latent of this model is a list of 8 numbers"),
        ("edit_text", {"temperature": -1}, "temperature of -1"),
        ("interpolate_text", {"steps": 1}, "ask for 2 to 32"),
        ("interpolate_text", {"model": "moods", "a_text": SAYING}, "has no encoder"),
    ],
)
def test_what_cannot_be_is_said(client, endpoint, arguments, refusal):
    with pytest.raises(AppError, match=refusal):
        client.predict(api_name=f"/{endpoint}", **arguments)


def test_numbers_that_are_none_are_no_latent(sayings_registry):
    with pytest.raises(GANError, match="not finite"):
        given_latent(sayings_registry.get("sayings"), [float("nan")] * 8)  # JSON knows none
