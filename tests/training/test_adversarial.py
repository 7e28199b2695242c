"""What images and sounds share: validation samples of the discriminator, frozen layers."""

from pathlib import Path

import pytest
import torch
from cli import pictures

from gan import GANError, ImagePipeline
from gan.image.task import ImageTask
from gan.training.arguments import parser
from gan.training.randomness import StepRandom


def task(folder: Path, *flags: str) -> ImageTask:
    size = [] if "--pretrained_model_name_or_path" in flags else ["--model_size", "tiny"]
    line = ["image", "--train_data_dir", str(folder), "--resolution", "16", *size, *flags]
    return ImageTask(parser({"image": ImageTask}).parse_args(line))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pictures(tmp_path / "pictures", count=60)


def test_validation_samples_are_not_trained_on(folder: Path) -> None:
    images = task(folder)
    assert (len(images.train_set), len(images.validation_indices), images.size) == (54, 2, 52)
    assert sorted([*images.train_indices.tolist(), *images.validation_indices.tolist()]) == list(range(54))
    batch = images.batch(torch.tensor([0, 51]), StepRandom(0, 0, 0, 1))
    assert torch.equal(batch["real"], images.train_set.images(images.train_indices[[0, 51]]))
    assert torch.equal(batch["labels"], images.train_set.classes(images.train_indices[[0, 51]]))
    held = images.train_set.images(images.validation_indices)
    assert all((held == picture).flatten(1).all(1).any() for picture in batch["validation"])
    assert len(task(folder, "--augment_target", "1").validation_indices) == 0


def test_of_few_samples_one_is_for_validation(tmp_path: Path) -> None:
    images = task(pictures(tmp_path / "few", count=10))
    assert (len(images.validation_indices), images.size) == (1, 9)
    fewer = task(pictures(tmp_path / "fewer", count=9))
    assert (len(fewer.validation_indices), fewer.size) == (0, 9)


def test_no_class_is_only_for_validation(tmp_path: Path) -> None:
    for picture in list(pictures(tmp_path / "few", count=10).rglob("*.png")):
        alone = tmp_path / "lonely" / picture.stem
        alone.mkdir(parents=True)
        picture.rename(alone / picture.name)
    images = task(tmp_path / "lonely")
    assert (len(images.validation_indices), images.size) == (0, 10)


def test_classes_go_and_come_when_a_model_is_fine_tuned(
    folder: Path, pipeline: ImagePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.save_pretrained(tmp_path / "classes")
    bare = task(folder, "--unconditional", "--pretrained_model_name_or_path", str(tmp_path / "classes"))
    assert "starts from the mean of the model's classes, as the data has none." in capsys.readouterr().out
    bare.pipeline(bare.generator, bare.discriminator).save_pretrained(tmp_path / "bare")
    assert ImagePipeline.from_pretrained(tmp_path / "bare").labels is None
    again = task(folder, "--pretrained_model_name_or_path", str(tmp_path / "bare"))
    assert "All classes start as the model is, as the model knows none." in capsys.readouterr().out
    assert again.generator.config.num_classes == 2


def test_half_of_the_pictures_are_mirrored(folder: Path) -> None:
    indices = torch.arange(52).repeat(20)
    for objective in ("gan", "vae"):
        images = task(folder, "--random_flip", "--objective", objective)
        taken, real = images.samples(images.train_indices[indices]), images.batch(indices, StepRandom(0, 0))["real"]
        mirrored = torch.tensor([torch.equal(a, b.flip(2)) for a, b in zip(real, taken)])
        assert torch.equal(real[~mirrored], taken[~mirrored])
        assert mirrored.float().mean().item() == pytest.approx(0.5, abs=0.05)
        assert real.is_contiguous(memory_format=torch.channels_last)


def test_frozen_layers_are_the_finest_and_are_not_trained(
    folder: Path, pipeline: ImagePipeline, tmp_path: Path
) -> None:
    ImagePipeline(pipeline.generator, pipeline.discriminator, ["day", "night", "dusk"]).save_pretrained(tmp_path / "m")
    taken_over = ["--pretrained_model_name_or_path", str(tmp_path / "m")]
    discriminator = task(folder, *taken_over, "--freeze_discriminator_layers", "2").discriminator
    groups = discriminator.resolutions()
    assert sum(len(group) for group in groups) == len(discriminator.stages)
    trained = [any(parameter.requires_grad for parameter in group.parameters()) for group in groups]
    assert trained == [False, False, True]
    assert discriminator.to_logit.weight.requires_grad
    with pytest.raises(GANError, match=r"has 3 resolutions, and 3 of them cannot be frozen.*at most 2"):
        task(folder, *taken_over, "--freeze_discriminator_layers", "3")
    with pytest.raises(GANError, match="name a model with --pretrained_model_name_or_path"):
        task(folder, "--freeze_discriminator_layers", "1")
