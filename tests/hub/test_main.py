"""`python -m gan.hub`: models that are on disk, pushed, pulled and rendered by processes of their own."""

import argparse
import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli import Result, environment, files, pictures, python, read, train_each
from hub_server import HubServer
from safetensors.torch import load_file

from gan import GANError, GANPipeline, ImagePipeline
from gan.hub.__main__ import main
from gan.training.publishing import check_flags

pytestmark = [pytest.mark.processes, pytest.mark.hub]

TOKEN = "hf_theRightTokenForThisHub"
WEIGHTS = "generator/diffusion_pytorch_model.safetensors"
CRITIC = "discriminator/diffusion_pytorch_model.safetensors"

# Several command lines, one after the other, in one client process.
LINES = """
import contextlib, io, json, sys
from gan.hub.__main__ import main
from gan.training.publishing import check_flags

def run(line):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(line)
        except SystemExit as end:  # argparse
            code = end.code
    return code, out.getvalue(), err.getvalue()

with open(sys.argv[2], "w") as report:
    json.dump([run(line) for line in json.loads(sys.argv[1])], report)
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub", token=TOKEN) as hub:
        yield hub


@pytest.fixture
def env(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    """A client that is logged in."""
    return environment(tmp_path / "home", hub.env(tmp_path / "home/huggingface"))


def each(lines: list[list[str]], env: dict[str, str], cwd: Path) -> list[Result]:
    """How these command lines ended."""
    report = cwd / "report.json"
    python("-c", LINES, json.dumps(lines), report, env=env, cwd=cwd).check()
    return [Result(*result) for result in read(report)]


def test_a_model_is_pushed_and_pulled(
    hub: HubServer, env: dict[str, str], repository: Path, make_pipeline: Callable[..., ImagePipeline], tmp_path: Path
) -> None:
    old = {"discriminator/config.json": b"{}", "metrics.json": b"{}", "sweep.png": b"old", "notes.md": b"mine"}
    hub.create("model", "tester/again", old)
    hub.fail(500, "PUT /lfs/")
    hub.drop("PUT /lfs/", 1000)
    hub.drop("models/tester/x/commit")
    hub.fail(429, "models/tester/again/commit")
    make_pipeline(seed=1).save_pretrained(tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare/discriminator")
    index = read(tmp_path / "bare/model_index.json")
    (tmp_path / "bare/model_index.json").write_text(json.dumps(index | {"discriminator": [None, None]}))

    pushed, unchanged, again, pulled = each(
        [
            ["push", "model", "tester/x", "--private", "--commit_message", "Hello"],
            ["push", "model", "tester/x"],
            ["push", "bare", "tester/again"],
            ["pull", "tester/x", "new/folder"],
        ],
        env,
        tmp_path,
    )
    assert f"Published at {hub.url}/tester/x." in pushed.check().out
    repo = hub.repos["model", "tester/x"]
    assert len([path for _, path in hub.requests if "tester/x/commit" in path]) == 2  # the line broke once
    assert repo.private and [entry["title"] for entry in repo.log.values()] == ["initial commit", "Hello"]
    unchanged.check()
    uploaded = repo.files()
    assert uploaded[WEIGHTS] == (repository / WEIGHTS).read_bytes()
    assert b'from_pretrained("tester/x")' in uploaded["README.md"]

    again.check()  # what the model before had is gone, what a user added is not
    kept = set(hub.repos["model", "tester/again"].files())
    assert not kept & {"discriminator/config.json", "metrics.json", "sweep.png"} and {"notes.md", WEIGHTS} <= kept

    assert "The model is in new/folder." in pulled.check().out
    assert files(tmp_path / "new/folder") == {path: data for path, data in uploaded.items() if path[0] != "."}
    assert not [path for path in (tmp_path / "new").iterdir() if path.name != "folder"]
    direct, fetched = (GANPipeline.from_pretrained(path) for path in (repository, tmp_path / "new/folder"))
    assert direct(seed=3).images[0].tobytes() == fetched(seed=3).images[0].tobytes()


DIFFUSERS = """
import torch
from gan import GANPipeline
pipeline = GANPipeline.from_pretrained("model")
pipeline.save_pretrained("saved", push_to_hub=True, private=True, commit_message="Saved")
pipeline.push_to_hub("tester/x", "Pushed", True)
pixels = pipeline(seed=3).images[0].tobytes()
for name, more in {"saved": {}, "x": {"force_download": True}, "many": {"subfolder": "a/b"}}.items():
    loaded = GANPipeline.from_pretrained(f"tester/{name}", device_map="cpu", **more)
    assert loaded(seed=3).images[0].tobytes() == pixels, name
"""


def test_publishing_and_loading_as_diffusers_does(
    hub: HubServer, env: dict[str, str], repository: Path, tmp_path: Path
) -> None:
    hub.create("model", "tester/many", {f"a/b/{path}": data for path, data in files(repository).items()})
    python("-c", DIFFUSERS, env=env, cwd=tmp_path).check()
    saved, pushed = (hub.repos["model", f"tester/{name}"] for name in ("saved", "x"))
    assert saved.private and [entry["title"] for entry in saved.log.values()] == ["initial commit", "Saved"]
    assert pushed.private and [entry["title"] for entry in pushed.log.values()] == ["initial commit", "Pushed"]
    assert b'from_pretrained("tester/saved")' in saved.files()["README.md"]
    assert b'from_pretrained("tester/saved")' in (tmp_path / "saved/README.md").read_bytes()


STUDIO = """
from gan import GANError
from gan.studio.registry import Registry
for registry in (Registry({}, allow_paths=True), Registry({"mine": "tester/x"}), Registry({})):
    try:
        print(registry.get("tester/x").resolution)
    except GANError as error:
        print(error)
"""


def test_strangers_open_no_private_model(
    hub: HubServer, env: dict[str, str], repository: Path, tmp_path: Path
) -> None:
    hub.create("model", "tester/x", files(repository), private=True)
    own, offered, stranger = python("-c", STUDIO, env=env, cwd=tmp_path).check().out.splitlines()
    assert (own, offered) == ("(16, 16)", "(16, 16)")
    assert (
        "tester/x cannot be fetched: the Hub knows no such repository, or it is private" in stranger
    )  # though cached


def test_guidance_of_a_private_model(hub: HubServer, env: dict[str, str], repository: Path, tmp_path: Path) -> None:
    hub.create("model", "tester/x", files(repository), private=True)
    stranger = {name: value for name, value in env.items() if name != "HF_TOKEN"}
    line = ["-m", "gan.latent", "guidance", "tester/x", "--critic_steps", "99"]
    assert "or it is private" in python(*line, env=stranger, cwd=tmp_path).err
    assert "99 critic steps" in python(*line, "--hub_token", TOKEN, env=stranger, cwd=tmp_path).err


def test_a_model_is_pulled_into_the_folder_that_one_stands_in(
    hub: HubServer, env: dict[str, str], repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    hub.create("model", "tester/x", files(repository))
    python("-m", "gan.hub", "pull", "tester/x", ".", env=env, cwd=tmp_path / "here").check()
    assert GANPipeline.from_pretrained(tmp_path / "here").resolution == (16, 16)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".saving")) == []


def test_bad_input_is_one_sentence(hub: HubServer, env: dict[str, str], repository: Path, tmp_path: Path) -> None:
    hub.create("model", "tester/foreign", {"config.json": b"{}"})
    hub.create("model", "tester/public")
    hub.create("model", "tester/down", {"model_index.json": b"{}"})
    hub.fail(403, "tester/full.git/info/lfs", math.inf, "")
    hub.fail(413, "models/tester/large/commit", math.inf)
    hub.fail(401, "models/tester/revoked/preupload", math.inf, "")
    hub.drop("models/tester/cut/commit", 1000, math.inf)
    hub.fail(500, "models/tester/down", math.inf)
    shutil.copytree(repository, tmp_path / "torn")
    (tmp_path / "torn" / WEIGHTS).write_bytes(b"torn")
    (tmp_path / "empty").mkdir()
    cases = {
        "There is no model in nowhere": ["card", "nowhere"],
        "There is no model in empty": ["push", "empty", "tester/x"],
        f"{WEIGHTS} of torn is damaged": ["push", "torn", "tester/x"],
        "exists and is public, but a private one": ["push", "model", "tester/public", "--private"],
        "does not accept the token (401)": ["push", "model", "tester/x", "--token", "hf_wrong"],
        "the Hub refuses (403: You don't have the rights": ["push", "model", "somebody/else"],
        "full: the Hub refuses (403: made to fail with 403)": ["push", "model", "tester/full"],
        "large: the Hub refuses (413: made to fail with 413)": ["push", "model", "tester/large"],
        "revoked: the Hub does not accept the token (401)": ["push", "model", "tester/revoked"],
        "cut: the Hub cannot be reached": ["push", "model", "tester/cut"],
        "the Hub knows no such repository": ["pull", "tester/nothing", "new"],
        "tester/public is not a model repository of ours": ["pull", "tester/public", "new"],
        "is not a model repository of ours: it has no": ["pull", "tester/foreign", "new"],
        "the Hub answered with an error (500)": ["pull", "tester/down", "new"],
        "model exists and is not an empty folder": ["pull", "tester/x", "model"],
        "tester/nothing cannot be fetched": ["space", "tester/nothing", "tester/demo"],
    }
    for result, part in zip(each(list(cases.values()), env, tmp_path), cases, strict=True):
        assert part in result.error
    sent = [path for method, path in hub.requests if method == "PUT"]
    assert len(sent) == len(set(sent)) >= 2  # what has been sent isn't sent again, by whichever attempt
    assert not (tmp_path / "new").exists() and ("model", "tester/x") not in hub.repos
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("line", [[], ["push", "model"], ["push", "model", "name"], ["pull", "a/b/c", "new"], ["pll"]])
def test_bad_lines_are_refused(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line)
    assert stop.value.code == 2 and "error: " in capsys.readouterr().err


def test_a_card_is_rendered_anew(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(repository)
    (repository / "README.md").unlink()
    assert main(["card", str(repository)]) == 0
    assert files(repository) == before
    assert main(["card", str(repository), "--hub_model_id", "user/name"]) == 0
    assert 'from_pretrained("user/name")' in (repository / "README.md").read_text()
    assert "README.md" in capsys.readouterr().out


def test_what_is_too_large_is_not_fetched(
    hub: HubServer, env: dict[str, str], repository: Path, tmp_path: Path
) -> None:
    ours = files(repository)
    hub.create("model", "tester/many", ours | {f"{k}/config.json": b"{}" for k in range(60)})
    hub.create("model", "tester/huge", ours | {"metrics.json": bytes(2**26 + 2**20)})
    many, huge = each([["pull", "tester/many", "new"], ["pull", "tester/huge", "new"]], env, tmp_path)
    assert "holds 68 files that a model could be made of, and 40 at most are fetched" in many.error
    assert "metrics.json of tester/huge has 65 MiB, and 64 MiB at most are fetched" in huge.error
    fetched = [path for _, path in hub.requests if "/resolve/" in path]
    assert fetched and not [path for path in fetched if not path.endswith("model_index.json")]


def test_a_run_publishes_as_it_goes_and_survives_the_hub(hub: HubServer, env: dict[str, str], tmp_path: Path) -> None:
    """Steps 2, 4 and 6 are to be pushed, and the Hub refuses the first."""
    pictures(tmp_path / "pictures")
    flags: list[Any] = ["--train_data_dir", "pictures", "--max_train_steps", 8, "--resolution", 8, "--no-evaluate"]
    push = ["--push_to_hub", "--push_every", 2, "--hub_private_repo"]
    hub.fail(403, "models/tester/pushed/commit", times=1, code="")
    lines = [[*flags, *push, "--output_dir", "pushed"], [*flags, "--output_dir", "quiet"]]
    pushed, quiet = (result.check() for result in train_each(lines, env, tmp_path))
    assert "Published" not in quiet.out and f"Published at {hub.url}/tester/pushed." in pushed.out
    said = "\n".join(pushed.said)
    assert "Step 2 is not pushed, training goes on: The model could not be published as tester/pushed: the Hub" in said
    repo = hub.repos["model", "tester/pushed"]
    titles = [entry["title"] for entry in repo.log.values()]
    assert repo.private and titles[-1] == "Upload model"
    assert {"Step 4", "Step 6"} & set(titles) or "still on its way" in pushed.err  # a busy machine leaves some out
    for sha, entry in repo.log.items():
        if entry["title"].startswith("Step"):
            step = json.loads(repo.files(sha)["training.json"])["steps"]
            assert entry["title"] == f"Step {step}"
    for weights in (WEIGHTS, CRITIC):  # publishing changes nothing of the training
        mine, plain = (load_file(tmp_path / name / weights) for name in ("pushed", "quiet"))
        assert all(mine[name].equal(plain[name]) for name in mine | plain)


@pytest.mark.parametrize("flag", ["push_every", "create_space"])
def test_flags_that_need_each_other(flag: str) -> None:
    with pytest.raises(GANError, match=f"--{flag} has no effect without --push_to_hub; give that too"):
        check_flags(argparse.Namespace(push_to_hub=False, **{"push_every": None, "create_space": False} | {flag: 2}))
