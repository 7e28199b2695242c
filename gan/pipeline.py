"""`GANPipeline`: a model repository in memory. Loading, saving, publishing and seeds, the same for every modality."""

import inspect
import json
import numbers
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, get_args

import torch
from diffusers import DiffusionPipeline
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from gan.errors import GANError
from gan.hub import client as hub
from gan.hub import edits
from gan.hub.card import README, CardFacts, model_card, shown_folder
from gan.hub.keywords import LOADING, SAVING, check_keywords
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
from gan.hub.wheel import NAME as WHEEL
from gan.hub.wheel import PATTERN as WHEELS
from gan.hub.wheel import wheel, wheel_in
from gan.labels import Label, label_index, listed, printable
from gan.metrics.records import with_present_names
from gan.utils.files import as_json, files_into

HUB_KEYWORDS = ("revision", "token", "cache_dir", "local_files_only", "force_download")
DIFFUSERS_KEYWORDS = ("torch_dtype", "dtype", "low_cpu_mem_usage", "disable_mmap")  # which diffusers obeys
PUSH_KEYWORDS = ("commit_message", "private", "token", "create_pr")
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
        readme: `README.md` as it was loaded or saved last (`None` if there was none); what a person wrote in it stays.
        half_weights: whether weights are saved as float16; true after `halve_weights`, and where they were loaded so.
        modality: name of the modality: the sub-command of `train.py`, and the package `gan.MODALITY` where it has one.
        task: import path of its `gan.training.task.Task`, which is imported for training only.
        unit: what a sample is called, in the plural.
        files: patterns of the files that its repositories hold beside networks, records and the card.
        sample_files: those that the card shows, and that are not needed to load a model.
        hub_task: the Hub's name for what the model does.
        file_suffix, samples_per_file: of the files that `gan.sample` writes.
        example_imports: what `example` needs beside this package, a line each.
        losses: what the card says of each objective's loss, the default one first.
        last_objectives: those whose models are fine-tuned with the default objective, not with the same one.
        opens_single_files: whether it has `open_single_file`, which `from_single_file` calls.
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
    example_imports: ClassVar[str] = ""
    losses: ClassVar[dict[str, str]]
    last_objectives: ClassVar[tuple[str, ...]] = ()
    opens_single_files: ClassVar[bool] = False
    training_components: ClassVar[tuple[str, ...]] = ("discriminator",)

    _optional_components: ClassVar[list[str]] = ["discriminator", "encoder"]

    training_record: dict[str, Any]
    metrics: dict[str, Any]
    neighbours: bytes | None = None
    sweep: bytes | None = None
    readme: str | None = None
    half_weights: bool = False

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **kwargs: Any) -> "GANPipeline":
        """Loads a model from a folder or from the Hub. Reads safetensors and JSON only: no remote code, no pickle.

        Args:
            pretrained_model_name_or_path: a folder, or a Hub id such as `user/name`.
            kwargs: those of diffusers. `revision`, `token`, `cache_dir`, `local_files_only`, `force_download` for the
                Hub; `subfolder` of the folder or repository; `torch_dtype` (or `dtype`), `device_map` (a device),
                `low_cpu_mem_usage`, `disable_mmap`, and networks or settings to use instead of those that are stored
                (`discriminator=None`). Others are refused, each with its reason.

        Raises:
            GANError: if there is no such model, it isn't ours, a file is missing or damaged, the Hub can't be reached,
                or an argument cannot be obeyed.
        """
        source, subfolder = str(pretrained_model_name_or_path), kwargs.pop("subfolder", None) or ""
        hub_kwargs = {name: kwargs.pop(name) for name in HUB_KEYWORDS if name in kwargs}
        device = kwargs.pop("device_map", None)
        if Path(source).is_dir():
            folder = Path(source) / _inside(subfolder)
        elif Path(source).is_file():
            raise GANError(
                f"{source} is a file, and a model is a folder; a checkpoint of other code is opened by "
                f"from_single_file, and made a folder by `python -m gan.hub convert`."
            )
        else:
            folder = Path(cls.download(source, subfolder=subfolder, **hub_kwargs))
        source = f"{source}/{subfolder}" if subfolder else source
        index = read_index(folder, source)
        kind = cls._pipeline_class(index, source)
        parameters = inspect.signature(kind.__init__).parameters
        check_keywords("from_pretrained", kwargs, LOADING, (*DIFFUSERS_KEYWORDS, *parameters))
        kwargs = {name: value for name, value in kwargs.items() if name not in LOADING}
        for name in ("dtype", "torch_dtype"):  # of which diffusers would make float32, with a warning
            if not isinstance(kwargs.get(name, torch.float32), torch.dtype | dict | None):
                raise GANError(f"{name}={kwargs[name]!r} is no data type of torch; give one, such as torch.float16.")
        for name in COMPONENTS:
            if name not in kwargs and index.get(name) not in (None, [None, None]):
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
        pipeline.half_weights = "generator" not in kwargs and stored_as_half(folder / "generator")
        pipeline.training_record = read_json(folder / TRAINING, source)
        pipeline.metrics = with_present_names(read_json(folder / METRICS, source))
        for attribute, name in PICTURES.items():
            setattr(pipeline, attribute, (folder / name).read_bytes() if (folder / name).is_file() else None)
        pipeline.readme = read_readme(folder)
        pipeline.read_more(folder, source)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline if device is None else pipeline.to(_device(device))

    @classmethod
    def download(
        cls, pretrained_model_name: str, with_samples: bool = False, subfolder: str = "", **kwargs: Any
    ) -> str:
        """Fetches a model repository from the Hub and returns its folder in the cache.

        Overridden because diffusers looks for the code of an unknown pipeline class in the repository itself. The
        index is fetched first: a repository that isn't ours is refused before its gigabytes are on their way.

        Args:
            with_samples: fetch what the card shows and the package as a wheel, too.
            subfolder: of the repository, where the model is.
        """
        place = _inside(subfolder)

        def fetch(files: Iterable[str]) -> Path:
            wanted = [(place / file).as_posix() for file in files]
            return Path(hub.download(pretrained_model_name, files=wanted, **kwargs)) / place

        kind = cls._pipeline_class(read_index(fetch([INDEX]), pretrained_model_name), pretrained_model_name)
        return str(fetch(kind.repository_files() if with_samples else (*hub.REPOSITORY_FILES, *kind.files)))

    @classmethod
    def repository_files(cls) -> list[str]:
        """Patterns of all that belongs to a repository of this kind of model."""
        return [*hub.REPOSITORY_FILES, *cls.files, *cls.sample_files, WHEELS]

    @classmethod
    def from_single_file(cls, pretrained_model_link_or_path: str | Path, **kwargs: Any) -> "GANPipeline":
        """Opens a checkpoint that other people's code wrote (`gan.zoo`). Nothing in it is executed.

        Args:
            pretrained_model_link_or_path: a path, an address, `user/name/file.pkl` on the Hub, or a folder or
                `user/name` with one checkpoint in it.
            kwargs: `discriminator`, the file of the discriminator where a family keeps one of its own; `labels`, names
                of the classes; `token` and `cache_dir` for the Hub.

        Raises:
            GANError: if there is no such file, it can't be fetched, is damaged, or of no known family.
        """
        for kind in PIPELINES.values():
            if issubclass(kind, cls) and kind.opens_single_files:
                return kind.open_single_file(str(pretrained_model_link_or_path), **kwargs)
        raise GANError(f"A {cls.__name__} cannot be made of a single file; use from_pretrained.")

    @classmethod
    def open_single_file(cls, source: str, **kwargs: Any) -> "GANPipeline":
        """What `from_single_file` does, of a modality with `opens_single_files`."""
        raise NotImplementedError

    @classmethod
    def _pipeline_class(cls, index: dict[str, Any], source: str) -> type["GANPipeline"]:
        """The class that an index names, if it is this one or a subclass."""
        kinds = {kind.__name__: kind for kind in PIPELINES.values()}
        kind = kinds.get(str(index.get("_class_name")))
        if kind is None or not issubclass(kind, cls):
            raise GANError(
                f"{source} holds a {index.get('_class_name', 'model of unknown kind')}, and only "
                f"{' or '.join(kinds) if cls is GANPipeline else cls.__name__} can be loaded here."
            )
        return kind

    def save_pretrained(  # the order of arguments is diffusers'
        self,
        save_directory: str | Path,
        safe_serialization: bool | None = True,
        variant: str | None = None,
        max_shard_size: int | str | None = None,
        push_to_hub: bool = False,
        use_flashpack: bool = False,
        repo_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes the whole model repository: weights, configs, `training.json`, `metrics.json`, samples, the package
        as a wheel, and the card, in which what a person wrote stays (`gan.hub.edits`).

        Everything is written beside its place first and then renamed: a full disk leaves what was there before.

        Args:
            safe_serialization, variant, use_flashpack: of diffusers; only their defaults are possible.
            max_shard_size: the most that the weights of a network may take; they are never split.
            push_to_hub: publish it, too.
            repo_id: what the card calls the model; by default the folder. Where it is published.
            kwargs: for `push_to_hub`.

        Raises:
            GANError: if the folder cannot be written, or an argument cannot be obeyed.
        """
        keywords = {"safe_serialization": safe_serialization, "variant": variant, "use_flashpack": use_flashpack}
        check_keywords("save_pretrained", keywords | kwargs, SAVING, PUSH_KEYWORDS if push_to_hub else ())
        folder = Path(save_directory)
        if push_to_hub:
            repo_id = hub.full_id(repo_id or printable(folder.resolve().name), kwargs.get("token"))
        try:
            with files_into(folder) as temporary:
                self._write_repository(temporary, max_shard_size)
                text = self.card(repo_id or shown_folder(folder), repo_id is not None, wheel_in(temporary))
                text = self.with_edits(text, folder)
                write_readme(temporary, text)
                for name in (TRAINING, METRICS, *PICTURES.values(), *self.files):  # of a model that was here before
                    if not (temporary / name).exists():
                        (folder / name).unlink(missing_ok=True)
                for old in folder.glob(WHEELS):
                    old.unlink()
        except (OSError, SafetensorError) as error:
            raise GANError(
                f"The model could not be written to {folder} "
                f"({getattr(error, 'strerror', None) or first_sentence(error)}); what was there before is "
                f"untouched. Make room or choose another folder."
            ) from error
        self.readme = text
        if push_to_hub:
            self.push_to_hub(str(repo_id), **kwargs)

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

    def push_to_hub(  # the order of arguments is diffusers'
        self,
        repo_id: str,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | None = None,
        create_pr: bool = False,
        safe_serialization: bool | None = True,
        variant: str | None = None,
        subfolder: str | None = None,
    ) -> str:
        """Publishes the model repository and returns its address, or that of the pull request.

        Args:
            repo_id: `user/name`; it is created if it doesn't exist.
            private: whether a new repository is private; `None` leaves that to the organisation's default.
            token: a write token; by default the one of `hf auth login` or `HF_TOKEN`.
            create_pr: propose it as a pull request to a repository that exists.
            safe_serialization, variant, subfolder: of diffusers; only their defaults are possible.

        Raises:
            GANError: if the Hub refuses or can't be reached, README.md was changed both here and there, or an argument
                cannot be obeyed.
        """
        keywords = {"safe_serialization": safe_serialization, "variant": variant, "subfolder": subfolder}
        check_keywords("push_to_hub", keywords, SAVING)
        try:
            place = tempfile.TemporaryDirectory()
        except OSError as error:
            raise GANError(f"There is no room for temporary files ({error.strerror}); set TMPDIR.") from error
        with place as temporary:
            repo_id = hub.full_id(repo_id, token)
            self.save_pretrained(temporary, repo_id=repo_id)
            return publish(Path(temporary), repo_id, commit_message, private, token, create_pr)

    def _write_repository(self, folder: Path, max_shard_size: int | str | None = None) -> None:
        """Writes everything but the card, which is rendered from it."""
        try:
            super().save_pretrained(folder, safe_serialization=True, max_shard_size=max_shard_size)
        except ValueError as error:
            raise GANError(f"max_shard_size={max_shard_size!r} is no size; give bytes, or text like 5GB.") from error
        if shards := sorted(folder.glob("*/*.index.json")):
            raise GANError(
                f"The weights of the {shards[0].parent.name} take more than max_shard_size={max_shard_size!r}, and "
                f"they are not split; leave it out."
            )
        for file in folder.glob(f"*/{WEIGHTS}") if self.half_weights else ():
            halved = {name: tensor.half() for name, tensor in load_file(file).items()}
            save_file(halved, file, metadata={"format": "pt"})  # as diffusers marks them
        for file in [folder / INDEX, *folder.glob("*/config.json")]:
            # diffusers notes where a model was loaded from: nobody's business when it is published.
            config = json.loads(file.read_text(encoding="utf-8"))
            config.pop("_name_or_path", None)
            file.write_bytes(as_json(config))
        for name, content in ((TRAINING, self.training_record), (METRICS, self.metrics)):
            if content:
                (folder / name).write_bytes(as_json(content))
        self.write_pictures(folder)
        self.save_samples(folder)
        if package := wheel():
            (folder / WHEEL).write_bytes(package)

    def card(self, name: str, published: bool = False, wheel: str | None = None) -> str:
        """The model card as rendered, see `gan.hub.card`.

        Args:
            name: what `from_pretrained` takes.
            published: whether that is an id on the Hub.
            wheel: file name of the package that is beside the weights, if it is.
        """
        networks = [name for name, network in self.components.items() if network is not None]
        facts = CardFacts(
            name=name,
            published=published,
            wheel=wheel,
            pipeline=type(self).__name__,
            modality=self.modality,
            unit=self.unit,
            hub_task=self.hub_task,
            description=self.describe(),
            samples=self.show_samples(),
            imports=self.example_imports,
            example=self.example(),
            notes=self.example_notes(),
            networks=networks,
            num_parameters=self.num_parameters,
            half_weights=self.half_weights,
            has_classes=bool(getattr(self, "labels", None)),
            losses=self.losses,
            last_objectives=self.last_objectives,
            pictures=[name for name in PICTURES if getattr(self, name) is not None],
            training_record=self.training_record,
            metrics=self.metrics,
            steering=self.notes_on_steering(),
        )
        return model_card(facts)

    def with_edits(self, card: str, folder: Path) -> str:
        """A rendered card with what a person wrote in the one that is in the folder, or else that was loaded."""
        earlier = read_readme(folder) or self.readme
        return edits.kept(card, earlier, str(folder / README)) if earlier else card

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

    def notes_on_steering(self) -> str:
        """What the card says of how samples can be steered, in Markdown; "" for nothing."""
        return ""

    def describe(self) -> str:
        """A sentence for the model card."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """What models of this modality, and no others, have: sizes, rates, ... as JSON holds them."""
        return {}

    def example(self) -> str:
        """Lines of Python for the model card, which sample with `pipeline`."""
        raise NotImplementedError

    def example_notes(self) -> str:
        """What the card says below these lines, in Markdown."""
        return ""

    @property
    def labels(self) -> list[str] | None:
        """Class names by index, or `None`."""
        return list(self.config.labels) if self.config.get("labels") else None

    def label_index(self, label: Label) -> int | None:
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
            raise GANError(f"There is no label {label!r}; this model knows {listed(names)} (0 to {len(names) - 1}).")
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
            network = found.from_pretrained(folder, dtype=self.generator.dtype)
            return network.eval().to(self.generator.device, memory_format=torch.channels_last)

    @property
    def num_parameters(self) -> int:
        """Parameters of the generator."""
        return sum(parameter.numel() for parameter in self.generator.parameters())


def publish(
    folder: Path,
    repo_id: str,
    commit_message: str | None = None,
    private: bool | None = None,
    token: str | None = None,
    create_pr: bool = False,
) -> str:
    """Publishes a model's folder as it is, but for README.md, in which what a person wrote on the Hub stays.

    Returns and raises: as `GANPipeline.push_to_hub`.
    """
    there = hub.published_text(repo_id, README, token)
    if there is not None:
        write_readme(folder, edits.to_publish(read_readme(folder) or "", there, repo_id))
    replaced = {TRAINING, METRICS, WHEELS, *PICTURES.values(), *(f"{network}/*" for network in COMPONENTS[1:])}
    for kind in PIPELINES.values():  # the model before may have been of another
        replaced |= {*kind.files, *kind.sample_files}
    return hub.upload(folder, repo_id, private, token, commit_message, replaced=sorted(replaced), create_pr=create_pr)


def read_readme(folder: Path) -> str | None:
    """The text of a folder's README.md, if there is one; bytes that are no UTF-8 come back as they were."""
    path = folder / README
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else None


def write_readme(folder: Path, text: str) -> None:
    """Writes the text of README.md."""
    (folder / README).write_text(text, encoding="utf-8", errors="surrogateescape")


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


def _inside(subfolder: str) -> PurePosixPath:
    """A path below a repository.

    Raises:
        GANError: if it leads out of it.
    """
    path = PurePosixPath(subfolder)
    if path.is_absolute() or ".." in path.parts:
        raise GANError(f"The subfolder {subfolder!r} is not one of the repository; give a path below it.")
    return path


def _device(name: Any) -> torch.device:
    """The device that `device_map` names.

    Raises:
        GANError: if it is none, or not there.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        raise GANError(
            f"device_map={name!r} is no device of this machine; a model goes to one device as a whole: give 'cpu', or "
            f"another that is there."
        ) from error
    return device
