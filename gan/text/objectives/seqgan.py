"""SeqGAN: the generator as a policy that a discriminator of whole texts rewards (Yu et al. 2017)."""

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.text.likelihood import inputs
from gan.text.networks import TextGenerator
from gan.text.objectives.adversarial import AdversarialObjective, discriminator_record
from gan.text.objectives.base import Losses
from gan.text.objectives.rollouts import SampledTexts, complete, sample
from gan.text.pipeline import TextPipeline
from gan.text.tokenizer import IGNORED
from gan.training.losses import logistic_discriminator_loss
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated


class SeqGAN(AdversarialObjective):
    """Policy gradient, starting from a model of maximum likelihood.

    The reward of a token is the discriminator's probability of "real", from 0 to 1, averaged over roll-outs that
    continue behind the token; for the last token, that of the text itself. The generator follows
    sum_t grad log p(token t) (reward t - baseline t) (REINFORCE, Williams 1992), the discriminator binary
    cross-entropy.

    Differences from the paper: the baseline, which is the mean reward of the batch at that place, lowers the variance
    and scales the expectation by 1 - 1/n; the discriminator takes one step to one of the generator and has no
    pretraining; roll-outs are the generator's own, not those of a delayed copy.
    """

    adam_betas = (0.0, 0.99)

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        super().__init__(args, generator, pretrained)
        self.rollouts = args.rollouts
        self.sampled: SampledTexts | None = None

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        self.sampled = sample(self.policy, len(batch["tokens"]), batch["labels"])
        logits, _ = generator(inputs(self.sampled.tokens), batch["labels"])
        return {"samples": self.sampled.tokens, "logits": logits}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> Losses:
        bare.train()  # a preview leaves it in evaluation mode
        real = batch["tokens"]
        width = max(real.shape[1], fake.shape[1])
        both = torch.cat([F.pad(texts, (0, width - texts.shape[1]), value=IGNORED) for texts in (real, fake)])
        classes = None if batch["labels"] is None else batch["labels"].repeat(2)
        real_logits, fake_logits = discriminator(both, classes).chunk(2)
        loss = logistic_discriminator_loss(real_logits, fake_logits)
        return loss, discriminator_record(loss, real_logits, fake_logits)

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        assert discriminator is not None and self.sampled is not None
        tokens = generated["samples"]
        kept = tokens != IGNORED
        reward = rewards(self.policy, discriminator, self.sampled, self.rollouts, batch["labels"])
        self.sampled = None
        baseline = (reward * kept).sum(0) / kept.sum(0).clamp(min=1)
        log_probs = -F.cross_entropy(generated["logits"].flatten(0, 1), tokens.flatten(), reduction="none")
        advantage = ((reward - baseline) * kept).flatten()
        loss = -(log_probs.masked_fill(~kept.flatten(), 0) * advantage).sum() / kept.sum()
        return loss, {"generator_loss": loss.detach(), "reward": reward[kept].mean()}


@torch.no_grad()
def rewards(
    generator: TextGenerator, discriminator: nn.Module, sampled: SampledTexts, rollouts: int, classes: Tensor | None
) -> Tensor:
    """The reward of every token, in evaluation mode of the discriminator: float32 (n, max_length) in [0, 1]."""
    discriminator.eval()
    n, length = sampled.tokens.shape
    repeated = None if classes is None else classes.repeat_interleave(rollouts, dim=0)
    found = []
    for kept in range(1, length):
        texts = complete(generator, sampled, kept, rollouts, classes)
        found.append(discriminator(texts, repeated).sigmoid().view(n, rollouts).mean(1))
    found.append(discriminator(sampled.tokens, classes).sigmoid().squeeze(1))
    discriminator.train()
    return torch.stack(found, dim=1)
