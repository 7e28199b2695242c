"""Which models the studio offers, and the few that are in memory, shared by everybody who has the page open."""

import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from torch import nn

from gan.audio.pipeline import AudioPipeline
from gan.errors import GANError
from gan.hub import client as hub
from gan.image.pipeline import ImagePipeline
from gan.pipeline import INDEX, GANPipeline
from gan.studio.model_info import kind
from gan.text.pipeline import TextPipeline

BUNDLED = Path(__file__).parents[2] / "weights"
Pipeline = TypeVar("Pipeline", bound=GANPipeline)
OPENING = "fashion"  # the bundled model that the page opens on: the best of them
BUDGET = 2**30  # a Space on free hardware has 16 GiB, and torch, diffusers and gradio take one
HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


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
    """Loads a model the first time it is asked for and keeps those last used, as many as fit into memory.

    Args:
        offered: name to source, from `offered_models`.
        allow_paths: whether the page and the endpoints may name folders of this machine; never where strangers come.
        budget: bytes that the weights of models may take together; the one in use stays, however large.
    """

    def __init__(self, offered: dict[str, str], allow_paths: bool = False, budget: int = BUDGET):
        self.offered = offered
        self.allow_paths = allow_paths
        self.budget = budget
        self._loaded: OrderedDict[str, GANPipeline] = OrderedDict()
        self._loading: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # as long as somebody waits
        self._lock = threading.Lock()

    def names(self, wanted: str) -> list[str]:
        """The offered models of a kind, one of `KINDS`. What isn't known of a Hub id counts as pictures."""
        return [model for model, source in self.offered.items() if (kind(source) or "image") == wanted]

    def default(self, wanted: str) -> str:
        """The first offered model of a kind; "", which no model is called, where there is none."""
        return next(iter(self.names(wanted)), "")

    def image_model(self, model: str) -> ImagePipeline:
        """As `get`, of a model of pictures; it comes without its discriminator.

        Raises:
            GANError: as for `get`, and if it makes something else.
        """
        return self._that_makes(model, ImagePipeline, "pictures", "image")

    def text_model(self, model: str) -> TextPipeline:
        """As `get`, of a model of text; it comes with its critic, where it has one.

        Raises:
            GANError: as for `get`, and if it makes something else.
        """
        return self._that_makes(model, TextPipeline, "texts", "text")

    def audio_model(self, model: str) -> AudioPipeline:
        """As `get`, of a model of sound; it comes without its discriminator.

        Raises:
            GANError: as for `get`, and if it makes something else.
        """
        return self._that_makes(model, AudioPipeline, "sound", "audio")

    def get(self, model: str) -> GANPipeline:
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
            self.ask(source)
            # Only text is judged here: without the discriminator the others load faster and take half the memory.
            unused = {} if kind(source) == "text" else {"discriminator": None}
            pipeline = GANPipeline.from_pretrained(source, token=self._token(source), **unused)
            with self._lock:
                self._loaded[source] = pipeline
                while len(self._loaded) > 1 and sum(map(weight, self._loaded.values())) > self.budget:
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
        if self.allow_paths and _is_folder(model):
            return str(Path(model).resolve())
        # A Hub id is never looked up on the disk, whatever folder happens to carry its name.
        if HUB_ID.fullmatch(model) and not model.startswith(".") and not Path(model).exists():
            return model
        raise GANError(
            f"There is no model {model!r}; choose one of {', '.join(self.offered)}, or give a Hub id like user/name."
        )

    def ask(self, source: str) -> None:
        """Fetches the index of a model on the Hub that has never been here: it says what kind of model it is.

        Raises:
            GANError: if it can't be fetched.
        """
        if not Path(source).is_dir() and kind(source) is None:
            hub.download(source, files=[INDEX], token=self._token(source))

    def _token(self, source: str) -> bool | None:
        """Whose rights a model is fetched with: those of whoever runs this (`None`) for what they offer and where
        nobody else comes, otherwise nobody's (`False`), or strangers could open their private models."""
        return None if self.allow_paths or source in self.offered.values() else False

    def _that_makes(self, model: str, kind: type[Pipeline], called: str, wanted: str) -> Pipeline:
        pipeline = self.get(model)
        if not isinstance(pipeline, kind):
            raise GANError(f"{model} makes {pipeline.unit}, not {called}; {self._some(wanted)}")
        return pipeline

    def _some(self, wanted: str) -> str:
        names = self.names(wanted)
        return f"choose one of {', '.join(names)}." if names else "none is offered here."


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # a name too long for any file
        return False


def weight(pipeline: GANPipeline) -> int:
    """Bytes of a model's parameters."""
    networks = [network for network in pipeline.components.values() if isinstance(network, nn.Module)]
    return sum(p.numel() * p.element_size() for network in networks for p in network.parameters())


def ask_kinds(registry: Registry, seconds: float = 5.0) -> None:
    """Fetches the indexes of offered Hub models that have never been here, so that each is offered where it belongs.

    Waits no longer than `seconds`; where there is no line, the page opens all the same.
    """

    def fetch(source: str) -> None:
        with suppress(GANError):  # said when the model is opened
            hub.download(source, files=[INDEX])

    unknown = [source for source in registry.offered.values() if not Path(source).is_dir() and kind(source) is None]
    asking = [threading.Thread(target=fetch, args=(source,), daemon=True) for source in unknown]
    for thread in asking:
        thread.start()
    end = time.monotonic() + seconds
    for thread in asking:
        thread.join(max(0.0, end - time.monotonic()))
