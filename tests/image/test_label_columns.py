"""Pictures with several labels each: animal and colour at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cli import environment, read, train_each
from huggingface_hub import constants
from PIL import Image

from gan import GANError, GANPipeline, ImageDiscriminator, ImageEncoder, ImageGenerator, ImagePipeline
from gan.export import __main__ as export
from gan.image import data, metrics
from gan.image.data import ImageSet
from gan.image.features import classifier_for
from gan.image.objectives import coding_loss
from gan.image.task import ImageTask
from gan.training import arguments

COLUMNS = {"animal": ["cat", "dog"], "colour": ["black", "red", "white"]}
SHAPE = {"resolution": (16, 16), "num_classes": (2, 3), "channels": (16, 16, 8)}


def folder(root: Path, count: int = 24) -> Path:
    """Pictures of noise, and a table of what they show."""
    root.mkdir(parents=True)
    lines = ["file_name,animal,colour"]
    for k in range(count):
        pixels = np.random.default_rng(k).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{k:02}.png")
        lines.append(f"{k:02}.png,{COLUMNS['animal'][k % 2]},{COLUMNS['colour'][k % 3]}")
    (root / "metadata.csv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def pipeline() -> ImagePipeline:
    torch.manual_seed(0)
    players = ImageGenerator(latent_dim=8, **SHAPE), ImageDiscriminator(**SHAPE)
    with torch.no_grad():
        for parameter in players[0].parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return ImagePipeline(*players, COLUMNS)


def test_columns_are_read(tmp_path: Path) -> None:
    words = ["image", "--train_data_dir", str(folder(tmp_path / "set")), "--label_column", "animal", "colour"]
    train_set, test_set = data.load(arguments.parser({"image": ImageTask}).parse_args(words))
    assert train_set.label_names == test_set.label_names == COLUMNS
    assert train_set.labels.shape == (22, 2) and test_set.labels.shape == (2, 2)
    assert list(train_set.report.classes) == ["animal", "colour"]
    turned = train_set.in_order(["colour", "animal"])
    assert list(turned.label_names) == ["colour", "animal"]
    assert np.array_equal(turned.labels, train_set.labels[:, ::-1])


def test_each_column_is_asked_for_or_drawn(pipeline: ImagePipeline) -> None:
    _, drawn = pipeline.latents(list(range(30)))
    assert drawn.shape == (30, 2)
    assert [drawn[:, k].unique().tolist() for k in (0, 1)] == [[0, 1], [0, 1, 2]]
    _, dogs = pipeline.latents(list(range(30)), "dog")
    assert (dogs[:, 0] == 1).all() and torch.equal(dogs[:, 1], drawn[:, 1])
    for label in ("dog, white", "colour=white, animal=dog", {"animal": "dog", "colour": "white"}):
        out = pipeline(seed=3, num_images=2, label=label)
        assert out.labels == ["dog, white"] * 2
    alone = pipeline(seed=4, label="dog, white").images[0]
    assert alone.tobytes() == out.images[1].tobytes()
    latents, classes = pipeline.latents([3, 4])
    again = pipeline(latents=latents, class_labels=classes)
    assert [image.tobytes() for image in again.images] == [i.tobytes() for i in pipeline(seed=3, num_images=2).images]
    with pytest.raises(GANError, match=r"class indices \[0, 9\] cannot be used; this model has \[2, 3\] classes"):
        pipeline(class_labels=[[0, 9]])
    for label, reason in (
        ("bird", "unknown"),
        ({"size": "big"}, "no labels called 'size'"),
        ("colour=green", "no colour"),
    ):
        with pytest.raises(GANError, match=reason):
            pipeline(label=label)


def test_columns_are_saved_and_loaded(pipeline: ImagePipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    assert loaded.labels == COLUMNS and list(loaded.labels) == ["animal", "colour"]
    assert loaded(seed=5).images[0].tobytes() == pipeline(seed=5).images[0].tobytes()
    card = (tmp_path / "model" / "README.md").read_text()
    assert "by animal (cat, dog) and colour (black, red, white)" in card
    assert 'label={"animal": "cat", "colour": "black"}' in card
    assert loaded.label_choices() == ["animal=cat", "animal=dog", "colour=black", "colour=red", "colour=white"]


def test_a_page_of_several_columns_is_refused(
    pipeline: ImagePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.save_pretrained(tmp_path / "model")
    assert export.main([str(tmp_path / "model"), "--page", str(tmp_path / "page")]) == 2
    assert "several label columns" in capsys.readouterr().err


def test_between_two_pictures_classes_are_mixed(pipeline: ImagePipeline) -> None:
    out = pipeline.interpolate(0, 1, steps=5)
    ends = pipeline(seed=0, num_images=2)
    assert [out.labels[0], out.labels[-1]] == ends.labels
    assert out.images[0].tobytes() == ends.images[0].tobytes()


def test_labels_that_do_not_fit() -> None:
    generator = ImageGenerator(latent_dim=8, **SHAPE)
    with pytest.raises(GANError, match="1 columns of labels for the 2"):
        ImagePipeline(generator, None, ["cat", "dog"])
    with pytest.raises(GANError, match="2 labels for the 3 classes"):
        ImagePipeline(generator, None, {"animal": ["cat", "dog"], "colour": ["black", "red"]})


def test_measuring_asks_for_the_classes_of_the_held_out_pictures(pipeline: ImagePipeline, tmp_path: Path) -> None:
    words = ["image", "--train_data_dir", str(folder(tmp_path / "set", 60)), "--label_column", "colour", "animal"]
    train_set, test_set = data.load(arguments.parser({"image": ImageTask}).parse_args(words))
    asked = test_set.classes(torch.arange(len(test_set)))
    drawn = metrics._model_classes(pipeline, test_set, asked)
    assert torch.equal(drawn, asked.flip(1))  # in the model's order
    assert metrics.evaluate(pipeline, train_set, test_set)["metrics"]


@pytest.mark.processes
def test_a_training(tmp_path: Path) -> None:
    root, env = folder(tmp_path / "set"), environment(tmp_path / "home")
    flags = ["--train_data_dir", root, "--max_train_steps", "2", "--no-evaluate"]
    both = [*flags, "--label_column", "animal", "colour"]
    turned = [*flags, "--label_column", "colour", "animal", "--pretrained_model_name_or_path", "model"]
    one = [*flags, "--label_column", "colour", "--pretrained_model_name_or_path", "model", "--output_dir", "one"]
    lines = [[*both, "--directions", "--output_dir", "model"], [*turned, "--output_dir", "tuned"], one]
    found, _, single = (result.check() for result in train_each(lines, env, tmp_path))
    assert "Finding directions to edit along (--no-directions leaves that out)." in found.out
    model = GANPipeline.from_pretrained(tmp_path / "model")
    assert model.labels == COLUMNS
    assert model.directions.records["width"]["effect"] is not None
    assert "### Directions" in (tmp_path / "model" / "README.md").read_text()
    assert read(tmp_path / "model" / "training.json")["dataset"]["report"]["classes"].keys() == COLUMNS.keys()
    assert list(GANPipeline.from_pretrained(tmp_path / "tuned").labels) == ["animal", "colour"]
    assert "Label columns of the model: label starts as colour, animal as its mean." in single.out
    assert GANPipeline.from_pretrained(tmp_path / "one").labels == COLUMNS["colour"]


@pytest.mark.processes
def test_trainings_with_an_encoder(tmp_path: Path) -> None:
    root, env = folder(tmp_path / "set"), environment(tmp_path / "home")
    flags = ["--train_data_dir", root, "--max_train_steps", "2", "--no-evaluate", "--label_column"]
    lines = [[*flags, "animal", "colour", "--objective", kind, "--output_dir", kind] for kind in ("vae", "vaegan")]
    lines += [[*lines[1], "--pretrained_model_name_or_path", "vae", "--objective", "vae", "--output_dir", "tuned"]]
    for result in train_each(lines, env, tmp_path):
        result.check()
    mine = Image.open(root / "00.png")
    for name in ("vae", "vaegan", "tuned"):
        model = GANPipeline.from_pretrained(tmp_path / name)
        assert model.labels == COLUMNS and model.encoder.class_counts == (2, 3)
        assert len(model.reconstruct(mine).images) == 1


def test_an_encoder_names_every_column() -> None:
    torch.manual_seed(0)
    model = ImagePipeline(
        ImageGenerator(latent_dim=8, **SHAPE), None, COLUMNS, encoder=ImageEncoder(latent_dim=8, **SHAPE)
    )
    mine = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    latents, classes = model.encode([mine, mine])
    assert latents.shape == (2, 8) and classes.shape == (2, 5)
    assert [part.sum(1).tolist() for part in classes.split((2, 3), dim=1)] == [[1, 1], [1, 1]]
    animal, colour = model.reconstruct(mine).labels[0].split(", ")
    assert animal in COLUMNS["animal"] and colour in COLUMNS["colour"]
    for asked in COLUMNS["colour"]:
        assert model.reconstruct(mine, label=asked).labels == [f"{animal}, {asked}"]
    assert model.interpolate(mine, 3, label="dog").labels[0] == f"dog, {colour}"


def test_the_encoder_learns_every_column() -> None:
    labels = torch.tensor([[0, 2], [1, 0], [1, 1]])
    sure = [10 * F.one_hot(column, count).float() for column, count in zip(labels.unbind(1), (2, 3))]
    generated = {"mean": torch.zeros(3, 8), "log_variance": torch.zeros(3, 8), "class_logits": sure}
    batch = {"real": torch.zeros(3, 3, 16, 16), "labels": labels}
    loss, logs = coding_loss(generated, batch, 1.0, every=1)
    assert loss == logs["classification_loss"] < 1e-3
    for k in (0, 1):
        wrong = generated | {"class_logits": [part.roll(int(n == k), 1) for n, part in enumerate(sure)]}
        assert coding_loss(wrong, batch, 1.0, every=1)[1]["classification_loss"] == pytest.approx(10, abs=0.1)


@pytest.fixture(scope="module")
def dots() -> tuple[ImageSet, ImageSet]:
    """A thousand pictures whose animal is where they are bright, and whose colour is how much red they have."""
    sets = []
    for split, count in (("train", 1_200), ("test", 300)):
        chance = np.random.default_rng(count)
        labels = np.stack([chance.integers(0, n, count) for n in (2, 3)], axis=1)
        pixels = chance.integers(0, 40, (count, 3, 16, 16), dtype=np.uint8)
        for picture, (animal, colour) in zip(pixels, labels):
            picture[1, :, 8 * animal : 8 * animal + 8] += 120
            picture[0] += np.uint8(90 * colour)
        sets.append(ImageSet(pixels, labels, COLUMNS, "dots", split))
    return sets[0], sets[1]


def test_every_column_is_measured(
    pipeline: ImagePipeline, dots: tuple[ImageSet, ImageSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    found = metrics.evaluate(pipeline, *dots)
    rows = {record["name"]: record for record in found["metrics"]}
    for column in COLUMNS:
        row = rows[f"Class agreement, {column}"]
        assert row["type"] == f"class_agreement_{column}" and row["reference"] > 0.9 > row["value"]
    assert found["classifier_accuracy"] > 0.9
    assert "for class agreement, held-out pictures" in found["note"]
    classifier = classifier_for(dots[0])
    named = classifier.predict(torch.from_numpy(dots[1].pixels))
    assert named.shape == (300, 2) and (named.numpy() == dots[1].labels).mean(0).min() > 0.9
