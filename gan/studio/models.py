"""Which models the studio offers, and the few that are in memory, shared by everybody who has the page open."""

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from weakref import WeakValueDictionary

from gan.errors import GANError
from gan.image.pipeline import ImagePipeline
from gan.pipeline import INDEX

BUNDLED = Path(__file__).parents[2] / "weights"
OPENING = "fashion"  # the bundled model that the page opens on: the best of them
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def offered_models(given: Iterable[str] = (), bundled: Path = BUNDLED) -> dict[str, str]:
    """The models of the picker: name to source (a folder or a Hub id), the given ones first.

    Raises:
        GANError: if a given model is neither a model folder nor spelled like a Hub id, or if there is none at all.
    """
    offered = {}
    for source in given:
        if Path(source).is_dir():
            if not (Path(source) / INDEX).is_file():
                raise GANError(f"The folder {source} holds no model: it has no {INDEX}.")
            folder = Path(source).resolve()
            offered[folder.name if folder.name not in offered else str(folder)] = str(folder)
        elif HUB_ID.fullmatch(source) and not source.startswith("."):
            offered[source] = source
        else:
            raise GANError(f"There is no model at {source}; give a model's folder or a Hub id such as user/name.")
    folders = [path.parent for path in bundled.glob(f"*/{INDEX}")]
    for folder in sorted(folders, key=lambda folder: (folder.name != OPENING, folder.name)):
        if str(folder.resolve()) not in offered.values():
            offered.setdefault(folder.name, str(folder.resolve()))
    if not offered:
        raise GANError("There is no model to show; name one: python app.py --models user/name (or a model's folder).")
    return offered


def given_models(arguments: Iterable[str] = ()) -> list[str]:
    """The models named on the command line, then those in `GAN_MODELS`, which commas or spaces separate."""
    return [*arguments, *os.environ.get("GAN_MODELS", "").replace(",", " ").split()]


class Registry:
    """Loads a model the first time it is asked for and keeps the `capacity` last used.

    Args:
        offered: name to source, from `offered_models`.
        allow_paths: whether the page and the endpoints may name folders of this machine; never where strangers come.
        capacity: how many models stay in memory.
    """

    def __init__(self, offered: dict[str, str], allow_paths: bool = False, capacity: int = 4):
        self.offered = offered
        self.allow_paths = allow_paths
        self.capacity = capacity
        self._loaded: OrderedDict[str, ImagePipeline] = OrderedDict()
        self._loading: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # as long as somebody waits
        self._lock = threading.Lock()

    @property
    def default(self) -> str:
        """The model that the page opens on."""
        return next(iter(self.offered))

    def get(self, model: str) -> ImagePipeline:
        """The pipeline of an offered name, a Hub id or, where allowed, a folder.

        Raises:
            GANError: if there is no such model or it can't be loaded.
        """
        source = self.source(model)
        with self._lock:
            if source in self._loaded:
                self._loaded.move_to_end(source)
                return self._loaded[source]
            # A lock a model: a slow download keeps nobody waiting but those who asked for the same one.
            loading = self._loading.setdefault(source, threading.Lock())
        with loading:
            with self._lock:
                if source in self._loaded:
                    return self._loaded[source]
            # Nobody is judged here: without the discriminator a model loads faster and takes half the memory.
            pipeline = ImagePipeline.from_pretrained(source, discriminator=None)
            with self._lock:
                self._loaded[source] = pipeline
                if len(self._loaded) > self.capacity:
                    self._loaded.popitem(last=False)
            return pipeline

    def source(self, model: str) -> str:
        """Where an offered name, Hub id or folder is loaded from.

        Raises:
            GANError: if it is none of these.
        """
        model = str(model or "").strip()
        if model in self.offered:
            return self.offered[model]
        if self.allow_paths and Path(model).is_dir():
            return str(Path(model).resolve())
        # A Hub id is never looked up on the disk, whatever folder happens to carry its name.
        if HUB_ID.fullmatch(model) and not model.startswith(".") and not Path(model).exists():
            return model
        raise GANError(
            f"There is no model {model!r}; choose one of {', '.join(self.offered)}, or give a Hub id like user/name."
        )
