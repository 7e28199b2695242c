"""A Space that was made for a model: fetched from the Hub as the Hub would run it, started, and asked for pictures."""

import ast
import math
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from cli import ROOT, Result, environment, files, pictures, python, train_each
from gradio_client import Client
from hub_server import SPACE_CARD, HubServer
from huggingface_hub import SpaceCard, metadata_load
from PIL import Image

from gan import GANPipeline
from gan.hub import space
from gan.hub.wheel import NAME as WHEEL

pytestmark = [pytest.mark.processes, pytest.mark.hub]

TOKEN = "hf_theRightTokenForThisHub"
FETCH = """
import sys
from huggingface_hub import snapshot_download
snapshot_download("tester/x", repo_type="space", local_dir=sys.argv[1])
"""
# What the project needs to train and to be tested, and a Space hasn't got.
ABSENT = ["datasets", "sacrebleu", "tensorboard", "torchmetrics", "trackio", "pytest"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("space")


@pytest.fixture(scope="module")
def hub(work: Path) -> Iterator[HubServer]:
    with HubServer(work / "hub", token=TOKEN) as hub:
        yield hub


@pytest.fixture(scope="module")
def env(hub: HubServer, work: Path) -> dict[str, str]:
    """A client that is logged in."""
    return environment(work / "home", hub.env(work / "home/huggingface"))


@pytest.fixture(scope="module")
def trained(hub: HubServer, env: dict[str, str], work: Path) -> list[Result]:
    """Two runs: one published tester/x and made its Space, the other published tester/y, whose Space is refused."""
    pictures(work / "pictures")
    hub.fail(402, "spaces/tester/y", math.inf)
    flags = ["--train_data_dir", "pictures", "--resolution", 8, "--max_train_steps", 2, "--no-evaluate"]
    publish = [*flags, "--push_to_hub", "--create_space"]
    lines = [[*publish, "--hub_model_id", f"tester/{name}", "--output_dir", name] for name in "xy"]
    return [result.check() for result in train_each(lines, env, work)]


def test_training_makes_a_space(trained: list[Result], hub: HubServer, work: Path) -> None:
    assert f"Published at {hub.url}/tester/x.\nIts Space is at {hub.url}/spaces/tester/x." in trained[0].out
    repo = hub.repos["space", "tester/x"]
    assert repo.settings["sdk"] == "gradio" and not repo.private
    found = repo.files()
    package = {f"gan/{path}": data for path, data in files(ROOT / "gan").items() if "__pycache__" not in path}
    assert {path: data for path, data in found.items() if path.startswith("gan/")} == package
    assert set(found) - set(package) == {".gitattributes", "README.md", "app.py", "requirements.txt", WHEEL}
    assert not [path for path, data in found.items() if TOKEN.encode() in data]


def test_the_front_matter_is_a_space_s(trained: list[Result], hub: HubServer, work: Path) -> None:
    path = work / "card.md"
    path.write_bytes(hub.repos["space", "tester/x"].files()["README.md"])
    front, card = metadata_load(path), SpaceCard.load(path)
    assert card.data.to_dict() == front
    assert (front["title"], front["sdk"], front["sdk_version"]) == ("x", "gradio", version("gradio"))
    assert (front["app_file"], front["models"], front["license"]) == ("app.py", ["tester/x"], "apache-2.0")
    assert front["python_version"] == "{}.{}".format(*sys.version_info) and front["emoji"]
    assert all(front[color] in SPACE_CARD[color].split("|") for color in ("colorFrom", "colorTo"))
    ours = metadata_load(ROOT / "README.md")
    assert set(front) - {"models"} <= set(ours) and card.text.strip().startswith("# x")


def test_requirements_are_those_that_were_tested() -> None:
    pins = set((ROOT / "requirements.txt").read_text().splitlines())
    assert {f"{name}=={version(name).partition('+')[0]}" for name in space.REQUIREMENTS} <= pins


def test_app_py_is_valid_for_any_name(tmp_path: Path) -> None:
    space.write(tmp_path, "user.name-1/model_2.x", "user/space")
    ast.parse((tmp_path / "app.py").read_text())
    assert (tmp_path / "requirements.txt").read_text().startswith("--extra-index-url ")


def test_the_space_runs(trained: list[Result], hub: HubServer, env: dict[str, str], work: Path) -> None:
    python("-c", FETCH, "fetched", env=env, cwd=work).check()
    (work / "site").mkdir()
    (work / "site/sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({ABSENT}))\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port)]
    on_a_space = env | {"PYTHONPATH": str(work / "site"), "SPACE_ID": "tester/x"}
    with (
        (work / "app.log").open("w") as log,
        subprocess.Popen(command, env=on_a_space, cwd=work / "fetched", stdout=log, stderr=log) as app,
    ):
        try:
            deadline = time.monotonic() + 240
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert app.poll() is None and time.monotonic() < deadline, (work / "app.log").read_text()
                    time.sleep(0.2)
            client = Client(f"http://127.0.0.1:{port}", verbose=False, download_files=str(work / "answers"))
            answers = client.predict("", 7, 3, 1.0, "", api_name="/generate_images")
            offered = client.predict(api_name="/list_models")
        finally:
            app.terminate()
    assert str(offered).count("tester/x") == 1 and "fashion" not in str(offered)
    direct = GANPipeline.from_pretrained(work / "x")(seed=7, num_images=3).images
    shown = [Image.open(answer["image"]) for answer in answers]
    assert [np.asarray(image).tolist() for image in shown] == [np.asarray(image).tolist() for image in direct]
    assert "Traceback" not in (work / "app.log").read_text()


def test_a_space_that_cannot_be_made_costs_nothing(trained: list[Result], hub: HubServer) -> None:
    result = trained[1]
    assert f"Published at {hub.url}/tester/y." in result.out and "Its Space" not in result.out
    assert (
        "The space could not be published as tester/y: the Hub refuses (402: made to fail with 402)" in result.said[-1]
    )
    assert "`python -m gan.hub space tester/y tester/y` makes it." in result.said[-1]
