"""Text models in the registry, their streams, and the endpoint that writes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from gan import GANError, ImagePipeline, TextPipeline
from gan.studio.model_info import modality
from gan.studio.model_panel import describe, panel_html
from gan.studio.queue import run_queued
from gan.studio.registry import Registry, fetch_indexes
from gan.studio.strings import EN, ZH
from gan.studio.text.batching import write
from gan.studio.text.generate import MAX_PROMPT_LENGTH, Streams
from gan.studio.text.tab import panel_rows

FAILING = [
    ({"seed": -1}, "not a whole number from 0"),
    ({"seed": 4294967295, "num_samples": 2}, "not a whole number from 0"),
    ({"num_samples": 33}, "ask for 1 to 32"),
    ({"num_samples": 0}, "ask for 1 to 32"),
    ({"temperature": None}, "must be numbers"),
    ({"temperature": -1}, "temperature of -1"),
    ({"top_p": 0}, "top-p of 0"),
    ({"prefix": "x"}, "'x' in it, which the model has never seen"),
    ({"prefix": "春" * (MAX_PROMPT_LENGTH + 1)}, "letters at most"),
    ({"prefix": "春", "acrostic": "春"}, "give one of them"),
    ({"best_of": 65}, "ask for 1 to 64"),
    ({"best_of": 0}, "ask for 1 to 64"),
    ({"label": "short"}, "has no classes"),
]


def read(streams, answer):
    """The tokens of a stream's texts from its first answer to its last, and how many answers there were."""
    name, found, answers = answer["stream"], [], 0
    while True:
        for k, sample in enumerate(answer["samples"]):
            if k == len(found):
                found.append([])
            found[k] += sample["tokens"]
        answers += 1
        if answer["done"]:
            return found, answers
        answer = streams.more(name)


def test_each_tab_is_offered_the_models_of_its_kind(writers):
    assert writers.names("text") == ["verses", "notes"] and writers.names("image") == ["blots"]
    assert [writers.default(wanted) for wanted in ("image", "text", "sound")] == ["blots", "verses", ""]
    assert modality("user/never-seen-here") is None and Registry({"user/x": "user/x"}).names("image") == ["user/x"]


def test_text_comes_with_its_critic_and_pictures_without(library, tmp_path):
    registry = Registry({name: str(library / name) for name in ("verses", "notes", "blots")})
    assert registry.get("verses").discriminator is not None
    assert registry.get("blots").discriminator is None
    with pytest.raises(GANError, match="blots makes images, not texts; choose one of verses, notes"):
        registry.get("blots", TextPipeline)
    with pytest.raises(GANError, match="verses makes texts, not images; choose one of blots"):
        registry.get("verses", ImagePipeline)
    with pytest.raises(GANError, match="none is offered here"):
        Registry({"verses": str(library / "verses")}).get("verses", ImagePipeline)


def test_models_that_were_never_here_keep_nobody_waiting():
    fetch_indexes(Registry({"nobody/nothing-at-all": "nobody/nothing-at-all"}), seconds=60)


def test_a_text_model_is_described(writers):
    facts = describe("verses", writers.get("verses"))
    assert (facts["kind"], facts["length"], facts["critic"], facts["critic_strength"]) == ("text", 24, True, 0.6)
    assert facts["training"]["texts_seen"] == 1280 and "width" not in facts
    html = panel_html(facts, panel_rows(facts, EN), EN)
    assert "&lt;b&gt;written&lt;/b&gt;" in html and "<b>" not in html
    assert "up to 24 tokens" in html and "λ = 0.6 was best" in html and "1,280 texts seen" in html
    assert "λ = 0.6 时最佳" in panel_html(facts, panel_rows(facts, ZH), ZH)
    facts = describe("notes", writers.get("notes"))
    assert EN["no_critic"] in panel_html(facts, panel_rows(facts, EN), EN)


@pytest.mark.parametrize(
    "asked", [{}, {"temperature": 0.7, "top_p": 0.9, "critic_strength": 2.0}, {"acrostic": "春夏"}]
)
def test_a_stream_brings_what_the_pipeline_writes(writers, asked):
    pipeline, streams = writers.get("verses"), Streams()
    first = streams.begin(pipeline, {"seed": 5, "num_samples": 3, **asked})
    assert [len(sample["tokens"]) for sample in first["samples"]] == [1, 1, 1] and not first["done"]
    found, answers = read(streams, first)
    direct = pipeline(seed=5, num_samples=3, **asked)
    assert answers > 1 and not streams._open
    for k, tokens in enumerate(found):
        assert "".join(piece or "" for piece, _, _ in tokens) == direct.texts[k]
        assert [likelihood for _, likelihood, _ in tokens] == pytest.approx(direct.token_log_likelihoods[k], abs=1e-4)
        assert [opinion for _, _, opinion in tokens] == pytest.approx(direct.token_opinions[k], abs=1e-4)


def test_the_end_is_a_token_and_a_model_without_a_critic_has_no_opinions(writers):
    pipeline, streams = writers.get("notes"), Streams()
    found, _ = read(streams, streams.begin(pipeline, {"seed": 0, "num_samples": 8, "label": "LONG"}))
    ended = [tokens for tokens in found if tokens[-1][0] is None]
    assert ended and all(opinion is None for tokens in found for _, _, opinion in tokens)
    with pytest.raises(GANError, match="no critic"):
        streams.begin(pipeline, {"seed": 0, "num_samples": 1, "best_of": 2})


def test_the_best_of_many_arrives_text_by_text(writers, monkeypatch):
    pipeline, streams = writers.get("verses"), Streams()
    monkeypatch.setattr(
        "gan.studio.text.generate.ANSWER", 0.0
    )  # or a fast machine writes all three into the first answer
    asked = {"seed": 5, "num_samples": 3, "best_of": 32}  # a text's candidates fill all rows
    first = streams.begin(pipeline, asked)
    assert [sample["seed"] for sample in first["samples"]] == [5]
    found, _ = read(streams, first)
    direct = pipeline(**asked)
    assert ["".join(piece for piece, _, _ in tokens) for tokens in found] == direct.texts
    assert write(pipeline, **asked).texts == direct.texts == write(pipeline, **asked, label="").texts


def test_those_who_wait_are_written_together_and_get_what_is_theirs(writers, monkeypatch):
    pipeline, held, sheets = writers.get("verses"), threading.Event(), []
    asked = [{"seed": 40 * k, "num_samples": 1 + 2 * k} for k in range(6)]  # 36 texts in all: two sheets
    asked += [{"seed": 3, "num_samples": 2, "temperature": 0.5}]
    alone = [pipeline(**one) for one in asked]
    asked += [{"seed": k, "num_samples": 1, "prefix": "x"} for k in range(2)]
    stream_of = pipeline.stream_of
    monkeypatch.setattr(pipeline, "stream_of", lambda seeds, **how: sheets.append(seeds) or stream_of(seeds, **how))
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        busy = pool.submit(run_queued, held.wait)
        found = [pool.submit(write, pipeline, **one) for one in asked]
        time.sleep(0.5)  # until all wait
        held.set()
        assert busy.result()
        assert [future.result() for future in found[:-2]] == alone
        for future in found[-2:]:
            with pytest.raises(GANError, match="never seen"):
                future.result()
    assert len(sheets) < len(asked)  # five where no thread was late: the first alone, two, and two with other settings


def test_streams_are_forgotten_when_there_are_too_many(writers):
    pipeline, streams = writers.get("verses"), Streams(capacity=2)
    names = [streams.begin(pipeline, {"seed": k, "num_samples": 1})["stream"] for k in range(3)]
    assert streams.more(names[0]) == {"gone": True} == streams.more("made up")
    assert len(streams.more(names[2])["samples"][0]["tokens"]) > 0


def test_streams_take_turns(writers):
    pipeline, streams = writers.get("verses"), Streams()
    found = {}

    def one(seed):
        found[seed] = read(streams, streams.begin(pipeline, {"seed": seed, "num_samples": 2}))[0]

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, texts in found.items():
        assert ["".join(piece for piece, _, _ in tokens) for tokens in texts] == pipeline(seed, 2).texts


@pytest.mark.parametrize(("asked", "message"), FAILING)
def test_what_cannot_be_written_is_said_and_no_stream_opened(writers, asked, message):
    streams = Streams()
    with pytest.raises(GANError, match=message):
        streams.begin(writers.get("verses"), {"seed": 0, "num_samples": 1, **asked})
    assert not streams._open


@pytest.fixture(scope="module")
def client(library_address, tmp_path_factory):
    return Client(library_address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_the_arguments_have_stable_names(client):
    endpoint = client.view_api(return_format="dict")["named_endpoints"]["/generate_text"]
    names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
    assert names == [
        *("model", "seed", "num_samples", "temperature", "top_k", "top_p", "prefix", "critic_strength"),
        *("acrostic", "best_of", "label"),
    ]
    assert all(parameter["parameter_has_default"] for parameter in endpoint["parameters"])
    assert "same texts" in endpoint["description"]


def test_texts_are_those_of_the_pipeline(client, writers):
    pipeline = writers.get("verses")
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
    assert (named["text"], named["label"]) == (writers.get("notes")(3, label="long").texts[0], "long")


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
