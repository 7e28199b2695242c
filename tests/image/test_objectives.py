"""VAE and VAE-GAN through the command line: whole models, exact resumes, fine-tuning, and runs that go wrong."""

from pathlib import Path

import pytest
import torch
from cli import Result, environment, pictures, read, train_each
from PIL import Image
from safetensors.torch import load_file

from gan import GANPipeline

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]  # the first test waits for all runs

NETWORKS = {"gan": ["discriminator", "generator"], "vae": ["encoder", "generator"]}
NETWORKS["vaegan"] = ["discriminator", "encoder", "generator"]
# Augmentation from the first step, lazy penalties and accumulation: all that a resume must not lose.
PLAIN = ["--train_data_dir", "pictures", "--resolution", "8", "--no-evaluate", "--max_train_steps", "4"]
BASE = [*PLAIN, "--augment_samples", "60", "--augment_target", "-100", "--penalty_interval", "3"]
KEEPING = ["--checkpointing_steps", "2", "--gradient_accumulation_steps", "2", "--validation_steps", "2"]
KEEPING += ["--max_grad_norm", "1"]
BREAKING = ["--learning_rate", "1e30", "--max_train_steps", "20", "--checkpointing_steps", "1"]

LINES: dict[str, list[str]] = {}
for objective, base in (("vae", PLAIN), ("vaegan", [*BASE, "--discriminator_steps", "3"])):
    flags = [*base, *KEEPING, "--objective", objective]
    LINES[objective] = flags
    LINES[f"{objective} resumed"] = [*flags, "--resume_from_checkpoint", f"{objective}/checkpoint-2"]
    LINES[f"{objective} tuned"] = [
        *(PLAIN if objective == "vae" else BASE),
        "--objective",
        objective,
        "--pretrained_model_name_or_path",
        objective,
    ]
    LINES[f"{objective} tuned"] += ["--train_data_dir", "other", "--learning_rate", "1e-30", "--max_train_steps", "1"]
LINES["gan"] = [*BASE, "--checkpointing_steps", "2"]
LINES["gan to vaegan"] = [*BASE, "--objective", "vaegan", "--pretrained_model_name_or_path", "other/../gan"]
LINES["vaegan to gan"] = [*BASE, "--objective", "gan", "--pretrained_model_name_or_path", "vaegan"]
LINES["vae to gan"] = [*BASE, "--objective", "gan", "--pretrained_model_name_or_path", "vae"]
LINES["gan resumed as vaegan"] = [*BASE, "--objective", "vaegan", "--resume_from_checkpoint", "gan/checkpoint-4"]
LINES["vaegan resumed as vae"] = [*PLAIN, "--objective", "vae", "--resume_from_checkpoint", "vaegan/checkpoint-4"]
LINES["gan resumed otherwise"] = [*PLAIN, "--penalty_interval", "3", "--checkpointing_steps", "2", "--seed", "1"]
LINES["gan resumed otherwise"] += ["--resume_from_checkpoint", "gan/checkpoint-2"]
LINES["gan resumed otherwise"] += ["--augment_target", "1"]  # which leaves none to be watched
for objective in NETWORKS:
    base = PLAIN if objective == "vae" else BASE
    LINES[f"{objective} breaks"] = [*base, "--objective", objective, *BREAKING]
    LINES[f"{objective} poor"] = [*base, "--objective", objective, "--train_data_dir", "poor"]
for objective in NETWORKS:
    LINES[f"{objective} large"] = [*PLAIN, "--objective", objective, "--resolution", "64", "--max_train_steps", "1"]
    LINES[f"{objective} large"] += ["--model_size", "tiny", "--patch_size", "2"]
LINES["vae of a discriminator"] = [*PLAIN, "--objective", "vae", "--gamma", "2"]
LINES["vaegan breaks unwatched"] = [*BASE, "--objective", "vaegan", *BREAKING, "--checkpointing_steps", "99"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objectives")
    pictures(folder / "pictures")
    pictures(folder / "other")
    (folder / "other/night").rename(folder / "other/dusk")
    for k in range(3):  # less than a batch, all the same, of one class
        file = folder / "poor/one" / f"{k}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 128).save(file)
    return folder


@pytest.fixture(scope="module")
def results(work: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    lines = [[*flags, "--output_dir", name] for name, flags in LINES.items()]
    home = environment(tmp_path_factory.mktemp("home"))
    return dict(zip(LINES, train_each(lines, home, work), strict=True))


def tensors(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(folder / name / "diffusion_pytorch_model.safetensors")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("objective", NETWORKS)
def test_a_run_writes_a_whole_model(results: dict[str, Result], work: Path, objective: str) -> None:
    results[objective].check()
    assert sorted(path.parent.name for path in (work / objective).glob("*/config.json")) == NETWORKS[objective]
    pipeline = GANPipeline.from_pretrained(work / objective)
    assert pipeline.objective == pipeline.training_record["arguments"]["objective"] == objective
    assert pipeline.training_record["arguments"]["adam_beta1"] == (0.9 if objective == "vae" else 0)
    assert len(pipeline(num_images=2).images) == 2
    assert GANPipeline.from_pretrained(work / objective, discriminator=None).objective == objective
    card = (work / objective / "README.md").read_text()
    assert ("relativistic" in card, "Larsen" in card) == (objective != "vae", objective == "vaegan")
    if objective != "gan":
        mine = Image.open(next((work / "pictures/day").iterdir()))
        assert pipeline.reconstruct(mine).labels in (["day"], ["night"])
        assert Image.open(work / objective / "previews/step-000002.png").size == (512, 512)
        assert f"--objective {objective}" in card and "reconstruct" in card


@pytest.mark.parametrize("objective", ["vae", "vaegan"])
def test_resume_equals_the_uninterrupted_run(results: dict[str, Result], work: Path, objective: str) -> None:
    resumed = results[f"{objective} resumed"].check()
    assert f"Resumes from {objective}/checkpoint-2." in resumed.err
    for name in NETWORKS[objective]:
        assert same(tensors(work / objective, name), tensors(work / f"{objective} resumed", name)), name
    one, other = (work / name / "checkpoint-4" for name in (objective, f"{objective} resumed"))
    files = sorted(path.name for path in one.iterdir())
    assert files == sorted(path.name for path in other.iterdir())
    assert ("optimizer_1.bin" in files) == (objective == "vaegan")
    for name in files:
        if name.endswith(".safetensors"):
            assert same(load_file(one / name), load_file(other / name)), name


def test_a_run_is_not_gone_on_from_as_another_one(results: dict[str, Result]) -> None:
    said = "gan/checkpoint-2 cannot be resumed exactly: --seed and how many samples are trained on changed since"
    assert said in results["gan resumed otherwise"].error


def test_flags_of_a_discriminator_are_refused_without_one(results: dict[str, Result]) -> None:
    said = "--gamma belongs to a discriminator, and this objective has none; leave it out."
    assert said in results["vae of a discriminator"].error


def test_the_discriminator_can_take_more_steps_than_the_generator(results: dict[str, Result], work: Path) -> None:
    results["vaegan"].check()
    states = [torch.load(work / "vaegan/checkpoint-4" / name) for name in ("optimizer.bin", "optimizer_1.bin")]
    assert [int(state["state"][0]["step"]) for state in states] == [4, 12]
    seen = {name: read(work / name / "training.json")["images_seen"] for name in ("vae", "vaegan")}
    assert seen["vaegan"] == 3 * seen["vae"]  # each of its steps has pictures of its own


@pytest.mark.parametrize("objective", ["vae", "vaegan"])
def test_fine_tuning_takes_over_the_encoder(results: dict[str, Result], work: Path, objective: str) -> None:
    results[f"{objective} tuned"].check()  # at next to no learning rate, and `dusk` is a class it doesn't know
    old, new = tensors(work / objective, "encoder"), tensors(work / f"{objective} tuned", "encoder")
    assert torch.equal(old["to_mean.weight"], new["to_mean.weight"])
    assert torch.equal(old["to_class.weight"][0], new["to_class.weight"][0])
    resembled = [torch.equal(row, new["to_class.weight"][1]) for row in old["to_class.weight"]]
    assert any(resembled)


def test_from_one_objective_to_another(results: dict[str, Result], work: Path) -> None:
    for name, objective in (("gan to vaegan", "vaegan"), ("vaegan to gan", "gan")):
        results[name].check()
        assert GANPipeline.from_pretrained(work / name).objective == objective
    card = (work / "gan to vaegan/README.md").read_text()
    assert "| Started from | gan |" in card and "base_model" not in card  # a folder is nobody's model on the Hub
    said = results["vae to gan"].error
    assert "vae has no discriminator" in said and "--objective vae" in said


def test_a_checkpoint_is_gone_on_from_with_its_own_objective_only(results: dict[str, Result]) -> None:
    for name in ("gan resumed as vaegan", "vaegan resumed as vae"):
        assert "belongs to a model of another shape or objective" in results[name].error


@pytest.mark.parametrize("objective", NETWORKS)
def test_a_run_that_breaks_down_keeps_what_was_good(results: dict[str, Result], work: Path, objective: str) -> None:
    said = results[f"{objective} breaks"].error
    assert "is not a number any more" in said and "Lower --learning_rate" in said
    assert ("--gamma" in said) == (objective != "vae")
    folder = work / f"{objective} breaks"
    kept = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    assert f"{objective} breaks/{kept[-1].name} is the last good checkpoint." in said
    for checkpoint in kept:
        for file in checkpoint.glob("*.safetensors"):
            assert all(tensor.isfinite().all() for tensor in load_file(file).values())
    assert not (folder / "model_index.json").exists()


def test_a_run_that_breaks_down_before_anybody_looked_leaves_nothing(results: dict[str, Result], work: Path) -> None:
    name = "vaegan breaks unwatched"
    assert "no checkpoint was written before" in results[name].error
    assert not (work / name / "model_index.json").exists() and not list((work / name).glob("checkpoint-*"))


@pytest.mark.parametrize("objective", NETWORKS)
def test_three_pictures_that_are_all_the_same(results: dict[str, Result], work: Path, objective: str) -> None:
    name = f"{objective} poor"
    results[name].check()
    assert GANPipeline.from_pretrained(work / name).labels is None
    assert read(work / name / "training.json")["dataset"]["images"] == 3
    for network in NETWORKS[objective]:
        assert all(tensor.isfinite().all() for tensor in tensors(work / name, network).values())


@pytest.mark.parametrize("objective", NETWORKS)
def test_large_pictures_are_drawn_in_patches_under_a_stronger_penalty(
    results: dict[str, Result], work: Path, objective: str
) -> None:
    results[f"{objective} large"].check()
    model = GANPipeline.from_pretrained(work / f"{objective} large")
    assert model.generator.config.patch_size == 2 and [*model.generator.config.channels] == [96, 64, 32, 16]
    assert model(seed=0).images[0].size == (64, 64)
    arguments = read(work / f"{objective} large/training.json")["arguments"]
    assert arguments["gamma"] == pytest.approx(2 * 0.5 * 3 * 64**2 / 28**2)
