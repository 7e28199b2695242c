"""Many texts at once, as tokens, for measuring a model: hundreds of rows cost little more than the 32 of a pipeline,
but round differently, so that these are not the texts of its seeds."""

import torch
from torch import Tensor

from gan.shares import in_shares
from gan.text.networks import TextDiscriminator, TextGenerator
from gan.text.sampling import Settings, choose, refined
from gan.text.tokens import BEGIN, END, IGNORED, UNKNOWN

ROWS = 500  # texts beside each other: bounds the memory of their logits


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
    """Draws texts; several processes share the work out (`gan.shares`).

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
    return in_shares(rows_of, uniforms, *([] if classes is None else [classes]), batch=ROWS, what="Writing texts")


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
