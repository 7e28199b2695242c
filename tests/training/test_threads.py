"""The number of threads that a run trains on."""

import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from accelerate import PartialState

from gan.training.threads import BLOCK, ROUNDS, ThreadTuner
from gan.utils import hardware


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    PartialState()  # of which the logger asks whether this is the main process
    yield
    torch.set_num_threads(1)


class Machine:
    """A clock by which a step takes as long as the number of threads says, and a core that is shared or not."""

    def __init__(self, seconds: dict[int, float], share: float = 1.0):
        self.seconds, self.share, self.now, self.ran = seconds, share, 0.0, list[int]()

    def tuner(self, candidates: tuple[int, ...] = (2, 1)) -> ThreadTuner:
        return ThreadTuner(candidates, True, lambda: self.now, lambda: self.now * self.share)

    def run(self, tuner: ThreadTuner, steps: int) -> list[int]:
        """The threads of the steps."""
        for _ in range(steps):
            with tuner.step():
                self.ran.append(torch.get_num_threads())
                self.now += self.seconds[self.ran[-1]]
        return self.ran[-steps:]


TIMING = 2 * ROUNDS * BLOCK


def test_the_faster_number_is_kept() -> None:
    alone, busy = Machine({1: 1.4, 2: 1.0}), Machine({1: 1.4, 2: 1.7})
    assert alone.run(alone.tuner(), TIMING + 3) == ([2] * BLOCK + [1] * BLOCK) * ROUNDS + [2] * 3
    assert busy.run(busy.tuner(), TIMING + 3)[-3:] == [1] * 3


def test_it_is_timed_again_at_checkpoints() -> None:
    machine = Machine({1: 1.4, 2: 1.0})
    tuner = machine.tuner()
    machine.run(tuner, TIMING)
    machine.seconds = {1: 1.4, 2: 1.9}
    assert machine.run(tuner, 9) == [2] * 9  # until it is
    tuner.start_timing()
    assert machine.run(tuner, TIMING + 3)[-3:] == [1] * 3


def test_a_hopeless_number_is_not_timed_for_long() -> None:
    machine = Machine({1: 1.0, 2: 10.0})
    tuner = machine.tuner()
    ran = machine.run(tuner, TIMING)
    assert ran[BLOCK:].count(2) <= 2 and tuner.threads == 1
    tuner.start_timing()
    assert machine.run(tuner, TIMING).count(2) == 2  # one warms up, one counts


def test_a_resumed_run_takes_the_threads_of_the_uninterrupted_one() -> None:
    first = Machine({1: 1.4, 2: 1.7})
    tuner = first.tuner()
    first.run(tuner, 7)
    state = {name: value.copy() if hasattr(value, "copy") else value for name, value in tuner.state_dict().items()}
    second = Machine({1: 1.4, 2: 1.7})
    resumed = second.tuner()
    resumed.load_state_dict(state)
    assert second.run(resumed, TIMING) == first.run(tuner, TIMING)
    other = second.tuner()
    other.load_state_dict(state | {"cores": -1})  # of another machine
    assert second.run(other, TIMING)[:BLOCK] == [2] * BLOCK


def test_one_candidate_is_never_timed() -> None:
    machine = Machine({1: 1.0})
    tuner = machine.tuner((1,))
    assert machine.run(tuner, TIMING) == [1] * TIMING and tuner.plan == []


def test_a_starved_run_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def said(share: float, candidates: tuple[int, ...]) -> list[str]:
        caplog.clear()
        machine = Machine({1: 1.0, 2: 3.0}, share)
        tuner = machine.tuner(candidates)
        machine.run(tuner, TIMING)
        tuner.start_timing()
        return [record.message for record in caplog.records if "Other programs" in record.message]

    with caplog.at_level(logging.INFO, logger="gan.training.threads"):
        assert said(1.0, (2, 1)) == said(1.0, (1,)) == []
        for candidates in ((2, 1), (1,)):
            (sentence,) = said(0.5, candidates)
            assert "Other programs take 50%" in sentence and "2.0 times as long" in sentence


@pytest.fixture
def environment_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    def candidates(threads: int, **environment: str) -> list[int]:
        for name in ("OMP_NUM_THREADS", "ACCELERATE_MIXED_PRECISION"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        torch.set_num_threads(threads)
        return hardware.thread_candidates(PartialState())

    return candidates


def test_where_somebody_has_decided_there_is_one_candidate(environment_of: Callable[..., list[int]]) -> None:
    assert environment_of(2) == [2, 1]
    assert environment_of(8) == [8, 4, 1]
    assert environment_of(1) == [1]
    assert environment_of(3, OMP_NUM_THREADS="3") == [3]
    assert environment_of(2, OMP_NUM_THREADS="1", ACCELERATE_MIXED_PRECISION="no") == [2, 1]  # as it launches
