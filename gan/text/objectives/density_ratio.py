"""Token-level density-ratio refinement of a language model, and its distillation into one network."""

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import PartialState
from torch import Tensor, nn

from gan.errors import GANError
from gan.text.likelihood import cross_entropy, inputs, nll
from gan.text.networks import SHAPE, TextDiscriminator, TextGenerator
from gan.text.objectives.base import Components, Losses, TextObjective
from gan.text.pipeline import TextPipeline
from gan.text.sampling import generate, log_ratios, refined
from gan.text.tokenizer import IGNORED
from gan.training.randomness import StepRandom
from gan.training.task import Batch, Generated

STRENGTHS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)  # of the critic; validation chooses one
CRITIC_LOSSES = ("bound", "logistic")
NUM_VALIDATED = 500  # validation texts that the best weights are chosen by; the strength is chosen by all of them
POOL = 20_000  # texts sampled from a teacher


class DensityRatio(TextObjective):
    """A critic learns the log density ratio f of data to the frozen generator p, and refines it:
    p' = p exp(lambda f) / Z, normalised exactly. lambda is chosen on validation data, where it cannot lose to maximum
    likelihood: at 0 it is the same model.

    f(prefix)[token] = log q - log p estimates the log ratio of data to generator at shared prefixes. It is trained by
    - `bound`: the Donsker-Varadhan bound of KL(data || generator), E_data f - log E_generator exp(f) (Nowozin et al.
      2016), whose second term is exact over the vocabulary, and which for this f is the log likelihood of q: p' is
      then no more than a geometric mixture of two language models;
    - `logistic`: the discriminator's loss (Goodfellow et al. 2014), E_data softplus(-f) + E_generator softplus(f),
      with the second expectation exact, too: nothing is sampled.
    Both have their optimum at the true ratio. (Related: residual energies, Deng et al. 2020; CoT, Lu et al. 2019;
    DGSAN, Li et al. 2019.)
    """

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        if pretrained is None:
            raise GANError(
                "--objective ratio refines a model of --objective mle; name it with --pretrained_model_name_or_path."
            )
        if pretrained.critic is not None:
            raise GANError(
                f"{args.pretrained_model_name_or_path} has a critic already; start from a model of --objective mle "
                f"or distil."
            )
        self.loss = args.critic_loss
        shape = {name: getattr(args, name) for name in SHAPE}
        torch.manual_seed(args.seed + 2**20)  # or it would be initialised as the generator was
        critic = TextDiscriminator.from_config(dict(generator.config) | shape)
        critic.frequencies.copy_(generator.frequencies)
        critic.bias.data.copy_(generator.bias)
        self.generator, self.discriminator = critic, None
        # The training loop moves only what it trains.
        self.frozen = generator.eval().requires_grad_(False).to(PartialState().device)

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        given = inputs(batch["tokens"])
        scores, _ = generator(given, batch["labels"])
        if self.loss == "bound":
            return {"scores": scores}
        with torch.no_grad():
            logits, _ = self.frozen(given, batch["labels"])
        return {"scores": scores, "log_p": logits.log_softmax(-1)}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        tokens = batch["tokens"]
        if self.loss == "bound":  # up to log p of the data, which does not depend on the critic
            loss = cross_entropy(generated["scores"], tokens)
        else:
            ratios = log_ratios(generated["log_p"], generated["scores"])
            real_ratios = ratios.gather(2, tokens.clamp(min=0)[..., None]).squeeze(2)
            fake_term = (generated["log_p"].exp() * F.softplus(ratios)).sum(-1)
            loss = (F.softplus(-real_ratios) + fake_term)[tokens != IGNORED].mean()
        return loss, {"generator_loss": loss.detach()}

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        first = None if classes is None else classes[:NUM_VALIDATED]  # every strength costs a pass over the vocabulary
        # Without 0, which a new critic cannot beat: its first steps would all be as good, and --patience run out.
        return float(nll(self.frozen, generator, tokens[:NUM_VALIDATED], first, STRENGTHS[1:]).min())

    def components(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> Components:
        if tokens is None:
            return Components(self.frozen, generator)
        best = int(nll(self.frozen, generator, tokens, classes, STRENGTHS).argmin())
        return Components(self.frozen, generator, STRENGTHS[best])


class Distil(TextObjective):
    """A refined model back into one generator: the exact Kullback-Leibler divergence from the teacher's next tokens
    (Hinton et al. 2015), on prefixes of the data and of as many texts sampled from the teacher.
    """

    reuses = TextDiscriminator

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        if pretrained is None or pretrained.critic is None:
            raise GANError(
                "--objective distil makes one network of a generator and its critic; name a model of --objective "
                "ratio with --pretrained_model_name_or_path."
            )
        super().__init__(args, TextGenerator.from_config(generator.config), pretrained)
        assert isinstance(self.generator, TextGenerator)
        self.generator.load_state_dict(generator.state_dict())
        self.generator.frequencies.copy_(generator.frequencies)
        device = PartialState().device
        both = (generator, pretrained.critic)
        self.teacher = tuple(network.eval().requires_grad_(False).to(device) for network in both)
        self.strength = pretrained.config.critic_strength
        torch.manual_seed(args.seed)
        num_classes = generator.config.num_classes
        self.classes = torch.randint(num_classes, (POOL,)) if num_classes else None
        self.pool = generate(*self.teacher, POOL, self.classes, strength=self.strength, seed=args.seed)

    def generate(self, generator: nn.Module, batch: Batch) -> Generated:
        chosen = torch.randint(len(self.pool), (len(batch["tokens"]),))
        own = self.pool[chosen].to(batch["tokens"].device)
        length = max(own.shape[1], batch["tokens"].shape[1])
        tokens = torch.cat(
            [F.pad(rows, (0, length - rows.shape[1]), value=IGNORED) for rows in (batch["tokens"], own)]
        )
        labels = None if self.classes is None else torch.cat([batch["labels"], self.classes[chosen].to(tokens.device)])
        given = inputs(tokens)
        with torch.no_grad():
            logits, scores = (network(given, labels)[0] for network in self.teacher)
            wanted = refined(logits, scores, self.strength).exp()
        return {"logits": generator(given, labels)[0], "wanted": wanted, "kept": tokens != IGNORED}

    def generator_loss(
        self, discriminator: nn.Module | None, batch: Batch, generated: Generated, random: StepRandom
    ) -> Losses:
        log_probs = generated["logits"].log_softmax(-1)
        log_probs = log_probs.masked_fill(log_probs.isneginf(), 0)  # where the teacher's probability is 0, too
        loss = -(generated["wanted"] * log_probs).sum(-1)[generated["kept"]].mean()
        return loss, {"generator_loss": loss.detach()}
