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
                metric_type=metric.get("type", metric["name"].lower().replace(" ", "_")),
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
        pipeline.show_samples(),
        "## Use it",
        pipeline.usage(repo_id),
        _training_section(pipeline, training),
        _metrics_section(metrics, training, shows_neighbours=pipeline.neighbours is not None),
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
        "Loss": pipeline.losses[arguments.get("objective", next(iter(pipeline.losses)))]
        + ", weights averaged over training (EMA)",
        "Seed": str(training.get("seed", 0)),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    command = f"\n\n```bash\n{training['command']}\n```" if training.get("command") else ""
    return f"## How it was made\n\n| | |\n|---|---|\n{table}{command}"


def _metrics_section(metrics: dict[str, Any], training: dict[str, Any], shows_neighbours: bool) -> str:
    if not metrics.get("metrics"):
        return ""
    if metrics.get("command", training.get("command")) == training.get("command"):
        when = "Measured at the end of training, with truncation 1, by the command above."
    else:
        when = f"Measured with truncation 1 by\n\n```bash\n{metrics['command']}\n```"
    parts = ["## What was measured", metrics_tables(metrics), when]
    if shows_neighbours:
        parts.insert(-1, "![Generated pictures and their nearest training pictures](neighbours.png)")
    return "\n\n".join(parts)


def metrics_tables(metrics: dict[str, Any]) -> str:
    """The contents of a `metrics.json` in Markdown: a table for each feature space, a sentence for the neighbours."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for metric in metrics["metrics"]:
        groups.setdefault(metric.get("features", ""), []).append(metric)
    parts = []
    for features, group in groups.items():
        names = [metric["name"].removesuffix(f" ({features})") for metric in group]
        arrows = ["↑" if metric.get("higher_is_better") else "↓" for metric in group]
        rows = [
            [features, *(f"{name} {arrow}" for name, arrow in zip(names, arrows, strict=True))],
            ["---"] * (len(group) + 1),
            ["**generated**", *(f"**{metric['value']}**" for metric in group)],
            ["real (floor)", *(str(metric["floor"]) for metric in group)],
            *(
                [yardstick["name"], *(str(yardstick["values"].get(metric["name"], "")) for metric in group)]
                for yardstick in metrics.get("yardsticks", [])
            ),
        ]
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    samples = {metric["name"].split(" (")[0]: metric["samples"] for metric in metrics["metrics"]}
    most = max(samples.values())
    fewer = [f"{count:,} for the {name}" for name, count in samples.items() if count != most]
    parts.append(
        f"↓: lower is better, ↑: higher is better. {most:,} pictures{f' ({fewer[0]})' if fewer else ''} against the "
        f"{metrics['metrics'][0]['split']} split. The floor is what real pictures score: training pictures against "
        "held-out ones"
        + ("; for class agreement, held-out pictures" if "Class agreement" in samples else "")
        + "."
        + (" Yardsticks: the held-out pictures themselves with Gaussian noise." if metrics.get("yardsticks") else "")
    )
    if near := metrics.get("neighbours"):
        parts.append(
            f"Memorisation: the distance from a generated picture to the nearest training picture is "
            f"{near['distance_ratio']} of that from a held-out one (medians, in {near['features']}; well below 1 "
            f"would mean copies), and {near['very_near']:.1%} are nearer than all but the nearest 1 % of the held-out "
            f"ones."
        )
    return "\n\n".join(parts)


def _again(pipeline: "GANPipeline", repo_id: str) -> str:
    modality = pipeline.training.get("modality", "image")
    objective = pipeline.training.get("arguments", {}).get("objective", "gan")
    classes = bool(getattr(pipeline, "labels", None))
    networks = " and ".join(name for name, network in pipeline.components.items() if network is not None)
    return (
        f"The repository holds {networks}, so that training can go on from here with data of your own, here a "
        f"folder{' whose sub-folders are the classes' * classes}:\n\n"
        f"```bash\naccelerate launch train.py {modality} --pretrained_model_name_or_path {repo_id} \\\n"
        f"  {f'--objective {objective} ' * (objective != 'gan')}"
        f"--train_data_dir ./my-folder --output_dir my-model\n```"
    )
