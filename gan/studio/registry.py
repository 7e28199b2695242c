"""Which models the studio offers, and those in memory, shared by all who have the page open."""

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from torch import nn

from gan.errors import GANError
from gan.hub import client as hub
from gan.labels import listed
from gan.pipeline import INDEX, PIPELINES, GANPipeline
from gan.studio.model_info import has_index, modality, pipeline_class
from gan.zoo.fetch import SUFFIXES, is_address, is_single_file

BUNDLED = Path(__file__).parents[2] / "weights"  # beside the package in the source tree
Pipeline = TypeVar("Pipeline", bound=GANPipeline)
OPENING = "avatars"  # the bundled model that the page opens on: the most colourful of them
BUDGET = 2**30  # a Space on free hardware has 16 GiB, and torch, diffusers and gradio take one
HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
CHECKPOINTS = "|".join(suffix.removeprefix(".") for suffix in SUFFIXES)
HUB_FILE = re.compile(rf"{HUB_ID.pattern}/(?!.*\.\./)[\w./-]{{1,200}}\.({CHECKPOINTS})", re.ASCII)


def offered_models(given: Iterable[str] = (), bundled: Path = BUNDLED) -> dict[str, str]:
    """The models of the picker: name to source (a folder, a Hub id, or a checkpoint of other code: its path, its
    address or its place on the Hub), the given ones first.

    Raises:
        GANError: if a given model is none of these, or if there is none at all.
    """
    offered: dict[str, str] = {}
    for given_source in given:
        name, source = _given(given_source)
        offered[name if name not in offered else source] = source
    folders = [path.parent for path in bundled.glob(f"*/{INDEX}")]
    for folder in sorted(folders, key=lambda folder: (folder.name != OPENING, folder.name)):
        if str(folder.resolve()) not in offered.values():
            offered.setdefault(folder.name, str(folder.resolve()))
    if not offered:
        raise GANError(
            "There is no model to show: the bundled ones come with the source code, in its folder weights/, and not "
            "with an installed package; name one: python -m gan.studio --models user/name (or a model's folder)."
        )
    return offered


def _given(source: str) -> tuple[str, str]:
    """The name of a model that was given, and where it is loaded from."""
    path = Path(source)
    if path.is_dir():
        if not (path / INDEX).is_file() and not is_single_file(source):
            raise GANError(f"The folder {source} holds no model: it has no {INDEX} and no checkpoint.")
        return path.resolve().name, str(path.resolve())
    if path.is_file():
        return path.stem, str(path.resolve())
    if is_address(source):
        return PurePosixPath(urlsplit(source).path).stem or source, source
    if _is_on_hub(source):
        return source, source
    raise GANError(
        f"There is no model at {source}; give a model's folder, a Hub id such as user/name, or a checkpoint: its "
        f"path, its address, or user/name/file.pkl."
    )


def given_models(arguments: Iterable[str] = ()) -> list[str]:
    """The models named on the command line, then those in `GAN_MODELS`, which commas or spaces separate."""
    return [*arguments, *os.environ.get("GAN_MODELS", "").replace(",", " ").split()]


class Registry:
    """Loads a model the first time it is asked for and keeps those last used, as many as fit into memory.

    Args:
        offered: name to source, from `offered_models`.
        allow_paths: whether the page and the API may name folders and files of this machine, and addresses that it
            can reach; only where nobody comes from elsewhere.
        budget: bytes of all weights in memory; the model in use stays, however large.
    """

    def __init__(self, offered: dict[str, str], allow_paths: bool = False, budget: int = BUDGET):
        self.offered = offered
        self.allow_paths = allow_paths
        self.budget = budget
        self._loaded: OrderedDict[str, GANPipeline] = OrderedDict()
        self._loading: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # as long as one is waited for
        self._lock = threading.Lock()

    def names(self, wanted: str) -> list[str]:
        """The offered models of a modality. What isn't known of a Hub id counts as the first modality, images."""
        unknown = next(iter(PIPELINES))
        return [model for model, source in self.offered.items() if (modality(source) or unknown) == wanted]

    def default(self, wanted: str) -> str:
        """The first offered model of a modality; "", which no model is called, where there is none."""
        return next(iter(self.names(wanted)), "")

    def get(self, model: str, wanted: type[Pipeline] = GANPipeline) -> Pipeline:  # type: ignore[assignment]
        """The pipeline of an offered name, a Hub id, a file on the Hub, or, where allowed, a folder, file or address,
        without its `training_components`.

        A repository without an index of ours is opened where it holds one checkpoint of other code.

        Args:
            wanted: the class that it must have.

        Raises:
            GANError: if there is no such model, it can't be loaded, or it is of another class.
        """
        pipeline = self._load(self.source(model))
        if not isinstance(pipeline, wanted):
            names = self.names(wanted.modality)
            remedy = f"choose one of {', '.join(names)}" if names else "none is offered here"
            raise GANError(f"{model} makes {pipeline.unit}, not {wanted.unit}; {remedy}.")
        return pipeline

    def _load(self, source: str) -> GANPipeline:
        with self._lock:
            if source in self._loaded:
                self._loaded.move_to_end(source)
                return self._loaded[source]
            # A lock a model: a slow download delays only requests for the same one.
            loading = self._loading.setdefault(source, threading.Lock())
        with loading:
            with self._lock:
                if source in self._loaded:
                    return self._loaded[source]
            self.fetch_index(source)
            if is_single_file(source) or (not Path(source).is_dir() and not has_index(source)):
                pipeline = GANPipeline.from_single_file(source, token=self._token(source))
            else:
                kind = pipeline_class(source) or GANPipeline
                unused = dict.fromkeys(kind.training_components)  # the model loads faster and takes less memory
                pipeline = GANPipeline.from_pretrained(source, token=self._token(source), **unused)
            with self._lock:
                self._loaded[source] = pipeline
                while len(self._loaded) > 1 and sum(map(parameter_bytes, self._loaded.values())) > self.budget:
                    self._loaded.popitem(last=False)
            return pipeline

    def source(self, model: str) -> str:
        """Where an offered name, a Hub id, a file on the Hub, a folder, a file or an address is loaded from.

        Raises:
            GANError: if it is none of these, or not allowed here.
        """
        model = str(model or "").strip()
        if model in self.offered:
            return self.offered[model]
        if self.allow_paths and is_address(model):
            return model
        if self.allow_paths and model and _exists(model):
            return str(Path(model).resolve())
        # A Hub id is never looked up on the disk, whatever folder happens to carry its name.
        if _is_on_hub(model) and not Path(model).exists():
            return model
        local = ", a path of this machine, or an address" if self.allow_paths else ""
        raise GANError(
            f"There is no model {model!r}; choose one of {listed(list(self.offered))}, or give a Hub id like "
            f"user/name or user/name/file.pkl{local}."
        )

    def fetch_index(self, source: str) -> None:
        """Fetches the index of a model on the Hub that has never been here: it names the class of the model.

        Raises:
            GANError: if it can't be fetched.
        """
        if _lacks_index(source):
            hub.download(source, files=[INDEX], token=self._token(source))

    def _token(self, source: str) -> bool | None:
        """The Hub token that a model is fetched with: the user's own (`None`) for what is offered and where nobody
        comes from elsewhere, otherwise none (`False`), or others could open their private models."""
        return None if self.allow_paths or source in self.offered.values() else False


def _is_on_hub(name: str) -> bool:
    """Whether this is spelled like user/name, or user/name/file.pkl."""
    return not name.startswith(".") and bool(HUB_ID.fullmatch(name) or HUB_FILE.fullmatch(name))


def _lacks_index(source: str) -> bool:
    """Whether this is a repository of the Hub whose index has not been fetched yet."""
    return not Path(source).is_dir() and not is_single_file(source) and modality(source) is None


def _exists(name: str) -> bool:
    try:
        return Path(name).is_dir() or Path(name).is_file()
    except OSError:  # a name too long for any file
        return False


def parameter_bytes(pipeline: GANPipeline) -> int:
    """Bytes of a model's parameters."""
    networks = [network for network in pipeline.components.values() if isinstance(network, nn.Module)]
    return sum(p.numel() * p.element_size() for network in networks for p in network.parameters())


def fetch_indexes(registry: Registry, seconds: float = 5.0) -> None:
    """Fetches the indexes of offered Hub models that have never been here, so that each is offered in its tab.

    Waits no longer than `seconds`; where the Hub cannot be reached, the page opens all the same.
    """

    def fetch(source: str) -> None:
        with suppress(GANError):  # reported when the model is opened
            hub.download(source, files=[INDEX])

    unknown = [source for source in registry.offered.values() if _lacks_index(source)]
    threads = [threading.Thread(target=fetch, args=(source,), daemon=True) for source in unknown]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
