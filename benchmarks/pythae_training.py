"""The half of `pythae_baselines.py` that runs in pythae's own environment: trains one of its models, and samples it.

    python benchmarks/pythae_training.py EXCHANGE.npz --model vae --minutes 15

reads `pixels`, uint8 (n, 1, 28, 28), from the archive and writes `generated`, uint8 (samples, 1, 28, 28), and a
`record` of the run in JSON beside it, to `EXCHANGE-generated.npz`. It imports nothing of ours.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
import torch
from pythae.models import VAE, VAEGAN, VAEConfig, VAEGANConfig
from pythae.models.nn.benchmarks.mnist import (
    Decoder_Conv_AE_MNIST,
    Discriminator_Conv_MNIST,
    Encoder_Conv_VAE_MNIST,
)
from pythae.pipelines import TrainingPipeline
from pythae.samplers import NormalSampler
from pythae.trainers import BaseTrainerConfig, CoupledOptimizerAdversarialTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback


class OutOfTime(Exception):
    """Leaves pythae's training loop, which counts in passes over the data only."""


class Budget(TrainingCallback):
    """Stops the training when its time is up."""

    def __init__(self, minutes: float, cpu_minutes: float | None, batch: int):
        self.clock = time.perf_counter if cpu_minutes is None else time.process_time
        self.seconds = 60 * (minutes if cpu_minutes is None else cpu_minutes)
        self.batch, self.seen = batch, 0

    def on_train_begin(self, training_config, **kwargs):
        self.started, self.wall, self.cpu = self.clock(), time.perf_counter(), time.process_time()

    def on_train_step_end(self, training_config, **kwargs):
        self.seen += self.batch
        if self.clock() - self.started >= self.seconds:
            raise OutOfTime

    def record(self) -> dict[str, float]:
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return {"images_seen": self.seen, "minutes": round(wall / 60, 2), "cpu_minutes": round(cpu / 60, 2)}


def build(args: argparse.Namespace):
    """A pythae model and how to train it, with the settings of its own MNIST benchmark."""
    shape = {"input_dim": (1, 28, 28), "latent_dim": args.latent_dim}
    run = {
        "output_dir": str(args.exchange.parent / "pythae"),
        "per_device_train_batch_size": args.batch,
        "num_epochs": 10_000,  # the budget ends it
        "seed": args.seed,
    }
    convolutional = args.networks == "conv"  # else pythae builds its default, perceptrons with one hidden layer
    torch.manual_seed(args.seed)
    if args.model == "vae":
        config = VAEConfig(**shape, reconstruction_loss="mse")
        parts = (Encoder_Conv_VAE_MNIST, Decoder_Conv_AE_MNIST) if convolutional else ()
        return VAE(config, *(part(config) for part in parts)), BaseTrainerConfig(
            learning_rate=args.learning_rate, **run
        )
    layer = 3 if convolutional else 1  # whose features are compared: the perceptron has but one
    config = VAEGANConfig(
        **shape, adversarial_loss_scale=0.8, reconstruction_layer=layer, margin=0.4, equilibrium=0.68
    )
    parts = (Encoder_Conv_VAE_MNIST, Decoder_Conv_AE_MNIST, Discriminator_Conv_MNIST) if convolutional else ()
    rates = {f"{part}_learning_rate": args.learning_rate for part in ("encoder", "decoder", "discriminator")}
    return VAEGAN(config, *(part(config) for part in parts)), CoupledOptimizerAdversarialTrainerConfig(**rates, **run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exchange", type=Path)
    parser.add_argument("--model", choices=("vae", "vaegan"), required=True)
    parser.add_argument("--networks", choices=("conv", "mlp"), default="conv")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--cpu_minutes", type=float)
    parser.add_argument("--latent_dim", type=int, default=16)
    parser.add_argument("--learning_rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.disable(logging.INFO)

    pixels = np.load(args.exchange)["pixels"].astype(np.float32) / 255
    budget = Budget(args.minutes, args.cpu_minutes, args.batch)
    network, config = build(args)
    training = TrainingPipeline(network, config)
    try:
        training(pixels, callbacks=[budget])
    except OutOfTime:
        record = budget.record()

    torch.manual_seed(args.seed)
    with torch.no_grad():
        generated = NormalSampler(network).sample(args.samples, batch_size=500)
    record["parameters"] = f"{sum(p.numel() for p in network.parameters()) / 1e6:.1f} M"
    record["seed"] = args.seed
    np.savez(
        args.exchange.with_name(args.exchange.stem + "-generated.npz"),
        generated=(generated.cpu().numpy() * 255).round().astype(np.uint8),
        record=json.dumps(record),
    )


if __name__ == "__main__":
    main()
