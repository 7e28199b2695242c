"""A Space for a model: the studio, opened on it, with all that it needs to run in a repository of its own."""

import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import SpaceCard, SpaceCardData, constants

from gan.errors import GANError
from gan.hub import client as hub
from gan.hub.card import CPU_INDEX
from gan.hub.wheel import NAME as WHEEL
from gan.hub.wheel import PACKAGE, PATTERN, wheel

# What the studio imports beside Gradio, which the Space's sdk_version installs.
REQUIREMENTS = (
    "torch",
    "diffusers",
    "accelerate",
    "huggingface_hub",
    "safetensors",
    "tokenizers",
    "numpy",
    "pillow",
    "soundfile",
    "soxr",
)
APP = '''"""The studio on {model_id}. The package `gan` beside this file is a copy of the one that made the Space."""

import sys

from gan.studio import main

if __name__ == "__main__":
    main(["--models", "{model_id}", *sys.argv[1:]])
'''
TEXT = """# {title}

[{model_id}](https://huggingface.co/{model_id}) live on a CPU, in the studio that comes with it: seeds, sliders, and an
address for every sample. The model's card says what it was trained on and under which licence it is; the licence above
is that of the code.

`pip install -r requirements.txt gradio=={gradio} && python app.py` runs it anywhere, in a clone of this Space. To load
the model in a program of your own, its card says how{or_here}.

More models for the menu: their ids in the variable `GAN_MODELS` of the Space's settings. For a model that is private,
add a read token there as the secret `HF_TOKEN`.
"""


def create(model_id: str, repo_id: str, private: bool | None = None, token: str | None = None) -> str:
    """Makes or renews the Space `repo_id` for the model `model_id` and returns its address.

    Args:
        model_id: user/name of a model on the Hub.
        repo_id: user/name of the Space; it may be the same, as models and Spaces have names of their own.
        private: whether a new Space is private; `None` leaves that to the organisation's default.
        token: a write token; by default the one of `hf auth login` or `HF_TOKEN`.

    Raises:
        GANError: if the Hub refuses or can't be reached.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), model_id, repo_id)
            message, replaced = f"Studio for {model_id}", ["gan/*", PATTERN]
            return hub.upload(Path(folder), repo_id, private, token, message, kind="space", replaced=replaced)
    except OSError as error:
        raise GANError(f"There is no room for temporary files ({error.strerror}); set TMPDIR.") from error


def write(folder: Path, model_id: str, repo_id: str) -> None:
    """Writes the files of a Space for a model.

    The package comes along as it is here, because what opens the model then is what it was made with: as a folder,
    which the Space runs, and as a wheel for visitors. (A Space installs its requirements before its files are there,
    so that it cannot install that wheel itself.)
    """
    title = model_id.split("/")[-1]
    data = SpaceCardData(
        title=title,
        emoji="🎲",
        colorFrom="indigo",
        colorTo="pink",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
        app_file="app.py",
        license="apache-2.0",
        models=[model_id],
        tags=["gan", "gan-studio"],
    )
    package, or_here = wheel(), ""
    if package:
        (folder / WHEEL).write_bytes(package)
        or_here = (
            f"; the package is here, too: `pip install {constants.ENDPOINT}/spaces/{repo_id}/resolve/main/{WHEEL}`"
        )
    text = TEXT.format(title=title, model_id=model_id, gradio=version("gradio"), or_here=or_here)
    SpaceCard(f"---\n{data.to_yaml()}\n---\n\n{text}").save(folder / "README.md")
    (folder / "app.py").write_text(APP.format(model_id=model_id), encoding="utf-8")
    pins = [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]
    # Elsewhere torch brings gigabytes of CUDA, which a CPU Space would install at every start.
    lines = [f"--extra-index-url {CPU_INDEX}", *pins]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copytree(PACKAGE, folder / "gan", ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
