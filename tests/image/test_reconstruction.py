"""A pipeline with an encoder: pictures to latents and back, and the way from one picture to another."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan import GANError, GANPipeline, ImageEncoder, ImagePipeline
from gan.image.data import ImageSet
from gan.image.plots import reconstructions
from gan.latent.interpolation import slerp


@pytest.fixture
def make(make_pipeline: Callable[..., ImagePipeline]) -> Callable[..., ImagePipeline]:
    """`make_pipeline`, with an encoder."""

    def make(*args: Any, **more: Any) -> ImagePipeline:
        made = make_pipeline(*args, **more)
        config = made.generator.config
        names = ("resolution", "image_channels", "num_classes", "latent_dim", "channels")
        encoder = ImageEncoder(**{name: config[name] for name in names})
        with torch.no_grad():
            for parameter in encoder.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.03)
        return ImagePipeline(made.generator, made.discriminator, made.labels, encoder=encoder)

    return make


@pytest.fixture
def pipeline(make: Callable[..., ImagePipeline]) -> ImagePipeline:
    """16x16, RGB, classes Ada, Bob and Cleo."""
    return make()


def pixels(images: list[Image.Image]) -> list[bytes]:
    return [image.tobytes() for image in images]


# Encoding


@pytest.mark.parametrize(("resolution", "channels", "labels"), [((28, 28), 1, None), ((16, 16), 3, ["Ada", "Bob"])])
def test_what_is_found_in_a_picture_does_not_depend_on_the_batch(
    make: Callable[..., ImagePipeline], resolution: tuple[int, int], channels: int, labels: list[str] | None
) -> None:
    pipeline = make(resolution, channels, labels)
    images = pipeline(seed=0, num_images=66).images
    latents, classes = pipeline.encode(images)
    assert latents.shape == (66, 12) and latents.std() > 0
    for k in (0, 1, 30, 64, 65):
        alone, its_class = pipeline.encode(images[k])
        assert torch.equal(alone[0], latents[k]) and torch.equal(its_class[0], classes[k])
    rebuilt = pipeline.reconstruct(images)
    assert pixels(rebuilt.images[65:]) == pixels(pipeline.reconstruct(images[65]).images)
    if labels is None:
        assert classes.tolist() == [0] * 66 and rebuilt.labels is None
    else:
        assert classes.shape == (66, 2) and torch.equal(classes.sum(1), torch.ones(66))
        assert rebuilt.labels == [labels[k] for k in classes.argmax(1)]
    assert rebuilt.seeds == []


def test_a_label_overrules_the_encoder(pipeline: ImagePipeline) -> None:
    image = pipeline(seed=1).images[0]
    for index, name in enumerate(["Ada", "Bob", "Cleo"]):
        assert pipeline.encode([image, image], label=name)[1].argmax(1).tolist() == [index, index]
        assert pipeline.reconstruct(image, label=index).labels == [name]
    assert torch.equal(pipeline.encode(image, label="Bob")[0], pipeline.encode(image)[0])


def test_pictures_of_any_kind(pipeline: ImagePipeline) -> None:
    image = pipeline(seed=1).images[0]
    expected, _ = pipeline.encode(image)
    for other in (image.convert("RGBA"), image.convert("RGB").resize((64, 64), Image.Resampling.NEAREST)):
        assert pipeline.encode(other)[0].shape == expected.shape
    assert torch.equal(pipeline.encode(image.convert("RGBA"))[0], expected)
    wide = Image.new("RGB", (32, 16), "black")
    wide.paste(image, (8, 0))
    assert torch.equal(pipeline.encode(wide)[0], expected)  # cropped about the middle, as the training data was
    pipeline.training_record = {"arguments": {"center_crop": False}}
    assert not torch.equal(pipeline.encode(wide)[0], expected)


def test_what_is_no_picture(pipeline: ImagePipeline, make_pipeline: Callable[..., ImagePipeline]) -> None:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(file, "PNG")
    for wrong, words in (
        ("mine.png", "A str is not a picture"),
        (Image.open(io.BytesIO(file.getvalue()[:2000])), "read"),
    ):
        with pytest.raises(GANError, match=words):
            pipeline.encode(wrong)
    image = pipeline().images[0]
    with pytest.raises(GANError, match="no label 'Dora'"):
        pipeline.encode(image, label="Dora")
    for call in (make_pipeline().encode, make_pipeline().reconstruct):
        with pytest.raises(GANError, match=r"no encoder, so it cannot take pictures.*--objective vaegan"):
            call(image)


# Classes in between


def test_no_picture_at_all(pipeline: ImagePipeline) -> None:
    for take in (pipeline.encode, pipeline.reconstruct):
        with pytest.raises(GANError, match="no pictures in the list"):
            take([])


def test_weights_of_classes(pipeline: ImagePipeline) -> None:
    latents, classes = pipeline.latents([1, 2, 3, 4])
    one_hot = torch.nn.functional.one_hot(classes, 3).float()
    assert torch.equal(pipeline.decode(latents, one_hot), pipeline.decode(latents, classes))
    mixed = torch.rand(4, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    together = pipeline.decode(latents, mixed, 0.7)
    assert torch.equal(together[2:3], pipeline.decode(latents[2:3], mixed[2:3], 0.7))
    assert not torch.equal(together, pipeline.decode(latents, classes, 0.7))


# The way between two


def test_the_ends_of_the_way_are_the_pictures_themselves(pipeline: ImagePipeline) -> None:
    mine = pipeline(seed=50).images[0]
    rebuilt = pipeline.reconstruct(mine)
    way = pipeline.interpolate(7, mine, steps=5, truncation=0.9)
    assert len(way.images) == 5 and way.seeds == []
    assert pixels(way.images[:1]) == pixels(pipeline(seed=7, truncation=0.9).images)
    assert pixels(pipeline.interpolate(mine, 7, 2).images[:1]) == pixels(rebuilt.images)
    assert (way.labels[0], way.labels[-1]) == (pipeline(seed=7).labels[0], rebuilt.labels[0])
    assert set(pipeline.interpolate(7, mine, 5, label="Bob").labels) == {"Bob"}
    assert len(set(pixels(way.images))) == 5


def test_between_seeds_no_encoder_is_needed(make_pipeline: Callable[..., ImagePipeline]) -> None:
    for labels in (None, ["Ada", "Bob", "Cleo"]):
        pipeline = make_pipeline(labels=labels)
        assert pixels(pipeline.interpolate(3, 4, 9).images[-1:]) == pixels(pipeline(seed=4).images)
        assert pixels(pipeline.interpolate(3, 3, 3).images) == pixels(pipeline(seed=3).images) * 3
    with pytest.raises(GANError, match="no encoder"):
        pipeline.interpolate(3, pipeline().images[0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"a": -1}, "seed -1"),
        ({"b": "7"}, "seed '7'"),
        ({"steps": 1}, "at least 2 steps"),
        ({"steps": 2.5}, "2.5"),
        ({"truncation": 2}, "truncation of 2"),
        ({"label": "Dora"}, "Dora"),
    ],
)
def test_ways_that_lead_nowhere(pipeline: ImagePipeline, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(GANError, match=words):
        pipeline.interpolate(**{"a": 1, "b": 2, **arguments})


def test_latents_turn_at_even_speed_and_keep_their_length() -> None:
    first, last = torch.tensor([[2.0, 0, 0]]), torch.tensor([[0, 4.0, 0]])
    way = slerp(first, last, torch.linspace(0, 1, 5)[:, None])
    assert torch.equal(way[:1], first) and torch.equal(way[-1:], last)
    assert torch.allclose(way.norm(dim=1), torch.tensor([2, 2.5, 3, 3.5, 4]))
    assert torch.allclose(torch.atan2(way[:, 1], way[:, 0]), torch.linspace(0, torch.pi / 2, 5), atol=1e-6)
    for other in (first, -first, torch.zeros(1, 3)):  # no great circle between these
        assert slerp(first, other, torch.linspace(0, 1, 5)[:, None]).isfinite().all()


# On disk, and measured


def test_the_encoder_is_saved_and_loaded(pipeline: ImagePipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path)
    loaded = GANPipeline.from_pretrained(tmp_path)
    image = pipeline(seed=1).images[0]
    assert loaded.objective == "vaegan"
    assert torch.equal(loaded.encode(image)[0], pipeline.encode(image)[0])
    assert pixels(loaded.reconstruct(image).images) == pixels(pipeline.reconstruct(image).images)
    config = json.loads((tmp_path / "encoder/config.json").read_text())
    (tmp_path / "encoder/config.json").write_text(json.dumps(config | {"resolution": [16, 12]}))
    with pytest.raises(GANError, match="cannot be loaded"):
        GANPipeline.from_pretrained(tmp_path)
    (tmp_path / "encoder/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(GANError, match=r"encoder/diffusion_pytorch_model\.safetensors is missing"):
        GANPipeline.from_pretrained(tmp_path)


def test_an_encoder_of_another_model(make: Callable[..., ImagePipeline]) -> None:
    one, other = make(), make(labels=["Ada", "Bob"])
    with pytest.raises(GANError, match="its num_classes is 2, and not 3"):
        ImagePipeline(one.generator, None, one.labels, encoder=other.encoder)


def test_the_sheet_of_reconstructions(pipeline: ImagePipeline) -> None:
    real = np.stack([np.asarray(image).transpose(2, 0, 1) for image in pipeline(num_images=20).images])
    images = ImageSet(real, None, None, "own", "test")
    rebuilt = pipeline.reconstruct([Image.fromarray(image.transpose(1, 2, 0)) for image in real]).images
    sheet = reconstructions(pipeline, images, rows=3)  # more than there are: it begins again
    assert pixels(sheet[8:16]) == pixels(rebuilt[:8]) and sheet[32].tobytes() == real[16].transpose(1, 2, 0).tobytes()
    assert len(sheet) == 48
