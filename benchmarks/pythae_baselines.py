"""pythae's VAE and VAEGAN (Chadebec et al. 2022) on the same data, for the same time, under the same evaluation.

    python -m venv pythae-venv
    pythae-venv/bin/pip install torch==2.13.0     # on Linux without a GPU from PyTorch's CPU index, as for ours
    pythae-venv/bin/pip install pythae==0.1.2
    python benchmarks/pythae_baselines.py --python pythae-venv/bin/python --minutes 15

pythae has an environment of its own, since it brings packages that ours does without; `pythae_training.py` is what
runs there. It takes what pythae has a benchmark for: grey pictures of 28x28 (MNIST) and colour ones of 64x64 (CelebA).
Its networks are that benchmark's convolutional ones (12 million parameters and more), with `--networks resnet` its
residual ones, or with `--networks mlp` those that it builds by default, much quicker; its settings are those of that
benchmark's configuration files. It is sampled from N(0, I) with the weights at the end of the run. It has no classes,
so class agreement is not measured.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
import exchange

NAMES = {"vae": "pythae VAE", "vaegan": "pythae VAEGAN"}
SHAPES = ((1, 28, 28), (3, 64, 64))  # channels, height, width


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="the interpreter of pythae's environment")
    parser.add_argument("--models", nargs="+", choices=tuple(NAMES), default=list(NAMES), help="which to train")
    parser.add_argument(
        "--networks", choices=("conv", "resnet", "mlp"), default="conv", help="of its benchmark, or its default"
    )
    parser.add_argument("--latent_dim", type=int, help="numbers in a latent, by default the benchmark's")
    parser.add_argument("--learning_rate", type=float, help="of every network, by default the benchmark's")
    parser.add_argument("--output_dir", type=Path, default=Path("pythae"), help="for a folder a model")
    args = parser.parse_args()
    train_set, _ = sets = baseline.load(args.dataset_name)
    shape = (train_set.channels, *train_set.resolution)
    if shape not in SHAPES:
        known = " and ".join("x".join(map(str, each)) for each in SHAPES)
        raise SystemExit(
            f"pythae's benchmarks are of pictures of {known} (channels, height, width), and {args.dataset_name} has "
            f"{'x'.join(map(str, shape))}."
        )
    names = ("minutes", "cpu_minutes", "seed", "networks", "latent_dim", "learning_rate")
    flags = {name: getattr(args, name) for name in names} | {"samples": args.num_samples}
    for model in args.models:
        folder = args.output_dir / f"{model}-{args.networks}"
        folder.mkdir(parents=True, exist_ok=True)
        generated, record = exchange.train(
            args.python, "pythae_training.py", train_set.pixels, flags | {"model": model}
        )
        baseline.report(f"{NAMES[model]} ({args.networks})", folder, torch.from_numpy(generated), None, sets, record)


if __name__ == "__main__":
    main()
