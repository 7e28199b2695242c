"""What is measured of text models: known values, references, baselines, and the sweep over temperatures."""

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer

from gan import GANError, TextPipeline
from gan.metrics.tables import metrics_tables
from gan.text import lm_score, metrics
from gan.text.data import IGNORED, TextSet, encode
from gan.text.latent_metrics import edit_distance
from gan.text.likelihood import nll
from gan.text.sampling import generate, generate_unigram
from gan.text.tokenizer import BEGIN, END, UNKNOWN

GROUPS = {"likelihood": 5, "shared n-grams": 8, "variety and copies": 6}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """LM scorers of one epoch: how well they are fitted is tested elsewhere."""
    monkeypatch.setattr(lm_score, "MAX_EPOCHS", 1)


@pytest.fixture
def sets(tokenizer: Tokenizer) -> tuple[TextSet, TextSet]:
    """Texts of the characters that the tiny model knows: 60 to train on, and 20."""
    source = torch.Generator().manual_seed(0)
    characters = [tokenizer.id_to_token(k) for k in range(3, tokenizer.get_vocab_size())]

    def text() -> str:
        chosen = torch.randint(len(characters), (int(torch.randint(4, 12, (), generator=source)),), generator=source)
        return "".join(characters[k] for k in chosen.tolist())

    texts = [text() for _ in range(80)]
    return TextSet(texts[:60], None, None, "songs", "train"), TextSet(texts[60:], None, None, "songs", "test")


def by_type(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {metric["type"]: metric for metric in found["metrics"]}


def test_unigram_by_hand() -> None:
    never = torch.tensor([True, False, False, False, False])
    frequencies = metrics.unigram(torch.tensor([[3, 3, END], [4, END, IGNORED]]), never)
    assert frequencies.tolist() == pytest.approx([0, 2.1 / 5.4, 0.1 / 5.4, 2.1 / 5.4, 1.1 / 5.4])
    cost = metrics.unigram_nll(frequencies, torch.tensor([[4, END, IGNORED]]))
    assert cost == pytest.approx(-(math.log(1.1 / 5.4) + math.log(2.1 / 5.4)) / 2)


def test_unigram_texts() -> None:
    frequencies = torch.tensor([0, 0.2, 0.3, 0.4, 0.1])
    texts = generate_unigram(frequencies, 2_000, 6, has_end=True)
    assert texts.shape == (2_000, 7) and not (texts == UNKNOWN).any() and not (texts == BEGIN).any()
    ends = (texts == END).int()
    assert (ends.sum(1) == 1).all() and ((texts == IGNORED).sum(1) == 6 - ends.argmax(1)).all()
    words = texts[texts > END]
    assert float((words == 3).float().mean()) == pytest.approx(0.8, abs=0.02)
    assert not (generate_unigram(frequencies * (torch.arange(5) != END), 10, 6, has_end=False) < 3).any()


def test_written_texts_have_the_likelihood_that_they_are_drawn_with(
    make_text_pipeline: Callable[..., TextPipeline],
) -> None:
    pipeline = make_text_pipeline()
    model = pipeline.generator, pipeline.critic
    plain, refined = (generate(*model, 1_200, strength=strength) for strength in (0.0, 1.0))
    assert plain.shape == (1_200, 13) and ((plain == END).sum(1) == 1).all() and not (plain == UNKNOWN).any()
    assert (plain[:, 1:][plain[:, :-1] == END] == IGNORED).all()
    assert torch.equal(plain, generate(*model, 1_200))
    for texts, strength in ((plain, 0), (refined, 1)):
        costs = nll(*model, texts, None, (0.0, 1.0))[:, 0]
        assert costs.argmin() == strength, "each is likelier under the model that it is of"
    cold = generate(*model, 200, temperature=0.2)
    assert nll(*model, cold, None)[0, 0] < nll(*model, plain, None)[0, 0] - 0.2


def test_evaluation_of_a_refined_model(text_pipeline: TextPipeline, sets: tuple[TextSet, TextSet]) -> None:
    train, test = sets
    found = metrics.evaluate(text_pipeline, train, test, num_texts=40, temperatures=(0.5, 1.0))
    measured = by_type(found)
    tokens = encode(test, text_pipeline.tokenizer, 12).tokens
    cost = float(nll(text_pipeline.generator, text_pipeline.critic, tokens, None, (0.5,)))
    assert measured["nll"]["value"] == pytest.approx(cost, abs=1e-4) and measured["nll"]["reference"] is None
    assert measured["perplexity"]["value"] == pytest.approx(math.exp(cost), rel=1e-3)
    assert [row["name"] for row in found["baselines"]] == ["without its critic (MLE)", "unigram"]
    alone = float(nll(text_pipeline.generator, None, tokens, None))
    assert found["baselines"][0]["values"]["NLL (nats a token)"] == pytest.approx(alone, abs=1e-4)
    assert measured["lm_score"]["reference"] == measured["reverse_lm_score"]["reference"]
    assert measured["copied"] == measured["copied"] | {"value": 0, "reference": 0, "samples": 20, "split": "test"}
    assert measured["lm_score"]["samples"] == 40
    assert measured["longest_copied_run_most"]["value"] >= measured["longest_copied_run_mean"]["value"] >= 1
    for metric in found["metrics"]:
        assert math.isfinite(metric["value"]) and all(metric["name"] in row["values"] for row in found["baselines"])
    groups = [metric["group"] for metric in found["metrics"]]
    assert {group: groups.count(group) for group in groups} == GROUPS

    sweep = found["sweep"]
    assert list(sweep["curves"]) == ["generated", "without its critic (MLE)"]
    cold, usual = sweep["curves"]["generated"]
    assert (cold["temperature"], usual["temperature"]) == (0.5, 1.0)
    assert usual["lm_score"] == measured["lm_score"]["value"]
    assert sweep["real"]["lm_score"] == measured["lm_score"]["reference"]
    assert Image.open(io.BytesIO(text_pipeline.sweep)).size == (760, 520)

    text_pipeline.metrics, text_pipeline.training_record = found, {"command": "x", "arguments": {"objective": "ratio"}}
    card = text_pipeline.card("user/songs", published=True)
    assert "(sweep.png)" in card and "Measured at the end of training" not in card.split("## Fine-tune")[1]
    assert "| likelihood | NLL (nats a token) ↓ | Perplexity ↓ | LM score ≈ | Reverse LM score ↓ | Fréchet" in card
    assert "| real (reference) |  |  |" in card and "at temperature 1" in card
    assert "None" not in metrics_tables(found) and "pictures" not in card


def test_the_same_every_time_and_nothing_to_sweep_by_default(
    make_text_pipeline: Callable[..., TextPipeline], sets: tuple[TextSet, TextSet]
) -> None:
    pipeline = make_text_pipeline(critic=False)
    pipeline.sweep = b"of an earlier evaluation"
    first, second = (metrics.evaluate(pipeline, *sets) for _ in range(2))
    assert first == second and "sweep" not in first and pipeline.sweep is None
    assert [row["name"] for row in first["baselines"]] == ["unigram"]


def test_copies_are_found(make_text_pipeline: Callable[..., TextPipeline], sets: tuple[TextSet, TextSet]) -> None:
    train, test = sets
    train.texts[:20] = test.texts  # held-out texts that are no such: the reference says so
    measured = by_type(metrics.evaluate(make_text_pipeline(critic=False), train, test))
    assert measured["copied"]["reference"] == 1
    assert measured["longest_copied_run_most"]["reference"] == max(map(len, test.texts))
    assert measured["bleu_2"]["value"] < 1


def test_classes_are_matched_by_name(
    make_text_pipeline: Callable[..., TextPipeline], sets: tuple[TextSet, TextSet]
) -> None:
    pipeline = make_text_pipeline(labels=["spring", "autumn"])
    train, test = sets
    with pytest.raises(GANError, match="The model has classes, and songs none"):
        metrics.evaluate(pipeline, train, test)
    labels = torch.arange(20) % 2
    for part in (train, test):
        part.labels, part.label_names = (torch.arange(len(part)) % 2).numpy(), ["Autumn", "Spring"]
    tokens = encode(test, pipeline.tokenizer, 12).tokens
    cost = float(nll(pipeline.generator, pipeline.critic, tokens, 1 - labels, (0.5,)))
    assert by_type(metrics.evaluate(pipeline, train, test))["nll"]["value"] == pytest.approx(cost, abs=1e-4)
    test.label_names = ["autumn", "winter"]
    with pytest.raises(GANError, match="does not know the class 'winter' of songs"):
        metrics.evaluate(pipeline, train, test)


def test_texts_without_end(make_text_pipeline: Callable[..., TextPipeline], sets: tuple[TextSet, TextSet]) -> None:
    pipeline = make_text_pipeline(critic=False, has_end=False)
    measured = by_type(metrics.evaluate(pipeline, *sets))
    assert all(math.isfinite(metric["value"]) for metric in measured.values())


def test_a_model_with_a_latent_is_measured_by_what_it_rebuilds(
    make_latent_pipeline: Callable[..., TextPipeline],
    make_text_pipeline: Callable[..., TextPipeline],
    sets: tuple[TextSet, TextSet],
) -> None:
    pipeline = make_latent_pipeline()
    pipeline.find_directions(200, 10)
    found = metrics.evaluate(pipeline, *sets, temperatures=(0.7,), baseline=("other", make_text_pipeline()))
    measured = by_type(found)
    assert "nll" not in measured and "perplexity" not in measured
    assert 0 <= measured["reconstruction_bleu"]["value"] <= 1 and measured["reconstruction_bleu"]["samples"] == 20
    assert measured["interpolation_in_range"]["reference"] == 0.95
    changed, no_farther = (measured[f"interpolation_{name}"]["value"] for name in ("changed", "monotone"))
    assert 0 < changed <= 1 and changed + no_farther >= 1  # a step that changes nothing goes no farther
    assert measured["frechet_distance_prior"]["value"] > measured["frechet_distance_prior"]["reference"] > 0
    assert 0 < measured["edits_moved"]["value"] <= 1
    assert [row["name"] for row in found["baselines"]] == ["at temperature 1", "other (MLE)", "unigram"]
    assert list(found["sweep"]["curves"]) == ["generated", "other (MLE)"]
    assert [point["temperature"] for point in found["sweep"]["curves"]["generated"]] == [0, 0.7, 1]
    pipeline.metrics = found
    card = pipeline.card("tester/latent")
    assert "Measured at temperature 0 by" in card or "Measured at the end of training, at temperature 0" in card
    assert "| LM score / reverse LM score at temperature | 0.0 | 0.7 | 1.0 |" in metrics_tables(found)
    assert "2 standard deviations" not in found["note"] and "pairs of held-out texts" in found["note"]
    plain = metrics.evaluate(make_latent_pipeline(), *sets)
    assert "edits_moved" not in by_type(plain)


def test_edit_distance_by_hand() -> None:
    assert edit_distance([], [1, 2]) == 2 and edit_distance([1, 2, 3], [1, 3]) == 1
    assert edit_distance([1, 2, 3, 4], [2, 3, 5, 4]) == 2 and edit_distance([1], [1]) == 0
