"""What a file is of is seen by its content, and what cannot be opened is said in a sentence."""

import json
import random
from pathlib import Path

import pytest
import torch

from gan.errors import GANError
from gan.zoo import biggan
from gan.zoo.checkpoint import FAILURES, read_checkpoint
from gan.zoo.family import Imported
from gan.zoo.opening import open_checkpoint

CHECKPOINTS = [
    "dcgan-tutorial.pth",
    "stylegan2-ada-conditional.pkl",
    "stylegan2-ada-unconditional.pkl",
    "stylegan2-ada-orig.pkl",
    "stylegan2-ada-resnet.pkl",
    "stylegan3-t.pkl",
    "stylegan3-r.pkl",
    "styleganxl.pkl",
    "biggan-deep/pytorch_model.bin",
    "lightweight-gan.pt",
    "lightweight-gan-128.pt",
    "rosinality-stylegan2.pt",
    "r3gan-conditional.pkl",
]
FLIPS = 30


def copied(path: Path, to: Path) -> Path:
    """The file under a name that says nothing, and the `config.json` beside it."""
    (to / "x").write_bytes(path.read_bytes())
    if (config := path.with_name("config.json")).exists():
        (to / "config.json").write_bytes(config.read_bytes())
    return to / "x"


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_names_do_not_matter(fixtures: Path, tmp_path: Path, name: str) -> None:
    assert isinstance(open_checkpoint(copied(fixtures / name, tmp_path)), Imported)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("foreign-state-dict.pt", "a state dict of 62 tensors, conv1.weight, bn1.weight, bn1.bias …"),
        ("not-a-gan.pkl", "a dict with the keys one, two, forty-two, big"),
    ],
)
def test_what_is_not_recognised_is_described(fixtures: Path, name: str, description: str) -> None:
    with pytest.raises(GANError) as error:
        open_checkpoint(fixtures / name)
    assert description in str(error.value) and str(error.value).startswith(name)


def test_a_hostile_file_does_nothing(fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GANError, match=r"^evil-os-system\.pkl cannot be opened"):
        open_checkpoint(fixtures / "evil-os-system.pkl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_damaged_files_end_in_a_sentence(fixtures: Path, tmp_path: Path, name: str) -> None:
    """Bits flipped anywhere, more and more of them, and at last the end cut off: a model, or one sentence."""
    chance = random.Random(name)
    path = copied(fixtures / name, tmp_path)
    whole = path.read_bytes()
    for flip in range(FLIPS):
        data = bytearray(whole)
        for _ in range(1 + 2 * flip):
            place = chance.randrange(len(data))
            data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data[: chance.randrange(len(data))] if flip == FLIPS - 1 else data)
        try:
            assert isinstance(open_checkpoint(path), Imported)
        except GANError as error:
            assert str(error).startswith("x ") and "\n" not in str(error)


def test_tensors_that_do_not_fit_each_other(fixtures: Path) -> None:
    content = read_checkpoint(fixtures / "biggan-deep/pytorch_model.bin")
    config = json.loads((fixtures / "biggan-deep/config.json").read_text())
    content["generator.gen_z.weight_u"].shape = (0,)
    with pytest.raises(RuntimeError):  # which `open_checkpoint` knows as damage
        biggan.recognise(content, config=config)
    assert issubclass(RuntimeError, FAILURES)


def test_images_of_other_channels(fixtures: Path, tmp_path: Path) -> None:
    state = {name: tensor.tensor() for name, tensor in read_checkpoint(fixtures / "dcgan-tutorial.pth").items()}
    state["main.12.weight"] = state["main.12.weight"][:, [0, 1, 2, 0]]
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(GANError, match=r"^x\.pth cannot be opened\. The generator draws 4 channels"):
        open_checkpoint(tmp_path / "x.pth")
