"""Work shared out over processes: the same as that of one, in the same order, and errors for all."""

from pathlib import Path

import pytest
import torch
from cli import environment, in_two_processes

from gan import GANError
from gan.utils.distributed import map_batches, map_items, synchronized

pytestmark = pytest.mark.processes

SCRIPT = """
import torch
from gan import GANError
from gan.utils.distributed import synchronized, map_items, map_batches, join_processes

state = join_processes()
seen = []

def twice(rows, more):
    seen.append(len(rows))
    return torch.stack([rows, 2 * more], dim=1)

for count in (1, 3, 4, 13, 16):
    rows = torch.arange(count)
    found = map_batches(twice, rows, rows.float(), batch=3)
    assert torch.equal(found, torch.stack([rows, 2 * rows.float()], dim=1)), found
assert sum(seen) < 2 * 37 / 3 + 6, seen
for count in range(4):
    assert map_items(lambda item: {"of": [item, state.process_index]}, range(count)) == [
        {"of": [k, k % 2]} for k in range(count)
    ]
for who in ({0}, {1}, {0, 1}):
    try:
        with synchronized():
            if state.process_index in who:
                raise GANError(f"of {state.process_index}")
        raise AssertionError("nothing was raised")
    except GANError as error:
        assert str(error) == f"of {state.process_index if state.process_index in who else min(who)}"
state.destroy_process_group()
"""


@pytest.mark.parametrize("count", [1, 3, 7])
def test_one_process_does_it_all(count: int) -> None:
    rows = torch.arange(count)
    batches = []

    def twice(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        batches.append(len(first))
        return first + second

    assert torch.equal(map_batches(twice, rows, rows, batch=3), 2 * rows)
    assert batches == [len(batch) for batch in rows.split(3)]
    assert map_items(str, list(range(count))) == [str(k) for k in range(count)]


def test_an_error_of_one_process_is_raised() -> None:
    with pytest.raises(GANError, match="no room"), synchronized():
        raise GANError("no room")


def test_two_processes_find_the_same(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    in_two_processes("script.py", env=environment(tmp_path / "home"), cwd=tmp_path).check()
