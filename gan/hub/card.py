"""The model card, rendered from what a model repository knows of itself."""

from typing import TYPE_CHECKING, Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from gan.errors import GANError
from gan.metrics.tables import metrics_tables

if TYPE_CHECKING:
    from gan.pipeline import GANPipeline


def model_card(pipeline: "GANPipeline", repo_id: str) -> ModelCard:
    """The card of a model, complete: nothing in it is left to fill in, and what isn't known isn't mentioned.

    Args:
        repo_id: `user/name`, or a folder's name for a model that isn't published.

    Raises:
        GANError: if the model's records are not what training and evaluation write.
    """
    try:
        front = _front_matter(pipeline, repo_id).to_yaml()
        of_training, of_metrics = _training_section(pipeline, pipeline.training_record), _metrics_section(pipeline)
        again = _again(pipeline, repo_id)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # anybody may have written them
        raise GANError(
            f"The card of {repo_id} cannot be rendered: training.json or metrics.json is not what training and "
            f"evaluation write ({type(error).__name__}); take the model from where it was made, or measure it again."
        ) from error
    parts = [
        f"# {repo_id.split('/')[-1]}",
        pipeline.describe(),
        pipeline.show_samples(),
        "## Use it",
        pipeline.usage(repo_id),
        of_training,
        of_metrics,
        "## Fine-tune it",
        again,
        "## Limits",
        "It makes what its data showed and nothing else, with the biases of that data; a sample is a function of the "
        "model and its seed. The weights are safetensors; no code from this repository is run when it is loaded.",
    ]
    return ModelCard(f"---\n{front}\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n")


def _front_matter(pipeline: "GANPipeline", repo_id: str) -> ModelCardData:
    training, metrics = pipeline.training_record, pipeline.metrics
    dataset = training.get("dataset", {})
    measured_on = metrics.get("dataset") or dataset.get("name", "unknown")
    arguments = training.get("arguments", {})
    base = arguments.get("pretrained_model_name_or_path") or ""
    return ModelCardData(
        library_name="gan-studio",
        pipeline_tag=pipeline.hub_task,
        license=arguments.get("license") or dataset.get("license"),
        base_model=base if "/" in base and not base.startswith((".", "/")) else None,
        datasets=[dataset["name"]] if "/" in dataset.get("name", "") else None,
        tags=["gan", "gan-studio", "safetensors", type(pipeline).__name__],
        model_name=repo_id.split("/")[-1],
        eval_results=[
            EvalResult(
                task_type=pipeline.hub_task,
                dataset_type=measured_on,
                dataset_name=measured_on,
                dataset_split=metric["split"],
                metric_type=metric.get("type", metric["name"].lower().replace(" ", "_")),
                metric_name=metric["name"],
                metric_value=metric["value"],
            )
            for metric in metrics.get("metrics", [])
        ]
        or None,
    )


def _training_section(pipeline: "GANPipeline", training: dict[str, Any]) -> str:
    if not training:
        return ""
    dataset, arguments = training.get("dataset", {}), training.get("arguments", {})
    unit = pipeline.unit
    rows = {
        "Data": _data_row(dataset, unit) if dataset else None,
        "Licence of the model": arguments.get("license") or dataset.get("license") or "not stated",
        "Started from": arguments.get("pretrained_model_name_or_path"),
        "Credit": arguments.get("data_credit"),
        "Steps": f"{training.get('steps', 0):,}",
        f"{unit.capitalize()} seen": f"{training.get(f'{unit}_seen', 0):,}",
        "Time": f"{training.get('seconds', 0) / 60:.0f} minutes",
        "Machine": "{device}, threads: {threads}".format(**training["machine"]) if "machine" in training else None,
        "Parameters": f"{pipeline.num_parameters:,} in the generator"
        + (", weights rounded to float16" if pipeline.half_weights else ""),
        "Loss": pipeline.losses[arguments.get("objective", next(iter(pipeline.losses)))]
        + ", weights averaged over training (EMA)",
        "Seed": str(training.get("seed", 0)),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    command = f"\n\n```bash\n{training['command']}\n```" if training.get("command") else ""
    return f"## How it was made\n\n| | |\n|---|---|\n{table}{command}"


def _data_row(dataset: dict[str, Any], unit: str) -> str:
    row = f"{dataset.get('name')}, {dataset.get('split')} ({dataset.get(unit, 0):,} {unit})"
    return row + (f": {dataset['report']['summary']}" if "report" in dataset else "")


def _metrics_section(pipeline: "GANPipeline") -> str:
    metrics, training = pipeline.metrics, pipeline.training_record
    setting = metrics.get("setting", "with truncation 1")
    if not metrics.get("metrics"):
        return ""
    if metrics.get("command", training.get("command")) == training.get("command"):
        when = f"Measured at the end of training, {setting}, by the command above."
    else:
        when = f"Measured {setting} by\n\n```bash\n{metrics['command']}\n```"
    parts = ["## What was measured", metrics_tables(metrics), when]
    if pipeline.sweep is not None:
        parts.insert(-1, "![LM score and reverse LM score over temperatures](sweep.png)")
    if pipeline.neighbours is not None:
        what = metrics.get("neighbours", {}).get("of", "picture")
        parts.insert(-1, f"![Generated {what}s and their nearest training {what}s](neighbours.png)")
    return "\n\n".join(parts)


def _again(pipeline: "GANPipeline", repo_id: str) -> str:
    default = next(iter(pipeline.losses))
    objective = pipeline.training_record.get("arguments", {}).get("objective", default)
    if objective in pipeline.last_objectives:
        objective = default
    classes = bool(getattr(pipeline, "labels", None))
    networks = " and ".join(name for name, network in pipeline.components.items() if network is not None)
    return (
        f"The repository holds {networks}, so that training can go on from here with data of your own, here a "
        f"folder{' whose sub-folders are the classes' * classes}:\n\n"
        f"```bash\naccelerate launch train.py {pipeline.modality} --pretrained_model_name_or_path {repo_id} \\\n"
        f"  {f'--objective {objective} ' * (objective != default)}"
        f"--train_data_dir ./my-folder --output_dir my-model\n```"
    )
