"""The model card, rendered from facts: plain values that a pipeline gives, and the records that it carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData, constants

from gan.errors import GANError
from gan.hub import edits
from gan.labels import printable
from gan.metrics.tables import metrics_tables

README = "README.md"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
LIMITS = (
    "It makes what its data showed and nothing else, with the biases of that data; a sample is a function of the "
    "model and its seed. The weights are safetensors; loading them runs no code from this repository."
)


@dataclass(frozen=True)
class CardFacts:
    """What a card says of a model.

    Attributes:
        name: what `from_pretrained` takes: `user/name`, or a folder.
        published: whether that is an id on the Hub.
        wheel: file name of the package beside the weights; `None` where the package is not there.
        pipeline: name of the pipeline's class.
        modality: the sub-command of training.
        unit: what a sample is called, in the plural.
        hub_task: the Hub's name for what the model does.
        description: a sentence.
        samples: Markdown that shows some.
        imports, example: lines of Python that sample with `pipeline`.
        notes: Markdown below the example.
        networks: that the repository holds.
        num_parameters: of the generator.
        half_weights: whether weights are stored as float16.
        has_classes: whether samples are made of a class.
        losses: what is said of each objective's loss, the default objective first.
        last_objectives: those whose models are fine-tuned with the default objective.
        pictures: names of the pictures that an evaluation left, such as `neighbours`.
        training_record: the contents of `training.json`.
        metrics: the contents of `metrics.json`.
        steering: Markdown about directions and guidance, "" without.
    """

    name: str
    published: bool
    wheel: str | None
    pipeline: str
    modality: str
    unit: str
    hub_task: str
    description: str
    samples: str
    imports: str
    example: str
    notes: str
    networks: Sequence[str]
    num_parameters: int
    half_weights: bool
    has_classes: bool
    losses: Mapping[str, str]
    last_objectives: Sequence[str]
    pictures: Sequence[str]
    training_record: Mapping[str, Any]
    metrics: Mapping[str, Any]
    steering: str = ""

    @property
    def title(self) -> str:
        """The model's name without owner and folders."""
        return self.name.split("/")[-1]


def model_card(facts: CardFacts) -> str:
    """The text of README.md, complete: nothing in it is left to fill in, and what isn't known isn't mentioned.

    Raises:
        GANError: if the model's records are not what training and evaluation write.
    """
    try:
        return edits.rendered(
            _front_matter(facts),
            {
                "model": f"# {facts.title}\n\n{facts.description}\n\n{facts.samples}",
                "use": _use(facts),
                "training": "\n\n".join(filter(None, (_imported(facts), _training(facts)))),
                "metrics": _metrics(facts),
                "finetuning": _finetuning(facts),
                "limits": f"## Limits\n\n{LIMITS}",
            },
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # anybody may have written them
        raise GANError(
            f"The card of {facts.name} cannot be rendered: training.json or metrics.json is not what training and "
            f"evaluation write ({type(error).__name__}); take the model from where it was made, or measure it again."
        ) from error


def shown_folder(folder: str | Path) -> str:
    """What a card calls a folder: as it was typed, or its own name where that would lead through other folders."""
    path = Path(folder)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return printable(path.resolve().name)
    return printable(path.as_posix())


def _hub_id(name: Any) -> str | None:
    """A name that can only be an id on the Hub: records lose the folders of what is on disk."""
    return name if isinstance(name, str) and name.count("/") == 1 and not name.startswith((".", "/")) else None


def _dataset_id(facts: CardFacts) -> str | None:
    training = facts.training_record
    return _hub_id(training.get("arguments", {}).get("dataset_name")) or _hub_id(
        training.get("dataset", {}).get("name")
    )


def _front_matter(facts: CardFacts) -> dict[str, Any]:
    dataset = facts.training_record.get("dataset", {})
    arguments = facts.training_record.get("arguments", {})
    data = _dataset_id(facts)
    measured_on = facts.metrics.get("dataset") or data or dataset.get("name", "unknown")
    results = [
        EvalResult(
            task_type=facts.hub_task,
            dataset_type=measured_on,
            dataset_name=measured_on,
            dataset_split=metric["split"],
            metric_type=metric.get("type", metric["name"].lower().replace(" ", "_")),
            metric_name=metric["name"],
            metric_value=metric["value"],
        )
        for metric in facts.metrics.get("metrics", [])
    ]
    return ModelCardData(
        library_name="gan-studio",
        pipeline_tag=facts.hub_task,
        license=_license(facts),
        base_model=_hub_id(arguments.get("pretrained_model_name_or_path")),
        datasets=[data] if data else None,
        tags=["gan", "gan-studio", "safetensors", facts.pipeline],
        model_name=facts.title,
        eval_results=results or None,
    ).to_dict()


def _license(facts: CardFacts) -> str | None:
    """What was asked for, else that of the weights it goes on from, which data do not change, else the data's."""
    training = facts.training_record
    asked, imported = training.get("arguments", {}).get("license"), training.get("imported")
    return asked or (training.get("dataset", {}) if imported is None else imported).get("license")


def _use(facts: CardFacts) -> str:
    return (
        f"## Use it\n\n{_install(facts)}\n\n"
        f"```python\n{facts.imports}from gan import GANPipeline\n\n"
        f'pipeline = GANPipeline.from_pretrained("{facts.name}")\n'
        f"{facts.example}\n```\n\n{facts.notes}\n\n"
        "Load it with `GANPipeline`: `DiffusionPipeline.from_pretrained` does not find its class."
    )


def _install(facts: CardFacts) -> str:
    """How to get the package, for somebody who has nothing but this card."""
    cpu = f"Without a GPU, `--extra-index-url {CPU_INDEX}` saves gigabytes on Linux."
    if facts.wheel is None:
        return (
            f"In a clone of gan studio, from its root (Python 3.11 or newer):\n\n```bash\npip install .\n```\n\n{cpu}"
        )
    place = f"{constants.ENDPOINT}/{facts.name}/resolve/main" if facts.published else f"./{facts.name}"
    text = (
        "The package is a wheel beside the weights, as it was when the model was made; what it depends on comes from "
        f"PyPI (Python 3.11 or newer):\n\n```bash\npip install {place}/{facts.wheel}\n```\n\n{cpu}"
    )
    if facts.published:
        text += (
            f" In a clone of this repository, or after `hf download {facts.name} {facts.wheel} --local-dir .` where "
            f"it is private: `pip install ./{facts.wheel}`."
        )
    return f"{text} A wheel is code: install one only from somebody you trust, once; any later model loads with it."


def _imported(facts: CardFacts) -> str:
    """Where a model comes from that was trained by other code."""
    imported = facts.training_record.get("imported", {})
    if not imported:
        return ""
    rows = {
        "From": imported["from"],
        "SHA-256 of that file": imported["sha256"],
        "Family": f"{imported['family']} ({imported['paper']})",
        "Licence of the weights": imported.get("license") or "not stated: ask its authors before you pass them on",
        "Parameters": f"{facts.num_parameters:,} in the generator",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    text = (
        "It was trained by other code and converted, without executing anything of the file; the weights belong to "
        "their authors. Seeds give what the family's own scripts give."
    )
    if "steps" in facts.training_record:
        text = (
            "Training went on from weights that other code trained, converted without executing anything of their "
            "file. They belong to their authors, whose licence holds for what is made of them, too."
        )
    return "\n\n".join([f"## Where it comes from\n\n{text}\n\n| | |\n|---|---|\n{table}", *imported["notes"]])


def _training(facts: CardFacts) -> str:
    training, unit = facts.training_record, facts.unit
    if not training.keys() - {"imported"}:
        return ""
    dataset, arguments = training.get("dataset", {}), training.get("arguments", {})
    data = _dataset_id(facts)
    name = f"[{data}](https://huggingface.co/datasets/{data})" if data else dataset.get("name")
    machine = "{device}, threads: {threads}".format(**training["machine"]) if "machine" in training else None
    rows = {
        "Data": _data(dataset, name, unit) if dataset else None,
        "Licence of the model": _license(facts) or "not stated",
        "Started from": arguments.get("pretrained_model_name_or_path"),
        "Credit": arguments.get("data_credit"),
        "Steps": f"{training.get('steps', 0):,}",
        f"{unit.capitalize()} seen": f"{training.get(f'{unit}_seen', 0):,}",
        "Time": f"{training.get('seconds', 0) / 60:.0f} minutes",
        "Machine": machine,
        "Parameters": f"{facts.num_parameters:,} in the generator"
        + (", weights rounded to float16" if facts.half_weights else ""),
        "Loss": (training.get("loss") or facts.losses[arguments.get("objective", next(iter(facts.losses)))])
        + ", weights averaged over training (EMA)",
        "Seed": str(training.get("seed", 0)),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    command = f"\n\n```bash\n{training['command']}\n```" if training.get("command") else ""
    return f"## How it was made\n\n| | |\n|---|---|\n{table}{command}"


def _data(dataset: Mapping[str, Any], name: Any, unit: str) -> str:
    row = f"{name}, {dataset.get('split')} ({dataset.get(unit, 0):,} {unit})"
    return row + (f": {dataset['report']['summary']}" if "report" in dataset else "")


def _metrics(facts: CardFacts) -> str:
    metrics = dict(facts.metrics)
    if not metrics.get("metrics"):
        return f"## What was measured\n\n{facts.steering}" if facts.steering else ""
    trained = facts.training_record.get("command")
    setting = metrics.get("setting", "with truncation 1")
    if metrics.get("command", trained) == trained:
        when = f"Measured at the end of training, {setting}, by the command above."
    else:
        when = f"Measured {setting} by\n\n```bash\n{metrics['command']}\n```"
    parts = ["## What was measured", metrics_tables(metrics)]
    if "neighbours" in facts.pictures:
        what = metrics.get("neighbours", {}).get("of", "picture")
        parts.append(f"![Generated {what}s and their nearest training {what}s](neighbours.png)")
    if "sweep" in facts.pictures:
        parts.append("![LM score and reverse LM score over temperatures](sweep.png)")
    return "\n\n".join([*parts, when, *filter(None, [facts.steering])])


def _finetuning(facts: CardFacts) -> str:
    default = next(iter(facts.losses))
    objective = facts.training_record.get("arguments", {}).get("objective", default)
    if objective in facts.last_objectives:
        objective = default
    # Of a model that was trained here, the objective says whether it needs one.
    lacks_discriminator = "imported" in facts.training_record and "discriminator" not in facts.networks
    networks = " and ".join([", ".join(facts.networks[:-1]), facts.networks[-1]]).removeprefix(" and ")
    return (
        f"## Fine-tune it\n\nThe repository holds {networks}, so that training can continue from "
        f"here with data of your own, here a folder{' whose sub-folders are the classes' * facts.has_classes}:\n\n"
        f"```bash\naccelerate launch -m gan.training {facts.modality} "
        f"--pretrained_model_name_or_path {facts.name} \\\n"
        f"  {f'--objective {objective} ' * (objective != default)}{'--new_discriminator ' * lacks_discriminator}"
        f"--train_data_dir ./my-folder --output_dir my-model\n```\n\n"
        f"In a clone of the package, `train.py` is the same as `-m gan.training`."
    )
