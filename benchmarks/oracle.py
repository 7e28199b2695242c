"""Maximum likelihood, our refinement of it and two classic adversarial objectives on the synthetic oracle.

    python benchmarks/oracle.py --methods mle ratio seqgan relgan --seeds 0 1 2 [--oracle oracle.safetensors]

Trains with train.py, one process of one thread after another, then sharpens every model: its distribution to the power
of alpha (one over the temperature), normalised. At every alpha it measures two costs in nats a word: NLL_test, that of
held-out texts of the oracle under the model, exactly; and NLL_oracle, that of the model's texts under the oracle. Low
NLL_oracle alone says nothing, as sharpening alone lowers it: read both (Caccia et al. 2020).

Without --oracle the data come from the oracle that gan/text/oracle.py makes from a fixed seed. What is published was
measured on SeqGAN's oracle; its weights as safetensors go after --oracle. Whatever has been trained and measured in
--output_dir is kept: the command can be stopped, and goes on with further methods or seeds.
"""

import argparse
import json
import shlex
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
from equal_time import train_into

from gan.text.data import TextSet, encode
from gan.text.likelihood import nll
from gan.text.networks import TextDiscriminator
from gan.text.oracle import LENGTH, SIZES, VOCABULARY, Oracle, texts
from gan.text.pipeline import TextPipeline
from gan.text.sampling import generate
from gan.text.tokenizer import SPECIAL

ALPHAS = (0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
LEVELS = (8.5, 9.0, 9.5)  # of NLL_test, at which NLL_oracle is compared
SHARPENED = (1.5, 2.0)  # alphas of maximum likelihood beside the published figures at one


@dataclass(frozen=True)
class Method:
    """What to train: where it starts, and the flags of train.py."""

    title: str
    base: str | None
    flags: tuple[str, ...]


METHODS = {
    "mle": Method("MLE", None, ("--objective", "mle")),
    "longer": Method("MLE, for as long as ours", None, ("--objective", "mle")),  # --flags longer "--dropout ..."
    "mixture": Method("Two MLEs mixed", "mle", ()),  # see `mix`
    "ratio": Method("Density ratio (ours)", "mle", ("--objective", "ratio")),
    "seqgan": Method(
        "SeqGAN",
        "mle",
        ("--objective", "seqgan", "--learning_rate", "1e-4", "--discr_learning_rate", "1e-3")
        + ("--max_train_steps", "300"),
    ),
    "memory": Method("MLE, relational memory", None, ("--objective", "mle", "--architecture", "memory")),
    "relgan": Method(
        "RelGAN",
        "memory",
        ("--objective", "relgan", "--beta_max", "1", "--learning_rate", "1e-4", "--max_train_steps", "3000"),
    ),
}
# Of texts of 20 words, at alpha 1: NLL_oracle in table 1 of RelGAN (Nie et al. 2019).
PUBLISHED_ORACLE = {"MLE": 9.038, "SeqGAN": 8.736, "RankGAN": 8.247, "LeakGAN": 7.038, "RelGAN": 6.680, "Real": 5.750}
# Sweeps of Caccia et al. (2020), from the csv/oracle folder of their repository: NLL_oracle and NLL_test at alpha 1,
# least NLL_test, best sum and its alpha, NLL_oracle at LEVELS.
PUBLISHED_CURVES: dict[str, tuple[float | None, ...]] = {
    "MLE": (9.400, 7.610, 7.578, 15.260, 2.20, 7.064, 6.303, 5.806),
    "CoT": (9.378, 7.570, 7.549, 15.395, 1.85, 6.927, 6.416, 6.077),
    "RL-GAN, chosen by oracle and test": (9.204, 7.750, 7.636, 15.717, None, 7.463, 6.751, 6.231),
    "SeqGAN": (9.617, 9.215, 7.920, 18.444, None, 10.00, 9.71, 9.49),
    "LeakGAN": (10.591, 11.271, 8.527, 19.454, None, None, 10.83, 10.76),
}
COLUMNS = ["NLL_oracle, alpha 1", "NLL_test, alpha 1", "least NLL_test", "best sum", "its alpha"]
COLUMNS += [f"NLL_oracle at NLL_test {level:g}" for level in LEVELS]


def train(name: str, seed: int, args: argparse.Namespace) -> Path:
    """Trains a method, unless it has been, after what it starts from; returns its folder."""
    method, folder = METHODS[name], args.output_dir / f"{name}-{seed}"
    if name == "mixture":
        return mix(seed, folder, args)
    start = [] if method.base is None else ["--pretrained_model_name_or_path", train(method.base, seed, args)]
    if (folder / "seconds.json").is_file():
        return folder
    command = [sys.executable, ROOT / "train.py", "text", "--dataset_name", "oracle", *method.flags, *start]
    command += ["--dataset_config_name", args.oracle.resolve()] if args.oracle else []
    command += ["--seed", seed, "--output_dir", folder, "--report_to", "none", "--no-evaluate"]
    command += ["--resume_from_checkpoint", "latest"]
    for names, flags in args.flags:
        command += shlex.split(flags) if name in names.split(",") or names == "all" else []
    train_into(folder, command)
    return folder


def mix(seed: int, folder: Path, args: argparse.Namespace) -> Path:
    """The geometric mean, normalised, of maximum likelihood's models of this seed and the next of `--seeds`: what the
    refinement must beat that is called adversarial, at as many parameters and about the same time."""
    other = args.seeds[(args.seeds.index(seed) + 1) % len(args.seeds)]
    one, two = (TextPipeline.from_pretrained(train("mle", k, args)) for k in (seed, other))
    critic = TextDiscriminator.from_config(two.generator.config)
    critic.load_state_dict(two.generator.state_dict())
    TextPipeline(one.generator, critic, critic_strength=0.5, tokenizer=one.tokenizer).save_pretrained(folder)
    (folder / "seconds.json").write_text(json.dumps(cpu_seconds("mle", other, args.output_dir)))
    return folder


def cpu_seconds(name: str, seed: int, output_dir: Path) -> float:
    """Of a method's training, with what it started from."""
    base = METHODS[name].base
    own = json.loads((output_dir / f"{name}-{seed}" / "seconds.json").read_text())
    return own + (cpu_seconds(base, seed, output_dir) if base else 0.0)


def words(pipeline: TextPipeline, alpha: float, count: int) -> Tensor:
    """int64 (count, LENGTH): words that a model writes at temperature 1 / alpha."""
    strength = pipeline.config.critic_strength
    return generate(pipeline.generator, pipeline.critic, count, None, 1 / alpha, strength, seed=1) - len(SPECIAL)


def sweep(folder: Path, oracle: Oracle, tokens: Tensor, args: argparse.Namespace) -> dict[str, list[float]]:
    """NLL_oracle and NLL_test of a model at every alpha; kept in its folder."""
    file = folder / "sweep.json"
    settings = {"alphas": list(args.alphas), "samples": args.samples, "test": len(tokens)}
    if file.is_file():
        kept = json.loads(file.read_text())
        if kept["settings"] == settings:
            return kept["curve"]
    pipeline = TextPipeline.from_pretrained(folder)
    strength, temperatures = pipeline.config.critic_strength, tuple(1 / alpha for alpha in args.alphas)
    test = nll(pipeline.generator, pipeline.critic, tokens, None, (strength,), temperatures)[0]
    judged = [oracle.nll(words(pipeline, alpha, args.samples)) for alpha in args.alphas]
    curve = {"alpha": list(args.alphas), "oracle": judged, "test": test.tolist()}
    file.write_text(json.dumps({"settings": settings, "curve": curve}))
    return curve


def summary(curve: dict[str, list[float]]) -> list[float | None]:
    """The figures of a sweep, as in `COLUMNS`; `None` where the sweep doesn't go so far."""
    alphas, judged, test = (np.array(curve[name]) for name in ("alpha", "oracle", "test"))
    as_trained, best, least = int(abs(alphas - 1).argmin()), int((judged + test).argmin()), int(test.argmin())
    rising = test[least:], judged[least:]
    figures = [judged[as_trained], test[as_trained], test[least], (judged + test)[best], alphas[best]]
    figures += [np.interp(level, *rising) if rising[0][0] <= level <= rising[0][-1] else None for level in LEVELS]
    return [None if figure is None else float(figure) for figure in figures]


def unigram(oracle: Oracle, train_set: TextSet, tokens: Tensor, count: int) -> tuple[float, float]:
    """NLL_oracle and NLL_test of words drawn as often as they are in the training texts, each seen once more."""
    counts = torch.ones(len(SPECIAL) + VOCABULARY, dtype=torch.float64)
    counts += encode(train_set, train_set.tokenizer, LENGTH).tokens.flatten().bincount(minlength=len(counts))
    shares = counts[len(SPECIAL) :] / counts[len(SPECIAL) :].sum()
    torch.manual_seed(0)
    drawn = torch.multinomial(shares, count * LENGTH, replacement=True).view(count, LENGTH)
    return oracle.nll(drawn), -float(shares.log()[tokens - len(SPECIAL)].mean())


def spread(values: list[float | None], digits: int = 3) -> str:
    """Mean and standard deviation over seeds."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return "–"
    deviation = f" ± {statistics.stdev(known):.{digits}f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.{digits}f}{deviation}"


def table(header: list[str], rows: list[list[str]]) -> None:
    """Prints Markdown."""
    for cells in [header, ["---"] * len(header), *rows]:
        print("| " + " | ".join(cells) + " |")
    print(flush=True)


def report(curves: dict[str, list[dict[str, list[float]]]], references: dict[str, list[str]], seconds: dict[str, str]):
    """Prints both tables: the whole trade, and NLL_oracle alone as it used to be published."""
    rows = [
        [METHODS[name].title, *(spread([*column]) for column in zip(*map(summary, runs))), seconds[name]]
        for name, runs in curves.items()
    ]
    rows += [[title, *cells, *[""] * (len(COLUMNS) + 1 - len(cells))] for title, cells in references.items()]
    rows += [
        [f"{title} (published, Caccia et al.)", *("–" if value is None else f"{value:g}" for value in values), ""]
        for title, values in PUBLISHED_CURVES.items()
    ]
    table(["", *COLUMNS, "CPU seconds"], rows)

    alone: list[list[str]] = []
    for name, runs in curves.items():
        for alpha in (1.0, *(SHARPENED if METHODS[name].base is None else ())):
            points = [run["alpha"].index(alpha) for run in runs if alpha in run["alpha"]]
            if points:
                title = METHODS[name].title + (f", sharpened: alpha {alpha:g}" if alpha != 1 else "")
                judged = spread([run["oracle"][k] for run, k in zip(runs, points)])
                alone.append([title, judged, spread([run["test"][k] for run, k in zip(runs, points)])])
    alone += [[f"{title} (published, Nie et al.)", f"{value:g}", "–"] for title, value in PUBLISHED_ORACLE.items()]
    table(["", "NLL_oracle", "NLL_test"], alone)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=["mle", "ratio"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--oracle", type=Path, help="safetensors of the published oracle; default: our own")
    parser.add_argument("--output_dir", type=Path, default=Path("oracle-runs"), help="for models and measurements")
    parser.add_argument("--alphas", nargs="+", type=float, default=ALPHAS, help="of the sweep, rising")
    parser.add_argument("--samples", type=int, default=5_000, help="texts drawn at every alpha")
    parser.add_argument("--test", type=int, default=SIZES["test"], help="held-out texts that NLL_test is of")
    parser.add_argument(
        "--flags",
        nargs=2,
        action="append",
        default=[],
        metavar=("METHODS", "FLAGS"),
        help='more flags of train.py for some methods: --flags mle,memory "--dropout 0.6", or all "--patience 5"',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = arguments(argv)
    args.output_dir.mkdir(parents=True, exist_ok=True)
    oracle = Oracle(path=args.oracle)
    parts = {split: TextSet(split=split, name="oracle", **part) for split, part in texts(oracle).items()}
    tokens = encode(parts["test"], parts["test"].tokenizer, LENGTH).tokens[: args.test]

    curves: dict[str, list[dict[str, Any]]] = {}
    seconds: dict[str, str] = {}
    names = list(dict.fromkeys(step for name in args.methods for step in (METHODS[name].base, name) if step))
    for name in names:
        folders = [train(name, seed, args) for seed in args.seeds]
        curves[name] = [sweep(folder, oracle, tokens, args) for folder in folders]
        seconds[name] = spread([cpu_seconds(name, seed, args.output_dir) for seed in args.seeds], digits=0)

    entropy = oracle.nll(tokens - len(SPECIAL))
    references = {
        "Unigram": [f"{value:.3f}" for value in unigram(oracle, parts["train"], tokens, args.samples)],
        "Real: the oracle's own texts": [f"{entropy:.3f}"] * 2,
    }
    print(f"\nSeeds {', '.join(map(str, args.seeds))}; mean ± standard deviation; torch {torch.__version__}\n")
    report(curves, references, seconds)


if __name__ == "__main__":
    main()
