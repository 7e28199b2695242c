"""Tiny checkpoints of random numbers, and what the original implementations compute from them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

from gan.zoo.family import Imported, ZooDiscriminator, ZooGenerator
from gan.zoo.opening import open_checkpoint

FIXTURES = Path(__file__).parents[1] / "fixtures/zoo"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of the checkpoints."""
    return FIXTURES


@pytest.fixture(scope="session")
def opened() -> Callable[..., Imported]:
    """Opens a fixture, once."""
    kept: dict[tuple[str, ...], Imported] = {}

    def get(*names: str) -> Imported:
        if names not in kept:
            kept[names] = open_checkpoint(*[FIXTURES / name for name in names])
        return kept[names]

    return get


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, Tensor]]:
    """What the original computes from a fixture."""
    return lambda name: load_file(FIXTURES / f"{name}.reference.safetensors")


@pytest.fixture(scope="session")
def close() -> Callable[[Tensor, Tensor], bool]:
    """Whether tensors differ by less than 1e-4 of the largest value."""

    def check(found: Tensor, wanted: Tensor) -> bool:
        assert found.shape == wanted.shape
        error = float((found - wanted).abs().max() / wanted.abs().max())
        assert error < 1e-4, f"relative error {error:.2g}"
        return True

    return check


@pytest.fixture(scope="session")
def check_generator(close: Callable[[Tensor, Tensor], bool]) -> Callable[..., None]:
    """Whether a StyleGAN computes what the original did: `w`, and pictures at two truncations."""

    def check(generator: ZooGenerator, wanted: dict[str, Tensor]) -> None:
        z, labels = wanted["z"], wanted.get("labels")
        assert close(generator.codes(z, labels)[:, 0], wanted["w"])
        assert close(generator(z, labels), wanted["images_psi1"])
        assert close(generator(z, labels, 0.7), wanted["images_psi07"])

    return check


@pytest.fixture(scope="session")
def check_discriminator(close: Callable[[Tensor, Tensor], bool]) -> Callable[..., None]:
    """Whether its discriminator does."""

    def check(discriminator: ZooDiscriminator, wanted: dict[str, Tensor]) -> None:
        logits = discriminator(wanted["discriminator_images"], wanted.get("discriminator_labels"))
        assert close(logits[:, None], wanted["discriminator_logits"])

    return check
