"""What is measured of a model with a latent: how well texts are rebuilt, whether latents are the prior's, and what is
read between two of them."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan.latent.interpolation import slerp
from gan.metrics.distances import frechet_distance
from gan.text import lm_score
from gan.text.autoencoder import encoded
from gan.text.likelihood import nll
from gan.text.networks import TextGenerator
from gan.text.ngrams import as_lists, paired_bleu
from gan.text.sampling import generate
from gan.utils.subsets import fixed_random_subset

if TYPE_CHECKING:
    from gan.text.pipeline import TextPipeline

PAIRS, STEPS = 100, 9  # interpolations, and texts of each, its ends counted
REAL_SHARE = 0.95  # of held-out texts: those of the highest NLL are not what is called like real ones
Values = dict[str, float]


def reconstruction(pipeline: "TextPipeline", tokens: Tensor, classes: Tensor | None) -> Values:
    """How well held-out texts (n, length) are rebuilt from their latents, and how these differ from the prior."""
    latents = encoded(pipeline.encoder, tokens)
    rebuilt = as_lists(greedy(pipeline, latents, classes))
    texts = as_lists(tokens)
    noise = torch.randn(2, *latents.shape, generator=torch.Generator().manual_seed(0))
    return {
        "reconstructed_exactly": sum(a == b for a, b in zip(rebuilt, texts, strict=True)) / len(texts),
        "reconstruction_bleu": paired_bleu(rebuilt, texts),
        "reconstruction_nll": float(nll(pipeline.generator, None, tokens, classes, latents=latents)),
        "frechet_distance_prior": frechet_distance(encoded(pipeline.encoder, tokens, seed=1), noise[0]),
    }


def prior_reference(count: int, latent_dim: int) -> float:
    """The Fréchet distance of so many samples of the prior to as many others."""
    noise = torch.randn(3, count, latent_dim, generator=torch.Generator().manual_seed(0))
    return frechet_distance(noise[2], noise[0])


def interpolation(
    pipeline: "TextPipeline", scorer: TextGenerator, tokens: Tensor, classes: Tensor | None
) -> tuple[Values, Values]:
    """What is read on the way between held-out texts (n, length), from the latents of one to those of another.

    Args:
        scorer: fitted to real text, see `gan.text.lm_score`.

    Returns:
        Of the texts in between, the share that is no less likely under the scorer than the likeliest 95 % of held-out
        texts are (`interpolation_in_range`), that says neither what the first nor what the last text says
        (`interpolation_new`); of all steps, the share on which the text changes (`interpolation_changed`), and the
        share that brings it no farther from the last one, in edits (`interpolation_monotone`), as a step on which it
        stays the same does, too; and the first of these of held-out texts.
    """
    limit = float(lm_score.scores(scorer, tokens).quantile(REAL_SHARE))
    chosen = fixed_random_subset(len(tokens), min(2 * PAIRS, len(tokens) // 2 * 2), in_order=False)
    latents = encoded(pipeline.encoder, tokens[chosen])
    share = torch.linspace(0, 1, STEPS)[:, None]
    ends = list(zip(latents[::2].split(1), latents[1::2].split(1), strict=True))
    way = torch.cat([slerp(first, last, share) for first, last in ends])
    own = None if classes is None else classes[chosen[::2]].repeat_interleave(STEPS)
    found = greedy(pipeline, way, own).unflatten(0, (len(ends), STEPS))
    texts = [as_lists(steps) for steps in found]
    between = [text for steps in texts for text in steps[1:-1] if text not in (steps[0], steps[-1])]
    pairs = [(a, b, steps[-1]) for steps in texts for a, b in zip(steps, steps[1:])]
    no_farther = sum(edit_distance(b, last) <= edit_distance(a, last) for a, b, last in pairs)
    in_range = (lm_score.scores(scorer, found[:, 1:-1].flatten(0, 1)) <= limit).float().mean()
    values = {
        "interpolation_in_range": float(in_range),
        "interpolation_new": len(between) / (len(ends) * (STEPS - 2)),
        "interpolation_changed": sum(a != b for a, b, _ in pairs) / len(pairs),
        "interpolation_monotone": no_farther / len(pairs),
    }
    return values, {"interpolation_in_range": REAL_SHARE}


def edits(pipeline: "TextPipeline") -> Values:
    """What `find_directions` has measured, as means over the measured directions; nothing without any."""
    measured = [record for record in pipeline.directions.records.values() if record["source"] == "measured"]
    if not measured or any("moved" not in record for record in measured):
        return {}
    return {f"edits_{name}": sum(record[name] for record in measured) / len(measured) for name in ("moved", "kept")}


def greedy(pipeline: "TextPipeline", latents: Tensor, classes: Tensor | None) -> Tensor:
    """The likeliest tokens (n, length) of latents."""
    return generate(pipeline.generator, None, len(latents), classes, temperature=0.0, latents=latents)


def edit_distance(a: list[int], b: list[int]) -> int:
    """Tokens that have to be put in, taken out or replaced (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, token in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (token != other))
    return row[-1]
