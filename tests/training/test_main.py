"""The command line from outside: every run is a process of its own."""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from cli import (
    MEASURED,
    MODEL,
    TINY,
    TRAIN,
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
from forks import Fork
from PIL import Image
from safetensors.torch import load_file

from gan import GANPipeline
from gan.image import data
from gan.image.features import RECIPE
from gan.image.task import ImageTask
from gan.training import arguments

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(600),
]  # the first test that asks for a late run waits for those before it

TOKEN = "hf_thisTokenIsASecret"
# Everything that must survive a resume is moving: lazy penalties out of step with the checkpoints, two passes a step,
# several epochs, and augmentation from the first step (a negative target calls everything overfitting).
DEMANDING = ["--train_data_dir", "pictures", "--resolution", "16", "--max_train_steps", "8", "--random_flip"]
DEMANDING += ["--gradient_accumulation_steps", "2", "--penalty_interval", "3", "--lr_warmup_steps", "3"]
DEMANDING += ["--augment_samples", "60", "--augment_target", "-100", "--logging_steps", "2", "--validation_steps", "4"]
DEMANDING += ["--checkpointing_steps", "2", "--checkpoints_total_limit", "3"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the runs start in, with pictures."""
    folder = tmp_path_factory.mktemp("cli")
    pictures(folder / "pictures")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def env(home: Path) -> dict[str, str]:
    """Nothing of the caller's, and no network: a run on one's own pictures needs none."""
    return environment(home)


@pytest.fixture(scope="module")
def runs(work: Path, env: dict[str, str]) -> Iterator[dict[str, Future]]:
    """All runs that the tests look at, by name, two at a time."""
    pool = ThreadPoolExecutor(2)
    futures = {"first": pool.submit(_first, work, env)}

    def after_the_first(start: Callable[[Path, dict[str, str]], Any]) -> Any:
        futures["first"].result()
        return start(work, env)

    for name, start in ALONE.items():
        futures[name] = pool.submit(start, work, env)
    for name, start in AFTER_THE_FIRST.items():
        futures[name] = pool.submit(after_the_first, start)
    yield futures
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def first(runs: dict[str, Future]) -> Result:
    """The uninterrupted run, in the folder `first`."""
    return runs["first"].result()


def _first(work: Path, env: dict[str, str]) -> Result:
    flags = [*DEMANDING, "--output_dir", "first", "--report_to", "all", f"--hub_token={TOKEN}", "--license", "mit"]
    return train(*flags, env=environment(Path(env["HOME"]) / "first"), cwd=work).check()


def test_a_run_writes_the_whole_model_repository(first: Result, work: Path) -> None:
    out = work / "first"
    assert set(model_files(out)) == MODEL
    assert "The model is in first." in first.out
    training, metrics = read(out / "training.json"), read(out / "metrics.json")
    assert (training["steps"], training["seed"], training["images_seen"]) == (8, 0, 64)
    assert training["dataset"]["name"] == "pictures" and len(training["dataset"]["fingerprint"]) == 16
    assert training["arguments"]["penalty_interval"] == 3 and {"torch", "diffusers"} <= set(training["versions"])
    assert training["command"].startswith("accelerate launch train.py image") and "--seed" not in training["command"]
    assert all(metric["reference"] >= 0 and metric["split"] for metric in metrics["metrics"])

    card = (out / "README.md").read_text()
    assert "model-index" in card and "license: mit" in card and "samples.png" in card
    assert "TODO" not in card and "More Information Needed" not in card

    pipeline = GANPipeline.from_pretrained(out)
    output = pipeline(seed=3, num_images=2, label="day")
    assert (pipeline.labels, output.seeds, output.images[0].size) == (["day", "night"], [3, 4], (16, 16))
    assert pipeline.training_record == training and pipeline.metrics == metrics


def test_a_run_can_be_watched(first: Result, work: Path, home: Path) -> None:
    previews = sorted(path.name for path in (work / "first/previews").iterdir())
    assert previews == ["step-000004.png", "step-000008.png"]
    assert Image.open(work / "first/previews/step-000008.png").size == (512, 512)
    assert list((work / "first/logs").glob("events.out.tfevents.*"))
    with sqlite3.connect(home / "first/trackio/gan.db") as database:
        steps = {step for (step,) in database.execute("SELECT step FROM metrics")}
    assert steps >= {2, 4, 6, 8}
    assert "64.0/64.0" in first.err and "images/s" in first.err  # the progress bar
    assert {path.name for path in work.iterdir()} >= {"first", "pictures"}
    assert not [path for path in work.iterdir() if path.name.startswith(".")]


def test_the_token_is_never_written(first: Result, work: Path, home: Path) -> None:
    for place in (work / "first", home / "first"):
        assert not [path for path, data in files(place).items() if TOKEN.encode() in data]
    assert TOKEN not in first.out + first.err
    with pytest.raises(SystemExit):  # a shortened flag would slip past what keeps it out of the record
        arguments.parser({"image": _NoTask}).parse_args(["image", "--hub_tok", TOKEN])


class _NoTask:
    """Adds no flags."""

    @staticmethod
    def add_arguments(parser: Any) -> None: ...


def _resumed(work: Path, env: dict[str, str]) -> Result:
    resumed = shutil.copytree(work / "first", work / "resumed")
    shutil.rmtree(resumed / "generator")
    weights = resumed / "checkpoint-8/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    (resumed / "checkpoint-6/optimizer_1.bin").unlink()
    flags = [*DEMANDING, "--output_dir", "resumed", "--resume_from_checkpoint", "latest", "--license", "mit"]
    return train(*flags, env=env, cwd=work).check()


def test_resume_past_damaged_checkpoints_equals_the_uninterrupted_run(runs: dict[str, Future], work: Path) -> None:
    result, resumed = runs["resumed"].result(), work / "resumed"
    assert _checkpoints(work / "first") == [4, 6, 8]  # the older one has been rotated out
    assert torch.load(work / "first/checkpoint-4/custom_checkpoint_2.pkl")["augment_p"] > 0  # or this proves little
    said = "\n".join(result.said)
    assert "resumed/checkpoint-8 is damaged" in said and "resumed/checkpoint-6 is damaged" in said
    assert "Resumes from resumed/checkpoint-4." in said
    for network in ("generator", "discriminator"):
        file = f"{network}/diffusion_pytorch_model.safetensors"
        assert _difference(load_file(resumed / file), load_file(work / "first" / file)) is None
    assert (resumed / "samples.png").read_bytes() == (work / "first/samples.png").read_bytes()
    assert read(resumed / "metrics.json")["metrics"] == read(work / "first/metrics.json")["metrics"]
    assert _checkpoints(resumed) == [4, 6, 8]
    for step in (6, 8):
        one, other = (work / name / f"checkpoint-{step}" for name in ("first", "resumed"))
        names = sorted(path.name for path in one.iterdir())
        assert names == sorted(path.name for path in other.iterdir()) and "optimizer_1.bin" in names
        for name in names:
            assert _difference(_state(one / name), _state(other / name), name) is None


def _state(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    state = torch.load(path, weights_only=False)  # our own files
    if isinstance(state, dict):
        state.pop("seconds", None)  # of training so far
    return state


def _difference(one: Any, other: Any, place: str = "") -> str | None:
    """Where two states first differ in a single bit."""
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return place
        one, other, keys = list(one.values()), list(other.values()), list(one)
    elif isinstance(one, (list, tuple)):
        keys = list(range(len(one)))
    else:
        same = torch.equal(torch.as_tensor(one), torch.as_tensor(other)) if hasattr(one, "shape") else one == other
        return None if same else place
    if len(one) != len(other):
        return place
    pairs = zip(keys, one, other, strict=True)
    return next((found for key, a, b in pairs if (found := _difference(a, b, f"{place}/{key}"))), None)


def _checkpoints(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("checkpoint-")) for path in folder.glob("checkpoint-*"))


def _wait_for(path: Path, code: Callable[[], int | None]) -> None:
    """Until a running process, which has no exit code, has written this."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert code() is None and time.monotonic() < deadline, path
        time.sleep(0.02)


ENDLESS = ["--train_data_dir", "pictures", "--resolution", "8", "--no-evaluate", "--validation_steps", "3"]


def _streams(env: dict[str, str], name: str) -> tuple[Path, Path]:
    return Path(env["HOME"]) / f"{name}.out", Path(env["HOME"]) / f"{name}.err"


def _stop(work: Path, env: dict[str, str], name: str, signals: signal.Signals) -> int | None:
    """The exit code of a long run that gets a signal once it has written its first preview."""
    flags = [*TINY, *ENDLESS, "--max_train_steps", "100000", "--output_dir", name]
    process = Fork([*TRAIN[1:], *flags], env, work, *_streams(env, name))
    try:
        _wait_for(work / name / "previews/step-000003.png", process.poll)
        process.send_signal(signals)
        process.wait(120)
    finally:
        process.kill()
    return process.returncode


def _stopped(work: Path, env: dict[str, str], name: str, signals: signal.Signals) -> Result:
    code = _stop(work, env, name, signals)
    return Result(code, *(path.read_text() for path in _streams(env, name)))


def test_an_installed_package_needs_no_script(runs: dict[str, Future], work: Path) -> None:
    runs["unmeasured"].result().check()
    command = read(work / "elsewhere/gan-model/training.json")["command"]
    assert command.startswith("accelerate launch -m gan.training image --model_size tiny")


def _interrupted(work: Path, env: dict[str, str]) -> Result:
    return _stopped(work, env, "interrupted", signal.SIGINT)


def _hung_up(work: Path, env: dict[str, str]) -> Result:
    """The same with a terminal, or rather a pipe, behind its streams."""
    pipes = _streams(env, "hung up")
    for pipe in pipes:
        os.mkfifo(pipe)
    with ThreadPoolExecutor(2) as readers:
        out, err = (readers.submit(pipe.read_text) for pipe in pipes)
        code = _stop(work, env, "hung up", signal.SIGHUP)
    return Result(code, out.result(), err.result())


def test_a_closed_terminal_stops_cleanly(runs: dict[str, Future], work: Path) -> None:
    result = runs["hung up"].result().check()
    assert "The model is in" not in result.out and "Traceback" not in result.err  # nobody is there to read it
    (step,) = _checkpoints(work / "hung up")
    assert step == read(work / "hung up/training.json")["steps"] < 100_000
    assert set(model_files(work / "hung up")) == MODEL - MEASURED


def _terminated(work: Path, env: dict[str, str]) -> tuple[Result, Result]:
    stopped = _stopped(work, env, "terminated", signal.SIGTERM)
    shutil.copytree(work / "terminated", work / "continued")
    flags = [*ENDLESS, "--max_train_steps", max(_checkpoints(work / "continued")) + 2]
    flags += ["--output_dir", "continued", "--resume_from_checkpoint", "latest"]
    return stopped, train(*flags, env=env, cwd=work)


@pytest.mark.parametrize("name", ["interrupted", "terminated"])
def test_a_signal_stops_cleanly(name: str, runs: dict[str, Future], work: Path) -> None:
    result = runs[name].result() if name == "interrupted" else runs[name].result()[0]
    result.check()
    assert "Traceback" not in result.err
    (step,) = _checkpoints(work / name)
    assert 3 <= step == read(work / name / "training.json")["steps"] < 100_000
    assert f"Stopped at step {step} of 100000" in result.out and "--resume_from_checkpoint latest" in result.out
    assert set(model_files(work / name)) == MODEL - MEASURED
    assert len(GANPipeline.from_pretrained(work / name)(num_images=2).images) == 2


def test_a_stopped_run_goes_on(runs: dict[str, Future], work: Path) -> None:
    runs["terminated"].result()[1].check()
    (step,) = _checkpoints(work / "terminated")
    assert read(work / "continued/training.json")["steps"] == step + 2


def _killed(work: Path, env: dict[str, str]) -> tuple[int, Result]:
    often = [*ENDLESS, "--checkpointing_steps", "1", "--checkpoints_total_limit", "1", "--output_dir", "killed"]
    nowhere = Path("/dev/null")
    endless = [*TRAIN[1:], *TINY, *often, "--max_train_steps", "100000"]
    process = Fork(endless, env, work, nowhere, nowhere)
    try:
        _wait_for(work / "killed/checkpoint-3", process.poll)  # from now on it does little but save
    finally:
        process.kill()
    process.wait(60)
    step = max(_checkpoints(work / "killed"))
    (work / "killed/.checkpoint-2.saving").mkdir()  # what a kill in mid-save leaves
    flags = [*often, "--max_train_steps", step + 1, "--resume_from_checkpoint", "latest"]
    return step, train(*flags, env=env, cwd=work)


def test_a_kill_leaves_the_last_checkpoint_whole(runs: dict[str, Future], work: Path) -> None:
    step, result = runs["killed"].result()
    assert f"Resumes from killed/checkpoint-{step}." in result.check().err
    assert not list((work / "killed").glob(".*"))


def _replaced(work: Path, env: dict[str, str]) -> Result:
    shutil.copytree(work / "first", work / "replaced")
    flags = ["--resolution", "8", "--max_train_samples", "40", "--unconditional", "--max_train_steps", "3"]
    flags += ["--checkpointing_steps", "1", "--output_dir", "replaced", "--overwrite_output_dir", "--no-evaluate"]
    return python("-m", "accelerate.commands.launch", *TRAIN[1:], *TINY, *flags, env=env, cwd=work)


def test_accelerate_launch_replaces_a_model_when_told_to(runs: dict[str, Future], work: Path) -> None:
    runs["replaced"].result().check()
    assert _checkpoints(work / "replaced") == [2, 3]  # none of the model before
    assert set(model_files(work / "replaced")) == MODEL - MEASURED
    pipeline = GANPipeline.from_pretrained(work / "replaced")
    assert (pipeline.labels, pipeline.resolution, pipeline.metrics) == (None, (8, 8), {})
    assert pipeline.training_record["dataset"]["name"] == "glyphs"


NO_ROOM = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, 100 * 1024))  # no file may grow beyond that
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _full(work: Path, env: dict[str, str]) -> Result:
    shutil.copytree(work / "first", work / "full")
    flags = ["--train_data_dir", "pictures", "--max_train_steps", "4", "--checkpointing_steps", "2", "--no-evaluate"]
    flags += ["--output_dir", "full", "--resolution", "8", "--overwrite_output_dir", "--validation_steps", "2"]
    return python("-c", NO_ROOM, *TRAIN[1:], *TINY, *flags, env=env, cwd=work)


def test_a_full_disk_leaves_the_earlier_model(runs: dict[str, Future], work: Path) -> None:
    result, full = runs["full"].result(), work / "full"
    assert "could not be written to full" in result.error and "Make room" in result.error
    assert [line for line in result.said if "checkpoint-2 could not be written" in line]
    assert model_files(full) == model_files(work / "first")
    assert not list(full.glob(".*")) and _checkpoints(full) == []
    GANPipeline.from_pretrained(full)


USUAL = ["--max_train_steps", "2", "--no-evaluate", "--max_train_samples", "20", "--output_dir", "never"]
BAD = {  # command line: what the sentence must name
    "missing folder": (["--train_data_dir", "nowhere"], "The folder nowhere does not exist"),
    "a file for a folder": (
        ["--train_data_dir", "file"],
        "file is a file and no folder; --train_data_dir takes a folder of pictures",
    ),
    "empty folder": (["--train_data_dir", "empty"], "The folder empty holds no pictures"),
    "none readable": (["--train_data_dir", "garbage"], "None of the 3 pictures in the folder garbage can be read"),
    "image column": (["--dataset_name", "./set", "--image_column", "pic"], "its columns are image, kind"),
    "not a picture": (["--dataset_name", "./set", "--image_column", "kind"], "'kind' of the data set holds no pict"),
    "label column": (["--dataset_name", "./set", "--label_column", "sort"], "its columns are image, kind"),
    "missing data set folder": (["--dataset_name", "./nowhere"], "The folder ./nowhere does not exist"),
    "no data set in folder": (["--dataset_name", "./empty"], "The folder ./empty holds no data set"),
    "damaged data set": (["--dataset_name", "./broken"], "The data set ./broken could not be loaded"),
    "not an id": (["--dataset_name", "what is this"], "neither a folder here nor an id like user/name"),
    "resolution": (["--resolution", "30"], "A resolution of 30x30 cannot be used"),
    "output is a file": (["--output_dir", "file"], "file is a file"),
    "output below a file": (["--output_dir", "file/below"], "The folder file/below cannot be made"),
    "output taken": (["--output_dir", "first"], "--overwrite_output_dir"),
    "none to go on from": (["--resume_from_checkpoint", "latest", "--output_dir", "kept"], "and no checkpoint"),
    "no checkpoint": (["--resume_from_checkpoint", "nowhere"], "There is no checkpoint at nowhere"),
    "broken checkpoint": (["--resume_from_checkpoint", "empty"], "empty cannot be read"),
    "other shape": (["--resume_from_checkpoint", "first/checkpoint-8"], "or belongs to a model of another shape"),
    "all broken": (["--resume_from_checkpoint", "latest", "--output_dir", "all"], "No checkpoint in all can be read"),
    "base not ours": (["--pretrained_model_name_or_path", "empty"], "empty is not a model repository of ours"),
    "base resolution": (["--pretrained_model_name_or_path", "first", "--resolution", "24"], "pictures of 16x16"),
    "base shape": (
        ["--pretrained_model_name_or_path", "first", "--latent_dim", "32"],
        "first keeps its networks, which are not those of --latent_dim 32; leave that out",
    ),
    "base size": (
        ["--pretrained_model_name_or_path", "first", "--model_size", "base"],
        "not those of --model_size base",
    ),
    "base colours": (["--pretrained_model_name_or_path", "first", "--image_channels", "1"], "draws RGB pictures"),
    "no token": (["--push_to_hub"], "--push_to_hub needs a write token"),
    "publish, Hub away": (["--push_to_hub", "--hub_token", TOKEN, "--hub_model_id", "a/b"], "cannot be reached"),
    "base, Hub away": (["--pretrained_model_name_or_path", "tester/x"], "the Hub cannot be reached"),
    "data, Hub away": (["--dataset_name", "tester/x"], "The data set tester/x could not be loaded: the Hub cannot be"),
}
REFUSED = {  # by argparse, after its usage
    "no steps": ["--max_train_steps", "0"],
    "no size": ["--resolution", "small"],
    "negative rate": ["--learning_rate", "-1"],
    "no augmentation length": ["--augment_samples", "0"],
    "no decay": ["--adam_beta2", "1"],
    "no such flag": ["--resolutoin", "32"],
}


LINES = {name: [*USUAL, *line] for name, (line, _) in BAD.items()} | REFUSED


def _bad(work: Path, env: dict[str, str]) -> dict[str, Result]:
    (work / "file").write_text("not a folder")
    for name in ("empty", "garbage", "all/checkpoint-3", "set/data", "broken/data"):
        (work / name).mkdir(parents=True)
    for k in range(3):
        (work / f"garbage/{k}.png").write_bytes(b"not a picture")
    (work / "kept").mkdir()
    (work / "kept/model_index.json").write_text("{}")
    (work / "broken/data/train-00000-of-00001.parquet").write_bytes(b"PAR1 and no more")
    few = sorted((work / "pictures").rglob("*.png"))[:8]
    columns = {"image": [{"bytes": path.read_bytes(), "path": None} for path in few], "kind": [0, 1] * 4}
    features = datasets.Features({"image": datasets.Image(), "kind": datasets.Value("int64")})
    table = datasets.Dataset.from_dict(columns, features=features)
    table.to_parquet(work / "set/data/train-00000-of-00001.parquet")
    names = [name for name in LINES if "Hub away" not in name]
    return dict(zip(names, train_each([LINES[name] for name in names], env, work), strict=True))


def _away(work: Path, env: dict[str, str]) -> dict[str, Result]:  # the client takes its time before it gives up
    names = [name for name in LINES if "Hub away" in name]
    folder = work / "away"
    folder.mkdir()
    return dict(zip(names, train_each([LINES[name] for name in names], env, folder), strict=True))


@pytest.fixture(scope="module")
def bad(runs: dict[str, Future]) -> dict[str, Result]:
    """How each of the bad command lines ended."""
    return runs["bad"].result() | runs["away"].result()


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name: str, bad: dict[str, Result]) -> None:
    assert BAD[name][1] in bad[name].error
    noise = ("Retrying in", "thrown while requesting", "is passed over", "Failed to read schema")  # in the meantime
    assert [line for line in bad[name].said if not any(word in line for word in noise)] == [bad[name].error]


@pytest.mark.parametrize("name", REFUSED)
def test_bad_flags_are_refused(name: str, bad: dict[str, Result]) -> None:
    assert bad[name].code == 2
    assert "error: " in bad[name].said[-1] and "Traceback" not in bad[name].err


def test_bad_input_costs_nothing_that_was_there(bad: dict[str, Result], first: Result, work: Path) -> None:
    assert set(model_files(work / "first")) == MODEL and _checkpoints(work / "first") == [4, 6, 8]
    assert (work / "file").read_text() == "not a folder"


def _own(work: Path, env: dict[str, str]) -> Result:
    return train("--train_data_dir", "nowhere", "--output_dir", "never", env=env, cwd=work)


def test_bad_input_in_a_process_of_its_own(runs: dict[str, Future]) -> None:
    result = runs["own"].result()
    assert result.said == [result.error] and "nowhere" in result.error
    assert result.out == ""


def _unmeasured(work: Path, env: dict[str, str]) -> Result:
    """Without the script, and from another folder."""
    elsewhere = work / "elsewhere"
    elsewhere.mkdir()
    flags = ["--dataset_name", "glyphs", "--resolution", "8", "--max_train_samples", "1000", "--max_train_steps", "1"]
    flags += ["--evaluate"]
    train_set, _ = data.load(arguments.parser({"image": ImageTask}).parse_args(["image", *flags]))
    (Path(env["HF_HOME"]) / "gan-studio/classifiers" / f"{train_set.fingerprint()}-{RECIPE}").mkdir(parents=True)
    return python("-m", "gan.training", "image", *TINY, *flags, env=env, cwd=elsewhere)


def test_a_model_that_cannot_be_measured_is_there_nevertheless(runs: dict[str, Future], work: Path) -> None:
    result = runs["unmeasured"].result().check()
    assert "The model could not be measured: The classifier in " in result.err and "is damaged" in result.err
    assert "The model is in gan-model." in result.out
    assert len(GANPipeline.from_pretrained(work / "elsewhere/gan-model")(num_images=2).images) == 2


ALONE = {
    "unmeasured": _unmeasured,
    "interrupted": _interrupted,
    "hung up": _hung_up,
    "away": _away,
    "terminated": _terminated,
    "killed": _killed,
    "own": _own,
}
AFTER_THE_FIRST = {"resumed": _resumed, "bad": _bad, "replaced": _replaced, "full": _full}
