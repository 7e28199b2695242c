"""What a model is: as a dict for the endpoints, and as the panel beside its samples."""

import math
from html import escape
from typing import Any

from gan.audio.pipeline import AudioPipeline
from gan.image.pipeline import ImagePipeline
from gan.pipeline import GANPipeline
from gan.text.pipeline import TextPipeline


def describe(name: str, pipeline: GANPipeline) -> dict[str, Any]:
    """What is known of a model: facts of the network, then what its repository says of training and measurements."""
    tensors = pipeline.generator.state_dict().values()
    training = pipeline.training_record
    arguments = training.get("arguments")
    seen = (f"{pipeline.unit}_seen", f"{pipeline.unit}_per_second")
    return {
        "model": name,
        **_kind_facts(pipeline),
        "labels": pipeline.labels,
        "parameters": pipeline.num_parameters,
        "megabytes": round(sum(tensor.numel() * tensor.element_size() for tensor in tensors) / 1e6, 2),
        "training": {
            key: training[key] for key in ("dataset", "steps", *seen, "seconds", "seed", "command") if key in training
        },
        "license": arguments.get("license") if isinstance(arguments, dict) else None,
        "metrics": [metric for metric in pipeline.metrics.get("metrics", []) if isinstance(metric, dict)],
    }


def _kind_facts(pipeline: GANPipeline) -> dict[str, Any]:
    """What a model of its kind, and no other, has."""
    config = pipeline.generator.config
    if isinstance(pipeline, TextPipeline):
        return {
            "kind": "text",
            "architecture": config.architecture,
            "vocabulary": config.vocab_size,
            "length": config.max_length,
            "critic": pipeline.critic is not None,
            "critic_strength": pipeline.config.critic_strength,
        }
    if isinstance(pipeline, AudioPipeline):
        return {
            "kind": "audio",
            "sampling_rate": pipeline.sampling_rate,
            "samples": config.samples,
            "duration": round(pipeline.duration, 3),
        }
    assert isinstance(pipeline, ImagePipeline)
    height, width = pipeline.resolution
    return {"kind": "image", "width": width, "height": height, "channels": config.image_channels}


def card_html(facts: dict[str, Any], words: dict[str, str]) -> str:
    """The panel. Everything a repository says is escaped: anybody may have written it."""
    training = facts["training"]
    dataset = training.get("dataset")
    megabytes = f"{facts['megabytes']:.1f}"
    rows = [
        (words["dataset"], dataset.get("name") if isinstance(dataset, dict) else dataset),
        *_class_rows(facts["labels"], words),
        *{"image": _image_rows, "text": _text_rows, "audio": _audio_rows}[facts["kind"]](facts, words),
        (
            words["parameters"],
            words["parameters_value"].format(millions=f"{facts['parameters'] / 1e6:.2f}", megabytes=megabytes),
        ),
        (words["trained"], _trained(training, words)),
        *_metric_rows(facts["metrics"], words),
        (words["license"], facts["license"]),
    ]
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text(value))}</dd>" for term, value in rows if value)
    return f"<h2>{escape(facts['model'])}</h2><dl>{terms}</dl>"


def _class_rows(labels: list[str] | dict[str, list[str]] | None, words: dict[str, str]) -> list[tuple[str, str]]:
    """A row a label column."""
    columns = labels if isinstance(labels, dict) else {"label": labels} if labels else {}
    return [
        (words["classes"] if name == "label" else column_name(name, words), f"{len(of_it)}: {', '.join(of_it)}")
        for name, of_it in columns.items()
    ] or [(words["classes"], words["no_classes"])]


def column_name(name: str, words: dict[str, str]) -> str:
    """What the page calls a label column: a word of its own where it has one, else the data set's."""
    return words.get(f"column_{name}", name[:1].upper() + name[1:])


def _image_rows(facts: dict[str, Any], words: dict[str, str]) -> list[tuple[str, str]]:
    colour = words["grey"] if facts["channels"] == 1 else words["colour"]
    return [(words["resolution"], f"{facts['width']} × {facts['height']}, {colour}")]


def _text_rows(facts: dict[str, Any], words: dict[str, str]) -> list[tuple[str, str]]:
    critic = words["critic_value"].format(strength=f"{facts['critic_strength']:g}")
    return [
        (words["vocabulary"], words["vocabulary_value"].format(tokens=f"{facts['vocabulary']:,}")),
        (words["length"], words["length_value"].format(tokens=facts["length"])),
        (words["critic"], critic if facts["critic"] else words["no_critic"]),
    ]


def _audio_rows(facts: dict[str, Any], words: dict[str, str]) -> list[tuple[str, str]]:
    kilohertz = f"{facts['sampling_rate'] / 1000:g}"
    return [
        (words["sampling"], words["sampling_value"].format(seconds=f"{facts['duration']:.3g}", kilohertz=kilohertz))
    ]


def speed_html(count: int, milliseconds: float, words: dict[str, str]) -> str:
    """The last row of the panel: how long the pictures on the screen took."""
    value = words["speed_value"].format(each=f"{milliseconds / count:.1f}", count=count, total=f"{milliseconds:.0f}")
    return f"<dl><dt>{escape(words['speed'])}</dt><dd>{escape(value)}</dd></dl>"


def _trained(training: dict[str, Any], words: dict[str, str]) -> str:
    parts = []
    if is_number(training.get("steps")):
        parts.append(words["steps"].format(steps=f"{training['steps']:,}"))
    if is_number(training.get("images_seen")):
        parts.append(words["images_seen"].format(images=f"{training['images_seen']:,}"))
    if is_number(training.get("texts_seen")):
        parts.append(words["texts_seen"].format(texts=f"{training['texts_seen']:,}"))
    if is_number(training.get("clips_seen")):
        parts.append(words["clips_seen"].format(clips=f"{training['clips_seen']:,}"))
    if is_number(training.get("seconds")):
        parts.append(duration(training["seconds"], words))
    return " · ".join(parts)


def duration(seconds: float, words: dict[str, str]) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return words["seconds"].format(s=round(seconds))
    if minutes < 60:
        return words["minutes"].format(m=minutes)
    return words["hours"].format(h=minutes // 60, m=minutes % 60)


def _metric_rows(metrics: list[dict[str, Any]], words: dict[str, str]) -> list[tuple[str, str]]:
    """A row a figure; what features it is of is said once, before the first."""
    rows, said = [], ""
    for metric in metrics:
        name, features = text(metric.get("name")), text(metric.get("features"))
        if features and features != said:
            rows.append((words["measured_in"], features))
            said = features
        rows.append((name.removesuffix(f" ({features})"), _measured(metric, words)))
    return rows


def _measured(metric: dict[str, Any], words: dict[str, str]) -> str:
    value = text(metric.get("value"))
    reference = metric.get("reference")
    return words["reference"].format(value=value, reference=text(reference)) if is_number(reference) else value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
