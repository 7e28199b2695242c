"""RelGAN: gradients of the discriminator reach the generator through relaxed tokens (Nie et al. 2019)."""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.text.likelihood import inputs
from gan.text.networks import SequenceDiscriminator, TextGenerator
from gan.text.objectives.mle import MLE
from gan.text.objectives.rollouts import write
from gan.text.objectives.seqgan import check_start, discriminator, without_noise
from gan.text.pipeline import TextPipeline
from gan.text.tokenizer import END, IGNORED
from gan.training.losses import relativistic_discriminator_loss, relativistic_generator_loss
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

# Of the discriminator; the paper has 300 channels. A word is one number in each of the embeddings, as published: with
# several, a soft word (a mean of words) is told from real ones at a glance and the game is over: benchmarks/oracle.md.
SHAPE = {"widths": (2, 3, 4, 5), "channels": 16, "embedding_size": 64, "representations": 64}


class RelGAN(MLE):
    """A Gumbel-softmax with a rising inverse temperature, and the relativistic pairing loss, on top of a model of
    maximum likelihood.

    The next token is argmax(logits + gumbel), which is an exact draw, and it is what the generator reads next. The
    discriminator sees softmax(beta (logits + gumbel)) in its place, which has gradients (Jang et al. 2017). beta rises
    from 1 to --beta_max as beta_max^(step / steps): soft and smooth at first, all but the token itself at last. The
    discriminator gives an opinion for each of several embeddings. The published generator is --architecture memory:
    choose it when the model of --objective mle is trained.

    Other than in the paper: smaller. Dropout and noise are off in the generator. The weight of the R1 and R2 penalties
    (--gamma) is ignored.
    """

    learning_rate = 1e-4  # small steps: the first of them come from a discriminator that knows little
    adam_betas = (0.9, 0.999)  # as published, like the next two
    discriminator_steps = 5
    max_grad_norm = 5.0
    takes_over = SequenceDiscriminator

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        check_start(args, pretrained)
        super().__init__(args, without_noise(generator), pretrained)
        self.args, self.passes = args, 0
        self.writer = generator  # bare: texts are drawn without gradients
        self.discriminator = discriminator(generator, pretrained, **SHAPE)

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

        tokens = write(self.writer, len(batch["tokens"]), batch["labels"], pick).tokens
        # What is read next has no gradient, so one pass over all places has the gradients of writing them in turn.
        logits, _ = generator(inputs(tokens), batch["labels"])
        relaxed = (self.beta * (logits + torch.stack(noise, dim=1))).softmax(-1)
        end = F.one_hot(torch.tensor(END, device=relaxed.device), relaxed.shape[-1]).to(relaxed.dtype)
        self.passes += 1
        return {"samples": torch.where((tokens == IGNORED)[..., None], end, relaxed)}

    def discriminator_loss(
        self, discriminator: nn.Module, bare: nn.Module, batch: Batch, fake: Tensor, penalty: float, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        bare.train()  # a preview puts all that it shows into evaluation mode
        of_real = discriminator(batch["tokens"], batch["labels"])
        of_fake = discriminator(fake, batch["labels"])
        loss = relativistic_discriminator_loss(of_real, of_fake)
        figures = {"discriminator_loss": loss, "real_logits": of_real.mean(), "fake_logits": of_fake.mean()}
        return loss, {name: value.detach() for name, value in figures.items()}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> tuple[Tensor, dict[str, Tensor]]:
        assert discriminator is not None
        of_real = discriminator(batch["tokens"], batch["labels"])
        loss = relativistic_generator_loss(of_real, discriminator(generated["samples"], batch["labels"]))
        return loss, {"generator_loss": loss.detach(), "beta": torch.tensor(self.beta)}

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        return None  # by likelihood, the first weights would always win

    def parts(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> tuple[TextGenerator, nn.Module | None, float]:
        return generator, discriminator, 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"passes": self.passes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.passes = state["passes"]
