"""Pictures that belong together: how they are read, judged in pairs, and trained on."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from cli import environment, read, train_each
from PIL import Image
from safetensors.torch import load_file

from gan import GANError, GANPipeline, ImageDiscriminator, ImageGenerator, ImagePipeline
from gan.image import data, evaluate
from gan.image.objectives import PairedGAN, neighbours
from gan.image.siamese import SiameseNetwork
from gan.image.task import ImageTask, with_pair_network
from gan.training import arguments
from gan.training.augment import augment
from gan.training.class_transfer import transferred
from gan.training.randomness import ShuffledOrder, StepRandom

SHAPE = {"resolution": (16, 16), "channels": (16, 16, 8)}
LETTERS = ["a", "b", "c"]


def letters(root: Path, families: int = 12, styles: int = 2) -> Path:
    """Three letters of each style of each family: a grey of its own, in one of three places."""
    root.mkdir(parents=True)
    lines = ["file_name,letter,family,style"]
    for k in range(families * styles):
        for n, letter in enumerate(LETTERS):
            pixels = np.random.default_rng(3 * k + n).integers(0, 20, (16, 16), dtype=np.uint8)
            pixels[:, 4 * n : 4 * n + 6] += np.uint8(40 + 8 * k)
            Image.fromarray(pixels).save(root / f"{k:02}{letter}.png")
            lines.append(f"{k:02}{letter}.png,{letter},family {k // styles},style {k % styles}")
    (root / "metadata.csv").write_text("\n".join(lines))
    return root


WORDS = ["--label_column", "letter", "--group_column", "family", "style"]


def task(root: Path, *flags: str) -> ImageTask:
    line = ["image", "--train_data_dir", str(root), "--model_size", "tiny", *flags]
    return ImageTask(arguments.parser({"image": ImageTask}).parse_args(line))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return letters(tmp_path_factory.mktemp("groups") / "letters")


# Data


def test_whole_groups_are_held_out_and_told(folder: Path) -> None:
    images = task(folder, *WORDS)
    train_set, test_set = images.train_set, images.test_set
    assert (len(train_set), len(test_set)) == (66, 6)
    assert not np.isin(test_set.groups, train_set.groups).any()
    assert train_set.report.found["groups"] == "22 groups of 3 by family and style"
    assert "22 groups of 3 by family and style, 3 classes of 22 each" in train_set.report.line()
    assert train_set.report.line().endswith("6 held out (held-out tenth, 2 whole groups)")
    assert images.dataset_record()["report"]["held_out"]["groups"] == 2
    assert images.size == 63 and len(images.validation_indices) == 3
    watched = train_set.groups[images.validation_indices]
    assert len(set(watched)) == 1 and not np.isin(watched, train_set.groups[images.train_indices]).any()


def test_batches_are_pairs_with_one_latent_each(folder: Path) -> None:
    images = task(folder, *WORDS)
    batch = images.batch(torch.arange(16), StepRandom(0, 0))
    chosen = images.train_indices[images._pairs.complete(torch.arange(16), StepRandom(0, 0).uniform(8))]
    assert torch.equal(batch["real"], images.train_set.images(chosen))
    groups = images.train_set.groups[chosen].reshape(-1, 2)
    assert (groups[:, 0] == groups[:, 1]).all() and len(set(groups[:, 0])) > 1
    assert (batch["labels"][::2] != batch["labels"][1::2]).all()
    assert torch.equal(batch["latents"][::2], batch["latents"][1::2])
    assert len(batch["latents"].unique(dim=0)) == 8
    assert batch["validation"].shape == (4, 1, 16, 16)
    again = images.batch(torch.arange(16), StepRandom(0, 0))
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    flipped = task(folder, *WORDS, "--random_flip").batch(torch.arange(16), StepRandom(0, 0))["real"]
    same = torch.tensor([torch.equal(a, b) for a, b in zip(flipped, batch["real"])]).view(-1, 2)
    assert torch.equal(same[:, 0], same[:, 1]) and 0 < same[:, 0].sum() < 8


def test_two_processes_have_the_pairs_of_one_with_twice_the_batch(folder: Path) -> None:
    images = task(folder, *WORDS, "--random_flip")
    order = ShuffledOrder(images.size, 0)
    joint = images.batch(order.slice(16, 16), StepRandom(0, 1))
    halves = [images.batch(order.slice(16 + 8 * rank, 8), StepRandom(0, 1, rank, 2)) for rank in (0, 1)]
    for name in joint:
        assert torch.equal(torch.cat([half[name] for half in halves]), joint[name]), name
    augmented = [augment(half["real"], 0.8, StepRandom(0, 2, k, 2), together=2) for k, half in enumerate(halves)]
    assert torch.equal(torch.cat(augmented), augment(joint["real"], 0.8, StepRandom(0, 2), together=2))


def test_without_augmentation_nothing_is_watched(folder: Path) -> None:
    images = task(folder, *WORDS, "--augment_target", "1")
    assert images.size == 66 and "validation" not in images.batch(torch.arange(4), StepRandom(0, 0))


def test_the_smallest_sets_take_whole_groups(folder: Path) -> None:
    images = task(folder, *WORDS, "--max_train_samples", "32")
    assert len(images.train_set) + len(images.test_set) == 30
    assert images.train_set.report.notes == [
        "With fewer than 20 groups, single pictures are held out, and not whole groups."
    ]
    assert (images._pairs.partners > 0).all()


def test_lonely_pictures_are_left_out(tmp_path: Path) -> None:
    root = letters(tmp_path / "set")
    table = root / "metadata.csv"
    table.write_text(table.read_text().replace("00a.png,a,family 0,style 0", "00a.png,a,alone,style 0"))
    train_set = task(root, *WORDS).train_set
    note = train_set.report.notes[0]
    assert "Not trained on: 1 picture without another in the group that has another label" in note


REFUSED = {
    "weight": "There is no column 'weight' in .*metadata.csv; its columns are file_name, letter, family, style",
    "letter": "The column letter cannot be label and group at once",
    "file_name": "No two pictures have the same file_name, so there are no groups",
}


@pytest.mark.parametrize("column", REFUSED)
def test_columns_that_cannot_be_used(column: str, folder: Path) -> None:
    with pytest.raises(GANError, match=REFUSED[column]):
        task(folder, "--label_column", "letter", "--group_column", column)


def test_flags_that_cannot_be_used_together(folder: Path, tmp_path: Path) -> None:
    for flags, reason in (
        (["--objective", "vaegan"], "--group_column needs --objective gan"),
        (["--train_batch_size", "3"], "3 pictures are none; give an even --train_batch_size"),
        (["--unconditional"], "compares pictures of one group with different labels, and no labels are used"),
    ):
        with pytest.raises(GANError, match=reason):
            task(folder, *WORDS, *flags)
    parser = arguments.parser({"image": ImageTask})
    with pytest.raises(GANError, match="built-in glyphs have no columns to tell groups by"):
        data.load(parser.parse_args(["image", "--group_column", "family"]))
    (tmp_path / "day").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "day" / "0.png")
    with pytest.raises(GANError, match=r"has no metadata\.csv that would hold the columns of --group_column"):
        data.load(parser.parse_args(["image", "--train_data_dir", str(tmp_path), "--group_column", "family"]))


def test_a_row_without_a_group_is_named(tmp_path: Path) -> None:
    root = letters(tmp_path / "set")
    table = root / "metadata.csv"
    table.write_text(table.read_text().replace("00a.png,a,family 0,", "00a.png,a,,"))
    with pytest.raises(GANError, match=r"There is no family in 1 row of .*metadata\.csv"):
        task(root, *WORDS)


# Networks and losses


def discriminator(num_classes: int | tuple[int, ...] = 3) -> ImageDiscriminator:
    torch.manual_seed(0)
    return ImageDiscriminator(num_classes=num_classes, pairs=True, **SHAPE).eval()


def test_a_pair_is_judged_alike_in_either_order() -> None:
    judge, pictures, labels = discriminator((3, 2)), torch.randn(6, 3, 16, 16), torch.randint(0, 2, (6, 2))
    logits, pair_logits = judge(pictures, labels, pairs=neighbours(6))
    torch.testing.assert_close(logits, judge(pictures, labels))
    assert pair_logits.shape == (3,)
    turned = torch.tensor([1, 0, 3, 2, 5, 4])
    torch.testing.assert_close(judge(pictures[turned], labels[turned], pairs=neighbours(6))[1], pair_logits)
    others = judge(pictures, (labels + 1) % 2, pairs=neighbours(6))[1]
    assert not torch.allclose(others, pair_logits)


def test_pairs_need_classes_and_are_off_by_default() -> None:
    with pytest.raises(GANError, match="only judge pairs of pictures that have classes"):
        discriminator(0)
    assert ImageDiscriminator(num_classes=3, **SHAPE).pair is None


def test_pairs_of_long_strips_are_judged() -> None:
    for height, width in ((8, 512), (640, 16)):  # more than 32 times as long as they are wide
        strips = torch.randn(4, 1, height, width)
        network = SiameseNetwork((height, width), 1, (3,))
        assert network(strips, torch.tensor([0, 1, 2, 0]), neighbours(4)).isfinite().all()


def test_a_network_for_pairs_comes_and_goes() -> None:
    judge, pictures, labels = discriminator(), torch.randn(4, 3, 16, 16), torch.tensor([0, 1, 2, 1])
    bare = with_pair_network(judge, False).eval()
    assert bare.pair is None and torch.equal(bare(pictures, labels), judge(pictures, labels))
    again = with_pair_network(bare, True).eval()
    assert torch.equal(again(pictures, labels), judge(pictures, labels)) and again.pair is not None
    assert with_pair_network(judge, True) is judge
    turned = transferred(judge, (3,), 2, [[2, 1]]).eval()
    swapped = judge(pictures[1:3], torch.tensor([1, 2]), pairs=neighbours(2))
    for one, other in zip(turned(pictures[1:3], torch.tensor([1, 0]), pairs=neighbours(2)), swapped):
        torch.testing.assert_close(one, other)


def test_a_pair_is_augmented_alike() -> None:
    twice = torch.rand(32, 3, 16, 16).repeat_interleave(2, dim=0)
    out = augment(twice, 0.8, StepRandom(0, 0), together=2)
    assert torch.equal(out[::2], out[1::2]) and not torch.equal(out, twice)


def test_half_of_the_loss_and_of_the_penalty_is_that_of_pairs(folder: Path) -> None:
    images = task(folder, *WORDS)
    assert isinstance(images.objective, PairedGAN) and images.discriminator.config.pairs
    batch = images.batch(torch.arange(8), StepRandom(0, 0))
    fake = images.generate(images.generator, batch)["samples"].detach()
    judge = images.discriminator
    loss, logs = images.discriminator_loss(judge, judge, batch, fake, 0.0, StepRandom(0, 0))
    torch.testing.assert_close(loss, logs["sample_loss"] / 2 + (logs["pair_loss"] + logs["match_loss"]) / 4)
    assert logs["sample_loss"] != logs["pair_loss"]
    # The penalty, averaged over the signs of 4 pairs, is half of that of samples and half of that of pairs.
    real = batch["real"].clone().requires_grad_(True)
    logits, pair_logits = judge.logits(real, batch["labels"], neighbours(8))
    of_samples, of_pairs = (
        torch.autograd.grad(x.sum(), real, retain_graph=True)[0].square().flatten(1).sum(1)
        for x in (logits, pair_logits)
    )
    wanted = (of_samples.mean() + of_pairs.view(-1, 2).sum(1).mean()) / 2
    found = []
    for step in range(200):
        joint = images.objective.penalised(judge, real, batch["labels"], StepRandom(0, step))
        (gradient,) = torch.autograd.grad(joint.sum(), real)
        found.append(gradient.square().flatten(1).sum(1).mean())
    torch.testing.assert_close(torch.stack(found).mean(), wanted, rtol=0.1, atol=1e-6)


def test_real_pairs_are_preferred_to_real_pictures_of_two_groups() -> None:
    judge, both = discriminator(), torch.randn(12, 3, 16, 16)
    batch = {"labels": torch.tensor([0, 1, 1, 2, 2, 0]), "groups": torch.tensor([5, 5, 7, 7, 5, 5])}
    contests = PairedGAN(argparse.Namespace()).contests(judge, both, batch)
    real, labels = both[:6], batch["labels"]
    together = judge(real, labels, pairs=neighbours(6))[1]
    # The first picture of each pair with the second of every other one, unless they have one group or one label.
    mixed = judge(real, labels, pairs=torch.tensor([[0, 3], [2, 5]]))[1]
    torch.testing.assert_close(contests["match"], (together[[0, 1]], mixed))
    torch.testing.assert_close(contests["pair"][0], together)
    alone = PairedGAN(argparse.Namespace()).contests(judge, both, batch | {"groups": torch.zeros(6)})
    assert set(alone) == {"sample", "pair"}


def test_measuring_holds_out_what_training_did(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    shape = SHAPE | {"image_channels": 1, "num_classes": 3}
    model = ImagePipeline(ImageGenerator(latent_dim=4, **shape), ImageDiscriminator(**shape), LETTERS)
    flags = {"train_data_dir": "letters", "label_column": ["letter"], "group_column": ["family", "style"]}
    dataset = {"name": "letters", "split": "train without the held-out tenth", "images": 63, "validation": 3}
    model.training_record = {"arguments": flags, "dataset": dataset}
    model.save_pretrained("with")
    assert evaluate.main(["with"]) == 0
    measured = read(Path("with/metrics.json"))
    assert measured["metrics"][0]["samples"] == 6
    assert "Pairs are not measured: 66 pictures are too few to learn which belong together" in measured["note"]
    model.training_record["arguments"] = flags | {"group_column": None}
    model.save_pretrained("without")
    assert evaluate.main(["without", "--group_column", "family", "style"]) == 2
    assert "(--max_train_samples, --label_column, --unconditional, --group_column)" in capsys.readouterr().err


# Whole runs

RUN = ["--train_data_dir", "letters", *WORDS, "--max_train_steps", "4", "--checkpointing_steps", "2", "--no-evaluate"]
RUN += ["--augment_samples", "60", "--augment_target", "-9", "--penalty_interval", "2"]


@pytest.mark.processes
def test_a_run_is_resumed_exactly_and_fine_tuned(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").symlink_to(folder)
    lines = [[*RUN, "--output_dir", "run", "--validation_steps", "2"]]
    lines += [[*RUN, "--output_dir", "again", "--resume_from_checkpoint", "run/checkpoint-2"]]
    lines += [[*RUN, "--output_dir", "without", "--resume_from_checkpoint", "run/checkpoint-2"]]
    lines[2] = [word for word in lines[2] if word not in ("--group_column", "family", "style")]
    tuned = [*RUN, "--pretrained_model_name_or_path", "run", "--output_dir"]
    lines += [
        [*tuned, "tuned"],
        [word for word in [*tuned, "bare"] if word not in ("--group_column", "family", "style")],
    ]
    lines += [[*RUN, "--pretrained_model_name_or_path", "bare", "--output_dir", "paired"]]
    results = train_each(lines, environment(tmp_path / "home"), tmp_path)
    for result in (*results[:2], *results[3:]):
        result.check()
    for network in ("generator", "discriminator"):
        one, other = (
            load_file(tmp_path / name / network / "diffusion_pytorch_model.safetensors") for name in ("run", "again")
        )
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert "--group_column changed since" in results[2].error or "another shape" in results[2].error
    pairs = {
        name: read(tmp_path / name / "discriminator/config.json")["pairs"]
        for name in ("run", "tuned", "bare", "paired")
    }
    assert pairs == {"run": True, "tuned": True, "bare": False, "paired": True}
    model = GANPipeline.from_pretrained(tmp_path / "run")
    assert len(model(seed=3, num_images=2, critic_steps=1).images) == 2
    record = read(tmp_path / "run/training.json")
    assert record["arguments"]["group_column"] == ["family", "style"]
    assert record["dataset"]["report"]["groups"] == "22 groups of 3 by family and style"
    assert "22 groups of 3 by family and style" in (tmp_path / "run/README.md").read_text()
    assert Image.open(tmp_path / "run/previews/step-000002.png").size == (512, 192)
