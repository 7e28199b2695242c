"""Sampling settings, how a token is chosen, how a critic refines a generator, and the decoding loop."""

import dataclasses

import pytest
import torch

from gan import GANError
from gan.text.sampling import SamplingParams, choose, decode, refined
from gan.text.tokenizer import BEGIN, END

PROBS = torch.tensor([[0.1, 0.4, 0.2, 0.3]])


def chosen(params: SamplingParams, count: int = 1000) -> torch.Tensor:
    """How often each token is chosen under even noise."""
    uniforms = (torch.arange(count) + 0.5) / count
    return choose(PROBS.log().expand(count, -1), uniforms, params).bincount(minlength=4) / count


def test_tokens_come_as_often_as_they_should() -> None:
    assert torch.allclose(chosen(SamplingParams()), PROBS[0], atol=0.002)


def test_temperature_sharpens_and_flattens() -> None:
    sharp, flat = PROBS[0] ** 2, PROBS[0] ** 0.5
    assert torch.allclose(chosen(SamplingParams(temperature=0.5)), sharp / sharp.sum(), atol=0.002)
    assert torch.allclose(chosen(SamplingParams(temperature=2.0)), flat / flat.sum(), atol=0.002)
    assert chosen(SamplingParams(temperature=0)).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("params", "left"),
    [
        (SamplingParams(top_k=1), [1]),
        (SamplingParams(top_k=2), [1, 3]),
        (SamplingParams(top_k=100), [0, 1, 2, 3]),
        (SamplingParams(top_p=0.39), [1]),
        (SamplingParams(top_p=0.41), [1, 3]),
        (SamplingParams(top_p=0.71), [1, 2, 3]),
        (SamplingParams(top_p=1e-9), [1]),
        (SamplingParams(top_k=3, top_p=0.5), [1, 3]),
    ],
)
def test_only_the_likeliest_are_drawn(params: SamplingParams, left: list[int]) -> None:
    counts, kept = chosen(params), torch.zeros(4)
    kept[left] = PROBS[0, left]
    assert torch.allclose(counts, kept / kept.sum(), atol=0.002)


def test_noise_at_its_limits() -> None:
    uniforms = torch.tensor([0.0, 1 - 2**-24])
    assert choose(PROBS.log().expand(2, -1), uniforms, SamplingParams()).tolist() == [0, 3]


def test_what_has_no_probability_is_never_drawn() -> None:
    log_probs = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]]).log_softmax(-1)
    for uniform in (0.0, 0.25, 0.5, 0.75, 1 - 2**-24):
        assert int(choose(log_probs, torch.tensor([uniform]), SamplingParams())) in (1, 3)


def test_refined_goes_from_the_generator_to_the_critic() -> None:
    torch.manual_seed(0)
    logits, scores = torch.randn(2, 5), torch.randn(2, 5)
    logits[0, 2] = -torch.inf
    p, q = logits.softmax(-1), scores.softmax(-1)
    assert torch.equal(refined(logits, scores, 0.0), logits.log_softmax(-1))
    assert torch.equal(refined(logits, None, 1.0), logits.log_softmax(-1))
    between = p**0.3 * q**0.7 * (p > 0)
    assert torch.allclose(refined(logits, scores, 0.7).exp(), between / between.sum(-1, keepdim=True))
    allowed = q * (p > 0)
    assert torch.allclose(refined(logits, scores, 1.0).exp(), allowed / allowed.sum(-1, keepdim=True))


def test_params_are_frozen_and_check_themselves() -> None:
    params = SamplingParams(temperature=0, top_k=3.0, best_of=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        params.temperature = 1.0  # type: ignore[misc]
    assert dataclasses.replace(params, critic_strength=10).critic_strength == 10
    bad = [{"temperature": True}, {"top_k": 0.5}, {"top_p": float("nan")}, {"critic_strength": 10.5}, {"best_of": 65}]
    for settings in bad:
        with pytest.raises(GANError, match=r"cannot be used|were asked for"):
            SamplingParams(**settings)


def test_decoding_ends_each_text_once_and_starts_from_any_state() -> None:
    script = torch.tensor([[5, 6, END, 7], [5, END, 8, 8], [9, 9, 9, 9]])

    def predict(tokens: torch.Tensor, state: int | None) -> tuple[torch.Tensor, int]:
        return script[:, state or 0], (state or 0) + 1

    steps = list(decode(predict, lambda place, before, prediction: prediction, torch.full((3,), BEGIN), 4))
    assert torch.stack([step.tokens for step in steps], 1).tolist() == [
        *([5, 6, END, END], [5, END, END, END], [9, 9, 9, 9])
    ]
    assert [step.state for step in steps] == [None, 1, 2, 3] and not any(step.last for step in steps)
    assert steps[2].ended.tolist() == [False, True, False]
    (rest,) = decode(
        predict, lambda place, before, prediction: prediction, torch.tensor([6, END, 9]), 1, steps[2].state
    )
    assert rest.tokens.tolist() == [END, END, 9]
