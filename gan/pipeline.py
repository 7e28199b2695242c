"""`GANPipeline`: a model repository in memory. Loading, saving, publishing and seeds, the same for every modality."""

import inspect
import json
import math
import numbers
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, ClassVar, get_args

import torch
from diffusers import DiffusionPipeline
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gan.errors import GANError
from gan.hub import card
from gan.hub import client as hub
from gan.hub.repository import (
    COMPONENTS,
    INDEX,
    METRICS,
    PICTURES,
    TRAINING,
    WEIGHTS,
    check_component,
    first_sentence,
    read_index,
    read_json,
    stored_as_half,
)
from gan.labels import label_index, printable
from gan.metrics.records import with_present_names
from gan.utils.files import files_into

MAX_SEED = 2**32 - 1
_BUILDING = threading.Lock()  # while it builds a network, diffusers replaces functions of torch for all threads


class GANPipeline(DiffusionPipeline):
    """The base of `ImagePipeline` and its siblings; `GANPipeline.from_pretrained` returns the one a repository holds.

    A modality is a subclass that `register_modality` has made known: whatever the trainer, the Hub, the evaluation and
    the studio must know of it is a class attribute or method here, and is listed nowhere else.

    Attributes:
        training_record: the contents of `training.json`: how the model was made ({} if unknown).
        metrics: the contents of `metrics.json`: what was measured of it ({} if nothing was).
        neighbours: `neighbours.png`: samples beside their nearest training data (`None` if nobody looked).
        sweep: `sweep.png`: quality against diversity over temperatures (`None` if nobody looked).
        half_weights: whether weights are saved as float16; true after `halve_weights`, and where they were loaded so.
        modality: name of the modality: the sub-command of `train.py`, and the package `gan.MODALITY` where it has one.
        task: import path of its `gan.training.task.Task`, which is imported for training only.
        unit: what a sample is called, in the plural.
        files: patterns of the files that its repositories hold beside networks, records and the card.
        sample_files: those that the card shows, and that are not needed to load a model.
        hub_task: the Hub's name for what the model does.
        file_suffix, samples_per_file: of the files that `gan.sample` writes.
        losses: what the card says of each objective's loss, the default one first.
        last_objectives: those whose models are not gone on from by the same objective, but by the default one.
        training_components: networks that only training needs; the studio loads models without them.
    """

    modality: ClassVar[str]
    task: ClassVar[str]
    unit: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = ()
    sample_files: ClassVar[tuple[str, ...]] = ("samples.png",)
    hub_task: ClassVar[str]
    file_suffix: ClassVar[str]
    samples_per_file: ClassVar[int] = 1
    losses: ClassVar[dict[str, str]]
    last_objectives: ClassVar[tuple[str, ...]] = ()
    training_components: ClassVar[tuple[str, ...]] = ("discriminator",)

    _optional_components: ClassVar[list[str]] = ["discriminator", "encoder"]

    training_record: dict[str, Any]
    metrics: dict[str, Any]
    neighbours: bytes | None = None
    sweep: bytes | None = None
    half_weights: bool = False

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **kwargs: Any) -> "GANPipeline":
        """Loads a model from a folder or from the Hub. Reads safetensors and JSON only: no remote code, no pickle.

        Args:
            pretrained_model_name_or_path: a folder, or a Hub id such as `user/name`.
            kwargs: `revision`, `token`, `cache_dir`, `local_files_only` for the Hub; the rest (`torch_dtype`, ...) is
                for diffusers.

        Raises:
            GANError: if there is no such model, it isn't ours, a file is missing or damaged, or the Hub is away.
        """
        hub_kwargs = {k: kwargs.pop(k) for k in ("revision", "token", "cache_dir", "local_files_only") if k in kwargs}
        source = str(pretrained_model_name_or_path)
        folder = Path(source) if Path(source).is_dir() else Path(cls.download(source, **hub_kwargs))
        index = read_index(folder, source)
        kind = cls._kind(index, source)
        parameters = inspect.signature(kind.__init__).parameters
        for name in COMPONENTS:
            if index.get(name) not in (None, [None, None]):
                wanted = parameters[name].annotation if name in parameters else ()
                check_component(folder / name, index[name], wanted, source)
        try:
            with _BUILDING:
                pipeline = super(GANPipeline, kind).from_pretrained(folder, use_safetensors=True, **kwargs)
        except GANError as error:
            raise GANError(f"{source} cannot be loaded: {error}") from error
        except (ValueError, OSError, RuntimeError, TypeError, KeyError, AttributeError) as error:
            raise GANError(
                f"{source} cannot be loaded, its config and weights do not fit: {first_sentence(error)}."
            ) from error
        for network in pipeline.components.values():
            for parameter in network.parameters() if network is not None else ():
                # As mapped from the file it may begin at any fourth byte, and products round differently there.
                parameter.data = parameter.data.clone()
        pipeline.half_weights = stored_as_half(folder / "generator")
        pipeline.training_record = read_json(folder / TRAINING, source)
        pipeline.metrics = with_present_names(read_json(folder / METRICS, source))
        for attribute, name in PICTURES.items():
            setattr(pipeline, attribute, (folder / name).read_bytes() if (folder / name).is_file() else None)
        pipeline.read_more(folder, source)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    @classmethod
    def download(cls, pretrained_model_name: str, with_samples: bool = False, **kwargs: Any) -> str:
        """Fetches a model repository from the Hub and returns its folder in the cache.

        Overridden because diffusers looks for the code of an unknown pipeline class in the repository itself. The
        index is fetched first: a repository that isn't ours is refused before its gigabytes are on their way.

        Args:
            with_samples: fetch what the card shows, too.
        """
        folder = Path(hub.download(pretrained_model_name, files=[INDEX], **kwargs))
        kind = cls._kind(read_index(folder, pretrained_model_name), pretrained_model_name)
        files = [*hub.REPOSITORY_FILES, *kind.files, *(kind.sample_files if with_samples else ())]
        return hub.download(pretrained_model_name, files=files, **kwargs)

    @classmethod
    def _kind(cls, index: dict[str, Any], source: str) -> type["GANPipeline"]:
        """The class that an index names, if it is this one or a subclass."""
        kinds = {kind.__name__: kind for kind in PIPELINES.values()}
        kind = kinds.get(str(index.get("_class_name")))
        if kind is None or not issubclass(kind, cls):
            raise GANError(
                f"{source} holds a {index.get('_class_name', 'model of unknown kind')}, and only "
                f"{' or '.join(kinds) if cls is GANPipeline else cls.__name__} can be loaded here."
            )
        return kind

    def save_pretrained(self, save_directory: str | Path, repo_id: str | None = None) -> None:
        """Writes the whole model repository: weights, configs, `training.json`, `metrics.json`, card and samples.

        Everything is written beside its place first and then renamed: a full disk leaves what was there before.

        Args:
            repo_id: what the card calls the model; by default the folder's name.

        Raises:
            GANError: if the folder cannot be written.
        """
        folder = Path(save_directory)
        try:
            with files_into(folder) as temporary:
                self._write_repository(temporary, repo_id or printable(folder.resolve().name))
                for name in (TRAINING, METRICS, *PICTURES.values()):  # of a model that was here before
                    if not (temporary / name).exists():
                        (folder / name).unlink(missing_ok=True)
        except (OSError, SafetensorError) as error:
            raise GANError(
                f"The model could not be written to {folder} "
                f"({getattr(error, 'strerror', None) or first_sentence(error)}); what was there before is "
                f"untouched. Make room or choose another folder."
            ) from error

    def halve_weights(self) -> None:
        """Rounds all weights to float16, which is how they are saved from now on: half the file. They stay float32 in
        memory and load as float32, so samples are those that everybody gets from the saved model.

        Raises:
            GANError: if a weight is too large for float16.
        """
        networks = {name: network for name, network in self.components.items() if network is not None}
        for name, network in networks.items():
            largest = max(float(parameter.detach().abs().max()) for parameter in network.parameters())
            if not largest <= torch.finfo(torch.float16).max:
                raise GANError(f"The {name} has a weight of {largest:.3g}, which float16 cannot hold; keep float32.")
        for network in networks.values():
            for parameter in network.parameters():
                parameter.data = parameter.data.half().to(parameter.dtype)
        self.half_weights = True

    def push_to_hub(
        self, repo_id: str, private: bool | None = None, token: str | None = None, commit_message: str | None = None
    ) -> str:
        """Publishes the model repository and returns its address.

        Args:
            repo_id: `user/name`; it is created if it doesn't exist.
            private: whether a new repository is private; `None` leaves that to the organisation's default.
            token: a write token; by default the one of `hf auth login` or `HF_TOKEN`.

        Raises:
            GANError: if the Hub refuses or can't be reached.
        """
        try:
            place = tempfile.TemporaryDirectory()
        except OSError as error:
            raise GANError(f"There is no room for temporary files ({error.strerror}); set TMPDIR.") from error
        with place as temporary:
            self.save_pretrained(temporary, repo_id=repo_id)
            return hub.upload(Path(temporary), repo_id, private=private, token=token, commit_message=commit_message)

    def _write_repository(self, folder: Path, repo_id: str) -> None:
        super().save_pretrained(folder, safe_serialization=True)
        for file in folder.glob(f"*/{WEIGHTS}") if self.half_weights else ():
            halved = {name: tensor.half() for name, tensor in load_file(file).items()}
            save_file(halved, file, metadata={"format": "pt"})  # as diffusers marks them
        for file in [folder / INDEX, *folder.glob("*/config.json")]:
            # diffusers notes where a model was loaded from: nobody's business when it is published.
            config = json.loads(file.read_text(encoding="utf-8"))
            config.pop("_name_or_path", None)
            file.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        for name, content in ((TRAINING, self.training_record), (METRICS, self.metrics)):
            if content:
                text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
                (folder / name).write_text(text, encoding="utf-8")
        self.write_pictures(folder)
        self.save_samples(folder)
        card.model_card(self, repo_id).save(folder / "README.md")

    def write_pictures(self, folder: Path) -> None:
        """Writes the pictures that an evaluation left."""
        for attribute, name in PICTURES.items():
            picture = getattr(self, attribute)
            if picture is not None:
                (folder / name).write_bytes(picture)

    def read_more(self, folder: Path, source: str) -> None:
        """Reads what a repository of this modality has beside networks; `source` is its name in errors."""

    def save_samples(self, folder: Path) -> None:
        """Writes what the card shows (`samples.png`, ...)."""
        raise NotImplementedError

    def sample_bytes(self, seed: int, count: int, **settings: Any) -> list[bytes]:
        """Samples as the contents of files of their own or, with several a file, as lines of it.

        Args:
            settings: of a call.

        Raises:
            GANError: as for a call.
        """
        raise NotImplementedError

    def show_samples(self) -> str:
        """What the card shows of them, in Markdown."""
        return "![Samples](samples.png)"

    def describe(self) -> str:
        """A sentence for the model card."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """What models of this modality, and no others, have: sizes, rates, ... as JSON holds them."""
        return {}

    def usage(self, repo_id: str) -> str:
        """The section of the model card that shows how to sample."""
        raise NotImplementedError

    @property
    def labels(self) -> list[str] | None:
        """Class names by index, or `None`."""
        return list(self.config.labels) if self.config.get("labels") else None

    def label_index(self, label: str | int | None) -> int | None:
        """The index of a class given by name (any case) or index; text is looked for among the names first.

        Raises:
            GANError: if there is no such class.
        """
        if label is None:
            return None
        names = self.labels or [str(k) for k in range(self.generator.config.num_classes)]
        if not names:
            raise GANError(f"This model has no classes, so the label {label!r} cannot be used; leave it out.")
        # An index is one whatever the classes are called.
        by_index = isinstance(label, numbers.Integral) and not isinstance(label, bool)
        wanted = str(label).strip()
        place = None if by_index else label_index(wanted, names)
        if place is None and wanted.isdecimal() and int(wanted) < len(names):
            return int(wanted)
        if place is None:
            raise GANError(
                f"There is no label {label!r}; this model knows {', '.join(names)} (0 to {len(names) - 1})."
            )
        return place

    def load_network(self, name: str) -> nn.Module | None:
        """A network of the repository that this was loaded from, which was left out then; `None` if there is none.

        Raises:
            GANError: if it is damaged.
        """
        source = str(self.config.get("_name_or_path") or "")
        folder = Path(source) / name
        if not (folder / "config.json").is_file():
            return None
        kind = inspect.signature(type(self).__init__).parameters[name].annotation
        kinds = [kind for kind in get_args(kind) or (kind,) if kind is not type(None)]
        recorded = read_index(Path(source), source).get(name) or [None, None]
        check_component(folder, recorded, kind, source)
        (found,) = [kind for kind in kinds if kind.__name__ == recorded[1]]
        with _BUILDING, torch.inference_mode(False):  # whoever calls: its weights shall be those of other networks
            network = found.from_pretrained(folder, torch_dtype=self.generator.dtype)
            return network.eval().to(self.generator.device, memory_format=torch.channels_last)

    @property
    def num_parameters(self) -> int:
        """Parameters of the generator."""
        return sum(parameter.numel() for parameter in self.generator.parameters())


PIPELINES: dict[str, type[GANPipeline]] = {}  # by modality


def register_modality(pipeline: type[GANPipeline], *classes: type) -> None:
    """Makes a modality known to everything that loads, trains, measures, publishes and shows models.

    Args:
        pipeline: its pipeline class.
        classes: its networks, and what else repositories name. The file format calls all of them `["gan", Class]`:
            diffusers records a component as [module, class], finds it again with `getattr(module, class)`, and asks
            the same module for `ModelMixin`. Pinned here, the format survives any move of code between files.
    """
    PIPELINES[pipeline.modality] = pipeline
    for kind in (pipeline, *classes):
        kind.__module__ = "gan"
        setattr(sys.modules["gan"], kind.__name__, kind)


def sample_seeds(seed: int, count: int) -> list[int]:
    """The seeds of a batch: sample k of a batch with seed s is the sample of seed s + k.

    Raises:
        GANError: if a seed isn't a whole number from 0 to `MAX_SEED`, or `count` isn't positive.
    """
    if not _is_whole(count) or count < 1:
        raise GANError(f"{count!r} samples were asked for; ask for one or more.")
    if not _is_whole(seed) or not 0 <= seed <= MAX_SEED - count + 1:
        raise GANError(f"The seed {seed!r} is not a whole number from 0 to {MAX_SEED - count + 1}.")
    return [int(seed) + k for k in range(int(count))]


def check_truncation(truncation: float) -> float:
    """Raises `GANError` unless `truncation` is a number from 0 to 1.5."""
    if not (isinstance(truncation, numbers.Real) and 0 <= truncation <= 1.5):
        raise GANError(
            f"A truncation of {truncation!r} cannot be used; it goes from 0 (safest) over 1 (as trained) to 1.5."
        )
    return float(truncation)


def slerp(first: Tensor, last: Tensor, share: Tensor) -> Tensor:
    """Spherical interpolation: directions along the great circle, lengths linearly. The ends are exact.

    Args:
        first, last: (1, features).
        share: (n, 1) from 0 to 1.

    Returns:
        (n, features).
    """
    lengths = first.norm(), last.norm()
    one, other = first / lengths[0].clamp_min(1e-8), last / lengths[1].clamp_min(1e-8)
    angle = torch.arccos((one * other).sum().clamp(-1, 1))
    if angle < 1e-3 or angle > torch.pi - 1e-3:  # no great circle, or no single one
        return (1 - share) * first + share * last
    direction = (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other) / torch.sin(angle)
    between = direction * ((1 - share) * lengths[0] + share * lengths[1])
    return torch.where(share == 0, first, torch.where(share == 1, last, between))


def _is_whole(number: Any) -> bool:
    real = isinstance(number, numbers.Real) and not isinstance(number, bool)
    return real and math.isfinite(number) and number == int(number)
