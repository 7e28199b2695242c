"""lightweight-gan (Wang's implementation of Liu et al. 2021) on the same data, for the same time and evaluation.

    python -m venv lightweight-venv
    lightweight-venv/bin/pip install torch==2.13.0 torchvision==0.28.0    # both from PyTorch's CPU index, or neither
    lightweight-venv/bin/pip install lightweight-gan==1.2.1
    python benchmarks/lightweight_gan_baseline.py --python lightweight-venv/bin/python --dataset_name avatars

It has an environment of its own, since it brings packages that ours does without; `lightweight_gan_training.py` is
what runs there: its networks, its loop, its settings, in the precision that ours runs in. Smaller than the defaults of
its command are the networks, so that they are about as large as our `small` ones and without attention of their own,
and the batch, ten pictures where it collects the gradients of forty, as its time here is short. It has no classes, so
class agreement is not measured.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
import exchange

from gan.utils.hardware import native_precision


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="the interpreter of lightweight-gan's environment")
    parser.add_argument("--fmap_max", type=int, default=64, help="most channels of a stage")
    parser.add_argument("--latent_dim", type=int, default=128, help="numbers in a latent")
    parser.add_argument("--output_dir", type=Path, default=Path("lightweight-gan"), help="for report and samples")
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    train_set, _ = sets = baseline.load(args.dataset_name)
    height, width = train_set.resolution
    if height != width or height & (height - 1) or height < 64:
        raise SystemExit(f"lightweight-gan takes squares of 64, 128, 256, ... pixels, not {height}x{width}.")
    names = ("minutes", "cpu_minutes", "seed", "fmap_max", "latent_dim")
    flags = {name: getattr(args, name) for name in names}
    flags |= {"samples": args.num_samples, "precision": native_precision()}
    generated, record = exchange.train(args.python, "lightweight_gan_training.py", train_set.pixels, flags)
    baseline.report("lightweight-gan", args.output_dir, torch.from_numpy(generated), None, sets, record)


if __name__ == "__main__":
    main()
