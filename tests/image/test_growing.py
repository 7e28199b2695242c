"""Models at twice their resolution: they begin as they were, enlarged, and go on from there."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli import Result, environment, pictures, read, train_each

from gan import GANError, ImageDiscriminator, ImageEncoder, ImageGenerator, ImagePipeline
from gan.blocks import Downsample, Upsample
from gan.image.growing import grown


@pytest.fixture
def trained(make_pipeline: Callable[..., ImagePipeline]) -> ImagePipeline:
    """16x8 in RGB with three classes, and an encoder."""
    pipeline = make_pipeline(resolution=(16, 8))
    config = pipeline.generator.config
    torch.manual_seed(1)
    encoder = ImageEncoder(resolution=(16, 8), num_classes=3, latent_dim=config.latent_dim, channels=config.channels)
    return ImagePipeline(pipeline.generator, pipeline.discriminator, pipeline.labels, encoder=encoder)


@pytest.mark.parametrize("times", [1, 2])
@torch.no_grad()
def test_it_begins_as_it_was_enlarged(trained: ImagePipeline, times: int) -> None:
    larger = grown(trained, (16 << times, 8 << times), "small")
    assert larger.resolution == (16 << times, 8 << times) and larger.labels == trained.labels
    latents, classes = trained.latents([3, 4, 5])
    images = wanted = trained.generator(latents, classes)
    for _ in range(times):
        wanted = Upsample()(wanted)
    assert torch.allclose(larger.generator(latents, classes), wanted, atol=1e-6)

    fine = torch.randn(4, 3, *larger.resolution)
    labels = torch.tensor([0, 1, 2, 0])
    halved = fine
    for _ in range(times):
        halved = Downsample()(halved)
    assert larger.discriminator is not None and trained.discriminator is not None
    assert torch.allclose(larger.discriminator(fine, labels), trained.discriminator(halved, labels), atol=1e-5)
    assert torch.allclose(larger.encoder(fine).mean, trained.encoder(halved).mean, atol=1e-5)
    stages = len(trained.discriminator.resolutions())
    assert len(larger.discriminator.resolutions()) == len(larger.discriminator.features(fine)) == stages + times
    assert images.shape[2:] == (16, 8)


def test_it_can_be_grown_again_and_every_layer_learns(trained: ImagePipeline) -> None:
    once = grown(trained, (32, 16), "small")
    twice = grown(once, (64, 32), "small")
    direct = grown(trained, (64, 32), "small")
    assert twice.generator.config.channels == direct.generator.config.channels
    assert (twice.generator.config.grown, direct.generator.config.grown) == (2, 2)
    latents, classes = trained.latents([3, 4])
    twice.generator.train()
    for _ in range(6):  # what starts at zero lets what lies before it learn one step later
        for player, batch in (
            (twice.generator, (latents, classes)),
            (twice.discriminator, (torch.randn(2, 3, 64, 32), classes)),
        ):
            player.zero_grad()
            player(*batch).square().sum().backward()
            with torch.no_grad():
                for parameter in player.parameters():
                    if parameter.grad is not None:
                        parameter -= 1e-3 * parameter.grad.sign()
    new = [*twice.generator.details.parameters(), *twice.discriminator.entries.parameters()]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in new)


def test_patches_and_pairs_are_kept(make_pipeline: Callable[..., ImagePipeline]) -> None:
    shared = {"resolution": (32, 32), "image_channels": 1, "num_classes": 2, "channels": (16, 16, 16), "patch_size": 2}
    torch.manual_seed(0)
    players = ImageGenerator(latent_dim=8, **shared), ImageDiscriminator(pairs=True, **shared)
    small = ImagePipeline(*players, ["a", "b"])
    large = grown(small, (64, 64), "small")
    latents, classes = small.latents([1, 2])
    with torch.no_grad():
        wanted = Upsample()(small.generator(latents, classes))
        assert torch.allclose(large.generator(latents, classes), wanted, atol=1e-6)
        fine, rows = torch.randn(2, 1, 64, 64), torch.tensor([[0, 1]])
        of_large, of_small = (
            large.discriminator(fine, classes, pairs=rows),
            small.discriminator(Downsample()(fine), classes, pairs=rows),
        )
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(of_large, of_small))


def test_its_own_resolution_changes_nothing_and_others_are_refused(trained: ImagePipeline) -> None:
    assert grown(trained, (16, 8), "small") is trained
    for resolution, reason in (((8, 4), "made smaller"), ((24, 12), "grown to 24x12"), ((32, 32), "grown to 32x32")):
        with pytest.raises(
            GANError, match=rf"^small draws pictures of 16x8, and cannot be {reason}: .* 32x16 or 64x32;"
        ):
            grown(trained, resolution, "small")


def test_a_grown_model_is_saved_and_loaded(trained: ImagePipeline, tmp_path: Path) -> None:
    large = grown(trained, (32, 16), "small")
    large.save_pretrained(tmp_path / "large")
    loaded = ImagePipeline.from_pretrained(tmp_path / "large")
    images = [pipeline(seed=7, num_images=2, output_type="pt").images for pipeline in (large, loaded)]
    assert images[0].shape == (2, 3, 32, 16) and torch.equal(*images)


START = ["--train_data_dir", "pictures", "--no-evaluate", "--lr_scheduler", "constant", "--ema_half_life", "50"]
GROW = [*START, "--pretrained_model_name_or_path", "small", "--checkpointing_steps", "2", "--num_threads", "1"]
LINES = {
    "small": [*START, "--resolution", "16", "--patch_size", "2", "--output_dir", "small", "--max_train_steps", "2"],
    "whole": [*GROW, "--resolution", "32", "--output_dir", "whole", "--max_train_steps", "4"],
    "half": [*GROW, "--resolution", "32", "--output_dir", "half", "--max_train_steps", "2"],
    "rest": [
        *[*GROW, "--resolution", "32", "--output_dir", "half", "--max_train_steps", "4"],
        *["--resume_from_checkpoint", "latest"],
    ],
    "smaller": [*START, "--pretrained_model_name_or_path", "whole", "--resolution", "16", "--output_dir", "x"],
    "colours": [*GROW, "--resolution", "32", "--image_channels", "1", "--output_dir", "y"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Result], Path]:
    work = tmp_path_factory.mktemp("growing")
    pictures(work / "pictures")
    found = train_each([*LINES.values()], environment(tmp_path_factory.mktemp("home")), work)
    return dict(zip(LINES, found, strict=True)), work


@pytest.mark.processes
def test_training_goes_on_larger_and_resumes_exactly(results: tuple[dict[str, Result], Path]) -> None:
    found, work = results
    for name in ("small", "whole", "half", "rest"):
        found[name].check()
    assert "The model is grown from 16x16 to 32x32; it begins as it was, enlarged." in found["whole"].out
    for network in ("generator", "discriminator"):
        file = f"{network}/diffusion_pytorch_model.safetensors"
        assert (work / "whole" / file).read_bytes() == (work / "half" / file).read_bytes()
    assert ImagePipeline.from_pretrained(work / "whole").resolution == (32, 32)
    arguments = read(work / "whole/training.json")["arguments"]  # which were left open
    assert arguments["patch_size"] == 2 and arguments["gamma"] == pytest.approx(0.5 * 2 * 3 * 32**2 / 28**2)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "sentence"),
    [("smaller", "draws pictures of 32x32, and cannot be made smaller"), ("colours", "cannot be fine-tuned with")],
)
def test_other_sizes_and_colours_are_refused(
    name: str, sentence: str, results: tuple[dict[str, Result], Path]
) -> None:
    assert sentence in results[0][name].error
