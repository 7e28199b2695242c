"""From the data on the Hub to a stranger's screen: every process here is a real one, and the Hub is on loopback."""

import io
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
import yaml
from cli import (
    MEASURED,
    MODEL,
    Result,
    environment,
    files,
    model_files,
    pictures,
    python,
    read,
    train,
    train_each,
)
from hub_server import HubServer
from PIL import Image

from gan import GANPipeline

pytestmark = [pytest.mark.processes, pytest.mark.hub]

TOKEN = "hf_theRightTokenForThisHub"
FAST = ["--max_train_steps", "3", "--resolution", "8"]
QUICK = [*FAST, "--no-evaluate", "--train_data_dir", "pictures"]

STRANGER = """
import hashlib, json, sys
from gan import GANError, GANPipeline

def look(source):
    try:
        pipeline = GANPipeline.from_pretrained(source)
    except GANError as error:
        return str(error)
    images = pipeline(seed=7, num_images=5, truncation=0.8).images + pipeline(seed=3, label="day").images
    return hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()

json.dump({source: look(source) for source in sys.argv[2:]}, open(sys.argv[1], "w"))
"""


def look(sources: list[str], env: dict[str, str], work: Path) -> dict[str, str]:
    """What a fresh process finds at each source: a hash of its pictures, or the sentence of a `GANError`."""
    report = work / "looked.json"
    python("-c", STRANGER, report, *sources, env=env, cwd=work).check()
    return read(report)


def data_set(folder: Path) -> dict[str, bytes]:
    """The files of a data set repository with the pictures of a folder; its classes are the wrong way round."""
    names = ["night", "day"]
    found = sorted(folder.rglob("*.png"))
    columns: dict[str, list[Any]] = {"picture": [{"bytes": path.read_bytes(), "path": None} for path in found]}
    columns["label"] = [names.index(path.parent.name) for path in found]
    features = datasets.Features({"picture": datasets.Image(), "label": datasets.ClassLabel(names=names)})
    parquet = io.BytesIO()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(parquet)
    return {"data/train-00000-of-00001.parquet": parquet.getvalue()}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the runs start in, with pictures."""
    folder = tmp_path_factory.mktemp("publish")
    pictures(folder / "pictures")
    return folder


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, work: Path) -> Iterator[HubServer]:
    """A Hub with a private data set."""
    with HubServer(tmp_path_factory.mktemp("hub") / "hub", token=TOKEN) as hub:
        hub.create("dataset", "tester/ds", data_set(work / "pictures"), private=True)
        yield hub


@pytest.fixture(scope="module")
def env(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A client that is logged in."""
    home = tmp_path_factory.mktemp("home")
    return environment(home, hub.env(home / "huggingface"))


def without_login(env: dict[str, str], home: Path) -> dict[str, str]:
    """The same Hub seen by somebody else: no token, an empty cache."""
    env = {name: value for name, value in env.items() if name != "HF_TOKEN"}
    return environment(home, env, HF_HOME=str(home / "huggingface"))


@pytest.fixture(scope="module")
def published(hub: HubServer, work: Path, env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Trained on tester/ds, published as tester/x, with a token that only the command line knows."""
    anonymous = without_login(env, tmp_path_factory.mktemp("anonymous"))
    flags = [*FAST, "--dataset_name", "tester/ds", "--output_dir", "x", "--license", "cc0-1.0", "--seed", "11"]
    flags += ["--checkpointing_steps", "2", "--validation_steps", "2", "--report_to", "tensorboard"]
    flags += ["--push_to_hub", "--hub_private_repo", "--hub_model_id", "tester/x", "--hub_token", TOKEN]
    return train(*flags, env=anonymous, cwd=work).check()


def test_a_run_publishes_the_model_and_nothing_else(published: Result, hub: HubServer, work: Path) -> None:
    assert f"Published at {hub.url}/tester/x." in published.out
    repo = hub.repos["model", "tester/x"]
    assert repo.private
    uploaded = repo.files()
    assert set(uploaded) == MODEL | {".gitattributes"}
    local = model_files(work / "x")
    assert {path: data for path, data in uploaded.items() if path in MODEL} == local
    assert {"checkpoint-2", "previews", "logs"} <= {path.name for path in (work / "x").iterdir()}
    assert not [path for path, data in (uploaded | files(work / "x")).items() if TOKEN.encode() in data]


def test_the_card_is_complete(published: Result, hub: HubServer, work: Path) -> None:
    text = hub.repos["model", "tester/x"].files()["README.md"].decode()
    _, front, body = text.split("---\n", 2)
    front = yaml.safe_load(front)
    assert (front["license"], front["datasets"]) == ("cc0-1.0", ["tester/ds"])
    assert front["pipeline_tag"] == "unconditional-image-generation" and "gan" in front["tags"]
    (model,) = front["model-index"]
    measured = read(work / "x/metrics.json")["metrics"][0]
    assert model["results"][0]["metrics"][0]["value"] == measured["value"]
    for wanted in (
        'from_pretrained("tester/x")',
        "--pretrained_model_name_or_path tester/x",
        "samples.png",
        "| Seed | 11 |",
    ):
        assert wanted in body
    assert "TODO" not in body and "More Information Needed" not in body and "None" not in body


def test_a_stranger_sees_the_same_pictures(published: Result, hub: HubServer, work: Path, env: dict[str, str]) -> None:
    ours = {path: data for path, data in model_files(work / "x").items() if path != "samples.png"}
    theirs = ours | {"config.json": b"{}"}
    weights = "generator/diffusion_pytorch_model.safetensors"
    for name in ("tester/down", "tester/gated", "tester/cut"):
        hub.create("model", name, ours)
    hub.create("model", "tester/torn", ours | {weights: ours[weights][:-100]})
    hub.create("model", "tester/foreign", {path: data for path, data in theirs.items() if path != "model_index.json"})
    hub.create("model", "tester/diffusion", {"model_index.json": b'{"_class_name": "StableDiffusionPipeline"}'})
    hub.fail(500, "tester/down", math.inf)
    hub.fail(403, "tester/gated", math.inf)
    hub.drop(f"tester/cut/resolve/{hub.repos['model', 'tester/cut'].sha()}/{weights}", 1000, math.inf)
    names = ["cut", "down", "gated", "torn", "foreign", "diffusion", "nothing"]
    found = look(["x", "tester/x", *(f"tester/{name}" for name in names)], env, work)

    assert found["tester/x"] == found["x"] and len(found["x"]) == 64
    for name, part in {
        "down": "the Hub answered with an error (500)",
        "gated": "the Hub refuses access (403)",
        "cut": "the Hub cannot be reached",
        "torn": f"{weights} of tester/torn is damaged",
        "foreign": "is not a model repository of ours",
        "diffusion": "holds a StableDiffusionPipeline",
        "nothing": "the Hub knows no such repository",
    }.items():
        sentence = found[f"tester/{name}"]
        assert part in sentence and f"tester/{name}" in sentence and sentence.endswith("."), sentence


def test_strangers_see_nothing_private(published: Result, work: Path, env: dict[str, str], tmp_path: Path) -> None:
    (work / "stranger").mkdir()
    nobody, wrong = without_login(env, tmp_path / "nobody"), environment(tmp_path / "wrong", dict(env))
    wrong |= {"HF_TOKEN": "hf_wrong", "HF_HOME": str(tmp_path / "wrong/huggingface")}
    lines = [
        ["--dataset_name", "tester/nothing"],
        ["--dataset_name", "tester/ds"],
        ["--pretrained_model_name_or_path", "tester/x"],
        ["--push_to_hub"],
        ["--push_to_hub", "--hub_token", "hf_wrong", "--hub_model_id", "tester/y"],
    ]
    flags = [*FAST, "--output_dir", "never", "--max_train_samples", "20"]
    found, again = work / "stranger", tmp_path
    with ThreadPoolExecutor(2) as pool:
        anonymous = pool.submit(train_each, [[*flags, *line] for line in lines], nobody, found)
        refused = pool.submit(train_each, [[*flags, *line] for line in lines[1:4]], wrong, again)
    parts = ["tester/nothing was not found", "tester/ds was not found", "no such repository", "needs a write token"]
    for result, part in zip(anonymous.result(), [*parts, "does not accept the token (401)"], strict=True):
        assert part in result.error
    for result in refused.result():
        assert "does not accept the token (401)" in result.error


def test_a_published_model_is_fine_tuned_and_published(
    published: Result, hub: HubServer, work: Path, env: dict[str, str]
) -> None:
    hub.fail(500, "models/tester/y/commit", times=1)
    flags = [*QUICK, "--pretrained_model_name_or_path", "tester/x", "--learning_rate", "1e-12", "--output_dir", "y"]
    train(*flags, "--resolution", "8", "--push_to_hub", env=env, cwd=work).check()
    assert [path for _, path in hub.requests if "models/tester/y/commit" in path][1:]  # once more
    repo = hub.repos["model", "tester/y"]  # named after the folder and the token's owner
    assert not repo.private and set(repo.files()) == (MODEL | {".gitattributes"}) - MEASURED

    old, new = (GANPipeline.from_pretrained(work / name) for name in "xy")
    assert (old.labels, new.labels) == (["night", "day"], ["day", "night"])
    for component in ("generator", "discriminator"):
        was, now = (getattr(pipeline, component).state_dict() for pipeline in (old, new))
        was["embed.weight"] = was["embed.weight"].flip(1)  # classes keep their names, not their numbers
        assert all(torch.allclose(was[name], now[name], atol=1e-6) for name in was | now)


def test_what_cannot_be_published_is_on_disk(hub: HubServer, work: Path, env: dict[str, str]) -> None:
    hub.drop("tester/dropped/commit/", 1000, math.inf)
    hub.fail(500, "tester/failed/commit/", math.inf)
    faults = {"dropped": "the Hub cannot be reached", "failed": "the Hub answered with an error (500)"}
    lines = [[*QUICK, "--output_dir", name, "--push_to_hub", "--hub_model_id", f"tester/{name}"] for name in faults]
    for (name, part), result in zip(faults.items(), train_each(lines, env, work), strict=True):
        result.check()  # the training itself went well
        assert f"tester/{name}: {part}" in result.said[-1]
        assert f"`python -m gan.hub push {name} tester/{name}` publishes it." in result.said[-1]
        assert "Published" not in result.out and "Traceback" not in result.err
        assert set(model_files(work / name)) == MODEL - MEASURED
        assert isinstance(GANPipeline.from_pretrained(work / name)(seed=1).images[0], Image.Image)


def test_repositories_that_are_not_as_asked_for(hub: HubServer, work: Path, env: dict[str, str]) -> None:
    hub.create("model", "tester/public")
    hub.create("dataset", "tester/gated", {"data.csv": b"a\n1\n"})
    hub.fail(403, "datasets/tester/gated", math.inf)
    cases = {
        "exists and is public, but a private one": ["--hub_model_id", "tester/public", "--hub_private_repo"],
        "the Hub refuses (403: You don't have the rights": ["--hub_model_id", "somebody/else"],
        "neither a folder here nor an id": ["--hub_model_id", "tester/a/b"],
    }
    lines = [[*QUICK, "--output_dir", "never", "--push_to_hub", *line] for line in cases.values()]
    lines.append([*FAST, "--output_dir", "never", "--dataset_name", "tester/gated"])
    for result, part in zip(train_each(lines, env, work), [*cases, "is gated"], strict=True):
        assert part in result.error
    assert not (work / "never/model_index.json").exists()
