"""Text models in the registry, and their streams."""

import threading

import pytest

from gan import GANError, ImagePipeline, TextPipeline
from gan.studio.model_panel import describe, panel_html
from gan.studio.registry import Registry
from gan.studio.strings import EN, ZH
from gan.studio.text.batching import generate_batched
from gan.studio.text.generate import MAX_PROMPT_LENGTH, Streams
from gan.studio.text.tab import panel_rows

FAILING = [
    ({"seed": -1}, "not a whole number from 0"),
    ({"seed": 4294967295, "num_samples": 2}, "not a whole number from 0"),
    ({"num_samples": 33}, "ask for 1 to 32"),
    ({"num_samples": 0}, "ask for 1 to 32"),
    ({"top_p": None}, "must be numbers"),
    ({"temperature": -1}, "temperature of -1"),
    ({"top_p": 0}, "top-p of 0"),
    ({"prefix": "x"}, "'x' in it, which the model has never seen"),
    ({"prefix": "春" * (MAX_PROMPT_LENGTH + 1)}, "The prefix has 1,001 characters, and 1,000 are the most"),
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


def test_each_tab_is_offered_the_models_of_its_kind(text_registry):
    assert text_registry.names("text") == ["verses", "notes"] and text_registry.names("image") == ["blots"]
    assert [text_registry.default(wanted) for wanted in ("image", "text", "sound")] == ["blots", "verses", ""]


def test_text_comes_with_its_critic_and_pictures_without(text_models, tmp_path):
    registry = Registry({name: str(text_models / name) for name in ("verses", "notes", "blots")})
    assert registry.get("verses").discriminator is not None
    assert registry.get("blots").discriminator is None
    with pytest.raises(GANError, match="blots makes images, not texts; choose one of verses, notes"):
        registry.get("blots", TextPipeline)
    with pytest.raises(GANError, match="verses makes texts, not images; choose one of blots"):
        registry.get("verses", ImagePipeline)
    with pytest.raises(GANError, match="none is offered here"):
        Registry({"verses": str(text_models / "verses")}).get("verses", ImagePipeline)


def test_a_text_model_is_described(text_registry):
    facts = describe("verses", text_registry.get("verses"))
    assert (facts["kind"], facts["length"], facts["critic"], facts["critic_strength"]) == ("text", 24, True, 0.6)
    assert facts["training"]["texts_seen"] == 1280 and "width" not in facts
    html = panel_html(facts, panel_rows(facts, EN), EN)
    assert "&lt;b&gt;written&lt;/b&gt;" in html and "<b>" not in html
    assert "up to 24 tokens" in html and "λ = 0.6 was best" in html and "1,280 texts seen" in html
    assert "λ = 0.6 时最佳" in panel_html(facts, panel_rows(facts, ZH), ZH)
    facts = describe("notes", text_registry.get("notes"))
    assert EN["no_critic"] in panel_html(facts, panel_rows(facts, EN), EN)


@pytest.mark.parametrize(
    "asked", [{}, {"temperature": 0.7, "top_p": 0.9, "critic_strength": 2.0}, {"acrostic": "春夏"}]
)
def test_a_stream_brings_what_the_pipeline_writes(text_registry, asked):
    pipeline, streams = text_registry.get("verses"), Streams()
    first = streams.begin(pipeline, {"seed": 5, "num_samples": 3, **asked})
    assert [len(sample["tokens"]) for sample in first["samples"]] == [1, 1, 1] and not first["done"]
    found, answers = read(streams, first)
    direct = pipeline(seed=5, num_samples=3, **asked)
    assert answers > 1 and not streams._open
    for k, tokens in enumerate(found):
        assert "".join(piece or "" for piece, _, _ in tokens) == direct.texts[k]
        assert [likelihood for _, likelihood, _ in tokens] == pytest.approx(direct.token_log_likelihoods[k], abs=1e-4)
        assert [opinion for _, _, opinion in tokens] == pytest.approx(direct.token_opinions[k], abs=1e-4)


def test_the_end_is_a_token_and_a_model_without_a_critic_has_no_opinions(text_registry):
    pipeline, streams = text_registry.get("notes"), Streams()
    found, _ = read(streams, streams.begin(pipeline, {"seed": 0, "num_samples": 8, "label": "LONG"}))
    ended = [tokens for tokens in found if tokens[-1][0] is None]
    assert ended and all(opinion is None for tokens in found for _, _, opinion in tokens)
    with pytest.raises(GANError, match="no critic"):
        streams.begin(pipeline, {"seed": 0, "num_samples": 1, "best_of": 2})


def test_the_best_of_many_arrives_text_by_text(text_registry, monkeypatch):
    pipeline, streams = text_registry.get("verses"), Streams()
    monkeypatch.setattr(
        "gan.studio.text.generate.ANSWER_TIME", 0.0
    )  # or a fast machine writes all three into the first answer
    asked = {"seed": 5, "num_samples": 3, "best_of": 32}  # a text's candidates fill all rows
    first = streams.begin(pipeline, asked)
    assert [sample["seed"] for sample in first["samples"]] == [5]
    found, _ = read(streams, first)
    direct = pipeline(**asked)
    assert ["".join(piece for piece, _, _ in tokens) for tokens in found] == direct.texts
    assert (
        generate_batched(pipeline, **asked).texts
        == direct.texts
        == generate_batched(pipeline, **asked, label="").texts
    )


def test_streams_are_forgotten_when_there_are_too_many(text_registry):
    pipeline, streams = text_registry.get("verses"), Streams(capacity=2)
    names = [streams.begin(pipeline, {"seed": k, "num_samples": 1})["stream"] for k in range(3)]
    assert streams.more(names[0]) == {"gone": True} == streams.more("made up")
    assert len(streams.more(names[2])["samples"][0]["tokens"]) > 0


def test_streams_take_turns(text_registry):
    pipeline, streams = text_registry.get("verses"), Streams()
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
def test_what_cannot_be_sampled_is_refused_and_no_stream_opened(text_registry, asked, message):
    streams = Streams()
    with pytest.raises(GANError, match=message):
        streams.begin(text_registry.get("verses"), {"seed": 0, "num_samples": 1, **asked})
    assert not streams._open
