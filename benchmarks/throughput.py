"""How close training comes to what this machine can do: `python benchmarks/throughput.py [--model_size small ...]`.

Prints the machine's own peak in dense 3x3 convolutions, what a full training step of `train.py image` costs (both
players, optimisers, average of weights, the lazy penalty shared out over the steps between two), how much of that peak
it reaches, and where the rest goes. Flags that it does not know are those of train.py.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline

from gan.image.task import ImageTask
from gan.training import arguments
from gan.training.ema import EMA
from gan.training.randomness import ShuffledOrder, StepRandom
from gan.utils.hardware import native_precision

SHAPES = ((64, 32), (128, 32), (128, 16), (256, 16), (256, 8))  # channels and side of convolutions in batches of 64
KINDS = {  # of operators, by what their names contain; the first that fits
    "convolutions": ("convolution",),
    "resampling": ("upsample",),
    "matrix products": ("mm", "linear"),
    "optimisers and average of weights": ("adam", "lerp"),
    "activations": ("leaky_relu", "softplus", "sigmoid"),
    "copies, casts and joins": ("copy", "cat", "_to", "index", "fill", "zero", "clone", "contiguous"),
    "sums and other arithmetic": ("add", "mul", "sub", "div", "sum", "mean", "pow", "neg"),
}


def seconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call, after two to warm up."""
    times = []
    for k in range(repeats + 2):
        started = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times += [time.perf_counter() - started] * (k >= 2)
    return statistics.median(times)


@torch.inference_mode()
def peak(precision: torch.dtype, device: torch.device, repeats: int) -> float:
    """FLOP/s of the best of a few dense 3x3 convolutions, forwards."""
    best = 0.0
    for channels, side in SHAPES:
        like = {"device": device, "dtype": precision}
        x = torch.randn(64, channels, side, side, **like).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3, **like).contiguous(memory_format=torch.channels_last)
        flops = 2 * 64 * 9 * channels**2 * side**2
        best = max(best, flops / seconds(lambda: F.conv2d(x, weight, padding=1), repeats))
    return best


class Step:
    """One step of the training loop (`gan.training.loop`) at a time, for a task as the command line describes it."""

    def __init__(self, args: argparse.Namespace):
        self.args, self.number = args, 0
        self.accelerator = Accelerator(mixed_precision=args.mixed_precision)
        self.task = ImageTask(args)
        self.ema = EMA(self.task.generator, 10_000)
        self.ema.model.to(self.accelerator.device)
        networks = [self.task.generator, self.task.discriminator]
        optimizers = [torch.optim.Adam(network.parameters(), fused=True) for network in networks]
        self.generator, self.discriminator, *self.optimizers = self.accelerator.prepare(*networks, *optimizers)
        self.order = ShuffledOrder(self.task.size, 0)

    def __call__(self, penalty: float) -> None:
        random = StepRandom(0, self.number)
        count = self.args.train_batch_size
        batch = {
            name: None if value is None else value.to(self.accelerator.device)
            for name, value in self.task.batch(self.order.slice(self.number * count, count), random).items()
        }
        bare = self.accelerator.unwrap_model(self.discriminator)
        generated = self.task.generate(self.generator, batch)
        fake = generated["samples"].detach()
        loss, _ = self.task.discriminator_loss(self.discriminator, bare, batch, fake, penalty, random)
        self._descend(loss, self.optimizers[1])
        self.discriminator.requires_grad_(False)
        loss, _ = self.task.generator_loss(bare, batch, generated, random)
        self._descend(loss, self.optimizers[0])
        self.discriminator.requires_grad_(True)
        self.number += 1
        self.ema.update(self.accelerator.unwrap_model(self.generator), count, self.number * count)

    def _descend(self, loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        self.accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()


class Flops(TorchDispatchMode):
    """Counts those of matrix products and convolutions, forwards and backwards.

    PyTorch's own `FlopCounterMode` also follows modules, and cannot do so through a gradient penalty.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if count := flop_registry.get(function.overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def flops(call: Callable[[], object]) -> int:
    with Flops() as counter:
        call()
    return counter.total


def shares(call: Callable[[], object]) -> Counter[str]:
    """Seconds by kind of operator."""
    device_too = [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
    with profile(activities=[ProfilerActivity.CPU, *device_too]) as profiler:
        call()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        if event.device_type != DeviceType.CPU:
            continue  # a kernel on a GPU, whose time is also that of the operator that started it
        kind = next((kind for kind, parts in KINDS.items() if any(part in event.key for part in parts)), "the rest")
        spent[kind] += (event.self_device_time_total if device_too else event.self_cpu_time_total) / 1e6
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--repeats", type=int, default=15, help="of everything that is timed")
    own, flags = parser.parse_known_args()
    defaults = ["--dataset_name", "glyphs", "--max_train_samples", "1000"]
    args = arguments.parser({"image": ImageTask}).parse_args(["image", *defaults, *flags])
    if args.objective == "vae":
        parser.error("a step of both players is timed, and --objective vae has but one")
    args.mixed_precision = args.mixed_precision or native_precision()
    torch.set_flush_denormal(True)

    step = Step(args)
    device, passes = step.accelerator.device, torch.bfloat16 if args.mixed_precision == "bf16" else torch.float32
    peaks = {precision: peak(precision, device, own.repeats) for precision in {passes, torch.float32}}
    plain, due = flops(lambda: step(0.0)), flops(lambda: step(1.0))
    plain_seconds, due_seconds = seconds(lambda: step(0.0), own.repeats), seconds(lambda: step(1.0), own.repeats)
    every, batch = args.penalty_interval, args.train_batch_size
    penalty, penalty_seconds = (due - plain) / every, (due_seconds - plain_seconds) / every
    taken = plain_seconds + penalty_seconds
    at_peak = plain / peaks[passes] + penalty / peaks[torch.float32]  # penalties are in full precision

    def count(network: torch.nn.Module) -> str:
        return f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M"

    height, width = step.task.train_set.resolution
    rows = {
        "threads": str(torch.get_num_threads()),
        "networks": f"{count(step.task.generator)} + {count(step.task.discriminator)}, {height}x{width}",
        "batch, steps between penalties": f"{batch}, {every}",
        **{f"peak of 3x3 convolutions, {str(p)[6:]}": f"{speed / 1e9:.0f} GFLOP/s" for p, speed in peaks.items()},
        "a training image": f"{(plain + penalty) / batch / 1e9:.2f} GFLOP, {penalty / batch / 1e9:.2f} of it penalty",
        "images a second": f"{batch / taken:.0f}",
        "reached": f"{(plain + penalty) / taken / 1e9:.0f} GFLOP/s, {at_peak / taken:.0%} of the peak",
        "share of the penalty in the time": f"{penalty_seconds / taken:.0%}",
    }
    print("| | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")

    def some_steps() -> None:
        for _ in range(2):
            step(1.0)
            for _ in range(every - 1):
                step(0.0)

    spent = shares(some_steps)
    total = sum(spent.values())
    print()
    baseline.table(
        [{"where the time goes": kind, "share": f"{value / total:.0%}"} for kind, value in spent.most_common()]
    )


if __name__ == "__main__":
    main()
