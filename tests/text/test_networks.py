"""The bodies under their one interface, and the discriminator of whole texts."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan import GANError, GANPipeline, SequenceDiscriminator, TextDiscriminator, TextGenerator, TextPipeline
from gan.text.networks import ARCHITECTURES, MemoryBody
from gan.text.tokenizer import BEGIN, END, IGNORED

SHAPE = {"vocab_size": 11, "max_length": 7, "embedding_size": 8, "hidden_size": 12, "num_layers": 2, "num_heads": 2}


def make(architecture: str, kind: type = TextGenerator, **more: object) -> TextGenerator:
    torch.manual_seed(0)
    network = kind(architecture=architecture, **(SHAPE | more)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return network


def texts(count: int) -> torch.Tensor:
    tokens = torch.randint(3, 11, (count, 7), generator=torch.Generator().manual_seed(count))
    tokens[:, 0] = BEGIN
    return tokens


@pytest.mark.parametrize("kind", [TextGenerator, TextDiscriminator])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_token_at_a_time_equals_all_at_once(architecture: str, kind: type) -> None:
    network, tokens, classes = make(architecture, kind, num_classes=3), texts(4), torch.tensor([0, 1, 2, 2])
    at_once, _ = network(tokens, classes)
    state, apart = None, []
    for column in tokens.split(1, dim=1):
        logits, state = network(column, classes, state)
        apart.append(logits)
    assert torch.allclose(torch.cat(apart, dim=1), at_once, atol=1e-5)
    assert at_once.shape == (4, 7, 11) and at_once.dtype == torch.float32


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_text_does_not_depend_on_what_comes_after_or_stands_beside_it(architecture: str) -> None:
    network, tokens = make(architecture), texts(4)
    before, _ = network(tokens)
    changed = tokens.clone()
    changed[:, 5:] = 3
    changed[2] = tokens[1]
    after, _ = network(changed)
    assert torch.allclose(after[:2, :5], before[:2, :5], atol=1e-6)
    assert torch.allclose(after[2, :5], before[1, :5], atol=1e-6)
    again, _ = network(tokens)
    assert torch.equal(again, before)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_may_not_stand_there_has_no_probability(architecture: str) -> None:
    for has_end, banned in ((True, [BEGIN]), (False, [BEGIN, END])):
        logits, _ = make(architecture, has_end=has_end)(texts(2))
        infinite = torch.zeros(11, dtype=torch.bool)
        infinite[banned] = True
        assert torch.equal(logits.isneginf(), infinite.expand_as(logits))
        assert logits[..., ~infinite].isfinite().all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_batch_is_drawn_the_same_again(
    make_text_pipeline: Callable[..., TextPipeline], architecture: str, tmp_path: Path
) -> None:
    pipeline = make_text_pipeline(architecture, critic=False)
    whole = pipeline(seed=5, num_samples=4).texts
    assert len(set(whole)) > 1
    assert pipeline(seed=5, num_samples=4).texts == whole
    assert pipeline(seed=7, num_samples=1).texts == whole[2:3]
    pipeline.save_pretrained(tmp_path)
    assert GANPipeline.from_pretrained(tmp_path)(seed=5, num_samples=4).texts == whole


@pytest.mark.parametrize("architecture", ["transformer", "memory"])
def test_heads_must_share_evenly(architecture: str) -> None:
    with pytest.raises(GANError, match="hidden size of 12 cannot be divided among 5 heads"):
        TextGenerator(architecture=architecture, **(SHAPE | {"num_heads": 5}))
    with pytest.raises(GANError, match="no architecture 'gru'; choose lstm or transformer or memory"):
        TextGenerator(architecture="gru", **SHAPE)


def test_memory_is_kept_as_far_as_its_gates_say() -> None:
    body = MemoryBody(4, 6, 1, 2)
    x = torch.randn(2, 3, 4)
    with torch.no_grad():
        body.gate_memory.weight.zero_()
        body.gate_input.weight.zero_()
        body.gate_input.bias.copy_(torch.tensor([-50.0] * 6 + [50.0] * 6))  # nothing in, everything stays
    hidden, state = body(x)
    assert torch.allclose(hidden, body.first.expand_as(hidden))
    assert torch.equal(state, hidden[:, -1])


@pytest.mark.parametrize("representations", [1, 4])
def test_tokens_and_their_one_hot_vectors_are_the_same_to_a_discriminator(representations: int) -> None:
    torch.manual_seed(0)
    discriminator = SequenceDiscriminator(
        11, 8, 2, channels=6, embedding_size=8, representations=representations
    ).eval()
    tokens, classes = texts(3), torch.tensor([0, 1, 1])
    tokens[1, 4:] = END
    logits = discriminator(tokens, classes)
    assert logits.shape == (3, representations)
    soft = torch.nn.functional.one_hot(tokens, 11).float().requires_grad_(True)
    assert torch.allclose(discriminator(soft, classes), logits, atol=1e-6)
    (gradient,) = torch.autograd.grad(discriminator(soft, classes).sum(), soft)
    assert gradient.abs().sum() > 0


def test_however_the_end_of_a_text_is_filled_up() -> None:
    discriminator = SequenceDiscriminator(11, 8, channels=6, embedding_size=8).eval()
    tokens = texts(1)
    tokens[:, 4:] = END
    ignored = tokens.clone()
    ignored[:, 5:] = IGNORED
    for other in (ignored, tokens[:, :5]):
        assert torch.allclose(discriminator(other), discriminator(tokens), atol=1e-6)
    assert not torch.allclose(discriminator(tokens[:, :4].flip(1)), discriminator(tokens))


def test_a_discriminator_of_texts_is_saved_and_not_listened_to(
    make_text_pipeline: Callable[..., TextPipeline], tmp_path: Path
) -> None:
    alone = make_text_pipeline(critic=False)
    config = alone.generator.config
    discriminator = SequenceDiscriminator(config.vocab_size, config.max_length + 1, channels=4)
    pipeline = TextPipeline(alone.generator, discriminator, tokenizer=alone.tokenizer)
    pipeline.save_pretrained(tmp_path)
    loaded = TextPipeline.from_pretrained(tmp_path)
    assert isinstance(loaded.discriminator, SequenceDiscriminator) and loaded.critic is None
    assert loaded(seed=1, num_samples=3).texts == alone(seed=1, num_samples=3).texts
    with pytest.raises(GANError, match="no critic"):
        loaded(best_of=2)
