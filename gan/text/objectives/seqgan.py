"""SeqGAN: the generator as a policy that a discriminator of whole texts rewards (Yu et al. 2017)."""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.likelihood import inputs
from gan.text.networks import SequenceDiscriminator, TextGenerator
from gan.text.objectives.mle import MLE
from gan.text.objectives.rollouts import Written, complete, write
from gan.text.pipeline import TextPipeline
from gan.text.tokenizer import IGNORED
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated


class SeqGAN(MLE):
    """Policy gradient on top of a model that was trained by maximum likelihood.

    The reward of a token is what the discriminator thinks of the texts that go on from it: its probability of "real",
    from 0 to 1, averaged over roll-outs; for the last token, that of the text itself. The generator follows
    sum_t grad log p(token t) (reward t - baseline t) (REINFORCE, Williams 1992), the discriminator binary
    cross-entropy.

    Other than in the paper: the baseline, the mean reward of the batch at that place, which lowers the variance and
    changes the expectation by a factor of 1 - 1/n only; one step of the discriminator to one of the generator, for
    which it learns from the first step on, without a phase of its own; roll-outs with the generator itself, not with a
    delayed copy. Dropout and noise are off in the generator, as the tokens were not drawn with them. The weight of the
    R1 and R2 penalties (--gamma) is ignored: tokens have no gradient.
    """

    learning_rate = 1e-4  # small steps: the first of them come from a discriminator that knows little
    adam_betas = (0.0, 0.99)
    takes_over = SequenceDiscriminator

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        check_start(args, pretrained)
        super().__init__(args, without_noise(generator), pretrained)
        self.rollouts = args.rollouts
        self.policy = generator  # bare: texts are drawn without gradients
        self.discriminator = discriminator(generator, pretrained)
        self.written: Written | None = None

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        self.written = write(self.policy, len(batch["tokens"]), batch["labels"])
        logits, _ = generator(inputs(self.written.tokens), batch["labels"])
        return {"samples": self.written.tokens, "logits": logits}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        bare.train()  # a preview puts all that it shows into evaluation mode
        real = batch["tokens"]
        width = max(real.shape[1], fake.shape[1])
        both = torch.cat([F.pad(texts, (0, width - texts.shape[1]), value=IGNORED) for texts in (real, fake)])
        classes = None if batch["labels"] is None else batch["labels"].repeat(2)
        of_real, of_fake = discriminator(both, classes).chunk(2)
        loss = F.softplus(-of_real).mean() + F.softplus(of_fake).mean()
        figures = {"discriminator_loss": loss, "real_logits": of_real.mean(), "fake_logits": of_fake.mean()}
        return loss, {name: value.detach() for name, value in figures.items()}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        assert discriminator is not None and self.written is not None
        tokens = generated["samples"]
        kept = tokens != IGNORED
        gained = rewards(self.policy, discriminator, self.written, self.rollouts, batch["labels"])
        self.written = None
        baseline = (gained * kept).sum(0) / kept.sum(0).clamp(min=1)
        log_probs = -F.cross_entropy(generated["logits"].flatten(0, 1), tokens.flatten(), reduction="none")
        advantage = ((gained - baseline) * kept).flatten()
        loss = -(log_probs.masked_fill(~kept.flatten(), 0) * advantage).sum() / kept.sum()
        return loss, {"generator_loss": loss.detach(), "reward": gained[kept].mean()}

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        return None  # by likelihood, the first weights would always win

    def parts(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> tuple[TextGenerator, nn.Module | None, float]:
        return generator, discriminator, 0.0


@torch.no_grad()
def rewards(
    generator: TextGenerator, discriminator: nn.Module, written: Written, rollouts: int, classes: Tensor | None
) -> Tensor:
    """The discriminator's probability of "real" of what follows from every token: float32 (n, max_length) in [0, 1].

    It is asked without dropout.
    """
    discriminator.eval()
    n, length = written.tokens.shape
    repeated = None if classes is None else classes.repeat_interleave(rollouts, dim=0)
    gained = []
    for kept in range(1, length):
        texts = complete(generator, written, kept, rollouts, classes)
        gained.append(discriminator(texts, repeated).sigmoid().view(n, rollouts).mean(1))
    gained.append(discriminator(written.tokens, classes).sigmoid().squeeze(1))
    discriminator.train()
    return torch.stack(gained, dim=1)


def check_start(args: argparse.Namespace, pretrained: TextPipeline | None) -> None:
    """Raises `GANError` unless there is a model to start from."""
    if pretrained is None:
        raise GANError(
            f"--objective {args.objective} starts from a model of --objective mle; name it with "
            f"--pretrained_model_name_or_path."
        )


def without_noise(generator: TextGenerator) -> TextGenerator:
    """Switches off dropout and the noise of inputs, for good; returns the generator."""
    generator.register_to_config(dropout=0.0, noise=0.0)
    for module in generator.body.modules():
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
    return generator


def discriminator(generator: TextGenerator, pretrained: TextPipeline | None, **shape: Any) -> SequenceDiscriminator:
    """That of the model to start from, if it has one of this shape; else a new one."""
    config = generator.config
    wanted = {"vocab_size": config.vocab_size, "num_classes": config.num_classes, **shape}
    fresh = SequenceDiscriminator(length=config.max_length + config.has_end, **wanted)
    earlier = pretrained.discriminator if pretrained is not None else None
    if isinstance(earlier, SequenceDiscriminator) and _shapes(earlier) == _shapes(fresh):
        fresh.load_state_dict(earlier.state_dict())
    return fresh


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
