"""Whole texts from a generator while it is trained, and completions of their beginnings."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.text.networks import State, TextGenerator
from gan.text.sampling import PLAIN, choose
from gan.text.tokenizer import BEGIN, END, IGNORED

Picker = Callable[[Tensor], Tensor]  # logits (n, vocab_size) to tokens (n,)


@dataclass
class Written:
    """Texts, and what the generator remembered.

    Attributes:
        tokens: int64 (n, max_length): `END` where a text ends, `IGNORED` behind.
        states: before each token.
    """

    tokens: Tensor
    states: list[State]


def by_chance(logits: Tensor) -> Tensor:
    """Tokens drawn as the logits say, from the global random state, which the trainer seeds every step."""
    return choose(logits, torch.rand(len(logits), device=logits.device), PLAIN)


@torch.no_grad()
def write(generator: TextGenerator, count: int, classes: Tensor | None, pick: Picker = by_chance) -> Written:
    """Texts from their beginning.

    Args:
        classes: int64 (count,), for a conditional model.
        pick: the next tokens, given their logits.
    """
    last, state = torch.full((count,), BEGIN, device=generator.device), None
    ended = torch.zeros_like(last, dtype=torch.bool)
    tokens: list[Tensor] = []
    states: list[State] = []
    for _ in range(generator.config.max_length):
        states.append(state)
        logits, state = generator(last[:, None], classes, state)
        last = pick(logits[:, 0])
        tokens.append(last.masked_fill(ended, IGNORED))
        ended = ended | (last == END)
    return Written(torch.stack(tokens, dim=1), states)


@torch.no_grad()
def complete(generator: TextGenerator, written: Written, kept: int, times: int, classes: Tensor | None) -> Tensor:
    """Roll-outs: the first tokens of each text stay, and it is gone on with several times.

    The states that the texts were written with are gone on from, so that no prefix is read again.

    Args:
        kept: so many tokens stay, at least 1.
        times: roll-outs of each text.

    Returns:
        int64 (n * times, max_length), those of a text beside each other.
    """
    length = written.tokens.shape[1]
    tokens = list(written.tokens[:, :kept].repeat_interleave(times, dim=0).unbind(1))
    if kept == length:
        return torch.stack(tokens, dim=1)
    classes = None if classes is None else classes.repeat_interleave(times, dim=0)
    state = _repeated(written.states[kept - 1], times, generator.body.batch_axis)  # before the last one that stays
    last = tokens[-1]
    ended = (last == END) | (last == IGNORED)
    for _ in range(length - kept):
        logits, state = generator(last.masked_fill(ended, END)[:, None], classes, state)
        last = by_chance(logits[:, 0])
        tokens.append(last.masked_fill(ended, IGNORED))
        ended = ended | (last == END)
    return torch.stack(tokens, dim=1)


def _repeated(state: State, times: int, axis: int) -> State:
    """A state for every text `times` times."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.repeat_interleave(times, dim=axis)
    return type(state)(_repeated(part, times, axis) for part in state)
