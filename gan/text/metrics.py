"""What is measured of a generator of text: quality beside diversity, and beside what real text and baselines score.

Exactly: the likelihood of held-out text. By language models as judges (`gan.text.lm_score`): the LM score, the reverse
LM score, and a Fréchet distance in the states of one. By counting (`gan.text.ngrams`): BLEU and self-BLEU, different
runs, copies of training texts.

Quality alone says little: a model that writes one good text again and again, or sharpens its distribution, has it
(Caccia et al. 2020). Each metric has its reference, what real text scores, and its baselines: the same generator
without its critic, which is maximum likelihood, and a unigram model, which knows the frequency of each token only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gan.errors import GANError
from gan.labels import class_indices
from gan.metrics.distances import frechet_distance
from gan.text import lm_score
from gan.text.data import IGNORED, encode
from gan.text.likelihood import nll
from gan.text.ngrams import as_lists, bleu, copied, distinct, longest_copied_runs, self_bleu
from gan.text.plots import sweep_picture
from gan.text.sampling import generate, generate_unigram
from gan.text.tokenizer import UNKNOWN
from gan.utils.distributed import map_items

if TYPE_CHECKING:
    from gan.text.data import TextSet
    from gan.text.pipeline import TextPipeline

NUM_TEXTS = 10_000  # that a judge is fitted to
COUNTED_TEXTS = 1_000  # of which runs are counted
HYPOTHESES = 500  # of them, that BLEU is computed of
SMOOTHING = 0.1  # times that the unigram model has seen every token more often than it has
GENERATED, MLE, UNIGRAM = "generated", "without its critic (MLE)", "unigram"


@dataclass
class _Figure:
    """A column of the tables: its name, one for programs, its table, and whether more is better (`gan.hub.card`)."""

    name: str
    type: str
    group: str
    higher_is_better: bool | None
    digits: int = 4


LIKELIHOOD, RUNS, VARIETY = "likelihood", "shared runs", "variety and copies"
FIGURES = [
    _Figure("NLL (nats a token)", "nll", LIKELIHOOD, False),
    _Figure("Perplexity", "perplexity", LIKELIHOOD, False, 2),
    _Figure("LM score", "lm_score", LIKELIHOOD, None, 3),
    _Figure("Reverse LM score", "reverse_lm_score", LIKELIHOOD, False, 3),
    _Figure("Fréchet distance x 1000 (judge's states)", "frechet_distance_judge", LIKELIHOOD, False, 3),
    *(_Figure(f"BLEU-{order}", f"bleu_{order}", RUNS, True, 3) for order in (2, 3, 4, 5)),
    *(_Figure(f"Self-BLEU-{order}", f"self_bleu_{order}", RUNS, None, 3) for order in (2, 3, 4, 5)),
    *(_Figure(f"Distinct-{order}", f"distinct_{order}", VARIETY, None) for order in (1, 2, 3)),
    _Figure("Copies of training texts", "copied", VARIETY, None),
    _Figure("Longest copied run, mean", "longest_copied_run_mean", VARIETY, None, 2),
    _Figure("Longest copied run, most", "longest_copied_run_most", VARIETY, None, 0),
]
Values = dict[str, float]  # by type of figure


def evaluate(
    pipeline: "TextPipeline",
    train_set: "TextSet",
    test_set: "TextSet",
    num_texts: int = NUM_TEXTS,
    temperatures: tuple[float, ...] = (1.0,),
) -> dict[str, Any]:
    """The contents of `metrics.json`; with two temperatures or more, the picture of them goes to `pipeline.sweep`.

    The tables are of temperature 1, the critic as strong as the model has it. Texts of a model with classes are of
    those of the held-out texts.

    Args:
        num_texts: that are written, at most; as many as there are training texts.
        temperatures: at which LM score and reverse LM score are measured as well, above 0.

    Raises:
        GANError: if the classes of the model aren't those of the data, or there are fewer than two texts of a kind.
    """
    if min(len(train_set), len(test_set)) < 2:
        raise GANError(
            f"{len(train_set)} texts to train on and {len(test_set)} held-out ones are too few to measure with; it "
            f"takes two of each."
        )
    bench = _Bench(pipeline, train_set, test_set, num_texts)
    strengths = {GENERATED: bench.strength}
    if bench.strength:
        strengths[MLE] = 0.0
    written = {name: bench.write(1.0, strength) for name, strength in strengths.items()}
    frequencies = unigram(bench.training, pipeline.generator.never)
    written[UNIGRAM] = generate_unigram(
        frequencies, bench.count, pipeline.generator.config.max_length, pipeline.generator.config.has_end
    )
    costs = dict(zip(strengths, bench.nll(tuple(strengths.values())), strict=True))
    costs[UNIGRAM] = unigram_nll(frequencies, bench.held_out)
    jobs: list[Callable[[], Values]] = [partial(bench.measure, tokens) for tokens in written.values()]
    *measured, real = map_items(lambda job: job(), [*jobs, bench.real])
    table = {
        name: {"nll": costs[name], "perplexity": math.exp(costs[name])} | values
        for name, values in zip(written, measured, strict=True)
    }

    generated = table.pop(GENERATED)
    found: dict[str, Any] = {
        "metrics": [_metric(figure, generated, real, test_set.split, bench) for figure in FIGURES],
        "baselines": [
            {"name": name, "values": {figure.name: _rounded(figure, row) for figure in FIGURES}}
            for name, row in table.items()
        ],
        "setting": "at temperature 1",
        "note": bench.note(test_set.split),
    }
    pipeline.sweep = None
    others = sorted(set(temperatures) - {1.0})
    if others:
        known = {GENERATED: generated} | table
        places = [(name, temperature) for name in strengths for temperature in others]
        judged = map_items(bench.judge, [bench.write(temperature, strengths[name]) for name, temperature in places])
        values = {(name, 1.0): known[name] for name in strengths} | dict(zip(places, judged, strict=True))
        curves = {
            name: [_point(values[name, temperature], temperature) for temperature in sorted({1.0, *others})]
            for name in strengths
        }
        found["sweep"] = {"real": _point(real), "curves": curves}
        pipeline.sweep = sweep_picture(found["sweep"])
    return found


def unigram(tokens: Tensor, never: Tensor) -> Tensor:
    """float64 (vocab_size,) probability of each token, ends among them: how often it is in texts, smoothed.

    Args:
        tokens: int64 (n, length), see `gan.text.data.Encoded`.
        never: bool (vocab_size,) of tokens that cannot occur.
    """
    counts = tokens[tokens != IGNORED].bincount(minlength=len(never)).double() + SMOOTHING
    counts[never.cpu()] = 0
    return counts / counts.sum()


def unigram_nll(frequencies: Tensor, tokens: Tensor) -> float:
    """Nats a token of texts (n, length) under a unigram model; ends are tokens."""
    return -float(frequencies.log()[tokens[tokens != IGNORED]].mean())


class _Bench:
    """The data as the model's own tokens, and the judge of real text that all texts are brought before."""

    def __init__(self, pipeline: "TextPipeline", train_set: "TextSet", test_set: "TextSet", num_texts: int):
        config = pipeline.generator.config
        self.pipeline, self.vocab_size, self.has_end = pipeline, config.vocab_size, config.has_end
        self.strength = pipeline.config.critic_strength if pipeline.critic is not None else 0.0
        self.training, self.held_out = (
            encode(replace(texts, has_end=config.has_end), pipeline.tokenizer, config.max_length).tokens
            for texts in (train_set, test_set)
        )
        self.classes = _classes(pipeline, test_set)
        self.count = min(num_texts, len(self.training))
        # Of as many texts of each kind, as more of them have fewer runs that are new.
        self.few = min(COUNTED_TEXTS, self.count, len(self.held_out))
        # Texts are often sorted; those to compare with come from all over.
        some = torch.randperm(len(self.training), generator=torch.Generator().manual_seed(0))
        self.training_few = as_lists(self.training[some[: self.few]])
        self.held_out_few = as_lists(self.held_out[_spread(len(self.held_out), self.few)])
        self.training_lists = as_lists(self.training)
        self.of_real = lm_score.fit_language_model(self.training[some[: self.count]], self.vocab_size, self.has_end)
        half = min(self.count, len(self.held_out) // 2)  # the other half is what real texts score
        self.compared, self.others = self.held_out[::2][:half], self.held_out[1::2][:half]

    def nll(self, strengths: tuple[float, ...]) -> list[float]:
        """Nats a held-out token of the model, at each strength of its critic."""
        generator, critic = self.pipeline.generator, self.pipeline.critic
        return nll(generator, critic, self.held_out, self.classes, strengths)[:, 0].tolist()

    def write(self, temperature: float, strength: float) -> Tensor:
        """Texts of the model, of the classes of the held-out ones."""
        asked = None if self.classes is None else self.classes[torch.arange(self.count) % len(self.classes)]
        generator, critic = self.pipeline.generator, self.pipeline.critic
        return generate(generator, critic, self.count, asked, temperature, strength)

    def measure(self, tokens: Tensor) -> Values:
        """All but the likelihood of texts (n, length)."""
        return self.judge(tokens) | self.distance(tokens) | self.counts(tokens)

    def judge(self, tokens: Tensor) -> Values:
        """LM score and reverse LM score of texts (n, length)."""
        of_texts = lm_score.fit_language_model(tokens, self.vocab_size, self.has_end)
        return {
            "lm_score": lm_score.score(self.of_real, tokens),
            "reverse_lm_score": lm_score.score(of_texts, self.held_out),
        }

    def distance(self, tokens: Tensor) -> Values:
        """How far texts (n, length) are from half of the held-out ones, as many as these; in their variance."""
        some = tokens[_spread(len(tokens), len(self.compared))]
        found, held_out = (lm_score.states(self.of_real, texts) for texts in (some, self.compared))
        scale = held_out.var(0).sum().sqrt().clamp_min(1e-6)
        return {"frechet_distance_judge": 1_000 * frechet_distance(found / scale, held_out / scale)}

    def counts(self, tokens: Tensor) -> Values:
        """What is counted of texts (n, length)."""
        texts = as_lists(tokens[_spread(len(tokens), self.few)])
        return self._shared(texts, texts) | self._variety(texts)

    def real(self) -> Values:
        """What real text scores: training texts against held-out ones in BLEU, held-out ones in all else."""
        cost = lm_score.score(self.of_real, self.held_out)
        return (
            {"lm_score": cost, "reverse_lm_score": cost}
            | self.distance(self.others)
            | self._shared(self.training_few, self.held_out_few)
            | self._variety(self.held_out_few)
        )

    def _shared(self, texts: list[list[int]], among: list[list[int]]) -> Values:
        against = bleu(texts[:HYPOTHESES], self.held_out_few)
        found = {f"bleu_{order}": value for order, value in against.items()}
        return found | {f"self_bleu_{order}": value for order, value in self_bleu(among, HYPOTHESES).items()}

    def _variety(self, texts: list[list[int]]) -> Values:
        runs = longest_copied_runs(texts, self.training_lists)
        return {
            **{f"distinct_{order}": distinct(texts, order) for order in (1, 2, 3)},
            "copied": copied(texts, self.training_lists),
            "longest_copied_run_mean": sum(runs) / len(runs),
            "longest_copied_run_most": max(runs),
        }

    def samples(self, figure: _Figure) -> int:
        """How many texts a figure was measured on."""
        if figure.type in ("nll", "perplexity", "reverse_lm_score"):
            return len(self.held_out)
        if figure.group == RUNS:
            return min(HYPOTHESES, self.few)
        if figure.type == "frechet_distance_judge":
            return len(self.compared)
        return self.count if figure.type == "lm_score" else self.few

    def note(self, split: str) -> str:
        """What the card says below the tables."""
        unknown = _share_unknown(self.held_out)
        return (
            f"Likelihoods are of the {len(self.held_out):,} texts of the {split} split, ends counted as tokens"
            + (f", {unknown:.1%} of which the vocabulary lacks and counts as one word" if unknown else "")
            + f". LM score: nats a token of {self.count:,} generated texts under a small language model fitted to as "
            "many training texts; reverse LM score: of the held-out texts under one fitted to the generated ones. Low "
            "LM scores are had by sharpening, which raises the reverse one: read both. The Fréchet distance is of "
            f"{len(self.compared):,} texts to as many held-out ones, in the states of the first judge at each token, "
            "scaled to a total variance of one. BLEU, by sacrebleu without "
            f"smoothing: {min(HYPOTHESES, self.few):,} texts against {self.few:,} held-out ones; self-BLEU: against "
            f"the other {self.few - 1:,} of their own. The last table is of {self.few:,} texts: distinct-n is the "
            "share of different runs of n tokens, copies are training texts token for token, and the longest copied "
            "run is in tokens. The reference is what real texts score: training texts against held-out ones in BLEU, "
            "held-out ones against the others in the distance, held-out ones in all else. Baselines: "
            + ("the same generator without its critic; " if self.strength else "")
            + "a unigram model, which draws tokens as often as they are in the training texts."
        )


def _classes(pipeline: "TextPipeline", test_set: "TextSet") -> Tensor | None:
    """(n,) the model's own class of each held-out text."""
    if not pipeline.generator.config.num_classes:
        return None
    classes = test_set.classes(torch.arange(len(test_set)))
    if classes is None:
        raise GANError(
            f"The model has classes, and {test_set.name} none; measure it on the data that it was trained on, or name "
            f"the column of the classes with --label_column."
        )
    return class_indices(pipeline.labels or [], test_set.label_names or [], test_set.name)[classes]


def _metric(figure: _Figure, generated: Values, real: Values, split: str, bench: _Bench) -> dict[str, Any]:
    return {
        "name": figure.name,
        "type": figure.type,
        "group": figure.group,
        "value": _rounded(figure, generated),
        "reference": _rounded(figure, real),
        "higher_is_better": figure.higher_is_better,
        "split": split,
        "samples": bench.samples(figure),
    }


def _rounded(figure: _Figure, values: Values) -> float | None:
    value = values.get(figure.type)
    return None if value is None else round(value, figure.digits or None)


def _point(values: Values, temperature: float | None = None) -> dict[str, float]:
    point = {name: round(values[name], 3) for name in ("lm_score", "reverse_lm_score")}
    return point if temperature is None else {"temperature": temperature} | point


def _spread(available: int, count: int) -> Tensor:
    """Indices of `count` of those that are there, from all over."""
    return torch.arange(count) * available // count


def _share_unknown(tokens: Tensor) -> float:
    return float((tokens == UNKNOWN).sum() / (tokens != IGNORED).sum())
