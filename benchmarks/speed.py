"""Sampling and training speed on this machine: `python benchmarks/speed.py [MODEL ...]`.

Prints Markdown tables: milliseconds for one picture and pictures a second in batches of 64 for each bundled model,
then training images a second and peak memory for the size presets and for the equal-parameter comparison with the
published R3GAN code (0.83 M parameters each at 32x32 RGB; its 9.8 ms for one picture, 611 ms for 64 and 4.0 training
images a second were measured on two cores of this kind).
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from gan import GANPipeline, ImageDiscriminator, ImageGenerator
from gan.adversarial import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss
from gan.image.networks import SIZES, stage_channels
from gan.training.ema import EMA

EQUAL = (128, 128, 64, 32)  # 0.84 M parameters in the generator at 32x32 RGB
BATCH = 64


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call after two calls to warm up."""
    times = []
    for k in range(repeats + 2):
        started = time.perf_counter()
        call()
        if k >= 2:
            times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def parameters(network: torch.nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


def sampling(models: list[str]) -> None:
    print("| model | pictures | parameters | files | one picture, ms | 64 pictures, ms | pictures a second |")
    print("|---|---|---|---|---|---|---|")
    for model in models:
        pipeline = GANPipeline.from_pretrained(model)
        size = sum(file.stat().st_size for file in Path(model).rglob("*") if file.is_file()) / 2**20
        one = milliseconds(lambda: pipeline(seed=1, num_images=1), 40)  # noqa: B023
        many = milliseconds(lambda: pipeline(seed=1, num_images=BATCH), 20)  # noqa: B023
        height, width = pipeline.resolution
        print(
            f"| {Path(model).name} | {height}x{width} | {parameters(pipeline.generator):.2f} M | {size:.1f} MB "
            f"| {one:.1f} | {many:.0f} | {1000 * BATCH / many:.0f} |",
            flush=True,
        )
    generator = ImageGenerator(channels=EQUAL).eval().to(memory_format=torch.channels_last)
    latents = torch.randn(BATCH, 64)
    for precision in (torch.float32, torch.bfloat16):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            one = milliseconds(lambda: generator(latents[:1]), 40)
            many = milliseconds(lambda: generator(latents), 20)
        print(
            f"| equal to R3GAN, {str(precision)[6:]} | 32x32 | {parameters(generator):.2f} M | - "
            f"| {one:.1f} | {many:.0f} | {1000 * BATCH / many:.0f} |",
            flush=True,
        )


def training(name: str, seconds: float) -> None:
    """One row: `seconds` of whole steps (both players, lazy penalties, EMA) at 32x32 RGB in bf16, batch 64."""
    channels = EQUAL if name == "equal" else tuple(stage_channels((32, 32), name))
    blocks = 1 if name == "equal" else SIZES[name][2]
    shared = {"channels": channels, "blocks_per_stage": blocks}
    players = [ImageGenerator(**shared), ImageDiscriminator(**shared)]
    generator, discriminator = (player.to(memory_format=torch.channels_last).train() for player in players)
    optimizers = [torch.optim.Adam(p.parameters(), 5e-4, (0.0, 0.99), fused=True) for p in (generator, discriminator)]
    ema = EMA(generator, 10_000)
    torch.set_flush_denormal(True)
    real = torch.randn(BATCH, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    steps, started = 0, 0.0
    while steps < 8 or time.perf_counter() - started < seconds or steps % 8:
        if steps == 8:  # a whole period of the lazy penalties to warm up
            started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            fake = generator(torch.randn(BATCH, 64)).float()
            real_logits, fake_logits = discriminator(torch.cat([real, fake.detach()])).float().chunk(2)
        loss = relativistic_discriminator_loss(real_logits, fake_logits)
        if steps % 8 == 0:
            penalties = [gradient_penalty(discriminator.logits, x) for x in (real, fake)]
            loss = loss + 2 * sum(penalties)
        loss.backward()
        optimizers[1].step()
        optimizers[1].zero_grad()
        discriminator.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16):
            fake_logits = discriminator(fake).float()
            with torch.no_grad():
                real_logits = discriminator(real).float()
        relativistic_generator_loss(real_logits, fake_logits).backward()
        optimizers[0].step()
        optimizers[0].zero_grad()
        discriminator.requires_grad_(True)
        ema.update(generator, BATCH, BATCH * (steps + 1))
        steps += 1
    rate = BATCH * (steps - 8) / (time.perf_counter() - started)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"| {name} | {parameters(generator):.2f} M + {parameters(discriminator):.2f} M "
        f"| {rate:.0f} | {memory:.2f} GiB |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).parent.parent
    parser.add_argument(
        "models", nargs="*", default=sorted(str(path.parent) for path in root.glob("weights/*/model_index.json"))
    )
    parser.add_argument("--seconds", type=float, default=20, help="of training for each row")
    parser.add_argument("--train_row", help=argparse.SUPPRESS)  # a process of its own a row, for its peak memory
    args = parser.parse_args()
    if args.train_row:
        training(args.train_row, args.seconds)
        return
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n", flush=True)
    sampling(args.models)
    print("\n| training at 32x32 RGB | parameters | images a second | peak memory |\n|---|---|---|---|", flush=True)
    for name in ("tiny", "small", "equal"):
        command = [sys.executable, __file__, "--train_row", name, "--seconds", str(args.seconds)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
