"""What each process trains on, step by step."""

import argparse

from accelerate import Accelerator

from gan.training.randomness import ShuffledOrder, StepRandom
from gan.training.task import Batch, Task


class MicroBatches:
    """The micro-batches of this process: the samples and noise of each are a function of its number.

    Attributes:
        per_step: micro-batches of one step: each update of the discriminator has samples of its own.
        step_samples: training samples of one step, of all processes.
    """

    def __init__(self, args: argparse.Namespace, task: Task, accelerator: Accelerator):
        self.task, self.accelerator = task, accelerator
        self.seed, self.size = args.seed, args.train_batch_size
        updates = 1 if task.discriminator is None else args.discriminator_steps
        self.per_step = args.gradient_accumulation_steps * updates
        self.step_samples = self.size * self.per_step * accelerator.num_processes
        self.order = ShuffledOrder(task.size, args.seed)

    def of_step(self, step: int) -> range:
        """The numbers of the micro-batches of a step."""
        return range(step * self.per_step, (step + 1) * self.per_step)

    def __getitem__(self, number: int) -> tuple[Batch, StepRandom]:
        """A micro-batch on the device, and what its losses draw from."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        random = StepRandom(self.seed, number, rank, world)
        indices = self.order.slice((number * world + rank) * self.size, self.size)
        batch = {
            name: None if value is None else value.to(self.accelerator.device, non_blocking=True)
            for name, value in self.task.batch(indices, random).items()
        }
        return batch, random
