"""A tiny text model, as if it had been trained."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from gan import TextDiscriminator, TextEncoder, TextGenerator, TextPipeline
from gan.text.tokenizer import train_tokenizer

POEMS = ["春水东流去，秋风北雁来。", "夏云生远浦，冬雪落高台。", "明月照松间，清泉石上流。"]


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """The characters of three couplets."""
    return train_tokenizer(POEMS, "characters", 100)


@pytest.fixture(scope="session")
def make_text_pipeline(tokenizer: Tokenizer) -> Callable[..., TextPipeline]:
    def make(
        architecture: str = "lstm", labels: list[str] | None = None, critic: bool = True, **shape: Any
    ) -> TextPipeline:
        torch.manual_seed(0)
        shape = {"max_length": 12, "embedding_size": 16, "hidden_size": 24, "num_layers": 2, "num_heads": 2} | shape
        shape |= {"vocab_size": tokenizer.get_vocab_size(), "num_classes": len(labels or [])}
        generator = TextGenerator(architecture=architecture, **shape)
        discriminator = TextDiscriminator(architecture=architecture, **shape) if critic else None
        with torch.no_grad():  # log ratios of some size
            for network in (generator, discriminator):
                for parameter in network.parameters() if network is not None else ():
                    parameter.add_(torch.randn_like(parameter) * 0.2)
        return TextPipeline(generator, discriminator, labels, 0.5 * critic, tokenizer=tokenizer)

    return make


@pytest.fixture
def text_pipeline(make_text_pipeline: Callable[..., TextPipeline]) -> TextPipeline:
    """Writes characters of three couplets, twelve at most; with a critic."""
    return make_text_pipeline()


@pytest.fixture(scope="session")
def make_latent_pipeline(tokenizer: Tokenizer) -> Callable[..., TextPipeline]:
    """Text models with a latent of eight numbers, untrained but of some size."""

    def make(architecture: str = "lstm", labels: list[str] | None = None, latent_tokens: int = 1) -> TextPipeline:
        torch.manual_seed(0)
        shape: dict[str, Any] = {"vocab_size": tokenizer.get_vocab_size(), "max_length": 12, "latent_dim": 8}
        shape |= {
            "latent_tokens": latent_tokens,
            "architecture": architecture,
            "embedding_size": 16,
            "hidden_size": 24,
            "num_heads": 2,
        }
        generator = TextGenerator(num_classes=len(labels or []), **shape)
        encoder = TextEncoder(**shape)
        with torch.no_grad():
            for network in (generator, encoder):
                for parameter in network.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.3)
        return TextPipeline(generator, labels=labels, tokenizer=tokenizer, encoder=encoder)

    return make
