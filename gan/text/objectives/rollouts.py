"""Whole texts sampled from a generator while it trains, and completions of their beginnings (roll-outs)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.text.networks import State, TextGenerator
from gan.text.sampling import DEFAULTS, choose, decode
from gan.text.tokenizer import BEGIN, END, IGNORED

Picker = Callable[[Tensor], Tensor]  # logits (n, vocab_size) to tokens (n,)


@dataclass
class SampledTexts:
    """Texts, and the generator's states while it wrote them.

    Attributes:
        tokens: int64 (n, max_length): `END` where a text ends, `IGNORED` behind.
        states: before each token.
    """

    tokens: Tensor
    states: list[State]


def multinomial(logits: Tensor) -> Tensor:
    """Tokens sampled with the probabilities of the logits, by the global random state, which is seeded every step."""
    return choose(logits, torch.rand(len(logits), device=logits.device), DEFAULTS)


@torch.no_grad()
def sample(generator: TextGenerator, count: int, classes: Tensor | None, pick: Picker = multinomial) -> SampledTexts:
    """Samples texts from their beginning.

    Args:
        classes: int64 (count,), for a conditional model.
        pick: the next tokens, given their logits.
    """
    start = torch.full((count,), BEGIN, device=generator.device)
    return _decoded(generator, start, generator.config.max_length, classes, pick)


@torch.no_grad()
def complete(generator: TextGenerator, sampled: SampledTexts, kept: int, times: int, classes: Tensor | None) -> Tensor:
    """Roll-outs: the first tokens of each text are kept, and it is completed several times.

    It starts from the states that the texts were sampled with, so that no prefix is read again.

    Args:
        kept: tokens that are kept, at least 1.
        times: roll-outs of each text.

    Returns:
        int64 (n * times, max_length), those of a text next to each other.
    """
    length = sampled.tokens.shape[1]
    prefix = sampled.tokens[:, :kept].repeat_interleave(times, dim=0)
    if kept == length:
        return prefix
    classes = None if classes is None else classes.repeat_interleave(times, dim=0)
    state = _repeated(sampled.states[kept - 1], times, generator.body.batch_axis)  # before the last one that is kept
    start = prefix[:, -1].masked_fill(prefix[:, -1] == IGNORED, END)
    completion = _decoded(generator, start, length - kept, classes, multinomial, state)
    return torch.cat([prefix, completion.tokens], dim=1)


def _decoded(
    generator: TextGenerator,
    start: Tensor,
    length: int,
    classes: Tensor | None,
    pick: Picker,
    state: State = None,
) -> SampledTexts:
    """Exactly `length` tokens behind `start`, also where all texts end early: `pick` draws as many random numbers."""

    def predict(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        logits, state = generator(tokens[:, None], classes, state)
        return logits[:, 0], state

    steps = list(decode(predict, lambda place, before, logits: pick(logits), start, length, state))
    tokens = torch.stack([step.tokens.masked_fill(step.ended, IGNORED) for step in steps], dim=1)
    return SampledTexts(tokens, [step.state for step in steps])


def _repeated(state: State, times: int, axis: int) -> State:
    """A state for every text `times` times."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.repeat_interleave(times, dim=axis)
    return type(state)(_repeated(part, times, axis) for part in state)
