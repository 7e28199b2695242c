"""BigGAN-deep: parity with pytorch-pretrained-BigGAN."""

import pytest
import torch

from gan.errors import GANError
from gan.zoo.biggan import row_of
from gan.zoo.opening import open_checkpoint

NAME = "biggan-deep"


@pytest.fixture(scope="module")
def generator(opened):
    return opened(f"{NAME}/pytorch_model.bin").generator


@pytest.mark.parametrize(("psi", "name"), [(1.0, "1"), (0.7, "07"), (0.43, "043"), (0.555, "0555")])
@torch.no_grad()
def test_parity(generator, reference, close, psi, name):
    wanted = reference(NAME)
    codes = generator.codes(wanted["z"], wanted["labels"], psi)
    if psi < 1:
        assert close(codes[:, 0, :8], wanted[f"z_psi{name}"])
    assert close(generator(wanted["z"], wanted["labels"], psi), wanted[f"images_psi{name}"])


@pytest.mark.parametrize(
    ("psi", "rows", "row"),
    [(0.7, 51, 35), (0.43, 51, 21.5), (0.14, 51, 8), (0.58, 51, 28), (1.0, 51, 50), (0.7, 11, 6)],
)
def test_rows_of_statistics_are_what_the_division_of_the_original_leaves(psi, rows, row):
    assert row_of(psi, rows) == pytest.approx(row, abs=1e-9)


@torch.no_grad()
def test_seeds_are_those_of_the_original(generator, reference, close):
    wanted = reference(NAME)
    z, label = generator.latent(7)[None], wanted["label_seed_7"]
    assert close(z * 0.4, wanted["z_seed_7"])
    assert close(generator(z, label.argmax(1), 0.4), wanted["image_seed_7"])


@torch.no_grad()
def test_codes_and_draw_are_forward(generator, reference):
    wanted = reference(NAME)
    codes = generator.codes(wanted["z"], wanted["labels"], 0.5)
    images, features = generator.draw(codes, return_features=True)
    assert torch.equal(images, generator(wanted["z"], wanted["labels"], 0.5))
    assert codes.shape == (3, 8, 17) and [f.shape[-1] for f in features] == [4, 8, 8, 16, 16, 32]
    assert [weight.shape[1] for weight in generator.code_weights()] == [17] * 8
    assert generator(wanted["z"], wanted["labels"], 1.5).isfinite().all()  # beyond the last statistics
    assert generator(wanted["z"], wanted["labels"], torch.tensor(0.5)).allclose(images, atol=1e-5)


def test_without_its_config(fixtures, tmp_path):
    (tmp_path / "x.bin").write_bytes((fixtures / NAME / "pytorch_model.bin").read_bytes())
    with pytest.raises(GANError, match=r"needs its config\.json beside it"):
        open_checkpoint(tmp_path / "x.bin")
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(GANError, match=r"needs its config\.json beside it"):
        open_checkpoint(tmp_path / "x.bin")


def test_a_config_is_found_by_the_name_of_its_weights(fixtures, tmp_path, generator, reference):
    """As the files were published beside those of other sizes."""
    for file in ("pytorch_model.bin", "config.json"):
        (tmp_path / f"{NAME}-32-{file}").write_bytes((fixtures / NAME / file).read_bytes())
    (tmp_path / "config.json").write_text("{}")
    found = open_checkpoint(tmp_path / f"{NAME}-32-pytorch_model.bin").generator
    z, labels = reference(NAME)["z"], reference(NAME)["labels"]
    assert torch.equal(found(z, labels), generator(z, labels))
