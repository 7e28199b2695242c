"""R3GAN as its authors train it (Huang et al. 2024), but about as large as our `small` networks.

    python benchmarks/r3gan.py --dataset_name avatars --minutes 20

Their networks (`gan.zoo.r3gan`) and initialisation; relativistic loss with R1 and R2 on every step; Adam at 2e-4 with
betas 0 and 0.9; generator and discriminator each with real pictures of their own; their schedules, which follow the
cosine from the first value to the last within the budget of time: learning rate to 5e-5, beta2 to 0.99, gamma from 2
to 0.2, as on FFHQ at 64 pixels. Smaller than theirs are the networks, the batch, and the half-life of the average of
weights with the length of the run. `--dense` has one block of dense convolutions a stage, of as many weights, in the
place of two of grouped ones. Augmentation is left out: it sets in late in their schedule.
"""

import math
import sys
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from budget import Budget

from gan.training.losses import gradient_penalty, relativistic_discriminator_loss, relativistic_generator_loss
from gan.utils.hardware import native_precision
from gan.zoo.r3gan import R3GANDiscriminator, R3GANGenerator, ResidualBlock, Start

LATENT, EMBEDDING, BATCH = 64, 64, 16
GROUP = 16  # channels of a group
LEARNING_RATE, BETA2, GAMMA = (2e-4, 5e-5), (0.9, 0.99), (2.0, 0.2)  # at the start and at the end
HALF_LIFE = 1 / 40  # of the average of weights, as a share of the run: theirs is 0.5 M of 20 M pictures
WIDTH, DENSE_WIDTH = 112, 120  # which make 0.85 M + 0.84 M parameters of both at 64 pixels


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Fix-up initialisation: the last convolution of a block is 0, the two before shrink with the depth."""
    blocks = [module for module in network.modules() if isinstance(module, ResidualBlock)]
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, 0, module.weight[0].numel() ** -0.5)
        if isinstance(module, Start):
            nn.init.normal_(module.basis)
        if hasattr(module, "kernel"):
            low_pass = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
            module.kernel.copy_(torch.outer(low_pass, low_pass))
    for block in blocks:
        for conv in (block.conv1, block.conv2):
            deviation = math.sqrt(2 / 1.04) * len(blocks) ** -0.25 * conv.weight[0].numel() ** -0.5
            nn.init.normal_(conv.weight, 0, deviation)
        nn.init.zeros_(block.conv3.weight)


def cosine(ends: tuple[float, float], progress: float) -> float:
    """From the first value to the second while progress goes from 0 to 1."""
    first, last = ends
    return last + (first - last) * (1 + math.cos(math.pi * min(1.0, progress))) / 2


@torch.inference_mode()
def sample(generator: R3GANGenerator, classes: Tensor | None, count: int, seed: int) -> Tensor:
    """uint8 (count, channels, height, width)."""
    latents = torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))
    batches = [None] * count if classes is None else classes.split(250)
    images = [generator(z, c) for z, c in zip(latents.split(250), batches)]
    return torch.cat(images).clamp(-1, 1).mul(127.5).add(127.5).round().to(torch.uint8)


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.add_argument("--dense", action="store_true", help="dense convolutions")
    parser.add_argument("--output_dir", type=Path, default=Path("r3gan"), help="for report.json and samples.png")
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    train_set, test_set = sets = baseline.load(args.dataset_name)
    torch.manual_seed(args.seed)
    stages = int(math.log2(train_set.resolution[0])) - 1
    width = DENSE_WIDTH if args.dense else WIDTH
    inner = width if args.dense else 2 * width // GROUP * GROUP
    shape = {
        "image_channels": train_set.channels,
        "num_classes": len(train_set.label_names or ()),
        "embedding_dim": EMBEDDING,
        "channels": (width,) * stages,
        "inner": (inner,) * stages,
        "groups": (1 if args.dense else inner // GROUP,) * stages,
        "blocks": (1 if args.dense else 2,) * stages,
    }
    generator = R3GANGenerator(resolution=train_set.resolution, latent_dim=LATENT, **shape)
    discriminator = R3GANDiscriminator(**shape)
    for network in (generator, discriminator):
        initialise(network)
        network.to(memory_format=torch.channels_last)
    average = deepcopy(generator).requires_grad_(False)
    optimizers = [
        torch.optim.Adam(network.parameters(), LEARNING_RATE[0], betas=(0.0, BETA2[0]), fused=True)
        for network in (generator, discriminator)
    ]

    def autocast() -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=native_precision() == "bf16")

    def real_batch() -> tuple[Tensor, Tensor | None]:
        indices = torch.randint(len(train_set), (BATCH,))
        return train_set.images(indices), train_set.classes(indices)

    budget, seen = Budget(args.minutes, args.cpu_minutes), 0
    while not budget.over():
        progress = budget.progress
        for optimizer in optimizers:
            optimizer.param_groups[0].update(lr=cosine(LEARNING_RATE, progress), betas=(0.0, cosine(BETA2, progress)))

        real, classes = real_batch()
        with autocast(), torch.no_grad():
            fake = generator(torch.randn(BATCH, LATENT), classes).float()
        with autocast():
            loss = relativistic_discriminator_loss(discriminator(real, classes), discriminator(fake, classes))
        penalties = [gradient_penalty(lambda x: discriminator(x, classes), images) for images in (real, fake)]
        (loss + cosine(GAMMA, progress) / 2 * sum(penalties)).backward()
        optimizers[1].step()
        optimizers[1].zero_grad()

        real, classes = real_batch()
        discriminator.requires_grad_(False)
        with autocast():
            fake = generator(torch.randn(BATCH, LATENT), classes)
            generator_loss = relativistic_generator_loss(discriminator(real, classes), discriminator(fake, classes))
        generator_loss.backward()
        optimizers[0].step()
        optimizers[0].zero_grad()
        discriminator.requires_grad_(True)

        seen += BATCH
        expected = seen / max(progress, 1e-6)  # pictures in the whole run, at this rate
        decay = 0.5 ** (BATCH / (HALF_LIFE * expected))
        torch._foreach_lerp_(list(average.parameters()), list(generator.parameters()), 1 - decay)
        if seen % (200 * BATCH) == 0:
            losses = f"discriminator {loss.item():.2f}, generator {generator_loss.item():.2f}"
            print(f"{seen:,} images, {budget.spent['minutes']} minutes: {losses}", file=sys.stderr, flush=True)

    facts = {
        "parameters": baseline.parameters(generator, discriminator),
        "images_seen": seen,
        **budget.spent,
        "seed": args.seed,
    }
    wanted = baseline.wanted_classes(test_set, args.num_samples)
    pixels = sample(average, wanted, args.num_samples, args.seed)
    baseline.report("R3GAN, dense" if args.dense else "R3GAN", args.output_dir, pixels, wanted, sets, facts)


if __name__ == "__main__":
    main()
