"""Maximum likelihood and a critic's refinement of it on real text, at equal time: quality against diversity.

    python benchmarks/text.py --dataset_name NAME --seeds 0 1 2 [--curves mle longer ratio guided]

Trains with train.py, one process of one thread after another, then generates texts at several temperatures and scores
them with two small language models (gan/text/lm_score.py): the LM score is the NLL of the texts under one that was
fitted to real texts (low: each looks real), the reverse LM score the NLL of real texts under one that was fitted to
the generated ones (low: all of real text is covered). Sharpening lowers the first and raises the second, so methods
are compared by the second where the first is equal, on lines between points.

Some curves sweep the critic's strength instead of the temperature: log p + strength (log q - log p), guidance beyond q
where it is above 1. Whatever has been trained and measured in --output_dir is kept: the command can be stopped,
and goes on with further seeds.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
from equal_time import train_into
from oracle import spread, table

from gan.text import data, lm_score
from gan.text.likelihood import nll
from gan.text.networks import TextDiscriminator, TextGenerator
from gan.text.ngrams import as_lists, copied, longest_copied_runs
from gan.text.pipeline import TextPipeline
from gan.text.plots import sweep_picture
from gan.text.sampling import generate

RUNS_OF = 500  # texts whose longest copied runs are measured
SHOWN = ("nll", "lm_score", "reverse_lm_score")  # at temperature 1

TRAINED = {  # by name, what it starts from and the flags of train.py
    "mle": (None, "--objective mle"),
    "ratio": ("mle", "--objective ratio"),
    "longer": (None, "--objective mle"),  # --flags longer "--hidden_size ..."
    "weak": (None, "--objective mle"),  # --flags weak "--max_train_steps ..."
}


@dataclass(frozen=True)
class Curve:
    """What is measured: `log p + strength (log q - log p)` over temperatures, or over strengths at one temperature.

    Attributes:
        generator: p, by its name in `TRAINED`.
        critic: q, likewise; `None` for the generator's own, if it has one.
        other_seed: whether q is that of the next seed.
        strength: of the critic; `None` for the generator's own.
        temperature: where strengths are swept.
    """

    title: str
    generator: str
    critic: str | None = None
    other_seed: bool = False
    strength: float | None = None
    temperature: float | None = None


CURVES = {
    "mle": Curve("MLE", "mle"),
    "ratio": Curve("ratio", "ratio"),
    "longer": Curve("MLE, as long", "longer"),
    "mixture": Curve("two MLEs mixed", "mle", "mle", other_seed=True, strength=0.5),
    "guided": Curve("ratio, by strength", "ratio", temperature=1.0),
    "guided-warm": Curve("at T 1.1", "ratio", temperature=1.1),
    "away": Curve("away from weak", "weak", "mle", temperature=1.0),
}
Point = dict[str, float]


def train(name: str, seed: int, args: argparse.Namespace) -> Path:
    """Trains a model, unless it has been, after what it starts from; returns its folder."""
    (base, objective), folder = TRAINED[name], args.output_dir / f"{name}-{seed}"
    start = [] if base is None else ["--pretrained_model_name_or_path", train(base, seed, args)]
    if (folder / "seconds.json").is_file():
        return folder
    command = [sys.executable, ROOT / "train.py", "text", *shlex.split(objective), *start]
    command += ["--dataset_name", args.dataset_name, "--seed", seed, "--output_dir", folder, "--report_to", "none"]
    command += ["--no-evaluate", "--unconditional", "--resume_from_checkpoint", "latest"]
    command += [] if args.max_train_samples is None else ["--max_train_samples", args.max_train_samples]
    for names, flags in args.flags:
        command += shlex.split(flags) if name in names.split(",") or names == "all" else []
    train_into(folder, command)
    return folder


def needed(curve: Curve, seed: int, seeds: list[int]) -> list[tuple[str, int]]:
    """Name and seed of every model behind a curve; the seed after the last is the first."""
    found = [(curve.generator, seed)]
    if TRAINED[curve.generator][0]:
        found.append((TRAINED[curve.generator][0], seed))
    if curve.critic is not None:
        found.append((curve.critic, seeds[(seeds.index(seed) + 1) % len(seeds)] if curve.other_seed else seed))
    return found


def networks(
    curve: Curve, seed: int, args: argparse.Namespace
) -> tuple[TextGenerator, TextDiscriminator | None, float]:
    """p, q and the strength they were made for."""
    models = [TextPipeline.from_pretrained(train(*model, args)) for model in needed(curve, seed, args.seeds)]
    first, last = models[0], models[-1]
    if curve.critic is None:
        return first.generator, first.critic, first.config.critic_strength or 0.0
    critic = TextDiscriminator.from_config(dict(last.generator.config))  # a critic is a language model
    critic.load_state_dict(last.generator.state_dict())
    return first.generator, critic.eval(), 1.0


class Bench:
    """The data as tokens, the same for all models, and the LM scorer of real texts."""

    def __init__(self, model: TextPipeline, args: argparse.Namespace):
        self.model, self.config, self.texts = model, model.generator.config, args.texts
        splits = data.load(data_arguments(args))
        self.training, self.held_out = (
            data.encode(part, model.tokenizer, self.config.max_length).tokens for part in (splits.train, splits.test)
        )
        some = torch.randperm(len(self.training), generator=torch.Generator().manual_seed(0))[: args.texts]
        self.of_real = lm_score.fit_scorer(self.training[some], self.config.vocab_size, self.config.has_end)
        self.real = {"lm_score": lm_score.score(self.of_real, self.held_out)}
        self.real["reverse_lm_score"] = self.real["lm_score"]
        self.training_lists = as_lists(self.training)

    def point(self, p: TextGenerator, q: TextDiscriminator | None, strength: float, temperature: float) -> Point:
        """Everything that is measured of one setting."""
        tokens: Tensor = generate(p, q, self.texts, None, temperature, strength)
        return {
            "strength": strength,
            "temperature": temperature,
            "nll": float(nll(p, q, self.held_out, None, (strength,), (temperature,))),
        } | self.scores(tokens)

    def scores(self, tokens: Tensor) -> Point:
        """Quality, coverage and copies of generated texts (n, length)."""
        of_texts = lm_score.fit_scorer(tokens, self.config.vocab_size, self.config.has_end)
        texts = as_lists(tokens)
        return {
            "lm_score": lm_score.score(self.of_real, tokens),
            "reverse_lm_score": lm_score.score(of_texts, self.held_out),
            "copied": copied(texts, self.training_lists),
            "run": mean(longest_copied_runs(texts[:RUNS_OF], self.training_lists)),
        }


def data_arguments(args: argparse.Namespace) -> argparse.Namespace:
    """What `gan.text.data.load` asks for."""
    names = ("train_data_dir", "dataset_config_name", "cache_dir", "hub_token", "text_column", "label_column")
    known = {"dataset_name": args.dataset_name, "max_train_samples": args.max_train_samples}
    known |= {"streaming": False, "unconditional": True, "allow_any_label": False}
    known |= {"text_unit": "line", "tokens": "words", "window_length": data.MAX_LENGTH}
    return argparse.Namespace(**dict.fromkeys(names), **known)


def measure(name: str, curve: Curve, seed: int, args: argparse.Namespace, bench: Callable[[], Bench]) -> list[Point]:
    """The points of a curve; those measured before are read."""
    file = args.output_dir / f"points-{name}-{seed}.json"
    kept = json.loads(file.read_text()) if file.is_file() else {}
    p, q, own = networks(curve, seed, args)
    found = []
    for place in args.temperatures if curve.temperature is None else args.strengths:
        strength = (own if curve.strength is None else curve.strength) if curve.temperature is None else place
        temperature = place if curve.temperature is None else curve.temperature
        key = f"{args.texts} texts, strength {strength:g}, temperature {temperature:g}"
        if key not in kept:
            kept[key] = bench().point(p, q, strength, temperature)
            file.write_text(json.dumps(kept, indent=1))
        found.append(kept[key])
    return found


def at_level(points: list[Point], level: float, value: str = "reverse_lm_score") -> float | None:
    """A figure where the LM score is `level`, on lines between points; `None` where they don't go so far."""
    lm, figures = np.array(sorted((point["lm_score"], point[value]) for point in points)).T
    return float(np.interp(level, lm, figures)) if lm[0] <= level <= lm[-1] else None


def averaged(runs: list[list[Point]], label: str) -> list[Point]:
    """The mean over seeds of every point, for the picture; `label` is what is written beside it."""
    return [
        {name: mean(point[name] for point in column) for name in ("lm_score", "reverse_lm_score")}
        | {"temperature": column[0][label]}
        for column in zip(*runs)
    ]


def cpu_seconds(curve: Curve, seed: int, args: argparse.Namespace) -> float:
    """Of training everything behind a curve."""
    folders = [args.output_dir / f"{name}-{other}" for name, other in needed(curve, seed, args.seeds)]
    return sum(json.loads((folder / "seconds.json").read_text()) for folder in folders)


def parameters(curve: Curve, seed: int, args: argparse.Namespace) -> float:
    """Millions, of generator and critic."""
    p, q, _ = networks(curve, seed, args)
    return sum(network.num_parameters() for network in (p, q) if network is not None) / 1e6


def report(curves: dict[str, list[list[Point]]], levels: list[float], args: argparse.Namespace) -> None:
    """Prints the methods, and by how much each reverse LM score is above that of MLE for as long, seed by seed."""
    rows, differences = [], []
    for name, runs in curves.items():
        curve = CURVES[name]
        if curve.temperature:
            continue
        plain = [next((point for point in run if point["temperature"] == 1), {}) for run in runs]
        reached = [[at_level(run, level) for run in runs] for level in levels]
        against = [[at_level(run, level) for run in curves["longer"]] for level in levels]
        more = [[None if None in pair else pair[0] - pair[1] for pair in zip(*both)] for both in zip(reached, against)]
        others = [
            spread([at_level(run, levels[0], "copied") for run in runs], 4),
            spread([at_level(run, levels[0], "run") for run in runs], 2),
            f"{parameters(curve, args.seeds[0], args):.2f}",
            spread([cpu_seconds(curve, seed, args) for seed in args.seeds], 0),
        ]
        at_one = [spread([point.get(value) for point in plain]) for value in SHOWN]
        rows.append([curve.title, *at_one, *map(spread, reached), *others])
        differences.append([curve.title, *map(spread, more)])
    at = [f"reverse at LM {level:.2f}" for level in levels]
    there = [f"{what} at LM {levels[0]:.2f}" for what in ("copies", "longest copied run")]
    table(["", "NLL, T 1", "LM score, T 1", "reverse, T 1", *at, *there, "M parameters", "CPU seconds"], rows)
    print(f"More than {CURVES['longer'].title}, seed by seed:\n")
    table(["", *at], differences)


def report_guidance(curves: dict[str, list[list[Point]]]) -> None:
    """Prints every point of the sweeps over strengths, against the curves over temperatures at its own LM score."""
    rows, against = [], [name for name in curves if CURVES[name].temperature is None]
    for name, runs in curves.items():
        curve = CURVES[name]
        for column in zip(*runs) if curve.temperature else ():
            values = [spread([point[value] for point in column]) for value in ("lm_score", "reverse_lm_score")]
            for other in against:
                there = [at_level(run, point["lm_score"]) for point, run in zip(column, curves[other])]
                pairs = zip(column, there)
                values.append(spread([None if k is None else point["reverse_lm_score"] - k for point, k in pairs]))
            setting = [f"{column[0][value]:g}" for value in ("strength", "temperature")]
            rows.append([curve.title, *setting, *values, spread([point["copied"] for point in column], 4)])
    more = [f"reverse less that of {CURVES[other].title}" for other in against]
    table(["", "strength", "T", "LM score", "reverse", *more, "copies"], rows)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_name", required=True, help="a Hub id, or a local folder laid out as one")
    parser.add_argument("--max_train_samples", type=int, help="training texts; default: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--curves", nargs="+", choices=tuple(CURVES), default=["mle", "longer", "ratio"])
    parser.add_argument("--output_dir", type=Path, default=Path("text-runs"), help="for models and measurements")
    parser.add_argument("--temperatures", nargs="+", type=float, default=[0.8, 0.9, 1.0, 1.1], help="of the curves")
    parser.add_argument("--strengths", nargs="+", type=float, default=[1.0, 1.5, 2.0], help="where these are swept")
    parser.add_argument("--texts", type=int, default=5_000, help="that are generated and scored at every point")
    parser.add_argument(
        "--levels", nargs="+", type=float, default=[0.0, -0.3, -0.6], help="of the LM score, less that of real texts"
    )
    parser.add_argument(
        "--flags",
        nargs=2,
        action="append",
        default=[],
        metavar=("MODELS", "FLAGS"),
        help=f'more flags of train.py for some of {", ".join(TRAINED)}: --flags mle,weak "--dropout 0.6", or all',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = arguments(argv)
    args.output_dir.mkdir(parents=True, exist_ok=True)
    bench = cache(lambda: Bench(TextPipeline.from_pretrained(train("mle", args.seeds[0], args)), args))
    names = list(dict.fromkeys([*args.curves, "longer"]))
    curves = {name: [measure(name, CURVES[name], seed, args, bench) for seed in args.seeds] for name in names}
    real = bench().real
    levels = [real["lm_score"] + level for level in args.levels]
    print(f"\nSeeds {', '.join(map(str, args.seeds))}; mean ± standard deviation; torch {torch.__version__}")
    print(f"Real texts: LM score {real['lm_score']:.3f}\n")
    report(curves, levels, args)
    if any(CURVES[name].temperature for name in curves):
        report_guidance(curves)
    shown = {
        CURVES[name].title: averaged(runs, "strength" if CURVES[name].temperature else "temperature")
        for name, runs in curves.items()
    }
    (args.output_dir / "curves.png").write_bytes(sweep_picture({"real": real, "curves": shown}))


if __name__ == "__main__":
    main()
