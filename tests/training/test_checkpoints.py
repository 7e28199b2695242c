"""Checkpoints: whole or not there at all, rotated, and found again."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from gan import GANError
from gan.training import checkpoints


class Counter:
    """Something that remembers, as the loop's progress does."""

    def __init__(self) -> None:
        self.step = 0

    def state_dict(self) -> dict[str, int]:
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.step = state["step"]


class Run:
    """A network, its optimiser and a counter behind an `Accelerator`."""

    def __init__(self, width: int = 4):
        self.accelerator = Accelerator(cpu=True)
        torch.manual_seed(width)
        self.counter = Counter()
        network = nn.Linear(width, 1)
        optimizer = torch.optim.Adam(network.parameters(), 0.01)
        self.network, self.optimizer = self.accelerator.prepare(network, optimizer)
        self.accelerator.register_for_checkpointing(self.counter)

    def train(self, steps: int) -> "Run":
        for _ in range(steps):
            self.counter.step += 1
            self.accelerator.backward((self.network.weight - self.counter.step).square().sum())
            self.optimizer.step()
            self.optimizer.zero_grad()
        return self

    def save(self, folder: Path, limit: int = 10) -> bool:
        return checkpoints.save(self.accelerator, folder, self.counter.step, limit)

    def resume(self, folder: Path, wanted: str = "latest") -> Path | None:
        return checkpoints.resume(self.accelerator, folder, wanted)

    def state(self) -> list[Any]:
        moments = [value for state in self.optimizer.state_dict()["state"].values() for value in state.values()]
        return [self.counter.step, *(tensor.tolist() for tensor in [*self.network.state_dict().values(), *moments])]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def spoil(checkpoint: Path) -> None:
    for file in checkpoint.iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    first = Run().train(3)
    assert first.save(tmp_path)
    saved = first.state()
    second = Run()
    assert second.resume(tmp_path) == tmp_path / "checkpoint-3"
    assert second.state() == saved
    assert second.train(4).state() == first.train(4).state()


def test_the_oldest_are_removed(tmp_path: Path) -> None:
    run = Run()
    for _ in range(4):
        run.train(3).save(tmp_path, limit=2)
    assert names(tmp_path) == ["checkpoint-12", "checkpoint-9"]


def test_age_is_a_number_not_a_name(tmp_path: Path) -> None:
    for step in (9, 10, 100, 2):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for other in ("checkpoint-x", "checkpoint-5-old", ".checkpoint-7.saving", "my-checkpoint-3"):
        (tmp_path / other).mkdir()
    found = checkpoints.all_checkpoints(tmp_path)
    assert [path.name for path in found] == ["checkpoint-2", "checkpoint-9", "checkpoint-10", "checkpoint-100"]
    assert checkpoints.all_checkpoints(tmp_path / "nowhere") == []


def test_rotation_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / "generator").mkdir()
    run = Run()
    for _ in range(2):
        run.train(1).save(tmp_path, limit=1)
    assert names(tmp_path) == ["checkpoint-2", "checkpoint-best", "generator"]


def test_the_same_step_again_replaces_it(tmp_path: Path) -> None:
    run = Run().train(1)
    run.save(tmp_path)
    run.train(2)
    run.counter.step = 1
    assert run.save(tmp_path)
    assert names(tmp_path) == ["checkpoint-1"]
    fresh = Run()
    fresh.resume(tmp_path)
    assert fresh.state() == run.state()


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run().train(1)
    run.save(tmp_path)
    expected = run.state()
    run.train(1).save(tmp_path)
    spoil(tmp_path / "checkpoint-2")
    fresh = Run()
    with caplog.at_level(logging.WARNING):
        assert fresh.resume(tmp_path) == tmp_path / "checkpoint-1"
    assert fresh.state() == expected
    assert "checkpoint-2 is damaged" in caplog.text


@pytest.mark.parametrize("gone", ["model.safetensors", "optimizer.bin", "custom_checkpoint_0.pkl"])
def test_a_checkpoint_that_lacks_a_file_is_passed_over(tmp_path: Path, gone: str) -> None:
    run = Run()
    for _ in range(2):
        run.train(1).save(tmp_path)
    (tmp_path / "checkpoint-2" / gone).unlink()
    assert Run().resume(tmp_path) == tmp_path / "checkpoint-1"


def test_what_a_kill_left_half_written_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    run = Run().train(1)
    run.save(tmp_path)
    (tmp_path / "checkpoint-1").rename(tmp_path / ".checkpoint-2.saving")
    spoil(tmp_path / ".checkpoint-2.saving")
    assert run.resume(tmp_path) is None
    run.train(1)
    assert run.save(tmp_path)  # over the half-written one
    assert names(tmp_path) == ["checkpoint-2"]
    assert Run().resume(tmp_path) == tmp_path / "checkpoint-2"


def test_a_save_that_fails_costs_nothing_but_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run().train(1)
    run.save(tmp_path)
    expected = run.state()
    run.train(1)
    (tmp_path / ".checkpoint-2.saving").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert not run.save(tmp_path, limit=1)
    assert "checkpoint-2 could not be written" in caplog.text
    assert "Make room" in caplog.text
    fresh = Run()
    assert fresh.resume(tmp_path) == tmp_path / "checkpoint-1"
    assert fresh.state() == expected


def test_nothing_to_resume_from(tmp_path: Path) -> None:
    assert Run().resume(tmp_path) is None
    assert Run().resume(tmp_path / "nowhere") is None


def test_a_checkpoint_by_name(tmp_path: Path) -> None:
    run = Run()
    for _ in range(2):
        run.train(1).save(tmp_path)
    fresh = Run()
    assert fresh.resume(tmp_path, str(tmp_path / "checkpoint-1")) == tmp_path / "checkpoint-1"
    assert fresh.counter.step == 1


@pytest.mark.parametrize("name", ["checkpoint-9", "nonsense"])
def test_a_checkpoint_that_is_not_there(tmp_path: Path, name: str) -> None:
    Run().train(1).save(tmp_path)
    with pytest.raises(GANError, match=f"There is no checkpoint at .*{name}; .*latest.*"):
        Run().resume(tmp_path, str(tmp_path / name))


def test_nothing_but_damaged_checkpoints(tmp_path: Path) -> None:
    run = Run()
    for _ in range(2):
        run.train(1).save(tmp_path)
    for checkpoint in checkpoints.all_checkpoints(tmp_path):
        spoil(checkpoint)
    with pytest.raises(GANError, match=r"No checkpoint in .* can be read") as caught:
        Run().resume(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(GANError, match="checkpoint-1 cannot be read"):
        Run().resume(tmp_path, str(tmp_path / "checkpoint-1"))


def test_a_checkpoint_of_another_shape(tmp_path: Path) -> None:
    Run(width=4).train(1).save(tmp_path)
    with pytest.raises(GANError, match="another shape"):
        Run(width=5).resume(tmp_path)


def test_going_back_removes_what_came_later(tmp_path: Path) -> None:
    run = Run()
    for _ in range(3):
        run.train(2).save(tmp_path)
    back = Run()
    back.resume(tmp_path, str(tmp_path / "checkpoint-2"))
    back.train(1).save(tmp_path)
    assert names(tmp_path) == ["checkpoint-2", "checkpoint-3"]  # or `latest` would go on from the other run


def test_clear(tmp_path: Path) -> None:
    Run().train(1).save(tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    checkpoints.clear(tmp_path)
    assert names(tmp_path) == ["model_index.json"]
