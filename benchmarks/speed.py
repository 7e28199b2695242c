"""Sampling and training speed on this machine: `python benchmarks/speed.py [MODEL ...]`.

Prints Markdown tables: milliseconds for one picture and pictures a second in batches of 64 for each bundled model,
and for a generator as large as a small R3GAN; milliseconds to the first token, and tokens and characters a second in
batches of 32, for models of text, with and without the critic; how much faster than real time models of sound are,
from seed to waveform; then what `train.py` reaches, with peak memory. For comparison: the published R3GAN code with
0.83 M + 0.83 M parameters at 32x32 RGB needs 9.8 ms for one picture and 611 ms for 64, and trains on 4.0 images a
second (measured on two cores of the same kind, not by this script).
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from gan import AudioPipeline, GANPipeline, ImageGenerator, ImagePipeline, TextPipeline

EQUAL = (144, 112, 32, 16)  # 0.83 M parameters in the generator at 32x32 RGB
BATCH, TEXTS, CLIPS = 64, 32, 16


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


def sampling(pipelines: dict[str, ImagePipeline]) -> None:
    print("| model | pictures | parameters | files | one picture, ms | 64 pictures, ms | pictures a second |")
    print("|---|---|---|---|---|---|---|")
    for model, pipeline in pipelines.items():
        size = sum(file.stat().st_size for file in Path(model).rglob("*") if file.is_file()) / 2**20
        one = milliseconds(lambda: pipeline(seed=1, num_images=1), 40)
        many = milliseconds(lambda: pipeline(seed=1, num_images=BATCH), 20)
        height, width = pipeline.resolution
        print(
            f"| {Path(model).name} | {height}x{width} | {parameters(pipeline.generator):.2f} M | {size:.1f} MB "
            f"| {one:.1f} | {many:.0f} | {1000 * BATCH / many:.0f} |",
            flush=True,
        )
    generator = ImageGenerator(channels=EQUAL).eval().to(memory_format=torch.channels_last)
    latents = torch.randn(BATCH, 64)
    for precision in (torch.float32, torch.bfloat16):
        generator, latents = generator.to(precision), latents.to(precision)
        with torch.inference_mode():
            one = milliseconds(lambda: generator(latents[:1]), 40)
            many = milliseconds(lambda: generator(latents), 20)
        print(
            f"| equal to R3GAN, {str(precision)[6:]} | 32x32 | {parameters(generator):.2f} M | - "
            f"| {one:.1f} | {many:.0f} | {1000 * BATCH / many:.0f} |",
            flush=True,
        )


def writing(pipelines: dict[str, TextPipeline]) -> None:
    print("| model | critic | parameters | first token, ms | 32 texts, ms | tokens a second | characters a second |")
    print("|---|---|---|---|---|---|---|")
    for model, pipeline in pipelines.items():
        critic, used = pipeline.discriminator, parameters(pipeline.generator)
        for strength in (0.0, 1.0) if critic is not None else (0.0,):
            pipeline.register_modules(discriminator=critic if strength else None)
            settings = {"num_samples": TEXTS, "critic_strength": strength}
            first = milliseconds(lambda: next(pipeline.stream(seed=1, **settings)), 20)
            many = milliseconds(lambda: pipeline(seed=1, **settings), 10)
            out = pipeline(seed=1, **settings)
            tokens, characters = (sum(map(len, of)) for of in (out.pieces, out.texts))
            print(
                f"| {Path(model).name} | {'yes' if strength else 'no'} "
                f"| {used + (parameters(critic) if strength else 0):.2f} M | {first:.1f} | {many:.0f} "
                f"| {1000 * tokens / many:,.0f} | {1000 * characters / many:,.0f} |",
                flush=True,
            )


def sounding(pipelines: dict[str, AudioPipeline]) -> None:
    print(
        "| model | a clip | parameters | files | one clip, ms | 16 clips, ms | times real time | the network's share |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for model, pipeline in pipelines.items():
        size = sum(file.stat().st_size for file in Path(model).rglob("*") if file.is_file()) / 2**20
        one = milliseconds(lambda: pipeline(seed=1), 40)
        many = milliseconds(lambda: pipeline(seed=1, num_samples=CLIPS), 20)
        latents, classes = pipeline.latents(list(range(CLIPS)))
        with torch.inference_mode():
            network = milliseconds(lambda: pipeline.generator(latents, classes), 20)
        print(
            f"| {Path(model).name} | {pipeline.duration:.3f} s at {pipeline.sampling_rate / 1000:g} kHz "
            f"| {parameters(pipeline.generator):.2f} M | {size:.1f} MB | {one:.1f} | {many:.0f} "
            f"| {1000 * CLIPS * pipeline.duration / many:.0f} | {network / many:.0%} |",
            flush=True,
        )


def training(size: str, steps: int) -> None:
    """One row: the trainer itself, from the command line, on glyphs at 32x32 RGB in batches of 64."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "train.py"), "image", "--model_size", size, "--output_dir", folder]
        command += ["--train_batch_size", "64", "--max_train_steps", str(steps), "--max_train_samples", "5000"]
        command += ["--no-evaluate", "--report_to", "none"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of the largest so far
        pipeline = GANPipeline.from_pretrained(folder)
    print(
        f"| {size} | {parameters(pipeline.generator):.2f} M + {parameters(pipeline.discriminator):.2f} M "
        f"| {pipeline.training_record['images_per_second']:.0f} | {memory:.2f} GiB |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", default=sorted(str(path.parent) for path in ROOT.glob("weights/*/model_index.json"))
    )
    parser.add_argument("--steps", type=int, default=150, help="of training for each row")
    args = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}\n", flush=True)
    pipelines = {model: GANPipeline.from_pretrained(model) for model in args.models}
    sampling({model: pipeline for model, pipeline in pipelines.items() if isinstance(pipeline, ImagePipeline)})
    print(flush=True)
    writing({model: pipeline for model, pipeline in pipelines.items() if isinstance(pipeline, TextPipeline)})
    print(flush=True)
    sounding({model: pipeline for model, pipeline in pipelines.items() if isinstance(pipeline, AudioPipeline)})
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nPeak memory of this process, sampling in batches of 64: {memory:.2f} GiB\n", flush=True)
    print("| training at 32x32 RGB | parameters | images a second | peak memory |\n|---|---|---|---|", flush=True)
    for size in ("tiny", "small"):
        training(size, args.steps)


if __name__ == "__main__":
    main()
