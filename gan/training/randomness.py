"""Everything that training draws by chance, as functions of (seed, step, process): there is no random state to lose.

A resumed run draws what the uninterrupted one would have drawn, and several processes draw, between them, what one
process with their joint batch would.
"""

import torch
from torch import Tensor

# Where the seeds of either stream start: far from each other, and from the seeds that a user samples with.
NOISE, ORDER = 2**61, 2**62


class StepRandom:
    """The random numbers of one step.

    Each draw is made for the samples of all processes, from one generator, and a process keeps its own rows.

    Args:
        seed: of the run.
        step: of the micro-batch, counted from the start of the run.
        rank: of this process, among `world` of them.
    """

    def __init__(self, seed: int, step: int, rank: int = 0, world: int = 1):
        self.generator = torch.Generator().manual_seed((NOISE + seed * 1_000_003 + step) % 2**63)
        self.rank, self.world = rank, world

    def copy(self) -> "StepRandom":
        """One that will draw the same."""
        twin = StepRandom(0, 0, self.rank, self.world)
        twin.generator.set_state(self.generator.get_state())
        return twin

    def normal(self, count: int, *shape: int) -> Tensor:
        """(count, *shape) numbers from N(0, 1), on the CPU."""
        return self._mine(torch.randn(self.world * count, *shape, generator=self.generator), count)

    def uniform(self, count: int, *shape: int) -> Tensor:
        """(count, *shape) numbers from [0, 1), on the CPU."""
        return self._mine(torch.rand(self.world * count, *shape, generator=self.generator), count)

    def _mine(self, rows: Tensor, count: int) -> Tensor:
        return rows[self.rank * count : (self.rank + 1) * count]


class ShuffledOrder:
    """An endless stream of sample indices: one fresh permutation of the data set after another.

    Args:
        size: samples in the data set.
        seed: of the run.
    """

    def __init__(self, size: int, seed: int):
        self.size, self.seed = size, seed
        self._epoch, self._permutation = -1, torch.empty(0)

    def slice(self, start: int, count: int) -> Tensor:
        """(count,) indices from position `start` of the stream."""
        pieces = []
        while count > 0:
            epoch, offset = divmod(start, self.size)
            piece = self._of_epoch(epoch)[offset : offset + count]
            pieces.append(piece)
            start, count = start + len(piece), count - len(piece)
        return torch.cat(pieces)

    def _of_epoch(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed((ORDER + self.seed * 1_000_003 + epoch) % 2**63)
            self._epoch, self._permutation = epoch, torch.randperm(self.size, generator=generator)
        return self._permutation
