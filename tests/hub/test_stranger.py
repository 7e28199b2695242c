"""Somebody with nothing but a model's card: an empty virtual environment, and the card's lines, copied and run."""

import os
import re
import subprocess
import sysconfig
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli import files, pictures, python
from hub_server import HubServer
from PIL import Image

from gan import ImagePipeline
from gan.hub.wheel import NAME as WHEEL

pytestmark = [pytest.mark.slow, pytest.mark.hub, pytest.mark.processes]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def stranger(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody without this package.

    What it depends on is there, so that PyPI is not asked: a path file lends the virtual environment what is installed
    here, pip itself too, among which this package isn't.
    """
    place = tmp_path / "venv"
    venv.create(place)
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "lent.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    for command, module in {
        "pip": "pip._internal.cli.main",
        "accelerate": "accelerate.commands.accelerate_cli",
    }.items():
        script = place / "bin" / command
        script.write_text(f"#!{place}/bin/python\nimport sys\nfrom {module} import main\n\nsys.exit(main())\n")
        script.chmod(0o755)
    env = hub.env(tmp_path / "home")
    env.pop("PYTHONPATH", None)
    path = f"{place}/bin:{os.environ['PATH']}"
    return env | {"PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "OMP_NUM_THREADS": "1"}


def blocks(card: str, section: str) -> list[tuple[str, str]]:
    """The code of a section of a card: (language, text)."""
    return re.findall(r"```(\w+)\n(.*?)```", card.split(f"## {section}\n")[1].split("\n## ")[0], re.DOTALL)


def copied(lines: str, env: dict[str, str], folder: Path) -> str:
    """Pastes lines into a shell."""
    done = subprocess.run(["bash", "-ec", lines], env=env, cwd=folder, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_lines_of_a_card_are_all_that_one_needs(
    hub: HubServer, stranger: dict[str, str], repository: Path, pipeline: ImagePipeline, tmp_path: Path
) -> None:
    owner = hub.env(tmp_path / "owner") | {"PYTHONPATH": str(Path(__file__).parents[2])}
    python("-m", "gan.hub", "push", repository, "tester/faces", env=owner, cwd=tmp_path).check()
    card = urllib.request.urlopen(f"{hub.url}/tester/faces/resolve/main/README.md").read().decode()
    (install, how), (language, code) = blocks(card, "Use it")
    (_, finetune), *_ = blocks(card, "Fine-tune it")
    assert (install, language) == ("bash", "python")
    assert how == f"pip install {hub.url}/tester/faces/resolve/main/{WHEEL}\n"

    desk = tmp_path / "desk"
    desk.mkdir()
    copied(how, stranger, desk)
    (desk / "card.py").write_text(code + "\nimport gan\nprint(gan.__file__)\n")
    where = copied("python card.py", stranger, desk).splitlines()[-1]
    assert Path(where).is_relative_to(tmp_path / "venv")
    meant = pipeline(seed=7, num_images=16, truncation=0.8, label="Ada").images[0]
    assert np.array_equal(np.asarray(Image.open(desk / "7.png")), np.asarray(meant))

    pictures(desk / "my-folder")
    few = " --max_train_steps 2 --train_batch_size 4 --report_to none --no-evaluate"
    copied(finetune.strip() + few, stranger, desk)
    assert {"model_index.json", "training.json", "README.md", WHEEL} <= set(files(desk / "my-model"))
    # The wheel that an installation writes is the one that it was installed from.
    assert _contents(desk / "my-model" / WHEEL) == _contents(repository / WHEEL)


def _contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
