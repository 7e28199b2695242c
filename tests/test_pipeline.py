"""The model repository in memory and on disk, and the rule of the seeds."""

import json
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan import GANError, GANPipeline, ImageDiscriminator, ImageEncoder, ImageGenerator, ImagePipeline
from gan.hub.repository import FORMAT_VERSION
from gan.hub.wheel import NAME as WHEEL
from gan.image.plots import image_grid
from gan.inputs import MAX_SEED

GENERATOR = "generator/diffusion_pytorch_model.safetensors"


def pixels(images: list[Image.Image]) -> list[bytes]:
    return [image.tobytes() for image in images]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What the `GANError` says: a single line that ends in a full stop."""
    with pytest.raises(GANError) as caught:
        function(*args, **kwargs)
    said = str(caught.value)
    assert said == said.strip()
    assert said.endswith(".")
    assert "\n" not in said
    return said


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    yield torch.set_num_threads
    torch.set_num_threads(1)


# Seeds


@pytest.mark.parametrize(
    ("resolution", "channels", "labels"),
    [((16, 16), 3, ["Ada", "Bob", "Cleo"]), ((28, 28), 1, None), ((64, 64), 3, ["Ada", "Bob"]), ((20, 36), 3, None)],
    ids=str,
)
def test_a_picture_is_a_function_of_its_seed_alone(
    make_pipeline: Callable[..., ImagePipeline],
    resolution: tuple[int, int],
    channels: int,
    labels: list[str] | None,
) -> None:
    pipeline = make_pipeline(resolution, channels, labels)
    alone = [pipeline(seed=100 + k) for k in range(66)]
    expected = [pixels(out.images)[0] for out in alone]
    for count in (2, 3, 17, 64, 66):
        batch = pipeline(seed=100, num_images=count)
        assert pixels(batch.images) == expected[:count], count
        assert batch.seeds == [out.seeds[0] for out in alone[:count]]
        assert batch.labels == ([out.labels[0] for out in alone[:count] if out.labels] or None)
    assert len(set(expected)) == 66
    assert pixels(pipeline(seed=120, num_images=5).images) == expected[20:25]
    some = pipeline(seed=100, num_images=33, truncation=0.7).images
    assert pixels(some[20:21]) == pixels(pipeline(seed=120, truncation=0.7).images)


def test_not_even_the_rounding_depends_on_the_batch(
    make_pipeline: Callable[..., ImagePipeline], threads: Callable[[int], None]
) -> None:
    # Pixels are rounded to 256 levels, which hides most differences: here is what they are rounded from.
    pipeline = make_pipeline((64, 32))
    latents, classes = pipeline.latents(list(range(40)))
    with torch.inference_mode():
        expected = torch.cat([pipeline.generator(latents[k : k + 1], classes[k : k + 1]) for k in range(40)])
        for count, number, first in ((2, 1, 40), (15, 1, 40), (16, 1, 40), (40, 1, 40), (1, 2, 2), (20, 2, 20)):
            threads(number)
            batches = zip(latents[:first].split(count), classes[:first].split(count))
            found = torch.cat([pipeline.generator(z, c) for z, c in batches])
            assert torch.equal(found, expected[:first]), (count, number)


def test_seeds_of_a_batch_count_up(pipeline: ImagePipeline) -> None:
    assert pipeline(seed=7, num_images=16).seeds == list(range(7, 23))
    assert pipeline(seed=MAX_SEED).seeds == [MAX_SEED]


def test_global_randomness_is_neither_used_nor_moved(pipeline: ImagePipeline, tmp_path: Path) -> None:
    torch.manual_seed(1)
    expected = pixels(pipeline(seed=3, num_images=4).images)
    torch.manual_seed(2)
    np.random.seed(2)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    assert pixels(pipeline(seed=3, num_images=4).images) == expected
    pipeline.save_samples(tmp_path)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]


def test_drawing_a_class_does_not_change_the_latent(pipeline: ImagePipeline) -> None:
    free, classes = pipeline.latents([5, 6, 7])
    fixed, chosen = pipeline.latents([5, 6, 7], label="Bob")
    assert torch.equal(free, fixed)
    assert chosen.tolist() == [1, 1, 1]
    assert classes.dtype == chosen.dtype == torch.int64


@pytest.mark.parametrize("seed", [True, False, -1, 1.5, MAX_SEED + 1, float("nan"), float("inf"), "7", None])
def test_seeds_that_are_none(pipeline: ImagePipeline, seed: Any) -> None:
    said = refusal(pipeline, seed=seed)
    assert repr(seed) in said
    assert str(MAX_SEED) in said


def test_a_whole_number_may_come_as_a_float_or_from_numpy(pipeline: ImagePipeline) -> None:
    assert pipeline(seed=7.0, num_images=2.0).seeds == [7, 8]  # as a page's slider sends it
    assert pipeline(seed=np.int64(7)).seeds == [7]


def test_the_last_seed_of_a_batch_must_exist_too(pipeline: ImagePipeline) -> None:
    assert str(MAX_SEED - 1) in refusal(pipeline, seed=MAX_SEED, num_images=2)


@pytest.mark.parametrize("count", [0, -3, 1.5, True, None, "2", float("nan")])
def test_numbers_of_pictures_that_are_none(pipeline: ImagePipeline, count: Any) -> None:
    assert repr(count) in refusal(pipeline, num_images=count)


# Labels and truncation


def test_labels_by_name_and_index(pipeline: ImagePipeline) -> None:
    by_index = pipeline(seed=3, num_images=2, label=1)
    assert by_index.labels == ["Bob", "Bob"]
    for name in ("Bob", "bob", " BOB "):
        assert pixels(pipeline(seed=3, num_images=2, label=name).images) == pixels(by_index.images)
    assert pixels(pipeline(seed=3, num_images=2, label="Ada").images) != pixels(by_index.images)


def test_an_index_is_not_mistaken_for_a_name(make_pipeline: Callable[..., ImagePipeline]) -> None:
    pipeline = make_pipeline(labels=["1", "2", "3"])
    assert [pipeline.label_index(label) for label in (0, 1, 2, np.int64(2), "1", "3", "0")] == [0, 1, 2, 2, 0, 2, 0]


def test_without_a_label_every_picture_has_a_class_of_its_own(pipeline: ImagePipeline) -> None:
    labels = pipeline(num_images=300).labels
    assert labels is not None
    assert [80 < labels.count(name) < 120 for name in ("Ada", "Bob", "Cleo")] == [True] * 3


@pytest.mark.parametrize("label", ["Dora", "", 3, -1, True, 1.5])
def test_labels_that_are_unknown(pipeline: ImagePipeline, label: Any) -> None:
    said = refusal(pipeline, label=label)
    assert repr(label) in said
    assert "Ada, Bob, Cleo" in said


def test_a_model_without_classes_takes_no_label(make_pipeline: Callable[..., ImagePipeline]) -> None:
    pipeline = make_pipeline(labels=None)
    assert pipeline().labels is None
    assert "no classes" in refusal(pipeline, label="Ada")
    assert "no classes" in refusal(pipeline, label=0)


def test_there_are_as_many_labels_as_classes(pipeline: ImagePipeline) -> None:
    assert "2 labels" in refusal(ImagePipeline, pipeline.generator, labels=["Ada", "Bob"])


def test_truncation_one_is_the_model_as_trained(pipeline: ImagePipeline) -> None:
    expected = pixels(pipeline(num_images=4).images)
    assert pixels(pipeline(num_images=4, truncation=1).images) == expected
    assert pixels(pipeline(num_images=4, truncation=0.9).images) != expected


def test_less_truncation_is_more_varied(pipeline: ImagePipeline) -> None:
    def spread(psi: float) -> float:
        images = pipeline(num_images=64, truncation=psi, label="Ada").images
        return float(np.stack([np.asarray(image, np.float32) for image in images]).std(0).mean())

    spreads = [spread(psi) for psi in (0.0, 0.3, 0.6, 1.0, 1.5)]
    assert spreads == sorted(spreads)
    assert spreads[0] < spreads[3] / 10


@pytest.mark.parametrize("truncation", [-0.01, 1.51, 100, float("nan"), float("inf"), None, "1"])
def test_truncations_that_are_none(pipeline: ImagePipeline, truncation: Any) -> None:
    assert repr(truncation) in refusal(pipeline, truncation=truncation)


# Pictures


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pictures_have_native_size_and_mode(
    make_pipeline: Callable[..., ImagePipeline], channels: int, mode: str
) -> None:
    image = make_pipeline((24, 16), channels, None)().images[0]
    assert image.mode == mode
    assert image.size == (16, 24)


def test_pixels_are_the_generators_rounded_and_clamped(pipeline: ImagePipeline) -> None:
    with torch.no_grad():
        pipeline.generator.to_image.weight.mul_(3)
    out = pipeline(seed=4, num_images=8)
    latents, classes = pipeline.latents(out.seeds)
    with torch.no_grad():
        raw = pipeline.generator(latents, classes)
    assert raw.abs().max() > 1
    expected = ((raw.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    found = np.stack([np.asarray(image) for image in out.images])
    assert found.dtype == np.uint8
    assert {0, 255} <= set(found.flatten().tolist())
    assert np.abs(found - expected).max() <= 0.501


def test_a_sheet_shows_pictures_row_by_row(pipeline: ImagePipeline) -> None:
    images = pipeline(num_images=5).images
    sheet = image_grid(images, columns=3)
    assert sheet.size == (48, 32)
    for k, (x, y) in enumerate(((0, 0), (16, 0), (32, 0), (0, 16), (16, 16))):
        assert sheet.crop((x, y, x + 16, y + 16)).tobytes() == images[k].tobytes()


def test_sampling_leaves_no_graph(pipeline: ImagePipeline) -> None:
    assert not pipeline.decode(*pipeline.latents([0])).requires_grad
    assert pipeline.num_parameters == sum(weight.numel() for weight in pipeline.generator.state_dict().values())


# Arguments of diffusers


def source(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_list_of_generators_is_a_seed_each(pipeline: ImagePipeline) -> None:
    meant = pipeline(seed=7, num_images=3)
    out = pipeline(generator=[source(7), source(8), source(9)])
    assert pixels(out.images) == pixels(meant.images)
    assert (out.labels, out.seeds) == (meant.labels, [])


def test_one_generator_is_drawn_from_by_all(pipeline: ImagePipeline) -> None:
    shared = source(7)
    first, second = pixels(pipeline(batch_size=2, generator=shared).images)
    assert first == pixels(pipeline(seed=7).images)[0] and second != pixels(pipeline(seed=8).images)[0]
    assert pixels(pipeline(generator=shared).images)[0] not in (first, second)


def test_latents_and_class_labels(pipeline: ImagePipeline) -> None:
    meant = pipeline(seed=7, num_images=3)
    latents, classes = pipeline.latents([7, 8, 9])
    for class_labels in (classes, classes.tolist(), meant.labels):
        out = pipeline(latents=latents, class_labels=class_labels)
        assert pixels(out.images) == pixels(meant.images) and (out.seeds, out.labels) == ([], meant.labels)
    assert pixels(pipeline(seed=7, latents=latents).images) == pixels(meant.images)  # the class is still the seed's
    assert pipeline(class_labels=["Bob", 0]).labels == ["Bob", "Ada"]
    assert pipeline(batch_size=4).seeds == [0, 1, 2, 3]


def test_output_types(pipeline: ImagePipeline) -> None:
    meant = np.stack([np.asarray(image) for image in pipeline(num_images=2).images])
    array, tensor = (pipeline(num_images=2, output_type=kind).images for kind in ("np", "pt"))
    assert (array.shape, array.dtype, tensor.dtype) == ((2, 16, 16, 3), np.float32, torch.float32)
    assert np.array_equal((array * 255).round().astype(np.uint8), meant)
    assert np.array_equal(tensor.permute(0, 2, 3, 1).numpy(), array)
    images, seeds, labels = pipeline(num_images=2, return_dict=False)
    assert pixels(images) == [image.tobytes() for image in meant] and (seeds, len(labels)) == ([0, 1], 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_images": 4, "class_labels": [1, 2]}, ["num_images for 4", "class_labels for 2"]),
        ({"batch_size": 1, "class_labels": [1, 2]}, ["batch_size for 1"]),
        ({"batch_size": 0}, ["0 samples"]),
        ({"class_labels": []}, ["0 samples"]),
        ({"class_labels": [9]}, ["no label 9"]),
        ({"class_labels": [1], "label": 1}, ["label is for all"]),
        ({"seed": 1, "generator": source(1)}, ["seed and a generator"]),
        ({"generator": [1]}, ["1 is no torch.Generator"]),
        ({"generator": 3}, ["no torch.Generator"]),
        ({"latents": torch.zeros(12)}, ["(12,)", "(n, 12)"]),
        ({"latents": torch.zeros(2, 7)}, ["(2, 7)"]),
        ({"latents": torch.zeros(2, 12, dtype=torch.int64)}, ["floats"]),
        ({"latents": [[0.0] * 12]}, ["list"]),
        ({"latents": torch.full((1, 12), torch.nan)}, ["not finite"]),
        ({"output_type": "latent"}, ["'latent'", "pil, np, pt"]),
    ],
    ids=lambda value: " ".join(map(str, value)),  # keys or words: some values hold addresses
)
def test_arguments_that_cannot_be_obeyed(pipeline: ImagePipeline, arguments: dict[str, Any], words: list[str]) -> None:
    said = refusal(pipeline, **arguments)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_safetensors": True, "variant": None, "trust_remote_code": False},
        {"device_map": "cpu"},
        {"low_cpu_mem_usage": False},
        {"disable_mmap": True},
        {"local_files_only": True, "revision": "main", "force_download": True, "token": None},
    ],
    ids=str,
)
def test_loading_takes_what_diffusers_takes(
    repository: Path, pipeline: ImagePipeline, arguments: dict[str, Any]
) -> None:
    loaded = GANPipeline.from_pretrained(repository, **arguments)
    assert pixels(loaded(seed=3).images) == pixels(pipeline(seed=3).images)


def test_networks_to_load_with(repository: Path, make_pipeline: Callable[..., ImagePipeline]) -> None:
    assert GANPipeline.from_pretrained(repository, discriminator=None).discriminator is None
    other = make_pipeline(seed=5)
    loaded = GANPipeline.from_pretrained(repository, generator=other.generator)
    assert pixels(loaded(seed=3).images) == pixels(other(seed=3).images)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"use_safetensors": False}, "a pickle can run code"),
        ({"variant": "fp16"}, "dtype=torch.float16"),
        ({"device_map": "balanced"}, "no device of this machine"),
        ({"device_map": {"": 0}}, "no device of this machine"),
        ({"max_memory": {0: "1GB"}}, "device_map"),
        ({"custom_pipeline": "mine"}, "no code from a repository"),
        ({"trust_remote_code": True}, "no code from a repository"),
        ({"quantization_config": 4}, "halves them"),
        ({"proxies": {}}, "HTTPS_PROXY"),
        ({"colour": "red"}, "knows no colour"),
        ({"torch_dtype": "float16"}, "torch_dtype='float16' is no data type of torch"),
        ({"subfolder": "../model"}, "not one of the repository"),
        ({"subfolder": "/tmp"}, "not one of the repository"),
        ({"subfolder": "nowhere"}, "no model_index.json"),
    ],
    ids=str,
)
def test_loading_refuses_the_rest(repository: Path, arguments: dict[str, Any], words: str) -> None:
    assert words in refusal(GANPipeline.from_pretrained, repository, **arguments)


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "netG.pth").write_bytes(b"")
    assert "opened by from_single_file" in refusal(GANPipeline.from_pretrained, tmp_path / "netG.pth")


def test_a_subfolder(repository: Path, pipeline: ImagePipeline) -> None:
    loaded = GANPipeline.from_pretrained(repository.parent, subfolder=repository.name)
    assert pixels(loaded(seed=3).images) == pixels(pipeline(seed=3).images)


def test_saving_takes_what_diffusers_takes(pipeline: ImagePipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path, True, None, "5GB", False)  # by position, as diffusers orders them
    assert pixels(GANPipeline.from_pretrained(tmp_path)(seed=3).images) == pixels(pipeline(seed=3).images)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"safe_serialization": False}, "a pickle can run code"),
        ({"variant": "fp16"}, "halve_weights()"),
        ({"max_shard_size": 1000}, "not split"),
        ({"max_shard_size": "large"}, "'large' is no size"),
        ({"private": True}, "knows no private"),
    ],
    ids=str,
)
def test_saving_refuses_the_rest(
    pipeline: ImagePipeline, tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    assert words in refusal(pipeline.save_pretrained, tmp_path / "new", **arguments)
    assert not files(tmp_path)
    if "max_shard_size" not in arguments and "private" not in arguments:
        assert words in refusal(pipeline.push_to_hub, "user/name", **arguments)
    assert "repository of its own" in refusal(pipeline.push_to_hub, "user/name", subfolder="x")


# The repository


def test_saved_and_loaded_it_draws_the_same_pictures(
    repository: Path, pipeline: ImagePipeline, record: dict[str, Any], measured: dict[str, Any]
) -> None:
    loaded = GANPipeline.from_pretrained(repository)
    assert type(loaded) is ImagePipeline
    assert type(ImagePipeline.from_pretrained(str(repository))) is ImagePipeline
    assert (loaded.labels, loaded.resolution) == (["Ada", "Bob", "Cleo"], (16, 16))
    assert (loaded.training_record, loaded.metrics) == (record, measured)
    assert pixels(loaded(seed=9, num_images=20).images) == pixels(pipeline(seed=9, num_images=20).images)
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    labels = torch.tensor([0, 1, 2, 0])
    assert loaded.discriminator is not None and pipeline.discriminator is not None
    assert torch.equal(loaded.discriminator(images, labels), pipeline.discriminator(images, labels))


def test_the_format_on_disk(repository: Path) -> None:
    index = json.loads((repository / "model_index.json").read_text())
    assert index["_class_name"] == "ImagePipeline"
    assert index["generator"] == ["gan", "ImageGenerator"]
    assert index["discriminator"] == ["gan", "ImageDiscriminator"]
    assert index["labels"] == ["Ada", "Bob", "Cleo"]
    assert index["format_version"] == FORMAT_VERSION == 1
    assert set(files(repository)) == {
        "model_index.json",
        "generator/config.json",
        GENERATOR,
        "discriminator/config.json",
        "discriminator/diffusion_pytorch_model.safetensors",
        "training.json",
        "metrics.json",
        "README.md",
        "samples.png",
        WHEEL,
    }
    assert Image.open(repository / "samples.png").size == (512, 192)  # three classes of eight, four times as large


def test_a_generator_may_come_alone(make_pipeline: Callable[..., ImagePipeline], tmp_path: Path) -> None:
    pipeline = ImagePipeline(make_pipeline((16, 8), 1, None).generator)
    pipeline.save_pretrained(tmp_path)
    loaded = GANPipeline.from_pretrained(tmp_path)
    assert loaded.discriminator is None
    assert (loaded.training_record, loaded.metrics, loaded.labels) == ({}, {}, None)
    assert pixels(loaded(num_images=3).images) == pixels(pipeline(num_images=3).images)


def test_labels_in_any_script_survive(make_pipeline: Callable[..., ImagePipeline], tmp_path: Path) -> None:
    pipeline = make_pipeline(labels=["猫", "T-shirt/top", "Süß"])
    pipeline.training_record = {"arguments": {"data_credit": "画：张三"}}
    pipeline.save_pretrained(tmp_path)
    loaded = GANPipeline.from_pretrained(tmp_path)
    assert loaded.labels == ["猫", "T-shirt/top", "Süß"]
    assert loaded.training_record == pipeline.training_record
    assert loaded(label="SÜSS").labels == ["Süß"]


def test_labels_that_look_like_a_component(make_pipeline: Callable[..., ImagePipeline], tmp_path: Path) -> None:
    make_pipeline(labels=["gan", "ImageGenerator"]).save_pretrained(tmp_path)
    assert GANPipeline.from_pretrained(tmp_path).labels == ["gan", "ImageGenerator"]


def test_half_precision(repository: Path, pipeline: ImagePipeline) -> None:
    loaded = GANPipeline.from_pretrained(repository, dtype=torch.bfloat16)
    assert loaded.generator.dtype == torch.bfloat16
    out, exact = loaded(seed=1, num_images=70), pipeline(seed=1, num_images=70)
    assert pixels(out.images)[:1] == pixels(loaded(seed=1).images)
    difference = np.subtract(*(np.stack([np.asarray(i, np.float32) for i in o.images]) for o in (out, exact)))
    assert 0 < np.abs(difference).mean() < 2


def test_halved_weights_are_half_the_size_and_draw_what_they_drew(pipeline: ImagePipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path / "full")
    pipeline.halve_weights()
    pipeline.save_pretrained(tmp_path / "half")
    loaded = GANPipeline.from_pretrained(tmp_path / "half")
    assert loaded.generator.dtype == torch.float32
    assert pixels(loaded(num_images=4).images) == pixels(pipeline(num_images=4).images)
    loaded.save_pretrained(tmp_path / "again")  # as it came
    sizes = {
        name: (tmp_path / name / "generator" / "diffusion_pytorch_model.safetensors").stat().st_size
        for name in ("full", "half", "again")
    }
    assert sizes["again"] == sizes["half"] < 0.6 * sizes["full"]


def test_weights_that_float16_cannot_hold(pipeline: ImagePipeline) -> None:
    before = pipeline.generator.to_image.weight.clone()
    pipeline.discriminator.to_logit.weight.data[0, 0] = 1e5
    with pytest.raises(GANError, match="discriminator has a weight of 1e\\+05"):
        pipeline.halve_weights()
    assert torch.equal(pipeline.generator.to_image.weight, before)


def test_saving_over_an_earlier_model_leaves_nothing_of_it(
    repository: Path, make_pipeline: Callable[..., ImagePipeline]
) -> None:
    other = make_pipeline((24, 24), 1, None, seed=1)
    other.save_pretrained(repository)
    loaded = GANPipeline.from_pretrained(repository)
    assert pixels(loaded(num_images=4).images) == pixels(other(num_images=4).images)
    assert (loaded.training_record, loaded.metrics) == ({}, {})  # those of the other model would be lies
    assert not [name for name in files(repository) if ".saving" in name]


def test_what_else_is_in_the_folder_stays(pipeline: ImagePipeline, tmp_path: Path) -> None:
    (tmp_path / "checkpoint-5").mkdir()
    (tmp_path / "checkpoint-5" / "state").write_text("precious")
    (tmp_path / "notes.txt").write_text("mine")
    pipeline.save_pretrained(tmp_path)
    pipeline.save_pretrained(tmp_path)
    assert (tmp_path / "checkpoint-5" / "state").read_text() == "precious"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_places_that_cannot_be_written(pipeline: ImagePipeline, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert str(tmp_path / "taken") in refusal(pipeline.save_pretrained, tmp_path / "taken")
    assert "/proc/nowhere" in refusal(pipeline.save_pretrained, "/proc/nowhere/model")


def test_a_full_disk_leaves_the_earlier_model(repository: Path) -> None:
    before = files(repository)
    pipeline = GANPipeline.from_pretrained(repository)
    pipeline.generator.to_image.bias.data += 1
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond so many bytes: writes fail at each stage of the save, as they do when a disk is full.
    for most in (0, 200, 1000, 5000, 50_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, usual[1]))
        try:
            said = refusal(pipeline.save_pretrained, repository)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        assert said.startswith(f"The model could not be written to {repository}") and "File too large" in said
    assert files(repository) == before
    assert len(GANPipeline.from_pretrained(repository)(num_images=2).images) == 2


# Repositories that cannot be loaded


def edit(file: str, **changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / file).read_text()) | changes
        kept = {name: value for name, value in content.items() if value is not ...}
        (folder / file).write_text(json.dumps(kept))

    return change


def cut(file: str, size: int) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:size])


def write(file: str, content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / file).write_bytes(content)

    return change


def stable_diffusion(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    index = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.35.0",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def transformers_model(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(cut(GENERATOR, 20_000), [GENERATOR, "damaged"], id="truncated weights"),
        pytest.param(cut(GENERATOR, 5), [GENERATOR, "damaged"], id="truncated header"),
        pytest.param(cut(GENERATOR, 0), [GENERATOR, "damaged"], id="empty weights"),
        pytest.param(write(GENERATOR, b"<html>" * 99), [GENERATOR, "damaged"], id="weights that are none"),
        pytest.param(lambda folder: (folder / GENERATOR).unlink(), [GENERATOR, "missing"], id="no weights"),
        pytest.param(
            lambda folder: (folder / "generator/config.json").unlink(),
            ["generator/config.json", "missing"],
            id="no config",
        ),
        pytest.param(
            lambda folder: shutil.rmtree(folder / "discriminator"),
            ["discriminator/", "missing"],
            id="no discriminator",
        ),
        pytest.param(lambda folder: (folder / "model_index.json").unlink(), ["no model_index.json"], id="no index"),
        pytest.param(write("model_index.json", b"{"), ["model_index.json", "damaged"], id="broken index"),
        pytest.param(
            write("model_index.json", b"\xff\xfe{}"), ["model_index.json", "damaged"], id="index in no encoding"
        ),
        pytest.param(write("model_index.json", b"[1]"), ["model_index.json", "damaged"], id="index that is a list"),
        pytest.param(write("generator/config.json", b"{'a'"), ["config.json", "damaged"], id="broken config"),
        pytest.param(write("training.json", b"nonsense"), ["training.json", "damaged"], id="broken record"),
        pytest.param(write("metrics.json", b""), ["metrics.json", "damaged"], id="empty metrics"),
        pytest.param(
            edit("model_index.json", format_version=2), ["format version 2", "up to 1", "update"], id="newer"
        ),
        pytest.param(edit("model_index.json", format_version="2b"), ["format version 2b"], id="odd version"),
        pytest.param(edit("model_index.json", _class_name=...), ["unknown kind", "ImagePipeline"], id="no kind"),
        pytest.param(edit("model_index.json", _class_name=["a"]), ["ImagePipeline"], id="odd kind"),
        pytest.param(edit("model_index.json", generator=["gan", "Gone"]), ["Gone"], id="unknown component"),
        pytest.param(edit("model_index.json", generator=["os", "path"]), ["not one of ours"], id="foreign component"),
        pytest.param(edit("model_index.json", generator=["gan", "hub"]), ["cannot be loaded"], id="odd component"),
        pytest.param(edit("model_index.json", generator=...), ["generator"], id="index without generator"),
        pytest.param(edit("model_index.json", labels=["Ada"]), ["1 labels", "3 classes"], id="too few labels"),
        pytest.param(stable_diffusion, ["StableDiffusionPipeline", "ImagePipeline"], id="stable diffusion"),
        pytest.param(transformers_model, ["no model_index.json"], id="no pipeline"),
        # A config that does not fit the weights.
        pytest.param(edit("generator/config.json", num_classes=4), ["do not fit", "embed"], id="more classes"),
        pytest.param(edit("generator/config.json", channels=[48, 32, 32]), ["do not fit", "stages"], id="wider"),
        pytest.param(edit("generator/config.json", channels=[32]), ["1 widths", "3 stages"], id="fewer stages"),
        pytest.param(edit("generator/config.json", blocks_per_stage=2), ["do not fit", "stages"], id="deeper"),
        pytest.param(
            edit("generator/config.json", num_classes=0, latent_dim=28), ["do not fit", "embed"], id="no classes"
        ),
        pytest.param(edit("generator/config.json", resolution=[17, 16]), ["17x16"], id="odd resolution"),
        pytest.param(edit("generator/config.json", resolution="large"), ["resolution is 'large'"], id="nonsense"),
        pytest.param(edit("discriminator/config.json", features=8), ["do not fit"], id="other features"),
    ],
)
def test_repositories_that_cannot_be_loaded(
    repository: Path, damage: Callable[[Path], None], words: list[str]
) -> None:
    damage(repository)
    said = refusal(GANPipeline.from_pretrained, repository)
    for word in [str(repository), *words]:
        assert word in said, said


def test_an_older_repository_is_read(repository: Path) -> None:
    edit("model_index.json", format_version=...)(repository)
    assert GANPipeline.from_pretrained(repository)(num_images=2).seeds == [0, 1]


def test_no_code_and_no_pickle_is_read(repository: Path) -> None:
    (repository / "pipeline.py").write_text("raise AssertionError('run')")
    (repository / "generator" / "diffusion_pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    GANPipeline.from_pretrained(repository)
    (repository / GENERATOR).unlink()
    assert GENERATOR in refusal(GANPipeline.from_pretrained, repository)


@pytest.mark.parametrize("name", ["./missing", "/no/such/folder", "a b", "one/two/three"])
def test_names_of_nothing(name: str) -> None:
    said = refusal(GANPipeline.from_pretrained, name)
    assert name in said
    assert "user/name" in said


def test_a_hub_that_is_away(tmp_path: Path) -> None:
    said = refusal(GANPipeline.from_pretrained, "user/model", cache_dir=tmp_path)
    assert "user/model" in said


def test_the_public_names_are_where_the_format_says() -> None:
    import gan

    for kind in (ImageGenerator, ImageDiscriminator, ImageEncoder, ImagePipeline):
        assert kind.__module__ == "gan"
        assert getattr(gan, kind.__name__) is kind
    assert set(gan.__all__) <= set(dir(gan))


def test_a_saved_model_does_not_say_where_it_was_loaded_from(repository: Path, tmp_path: Path) -> None:
    GANPipeline.from_pretrained(repository).save_pretrained(tmp_path / "again")
    for file in (tmp_path / "again").rglob("*.json"):
        assert str(tmp_path) not in file.read_text(encoding="utf-8"), file
        assert "_name_or_path" not in file.read_text(encoding="utf-8"), file
