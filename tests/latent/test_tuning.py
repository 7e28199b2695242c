"""Pivotal tuning: an image is met at its codes, other samples stay, and what is saved is put on and taken off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gan import GANError, GANPipeline, ImagePipeline

ZOO = Path(__file__).parents[1] / "fixtures/zoo"


@pytest.fixture
def given(make_pipeline: Callable[..., ImagePipeline]) -> Image.Image:
    """A picture of another model, which codes alone do not reach."""
    return make_pipeline(seed=5)(seed=3).images[0]


@pytest.fixture
def tuned(pipeline: ImagePipeline, given: Image.Image) -> tuple[ImagePipeline, torch.Tensor]:
    """A model that was tuned, and at which codes."""
    codes = pipeline.invert(given, steps=20).codes
    pipeline.tune(given, codes, steps=30)
    return pipeline, codes


def samples(pipeline: ImagePipeline, count: int = 32) -> torch.Tensor:
    return pipeline.draw_samples(pipeline.codes_from(*pipeline.latents(list(range(count)))))


def test_the_image_is_met_and_other_seeds_hardly_move(pipeline: ImagePipeline, given: Image.Image):
    found = pipeline.invert(given, steps=60)
    before, drawn = samples(pipeline), pipeline.draw_samples(found.codes)
    losses = pipeline.tune(given, found.codes, steps=60)
    assert losses.shape == (61, 1)
    assert float(losses[0]) == pytest.approx(float(found.losses[-1]), rel=1e-3)
    assert float(losses[-1]) < 0.3 * float(losses[0])
    target = pipeline.fitted(given)
    errors = [float((images - target).square().mean()) for images in (drawn, pipeline.draw_samples(found.codes))]
    assert errors[1] < 0.5 * errors[0]
    assert float((samples(pipeline) - before).square().mean()) < 0.1 * errors[0]


def test_taken_off_the_model_is_what_it_was(pipeline: ImagePipeline, given: Image.Image):
    weights = {name: (weight.clone(), weight.stride()) for name, weight in pipeline.generator.state_dict().items()}
    before = samples(pipeline)
    pipeline.tune(given, 3, steps=2)
    assert not torch.equal(samples(pipeline), before)
    assert all(weight.stride() == weights[name][1] for name, weight in pipeline.generator.state_dict().items())
    pipeline.unload_tuning()
    assert torch.equal(samples(pipeline), before)
    for name, weight in pipeline.generator.state_dict().items():
        assert torch.equal(weight, weights[name][0]) and weight.stride() == weights[name][1], name
    pipeline.unload_tuning()  # nothing is on


def test_what_is_saved_is_small_and_draws_the_same(
    tuned: tuple[ImagePipeline, torch.Tensor], make_pipeline: Callable[..., ImagePipeline], tmp_path: Path
):
    pipeline, codes = tuned
    drawn = samples(pipeline), pipeline.draw_samples(codes)
    pipeline.save_tuning(tmp_path / "new" / "tuning.safetensors")
    tensors = load_file(tmp_path / "new" / "tuning.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert sum(tensor.numel() for tensor in tensors.values()) < 0.5 * pipeline.num_parameters
    pipeline.unload_tuning()
    other = make_pipeline()
    for each in (pipeline, other, other):  # the last one in the place of itself
        each.load_tuning(tmp_path / "new" / "tuning.safetensors")
        assert torch.equal(samples(each), drawn[0]) and torch.equal(each.draw_samples(codes), drawn[1])


def test_a_tuning_begins_anew(tuned: tuple[ImagePipeline, torch.Tensor], given: Image.Image):
    pipeline, codes = tuned
    drawn = pipeline.draw_samples(codes)
    losses = pipeline.tune(given, codes, steps=30)
    assert float(losses[0]) > float(losses[-1])
    assert torch.equal(pipeline.draw_samples(codes), drawn)


def test_an_inversion_sees_the_weights_that_are_on(pipeline: ImagePipeline, given: Image.Image):
    start = pipeline.invert(given, steps=0)
    pipeline.tune(given, start.codes, steps=20)
    assert pipeline.invert(given, steps=0).losses[-1] < start.losses[-1]
    pipeline.unload_tuning()
    assert torch.equal(pipeline.invert(given, steps=0).losses, start.losses)


def test_a_tuned_model_is_saved_as_one(tuned: tuple[ImagePipeline, torch.Tensor], tmp_path: Path):
    pipeline, codes = tuned
    pipeline.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    assert torch.equal(loaded.draw_samples(codes), pipeline.draw_samples(codes))


def test_several_images_without_a_discriminator(pipeline: ImagePipeline, given: Image.Image):
    bare = ImagePipeline(pipeline.generator, None, pipeline.labels)
    images = [given, Image.new("L", (8, 8), 200)]
    codes = bare.invert(images, steps=2).codes
    losses = bare.tune(images, codes, steps=20, rank=2)
    assert losses.shape == (21, 2) and (losses[-1] < losses[0]).all()


@pytest.mark.parametrize(
    "name",
    [
        "stylegan2-ada-conditional.pkl",
        "rosinality-stylegan2.pt",
        pytest.param("stylegan3-t.pkl", marks=pytest.mark.slow),
        "r3gan-conditional.pkl",
        "biggan-deep",
        "dcgan-tutorial.pth",
        pytest.param("lightweight-gan.pt", marks=pytest.mark.slow),
    ],
)
def test_imported_generators(name: str, tmp_path: Path):
    pipeline = GANPipeline.from_single_file(ZOO / name)
    before = samples(pipeline, 3)
    picture = Image.new("RGB", (64, 64), (200, 90, 30))
    losses = pipeline.tune(picture, 7, steps=3)
    assert losses[-1] < losses[0]
    pipeline.save_tuning(tmp_path / "tuning.safetensors")
    assert not [key for key in load_file(tmp_path / "tuning.safetensors") if "mapping" in key]
    drawn = samples(pipeline, 3)
    pipeline.unload_tuning()
    assert torch.equal(samples(pipeline, 3), before)
    pipeline.load_tuning(tmp_path / "tuning.safetensors")
    assert torch.equal(samples(pipeline, 3), drawn)


def test_files_that_are_no_tuning_of_the_model_are_refused(
    tuned: tuple[ImagePipeline, torch.Tensor], make_pipeline: Callable[..., ImagePipeline], tmp_path: Path
):
    pipeline, codes = tuned
    path = tmp_path / "tuning.safetensors"
    pipeline.save_tuning(path)
    drawn, tensors = pipeline.draw_samples(codes), load_file(path)
    key = next(iter(tensors))
    refused = {
        "missing": (None, "cannot be read"),
        "damaged": (path.read_bytes()[:-10], "cannot be read"),
        "pickle": ((ZOO / "evil-os-system.pkl").read_bytes(), "cannot be read"),
        "others": ({"codes": codes}, "is no tuning"),
        "half": ({key: tensors[key]}, "is no tuning"),
    }
    for name, (content, sentence) in refused.items():
        file = tmp_path / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif content:
            save_file(content, file, {"base_weights": "0" * 16})
        with pytest.raises(GANError, match=sentence):
            pipeline.load_tuning(file)
    for other in (make_pipeline(seed=1), make_pipeline(labels=None), make_pipeline(image_channels=1)):
        with pytest.raises(GANError, match="does not fit this model"):
            other.load_tuning(path)
    assert torch.equal(pipeline.draw_samples(codes), drawn)


@pytest.mark.parametrize("change", [lambda x: x * torch.nan, lambda x: x[1:], lambda x: x[0], lambda x: x.long()])
def test_factors_that_cannot_be_used_are_refused(
    tuned: tuple[ImagePipeline, torch.Tensor], tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor]
):
    pipeline, _ = tuned
    pipeline.save_tuning(tmp_path / "good")
    tensors = load_file(tmp_path / "good")
    key = "start.weight.lora_up"
    save_file(tensors | {key: change(tensors[key]).contiguous()}, tmp_path / "bad", base(tmp_path / "good"))
    with pytest.raises(GANError, match="does not fit this model"):
        pipeline.load_tuning(tmp_path / "bad")
    save_file(tensors, tmp_path / "same", base(tmp_path / "good"))
    pipeline.load_tuning(tmp_path / "same")


def base(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def test_what_cannot_be_tuned_or_saved(pipeline: ImagePipeline, given: Image.Image, tmp_path: Path):
    for arguments in ({"steps": 0}, {"steps": 2001}, {"steps": True}, {"rank": 0}, {"rank": 1.5}):
        settings: dict[str, Any] = {"steps": 1, **arguments}
        with pytest.raises(GANError, match="a tuning takes from 1 to"):
            pipeline.tune(given, 3, **settings)
    with pytest.raises(GANError, match="2 images cannot be met at the codes of 1; give as many"):
        pipeline.tune([given, given], 3, steps=1)
    with pytest.raises(GANError, match="cannot be used; those of this model"):
        pipeline.tune(given, torch.zeros(1, 2, 3), steps=1)
    with pytest.raises(GANError, match="There is no tuning to save"):
        pipeline.save_tuning(tmp_path / "tuning.safetensors")
    pipeline.tune(given, 3, steps=1)
    (tmp_path / "file").touch()
    with pytest.raises(GANError, match="could not be written"):
        pipeline.save_tuning(tmp_path / "file" / "tuning.safetensors")


def test_a_tuning_fits_the_model_in_every_type(
    tuned: tuple[ImagePipeline, torch.Tensor], tmp_path: Path, given: Image.Image
):
    pipeline, _ = tuned
    pipeline.unload_tuning()
    pipeline.to(torch.float16).save_pretrained(tmp_path / "model")
    whole = ImagePipeline.from_pretrained(tmp_path / "model", dtype=torch.float32)
    whole.tune(given, 3, steps=2)
    whole.save_tuning(tmp_path / "tuning.safetensors")
    for dtype in (torch.float16, torch.bfloat16):
        loaded = ImagePipeline.from_pretrained(tmp_path / "model", dtype=dtype)
        before = samples(loaded, 2)
        loaded.load_tuning(tmp_path / "tuning.safetensors")
        assert loaded.generator.dtype == dtype and not torch.equal(samples(loaded, 2), before)
