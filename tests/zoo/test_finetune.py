"""Imported models go on training: both players, as their families train them, through the real command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli import TINY, Result, environment, pictures, python, train_each
from hub_server import HubServer
from safetensors.torch import load_file

from gan import GANPipeline
from gan.zoo import ZooDiscriminator, ZooGenerator

FIXTURES = Path(__file__).parents[1] / "fixtures/zoo"
FILES = {  # family: its file, and flags that it needs
    "stylegan2": ("stylegan2-ada-conditional.pkl",),
    "stylegan2-plain": ("stylegan2-ada-unconditional.pkl",),
    "rosinality": ("rosinality-stylegan2.pt",),
    "stylegan3": ("stylegan3-t.pkl",),
    "r3gan": ("r3gan-conditional.pkl",),
    "lightweight": ("lightweight-gan.pt", "--unconditional", "--max_train_steps", "1", "--train_batch_size", "2"),
    "dcgan": ("dcgan", "--unconditional"),
    "biggan": ("biggan-deep", "--model_size", "tiny", "--new_discriminator"),
}
# Augmentation from the first step and a penalty on the second: all that a resume must not lose.
BASE = ["--no-evaluate", "--augment_samples", "60", "--augment_target", "-100", "--penalty_interval", "2"]
BASE += ["--train_data_dir", "pictures", "--max_train_steps", "4", "--checkpointing_steps", "2"]


def tuned(name: str, *flags: str) -> list[str]:
    file, *needed = FILES[name]
    return [*BASE, "--pretrained_model_name_or_path", f"models/{file}", *needed, *flags]


LINES = {name: tuned(name) for name in FILES}
RESUMED = ["stylegan2", "stylegan3", "r3gan", "dcgan"]
LINES |= {f"{name} resumed": tuned(name, "--resume_from_checkpoint", f"{name}/checkpoint-2") for name in RESUMED}
LINES |= {
    "long paths": tuned("stylegan2-plain", "--path_length_weight", "2", "--freeze_discriminator_layers", "2"),
    "again": [*BASE, "--pretrained_model_name_or_path", "stylegan2", "--unconditional"],
    "fresh": tuned("stylegan2", "--new_discriminator", "--model_size", "tiny"),
    "with classes": tuned("dcgan")[:-1],
    "without classes": tuned("biggan", "--unconditional"),
    "without a critic": tuned("biggan")[:-3],
    "too frozen": tuned("r3gan", "--freeze_discriminator_layers", "4"),
    "other networks": tuned("r3gan", "--model_size", "tiny"),
    "other latents": tuned("r3gan", "--latent_dim", "5"),
    "as a vae": tuned("r3gan", "--objective", "vae"),
    "paths of r3gan": tuned("r3gan", "--path_length_weight", "2"),
    "paths of ours": [*BASE, "--path_length_weight", "2"],
    "new for nothing": [*BASE, "--new_discriminator"],
    "other size": tuned("r3gan", "--resolution", "64"),
    "grey": tuned("r3gan", "--image_channels", "1"),
    "revision": tuned("r3gan", "--revision", "main"),
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuning")
    pictures(folder / "pictures")
    (folder / "models").mkdir()
    for file in FIXTURES.iterdir():
        (folder / "models" / file.name).symlink_to(file)
    dcgan = GANPipeline.from_single_file(
        FIXTURES / "dcgan-tutorial.pth", discriminator=str(FIXTURES / "dcgan-tutorial-netD.pth")
    )
    dcgan.save_pretrained(folder / "models/dcgan")
    return folder


@pytest.fixture(scope="module")
def results(work: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    lines = [[*flags, "--output_dir", name] for name, flags in LINES.items()]
    home = environment(tmp_path_factory.mktemp("home"))
    return dict(zip(LINES, train_each(lines, home, work, ("image", *TINY[2:])), strict=True))


def tensors(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(folder / name / "diffusion_pytorch_model.safetensors")


commands = pytest.mark.processes
pytestmark = pytest.mark.timeout(600)  # the first test waits for all runs


@commands
@pytest.mark.parametrize("name", FILES)
def test_both_players_are_trained_saved_and_loaded(results: dict[str, Result], work: Path, name: str) -> None:
    results[name].check()
    before = (
        GANPipeline.from_pretrained(work / "models/dcgan")
        if name == "dcgan"
        else GANPipeline.from_single_file(work / "models" / FILES[name][0])
    )
    after = GANPipeline.from_pretrained(work / name)
    assert type(after.generator) is type(before.generator)
    old, new = dict(before.generator.named_parameters()), dict(after.generator.named_parameters())
    assert sum(not torch.equal(new[key], old[key]) for key in old.keys() & new.keys()) > 0.8 * len(old)
    if before.discriminator is not None:
        assert type(after.discriminator) is type(before.discriminator)
    assert after(7).images[0].size == before(7).images[0].size
    assert after.labels == (None if "--unconditional" in FILES[name] else ["day", "night"])
    card = (work / name / "README.md").read_text()
    assert "Where it comes from" in card and "How it was made" in card and "Fine-tune it" in card
    assert "not stated" in card and "license:" not in card
    words = {"r3gan": "relativistic pairing", "biggan": "relativistic pairing", "lightweight": "hinge"}
    assert words.get(name, "non-saturating logistic") in card


@commands
@pytest.mark.parametrize("name", RESUMED)
def test_resume_equals_the_uninterrupted_run(results: dict[str, Result], work: Path, name: str) -> None:
    results[f"{name} resumed"].check()
    for network in ("generator", "discriminator"):
        one, other = tensors(work / name, network), tensors(work / f"{name} resumed", network)
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one), network


@commands
def test_flags_that_are_left_open_are_those_of_the_family(results: dict[str, Result], work: Path) -> None:
    def arguments(name: str) -> dict:
        results[name].check()
        return json.loads((work / name / "training.json").read_text())["arguments"]

    stylegan = arguments("stylegan2")
    assert (stylegan["learning_rate"], stylegan["gamma"]) == (2e-3, pytest.approx(0.0002 * 32**2 / 4))
    assert stylegan["gamma_final"] == stylegan["gamma"] and arguments("r3gan")["gamma"] == 0.5
    big = arguments("biggan")
    assert (big["learning_rate"], big["discr_learning_rate"]) == (5e-5, 4e-4)
    assert big["gamma"] == pytest.approx(0.5 * 3 * 32**2 / 28**2)  # that of our discriminators


@commands
def test_what_is_asked_for_is_done(results: dict[str, Result], work: Path) -> None:
    results["long paths"].check()
    before = GANPipeline.from_single_file(work / "models/stylegan2-ada-unconditional.pkl").discriminator
    after = GANPipeline.from_pretrained(work / "long paths").discriminator
    for side in (32, 16):
        blocks = [getattr(critic, f"b{side}") for critic in (before, after)]
        assert all(torch.equal(*pair) for pair in zip(*(block.parameters() for block in blocks))), side
    assert not torch.equal(before.b8.conv0.weight, after.b8.conv0.weight)
    results["again"].check()  # of a model of ours that was an import once
    assert GANPipeline.from_pretrained(work / "again").labels is None
    results["fresh"].check()
    assert type(GANPipeline.from_pretrained(work / "fresh").discriminator).__name__ == "ImageDiscriminator"


@commands
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("with classes", "A DCGAN has no classes, and these pictures have 2; add --unconditional."),
        ("without classes", "A BigGAN-deep draws classes and nothing else"),
        ("without a critic", "without a discriminator to train against; add --new_discriminator"),
        ("too frozen", "has 4 resolutions, and 4 of them cannot be frozen"),
        ("other networks", "leave that out"),
        ("other latents", "--latent_dim 5"),
        ("as a vae", "is fine-tuned with --objective gan"),
        ("paths of r3gan", "--path_length_weight belongs to StyleGAN2"),
        ("paths of ours", "--path_length_weight belongs to fine-tuning a StyleGAN2"),
        ("new for nothing", "--new_discriminator belongs to fine-tuning"),
        ("other size", "cannot be fine-tuned at another resolution"),
        ("grey", "draws RGB pictures"),
        ("revision", "--revision belongs to a model of ours"),
    ],
)
def test_what_cannot_be_is_said(results: dict[str, Result], name: str, said: str) -> None:
    assert said in results[name].error


@pytest.mark.hub
@commands
def test_published_and_loaded_again(results: dict[str, Result], work: Path, tmp_path: Path) -> None:
    results["stylegan2"].check()
    with HubServer(tmp_path / "hub") as hub:
        env = environment(tmp_path / "home", hub.env(tmp_path / "home/huggingface"))
        python("-m", "gan.hub", "push", work / "stylegan2", "tester/tuned", env=env, cwd=tmp_path).check()
        code = "from gan import GANPipeline; GANPipeline.from_pretrained('tester/tuned')(7).images[0].save('7.png')"
        python("-c", code, env=env, cwd=tmp_path).check()
    assert (tmp_path / "7.png").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "stylegan2-ada-conditional.pkl",
        "stylegan2-ada-orig.pkl",
        "stylegan3-t.pkl",
        "stylegan3-r.pkl",
        "r3gan-conditional.pkl",
        "rosinality-stylegan2.pt",
    ],
)
@torch.no_grad()
def test_other_classes_change_nothing_at_first(opened, name: str) -> None:
    imported = opened(name)
    generator, discriminator = imported.generator, imported.discriminator
    count = sum(generator.class_counts)
    z, images = torch.randn(4, generator.latent_dim), torch.randn(4, 3, *generator.config.resolution).clamp(-1, 1)
    labels = torch.tensor([0, 1, 2, 0]) if count else None

    def check(g: ZooGenerator, d: ZooDiscriminator, new: torch.Tensor | None, old: torch.Tensor | None) -> None:
        for found, wanted in (
            (g(z, new), generator(z, old)),
            (d(images, new), discriminator(images, old)),
        ):
            assert (found - wanted).abs().max() < 1e-4 * wanted.abs().max()

    if count:  # others, in another order, and the mean of all
        starts = [2, 0, 1, None]
        players = generator.for_classes(4, starts), discriminator.for_classes(4, starts)
        check(*players, torch.tensor([1, 2, 0, 1]), labels)
        assert players[0](z, torch.full((4,), 3)).isfinite().all()
        bare = generator.for_classes(0), discriminator.for_classes(0)
        assert bare[0].class_counts == bare[1].class_counts == ()
        each = torch.stack([discriminator(images, torch.full((4,), k)) for k in range(count)])
        assert torch.allclose(bare[1](images), each.mean(0), atol=1e-4 * float(each.abs().max()))
        (generator, discriminator), labels = bare, None  # and back again
    players = generator.for_classes(5), discriminator.for_classes(5)
    assert players[0].class_counts == players[1].class_counts == (5,)
    for chosen in (torch.tensor([0, 1, 2, 3]), torch.tensor([4, 4, 4, 4])):
        check(*players, chosen, labels)


def test_new_classes_of_a_discriminator_learn_different_things(opened) -> None:
    discriminator = opened("rosinality-stylegan2.pt").discriminator.for_classes(2)
    optimizer = torch.optim.Adam(discriminator.parameters(), 2e-2)
    images, labels = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2
    for _ in range(40):
        loss = torch.nn.functional.softplus(discriminator(images, 1 - labels) - discriminator(images, labels)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.3


def test_the_average_of_w_goes_with_the_mapping_network(opened) -> None:
    generator = opened("stylegan2-ada-unconditional.pkl").generator.for_classes(2)
    z = torch.randn(512, generator.latent_dim, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(512) % 2
    with torch.no_grad():
        generator.mapping.fc7.bias += 5 / generator.mapping.fc7.lr_multiplier
        for _ in range(2000):
            generator.track(generator.codes(z, labels), labels)
        mean = generator.codes(z, labels)[:, 0].mean(0)
    assert torch.allclose(generator.mapping.w_avg, mean, atol=1e-2 * float(mean.abs().max()))


def test_pictures_are_those_of_the_file_where_nothing_was_learnt(fixtures: Path) -> None:
    """Logits that are lower where a picture looks real are turned round for training and guidance."""
    pipeline = GANPipeline.from_single_file(fixtures / "lightweight-gan.pt")
    latents, classes = pipeline.latents([1, 2])
    images = pipeline.generator.draw(pipeline.generator.codes(latents))
    raw = pipeline.discriminator((images + 1) / 2)
    assert torch.allclose(pipeline.discriminator.logits(images), -raw, atol=1e-5)
    guided = pipeline.guided(latents, classes, 1.0, 2, 0.01, prior=0.0)
    better = pipeline.discriminator.logits(pipeline.generator.draw(pipeline.generator.codes(guided)))
    assert np.all((better + raw).detach().numpy() > 0)
