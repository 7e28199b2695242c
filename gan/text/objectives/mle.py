"""Maximum likelihood by teacher forcing: the baseline, and what the other objectives start from."""

from torch import nn

from gan.text.likelihood import cross_entropy, inputs
from gan.text.objectives.base import Losses, TextObjective
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated


class MLE(TextObjective):
    """Maximum likelihood: cross-entropy of every next token."""

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        logits, _ = generator(inputs(batch["tokens"]), batch["labels"])
        return {"logits": logits}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        loss = cross_entropy(generated["logits"], batch["tokens"])
        return loss, {"generator_loss": loss.detach()}
