"""The half of `lightweight_gan_baseline.py` that runs in lightweight-gan's own environment: trains it, and samples it.

    python benchmarks/lightweight_gan_training.py EXCHANGE.npz --cpu_minutes 20

reads and writes what `exchange.py` says. The package can't be imported without a GPU and asks for one throughout: here
it is told that there is one, and whatever it asks of "cuda" is done by the CPU. Its mixed precision becomes bfloat16.
"""

import random
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import exchange
import numpy as np
import torch
from budget import Budget
from PIL import Image
from torch.overrides import TorchFunctionMode

with patch("torch.cuda.is_available", lambda: True):  # asserted by the package
    from lightweight_gan import lightweight_gan as package

BATCH = 10


class OnCPU(TorchFunctionMode):
    """Leaves tensors where they are when they are sent to a GPU, and makes on the CPU what is to be made there."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.Tensor.cuda:
            return args[0]
        device = kwargs.get("device")
        if device is not None and torch.device(device).type == "cuda":
            kwargs = {**kwargs, "device": "cpu"}
        return function(*args, **kwargs)


class QuietTrainer(package.Trainer):
    """Draws no sheets of samples meanwhile, which it does every hundred steps: they would come off its time."""

    def evaluate(self, *args, **kwargs):
        pass


def write_pictures(pixels: np.ndarray, folder: Path) -> None:
    """uint8 (n, 1 or 3, height, width) as files, from which the package reads."""
    for k, picture in enumerate(pixels):
        array = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
        Image.fromarray(array).save(folder / f"{k}.png", compress_level=1)


def main() -> None:
    parser = exchange.parser(__doc__.splitlines()[0])
    parser.add_argument("--fmap_max", type=int, default=64)
    parser.add_argument("--latent_dim", type=int, default=128)
    parser.add_argument("--precision", choices=("no", "bf16"), default="no")
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    pixels = exchange.read(args.archive)
    package.autocast = lambda device: torch.autocast("cpu", torch.bfloat16)
    with tempfile.TemporaryDirectory() as temporary, OnCPU():
        write_pictures(pixels, Path(temporary))
        trainer = QuietTrainer(
            base_dir=temporary,
            image_size=pixels.shape[-1],
            greyscale=pixels.shape[1] == 1,
            latent_dim=args.latent_dim,
            fmap_max=args.fmap_max,
            batch_size=BATCH,
            disc_output_size=1,  # this and the learning rate, 2e-4, are what its command has by default
            num_workers=0,  # whose CPU time would not be counted
            amp=args.precision == "bf16",
            use_aim=False,
        )
        trainer.set_data_src(temporary)
        budget = Budget(args.minutes, args.cpu_minutes)
        while not budget.over():
            trainer.train()
            if trainer.steps % 50 == 0:
                print(f"{trainer.steps * BATCH:,} images, {budget.spent['minutes']} minutes", flush=True)
                trainer.print_log()
        spent = budget.spent

        # Its average of weights begins after 20,000 steps: until then it is a copy made every thousand.
        network = trainer.GAN.eval()
        torch.manual_seed(args.seed)
        started = time.process_time()
        latents = torch.randn(args.samples, args.latent_dim)
        generated = trainer.generate_(network.G, latents)
        a_picture = 1000 * (time.process_time() - started) / args.samples
    sizes = (sum(p.numel() for p in part.parameters()) / 1e6 for part in (network.G, network.D))
    record = {
        "parameters": " + ".join(f"{size:.2f} M" for size in sizes),
        "images_seen": trainer.steps * BATCH,
        **spent,
        "seed": args.seed,
        "cpu_ms_a_picture": round(a_picture, 2),
    }
    exchange.write(args.archive, generated.numpy(), record)


if __name__ == "__main__":
    main()
