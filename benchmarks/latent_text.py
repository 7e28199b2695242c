"""Text with a latent: adversarial, variational and plain autoencoders beside maximum likelihood, at equal CPU time.

    python benchmarks/latent_text.py --dataset_name NAME --cpu_minutes 3 --seeds 0 1 2

Trains one objective a row with `train.py`, each for the same CPU time on one thread, and measures it on held-out
texts: how good and how various texts of seeds are (LM score and reverse LM score, see `benchmarks/text.py`), at
temperature 1 as language models are sampled, and at 0 as models with a latent are; by how much the LM score of the
latter is above that of the language model where the reverse LM score is equal, on lines between temperatures; and what
only a latent gives (`gan/text/latent_metrics.py`). Prints Markdown tables with mean and standard deviation over the
seeds. Every run goes into `--output` at once: a benchmark that was stopped goes on from there.

    python benchmarks/latent_text.py --dataset_name NAME --trained daae MODEL-0 MODEL-1 MODEL-2 --trained mle MODEL

measures models that are there, one a seed. One of maximum likelihood may be beside several.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
from equal_time import keep, kept, program, steps_in
from oracle import spread, table
from text import Bench, Point

from gan.text import latent_metrics, metrics
from gan.text.ngrams import as_lists, copied
from gan.text.pipeline import TextPipeline
from gan.text.sampling import generate, generate_unigram

BASELINE = "mle"
ROWS = {  # by name, the flags of train.py
    "daae": "--objective daae --word_dropping 0.1",
    "daae-tokens": "--objective daae --word_dropping 0.1 --latent_tokens 4",
    "daae-unnormalised": "--objective daae --word_dropping 0.1 --no-normalise_latents",
    "aae": "--objective aae",
    "vae": "--objective vae",
    "ae": "--objective ae",
    BASELINE: "--objective mle",
}
TEMPERATURES = (0.3, 0.4, 0.6, 0.8, 1.0)
DIRECTIONS = 500, 50  # texts that directions are fitted to, and texts that edits are measured on
OF_SEEDS = {  # columns of the first table: name and digits
    "lm_score, T 1": 3,
    "reverse_lm_score, T 1": 3,
    "copied, T 1": 4,
    "lm_score, T 0": 3,
    "reverse_lm_score, T 0": 3,
    "copied, T 0": 4,
    "behind, T 1": 2,
    "behind, T 0": 2,
    "steps": 0,
    "cpu_seconds": 0,
    "parameters": 2,
}
OF_LATENTS = {
    "reconstructed_exactly": 3,
    "reconstruction_bleu": 3,
    "frechet_distance_prior": 2,
    "interpolation_in_range": 3,
    "interpolation_new": 3,
    "interpolation_changed": 3,
    "interpolation_monotone": 3,
    "edits_moved": 3,
    "edits_kept": 3,
}


def train(row: str, args: argparse.Namespace, folder: Path, seed: int, steps: int) -> float:
    """CPU seconds of a run of `train.py`."""
    command = [str(ROOT / "train.py"), "text", "--dataset_name", args.dataset_name, "--unconditional"]
    command += ["--output_dir", str(folder), "--overwrite_output_dir", "--seed", str(seed), "--num_threads", "1"]
    command += ["--no-evaluate", "--report_to", "none", "--checkpointing_steps", "1000000"]
    command += [] if row == BASELINE else ["--no-directions"]
    return program(*command, "--max_train_steps", str(steps), *shlex.split(flags_of(row, args)))


def flags_of(row: str, args: argparse.Namespace) -> str:
    """What the row adds to the command line."""
    return " ".join([ROWS[row], *(flags for names, flags in args.flags if names == "all" or row in names.split(","))])


def folder_of(row: str, seed: int, args: argparse.Namespace) -> Path:
    return args.models / f"{row}-{seed}"


def opened(folder: Path) -> TextPipeline:
    """A trained model."""
    model = TextPipeline.from_pretrained(folder)
    assert isinstance(model, TextPipeline)
    return model


def of_seeds(model: TextPipeline, bench: Bench, temperature: float) -> Point:
    """The figures of texts of seeds."""
    if model.tokenizer.get_vocab() == bench.model.tokenizer.get_vocab():
        return bench.scores(generate(model.generator, None, bench.texts, None, temperature))
    return bench.scores(metrics.generated_by(model, bench.model, bench.texts, temperature))


def measured(model: TextPipeline, bench: Bench, temperatures: Sequence[float]) -> dict[str, Any]:
    """The figures of a model; of a language model its curve over temperatures, too."""
    points = {f"{t:g}": of_seeds(model, bench, t) for t in ((0.0, 1.0) if model.latent_dim else temperatures)}
    found: dict[str, Any] = {"points": points, "parameters": model.generator.num_parameters() / 1e6}
    if not model.latent_dim:
        return found
    found["parameters"] += model.encoder.num_parameters() / 1e6
    found |= latent_metrics.reconstruction(model, bench.held_out, None)
    found |= latent_metrics.interpolation(model, bench.of_real, bench.held_out, None)[0]
    model.find_directions(*DIRECTIONS)
    return found | latent_metrics.edits(model)


def behind(point: Point, curve: list[Point]) -> float | None:
    """By how much an LM score is above that of a curve at the same reverse LM score; `None` beyond its ends."""
    reverse, lm = np.array(sorted((place["reverse_lm_score"], place["lm_score"]) for place in curve)).T
    level = point["reverse_lm_score"]
    return point["lm_score"] - float(np.interp(level, reverse, lm)) if reverse[0] <= level <= reverse[-1] else None


def columns(run: dict[str, Any], baseline: dict[str, Any] | None) -> dict[str, float | None]:
    """The figures of a run by the names of columns; `baseline` is the language model beside it, if there is one."""
    found = {name: value for name, value in run.items() if name != "points"}
    for temperature, point in run["points"].items():
        found |= {f"{name}, T {temperature}": value for name, value in point.items()}
        if baseline is not None:
            found[f"behind, T {temperature}"] = behind(point, list(baseline["points"].values()))
    return found


def references(model: TextPipeline, bench: Bench) -> dict[str, dict[str, float]]:
    """What real texts and a unigram model score, by the names of columns."""
    config = model.generator.config
    frequencies = metrics.unigram(bench.training, model.generator.forbidden)
    unigram = bench.scores(generate_unigram(frequencies, bench.texts, config.max_length, config.has_end))
    real = bench.real | {"copied": copied(as_lists(bench.held_out), bench.training_lists)}
    found = {
        name: {f"{figure}, T 1": value for figure, value in point.items()}
        for name, point in (("unigram", unigram), ("real", real))
    }
    if model.latent_dim:
        found["real"]["frechet_distance_prior"] = latent_metrics.prior_reference(len(bench.held_out), model.latent_dim)
        found["real"]["interpolation_in_range"] = latent_metrics.REAL_SHARE
    return found


def report(runs: dict[tuple[str, int], dict[str, Any]], others: dict[str, dict[str, float]]) -> None:
    """Prints two tables: texts of seeds, and what a latent gives.

    Args:
        runs: by row and seed. A language model without a seed's is the first one's.
        others: more rows, by name.
    """
    beside = {seed: runs.get((BASELINE, seed), runs.get((BASELINE, 0))) for _, seed in runs}
    rows: dict[str, list[dict[str, float | None]]] = {}
    for (name, seed), run in runs.items():
        rows.setdefault(name, []).append(columns(run, None if name == BASELINE else beside[seed]))
    rows |= {name: [values] for name, values in others.items()}
    for shown in (OF_SEEDS, OF_LATENTS):
        with_any = {name: found for name, found in rows.items() if any(set(values) & set(shown) for values in found)}
        cells = [
            [name, *(spread([run.get(column) for run in found], digits) for column, digits in shown.items())]
            for name, found in with_any.items()
        ]
        table(["", *(column.replace("_", " ") for column in shown)], cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_name", required=True, help="a Hub id, or a local folder laid out as one")
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=list(ROWS))
    parser.add_argument("--cpu_minutes", type=float, default=3, help="of training for each row and seed")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--texts", type=int, default=5_000, help="that are generated and scored at every temperature")
    parser.add_argument(
        "--flags",
        nargs=2,
        action="append",
        default=[],
        metavar=("ROWS", "FLAGS"),
        help='more of train.py: --flags daae,aae "--latent_dim 64", or all',
    )
    parser.add_argument("--output", type=Path, default=Path("latent-text.jsonl"), help="a line for every run")
    parser.add_argument("--models", type=Path, default=Path("latent-text"), help="folder for the models")
    parser.add_argument(
        "--trained",
        nargs="+",
        action="append",
        metavar=("ROW", "MODEL"),
        help="models of a row to measure, one a seed, instead of training any",
    )
    parser.add_argument(
        "--temperatures",
        nargs="+",
        type=float,
        default=TEMPERATURES,
        help=f"of the language model (default: {' '.join(map(str, TEMPERATURES))})",
    )
    args = parser.parse_args()
    args.max_train_samples = None  # `Bench` asks
    torch.set_num_threads(1)
    if args.trained:
        measure_trained({row: [Path(model) for model in models] for row, *models in args.trained}, args)
    else:
        train_and_measure(args)


def measure_trained(models: dict[str, list[Path]], args: argparse.Namespace) -> None:
    """The tables of models that are there."""
    first = opened(next(iter(models.values()))[0])
    bench = Bench(first, args)
    runs = {
        (row, seed): measured(opened(folder), bench, args.temperatures)
        for row, folders in models.items()
        for seed, folder in enumerate(folders)
    }
    report(runs, references(first, bench))


def train_and_measure(args: argparse.Namespace) -> None:
    """The tables of models that are trained for it, each for the same CPU time."""
    settings = {
        row: {name: getattr(args, name) for name in ("dataset_name", "cpu_minutes", "texts")}
        | {"row": row, "flags": flags_of(row, args)}
        for row in args.rows
    }
    first = cache(lambda: opened(folder_of(args.rows[0], args.seeds[0], args)))
    bench = cache(lambda: Bench(first(), args))
    runs = {(row, run["seed"]): run for row in args.rows for run in kept(args.output, settings[row])}
    steps = {row: run["steps"] for (row, _), run in runs.items()}
    for seed in args.seeds:
        for row in args.rows:
            if (row, seed) in runs:
                continue
            if row not in steps:
                with tempfile.TemporaryDirectory() as name:
                    steps[row] = steps_in(args.cpu_minutes, partial(train, row, args, Path(name), 0))
            folder = folder_of(row, seed, args)
            seconds = train(row, args, folder, seed, steps[row])
            runs[row, seed] = {"seed": seed, "steps": steps[row], "cpu_seconds": seconds}
            runs[row, seed] |= measured(opened(folder), bench(), args.temperatures)
            keep(args.output, settings[row], runs[row, seed])
    wanted = {(row, seed): runs[row, seed] for row in args.rows for seed in args.seeds}
    report(wanted, references(first(), bench()))


if __name__ == "__main__":
    main()
