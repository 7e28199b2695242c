"""What an objective for text is: the networks that it trains, and their losses."""

import argparse
from typing import Any, NamedTuple

from torch import Tensor, nn

from gan.text.likelihood import nll
from gan.text.networks import TextGenerator
from gan.text.pipeline import TextPipeline
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

Losses = tuple[Tensor, dict[str, Tensor]]  # the loss, and values to log


class Components(NamedTuple):
    """What is saved of a model: its networks, and the critic's strength by held-out texts."""

    generator: TextGenerator
    discriminator: nn.Module | None = None  # or critic
    critic_strength: float = 0.0
    encoder: nn.Module | None = None


class TextObjective:
    """The base of all objectives. The training loop trains, averages and saves `generator`.

    Attributes:
        generator: the network that is trained and averaged.
        discriminator: its opponent, `None` without one.
        learning_rate, adam_betas, discriminator_steps, max_grad_norm: defaults of the flags.
        adversarial: whether it refines a language model against a discriminator, without R1 and R2 penalties.
        validates: whether `validate` gives a score.
        reuses: the kind of discriminator that it takes from a model that is fine-tuned.
        has_latent: whether the generator is conditioned on a latent.
        training_texts: int64 (n, length), a sample of the training texts, which the task sets.

    Args:
        args: the flags of training.
        generator: a new one, or that of `pretrained`, its classes matched to the data.
        pretrained: the model that is fine-tuned, `None` from scratch.

    Raises:
        GANError: for a model that the objective cannot start from.
    """

    learning_rate = 2e-3
    adam_betas = (0.9, 0.99)
    discriminator_steps = 1
    max_grad_norm: float | None = None
    adversarial, validates = False, True
    reuses: type[nn.Module] | tuple[()] = ()
    has_latent = False
    training_texts: Tensor

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        self.generator: nn.Module = generator
        self.discriminator: nn.Module | None = None

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        """See `gan.training.task.Task`, like the two losses."""
        raise NotImplementedError

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> Losses:
        raise NotImplementedError

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        raise NotImplementedError

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        """What the best weights are chosen by, smaller is better: nats a token of held-out texts (n, length)."""
        return float(nll(generator, None, tokens, classes))

    def components(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> Components:
        """What is saved, given held-out texts (n, length) if there are any."""
        return Components(generator)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
