"""RelGAN: gradients of the discriminator reach the generator through relaxed tokens (Nie et al. 2019)."""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.text.likelihood import inputs
from gan.text.networks import TextGenerator
from gan.text.objectives.adversarial import AdversarialObjective, discriminator_record
from gan.text.objectives.base import Losses
from gan.text.objectives.rollouts import sample
from gan.text.pipeline import TextPipeline
from gan.text.tokenizer import END, IGNORED
from gan.training.losses import relativistic_discriminator_loss, relativistic_generator_loss
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated


class RelGAN(AdversarialObjective):
    """A Gumbel-softmax of rising inverse temperature and the relativistic pairing loss, starting from a model of
    maximum likelihood.

    The next token is argmax(logits + gumbel), which is an exact sample, and it is the generator's next input. The
    discriminator gets softmax(beta (logits + gumbel)) in its place, which has gradients (Jang et al. 2017). beta rises
    from 1 to --beta_max as beta_max^(step / steps): smooth at first, nearly one-hot at the end. The discriminator has
    a logit for each of several embeddings. The published generator is --architecture memory: choose it when the model
    of --objective mle is trained.

    Difference from the paper: the discriminator is smaller.
    """

    adam_betas = (0.9, 0.999)  # as published, like the next two
    discriminator_steps = 5
    max_grad_norm = 5.0
    # The paper has 300 channels. Each embedding of a token is one number, as published: with several, a relaxed token
    # (a mean of tokens) is distinguished from a real one at once, and nothing is learnt (benchmarks/oracle.md).
    discriminator_shape = {"widths": (2, 3, 4, 5), "channels": 16, "embedding_size": 64, "representations": 64}

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        super().__init__(args, generator, pretrained)
        self.args, self.passes = args, 0

    @property
    def beta(self) -> float:
        """The inverse temperature now, from 1 to --beta_max."""
        total = self.args.max_train_steps * self.args.gradient_accumulation_steps * self.args.discriminator_steps
        return self.args.beta_max ** min(1.0, self.passes / total)

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        noise: list[Tensor] = []

        def pick(logits: Tensor) -> Tensor:
            noise.append(-torch.empty_like(logits).exponential_().log())  # from Gumbel(0, 1)
            return (logits + noise[-1]).argmax(-1)

        tokens = sample(self.policy, len(batch["tokens"]), batch["labels"], pick).tokens
        # Inputs have no gradient, so that one pass over all places has the gradients of decoding one by one.
        logits, _ = generator(inputs(tokens), batch["labels"])
        relaxed = (self.beta * (logits + torch.stack(noise, dim=1))).softmax(-1)
        end = F.one_hot(torch.tensor(END, device=relaxed.device), relaxed.shape[-1]).to(relaxed.dtype)
        self.passes += 1
        return {"samples": torch.where((tokens == IGNORED)[..., None], end, relaxed)}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> Losses:
        bare.train()  # a preview leaves it in evaluation mode
        real_logits = discriminator(batch["tokens"], batch["labels"])
        fake_logits = discriminator(fake, batch["labels"])
        loss = relativistic_discriminator_loss(real_logits, fake_logits)
        return loss, discriminator_record(loss, real_logits, fake_logits)

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        assert discriminator is not None
        real_logits = discriminator(batch["tokens"], batch["labels"])
        fake_logits = discriminator(generated["samples"], batch["labels"])
        loss = relativistic_generator_loss(real_logits, fake_logits)
        return loss, {"generator_loss": loss.detach(), "beta": torch.tensor(self.beta)}

    def state_dict(self) -> dict[str, Any]:
        return {"passes": self.passes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.passes = state["passes"]
