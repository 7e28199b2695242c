"""What the command line says when a run is resumed takes effect, or is refused."""

from pathlib import Path

import pytest
import torch
from cli import TINY, Result, environment, pictures, python, read, train_each

from gan.utils.hardware import cores

pytestmark = pytest.mark.processes
START = ["--train_data_dir", "pictures", "--resolution", "8", "--no-evaluate", "--lr_scheduler", "constant"]
RUN = [*START, "--output_dir", "run", "--checkpoints_total_limit", "9"]
CHANGED = ["--learning_rate", "1e-6", "--adam_beta1", "0.3", "--adam_weight_decay", "0.1"]
LATEST = ["--resume_from_checkpoint", "latest"]
LINES = {
    "run": [*RUN, "--max_train_steps", "4", "--checkpointing_steps", "2"],
    "changed": [*RUN, *CHANGED, "--max_train_steps", "6", *LATEST],
    "cosine": [*RUN, *LATEST, "--max_train_steps", "8", "--lr_scheduler", "cosine", "--discr_learning_rate", "1e-3"],
    "by name": [*RUN, "--resume_from_checkpoint", "checkpoint-8", "--max_train_steps", "9"],
    "fewer steps": [*RUN, *LATEST, "--max_train_steps", "2"],
    "fine-tuned": [*RUN, *LATEST, "--max_train_steps", "10", "--pretrained_model_name_or_path", "run"],
    "both lengths": [*START, "--max_train_steps", "2", "--num_train_epochs", "2"],
    "repository without Hub": [*START, "--hub_model_id", "tester/model"],
    "two sources": [*START, "--dataset_name", "glyphs"],
    "revision of nothing": [*START, "--revision", "main"],
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    pictures(folder / "pictures")
    return folder


@pytest.fixture(scope="module")
def results(work: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """How each of the lines ended, one after the other in one process, which the lines of a Python session are."""
    env = environment(tmp_path_factory.mktemp("home"))
    found = {}
    for name, result in zip(LINES, train_each([*LINES.values()], env, work), strict=True):
        found[name] = result
    return found


def groups(checkpoint: Path, name: str = "optimizer.bin") -> list[dict]:
    return torch.load(checkpoint / name)["param_groups"]


def test_flags_of_the_optimiser_take_effect_and_are_recorded(results: dict[str, Result], work: Path) -> None:
    results["changed"].check()
    for network in ("optimizer.bin", "optimizer_1.bin"):
        matrices, biases = groups(work / "run/checkpoint-6", network)
        assert {group["lr"] for group in (matrices, biases)} == {1e-6}
        assert {tuple(group["betas"]) for group in (matrices, biases)} == {(0.3, 0.99)}
        assert (matrices["weight_decay"], biases["weight_decay"]) == (0.1, 0.0)


def test_schedules_take_effect(results: dict[str, Result], work: Path) -> None:
    results["cosine"].check()
    generator, discriminator = (
        groups(work / "run/checkpoint-8", name)[0] for name in ("optimizer.bin", "optimizer_1.bin")
    )
    assert generator["lr"] == discriminator["lr"] == 0.0  # the end of the cosine
    assert (generator["initial_lr"], discriminator["initial_lr"]) == (4e-4, 1e-3)


def test_a_checkpoint_by_its_name_below_the_output_folder(results: dict[str, Result], work: Path) -> None:
    assert "Resumes from run/checkpoint-8." in results["by name"].check().err


REFUSED = {
    "fewer steps": "run/checkpoint-9 has 9 steps behind it, and --max_train_steps or --num_train_epochs asks for 2",
    "fine-tuned": "run/checkpoint-9 cannot be resumed exactly: --pretrained_model_name_or_path changed since",
    "both lengths": "argument --num_train_epochs: not allowed with argument --max_train_steps",
    "repository without Hub": "--hub_model_id has no effect without --push_to_hub",
    "two sources": "--train_data_dir is a source of data by itself; leave --dataset_name out, or give it alone.",
    "revision of nothing": "--revision has no effect without --pretrained_model_name_or_path",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_obeyed_is_refused(name: str, results: dict[str, Result]) -> None:
    assert results[name].code == 2 and REFUSED[name] in results[name].said[-1]


def test_a_call_from_python_records_its_command(results: dict[str, Result], work: Path) -> None:
    command = read(work / "run/training.json")["command"]
    assert command.startswith("accelerate launch -m gan.training image ") and "--resume_from_checkpoint" in command


IN_A_THREAD = """
import signal, sys, threading
from gan.training.__main__ import main

handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
codes = []
for words in sys.argv[1].split("|"):
    thread = threading.Thread(target=lambda: codes.append(main(words.split())))
    thread.start()
    thread.join()
codes.append(main(sys.argv[1].split("|")[0].split() + ["--overwrite_output_dir"]))
assert codes == [0, 0, 0], codes
assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers
"""


def test_threads_seeds_and_precisions_of_one_python_session(work: Path, tmp_path: Path) -> None:
    line = f"image {' '.join([*TINY, *START])} --max_train_steps 1"
    lines = [f"{line} --output_dir {tmp_path}/one --seed 99999999999999999999 --mixed_precision no --num_threads 2"]
    lines += [f"{line} --output_dir {tmp_path}/two --seed -1 --mixed_precision bf16"]
    python("-c", IN_A_THREAD, "|".join(lines), env=environment(tmp_path / "home"), cwd=work).check()
    record = read(tmp_path / "one/training.json")
    assert record["machine"]["threads"] == 2
    assert record["seed"] == record["arguments"]["seed"] == 99999999999999999999 % 2**62
    assert read(tmp_path / "two/training.json")["arguments"]["mixed_precision"] == "bf16"


def test_the_number_of_threads_is_part_of_a_checkpoint(work: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "home")
    del env["OMP_NUM_THREADS"]  # or it would be decided
    line = [*START, "--output_dir", str(tmp_path / "run"), "--checkpointing_steps", "2"]
    longer = [*line, "--max_train_steps", "4", *LATEST]
    for result in train_each([[*line, "--max_train_steps", "2"], longer], env, work):
        result.check()
    first, second = (
        torch.load(tmp_path / f"run/checkpoint-{step}/custom_checkpoint_0.pkl")["threads"] for step in (2, 4)
    )
    assert first["cores"] == second["cores"] == cores()
    assert first["plan"][2:] == second["plan"]
    assert first["threads"] == second["threads"]
