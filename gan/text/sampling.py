"""How text is sampled: the settings, the choice of a token, and the one loop that decodes token by token.

Noise comes as uniform numbers, one for every token of every sample, so that a sample depends on its own noise only.
"""

import math
import numbers
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.errors import GANError
from gan.inputs import is_whole
from gan.text.networks import State, TextDiscriminator, TextGenerator
from gan.text.tokenizer import BEGIN, END, IGNORED, UNKNOWN
from gan.utils.distributed import map_batches

ROWS = 32  # batch size of every pass in `stream`; never smaller, as matrix products of fewer rows round differently
BATCH = 500  # texts of a pass in `generate`: bounds the memory of their logits
MAX_CANDIDATES = 64
MAX_CRITIC_STRENGTH = 10.0


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class SamplingParams:
    """How texts are sampled. Every value is checked; what depends on the model is checked by `TextPipeline`.

    Attributes:
        temperature: divides the log probabilities, at least 0: 1 as trained, smaller is safer and less varied, 0
            always takes the likeliest token. `None` is 1, and for the pipeline of a model with a latent 0.
        top_k: sample among the k likeliest tokens (Fan et al. 2018); 0 for all.
        top_p: sample among the likeliest tokens that together have this probability (Holtzman et al. 2020), above 0
            and at most 1.
        prefix: the beginning of every sample.
        acrostic: the tokens that the lines of a sample begin with, one a line; a line begins after a punctuation mark.
        critic_strength: lambda, from 0 to 10: how much of the critic's log ratio is added to the generator's log
            probabilities; 0 is the generator alone, `None` the model's default, chosen on validation data.
        best_of: candidates for every sample, from 1 to 64; the one that the critic rates highest is kept.

    Raises:
        GANError: for a value that cannot be used, naming it.
    """

    temperature: float | None = None
    top_k: int = 0
    top_p: float = 1.0
    prefix: str = ""
    acrostic: str = ""
    critic_strength: float | None = None
    best_of: int = 1

    def __post_init__(self) -> None:
        if self.temperature is not None and not (_is_number(self.temperature) and self.temperature >= 0):
            raise GANError(
                f"A temperature of {self.temperature!r} cannot be used; 1 is as trained, 0 takes the likeliest token."
            )
        if not is_whole(self.top_k) or self.top_k < 0:
            raise GANError(f"A top-k of {self.top_k!r} cannot be used; give a whole number, 0 for all tokens.")
        if not _is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise GANError(
                f"A top-p of {self.top_p!r} cannot be used; it goes from just above 0 to 1, which is all tokens."
            )
        for what, text in (("prefix", self.prefix), ("acrostic", self.acrostic)):
            if not isinstance(text, str):
                raise GANError(f"{text!r} cannot be the {what}; give a text.")
        strength = self.critic_strength
        if strength is not None and not (_is_number(strength) and 0 <= strength <= MAX_CRITIC_STRENGTH):
            raise GANError(
                f"A critic strength of {strength!r} cannot be used; it goes from 0 (no critic) to "
                f"{MAX_CRITIC_STRENGTH:g}."
            )
        if self.prefix and self.acrostic:
            raise GANError("A prefix and an acrostic both say how the text begins; give one of them.")
        if not is_whole(self.best_of) or not 1 <= self.best_of <= MAX_CANDIDATES:
            raise GANError(f"{self.best_of!r} candidates were asked for; ask for 1 to {MAX_CANDIDATES}.")


DEFAULTS = SamplingParams()


@dataclass(frozen=True)
class ForcedTokens:
    """Tokens that stand in every sample whatever is drawn.

    Attributes:
        prefix: the first ones.
        acrostic: the first of each line.
        line_ends: those after which a line of an acrostic begins.
    """

    prefix: tuple[int, ...] = ()
    acrostic: tuple[int, ...] = ()
    line_ends: frozenset[int] = frozenset()


@dataclass
class Decoded:
    """Samples, as far as they are decoded.

    Attributes:
        tokens: int64 (n, t), `END` from the end of a sample on.
        log_probs: float32 (n, t), of each token under the generator refined by the critic, at temperature 1; 0 after
            the end.
        log_ratios: float32 (n, t), what the critic at full strength adds to the log probability that the generator
            alone gives, in nats; 0 after the end and without a critic.
    """

    tokens: Tensor
    log_probs: Tensor
    log_ratios: Tensor


def refined(logits: Tensor, scores: Tensor | None, strength: float) -> Tensor:
    """log p' = log p + strength * f - log Z with the critic's log ratio f = log q - log p, normalised exactly.

    Args:
        logits: (..., vocab_size) of the generator p; minus infinity where no token may stand.
        scores: (..., vocab_size) of the critic, the logits of q (see `TextDiscriminator`), or `None`.

    Returns:
        (..., vocab_size) log probabilities: the generator's at strength 0, and q's at strength 1.
    """
    log_p = logits.log_softmax(-1)
    return log_p if scores is None else reweighted(log_p, log_ratios(log_p, scores), strength)


def reweighted(log_p: Tensor, ratios: Tensor, strength: float) -> Tensor:
    """log p' of `refined`, from log p and the critic's log ratios (..., vocab_size)."""
    return (log_p + strength * ratios).log_softmax(-1) if strength else log_p


def log_ratios(log_p: Tensor, scores: Tensor) -> Tensor:
    """The critic's f = log q - log p for every token (..., vocab_size), 0 where none may stand."""
    return (scores.log_softmax(-1) - log_p).masked_fill(log_p.isneginf(), 0)


def choose(log_probs: Tensor, uniforms: Tensor, params: SamplingParams) -> Tensor:
    """The tokens (n,) that uniform numbers (n,) from [0, 1) pick under log probabilities (n, vocab_size)."""
    temperature = 1.0 if params.temperature is None else params.temperature
    if temperature == 0:
        return log_probs.argmax(-1)
    probs = (log_probs / temperature).softmax(-1)
    if params.top_k or params.top_p < 1:
        ordered = torch.from_numpy(np.sort(probs.numpy())).flip(-1)  # many times as fast as torch.sort on a CPU
        left_out = ordered.double().cumsum(-1) - ordered >= params.top_p
        if params.top_k:
            left_out[:, int(params.top_k) :] = True
        left_out[:, 0] = False  # something must remain
        smallest = ordered.masked_fill(left_out, 2).amin(-1, keepdim=True)
        probs = probs.masked_fill(probs < smallest, 0)
    sums = probs.double().cumsum(-1)
    places = torch.searchsorted(sums, uniforms[:, None].double() * sums[:, -1:], right=True)
    return places.squeeze(1).clamp(max=log_probs.shape[1] - 1)


@dataclass
class Step:
    """One place of a batch of texts that is being decoded.

    Attributes:
        tokens: int64 (n,), `END` from the end of a text on.
        ended: bool (n,), which texts had ended before this place.
        prediction: what the networks predicted for it.
        state: of the networks, before they did.
    """

    tokens: Tensor
    ended: Tensor
    prediction: Any
    state: State

    @property
    def last(self) -> bool:
        """Whether all texts have ended."""
        return bool((self.ended | (self.tokens == END)).all())


def decode(
    predict: Callable[[Tensor, State], tuple[Any, State]],
    pick: Callable[[int, Tensor, Any], Tensor],
    start: Tensor,
    length: int,
    state: State = None,
) -> Iterator[Step]:
    """Autoregressive decoding: predict, pick, append. The caller stops where it has seen enough.

    Args:
        predict: from the tokens (n,) before and a state to a prediction and the next state.
        pick: from the place, the tokens (n,) before and the prediction to the tokens (n,) there.
        start: int64 (n,), the tokens before the first place: `BEGIN`, or the last of a prefix; `END` for texts that
            have ended.
        length: places to fill.
        state: of the networks before they read `start`.
    """
    tokens, ended = start, start == END
    for place in range(length):
        before = state
        prediction, state = predict(tokens, before)
        tokens = pick(place, tokens, prediction).masked_fill(ended, END)
        yield Step(tokens, ended, prediction, before)
        ended = ended | (tokens == END)


def next_logits(
    generator: TextGenerator,
    critic: TextDiscriminator | None,
    classes: Tensor | None,
    latents: Tensor | None = None,
) -> Callable[[Tensor, State], tuple[tuple[Tensor, Tensor | None], State]]:
    """A `predict` for `decode`: the logits (n, vocab_size) of the generator, and of the critic if there is one."""

    def predict(tokens: Tensor, state: State) -> tuple[tuple[Tensor, Tensor | None], State]:
        shown = tokens[:, None].to(generator.device)
        of_generator, of_critic = state or (None, None)
        logits, of_generator = generator(shown, classes, of_generator, latents)
        scores = None
        if critic is not None:
            scores, of_critic = critic(shown, classes, of_critic)
            scores = scores[:, 0]
        return (logits[:, 0], scores), (of_generator, of_critic)

    return predict


@torch.inference_mode()
def stream(
    generator: TextGenerator,
    critic: TextDiscriminator | None,
    uniforms: Tensor,
    classes: Tensor | None,
    params: SamplingParams = DEFAULTS,
    forced: ForcedTokens = ForcedTokens(),
    latents: Tensor | None = None,
) -> Iterator[Decoded]:
    """Samples up to `ROWS` texts in one batch; yields them after every token.

    Args:
        uniforms: float32 (n, max_length + 1) from [0, 1): the noise of each sample.
        classes: int64 (n,), for a conditional model.
        params: with a critic, `critic_strength` is a number; prefix, acrostic and `best_of` are ignored.
        forced: the tokens of prefix or acrostic.
        latents: float32 (n, latent_dim), for a model with a latent.
    """
    count, max_length, strength = len(uniforms), generator.config.max_length, params.critic_strength or 0.0
    padded = torch.arange(ROWS).clamp(max=count - 1)  # rows beyond the samples repeat the last
    given, told = (None if of is None else of[padded].to(generator.device) for of in (classes, latents))
    both = next_logits(generator, critic, given, None if told is None else told.to(generator.dtype))

    def predict(tokens: Tensor, state: State) -> tuple[tuple[Tensor, Tensor], State]:
        (logits, scores), state = both(tokens[padded], state)
        logits = logits[:count].float().cpu()
        logits[:, UNKNOWN] = -torch.inf  # in data, a token that the vocabulary lacks; never sampled
        log_p = logits.log_softmax(-1)
        if scores is None:
            return (log_p, torch.zeros_like(log_p)), state
        ratios = log_ratios(log_p, scores[:count].float().cpu())
        return (reweighted(log_p, ratios, strength), reweighted(log_p, ratios, 1.0) - log_p), state

    lines = torch.zeros(count, dtype=torch.int64)  # of the acrostic that have begun

    def pick(place: int, before: Tensor, prediction: tuple[Tensor, Tensor]) -> Tensor:
        if place == max_length:
            return torch.full((count,), END)
        if place < len(forced.prefix):
            return torch.full((count,), forced.prefix[place])
        tokens = choose(prediction[0], uniforms[:, place], params)
        if forced.acrostic:
            begins = torch.tensor([place == 0 or token in forced.line_ends for token in before.tolist()])
            begins &= lines < len(forced.acrostic)
            initials = torch.tensor(forced.acrostic)[lines.clamp(max=len(forced.acrostic) - 1)]
            tokens = torch.where(begins, initials, tokens)
            lines.add_(begins)
        return tokens

    columns: list[tuple[Tensor, Tensor, Tensor]] = []
    for step in decode(predict, pick, torch.full((count,), BEGIN), max_length + generator.config.has_end):
        of_tokens = (table.gather(1, step.tokens[:, None]).squeeze(1) for table in step.prediction)
        log_probs, ratios = (values.masked_fill(step.ended, 0) for values in of_tokens)
        columns.append((step.tokens, log_probs, ratios))
        yield Decoded(*(torch.stack([column[k] for column in columns], 1) for k in range(3)))
        if step.last:
            return


@torch.inference_mode()
def generate(
    generator: TextGenerator,
    critic: TextDiscriminator | None,
    count: int,
    classes: Tensor | None = None,
    temperature: float = 1.0,
    strength: float = 0.0,
    seed: int = 0,
    latents: Tensor | None = None,
) -> Tensor:
    """Samples many texts; several processes share the work (`gan.utils.distributed`).

    Args:
        count: how many.
        classes: int64 (count,), for a conditional model.
        temperature: at least 0.
        strength: lambda, how much of the critic's log ratio is added.
        seed: of the noise.
        latents: float32 (count, latent_dim), for a model with a latent; by default from N(0, I), by the seed, too.

    Returns:
        int64 (count, max_length, and one more where texts end by a token), as `gan.text.data.Encoded.tokens`.
    """
    max_length, has_end = generator.config.max_length, generator.config.has_end
    params = SamplingParams(temperature=temperature)

    def rows_of(uniforms: Tensor, *given: Tensor) -> Tensor:
        rest = iter([tensor.to(generator.device) for tensor in given])
        labels = None if classes is None else next(rest)
        predict = next_logits(generator, critic if strength else None, labels, next(rest, None))

        def pick(place: int, before: Tensor, prediction: tuple[Tensor, Tensor | None]) -> Tensor:
            log_probs = refined(*prediction, strength).float().cpu()
            log_probs[:, UNKNOWN] = -torch.inf  # never sampled, see `stream`
            return choose(log_probs, uniforms[:, place], params)

        rows = torch.full((len(uniforms), max_length + has_end), IGNORED)
        for place, step in enumerate(decode(predict, pick, torch.full((len(rows),), BEGIN), max_length)):
            rows[:, place] = step.tokens.masked_fill(step.ended, IGNORED)
            if step.last:
                break
        if has_end:
            rows[~(rows == END).any(1), max_length] = END
        return rows

    noise = torch.Generator().manual_seed(seed)
    uniforms = torch.rand(count, max_length, generator=noise)
    if generator.config.latent_dim and latents is None:
        latents = torch.randn(count, generator.config.latent_dim, generator=noise)
    given = [tensor for tensor in (classes, latents) if tensor is not None]
    return map_batches(rows_of, uniforms, *given, batch=BATCH, what="Sampling texts")


def generate_unigram(frequencies: Tensor, count: int, max_length: int, has_end: bool) -> Tensor:
    """Texts of tokens that are independent of each other, as `generate` returns them.

    Args:
        frequencies: (vocab_size,) how often each token is sampled.
    """
    noise, weights = torch.Generator().manual_seed(0), frequencies.double().clone()
    weights[UNKNOWN] = 0
    texts = torch.multinomial(weights, count * max_length, replacement=True, generator=noise).view(count, max_length)
    if not has_end:
        return texts
    texts = torch.cat([texts, torch.full((count, 1), END)], dim=1)
    ended = (texts == END).cumsum(1)
    return texts.masked_fill((ended > 1) | ((ended == 1) & (texts != END)), IGNORED)
