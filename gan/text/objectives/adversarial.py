"""What the classic text GANs share: a discriminator of whole texts, and a generator pretrained by likelihood."""

import argparse
from typing import Any

from torch import Tensor, nn

from gan.errors import GANError
from gan.text.networks import SequenceDiscriminator, TextGenerator
from gan.text.objectives.base import Components, TextObjective
from gan.text.pipeline import TextPipeline


class AdversarialObjective(TextObjective):
    """A generator of maximum likelihood that is trained against a discriminator of whole texts.

    Dropout and input noise are off in the generator, as the tokens are sampled without them. There are no penalties.

    Attributes:
        policy: the generator, not wrapped by Accelerate: texts are sampled from it without gradients.
        discriminator_shape: arguments of `SequenceDiscriminator`.
    """

    adversarial, validates = True, False
    learning_rate = 1e-4  # small steps: the first of them come from a discriminator that knows little
    reuses = SequenceDiscriminator
    discriminator_shape: dict[str, Any] = {}

    def __init__(self, args: argparse.Namespace, generator: TextGenerator, pretrained: TextPipeline | None):
        if pretrained is None:
            raise GANError(
                f"--objective {args.objective} starts from a model of --objective mle; name it with "
                f"--pretrained_model_name_or_path."
            )
        super().__init__(args, without_noise(generator), pretrained)
        self.policy = generator
        self.discriminator = make_discriminator(generator, pretrained, **self.discriminator_shape)

    def validate(self, generator: Any, tokens: Tensor, classes: Tensor | None) -> float | None:
        return None  # by likelihood, the first weights would always win

    def components(
        self, generator: Any, discriminator: nn.Module | None, tokens: Tensor | None, classes: Tensor | None
    ) -> Components:
        return Components(generator, discriminator)


def discriminator_record(loss: Tensor, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    """What is logged of a discriminator's step."""
    values = {"discriminator_loss": loss, "real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
    return {name: value.detach() for name, value in values.items()}


def without_noise(generator: TextGenerator) -> TextGenerator:
    """Switches off dropout and input noise, for good; returns the generator."""
    generator.register_to_config(dropout=0.0, noise=0.0)
    for module in generator.body.modules():
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
    return generator


def make_discriminator(generator: TextGenerator, pretrained: TextPipeline, **shape: Any) -> SequenceDiscriminator:
    """The discriminator of the pretrained model, if it has one of this shape; else a new one."""
    config = generator.config
    wanted = {"vocab_size": config.vocab_size, "num_classes": config.num_classes, **shape}
    discriminator = SequenceDiscriminator(length=config.max_length + config.has_end, **wanted)
    earlier = pretrained.discriminator
    if isinstance(earlier, SequenceDiscriminator) and _shapes(earlier) == _shapes(discriminator):
        discriminator.load_state_dict(earlier.state_dict())
    return discriminator


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
