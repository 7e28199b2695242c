"""How text is drawn, token by token: temperature, top-k, top-p, a critic's ratios, and noise of each sample's own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gan.text.networks import TextDiscriminator, TextGenerator
from gan.text.tokenizer import BEGIN, END, IGNORED, UNKNOWN
from gan.utils.distributed import map_batches

ROWS = 32  # samples that go through the networks at once; always as many, as products round differently with fewer


@dataclass(frozen=True)
class Settings:
    """How tokens are drawn.

    Attributes:
        temperature: divides the logarithms; 0 takes the likeliest token each time.
        top_k: draw among so many of the likeliest; 0 for all.
        top_p: draw among the likeliest that together have this probability (Holtzman et al. 2020).
        critic_strength: lambda, how much of the critic's log ratio is added to the generator's log probabilities.
        prefix: tokens that every sample begins with.
        acrostic: tokens that lines begin with, one after the other.
        breaks: tokens after which a line of an acrostic begins.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    critic_strength: float = 0.0
    prefix: tuple[int, ...] = ()
    acrostic: tuple[int, ...] = ()
    breaks: frozenset[int] = frozenset()


PLAIN = Settings()


@dataclass
class Drawn:
    """Rows of tokens as far as they are.

    Attributes:
        tokens: int64 (n, t), `END` from the end of a sample on.
        log_probs: float32 (n, t), of each token under the generator refined by the critic, at temperature 1; 0 after
            the end.
        opinions: float32 (n, t), what the critic at full strength adds to that of the generator alone, in nats; 0
            after the end and without a critic.
    """

    tokens: Tensor
    log_probs: Tensor
    opinions: Tensor


def refined(logits: Tensor, scores: Tensor | None, strength: float) -> Tensor:
    """log p' = log p + strength * f - log Z with the critic's log ratio f = log q - log p, normalised exactly.

    Args:
        logits: (..., vocab_size) of the generator p; minus infinity where no token may stand.
        scores: (..., vocab_size) of the critic, the logits of q (see `TextDiscriminator`), or `None`.

    Returns:
        (..., vocab_size) log probabilities: the generator's at strength 0, and q's at strength 1.
    """
    log_p = logits.log_softmax(-1)
    if scores is None or not strength:
        return log_p
    return (log_p + strength * log_ratios(log_p, scores)).log_softmax(-1)


def log_ratios(log_p: Tensor, scores: Tensor) -> Tensor:
    """The critic's f = log q - log p for every token (..., vocab_size), 0 where none may stand."""
    return (scores.log_softmax(-1) - log_p).masked_fill(log_p.isneginf(), 0)


def choose(log_probs: Tensor, uniforms: Tensor, settings: Settings) -> Tensor:
    """The tokens (n,) that uniform numbers (n,) from [0, 1) pick under log probabilities (n, vocab_size)."""
    if settings.temperature == 0:
        return log_probs.argmax(-1)
    probs = (log_probs / settings.temperature).softmax(-1)
    if settings.top_k or settings.top_p < 1:
        ordered = torch.from_numpy(np.sort(probs.numpy())).flip(-1)  # many times as fast as torch.sort on a CPU
        left_out = ordered.double().cumsum(-1) - ordered >= settings.top_p
        if settings.top_k:
            left_out[:, settings.top_k :] = True
        left_out[:, 0] = False  # something must remain
        least = ordered.masked_fill(left_out, 2).amin(-1, keepdim=True)
        probs = probs.masked_fill(probs < least, 0)
    sums = probs.double().cumsum(-1)
    places = torch.searchsorted(sums, uniforms[:, None].double() * sums[:, -1:], right=True)
    return places.squeeze(1).clamp(max=log_probs.shape[1] - 1)


@torch.inference_mode()
def draw(
    generator: TextGenerator,
    critic: TextDiscriminator | None,
    uniforms: Tensor,
    classes: Tensor | None,
    settings: Settings,
) -> Iterator[Drawn]:
    """Draws up to `ROWS` samples beside each other; yields them after every token.

    Args:
        uniforms: float32 (n, max_length + 1) from [0, 1): the noise of each sample.
        classes: int64 (n,), for a conditional model.
    """
    count, device = len(uniforms), generator.device
    most = generator.config.max_length
    padded = torch.arange(ROWS).clamp(max=count - 1)  # rows beyond the samples repeat the last
    if classes is not None:
        classes = classes[padded].to(device)
    last = torch.full((count,), BEGIN)
    ended = torch.zeros(count, dtype=torch.bool)
    lines = torch.zeros(count, dtype=torch.int64)  # of the acrostic that have begun
    state = critic_state = None
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    for step in range(most + generator.config.has_end):
        given = last[padded, None].to(device)
        logits, state = generator(given, classes, state)
        logits = logits[:count, 0].float().cpu()
        logits[:, UNKNOWN] = -torch.inf  # a hole in the text: known to the likelihood, never drawn
        scores = None
        if critic is not None:
            scores, critic_state = critic(given, classes, critic_state)
            scores = scores[:count, 0].float().cpu()
        log_probs = refined(logits, scores, settings.critic_strength)

        if step == most:
            chosen = torch.full((count,), END)
        elif step < len(settings.prefix):
            chosen = torch.full((count,), settings.prefix[step])
        else:
            chosen = choose(log_probs, uniforms[:, step], settings)
        if settings.acrostic and step < most:
            begins = torch.tensor([step == 0 or token in settings.breaks for token in last.tolist()])
            begins &= lines < len(settings.acrostic)
            initials = torch.tensor(settings.acrostic)[lines.clamp(max=len(settings.acrostic) - 1)]
            chosen = torch.where(begins, initials, chosen)
            lines += begins
        chosen[ended] = END

        opinions = torch.zeros(count, 1)
        if scores is not None:
            opinions = (refined(logits, scores, 1.0) - logits.log_softmax(-1)).gather(1, chosen[:, None])
        taken = log_probs.gather(1, chosen[:, None])
        rows.append((chosen, taken.squeeze(1).masked_fill(ended, 0), opinions.squeeze(1).masked_fill(ended, 0)))
        ended |= chosen == END
        last = chosen
        yield Drawn(*(torch.stack([row[k] for row in rows], 1) for k in range(3)))
        if bool(ended.all()):
            return


BATCH = 500  # texts beside each other: bounds the memory of their logits


@torch.inference_mode()
def write(
    generator: TextGenerator,
    critic: TextDiscriminator | None,
    count: int,
    classes: Tensor | None = None,
    temperature: float = 1.0,
    strength: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """Draws texts; several processes share the work out (`gan.utils.distributed`).

    Args:
        count: how many.
        classes: int64 (count,), for a conditional model.
        temperature: above 0.
        strength: lambda, how much of the critic's log ratio is added.
        seed: of the noise.

    Returns:
        int64 (count, max_length, and one more where texts end by a token), as `gan.text.data.Encoded.tokens`.
    """
    most, settings = generator.config.max_length, Settings(temperature=temperature)

    def rows_of(uniforms: Tensor, *given: Tensor) -> Tensor:
        rows = torch.full((len(uniforms), most + generator.config.has_end), IGNORED)
        labels = given[0].to(generator.device) if given else None
        last, going, state, critic_state = torch.full((len(rows),), BEGIN), torch.ones(len(rows)).bool(), None, None
        for step in range(most):
            shown = last[:, None].to(generator.device)
            logits, state = generator(shown, labels, state)
            ratios = None
            if critic is not None and strength:
                ratios, critic_state = critic(shown, labels, critic_state)
            log_probs = refined(logits, ratios, strength)[:, 0].float().cpu()
            log_probs[:, UNKNOWN] = -torch.inf  # never drawn, see `gan.text.sampling.draw`
            last = choose(log_probs, uniforms[:, step], settings)
            rows[going, step] = last[going]
            going &= last != END
            if not going.any():
                break
        if generator.config.has_end:
            rows[going, most] = END
        return rows

    uniforms = torch.rand(count, most, generator=torch.Generator().manual_seed(seed))
    return map_batches(rows_of, uniforms, *([] if classes is None else [classes]), batch=BATCH, what="Writing texts")


def write_unigram(frequencies: Tensor, count: int, max_length: int, has_end: bool, seed: int = 0) -> Tensor:
    """Texts of tokens that know nothing of each other, as `write` returns them.

    Args:
        frequencies: (vocab_size,) how often each token is drawn.
    """
    noise, drawn_from = torch.Generator().manual_seed(seed), frequencies.double().clone()
    drawn_from[UNKNOWN] = 0
    texts = torch.multinomial(drawn_from, count * max_length, replacement=True, generator=noise).view(
        count, max_length
    )
    if not has_end:
        return texts
    texts = torch.cat([texts, torch.full((count, 1), END)], dim=1)
    ended = (texts == END).cumsum(1)
    return texts.masked_fill((ended > 1) | ((ended == 1) & (texts != END)), IGNORED)
