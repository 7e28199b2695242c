"""The directions of a model on the page: in which order, what they are called, and names that users give them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from gan.errors import GANError
from gan.labels import clean_name
from gan.latent.directions import ranked
from gan.latent.steering import DirectedPipeline
from gan.pipeline import GANPipeline
from gan.studio.component import page_errors
from gan.studio.queue import run_queued
from gan.studio.registry import Registry
from gan.studio.strings import words
from gan.utils.files import files_into

# How names of directions begin: of those towards a class, of those of SeFa, and of those that are about a word.
TOWARDS, COMPONENT, WITH = "class ", "component ", "with "
LONGEST = 40  # letters of a name


def direction_rows(pipeline: DirectedPipeline, words: dict[str, str]) -> list[dict[str, Any]]:
    """What the page must know of each direction, the most useful first. To be called on the queue's thread."""
    records = pipeline.usable_directions().records
    return [
        {
            "name": name,
            "title": direction_title(name, records[name]["source"], words),
            "source": records[name]["source"],
            "range": records[name]["range"],
            "formerly": records[name].get("formerly", []),
        }
        for name in ranked(records)
    ]


def direction_title(name: str, source: str, words: dict[str, str]) -> str:
    """What the page calls a direction: a word of its own where it has one."""
    if source == "class" and name.startswith(TOWARDS):
        return words["towards"].format(label=name.removeprefix(TOWARDS))
    if source == "sefa" and name.startswith(COMPONENT):
        return words["component"].format(number=name.removeprefix(COMPONENT))
    if source == "measured" and name.startswith(WITH):
        return words["with_word"].format(word=name.removeprefix(WITH))
    return words.get(f"direction_{name}", name[:1].upper() + name[1:])


def renaming(registry: Registry) -> Callable[..., dict[str, Any]]:
    """What the page calls, as `rename`, when a direction is given another name."""

    @page_errors
    def rename(settings: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        return rename_direction(registry, settings, words(request))

    return rename


def rename_direction(registry: Registry, settings: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """Gives a direction another name. Where nobody comes from elsewhere, and the model lies in a folder, that is
    written there, and the answer has all `directions`; otherwise it has none, and the browser keeps the name.

    Args:
        settings: `model`, `name` of the direction and `wanted`, the new one.

    Raises:
        GANError: for a name that cannot be used, or a folder that cannot be written.
    """
    pipeline: GANPipeline = registry.get(settings["model"])
    if not isinstance(pipeline, DirectedPipeline):
        raise GANError(f"{settings['model']} makes {pipeline.unit}, which have no directions.")
    wanted = clean_name(settings["wanted"])
    if len(wanted) > LONGEST:
        raise GANError(f"A direction's name has at most {LONGEST} letters.")
    folder = Path(registry.source(settings["model"]))

    def work() -> dict[str, Any]:
        renamed = pipeline.usable_directions().renamed(settings["name"], wanted)
        if not (registry.allow_paths and folder.is_dir()):
            return {}
        try:
            with files_into(folder) as temporary:
                renamed.save(temporary)
        except OSError as error:
            raise GANError(f"The name could not be written to {folder} ({error.strerror}).") from error
        pipeline.directions = renamed
        return {"directions": direction_rows(pipeline, words)}

    return run_queued(work)[0]
