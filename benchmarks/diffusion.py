"""The baseline of another kind: a diffusion model of diffusers, about as large as our `small` generator.

    python benchmarks/diffusion.py --dataset_name avatars --minutes 20

The usual recipe: a U-Net that is told the class and learns to predict the noise of 1,000 steps of a cosine schedule
(Ho et al. 2020; Nichol & Dhariwal 2021) with AdamW and an average of weights as in diffusers' own example, in the
precision that ours runs in; sampled by DDIM (Song et al. 2021). A sample takes as many passes of the network as there
are steps; the table has a row for each number of them.
"""

import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from budget import Budget

from gan.image.data import ImageSet
from gan.utils.hardware import native_precision

LEARNING_RATE, WARM_UP, BATCH = 4e-4, 100, 16
CHANNELS = (16, 32, 64, 64)  # from the picture's resolution to an eighth of it
SAMPLED_AT_ONCE = 100


def network(train_set: ImageSet) -> UNet2DModel:
    """The U-Net, with attention at the coarsest resolution."""
    stages = len(CHANNELS)
    return UNet2DModel(
        sample_size=train_set.resolution,
        in_channels=train_set.channels,
        out_channels=train_set.channels,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=8,
        down_block_types=("DownBlock2D",) * (stages - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (stages - 1),
        num_class_embeds=len(train_set.label_names) if train_set.label_names else None,
    )


@torch.inference_mode()
def sample(unet: UNet2DModel, classes: Tensor | None, count: int, steps: int, seed: int) -> Tensor:
    """uint8 (count, channels, height, width), by so many steps of DDIM."""
    scheduler = DDIMScheduler(beta_schedule="squaredcos_cap_v2", timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    source = torch.Generator().manual_seed(seed)
    height, width = unet.config.sample_size
    made = []
    for batch in torch.arange(count).split(SAMPLED_AT_ONCE):
        labels = None if classes is None else classes[batch]
        x = torch.randn(len(batch), unet.config.in_channels, height, width, generator=source)
        for t in scheduler.timesteps:
            with torch.autocast("cpu", torch.bfloat16, enabled=native_precision() == "bf16"):
                noise = unet(x, t, class_labels=labels).sample
            x = scheduler.step(noise.float(), t, x).prev_sample
        made.append(x.clamp(-1, 1).mul(127.5).add(127.5).round().to(torch.uint8))
    return torch.cat(made)


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.add_argument("--sampling_steps", type=int, nargs="+", default=[1, 10, 50], help="of DDIM, a row each")
    parser.add_argument("--output_dir", type=Path, default=Path("diffusion"), help="for a folder a row")
    args = parser.parse_args()
    train_set, test_set = sets = baseline.load(args.dataset_name)
    torch.manual_seed(args.seed)
    unet = network(train_set).to(memory_format=torch.channels_last)
    average = EMAModel(unet.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=3 / 4)
    optimizer = torch.optim.AdamW(unet.parameters(), LEARNING_RATE, betas=(0.95, 0.999), weight_decay=1e-6)
    warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / WARM_UP, total_iters=WARM_UP)
    scheduler = DDIMScheduler(beta_schedule="squaredcos_cap_v2")

    budget, seen = Budget(args.minutes, args.cpu_minutes), 0
    while not budget.over():
        indices = torch.randint(len(train_set), (BATCH,))
        real, classes = train_set.images(indices), train_set.classes(indices)
        noise, times = torch.randn_like(real), torch.randint(scheduler.config.num_train_timesteps, (BATCH,))
        noisy = scheduler.add_noise(real, noise, times).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=native_precision() == "bf16"):
            predicted = unet(noisy, times, class_labels=classes).sample
        loss = F.mse_loss(predicted.float(), noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        warm_up.step()
        optimizer.zero_grad()
        average.step(unet.parameters())
        seen += BATCH
        if seen % (500 * BATCH) == 0:
            print(
                f"{seen:,} images, {budget.spent['minutes']} minutes: {loss.item():.3f}", file=sys.stderr, flush=True
            )

    facts = {
        "parameters": baseline.parameters(unet),
        "images_seen": seen,
        **budget.spent,
        "seed": args.seed,
    }
    average.copy_to(unet.parameters())
    unet.eval()
    wanted = baseline.wanted_classes(test_set, args.num_samples)
    for steps in args.sampling_steps:
        folder = args.output_dir / f"steps-{steps}"
        folder.mkdir(parents=True, exist_ok=True)
        started = time.process_time()
        pixels = sample(unet, wanted, args.num_samples, steps, args.seed)
        a_picture = round(1000 * (time.process_time() - started) / args.num_samples, 2)
        name = f"diffusion, {steps} step{'s' * (steps > 1)}"
        baseline.report(name, folder, pixels, wanted, sets, {**facts, "cpu_ms_a_picture": a_picture})


if __name__ == "__main__":
    main()
