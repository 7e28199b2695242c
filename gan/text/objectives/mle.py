"""What text is trained by. Each objective owns the players; the loop trains, averages and keeps `generator`.

`MLE` is the baseline that everything else must beat; the others have files of their own and start from its models.
"""

import argparse
from typing import Any

from torch import Tensor, nn

from gan.text.likelihood import cross_entropy, inputs, nll
from gan.text.networks import TextGenerator
from gan.text.pipeline import TextPipeline
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated


class MLE:
    """Maximum likelihood, by teacher forcing.

    Attributes:
        generator: what is trained and averaged.
        discriminator: its opponent, `None` without one.
        learning_rate, adam_betas, discriminator_steps, max_grad_norm: where none are asked for.
        takes_over: discriminators of an earlier model that are of use here.
    """

    learning_rate = 2e-3
    adam_betas = (0.9, 0.99)
    discriminator_steps = 1
    max_grad_norm: float | None = None
    takes_over: type[nn.Module] | tuple[()] = ()

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        self.generator: nn.Module = generator
        self.discriminator: nn.Module | None = None

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        logits, _ = generator(inputs(batch["tokens"]), batch["labels"])
        return {"logits": logits}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        loss = cross_entropy(generated["logits"], batch["tokens"])
        return loss, {"generator_loss": loss.detach()}

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        """Nats a token of held-out texts."""
        return float(nll(generator, None, tokens, classes))

    def parts(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> tuple[TextGenerator, nn.Module | None, float]:
        """What is saved: a generator, a critic or other discriminator, and how strong by these validation texts."""
        return generator, None, 0.0

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
