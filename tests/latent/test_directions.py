"""Directions: they are found, they do what their names say, and they are stored with the model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan import GANError, GANPipeline, ImagePipeline
from gan.latent import directions
from gan.latent.directions import Directions


class LinearGenerator(nn.Module):
    """Codes are latents, twice; samples are linear in them: what directions should be is known."""

    latent_dim, class_counts = 4, ()
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self) -> None:
        super().__init__()
        self.mixing = torch.tensor([[1.0, 0, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 3, 0]])

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        return torch.stack([latents, latents], dim=1)

    def draw(self, codes: Tensor) -> Tensor:
        return codes.mean(1) @ self.mixing.T

    def code_weights(self) -> list[Tensor]:
        return [self.mixing / 2, self.mixing / 2]


def measure(codes: Tensor) -> dict[str, Tensor]:
    return dict(zip(("one", "like one", "another"), LinearGenerator().draw(codes).unbind(1)))


def find_linear() -> tuple[Directions, Tensor]:
    generator = LinearGenerator()
    latents = torch.randn(2000, 2, 4, generator=torch.Generator().manual_seed(0))
    return directions.find(generator, measure, latents, None, [])


def test_a_measured_direction_moves_what_it_is_named_after():
    found, deviation = find_linear()
    codes = LinearGenerator().codes(torch.randn(50, 4))
    directions.score(found, measure, codes, deviation)
    for name in ("one", "like one", "another"):
        record = found.records[name]
        assert record["source"] == "measured" and record["monotone"] == 1 and record["effect"] > 3
        assert record["leakage"] < record["effect"] / 4


def test_attributes_that_go_together_are_kept_apart():
    latents = torch.randn(2000, 1, 4, generator=torch.Generator().manual_seed(0))
    targets = latents[:, 0] @ LinearGenerator().mixing[:2].T
    apart, together = (directions.regressed(latents, targets, shared) for shared in (1e-3, 1e3))
    moved = [(vectors[0, 0] @ LinearGenerator().mixing[:2].T).tolist() for vectors in (apart, together)]
    assert abs(moved[0][1] / moved[0][0]) < 0.05  # the other one stays
    assert moved[1][1] / moved[1][0] > 0.7


def test_sefa_finds_what_the_weights_amplify():
    vectors = directions.normalised(directions.sefa(LinearGenerator(), torch.ones(4), count=2))
    assert vectors.shape == (2, 2, 4)
    assert vectors[0, 0].abs().argmax() == 2  # the weight of 3
    assert torch.allclose(vectors[:, 0].norm(dim=1), torch.ones(2))


def test_classes_are_taken_out(pipeline: ImagePipeline):
    labels = torch.arange(600) % 3
    values = torch.randn(600, 2) + labels[:, None] * 10
    left = directions.within_classes(values, labels, (3,))
    assert torch.allclose(torch.stack([left[labels == k].mean(0) for k in range(3)]), torch.zeros(3, 2), atol=1e-4)
    columns = torch.stack([labels, torch.arange(600) % 2], dim=1)
    left = directions.within_classes(values + columns[:, 1:] * 7, columns, (3, 2))
    assert left.std(0).max() < 1.2


@pytest.fixture
def steered(pipeline: ImagePipeline) -> ImagePipeline:
    pipeline.find_directions(num_samples=300, num_scored=20)
    return pipeline


def test_directions_of_a_model(steered: ImagePipeline):
    names = list(steered.directions.vectors)
    assert {"brightness", "width", "warmth", "class Ada", "component 1"} <= set(names)
    record = steered.directions.records["brightness"]
    assert record["monotone"] > 0.8 and record["effect"] > 0
    # All but those towards a class leave the class embedding and the gain as they are.
    for name, vector in steered.directions.vectors.items():
        assert vector.shape == steered.code_shape and not vector[:, -1].any()
        towards_class = steered.directions.records[name]["source"] == "class"
        moved = [float(part.abs().max()) > 1e-6 for part in (vector[:, :12], vector[:, 12:])]
        assert moved == [not towards_class, towards_class]


def test_edits(steered: ImagePipeline):
    def brightness(images: list[Any]) -> float:
        return float(np.mean([np.asarray(image, dtype=float).mean() for image in images]))

    codes = torch.cat([steered.codes_of(seed) for seed in range(20)])
    levels = [brightness(steered.edit(codes, {"brightness": strength}).images) for strength in (-3, 0, 3)]
    assert levels == sorted(levels) and levels[0] < levels[2]
    one = steered.edit(4, {"width": 1.0, "component 2": -2.0})
    both = steered.directions.vectors["width"] - 2 * steered.directions.vectors["component 2"]
    assert torch.allclose(one.codes, steered.codes_of(4) + both, atol=1e-6)


def test_they_are_listed_by_name(steered: ImagePipeline):
    names = list(steered.directions)
    assert names[0] == "brightness" and "slant" in steered.directions and "nose" not in steered.directions
    assert repr(steered.directions).startswith("Directions(brightness, contrast, ")


@pytest.mark.parametrize(
    ("samples", "refusal"), [((1, 10), "on 1 samples; take 50 or more"), ((100, 0), "scored on 0 samples")]
)
def test_too_few_samples(make_pipeline: Any, samples: tuple[int, int], refusal: str):
    with pytest.raises(GANError, match=refusal):
        make_pipeline().find_directions(*samples)


def test_saved_with_the_model_and_loaded_again(steered: ImagePipeline, tmp_path: Path):
    steered.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    assert list(loaded.directions.vectors) == list(steered.directions.vectors)
    assert loaded.directions.records == steered.directions.records
    for name, vector in steered.directions.vectors.items():
        assert torch.equal(loaded.directions.vectors[name], vector)
    again = loaded.edit(3, {"brightness": 1.5}).images[0]
    assert np.array_equal(np.asarray(again), np.asarray(steered.edit(3, {"brightness": 1.5}).images[0]))


def test_directions_of_the_model_before_go(steered: ImagePipeline, tmp_path: Path):
    steered.save_pretrained(tmp_path / "model")
    steered.directions = Directions()
    steered.save_pretrained(tmp_path / "model")
    assert not list((tmp_path / "model").glob("directions.*"))


def test_a_new_name_is_saved(steered: ImagePipeline, tmp_path: Path):
    steered.directions = steered.directions.renamed("component 1", "smile")
    steered.save_pretrained(tmp_path / "model")
    loaded = GANPipeline.from_pretrained(tmp_path / "model")
    names = list(loaded.directions.vectors)
    assert "smile" in names and "component 1" not in names
    codes = loaded.codes_of(1)
    old, new = (loaded.directions.apply(codes, {name: 1.0}) for name in ("component 1", "smile"))
    assert torch.equal(old, new)  # links and programs of before still work
    assert directions.ranked(loaded.directions.records)[0] == "smile"
    with pytest.raises(GANError, match="no direction 'grin'"):
        steered.directions.renamed("grin", "smirk")
    with pytest.raises(GANError, match="cannot be called 'width'"):
        steered.directions.renamed("smile", "width")


@pytest.mark.parametrize("strength", [11, float("nan"), "much", True])
def test_strengths_that_cannot_be_used(steered: ImagePipeline, strength: Any):
    with pytest.raises(GANError, match="for 'width' cannot be used; it goes from -10 to 10"):
        steered.edit(1, {"width": strength})


def test_a_direction_that_is_not_there(steered: ImagePipeline, pipeline: ImagePipeline):
    with pytest.raises(GANError, match="no direction 'smile'; this model has brightness, "):
        steered.edit(1, {"smile": 1.0})
    steered.directions = Directions()
    with pytest.raises(GANError, match="no direction 'smile'; this model has component 1, "):
        steered.edit(1, {"smile": 1.0})
    with pytest.raises(GANError, match=r"has none; `python -m gan\.latent directions MODEL` finds some"):
        Directions().apply(steered.codes_of(1), {"smile": 1.0})


def test_a_model_that_came_without_any_has_those_of_its_weights(pipeline: ImagePipeline):
    assert not pipeline.directions
    usable = pipeline.usable_directions()
    assert list(usable.vectors) == [f"component {k}" for k in range(1, 7)]
    assert all(vector.shape == pipeline.code_shape for vector in usable.vectors.values())
    assert pipeline.edit(1, {"component 1": 1.0}).images
    assert not pipeline.directions  # nor are they saved


def test_there_is_no_way_towards_the_only_class(make_pipeline: Any):
    pipeline = make_pipeline(labels=["only"])
    pipeline.find_directions(num_samples=60, num_scored=4)
    assert "brightness" in pipeline.directions and "class only" not in pipeline.directions


def test_many_classes_have_no_directions_of_their_own(make_pipeline: Any):
    pipeline = make_pipeline(labels=[f"class {k}" for k in range(directions.MANY_CLASSES + 1)])
    pipeline.find_directions(num_samples=60, num_scored=4)
    assert {record["source"] for record in pipeline.directions.records.values()} == {"measured", "sefa"}


def test_the_card_says_what_directions_do(steered: ImagePipeline, tmp_path: Path):
    for record in steered.directions.records.values():
        record.pop("class_kept", None)
    steered.save_pretrained(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "### Directions" in card and "| brightness |" in card and "component 1" not in card
    assert "class kept" not in card and "does not tell those of unedited samples surely enough" in card
    steered.directions.records["ink"]["class_kept"] = 0.9
    assert "class kept ↑" in steered.card("model")
    steered.directions.records["ink"]["changes"] = 7
    with pytest.raises(GANError, match="are damaged"):
        steered.card("model")


def damage_json(folder: Path) -> None:
    (folder / "directions.json").write_text("{")


def damage_vectors(folder: Path) -> None:
    (folder / "directions.safetensors").write_bytes(b"no")


def miss_one(folder: Path) -> None:
    records = json.loads((folder / "directions.json").read_text())
    (folder / "directions.json").write_text(json.dumps(records | {"smile": {}}))


def change(**record: Any) -> Any:
    def damage(folder: Path) -> None:
        records = json.loads((folder / "directions.json").read_text())
        records["width"] |= record
        (folder / "directions.json").write_text(json.dumps(records))

    return damage


DAMAGES = [damage_json, damage_vectors, miss_one, change(range="all"), change(range=[3, -3]), change(source=1)]
DAMAGES += [change(formerly=7), change(effect="much")]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_directions(steered: ImagePipeline, tmp_path: Path, damage: Any):
    steered.save_pretrained(tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(GANError, match=r"directions of .*model are damaged; find them anew"):
        GANPipeline.from_pretrained(tmp_path / "model")


def test_directions_of_another_model(steered: ImagePipeline, make_pipeline: Any, tmp_path: Path):
    make_pipeline(resolution=(28, 28), labels=None).save_pretrained(tmp_path / "model")
    steered.directions.save(tmp_path / "model")
    with pytest.raises(GANError, match="do not fit its generator"):
        GANPipeline.from_pretrained(tmp_path / "model")
