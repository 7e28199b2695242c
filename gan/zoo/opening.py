"""Which family a file is of, by its content: its name says nothing."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from gan.errors import GANError
from gan.labels import printable
from gan.zoo import biggan, dcgan, lightweight, r3gan, rosinality, stylegan2, stylegan3, styleganxl
from gan.zoo.checkpoint import FAILURES, looks_like, nested_states, parts, read_checkpoint, state_dict
from gan.zoo.family import Imported, ZooDiscriminator
from gan.zoo.unpickle import DamagedError

FAMILIES = (styleganxl, stylegan3, stylegan2, r3gan, rosinality, biggan, lightweight, dcgan)
CONFIG = "config.json"  # beside a file of a family whose files don't say everything
WEIGHTS = "pytorch_model.bin"  # what such a file is called, or how its name ends
MAX_CONFIG = 2**20


def open_checkpoint(path: Path, discriminator: Path | None = None) -> Imported:
    """The networks in a file of any family.

    Args:
        path: of the file; a family may need the `config.json` beside it.
        discriminator: the file of the discriminator, for families that keep one of its own.

    Raises:
        GANError: if it can't be read, is damaged, or of no known family.
    """
    content = read_checkpoint(path)
    try:
        imported = _recognised(content, path)
    except DamagedError as error:
        raise GANError(printable(f"{path.name} cannot be opened: it {error}.")) from error
    except GANError as error:  # of a network that cannot be
        raise GANError(printable(f"{path.name} cannot be opened. {error}")) from error
    except FAILURES as error:
        raise GANError(
            f"{path.name} cannot be opened: it looks like {looks_like(content)}, but is damaged or of a version that "
            f"is not known; fetch it again, or choose another file."
        ) from error
    if imported is None:
        names = ", ".join(family.NAME for family in FAMILIES)
        raise GANError(f"{path.name} cannot be opened: it looks like {looks_like(content)}, which is none of {names}.")
    if discriminator is not None:
        imported.discriminator = _discriminator(discriminator)
    return imported


def _recognised(content: Any, path: Path) -> Imported | None:
    """The networks in a file, or in the state dicts within it."""
    config = _config(path)
    for candidate in _candidates(content):
        for family in FAMILIES:
            if imported := family.recognise(candidate, config=config):
                if family is dcgan:
                    imported.discriminator = _critic(content)
                return imported
    if _critic(content) is not None:
        raise DamagedError("holds the discriminator of a DCGAN, which draws nothing; give the file of its generator")
    return None


def _candidates(content: Any) -> Iterator[Any]:
    """What may be a network: what a file holds, the state dicts within it, and the modules of each."""
    states = nested_states(content)
    yield content
    yield from states
    for state in states or [state_dict(content)]:
        yield from parts(state)


def _critic(content: Any) -> ZooDiscriminator | None:
    """The discriminator of a DCGAN in a file, `None` if there is none."""
    for candidate in _candidates(content):
        with suppress(DamagedError, *FAILURES):
            if found := dcgan.recognise_discriminator(candidate):
                return found
    return None


def _discriminator(path: Path) -> ZooDiscriminator:
    content = read_checkpoint(path)
    found = _critic(content)
    if found is None:
        raise GANError(f"{path.name} is not the discriminator of a DCGAN: it looks like {looks_like(content)}.")
    return found


def _config(path: Path) -> dict[str, Any]:
    """The contents of `config.json` beside a file, or of `x-config.json` beside an `x-pytorch_model.bin`; {} if there
    is none that can be read."""
    beside = path.with_name(path.name.removesuffix(WEIGHTS) + CONFIG)
    beside = beside if path.name.endswith(WEIGHTS) and beside.is_file() else path.parent / CONFIG
    try:
        if not beside.is_file() or beside.stat().st_size > MAX_CONFIG:
            return {}
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
