"""Text from seeds: the same whatever is beside it, with every setting, and from a repository."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gan import GANError, GANPipeline, ImagePipeline, TextPipeline
from gan.text.likelihood import nll
from gan.text.tokenizer import END, encode


@pytest.mark.parametrize("strength", ["x", None, math.nan])
def test_a_critic_has_a_strength(text_pipeline: TextPipeline, strength: Any) -> None:
    with pytest.raises(GANError, match="which is no number"):
        TextPipeline(text_pipeline.generator, critic_strength=strength)


@pytest.mark.parametrize("architecture", ["lstm", "transformer"])
def test_a_sample_is_that_of_its_seed(make_text_pipeline: Callable[..., TextPipeline], architecture: str) -> None:
    pipeline = make_text_pipeline(architecture)
    batch = pipeline(seed=5, num_samples=40)
    assert batch.seeds == list(range(5, 45)) and len(set(batch.texts)) > 30
    for k in (0, 1, 17, 31, 32, 39):
        alone = pipeline(seed=5 + k)
        assert alone.texts[0] == batch.texts[k]
        assert alone.token_log_likelihoods[0] == batch.token_log_likelihoods[k]
        assert alone.token_opinions[0] == batch.token_opinions[k]
    few = pipeline(seed=20, num_samples=7)
    assert few.texts == batch.texts[15:22]


def test_classes_come_from_seeds_or_are_given(make_text_pipeline: Callable[..., TextPipeline]) -> None:
    pipeline = make_text_pipeline(labels=["spring", "autumn"])
    drawn = pipeline(seed=0, num_samples=20)
    assert set(drawn.labels) == {"spring", "autumn"}
    asked = pipeline(seed=0, num_samples=20, label="Autumn")
    assert set(asked.labels) == {"autumn"}
    k = drawn.labels.index("autumn")
    assert asked.texts[k] == drawn.texts[k]
    with pytest.raises(GANError, match="There is no label 'summer'; this model knows spring, autumn"):
        pipeline(label="summer")


def test_arguments_of_diffusers(make_text_pipeline: Callable[..., TextPipeline]) -> None:
    pipeline = make_text_pipeline(labels=["spring", "autumn"])
    meant = pipeline(seed=5, num_samples=3)
    sources = [torch.Generator().manual_seed(seed) for seed in (5, 6, 7)]
    out = pipeline(generator=sources)
    assert (out.texts, out.labels, out.seeds) == (meant.texts, meant.labels, [])
    assert pipeline(batch_size=2, generator=torch.Generator().manual_seed(5)).texts[0] == meant.texts[0]
    assert pipeline(class_labels=["autumn", 0, torch.tensor(1).item()]).labels == ["autumn", "spring", "autumn"]
    assert pipeline(seed=5, batch_size=3, return_dict=False)[0] == meant.texts
    with pytest.raises(GANError, match="num_samples for 3, class_labels for 2"):
        pipeline(num_samples=3, class_labels=[0, 1])


def test_streaming_ends_in_the_same_texts(text_pipeline: TextPipeline) -> None:
    steps = list(text_pipeline.stream(seed=3, num_samples=4, temperature=0.8))
    assert steps[-1] == text_pipeline(seed=3, num_samples=4, temperature=0.8)
    assert all(len(step.pieces[0]) <= k + 1 for k, step in enumerate(steps))
    assert all(after.texts[0].startswith(before.texts[0]) for before, after in zip(steps, steps[1:]))


def test_pieces_and_likelihoods_belong_together(text_pipeline: TextPipeline) -> None:
    out = text_pipeline(seed=0, num_samples=8)
    for k, text in enumerate(out.texts):
        assert "".join(out.pieces[k]) == text
        assert len(out.token_log_likelihoods[k]) == len(out.pieces[k]) + 1, "the end has a probability, too"
        assert out.log_likelihoods[k] == pytest.approx(sum(out.token_log_likelihoods[k]), abs=1e-4)


def test_likelihoods_are_those_of_the_parallel_pass(text_pipeline: TextPipeline) -> None:
    # A text shorter than the longest ends by itself: its log probability in sampling is that of teacher forcing.
    out = text_pipeline(seed=0, num_samples=32, temperature=1.5)
    k = next(k for k, pieces in enumerate(out.pieces) if 0 < len(pieces) < 12)
    tokens = torch.tensor([[*encode(text_pipeline.tokenizer, out.texts[k], "text"), END]])
    # An unknown token is never drawn, so its share goes to the others; teacher forcing lets it stand.
    networks = text_pipeline.generator, text_pipeline.discriminator
    forced = -float(nll(*networks, tokens, None, (0.5,))) * tokens.shape[1]
    assert forced <= out.log_likelihoods[k] < forced + 1.5


def test_prefix_and_acrostic(text_pipeline: TextPipeline) -> None:
    for text in text_pipeline(seed=0, num_samples=8, prefix="明月照").texts:
        assert text.startswith("明月照")
    for text in text_pipeline(seed=0, num_samples=16, acrostic="春夏秋").texts:
        begun = [line[0] for line in text.replace("。", "，").split("，") if line]
        assert begun[:3] == list("春夏秋")[: len(begun)]


def test_greedy_is_the_same_for_every_seed(text_pipeline: TextPipeline) -> None:
    assert len(set(text_pipeline(num_samples=5, temperature=0).texts)) == 1


def test_the_critic_is_as_strong_as_asked(text_pipeline: TextPipeline) -> None:
    default = text_pipeline(num_samples=16)
    assert default.texts == text_pipeline(num_samples=16, critic_strength=0.5).texts
    plain = text_pipeline(num_samples=16, critic_strength=0)
    assert plain.texts != default.texts
    alone = TextPipeline(text_pipeline.generator, tokenizer=text_pipeline.tokenizer)(num_samples=16)
    assert alone.texts == plain.texts and alone.token_opinions is None


def test_the_best_of_several_is_one_that_the_critic_likes(text_pipeline: TextPipeline) -> None:
    one, best = text_pipeline(num_samples=8), text_pipeline(num_samples=8, best_of=6)
    opinions = [[sum(tokens) for tokens in out.token_opinions] for out in (one, best)]
    assert all(after >= before for before, after in zip(*opinions)) and sum(opinions[1]) > sum(opinions[0])
    assert text_pipeline(seed=3, best_of=6).texts[0] == best.texts[3]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seed": -1}, "The seed -1 is not"),
        ({"num_samples": 0}, "0 samples were asked for"),
        ({"temperature": -0.5}, "A temperature of -0.5 cannot be used"),
        ({"temperature": float("nan")}, "A temperature of nan cannot be used"),
        ({"top_p": 0}, "A top-p of 0 cannot be used"),
        ({"top_p": 1.5}, "A top-p of 1.5 cannot be used"),
        ({"top_k": -1}, "A top-k of -1 cannot be used"),
        ({"top_k": 1.5}, "A top-k of 1.5 cannot be used"),
        ({"critic_strength": -1}, "A critic strength of -1 cannot be used"),
        ({"best_of": 0}, "0 candidates were asked for"),
        ({"prefix": "明月x光y"}, "The prefix has 'x', '光', 'y' in it"),
        ({"acrostic": "桃"}, "The acrostic has '桃' in it"),
        ({"prefix": "明月" * 7}, "The prefix is 14 tokens long, and a text of this model at most 12"),
        ({"prefix": "明", "acrostic": "月"}, "give one of them"),
        ({"label": "spring"}, "has no classes"),
    ],
)
def test_bad_settings_are_sentences(text_pipeline: TextPipeline, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GANError, match=sentence):
        text_pipeline(**settings)


def test_without_a_critic_none_can_be_asked(make_text_pipeline: Callable[..., TextPipeline]) -> None:
    pipeline = make_text_pipeline(critic=False)
    for settings in ({"critic_strength": 1}, {"best_of": 2}):
        with pytest.raises(GANError, match="This model has no critic"):
            pipeline(**settings)


def test_a_repository_round_trip(text_pipeline: TextPipeline, tmp_path: Path) -> None:
    text_pipeline.save_pretrained(tmp_path / "poems")
    files = {str(path.relative_to(tmp_path / "poems")) for path in (tmp_path / "poems").rglob("*") if path.is_file()}
    weights = {f"{part}/{name}" for part in ("generator", "discriminator") for name in ("config.json",)}
    assert weights | {"model_index.json", "tokenizer.json", "samples.txt", "README.md"} <= files
    index = json.loads((tmp_path / "poems/model_index.json").read_text())
    assert index["generator"] == ["gan", "TextGenerator"] and index["critic_strength"] == 0.5
    again = GANPipeline.from_pretrained(tmp_path / "poems")
    assert isinstance(again, TextPipeline)
    assert again(seed=9, num_samples=5) == text_pipeline(seed=9, num_samples=5)
    card = (tmp_path / "poems/README.md").read_text()
    assert "text-generation" in card and text_pipeline(num_samples=8).texts[0] in card


def test_damaged_tokenizers_are_sentences(text_pipeline: TextPipeline, tmp_path: Path) -> None:
    text_pipeline.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole[:100], encoding="utf-8")
    with pytest.raises(GANError, match=r"tokenizer\.json is damaged"):
        GANPipeline.from_pretrained(tmp_path)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GANError, match="is damaged"):
        GANPipeline.from_pretrained(tmp_path)
    shorter = json.loads(whole)
    shorter["model"]["vocab"].popitem()
    file.write_text(json.dumps(shorter), encoding="utf-8")
    with pytest.raises(GANError, match="tokens, and the generator"):
        GANPipeline.from_pretrained(tmp_path)
    file.unlink()
    with pytest.raises(GANError, match=r"is incomplete: tokenizer\.json is missing"):
        GANPipeline.from_pretrained(tmp_path)


def test_kinds_are_not_confused(text_pipeline: TextPipeline, tmp_path: Path) -> None:
    text_pipeline.save_pretrained(tmp_path)
    with pytest.raises(GANError, match="holds a TextPipeline, and only ImagePipeline can be loaded here"):
        ImagePipeline.from_pretrained(tmp_path)


def test_the_best_of_several_cannot_be_streamed(text_pipeline: TextPipeline) -> None:
    with pytest.raises(GANError, match="known at their end only; stream without best_of"):
        next(text_pipeline.stream(best_of=2))
