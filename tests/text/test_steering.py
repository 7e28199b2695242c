"""Text with a latent: seeds, encoding, interpolation, edits, directions, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan import GANError, GANPipeline, TextPipeline
from gan.latent.__main__ import main
from gan.text.attributes import attributes, content_words, has_byte_pairs, varying, words_of
from gan.text.tokenizer import train_tokenizer

POEMS = ["春水东流去，秋风北雁来。", "夏云生远浦，冬雪落高台。", "明月照松间，清泉石上流。"]
Make = Callable[..., TextPipeline]
ARCHITECTURES = ["lstm", "transformer"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_sample_is_that_of_its_seed(make_latent_pipeline: Make, architecture: str) -> None:
    pipeline = make_latent_pipeline(architecture)
    batch = pipeline(seed=5, num_samples=40)
    assert len(set(batch.texts)) > 10
    for k in (0, 17, 39):
        alone = pipeline(seed=5 + k)
        assert alone.texts[0] == batch.texts[k]
        assert alone.token_log_likelihoods[0] == batch.token_log_likelihoods[k]
        latents, classes = pipeline.latents([5 + k])
        assert latents.shape == (1, 8) and classes is None
        assert pipeline.decode(latents).texts == alone.texts
    assert pipeline(seed=5, num_samples=40, temperature=0).texts == batch.texts  # greedy by default
    diced = pipeline(seed=5, num_samples=8, temperature=1)
    assert diced.texts != batch.texts[:8] and diced.texts == pipeline(seed=5, num_samples=8, temperature=1).texts
    assert [out.texts for out in pipeline.stream(seed=5, num_samples=3)][-1] == batch.texts[:3]
    assert pipeline(seed=5, prefix="春水").texts[0].startswith("春水")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_texts_are_read_whatever_is_beside_them(make_latent_pipeline: Make, architecture: str) -> None:
    pipeline = make_latent_pipeline(architecture)
    together = pipeline.encode(POEMS * 12)
    assert together.shape == (36, 8) and together.dtype == torch.float32
    assert torch.equal(pipeline.encode(POEMS[1])[0], together[34])
    assert pipeline.reconstruct(POEMS).texts == pipeline.decode(together[:3]).texts


def test_interpolation_goes_from_end_to_end(make_latent_pipeline: Make) -> None:
    pipeline = make_latent_pipeline()
    way = pipeline.interpolate(3, POEMS[0], steps=5)
    assert len(way.texts) == 5
    assert (way.texts[0], way.texts[-1]) == (pipeline(seed=3).texts[0], pipeline.reconstruct(POEMS[0]).texts[0])
    latent = pipeline.latents([3])[0][0]
    assert pipeline.interpolate(latent, POEMS[0], steps=5).texts == way.texts
    assert pipeline.interpolate(3, 4, temperature=1).texts[0] == pipeline(seed=3, temperature=1).texts[0]


def test_texts_of_latents_begin_as_they_are_told(make_latent_pipeline: Make) -> None:
    pipeline = make_latent_pipeline()
    assert pipeline.edit(3, {}, prefix="春水").texts == pipeline(seed=3, prefix="春水").texts
    calls = [
        pipeline.interpolate(3, 4, 5, prefix="春水"),
        pipeline.variations(3, 5, prefix="春水"),
        pipeline.reconstruct(POEMS, prefix="春水"),
        pipeline.decode(pipeline.encode(POEMS[0])[0], acrostic="春水"),  # one latent
    ]
    for out in calls:
        assert all(text.startswith(("春水", "春")) for text in out.texts)
    assert len(set(calls[1].texts)) == 5


def test_unknown_words_can_be_left_out(make_latent_pipeline: Make) -> None:
    pipeline = make_latent_pipeline()
    assert pipeline.without_unknown("春水x东流y去x") == ("春水东流去", ["x", "y"])
    assert pipeline.without_unknown(POEMS[0]) == (POEMS[0], [])
    assert pipeline.without_unknown("xyz") == ("", ["x", "y", "z"])
    assert pipeline.without_unknown("春水 东流\n") == ("春水东流", []), "nobody misses a blank"


def test_variations_are_others(make_latent_pipeline: Make) -> None:
    pipeline = make_latent_pipeline()
    near = pipeline.variations(3, count=4).texts
    assert len({text.rstrip("。") for text in near}) == len(near) and pipeline(seed=3).texts[0] not in near
    assert pipeline.variations(3, count=4).texts == near != pipeline.variations(3, count=4, seed=1).texts
    assert pipeline.variations(3, distance=0).texts == pipeline(seed=3).texts
    assert len(pipeline.variations(POEMS[0], count=2, distance=1.0).texts) == 2


def test_classes_come_from_seeds_or_are_given(make_latent_pipeline: Make) -> None:
    pipeline = make_latent_pipeline(labels=["spring", "autumn"])
    drawn = pipeline(seed=0, num_samples=8)
    for k, name in enumerate(drawn.labels):
        assert pipeline.edit(k, {}).texts == pipeline(seed=k, label=name).texts == drawn.texts[k : k + 1]
    assert pipeline.reconstruct(POEMS[0], "autumn").labels == ["autumn"]
    with pytest.raises(GANError, match="writes texts of a class; give a label, one of spring, autumn"):
        pipeline.reconstruct(POEMS[0])


def test_directions_are_found_saved_and_obeyed(
    make_latent_pipeline: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_latent_pipeline()
    made.save_pretrained(tmp_path / "model")
    assert main(["directions", str(tmp_path / "model"), "--num_samples", "200", "--num_scored", "20"]) == 0
    assert "moved ↑" in capsys.readouterr().out
    records = json.loads((tmp_path / "model/directions.json").read_text())
    assert records["length"]["effect"] > 0.5 and records["length"]["moved"] > 0.3
    assert any(name.startswith("with ") for name in records) and "component 6" in records
    pipeline = GANPipeline.from_pretrained(tmp_path / "model")
    assert isinstance(pipeline, TextPipeline) and pipeline.facts()["latent"] == 8
    longer = pipeline.edit(3, {"length": 3})
    assert longer.texts == pipeline(seed=3, edits={"length": 3}).texts
    assert list(pipeline.stream_of([3], edits={"length": 3}))[-1].texts == longer.texts
    lengths = [sum(map(len, pipeline(num_samples=30, edits={"length": side}).texts)) for side in (-3, 3)]
    assert lengths[0] < lengths[1]
    assert pipeline.edit(3, {}).texts == made(seed=3).texts
    pipeline.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again/directions.json").read_bytes() == (tmp_path / "model/directions.json").read_bytes()
    with pytest.raises(GANError, match="There is no direction 'mood'; this model has length"):
        pipeline.edit(3, {"mood": 1})


def test_directions_of_a_transformer(make_latent_pipeline: Make) -> None:
    pipeline = make_latent_pipeline("transformer")
    pipeline.find_directions(100, 10)
    (name, *_) = pipeline.directions.vectors
    assert pipeline.edit(3, {name: 3}).texts != pipeline.edit(3, {name: -3}).texts


def test_attributes_are_counted() -> None:
    tokenizer = train_tokenizer(["two dogs were sitting on a mat.", "is it a mat?"], "words", 100)
    texts = [words_of(tokenizer, text) for text in ("two dogs were sitting on a mat.", "is it a mat?")]
    found = attributes(texts, tokenizer.get_vocab(), ["mat", "dogs"])
    assert {name: values.tolist() for name, values in found.items()} == {
        "length": [8, 5],
        "rare words": [0, 0],
        "plural": [1, 0],
        "past": [1, 0],
        "-ing": [1, 0],
        "question": [0, 1],
        "with mat": [1, 1],
        "with dogs": [1, 0],
    }
    assert content_words(texts * 50) == ["dogs", "sitting"], "neither function words nor what is in all texts"
    assert varying(found) == [name for name in found if name not in ("rare words", "with mat")]
    pairs = train_tokenizer(["two dogs"], "bpe", 300)
    assert has_byte_pairs(pairs) and words_of(pairs, "two dogs") == ["two", "dogs"]
    assert "rare words" not in attributes([["two", "dogs"]], {}, [])


def test_wrong_samples_are_one_sentence(make_latent_pipeline: Make, make_text_pipeline: Make) -> None:
    pipeline = make_latent_pipeline()
    wrong = {
        lambda: pipeline.encode("hello"): r"The text has 'h', 'e', 'l', 'o' in it, which the model has never seen",
        lambda: pipeline.encode("a thousand words"): r"'n' and 3 more in it",
        lambda: pipeline.encode(" "): "The text is empty",
        lambda: pipeline.encode([POEMS[0], 3]): "3 is no text",
        lambda: pipeline.encode(None): "None is no text",
        lambda: pipeline.without_unknown(None): "None is no text",
        lambda: pipeline.edit(3, {}, prefix=3): "3 cannot be the prefix; give a text",
        lambda: pipeline.edit(
            [0.0] * 8, {}
        ): r"A sample is a text, a seed or a latent, a tensor \(8,\) of floats, and no",
        lambda: pipeline.interpolate(0, 1, steps=2.5): "An interpolation of 2.5 texts cannot be made",
        lambda: pipeline.encode([]): "There are no texts to encode",
        lambda: pipeline.encode(
            "春" * 1000
        ): "The text is 1000 tokens long, and a text of this model at most 12; shorten",
        lambda: pipeline.decode(
            torch.zeros(2, 5)
        ): r"Latents \(2, 5\) cannot be used; this model takes a tensor \(n, 8\)",
        lambda: pipeline.decode(torch.full((1, 8), torch.nan)): "The latents hold numbers that are not finite",
        lambda: pipeline.decode(torch.zeros(0, 8)): "There are no latents to decode",
        lambda: pipeline.edit(torch.zeros(2, 8), {}): "One latent is needed, and these are 2",
        lambda: pipeline.interpolate(0, 1, steps=1): "An interpolation of 1 texts cannot be made",
        lambda: pipeline.variations(0, distance=2): "A distance of 2 cannot be used",
        lambda: pipeline.edit(-1, {}): "The seed -1 is not a whole number",
        lambda: make_text_pipeline().encode(POEMS): "This model has no latent, so its texts cannot be encoded",
        lambda: make_text_pipeline()(edits={"length": 1}): "This model has no latent",
        lambda: make_text_pipeline().find_directions(): "This model has no latent",
    }
    for call, message in wrong.items():
        with pytest.raises(GANError, match=message):
            call()
    short = pipeline.interpolate("春", POEMS[0])  # of very different length
    assert len(short.texts) == 9
