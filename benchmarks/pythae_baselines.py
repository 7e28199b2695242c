"""pythae's VAE and VAEGAN (Chadebec et al. 2022) on the same data, for the same time, under the same evaluation.

    python -m venv pythae-venv
    pythae-venv/bin/pip install torch==2.13.0     # on Linux without a GPU from PyTorch's CPU index, as for ours
    pythae-venv/bin/pip install pythae==0.1.2
    python benchmarks/pythae_baselines.py --python pythae-venv/bin/python --minutes 15

pythae has an environment of its own, since it brings packages that ours does without; `pythae_training.py` is what
runs there. Its networks are those of its MNIST benchmark, convolutional, for grey pictures of 28x28 (12 million
parameters and more), or with `--networks mlp` those that it builds by default, much smaller and quicker; its settings
are those of that benchmark's configuration files: latents of 16, learning rate 1e-3, batches of 100, for VAEGAN an
adversarial scale of 0.8 and the discriminator's third layer to compare in. It is sampled from N(0, I) with the weights
at the end of the run. It has no classes, so class agreement is not measured.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline

NAMES = {"vae": "pythae VAE", "vaegan": "pythae VAEGAN"}


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="the interpreter of pythae's environment")
    parser.add_argument("--models", nargs="+", choices=tuple(NAMES), default=list(NAMES), help="which to train")
    parser.add_argument("--networks", choices=("conv", "mlp"), default="conv", help="of its benchmark, or its default")
    parser.add_argument("--latent_dim", type=int, default=16, help="numbers in a latent")
    parser.add_argument("--learning_rate", type=float, default=1e-3, help="of every network")
    parser.add_argument("--output_dir", type=Path, default=Path("pythae"), help="for a folder a model")
    args = parser.parse_args()
    train_set, _ = sets = baseline.load(args.dataset_name, "--image_channels", "1", "--resolution", "28")
    names = ("minutes", "seed", "networks", "latent_dim", "learning_rate")
    shared = [f"--{name}={getattr(args, name)}" for name in names]
    if args.cpu_minutes is not None:
        shared.append(f"--cpu_minutes={args.cpu_minutes}")
    worker = Path(__file__).with_name("pythae_training.py")
    for model in args.models:
        folder = args.output_dir / f"{model}-{args.networks}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as temporary:
            exchange = Path(temporary) / "exchange.npz"
            np.savez(exchange, pixels=train_set.pixels)
            command = [args.python, str(worker), str(exchange), "--model", model, *shared]
            subprocess.run([*command, f"--samples={baseline.SAMPLES}"], check=True)
            made = np.load(exchange.with_name("exchange-generated.npz"))
            pixels, record = torch.from_numpy(made["generated"]), json.loads(str(made["record"]))
        baseline.report(f"{NAMES[model]} ({args.networks})", folder, pixels, None, sets, record)


if __name__ == "__main__":
    main()
