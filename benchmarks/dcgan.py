"""The baseline to beat: DCGAN (Radford et al. 2016) with classes, about as large as our `small` networks.

    python benchmarks/dcgan.py --dataset_name zalando-datasets/fashion_mnist --minutes 15

The usual recipe in the usual numbers: transposed convolutions with batch normalisation, tanh, weights from N(0, 0.02),
binary cross-entropy with the non-saturating generator loss, Adam at 2e-4 with betas (0.5, 0.999), batches of 128. The
class goes in the simplest usual way: an embedding beside the latent, and a learned map as one more channel of the
picture that the discriminator sees. It runs in the memory layout and precision that ours runs in; nothing else is
added, no average of weights either, as its authors used none.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from budget import Budget

from gan.utils.hardware import native_precision

LATENT, EMBEDDING, BATCH = 100, 10, 128


def sides(resolution: tuple[int, int]) -> list[tuple[int, int]]:
    """(height, width) of each stage, from the smallest, of at most 4, up: 28 starts at 3, 32 at 4."""
    stages = [resolution]
    while max(stages[0]) > 4:
        stages.insert(0, (stages[0][0] // 2, stages[0][1] // 2))
    return stages


class Generator(nn.Module):
    """(n, LATENT) latents and (n,) classes to pictures (n, channels, height, width) in [-1, 1]."""

    def __init__(self, resolution: tuple[int, int], channels: int, num_classes: int, width: int):
        super().__init__()
        stages = sides(resolution)
        widths = [width * 2**k for k in reversed(range(len(stages) - 1))]
        self.embed = nn.Embedding(num_classes, EMBEDDING) if num_classes else None
        given = LATENT + (EMBEDDING if num_classes else 0)
        layers = [nn.ConvTranspose2d(given, widths[0], stages[0], bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for small, large, before, after in zip(stages[:-1], stages[1:], widths, [*widths[1:], channels]):
            odd = (large[0] % 2, large[1] % 2)
            assert large == (2 * small[0] + odd[0], 2 * small[1] + odd[1])
            last = large == stages[-1]
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, output_padding=odd, bias=last)]
            layers += [nn.Tanh()] if last else [nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, latents: Tensor, classes: Tensor | None) -> Tensor:
        if self.embed is not None:
            latents = torch.cat([latents, self.embed(classes)], dim=1)
        return self.layers(latents[:, :, None, None])


class Discriminator(nn.Module):
    """Pictures and classes to (n,) logits."""

    def __init__(self, resolution: tuple[int, int], channels: int, num_classes: int, width: int):
        super().__init__()
        stages = sides(resolution)
        widths = [width * 2**k for k in range(len(stages) - 1)]
        self.resolution = resolution
        self.embed = nn.Embedding(num_classes, resolution[0] * resolution[1]) if num_classes else None
        layers = [nn.Conv2d(channels + bool(num_classes), widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for before, after in zip(widths[:-1], widths[1:]):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, stages[0]))
        self.apply(initialise)

    def forward(self, images: Tensor, classes: Tensor | None) -> Tensor:
        if self.embed is not None:
            label_map = self.embed(classes).view(-1, 1, *self.resolution).to(images.dtype)
            images = torch.cat([images, label_map], dim=1).contiguous(memory_format=torch.channels_last)
        return self.layers(images).flatten()


def initialise(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, 0.02)


@torch.inference_mode()
def sample(generator: Generator, classes: Tensor | None, count: int, seed: int, device: str) -> Tensor:
    """uint8 (count, channels, height, width), with the running statistics of batch normalisation."""
    generator.eval()
    source = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, LATENT, generator=source).to(device)
    batches = [None] * count if classes is None else classes.to(device).split(500)
    images = [generator(z, c) for z, c in zip(latents.split(500), batches)]
    return torch.cat(images).mul(127.5).add(127.5).round().to("cpu", torch.uint8)


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=72, help="channels of the stage next to the picture")
    parser.add_argument("--output_dir", type=Path, default=Path("dcgan"), help="for report.json and samples.png")
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    train_set, test_set = sets = baseline.load(args.dataset_name)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    torch.manual_seed(args.seed)
    shape = (train_set.resolution, train_set.channels, len(train_set.label_names or ()), args.width)
    generator, discriminator = Generator(*shape), Discriminator(*shape)
    for network in (generator, discriminator):
        network.to(device, memory_format=torch.channels_last)
    optimizers = [
        torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999), fused=True)
        for network in (generator, discriminator)
    ]
    autocast = torch.autocast(device, torch.bfloat16, enabled=native_precision() == "bf16")
    ones, zeros = torch.ones(BATCH, device=device), torch.zeros(BATCH, device=device)

    budget, seen = Budget(args.minutes, args.cpu_minutes), 0
    order = iter(())
    while not budget.over():
        indices = next(order, None)
        if indices is None:  # a pass is over; its last pictures that don't fill a batch are left out
            order = iter(torch.randperm(len(train_set))[: len(train_set) // BATCH * BATCH].split(BATCH))
            continue
        real, classes = train_set.images(indices).to(device), train_set.classes(indices)
        classes = None if classes is None else classes.to(device)
        with autocast:
            fake = generator(torch.randn(BATCH, LATENT, device=device), classes).float()

            # Discriminator: real and generated pictures in batches of their own, for their own batch statistics.
            real_logits = discriminator(real, classes).float()
            fake_logits = discriminator(fake.detach(), classes).float()
        loss = F.binary_cross_entropy_with_logits(real_logits, ones)
        loss = loss + F.binary_cross_entropy_with_logits(fake_logits, zeros)
        loss.backward()
        optimizers[1].step()
        optimizers[1].zero_grad()

        discriminator.requires_grad_(False)
        with autocast:
            fake_logits = discriminator(fake, classes).float()
        generator_loss = F.binary_cross_entropy_with_logits(fake_logits, ones)
        generator_loss.backward()
        optimizers[0].step()
        optimizers[0].zero_grad()
        discriminator.requires_grad_(True)

        seen += BATCH
        if seen % (500 * BATCH) == 0:
            losses = f"discriminator {loss.item():.2f}, generator {generator_loss.item():.2f}"
            print(f"{seen:,} images, {budget.spent['minutes']} minutes: {losses}", file=sys.stderr, flush=True)

    facts = {
        "parameters": baseline.parameters(generator, discriminator),
        "images_seen": seen,
        **budget.spent,
        "seed": args.seed,
    }
    wanted = baseline.wanted_classes(test_set, args.num_samples)
    pixels = sample(generator, wanted, args.num_samples, args.seed, device)
    baseline.report("DCGAN", args.output_dir, pixels, wanted, sets, facts)


if __name__ == "__main__":
    main()
