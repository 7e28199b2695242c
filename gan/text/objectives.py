"""What text is trained by. Each objective owns the players; the loop trains, averages and keeps `generator`.

`MLE` is the baseline that everything else must beat. `Ratio` refines it and cannot lose to it on validation data:
at strength 0 it is the same model.
"""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.data import IGNORED
from gan.text.likelihood import cross_entropy, inputs, nll
from gan.text.networks import TextDiscriminator, TextGenerator
from gan.text.pipeline import TextPipeline
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

STRENGTHS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)  # of the critic, that validation chooses among


class MLE:
    """Maximum likelihood, by teacher forcing.

    Attributes:
        generator: what is trained and averaged.
        discriminator: its opponent, `None` without one.
    """

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        self.generator: nn.Module = generator
        self.discriminator: nn.Module | None = None

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        logits, _ = generator(inputs(batch["tokens"]), batch["labels"])
        return {"logits": logits}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        raise NotImplementedError("There is no discriminator.")  # nor does the loop ask for its loss then

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
    ) -> tuple[TextGenerator, TextDiscriminator | None, float]:
        """What is saved: a generator, a critic, and how strong it should be by these validation texts."""
        return generator, None, 0.0

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Ratio(MLE):
    """Token-level density-ratio refinement of a model that was trained by maximum likelihood; the generator stays as
    it is.

    A critic f shaped like a language model tells real tokens from the generator's at shared prefixes. Its logistic
    loss, E_data softplus(-f) + E_generator softplus(f), is that of a discriminator (Goodfellow et al. 2014), whose
    optimum is f = log p_data - log p_generator. Nothing is sampled for it: what the generator would put after each
    prefix is known for the whole vocabulary, so the second expectation is exact. The refined model
    log p' = log p_generator + lambda f - log Z is normalised exactly, and lambda is chosen on validation data.
    (Residual energies: Deng et al. 2020; density ratios of tokens: Lu et al. 2019, CoT; Li et al. 2019, DGSAN.)
    """

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        if pretrained is None:
            raise GANError(
                "--objective ratio refines a model of --objective mle; name it with --pretrained_model_name_or_path."
            )
        if pretrained.config.critic_strength and pretrained.discriminator is not None:
            raise GANError(
                f"{args.pretrained_model_name_or_path} has been refined already; start from the model of "
                f"--objective mle."
            )
        self.frozen = generator.eval().requires_grad_(False)
        config = dict(generator.config) | {"dropout": args.dropout, "noise": args.noise}
        critic = TextDiscriminator.from_config(config)
        critic.embed.weight.data.mul_(0.3)  # it has no opinion at first
        critic.frequencies.copy_(generator.frequencies)
        self.generator, self.discriminator = critic, None

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        given = inputs(batch["tokens"])
        with torch.no_grad():
            logits, _ = self.frozen.to(given.device)(given, batch["labels"])
        ratios, _ = generator(given, batch["labels"])
        return {"logits": logits, "ratios": ratios}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        ratios, kept = generated["ratios"], batch["tokens"] != IGNORED
        of_real = ratios.gather(2, batch["tokens"].clamp(min=0)[..., None]).squeeze(2)
        on_fake = (generated["logits"].softmax(-1) * F.softplus(ratios)).sum(-1)
        loss = (F.softplus(-of_real) + on_fake)[kept].mean()
        return loss, {"generator_loss": loss.detach(), "real_logits": of_real[kept].mean().detach()}

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        return float(nll(self.frozen, generator, tokens, classes, STRENGTHS).min())

    def parts(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> tuple[TextGenerator, TextDiscriminator | None, float]:
        if tokens is None:
            return self.frozen, generator, 0.0
        best = int(nll(self.frozen, generator, tokens, classes, STRENGTHS).argmin())
        return self.frozen, generator, STRENGTHS[best]


OBJECTIVES = {"mle": MLE, "ratio": Ratio}
