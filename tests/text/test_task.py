"""Text through the command line: whole models of every objective, exact resumes, early stops, runs that go wrong."""

import argparse
import re
from pathlib import Path

import pytest
import torch
from cli import Result, environment, read, train_each
from safetensors.torch import load_file

from gan import LatentDiscriminator, SequenceDiscriminator, TextDiscriminator, TextPipeline
from gan.text import data
from gan.text.likelihood import nll
from gan.text.tokenizer import decode, encode, kind_of

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]  # the first test waits for all runs

POEMS = ["--train_data_dir", "poems"]
TINY = ["text", "--embedding_size", "12", "--hidden_size", "12"]
TINY += ["--train_batch_size", "4", "--max_train_steps", "6", "--validation_steps", "3", "--no-evaluate"]
TINY += ["--report_to", "none"]
KEEPING = ["--checkpointing_steps", "3", "--gradient_accumulation_steps", "2"]
FROM_MLE = ["--pretrained_model_name_or_path", "mle"]
FROM_VERSES = ["--pretrained_model_name_or_path", "verses"]

LINES: dict[str, list[str]] = {"mle": KEEPING}
LINES["ratio"] = [*FROM_MLE, "--objective", "ratio", *KEEPING]
LINES["seqgan"] = [*FROM_MLE, "--objective", "seqgan", "--rollouts", "2", *KEEPING]
LINES["relgan"] = [*FROM_MLE, "--objective", "relgan", "--beta_max", "3", *KEEPING]
LINES["distil"] = ["--pretrained_model_name_or_path", "ratio", "--objective", "distil", *KEEPING]
LINES["daae"] = ["--objective", "daae", "--latent_dim", "6", "--latent_tokens", "2", *KEEPING]
LINES["vae"] = ["--objective", "vae", "--latent_dim", "6", *KEEPING, "--directions"]
for name in tuple(LINES):
    LINES[f"{name} resumed"] = [*LINES[name], "--resume_from_checkpoint", f"{name}/checkpoint-3"]
LINES["memory"] = ["--architecture", "memory", "--num_heads", "2", "--half_weights"]
LINES["relgan of memory"] = ["--pretrained_model_name_or_path", "memory", "--objective", "relgan"]
LINES["stanzas"] = ["--train_data_dir", "stanzas", "--text_unit", "paragraph", "--vocab_size", "400"]
LINES["book"] = ["--train_data_dir", "book", "--max_length", "8"]
LINES["verses"] = ["--train_data_dir", "couplets", "--max_train_steps", "2"]
LINES["other verses"] = ["--train_data_dir", "others", *FROM_VERSES, "--max_train_steps", "2"]
LINES["aae"] = ["--objective", "aae", "--architecture", "transformer", "--train_data_dir", "couplets"]
LINES["aae again"] = ["--objective", "aae", "--pretrained_model_name_or_path", "aae", "--train_data_dir", "others"]
LINES["ae again"] = ["--objective", "ae", "--pretrained_model_name_or_path", "daae", "--latent_noise", "0.1"]
LINES["mle again"] = ["--pretrained_model_name_or_path", "ratio", "--max_train_steps", "2"]
LINES["stopped early"] = ["--learning_rate", "0.5", "--validation_steps", "1", "--patience", "2"]
LINES["stopped early"] += ["--max_train_steps", "60", "--ema_half_life", "1", "--dropout", "0"]

BAD = {  # after the runs above
    "nothing to reward": (["--objective", "seqgan"], "--objective seqgan starts from a model of --objective mle"),
    "nothing to relax": (["--objective", "relgan"], "--objective relgan starts from a model of --objective mle"),
    "nothing to refine": (["--objective", "ratio"], "--objective ratio refines a model of --objective mle"),
    "nothing to distil": ([*FROM_MLE, "--objective", "distil"], "--objective distil makes one network of"),
    "refined already": (["--objective", "ratio", "--pretrained_model_name_or_path", "ratio"], "ratio has"),
    "no classes of a refined model": (
        [*FROM_VERSES, "--objective", "ratio"],
        "verses knows the classes spring, winter, and the data has none, in this order; fine-tune with",
    ),
    "nothing of a class": (
        ["--train_data_dir", "others", *FROM_VERSES, "--objective", "ratio"],
        "the data has Spring, autumn, in this order; fine-tune with --objective mle first.",
    ),
    "another length": ([*FROM_MLE, "--max_length", "3"], "and cannot be fine-tuned to another length"),
    "nothing to spell": (["--train_data_dir", "foreign", *FROM_MLE], "mle has no token for anything in the data"),
    "another objective": (
        [*FROM_MLE, "--objective", "relgan", "--resume_from_checkpoint", "seqgan/checkpoint-6", *KEEPING],
        "belongs to a model of another shape or objective",
    ),
    "too many heads": (["--architecture", "memory", "--num_heads", "5"], "cannot be divided among 5 heads"),
    "no oracle": (
        ["--dataset_name", "oracle", "--dataset_config_name", "nowhere.safetensors"],
        "nowhere.safetensors",
    ),
    "rollouts of no rewards": (["--rollouts", "3"], "--rollouts belongs to --objective seqgan; leave it out"),
    "words of poems": (["--text_unit", "paragraph", "--tokens", "words"], "--tokens words leave out line breaks"),
    "poems of words": ([*FROM_MLE, "--text_unit", "file"], "mle splits texts into words, which leave out line breaks"),
    "other tokens": ([*FROM_MLE, "--tokens", "bpe"], "mle keeps its vocabulary (tokens words); leave --tokens out."),
    "other layers": ([*FROM_VERSES, "--num_layers", "3"], "verses keeps its shape (num_layers 1); leave --num_layers"),
    "patience of few": (
        ["--train_data_dir", "few", "--patience", "2"],
        "--patience counts validations, and 3 texts are too few to hold some out; leave it out.",
    ),
    "a latent of no autoencoder": (["--latent_dim", "3"], "--latent_dim belongs to --objective daae or aae or vae"),
    "unequal parts": (
        ["--objective", "aae", "--latent_dim", "6", "--latent_tokens", "4"],
        "A latent of 6 numbers cannot be divided into 4 equal tokens.",
    ),
    "other parts": (
        ["--objective", "daae", "--pretrained_model_name_or_path", "daae", "--latent_tokens", "3"],
        "daae keeps its shape (latent_tokens 2); leave --latent_tokens out, or train from scratch.",
    ),
    "normal variances": (
        ["--objective", "vae", "--no-normalise_latents"],
        "--normalise_latents belongs to --objective daae or aae or ae; leave it out with --objective vae.",
    ),
    "a batch of one": (
        ["--objective", "aae", "--train_batch_size", "1"],
        "Latents cannot be normalised over a batch of one text; use a larger --train_batch_size, or",
    ),
    "likelihood of a latent": (
        ["--pretrained_model_name_or_path", "daae"],
        "daae has a latent, which --objective mle does not know; fine-tune it with --objective daae.",
    ),
    "no directions": (["--no-directions"], "--no-directions is about directions of a latent, and --objective mle has"),
    "no latent": ([*FROM_MLE, "--objective", "vae"], "mle has no latent for --objective vae; name a model of daae"),
    "variances of no vae": (
        ["--pretrained_model_name_or_path", "daae", "--objective", "vae"],
        "daae has no variational encoder, so it cannot be fine-tuned with --objective vae",
    ),
    "no folder": (["--train_data_dir", "nowhere"], "The folder nowhere does not exist"),
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    texts = [f"{a} {b} {c}{' at last' * (k % 3)}." for k, (a, b, c) in enumerate(SENTENCES)]
    (folder / "poems").mkdir()
    (folder / "poems/all.txt").write_text("\n".join(texts))
    stanzas = ["  " + "\n    ".join(texts[k : k + 3]) for k in range(0, 54, 3)]
    (folder / "stanzas").mkdir()
    (folder / "stanzas/all.txt").write_text("\n\n".join(stanzas))
    (folder / "book").mkdir()
    (folder / "book/all.txt").write_text(" ".join(texts * 3))
    parts = {"couplets/spring": texts[::2], "couplets/winter": texts[1::2]}
    parts |= {"others/Spring": texts[::3], "others/autumn": ["the owl sees leaves."] * 5, "foreign": ["春水东流"] * 9}
    parts["few"] = texts[:3]
    for name, part in parts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "some.txt").write_text("\n".join(part), encoding="utf-8")
    return folder


SENTENCES = [(a, b, c) for a in ("the owl", "a crow", "my cat") for b in ("sees", "hears", "is") for c in "xyzuvw"]


@pytest.fixture(scope="module")
def results(work: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    runs = LINES | {name: line for name, (line, _) in BAD.items()}
    lines = [
        [*TINY, *(POEMS if "--dataset_name" not in flags else ()), "--output_dir", name, *flags]
        for name, flags in runs.items()
    ]
    found = train_each(lines, environment(tmp_path_factory.mktemp("home")), work, shared=())
    return dict(zip(runs, found, strict=True))


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same tensors."""
    first, second = load_file(one), load_file(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


LABELS = {name: ["spring", "winter"] for name in ("verses", "aae")}
LABELS |= {name: ["Spring", "autumn"] for name in ("other verses", "aae again")}


@pytest.mark.parametrize("name", [*LINES])
def test_a_run_writes_a_whole_model(results: dict[str, Result], work: Path, name: str) -> None:
    results[name].check()
    pipeline = TextPipeline.from_pretrained(work / name)
    out = pipeline(seed=1, num_samples=2)
    assert len(out.texts) == 2 and pipeline(seed=2).texts == out.texts[1:]
    assert pipeline.labels == LABELS.get(name)
    assert (work / name / "samples.txt").is_file() and (work / name / "README.md").is_file()
    objective = pipeline.training_record["arguments"]["objective"]
    kinds: dict[str, type] = {"ratio": TextDiscriminator, "daae": LatentDiscriminator, "aae": LatentDiscriminator}
    kinds |= {"seqgan": SequenceDiscriminator, "relgan": SequenceDiscriminator}
    has_latent = objective in ("daae", "aae", "vae", "ae")
    assert (pipeline.encoder is not None) == has_latent == (pipeline.latent_dim > 0)
    if has_latent:
        assert len(pipeline.reconstruct("the owl sees x.", pipeline.labels and pipeline.labels[0]).texts) == 1
    assert type(pipeline.discriminator) is kinds.get(objective, type(None))
    assert (pipeline.critic is not None) == (objective == "ratio")
    betas = {"seqgan": (0.0, 0.99), "relgan": (0.9, 0.999), "daae": (0.5, 0.99), "aae": (0.5, 0.99)}
    used = pipeline.training_record["arguments"]
    assert (used["adam_beta1"], used["adam_beta2"]) == betas.get(objective, (0.9, 0.99))
    clipped = 5.0 if objective == "relgan" or has_latent else None
    assert used["normalise_latents"] == (True if objective in ("daae", "aae", "ae") else None)
    assert (used["discriminator_steps"], used["max_grad_norm"]) == (5 if objective == "relgan" else 1, clipped)
    assert bool(pipeline.directions) == (name.startswith("vae"))
    architecture = "memory" if "memory" in name else "transformer" if objective == "aae" else "lstm"
    assert pipeline.generator.config.architecture == architecture
    assert pipeline.half_weights == (name == "memory") and pipeline.generator.dtype == torch.float32


@pytest.mark.parametrize("name", ["mle", "ratio", "distil", "seqgan", "relgan", "daae", "vae"])
def test_three_steps_and_three_more_are_six(results: dict[str, Result], work: Path, name: str) -> None:
    assert f"Resumes from {name}/checkpoint-3." in results[f"{name} resumed"].check().err
    files = [file.relative_to(work / name) for file in (work / name).glob("*/*.safetensors")]
    files = [file for file in files if file.parent.name != "checkpoint-3"]
    assert len(files) >= 2
    for file in files:
        assert same(work / name / file, work / f"{name} resumed" / file), file
    assert (work / name / "samples.txt").read_bytes() == (work / f"{name} resumed" / "samples.txt").read_bytes()
    assert not same(work / name / "checkpoint-3/model.safetensors", work / name / "checkpoint-6/model.safetensors")


def test_ratio_keeps_the_generator_and_an_adversarial_objective_does_not(
    results: dict[str, Result], work: Path
) -> None:
    weights = "generator/diffusion_pytorch_model.safetensors"
    assert [same(work / "mle" / weights, work / name / weights) for name in ("ratio", "seqgan", "relgan")] == [
        *(True, False, False)
    ]


def test_what_an_earlier_model_brings_is_said(results: dict[str, Result]) -> None:
    printed = results["other verses"].out
    assert "verses has no token for 5 of " in printed and "in 5 of 23 texts; it cannot generate them." in printed
    left_out = (
        "The critic of ratio was trained against the generator as it was, and is left out; --objective ratio trains "
        "another."
    )
    assert left_out in results["mle again"].out
    assert "left out" not in results["distil"].out and "no token" not in results["distil"].out


def test_poems_keep_their_lines(results: dict[str, Result], work: Path) -> None:
    assert "Data: 18 texts of stanzas to train on, a paragraph each" in results["stanzas"].check().out
    pipeline = TextPipeline.from_pretrained(work / "stanzas")
    assert kind_of(pipeline.tokenizer) == "bpe"
    stanza = "  the owl sees x.\n    the owl sees y at last."
    assert decode(pipeline.tokenizer, encode(pipeline.tokenizer, stanza, "prefix")) == stanza
    arguments = read(work / "stanzas/training.json")["arguments"]
    assert (arguments["text_unit"], arguments["tokens"], arguments["vocab_size"]) == ("paragraph", "bpe", 400)


def test_a_book_is_trained_on_in_windows(results: dict[str, Result], work: Path) -> None:
    assert "windows of at most 8 tokens, cut from 1 long text" in results["book"].check().out
    record = read(work / "book/training.json")
    assert record["dataset"]["texts"] > 60 and record["dataset"]["cut"] == 0
    assert record["arguments"]["window_length"] == 8


def test_an_early_stop_keeps_the_best(results: dict[str, Result], work: Path) -> None:
    printed = results["stopped early"].check().err
    scores = [float(score) for score in re.findall(r"Step \d+: ([\d.]+) on validation data", printed)]
    record = read(work / "stopped early/training.json")
    assert 2 < len(scores) == record["steps"] < 60
    assert record["best_step"] == record["steps"] - 2 == scores.index(min(scores)) + 1
    assert "resumes from" not in results["stopped early"].out
    held_out = data.load(argparse.Namespace(**record["arguments"] | {"train_data_dir": work / "poems"})).validation
    assert held_out is not None
    pipeline = TextPipeline.from_pretrained(work / "stopped early")
    tokens = data.encode(held_out, pipeline.tokenizer, pipeline.generator.config.max_length).tokens
    assert float(nll(pipeline.generator, None, tokens, None)) == pytest.approx(min(scores), abs=1e-3)
    # What resumes starts from the average as it was, not from the best.
    kept = torch.load(work / f"stopped early/checkpoint-{record['steps']}/custom_checkpoint_1.pkl", weights_only=True)
    weights = pipeline.generator.state_dict()
    assert not all(torch.equal(kept[name], weights[name]) for name in weights)


@pytest.mark.parametrize("name", BAD)
def test_wrong_use_is_one_sentence(results: dict[str, Result], name: str) -> None:
    assert BAD[name][1] in results[name].error
