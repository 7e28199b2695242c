"""The half of `pythae_baselines.py` that runs in pythae's own environment: trains one of its models, and samples it.

    python benchmarks/pythae_training.py EXCHANGE.npz --model vae --minutes 15

reads and writes what `exchange.py` says.
"""

import argparse
import logging
import time
from typing import NamedTuple

import exchange
import numpy as np
import torch
from budget import Budget
from pythae.models import VAE, VAEGAN, VAEConfig, VAEGANConfig
from pythae.models.nn.benchmarks import celeba, mnist
from pythae.pipelines import TrainingPipeline
from pythae.samplers import NormalSampler
from pythae.trainers import BaseTrainerConfig, CoupledOptimizerAdversarialTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback

MARGIN, EQUILIBRIUM = 0.4, 0.68  # which of decoder and discriminator pauses, in both benchmarks


class Benchmark(NamedTuple):
    """What pythae trains on pictures of one shape, by its configuration files."""

    latent_dim: int
    learning_rate: float
    adversarial_scale: float
    networks: dict[str, tuple[type, type]]  # encoder and decoder
    discriminator: type


BENCHMARKS = {
    (1, 28, 28): Benchmark(
        16,
        1e-3,
        0.8,
        {
            "conv": (mnist.Encoder_Conv_VAE_MNIST, mnist.Decoder_Conv_AE_MNIST),
            "resnet": (mnist.Encoder_ResNet_VAE_MNIST, mnist.Decoder_ResNet_AE_MNIST),
        },
        mnist.Discriminator_Conv_MNIST,
    ),
    (3, 64, 64): Benchmark(
        64,
        1e-4,
        0.1,
        {
            "conv": (celeba.Encoder_Conv_VAE_CELEBA, celeba.Decoder_Conv_AE_CELEBA),
            "resnet": (celeba.Encoder_ResNet_VAE_CELEBA, celeba.Decoder_ResNet_AE_CELEBA),
        },
        celeba.Discriminator_Conv_CELEBA,
    ),
}


class OutOfTime(Exception):
    """Leaves pythae's training loop, which counts in passes over the data only."""


class Timekeeper(TrainingCallback):
    """Stops the training when its time is up."""

    def __init__(self, args: argparse.Namespace):
        self.args, self.seen = args, 0

    def on_train_begin(self, training_config, **kwargs):
        self.budget = Budget(self.args.minutes, self.args.cpu_minutes)

    def on_train_step_end(self, training_config, **kwargs):
        self.seen += self.args.batch
        if self.budget.over():
            raise OutOfTime


def build(args: argparse.Namespace, shape: tuple[int, int, int]):
    """A pythae model and how to train it, with the settings of its benchmark for pictures of this shape."""
    benchmark = BENCHMARKS[shape]
    rate = benchmark.learning_rate if args.learning_rate is None else args.learning_rate
    latent = {"input_dim": shape, "latent_dim": benchmark.latent_dim if args.latent_dim is None else args.latent_dim}
    run = {
        "output_dir": str(args.archive.parent / "pythae"),
        "per_device_train_batch_size": args.batch,
        "num_epochs": 10_000,  # the budget ends it
        "seed": args.seed,
    }
    parts = benchmark.networks.get(args.networks, ())  # without: its default, perceptrons of one hidden layer
    torch.manual_seed(args.seed)
    if args.model == "vae":
        config = VAEConfig(**latent, reconstruction_loss="mse")
        return VAE(config, *(part(config) for part in parts)), BaseTrainerConfig(learning_rate=rate, **run)
    config = VAEGANConfig(
        **latent,
        adversarial_loss_scale=benchmark.adversarial_scale,
        reconstruction_layer=3 if parts else 1,  # whose features are compared: the perceptron has but one
        margin=MARGIN,
        equilibrium=EQUILIBRIUM,
    )
    if parts:
        parts = (*parts, benchmark.discriminator)
    rates = {f"{part}_learning_rate": rate for part in ("encoder", "decoder", "discriminator")}
    return VAEGAN(config, *(part(config) for part in parts)), CoupledOptimizerAdversarialTrainerConfig(**rates, **run)


def main() -> None:
    parser = exchange.parser(__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("vae", "vaegan"), required=True)
    parser.add_argument("--networks", choices=("conv", "resnet", "mlp"), default="conv")
    parser.add_argument("--latent_dim", type=int)
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--batch", type=int, default=100)
    args = parser.parse_args()
    logging.disable(logging.INFO)

    pixels = exchange.read(args.archive).astype(np.float32) / 255
    timekeeper = Timekeeper(args)
    network, config = build(args, pixels.shape[1:])
    training = TrainingPipeline(network, config)
    try:
        training(pixels, callbacks=[timekeeper])
    except OutOfTime:
        spent = timekeeper.budget.spent

    torch.manual_seed(args.seed)
    started = time.process_time()
    with torch.no_grad():
        generated = NormalSampler(network).sample(args.samples, batch_size=500)
    a_picture = 1000 * (time.process_time() - started) / args.samples
    record = {
        "parameters": f"{sum(p.numel() for p in network.parameters()) / 1e6:.1f} M",
        "images_seen": timekeeper.seen,
        **spent,
        "seed": args.seed,
        "cpu_ms_a_picture": round(a_picture, 2),
    }
    exchange.write(args.archive, generated.cpu().numpy(), record)


if __name__ == "__main__":
    main()
