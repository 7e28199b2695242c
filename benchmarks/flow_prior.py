"""Would a learnt prior give better texts than N(0, I)? A normalizing flow on the latents of a trained model.

    python benchmarks/flow_prior.py MODEL --baseline MLE --dataset_name NAME --fitted_on DATA

Nothing of the model is changed: texts of its seeds are read from other latents. Beside those of the prior these are a
Gaussian with the mean and covariance of the latents of texts, a flow that was fitted to these latents, and, as what a
perfect prior would give, the latents of training texts themselves. Prints the LM score and the reverse LM score of
each, and by how much the first is above that of a language model where the second is equal (`latent_text.py`).
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
from latent_text import behind, measured, opened
from oracle import table
from text import Bench, data_arguments

from gan.text import data
from gan.text.autoencoder import encoded
from gan.text.latent_metrics import greedy
from gan.text.pipeline import TextPipeline

TEMPERATURES = (0.6, 0.7, 0.8, 0.9, 1.0)  # of the language model
BATCH, LEARNING_RATE, MAX_NORM = 256, 1e-3, 50.0
LARGEST = 1.5  # log of what a layer scales by


class Coupling(nn.Module):
    """Scales and moves one half of the latent by what the other says (RealNVP, Dinh et al. 2017)."""

    def __init__(self, latent_dim: int, hidden_size: int, generator: torch.Generator):
        super().__init__()
        half, other = latent_dim // 2, latent_dim - latent_dim // 2
        self.layers = nn.Sequential(
            nn.Linear(half, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size), nn.SiLU()
        )
        self.last = nn.Linear(hidden_size, 2 * other)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        rotation, _ = torch.linalg.qr(torch.randn(latent_dim, latent_dim, generator=generator))
        self.register_buffer("rotation", rotation)  # so that every layer has other halves

    def _scale_and_shift(self, half: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self.last(self.layers(half)).chunk(2, dim=1)
        return LARGEST * torch.tanh(scale / LARGEST), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the noise: (n, latent_dim), and the log determinant (n,)."""
        half, other = (x @ self.rotation).tensor_split([x.shape[1] // 2], dim=1)
        scale, shift = self._scale_and_shift(half)
        return torch.cat([half, (other - shift) * (-scale).exp()], dim=1), -scale.sum(1)

    def inverse(self, x: Tensor) -> Tensor:
        half, other = x.tensor_split([x.shape[1] // 2], dim=1)
        scale, shift = self._scale_and_shift(half)
        return torch.cat([half, other * scale.exp() + shift], dim=1) @ self.rotation.T


class Flow(nn.Module):
    """Between noise N(0, I) and latents, of which the mean and covariance are taken out first."""

    def __init__(self, mean: Tensor, covariance: Tensor, num_layers: int, hidden_size: int):
        super().__init__()
        source = torch.Generator().manual_seed(0)
        self.couplings = nn.ModuleList(Coupling(len(mean), hidden_size, source) for _ in range(num_layers))
        self.register_buffer("mean", mean)
        self.register_buffer("root", torch.linalg.cholesky(covariance))

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the noise: (n, latent_dim), and the log determinant (n,), without that of the covariance."""
        x = torch.linalg.solve_triangular(self.root, (latents - self.mean).T, upper=False).T
        total = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, determinant = coupling(x)
            total = total + determinant
        return x, total

    @torch.no_grad()
    def inverse(self, noise: Tensor) -> Tensor:
        """Noise (n, latent_dim) as latents."""
        for coupling in reversed(self.couplings):
            noise = coupling.inverse(noise)
        return noise @ self.root.T + self.mean


def fitted(latents: Tensor, noise: float, args: argparse.Namespace) -> Flow:
    """A flow of latents (n, latent_dim) with noise, without which it would learn single texts."""
    identity = torch.eye(latents.shape[1])
    flow = Flow(latents.mean(0), torch.cov(latents.T) + noise**2 * identity, args.num_layers, args.hidden_size)
    optimizer = torch.optim.AdamW(flow.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    for _ in range(args.steps):
        batch = latents[torch.randint(len(latents), (BATCH,))]
        optimizer.zero_grad()
        found, determinant = flow(batch + noise * torch.randn_like(batch))
        (found.square().sum(1) / 2 - determinant).mean().backward()
        nn.utils.clip_grad_norm_(flow.parameters(), MAX_NORM)
        optimizer.step()
        scheduler.step()
    return flow.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a folder")
    parser.add_argument("--baseline", type=Path, required=True, help="a language model of the same data")
    parser.add_argument("--dataset_name", required=True, help="a Hub id, or a local folder laid out as one")
    parser.add_argument("--fitted_on", help="data whose latents are learnt; by default those of --dataset_name")
    parser.add_argument("--texts", type=int, default=2_000, help="that are generated and scored")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.3, 0.5], help="on latents, in fitting")
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--num_layers", type=int, default=8)
    parser.add_argument("--hidden_size", type=int, default=256)
    args = parser.parse_args()
    args.max_train_samples = None  # `Bench` asks
    torch.set_num_threads(1)
    model = opened(args.model)
    bench = Bench(model, args)
    curve = list(measured(opened(args.baseline), bench, TEMPERATURES)["points"].values())
    cells = []
    for name, latents_of in sources(model, bench, args).items():
        torch.manual_seed(0)
        start = time.process_time()
        given = latents_of()
        seconds = time.process_time() - start
        point = bench.scores(greedy(model, given, None))
        above = behind(point, curve)
        cells.append([name, f"{point['lm_score']:.3f}", f"{point['reverse_lm_score']:.3f}"])
        cells[-1] += ["–" if above is None else f"{above:.2f}", f"{point['copied']:.4f}", f"{seconds:.0f}"]
    table(["", "LM score", "reverse LM score", "behind", "copies", "CPU seconds"], cells)


def sources(model: TextPipeline, bench: Bench, args: argparse.Namespace) -> dict[str, Callable[[], Tensor]]:
    """Where the latents (texts, latent_dim) of a row come from, by its name."""
    known = argparse.Namespace(dataset_name=args.fitted_on or args.dataset_name, max_train_samples=None)
    texts = data.load(data_arguments(known)).train
    latents = encoded(model.encoder, data.encode(texts, model.tokenizer, bench.config.max_length).tokens)
    noise = torch.randn(args.texts, model.latent_dim, generator=torch.Generator().manual_seed(0))
    gaussian = Flow(latents.mean(0), torch.cov(latents.T), num_layers=0, hidden_size=0)
    found: dict[str, Callable[[], Tensor]] = {"N(0, I)": lambda: noise, "Gaussian": partial(gaussian.inverse, noise)}
    for deviation in args.noise:
        found[f"flow, noise {deviation:g}"] = lambda deviation=deviation: fitted(latents, deviation, args).inverse(
            noise
        )
    return found | {"latents of training texts": lambda: latents[: args.texts]}


if __name__ == "__main__":
    main()
