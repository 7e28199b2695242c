"""The metrics of text models: quality beside diversity, each with the reference of real text and with baselines.

Exactly: the likelihood of held-out text. By small language models, the LM scorers (`gan.text.lm_score`): the LM score,
the reverse LM score, and a Fréchet distance between their hidden states. By counting (`gan.text.ngrams`): BLEU and
self-BLEU, distinct n-grams, copies of training texts.

Quality alone says little: a model that writes one good text again and again, or sharpens its distribution, has it
(Caccia et al. 2020). Each metric has its reference, what real text scores, and its baselines: the same generator
without its critic, which is maximum likelihood, a unigram model, which knows the frequency of each token only, and
another model where one is named. Of a model with a latent, whose likelihood nobody can sum up, there is more to
measure (`gan.text.latent_metrics`).
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
from gan.text import latent_metrics, lm_score
from gan.text.data import IGNORED, TextSet, encode
from gan.text.likelihood import nll
from gan.text.ngrams import as_lists, bleu, copied, distinct, longest_copied_runs, self_bleu
from gan.text.plots import sweep_picture
from gan.text.sampling import generate, generate_unigram
from gan.text.tokenizer import UNKNOWN, decode
from gan.utils.distributed import map_items
from gan.utils.subsets import fixed_random_subset

if TYPE_CHECKING:
    from gan.text.pipeline import TextPipeline

NUM_TEXTS = 10_000  # that an LM scorer is fitted to
NUM_COUNTED = 1_000  # texts whose n-grams are counted
NUM_HYPOTHESES = 500  # of them, that BLEU is computed of
SMOOTHING = 0.1  # occurrences that the unigram model adds to those of every token
GENERATED, MLE, UNIGRAM = "generated", "without its critic (MLE)", "unigram"
WITH_DICE = "at temperature 1"  # texts of a model with a latent


@dataclass(frozen=True)
class _Metric:
    """A column of the tables: its name, its type for programs, its table, and whether more is better."""

    name: str
    type: str
    group: str
    higher_is_better: bool | None
    digits: int = 4

    def rounded(self, values: "Values") -> float | None:
        value = values.get(self.type)
        return None if value is None else round(value, self.digits or None)


LIKELIHOOD, NGRAMS, VARIETY = "likelihood", "shared n-grams", "variety and copies"
REBUILT, LATENT = "rebuilt held-out texts", "latent"
LATENT_NOTE = (
    f"In-between texts: {latent_metrics.PAIRS} pairs of held-out texts, {latent_metrics.STEPS} texts from one to the "
    f"other; like real ones are those whose LM score is no higher than that of all but the worst "
    f"{1 - latent_metrics.REAL_SHARE:.0%} of held-out texts: they are usual, which is not to say that they make "
    "sense. A step goes no farther if the edit distance to the last text, in tokens, does not grow; steps that change "
    "nothing are among them. Edits are those of the measured directions, two standard deviations either way. "
)
METRICS = [
    _Metric("NLL (nats a token)", "nll", LIKELIHOOD, False),
    _Metric("Perplexity", "perplexity", LIKELIHOOD, False, 2),
    _Metric("LM score", "lm_score", LIKELIHOOD, None, 3),
    _Metric("Reverse LM score", "reverse_lm_score", LIKELIHOOD, False, 3),
    _Metric("Fréchet distance x 1000 (LM scorer's states)", "frechet_distance_lm_scorer", LIKELIHOOD, False, 3),
    *(_Metric(f"BLEU-{order}", f"bleu_{order}", NGRAMS, True, 3) for order in (2, 3, 4, 5)),
    *(_Metric(f"Self-BLEU-{order}", f"self_bleu_{order}", NGRAMS, None, 3) for order in (2, 3, 4, 5)),
    *(_Metric(f"Distinct-{order}", f"distinct_{order}", VARIETY, None) for order in (1, 2, 3)),
    _Metric("Copies of training texts", "copied", VARIETY, None),
    _Metric("Longest copied run, mean", "longest_copied_run_mean", VARIETY, None, 2),
    _Metric("Longest copied run, most", "longest_copied_run_most", VARIETY, None, 0),
    _Metric("BLEU-4 of rebuilt texts to the original", "reconstruction_bleu", REBUILT, True, 3),
    _Metric("Exactly rebuilt", "reconstructed_exactly", REBUILT, True, 3),
    _Metric("NLL given the latent", "reconstruction_nll", REBUILT, False, 3),
    _Metric("Fréchet distance to the prior", "frechet_distance_prior", LATENT, False, 3),
    _Metric("In-between texts like real ones", "interpolation_in_range", LATENT, True, 3),
    _Metric("In-between texts that neither end says", "interpolation_new", LATENT, None, 3),
    _Metric("Steps that change the text", "interpolation_changed", LATENT, None, 3),
    _Metric("Steps that go no farther", "interpolation_monotone", LATENT, True, 3),
    _Metric("Edits that move", "edits_moved", LATENT, True, 3),
    _Metric("BLEU-4 of edited texts to the unedited", "edits_kept", LATENT, True, 3),
]
Values = dict[str, float]  # by type of metric


def evaluate(
    pipeline: "TextPipeline",
    train_set: "TextSet",
    test_set: "TextSet",
    num_texts: int = NUM_TEXTS,
    temperatures: tuple[float, ...] = (1.0,),
    baseline: "tuple[str, TextPipeline] | None" = None,
) -> dict[str, Any]:
    """The contents of `metrics.json`; with two temperatures or more, the plot of them goes to `pipeline.sweep`.

    The tables are of temperature 1, with the model's own critic strength, and of a model with a latent of temperature
    0. Texts of a model with classes are generated with the class labels of the held-out texts.

    Args:
        num_texts: largest number of texts to generate; as many as there are training texts.
        temperatures: above 0, at which LM score and reverse LM score are measured as well.
        baseline: name and model of another row, at temperature 1 and without a critic.

    Raises:
        GANError: if the classes of the model aren't those of the data, or there are fewer than two texts of a kind.
    """
    if min(len(train_set), len(test_set)) < 2:
        raise GANError(
            f"{len(train_set)} texts to train on and {len(test_set)} held-out ones are too few to measure with; it "
            f"takes two of each."
        )
    bench = _Bench(pipeline, train_set, test_set, num_texts, baseline)
    table, real = _table(bench)
    generated = table[GENERATED]
    measured = [metric for metric in METRICS if metric.type in generated]
    found: dict[str, Any] = {
        "metrics": [_record(metric, generated, real, test_set.split, bench) for metric in measured],
        "baselines": [
            {"name": name, "values": {metric.name: metric.rounded(row) for metric in measured}}
            for name, row in table.items()
            if name != GENERATED
        ],
        "setting": f"at temperature {bench.usual:g}",
        "note": bench.note(test_set.split),
    }
    pipeline.sweep = None
    others = sorted(set(temperatures) - {1.0})
    if others:
        found["sweep"] = _sweep(bench, table, real, others)
        pipeline.sweep = sweep_picture(found["sweep"])
    return found


def _table(bench: "_Bench") -> tuple[dict[str, Values], Values]:
    """The metrics of the model and its baselines, by name, and those of real text."""
    config = bench.pipeline.generator.config
    texts = {name: write(bench.usual if name == GENERATED else 1.0) for name, write in bench.writers.items()}
    if bench.usual != 1:
        texts = {GENERATED: texts.pop(GENERATED), WITH_DICE: bench.writers[GENERATED](1.0)} | texts
    frequencies = unigram(bench.training, bench.pipeline.generator.forbidden)
    texts[UNIGRAM] = generate_unigram(frequencies, bench.count, config.max_length, config.has_end)
    jobs: list[Callable[[], Values]] = [partial(bench.measure, tokens) for tokens in texts.values()]
    *measured, real = map_items(lambda job: job(), [*jobs, bench.real])
    table = dict(zip(texts, measured, strict=True))
    for name, likelihood in (bench.nll() | {UNIGRAM: unigram_nll(frequencies, bench.held_out)}).items():
        table[name] |= {"nll": likelihood, "perplexity": math.exp(likelihood)}
    if bench.pipeline.latent_dim:
        of_latent, of_real = bench.latent()
        table[GENERATED] |= of_latent
        real |= of_real
    return table, real


def _sweep(bench: "_Bench", table: dict[str, Values], real: Values, others: list[float]) -> dict[str, Any]:
    """LM score and reverse LM score at several temperatures beside those of the table, with and without the critic."""
    places = [(name, temperature) for name in bench.writers for temperature in others]
    texts = [bench.writers[name](temperature) for name, temperature in places]
    values = dict(zip(places, map_items(bench.lm_scores, texts), strict=True))
    values |= {(name, 1.0): table[name] for name in bench.writers}
    if bench.usual != 1:
        values |= {(GENERATED, bench.usual): table[GENERATED], (GENERATED, 1.0): table[WITH_DICE]}
    curves: dict[str, list[dict[str, float]]] = {name: [] for name in bench.writers}
    for name, temperature in sorted(values):
        curves[name].append(_point(values[name, temperature], temperature))
    return {"real": _point(real), "curves": curves}


def unigram(tokens: Tensor, forbidden: Tensor) -> Tensor:
    """float64 (vocab_size,) probability of each token, ends among them: its smoothed frequency in texts.

    Args:
        tokens: int64 (n, length), see `gan.text.data.Encoded`.
        forbidden: bool (vocab_size,) of tokens that cannot occur.
    """
    counts = tokens[tokens != IGNORED].bincount(minlength=len(forbidden)).double() + SMOOTHING
    counts[forbidden.cpu()] = 0
    return counts / counts.sum()


def unigram_nll(frequencies: Tensor, tokens: Tensor) -> float:
    """Nats a token of texts (n, length) under a unigram model; ends are tokens."""
    return -float(frequencies.log()[tokens[tokens != IGNORED]].mean())


class _Bench:
    """The data as the model's own tokens, and the LM scorer of real text, which scores all texts.

    Attributes:
        training, held_out: int64 (n, length).
        classes: int64 (n,), the model's own class of each held-out text, or `None`.
        strengths: of the critic, by name: that of the model, and 0 as its baseline.
        usual: temperature at which the model is measured: 1, or 0 with a latent.
        baseline: name of another model that is measured beside, if there is one.
        writers: of the model and its baselines, by name: a temperature to texts (count, length).
        count: texts that are generated.
        num_counted: texts of each kind whose n-grams are counted: fewer texts have fewer n-grams in common.
        of_real: the LM scorer.
        compared, others: the halves of the held-out texts for the Fréchet distance of generated and of real ones.
    """

    def __init__(
        self,
        pipeline: "TextPipeline",
        train_set: "TextSet",
        test_set: "TextSet",
        num_texts: int,
        baseline: "tuple[str, TextPipeline] | None",
    ):
        config = pipeline.generator.config
        self.pipeline, self.vocab_size, self.has_end = pipeline, config.vocab_size, config.has_end
        strength = pipeline.config.critic_strength if pipeline.critic is not None else 0.0
        self.strengths = {GENERATED: strength} | ({MLE: 0.0} if strength else {})
        self.training, self.held_out = (
            encode(replace(texts, has_end=config.has_end), pipeline.tokenizer, config.max_length).tokens
            for texts in (train_set, test_set)
        )
        self.classes = _classes(pipeline, test_set)
        self.count = min(num_texts, len(self.training))
        self.num_counted = min(NUM_COUNTED, self.count, len(self.held_out))
        # Data are often sorted.
        order = fixed_random_subset(len(self.training), len(self.training), in_order=False)
        self.training_sample = as_lists(self.training[order[: self.num_counted]])
        self.held_out_sample = as_lists(_evenly(self.held_out, self.num_counted))
        self.training_lists = as_lists(self.training)
        self.of_real = lm_score.fit_scorer(self.training[order[: self.count]], self.vocab_size, self.has_end)
        half = min(self.count, len(self.held_out) // 2)
        self.compared, self.others = self.held_out[::2][:half], self.held_out[1::2][:half]
        self.usual = 0.0 if pipeline.latent_dim else 1.0
        self.writers: dict[str, Callable[[float], Tensor]] = {
            name: partial(self.generate, strength=strength) for name, strength in self.strengths.items()
        }
        self.baseline = baseline and baseline[0]
        if baseline is not None:
            self.writers[f"{baseline[0]} (MLE)"] = partial(generated_by, baseline[1], pipeline, self.count)

    def nll(self) -> dict[str, float]:
        """Nats a held-out token of the model, at each strength of its critic, by name; unknown with a latent."""
        generator, critic = self.pipeline.generator, self.pipeline.critic
        if self.pipeline.latent_dim:
            return {}
        found = nll(generator, critic, self.held_out, self.classes, tuple(self.strengths.values()))[:, 0]
        return dict(zip(self.strengths, found.tolist(), strict=True))

    def generate(self, temperature: float, strength: float) -> Tensor:
        """Texts of the model, with the classes of the held-out ones."""
        classes = None if self.classes is None else self.classes[torch.arange(self.count) % len(self.classes)]
        return generate(self.pipeline.generator, self.pipeline.critic, self.count, classes, temperature, strength)

    def latent(self) -> tuple[Values, Values]:
        """What there is to measure with a latent, and of it what real texts score."""
        values = latent_metrics.edits(self.pipeline)
        if self.pipeline.encoder is None:
            return values, {}
        rebuilt = latent_metrics.reconstruction(self.pipeline, self.held_out, self.classes)
        way, of_real = latent_metrics.interpolation(self.pipeline, self.of_real, self.held_out, self.classes)
        prior = latent_metrics.prior_reference(len(self.held_out), self.pipeline.latent_dim)
        return values | rebuilt | way, of_real | {"frechet_distance_prior": prior}

    def measure(self, tokens: Tensor) -> Values:
        """All but the likelihood of texts (n, length)."""
        texts = as_lists(_evenly(tokens, self.num_counted))
        return self.lm_scores(tokens) | self.distance(tokens) | self._bleu(texts, texts) | self._variety(texts)

    def lm_scores(self, tokens: Tensor) -> Values:
        """LM score and reverse LM score of texts (n, length)."""
        of_texts = lm_score.fit_scorer(tokens, self.vocab_size, self.has_end)
        return {
            "lm_score": lm_score.score(self.of_real, tokens),
            "reverse_lm_score": lm_score.score(of_texts, self.held_out),
        }

    def distance(self, tokens: Tensor) -> Values:
        """Fréchet distance of texts (n, length) to half of the held-out ones, as many, scaled to unit variance."""
        states, held_out = (
            lm_score.states(self.of_real, texts) for texts in (_evenly(tokens, len(self.compared)), self.compared)
        )
        scale = held_out.var(0).sum().sqrt().clamp_min(1e-6)
        return {"frechet_distance_lm_scorer": 1_000 * frechet_distance(states / scale, held_out / scale)}

    def real(self) -> Values:
        """What real text scores: training texts against held-out ones in BLEU, held-out ones in all else."""
        score = lm_score.score(self.of_real, self.held_out)
        return (
            {"lm_score": score, "reverse_lm_score": score}
            | self.distance(self.others)
            | self._bleu(self.training_sample, self.held_out_sample)
            | self._variety(self.held_out_sample)
        )

    def _bleu(self, texts: list[list[int]], compared: list[list[int]]) -> Values:
        """BLEU of texts against held-out ones, and self-BLEU of others among themselves."""
        found = {f"bleu_{order}": value for order, value in bleu(texts[:NUM_HYPOTHESES], self.held_out_sample).items()}
        return found | {f"self_bleu_{order}": value for order, value in self_bleu(compared, NUM_HYPOTHESES).items()}

    def _variety(self, texts: list[list[int]]) -> Values:
        runs = longest_copied_runs(texts, self.training_lists)
        return {
            **{f"distinct_{order}": distinct(texts, order) for order in (1, 2, 3)},
            "copied": copied(texts, self.training_lists),
            "longest_copied_run_mean": sum(runs) / len(runs),
            "longest_copied_run_most": max(runs),
        }

    def samples(self, metric: _Metric) -> int:
        """How many texts a metric was measured on."""
        if (
            metric.type in ("nll", "perplexity", "reverse_lm_score", "frechet_distance_prior")
            or metric.group == REBUILT
        ):
            return len(self.held_out)
        if metric.group == LATENT:
            return latent_metrics.PAIRS
        if metric.group == NGRAMS:
            return min(NUM_HYPOTHESES, self.num_counted)
        if metric.type == "frechet_distance_lm_scorer":
            return len(self.compared)
        return self.count if metric.type == "lm_score" else self.num_counted

    def note(self, split: str) -> str:
        """What the card says below the tables."""
        unknown = float((self.held_out == UNKNOWN).sum() / (self.held_out != IGNORED).sum())
        has_latent = bool(self.pipeline.latent_dim)
        return (
            f"{'Rebuilt' if has_latent else 'Likelihoods'} are of the {len(self.held_out):,} texts of the {split} "
            "split, ends counted as tokens"
            + (f", {unknown:.1%} of which the vocabulary lacks and counts as one word" if unknown else "")
            + f". LM score: nats a token of {self.count:,} generated texts under a small language model, the LM "
            "scorer, that was fitted to as many training texts; reverse LM score: of the held-out texts under one "
            "fitted to the generated texts. Sharpening lowers the LM score and raises the reverse one: read both. The "
            "Fréchet distance is between the LM scorer's hidden states at each token of "
            f"{len(self.compared):,} texts and of as many held-out ones, scaled to a total variance of one. BLEU, by "
            f"sacrebleu without smoothing: {min(NUM_HYPOTHESES, self.num_counted):,} texts against "
            f"{self.num_counted:,} held-out ones; self-BLEU: against the other {self.num_counted - 1:,} of their own. "
            f"Variety is of {self.num_counted:,} texts: distinct-n is the share of distinct n-grams, copies "
            "are training texts token for token, and the longest copied run is in tokens. "
            + (LATENT_NOTE if has_latent else "")
            + "The reference is what real texts score: training texts against held-out ones in BLEU, one half of the "
            "held-out ones against the other in the distance, held-out ones in all else. Baselines: "
            + ("the same generator without its critic; " if MLE in self.strengths else "")
            + ("the same latents with dice; " if has_latent else "")
            + (f"the language model {self.baseline} without a critic; " if self.baseline else "")
            + "a unigram model, which samples tokens by their frequency in the training texts."
        )


def generated_by(other: "TextPipeline", pipeline: "TextPipeline", count: int, temperature: float) -> Tensor:
    """Texts of another model, without its critic, as tokens (n, length) of a pipeline."""
    tokens = generate(other.generator, None, count, temperature=temperature)
    decoded = [decode(other.tokenizer, ids) for ids in as_lists(tokens)]
    config = pipeline.generator.config
    texts = TextSet(decoded, None, None, "", "", has_end=config.has_end)
    return encode(texts, pipeline.tokenizer, config.max_length).tokens


def _classes(pipeline: "TextPipeline", test_set: "TextSet") -> Tensor | None:
    """int64 (n,), the model's own class of each held-out text, or `None` for an unconditional model."""
    if not pipeline.generator.config.num_classes:
        return None
    classes = test_set.classes(torch.arange(len(test_set)))
    if classes is None:
        raise GANError(
            f"The model has classes, and {test_set.name} none; measure it on the data that it was trained on, or name "
            f"the column of the classes with --label_column."
        )
    return class_indices(pipeline.labels or [], test_set.label_names or [], test_set.name)[classes]


def _record(metric: _Metric, generated: Values, real: Values, split: str, bench: _Bench) -> dict[str, Any]:
    return {
        "name": metric.name,
        "type": metric.type,
        "group": metric.group,
        "value": metric.rounded(generated),
        "reference": metric.rounded(real),
        "higher_is_better": metric.higher_is_better,
        "split": split,
        "samples": bench.samples(metric),
    }


def _point(values: Values, temperature: float | None = None) -> dict[str, float]:
    point = {name: round(values[name], 3) for name in ("lm_score", "reverse_lm_score")}
    return point if temperature is None else {"temperature": temperature} | point


def _evenly(tokens: Tensor, count: int) -> Tensor:
    """`count` of the texts (n, length), at even distances, as data are often sorted."""
    return tokens[torch.arange(count) * len(tokens) // count]
