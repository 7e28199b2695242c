"""The baseline to beat for sounds: WaveGAN (Donahue, McAuley & Puckette 2019), with labels.

    python benchmarks/wavegan.py --cpu_minutes 60

"Adversarial audio synthesis", as its authors' code has it, at d = 16: a dense layer and five transposed convolutions
of length 25 and stride 4 from noise to 8,192 samples, a critic that mirrors them with phase shuffle (n = 2) between
its layers, WGAN-GP with weight 10 and five critic steps to one of the generator, Adam at 1e-4 with betas (0.5, 0.9),
batches of 64, no average of weights. Theirs knows no labels: here embeddings of them stand beside the noise, and the
critic adds their product with its last features (projection, Miyato & Koyama 2018), one for each column. Convolutions
run in the memory layout and precision that our networks run in, the penalty in float32 as ours.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))
import baseline
from budget import Budget

from gan.audio import data, features, metrics
from gan.audio.data import AudioSet
from gan.audio.plots import contact_sheet, spectrogram_picture
from gan.audio.preprocessing import wav
from gan.audio.spectrogram import window_size
from gan.audio.task import AudioTask
from gan.training import arguments
from gan.utils.hardware import native_precision

SAMPLES, LENGTH = 8_192, 8  # of a clip, and of what the generator starts from: 4^5 times shorter
LATENT, EMBEDDING, BATCH = 100, 16, 64
PHASE_SHUFFLE, PENALTY, CRITIC_STEPS = 2, 10.0, 5


class Generator(nn.Module):
    """(n, LATENT) noise and (n, columns) labels to clips (n, SAMPLES) in [-1, 1]."""

    def __init__(self, num_classes: list[int], width: int):
        super().__init__()
        self.embed = nn.ModuleList(nn.Embedding(count, EMBEDDING) for count in num_classes)
        self.start = nn.Linear(LATENT + EMBEDDING * len(num_classes), LENGTH * 16 * width)
        widths = [16 * width, 8 * width, 4 * width, 2 * width, width, 1]
        layers: list[nn.Module] = []
        for before, after in zip(widths[:-1], widths[1:]):
            up = nn.ConvTranspose2d(before, after, (1, 25), (1, 4), (0, 11), output_padding=(0, 1))
            layers += [nn.ReLU(), up]
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(initialise)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        known = [embed(labels[:, k]) for k, embed in enumerate(self.embed)]
        first = self.start(torch.cat([noise, *known], dim=1))
        return self.layers(first.view(len(noise), LENGTH, 1, -1).permute(0, 3, 2, 1)).flatten(1)


class Critic(nn.Module):
    """Clips (n, SAMPLES) and (n, columns) labels to (n,) scores."""

    def __init__(self, num_classes: list[int], width: int):
        super().__init__()
        widths = [1, width, 2 * width, 4 * width, 8 * width, 16 * width]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, (1, 25), (1, 4), (0, 11)) for before, after in zip(widths[:-1], widths[1:])
        )
        self.score = nn.Linear(LENGTH * 16 * width, 1)
        self.embed = nn.ModuleList(nn.Embedding(count, LENGTH * 16 * width) for count in num_classes)
        self.apply(initialise)

    def forward(self, clips: Tensor, labels: Tensor) -> Tensor:
        hidden = clips[:, None, None]
        for number, layer in enumerate(self.layers):
            hidden = nn.functional.leaky_relu(layer(hidden), 0.2)
            if number < len(self.layers) - 1:
                hidden = phase_shuffle(hidden)
        hidden = hidden.flatten(1).float()
        known = sum(embed(labels[:, k]) for k, embed in enumerate(self.embed))
        with torch.autocast(hidden.device.type, enabled=False):
            scores = self.score(hidden).flatten()
        return scores + (hidden * known).sum(1) if len(self.embed) else scores


def phase_shuffle(hidden: Tensor) -> Tensor:
    """Moves (n, channels, 1, length) by up to n = 2 either way, reflected at the ends; one draw a layer, as theirs."""
    shift = int(torch.randint(-PHASE_SHUFFLE, PHASE_SHUFFLE + 1, ()))
    padded = nn.functional.pad(hidden, (max(shift, 0), max(-shift, 0), 0, 0), mode="reflect")
    start = max(-shift, 0)
    return padded[..., start : start + hidden.shape[3]]


def initialise(layer: nn.Module) -> None:
    """As their TensorFlow does."""
    if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.Embedding):
        nn.init.normal_(layer.weight, 0, 0.02)


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, labels: Tensor) -> Tensor:
    """How far the slope of the critic is from 1 between real and generated clips (Gulrajani et al. 2017)."""
    between = torch.lerp(real, fake, torch.rand(len(real), 1, device=real.device)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, labels).sum(), between, create_graph=True)
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def noise(count: int, source: torch.Generator | None = None) -> Tensor:
    return torch.rand(count, LATENT, generator=source) * 2 - 1


def fit_length(clips: Tensor) -> Tensor:
    """Clips (n, samples) with silence behind, or cut, to (n, SAMPLES)."""
    return nn.functional.pad(clips, (0, SAMPLES - clips.shape[1]))


def load(dataset_name: str, columns: list[str], duration: float) -> tuple[AudioSet, AudioSet]:
    """The training and the held-out clips, as `train.py audio --dataset_name ...` would see them."""
    words = ["audio", "--dataset_name", dataset_name, "--label_column", *columns, "--duration", str(duration)]
    train_set, test_set = data.load(arguments.parser({"audio": AudioTask}).parse_args(words))
    assert test_set is not None, f"{dataset_name} is too small to hold clips out"
    return train_set, test_set


@torch.inference_mode()
def sample(generator: Generator, labels: Tensor, seed: int, device: str) -> Tensor:
    """float32 (n, SAMPLES) of labels (n, columns)."""
    latents = noise(len(labels), torch.Generator().manual_seed(seed))
    batches = zip(latents.split(BATCH), labels.split(BATCH))
    return torch.cat([generator(z.to(device), y.to(device)).cpu() for z, y in batches])


def main() -> None:
    parser = baseline.parser(__doc__.splitlines()[0])
    parser.set_defaults(dataset_name="silky1708/Free-Spoken-Digit-Dataset")
    parser.add_argument("--label_column", nargs="+", default=["label", "speaker"], help="as for train.py")
    parser.add_argument("--duration", type=float, default=1.0, help="seconds of a clip that are measured")
    parser.add_argument("--width", type=int, default=16, help="d, channels of the layer next to the sound")
    parser.add_argument("--output_dir", type=Path, default=Path("wavegan"), help="for the report and samples")
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    train_set, test_set = load(args.dataset_name, args.label_column, args.duration)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    torch.manual_seed(args.seed)
    counts = [len(names) for names in (train_set.label_names or {}).values()]
    generator, critic = Generator(counts, args.width), Critic(counts, args.width)
    for network in (generator, critic):
        network.to(device, memory_format=torch.channels_last)
    optimizers = [
        torch.optim.Adam(network.parameters(), 1e-4, betas=(0.5, 0.9), fused=True) for network in (generator, critic)
    ]
    autocast = torch.autocast(device, torch.bfloat16, enabled=native_precision() == "bf16")

    budget, steps, order = Budget(args.minutes, args.cpu_minutes), 0, iter(())
    while not budget.over():
        for _ in range(CRITIC_STEPS):
            indices = next(order, None)
            if indices is None:  # a pass is over; its last clips that don't fill a batch are left out
                order = iter(torch.randperm(len(train_set))[: len(train_set) // BATCH * BATCH].split(BATCH))
                indices = next(order)
            real, labels = fit_length(train_set.clips(indices)).to(device), train_set.classes(indices).to(device)
            with torch.no_grad(), autocast:
                fake = generator(noise(BATCH).to(device), labels).float()
            with autocast:
                gap = critic(fake, labels).mean() - critic(real, labels).mean()
            loss = gap + PENALTY * gradient_penalty(critic, real, fake, labels)
            optimizers[1].zero_grad()
            loss.backward()
            optimizers[1].step()

        critic.requires_grad_(False)
        with autocast:
            generator_loss = -critic(generator(noise(BATCH).to(device), labels).float(), labels).mean()
        optimizers[0].zero_grad()
        generator_loss.backward()
        optimizers[0].step()
        critic.requires_grad_(True)

        steps += 1
        if steps % 50 == 0:
            print(
                f"{steps} steps, {budget.spent}: Wasserstein estimate {-gap.item():.2f}", file=sys.stderr, flush=True
            )

    facts = {
        "parameters": baseline.parameters(generator, critic),
        "steps": steps,
        "clips_seen": steps * CRITIC_STEPS * BATCH,
        **budget.spent,
        "seed": args.seed,
    }
    wanted = metrics.labels_like(test_set, metrics.NUM_CLIPS)
    clips = sample(generator, wanted, args.seed, device)[:, : test_set.samples]
    measured = metrics.measure(clips, wanted, train_set, test_set, features.feature_space("auto", train_set))
    shown = torch.cat([(wanted[:, 0] == k).nonzero()[:4, 0] for k in range(counts[0])])
    pictures = [spectrogram_picture(clips[k].numpy(), window_size(test_set.sampling_rate)) for k in shown.tolist()]
    contact_sheet(pictures).save(args.output_dir / "samples.png")
    (args.output_dir / "samples.wav").write_bytes(wav(clips[shown[::4]].flatten().numpy(), test_set.sampling_rate))
    described = {"name": train_set.name, "fingerprint": train_set.fingerprint()}
    baseline.keep("WaveGAN", args.output_dir, measured, described, facts)


if __name__ == "__main__":
    main()
