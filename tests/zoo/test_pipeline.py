"""A checkpoint becomes a model like any other: sampled by seeds, steered, saved, loaded, and described by its card."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli import environment, python
from hub_server import HubServer

from gan import GANError, GANPipeline, ImagePipeline, TextPipeline
from gan.export.onnx import export
from gan.export.seeds import SeedNoise
from gan.hub.__main__ import main
from gan.studio.images.generate import images_for_page
from gan.studio.model_panel import describe, panel_html
from gan.studio.registry import Registry, offered_models
from gan.studio.strings import EN
from gan.zoo.fetch import is_single_file

FILES = [
    "dcgan-tutorial.pth",
    "stylegan2-ada-conditional.pkl",
    "stylegan2-ada-unconditional.pkl",
    "rosinality-stylegan2.pt",
    "stylegan2-ada-filter.pkl",
    "stylegan3-t.pkl",
    "styleganxl.pkl",
    "r3gan-conditional.pkl",
    "biggan-deep",
    "lightweight-gan.pt",
]


@pytest.mark.parametrize("name", FILES)
def test_saved_and_loaded(fixtures: Path, tmp_path: Path, name: str) -> None:
    opened = GANPipeline.from_single_file(fixtures / name)
    assert isinstance(opened, ImagePipeline)
    opened.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    for settings in ({"seed": 7, "num_images": 2}, {"seed": 2**32 - 1, "truncation": 0.5}):
        pairs = zip(opened(**settings).images, loaded(**settings).images)
        assert all(np.array_equal(a, b) for a, b in pairs)
    assert (loaded.discriminator is None) == (opened.discriminator is None)
    assert all(np.array_equal(loaded(7 + k).images[0], image) for k, image in enumerate(loaded(7, 17).images))
    card = (tmp_path / "model/README.md").read_text()
    assert "not stated: ask its authors" in card and loaded.generator.family in card and "Fine-tune it" in card
    assert ("--new_discriminator" in card) == (loaded.discriminator is None)
    assert "/fixtures" not in card and str(tmp_path) not in card
    assert (tmp_path / "model/samples.png").is_file()
    assert not [path for path in (tmp_path / "model").rglob("*") if path.suffix in (".pkl", ".pt", ".pth", ".bin")]


@pytest.mark.parametrize("name", FILES)
def test_steered(fixtures: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.latent.image_steering.CANDIDATES", 4)  # to start an inversion from
    pipeline = GANPipeline.from_single_file(fixtures / name)
    assert pipeline.mix(1, 2, "coarse").images[0].size == pipeline.resolution[::-1]
    assert len(pipeline.interpolate(1, 2, steps=3).images) == 3
    losses = pipeline.invert(pipeline(3).images[0], steps=1).losses
    assert losses.shape == (2, 1) and losses.isfinite().all()
    assert pipeline.draw(pipeline.codes_of(3)).images == pipeline(3).images
    drags = list(pipeline.drag(3, [(10, 10)], [(14, 12)], steps=1))
    assert drags and drags[-1].codes.shape[1:] == pipeline.code_shape
    if pipeline.discriminator is not None:
        assert pipeline(3, critic_steps=1).images[0].size == pipeline.resolution[::-1]


def test_published_seeds_give_published_images(fixtures: Path, reference) -> None:
    for name in ("stylegan2-ada-conditional", "stylegan3-t", "r3gan-conditional"):
        wanted = reference(name)
        label = int(wanted["label_seed_7"].argmax()) if "label_seed_7" in wanted else None
        image = np.asarray(GANPipeline.from_single_file(fixtures / f"{name}.pkl")(7, label=label).images[0], int)
        published = (wanted["image_seed_7"][0] * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
        assert np.abs(image - published).max() <= 1 and (image != published).mean() < 0.01


def test_half_precision(fixtures: Path, tmp_path: Path) -> None:
    for name in ("stylegan2-ada-conditional.pkl", "stylegan3-t.pkl"):
        GANPipeline.from_single_file(fixtures / name).save_pretrained(tmp_path / name)
        exact = GANPipeline.from_pretrained(tmp_path / name)
        half = GANPipeline.from_pretrained(tmp_path / name, dtype=torch.bfloat16)
        assert half.generator.mapping.fc0.weight.dtype == torch.bfloat16
        pair = [np.asarray(pipeline(7, label=None).images[0], float) for pipeline in (exact, half)]
        assert np.abs(pair[0] - pair[1]).mean() < 5


def test_names_of_classes(fixtures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n\nbird\n", encoding="utf-8")
    file = str(fixtures / "r3gan-conditional.pkl")
    assert main(["convert", file, str(tmp_path / "model"), "--label_names", str(tmp_path / "names.txt")]) == 0
    assert "R3GAN" in capsys.readouterr().out
    pipeline = GANPipeline.from_pretrained(tmp_path / "model")
    assert pipeline.labels == ["cat", "dog", "bird"] and pipeline(1, label="dog").labels == ["dog"]
    with pytest.raises(GANError, match="2 labels for the 3 classes"):
        GANPipeline.from_single_file(file, labels=["cat", "dog"])


def test_what_cannot_be_converted(
    fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for file, words in {
        str(fixtures / "evil-os-system.pkl"): "cannot be opened",
        str(fixtures / "foreign-state-dict.pt"): "a state dict of 62 tensors",
        str(fixtures): "checkpoints in",
        "nothing.pkl": "There is no file nothing.pkl",
        "http://127.0.0.1:9/x.pkl": "cannot be fetched",
    }.items():
        assert main(["convert", file, "out"]) == 2
        output = capsys.readouterr()
        assert words in output.err and "Traceback" not in output.err and not output.out
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    assert main(["convert", str(fixtures / "dcgan-tutorial.pth"), "full"]) == 2
    with pytest.raises(GANError, match="cannot be made of a single file"):
        TextPipeline.from_single_file(fixtures / "dcgan-tutorial.pth")
    with pytest.raises(GANError, match="does not know colour"):
        GANPipeline.from_single_file(fixtures / "dcgan-tutorial.pth", colour=1)


def test_shown_in_the_studio(fixtures: Path, tmp_path: Path) -> None:
    GANPipeline.from_single_file(fixtures / "stylegan3-t.pkl").save_pretrained(tmp_path / "converted")
    registry = Registry(offered_models([str(tmp_path / "converted")], bundled=tmp_path))
    assert registry.names("image") == ["converted"]
    pipeline = registry.get("converted", ImagePipeline)
    assert pipeline.facts() == {"width": 32, "height": 32, "channels": 3}
    assert pipeline.critic() is not None  # left out when it was loaded, and fetched when it is asked for


# Several sources, opened by one client process.
CLIENT = """
import json, sys
from gan import GANError, GANPipeline
found = []
for source in json.loads(sys.argv[1]):
    try:
        found.append(GANPipeline.from_single_file(source).training_record["imported"])
    except GANError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def test_a_checkpoint_in_the_studio(fixtures: Path, tmp_path: Path) -> None:
    file = fixtures / "stylegan2-ada-conditional.pkl"
    registry = Registry(offered_models([str(file), "someone/faces/model.pkl"], bundled=tmp_path))
    assert registry.names("image") == ["stylegan2-ada-conditional", "someone/faces/model.pkl"]
    assert registry.get("stylegan2-ada-conditional", ImagePipeline)(7).images[0].size == (32, 32)
    assert registry.source("other/faces/some/model.pt") == "other/faces/some/model.pt"
    for name in (str(file), "../faces/model.pkl", "someone/faces/../model.pkl", "someone/faces/model.exe"):
        with pytest.raises(GANError, match="There is no model"):
            registry.source(name)


def test_whatever_names_a_checkpoint_is_offered(fixtures: Path, tmp_path: Path) -> None:
    assert is_single_file("user/name/network.pkl") and is_single_file("user/name/model_best.pth.tar")
    assert not is_single_file("user/name") and not is_single_file("user/name/pictures.tar")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "network.pkl").symlink_to(fixtures / "stylegan3-t.pkl")
    address = "https://example.org/models/ffhq.pkl?download=1"
    given = [
        str(tmp_path / "one/network.pkl"),
        str(tmp_path / "two/network.pkl"),
        str(fixtures / "biggan-deep"),
        address,
    ]
    offered = offered_models(given, bundled=tmp_path / "none")
    assert list(offered) == ["network", str((fixtures / "stylegan3-t.pkl").resolve()), "biggan-deep", "ffhq"]
    assert Registry(offered).get("biggan-deep", ImagePipeline).generator.family == "BigGAN-deep"
    assert Registry(offered).source("ffhq") == address


def test_paths_and_addresses_are_for_this_machine_alone(fixtures: Path) -> None:
    file, address = str(fixtures / "stylegan3-t.pkl"), "https://example.org/ffhq.pkl"
    mine, others = Registry({"x": "user/x"}, allow_paths=True), Registry({"x": "user/x"})
    assert mine.get(f" {file} ", ImagePipeline).generator.family == "StyleGAN3" and mine.source(address) == address
    for name in (file, address):
        with pytest.raises(GANError, match=r"or give a Hub id like user/name or user/name/file.pkl.$"):
            others.source(name)


def test_classes_without_names_go_by_their_numbers(fixtures: Path, tmp_path: Path) -> None:
    pipeline = GANPipeline.from_single_file(fixtures / "stylegan2-ada-conditional.pkl")
    assert pipeline.labels == ["0", "1", "2"] and pipeline(7, label="1").labels == ["1"]
    assert "of 3 classes (0, 1, 2)" in pipeline.describe()
    registry = Registry(offered_models([str(fixtures / "stylegan2-ada-conditional.pkl")], bundled=tmp_path))
    settings = {"model": "stylegan2-ada-conditional", "seed": 7, "truncation": 1.0, "rows": "classes"}
    pictures, _, total = images_for_page(registry, settings)
    assert total == 24 and {picture["label"] for picture in pictures} == {"0", "1", "2"}


def test_the_panel_says_whose_a_model_is(fixtures: Path) -> None:
    pipeline = GANPipeline.from_single_file(fixtures / "stylegan2-ada-conditional.pkl")
    html = panel_html(describe("faces", pipeline), [], EN)
    assert "<dd>StyleGAN2</dd>" in html and "<dd>stylegan2-ada-conditional.pkl</dd>" in html
    assert "not stated: ask its authors" in html and "<dd>3: 0, 1, 2</dd>" in html and "4,921 parameters" in html


@pytest.mark.hub
def test_from_the_hub(fixtures: Path, tmp_path: Path) -> None:
    with HubServer(tmp_path / "hub") as hub:
        files = {"README.md": b"---\nlicense: mit\n---\n", "model.pkl": (fixtures / "stylegan3-t.pkl").read_bytes()}
        hub.create("model", "someone/faces", files)
        hub.create("model", "someone/two", {"a.pkl": b"", "b.pkl": b""})
        big = fixtures / "biggan-deep"
        hub.create("model", "someone/big", {path.name: path.read_bytes() for path in big.iterdir()})
        sources = ["someone/faces", "someone/faces/model.pkl", f"{hub.url}/someone/faces/resolve/main/model.pkl"]
        sources += ["someone/big", "someone/two", "someone/faces/x.pkl", "someone/nobody"]
        env = environment(tmp_path / "home", hub.env(tmp_path / "home/huggingface"))
        client = python("-c", CLIENT, json.dumps(sources), env=env, cwd=tmp_path).check()
    *faces, big_record, two, missing, nobody = json.loads(client.out)
    assert all(record["from"] == "someone/faces/model.pkl" and record["license"] == "mit" for record in faces)
    assert big_record["family"] == "BigGAN-deep" and big_record["license"] is None
    assert two.startswith("There are 2 checkpoints in someone/two, a.pkl, b.pkl; name one of them")
    assert missing.startswith("someone/faces holds no file x.pkl")
    assert "knows no such repository" in nobody


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("stylegan2-ada-conditional.pkl", "latents"),
        ("r3gan-conditional.pkl", "latents"),
        ("dcgan-tutorial.pth", "seeds"),
        ("lightweight-gan.pt", "seeds"),
    ],
)
def test_exported(fixtures: Path, name: str, inputs: str) -> None:
    """`export` compares with PyTorch itself, and writes nothing that differs by more than 1e-4."""
    pipeline = GANPipeline.from_single_file(fixtures / name)
    made = export(pipeline, inputs=inputs)
    assert made.record["largest_difference"] < 1e-4 and ("seeds" in made.record["inputs"]) == (inputs == "seeds")


PER_LAYER = ("layer_names", "kernels", "up_factors", "down_factors", "up_filters", "down_filters", "paddings", "rates")


def shortened(generator: Any, **settings: Any) -> ImagePipeline:
    """A generator of fewer layers, filters and weights from a larger one where they fit, the others drawn: the time
    that an export takes is one of layers."""
    made = type(generator).from_config(generator.config, **settings)
    chance, known = torch.Generator().manual_seed(0), generator.state_dict()
    drawn = {name: torch.rand(tensor.shape, generator=chance) for name, tensor in made.state_dict().items()}
    fit = {name: tensor for name, tensor in known.items() if name in drawn and drawn[name].shape == tensor.shape}
    made.load_state_dict(drawn | fit)
    return ImagePipeline(made)


def test_long_generators_are_exported(fixtures: Path) -> None:
    """BigGAN-deep; StyleGAN3, with the averages of classes that StyleGAN-XL adds. `python benchmarks/zoo.py export`
    exports all layers."""
    biggan = GANPipeline.from_single_file(fixtures / "biggan-deep").generator
    short = {"channels": (biggan.config.channels[0], 8), "up": (1,), "attention": 0, "resolution": (8, 8)}
    stylegan = GANPipeline.from_single_file(fixtures / "stylegan3-t.pkl").generator
    kept = {name: [getattr(stylegan.config, name)[k] for k in (0, -1)] for name in PER_LAYER}
    kept["channels"] = [*stylegan.config.channels[:2], stylegan.config.channels[-1]]
    of_classes = {"num_classes": 2, "embedding_dim": 8, "class_averages": True}
    for pipeline in (shortened(biggan, **short), shortened(stylegan, **kept, **of_classes)):
        made = export(pipeline, inputs="latents")
        assert list(made.record["inputs"]) == ["latents", "truncation", "class_weights"]
        assert made.record["largest_difference"] < 1e-4


def test_seeds_of_a_graph_are_those_of_the_model(fixtures: Path) -> None:
    for name in ("rosinality-stylegan2.pt", "dcgan-tutorial.pth", "lightweight-gan.pt"):
        pipeline = GANPipeline.from_single_file(fixtures / name)
        made, _ = SeedNoise(pipeline.generator.latent_dim, ())(torch.tensor([7, 8]))
        assert torch.allclose(made, pipeline.latents([7, 8])[0], atol=1e-5)


def test_what_is_refused(fixtures: Path, tmp_path: Path) -> None:
    """A flag or command that a family cannot obey says so."""
    pipeline = GANPipeline.from_single_file(fixtures / "dcgan-tutorial.pth")
    with pytest.raises(GANError, match="drawn by numpy, which no graph can do; export it with --inputs"):
        export(GANPipeline.from_single_file(fixtures / "r3gan-conditional.pkl"))
    with pytest.raises(GANError, match="no discriminator"):
        pipeline(1, critic_steps=1)
