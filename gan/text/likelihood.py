"""Likelihoods of text under a generator, alone or refined by a critic: exact, in nats."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.text.networks import TextDiscriminator, TextGenerator
from gan.text.sampling import log_ratios
from gan.text.tokenizer import BEGIN, END, IGNORED

BATCH = 32  # texts of a pass: small enough that their logits stay in the CPU's caches


def inputs(tokens: Tensor) -> Tensor:
    """A language model's inputs for the targets `tokens` (n, length) in teacher forcing: shifted by one place."""
    return F.pad(tokens[:, :-1].masked_fill(tokens[:, :-1] == IGNORED, END), (1, 0), value=BEGIN)


def cross_entropy(logits: Tensor, tokens: Tensor) -> Tensor:
    """Mean nats a token of (n, length) tokens under (n, length, vocab_size) logits."""
    return F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), ignore_index=IGNORED)


@torch.inference_mode()
def nll(
    generator: TextGenerator,
    critic: TextDiscriminator | None,
    tokens: Tensor,
    classes: Tensor | None,
    strengths: tuple[float, ...] = (0.0,),
    temperatures: tuple[float, ...] = (1.0,),
    latents: Tensor | None = None,
) -> Tensor:
    """Nats a token of texts, for every pair of a critic's strength and a temperature; ends are counted as tokens.

    Args:
        tokens: int64 (n, length), see `gan.text.data.Encoded`.
        classes: int64 (n,), for a conditional model.
        latents: (n, latent_dim) of the texts, for a model with a latent.

    Returns:
        float64 (strengths, temperatures).
    """
    was_training = generator.training
    generator.eval()
    total = torch.zeros(len(strengths), len(temperatures), dtype=torch.float64)
    for start in range(0, len(tokens), BATCH):
        rows = slice(start, start + BATCH)
        batch = tokens[rows].to(generator.device)
        given = None if classes is None else classes[rows].to(generator.device)
        told = None if latents is None else latents[rows].to(generator.device)
        logits, _ = generator(inputs(batch), given, latents=told)
        log_p = logits.log_softmax(-1)
        ratios = None if critic is None else log_ratios(log_p, critic(inputs(batch), given)[0])
        for i, strength in enumerate(strengths):
            mixed = log_p if ratios is None or not strength else torch.add(log_p, ratios, alpha=strength)
            for j, temperature in enumerate(temperatures):
                # As `refined`, with a temperature; normalised once, at the end: passes over the vocabulary cost most.
                logits = (mixed if temperature == 1 else mixed / temperature).flatten(0, 1)
                total[i, j] += float(F.cross_entropy(logits, batch.flatten(), ignore_index=IGNORED, reduction="sum"))
    generator.train(was_training)
    return total / int((tokens != IGNORED).sum())
