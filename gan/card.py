"""The model card, rendered from what a model repository knows of itself."""

from typing import TYPE_CHECKING, Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

if TYPE_CHECKING:
    from gan.pipeline import GANPipeline


def model_card(pipeline: "GANPipeline", repo_id: str) -> ModelCard:
    """The card of a model, complete: nothing in it is left to fill in, and what isn't known isn't mentioned.

    Args:
        repo_id: `user/name`, or a folder's name for a model that isn't published.
    """
    training, metrics = pipeline.training, pipeline.metrics
    dataset = training.get("dataset", {})
    arguments = training.get("arguments", {})
    base = arguments.get("pretrained_model_name_or_path") or ""
    title = repo_id.split("/")[-1]
    data = ModelCardData(
        library_name="gan-studio",
        pipeline_tag=pipeline.hub_task,
        license=arguments.get("license") or dataset.get("license"),
        base_model=base if "/" in base and not base.startswith((".", "/")) else None,
        datasets=[dataset["name"]] if "/" in dataset.get("name", "") else None,
        tags=["gan", "gan-studio", "safetensors", type(pipeline).__name__],
        model_name=title,
        eval_results=[
            EvalResult(
                task_type=pipeline.hub_task,
                dataset_type=dataset.get("name", "unknown"),
                dataset_name=dataset.get("name", "unknown"),
                dataset_split=metric["split"],
                metric_type=metric["name"].lower().replace(" ", "_"),
                metric_name=metric["name"],
                metric_value=metric["value"],
            )
            for metric in metrics.get("metrics", [])
        ]
        or None,
    )
    parts = [
        f"# {title}",
        pipeline.describe(),
        "![Samples](samples.png)",
        "## Use it",
        pipeline.usage(repo_id),
        _training_section(pipeline, training),
        _metrics_section(metrics),
        "## Fine-tune it",
        _again(pipeline, repo_id),
        "## Limits",
        "It draws what its data showed and nothing else, with the biases of that data; a sample is a function of the "
        "model and its seed. The weights are safetensors; no code from this repository is run when it is loaded.",
    ]
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n")


def _training_section(pipeline: "GANPipeline", training: dict[str, Any]) -> str:
    if not training:
        return ""
    dataset, arguments = training.get("dataset", {}), training.get("arguments", {})
    unit = pipeline.unit
    rows = {
        "Data": f"{dataset.get('name')}, {dataset.get('split')} ({dataset.get(unit, 0):,} {unit})"
        if dataset
        else None,
        "Licence of the model": arguments.get("license") or dataset.get("license") or "not stated",
        "Started from": arguments.get("pretrained_model_name_or_path"),
        "Credit": arguments.get("data_credit"),
        "Steps": f"{training.get('steps', 0):,}",
        f"{unit.capitalize()} seen": f"{training.get(f'{unit}_seen', 0):,}",
        "Time": f"{training.get('seconds', 0) / 60:.0f} minutes",
        "Machine": "{device}, threads: {threads}".format(**training["machine"]) if "machine" in training else None,
        "Parameters": f"{pipeline.num_parameters:,} in the generator",
        "Loss": "relativistic pairing with R1 and R2 penalties (Huang et al. 2024), EMA of the generator",
        "Seed": str(training.get("seed", 0)),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    command = f"\n\n```bash\n{training['command']}\n```" if training.get("command") else ""
    return f"## How it was made\n\n| | |\n|---|---|\n{table}{command}"


def _metrics_section(metrics: dict[str, Any]) -> str:
    if not metrics.get("metrics"):
        return ""
    rows = "\n".join(
        "| {name} | {value} | {floor} | {split}, {samples:,} samples |".format(**metric)
        for metric in metrics["metrics"]
    )
    return (
        "## What was measured\n\n| | generated | real training data (floor) | against |\n|---|---|---|---|\n"
        f"{rows}\n\nLower is better, and the floor is what real data scores. Measured at the end of training, with "
        f"truncation 1, by the command above."
    )


def _again(pipeline: "GANPipeline", repo_id: str) -> str:
    modality = pipeline.training.get("modality", "image")
    classes = bool(getattr(pipeline, "labels", None))
    return (
        "The repository holds both players, the generator's EMA weights and the discriminator, so that training can "
        f"go on from here with data of your own, here a folder{' whose sub-folders are the classes' * classes}:\n\n"
        f"```bash\naccelerate launch train.py {modality} --pretrained_model_name_or_path {repo_id} \\\n"
        f"  --train_data_dir ./my-folder --output_dir my-model\n```"
    )
