"""Networks of text models with a latent: an encoder, a discriminator of latents, and an autoencoder for training.

The generator is a language model that is told a latent at every token (`latent_dim` of `gan.text.networks`).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from gan.text.likelihood import inputs
from gan.text.networks import TextGenerator, make_body
from gan.text.tokenizer import BEGIN, END, IGNORED

READ = 256  # texts that are encoded at once


@dataclass
class Posterior:
    """What an encoder sees in texts.

    Attributes:
        mean: (n, latent_dim), which is the latent of an encoder without noise.
        log_variance: (n, latent_dim) of a variational encoder, else `None`.
    """

    mean: Tensor
    log_variance: Tensor | None


class TextEncoder(ModelMixin, ConfigMixin):
    """Texts to latents: two bodies of a language model, of which one reads from the end, as they are after the last
    token.

    Args:
        vocab_size, max_length, architecture, embedding_size, hidden_size, num_layers, num_heads, dropout: as in
            `TextGenerator`; hidden_size is that of either body.
        latent_dim: numbers in a latent.
        variational: whether it gives a variance, too.
    """

    @register_to_config
    def __init__(
        self,
        vocab_size: int,
        max_length: int,
        latent_dim: int,
        variational: bool = False,
        architecture: str = "lstm",
        embedding_size: int = 128,
        hidden_size: int = 256,
        num_layers: int = 1,
        num_heads: int = 4,
        dropout: float = 0.5,
    ):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embedding_size)
        nn.init.normal_(self.embed.weight, std=embedding_size**-0.5)
        shape = (architecture, embedding_size, hidden_size, num_layers, num_heads, max_length + 2, dropout)
        self.forwards, self.backwards = make_body(*shape), make_body(*shape)
        self.to_latent = nn.Linear(2 * hidden_size, latent_dim * (1 + variational))

    def forward(self, tokens: Tensor) -> Posterior:
        """
        Args:
            tokens: int64 (n, t) as in `gan.text.data.Encoded`: `END` where a text ends, `IGNORED` behind.
        """
        rows, lengths = torch.arange(len(tokens), device=tokens.device), (tokens != IGNORED).sum(1)
        places = torch.arange(tokens.shape[1], device=tokens.device)
        turned = tokens.gather(1, (lengths[:, None] - 1 - places).clamp(min=0))  # behind the length: not looked at
        features = []
        for body, order in ((self.forwards, tokens), (self.backwards, turned)):
            given = F.pad(order.masked_fill(order == IGNORED, END), (1, 0), value=BEGIN)
            read, _ = body(self.embed(given))
            features.append(read[rows, lengths])
        x = F.dropout(torch.cat(features, dim=1), self.config.dropout, self.training)
        mean, *log_variance = self.to_latent(x).split(self.config.latent_dim, dim=1)
        return Posterior(mean, log_variance[0] if log_variance else None)


class LatentDiscriminator(ModelMixin, ConfigMixin):
    """A multilayer perceptron that tells latents of texts from the prior N(0, I) (Makhzani et al. 2015).

    Args:
        latent_dim: numbers in a latent.
        hidden_size: features of both hidden layers.
    """

    @register_to_config
    def __init__(self, latent_dim: int, hidden_size: int = 512):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, hidden_size),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, hidden_size),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden_size, 1),
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Logits (n,), float32, of latents (n, latent_dim): higher where they look like the prior's."""
        return self.layers(latents).squeeze(1).float()


class TextAutoencoder(nn.Module):
    """Encoder and generator as one module, so that they share an optimiser, an EMA and a data-parallel wrapper.

    Args:
        word_dropping: probability that a word is left out of what the encoder reads in training, not of what the
            generator shall write (DAAE, Shen et al. 2020): texts that share words become neighbours.
        latent_noise: standard deviation of the noise that training adds to latents.
    """

    def __init__(
        self, generator: TextGenerator, encoder: TextEncoder, word_dropping: float = 0.0, latent_noise: float = 0.0
    ):
        super().__init__()
        self.generator, self.encoder = generator, encoder
        self.word_dropping, self.latent_noise = word_dropping, latent_noise

    def forward(self, tokens: Tensor, classes: Tensor | None = None) -> dict[str, Tensor]:
        """
        Args:
            tokens: int64 (n, t), see `TextEncoder.forward`.
            classes: int64 (n,), for a conditional model.

        Returns:
            `samples` (n, latent_dim): the latents, drawn from the posterior where it has a variance; `logits`
            (m, vocab_size) of the m tokens that are not `IGNORED`; `mean` and `log_variance` of a variational encoder.
        """
        read = without_words(tokens, self.word_dropping) if self.training and self.word_dropping else tokens
        posterior = self.encoder(read)
        latents = posterior.mean
        outputs: dict[str, Tensor] = {}
        if posterior.log_variance is not None:
            outputs = {"mean": latents, "log_variance": posterior.log_variance}
            latents = latents + (posterior.log_variance / 2).exp() * torch.randn_like(latents)
        told = latents
        if self.training and self.latent_noise:
            told = latents + self.latent_noise * torch.randn_like(latents)
        hidden, _ = self.generator.hidden(inputs(tokens), classes, latents=told)
        logits = self.generator.logits(hidden[tokens != IGNORED])  # passes over the vocabulary cost most
        return {"samples": latents, "logits": logits, **outputs}


def without_words(tokens: Tensor, probability: float) -> Tensor:
    """Texts (n, t) from which every token is left out with a probability, but not their ends; the rest moves up."""
    dropped = (torch.rand(tokens.shape, device=tokens.device) < probability) & (tokens > END)
    order = dropped.int().argsort(dim=1, stable=True)
    return tokens.masked_fill(dropped, IGNORED).gather(1, order)


@torch.inference_mode()
def encoded(encoder: TextEncoder, tokens: Tensor, seed: int | None = None) -> Tensor:
    """The latents float32 (n, latent_dim) of texts (n, length), on the CPU.

    Args:
        seed: of draws from the posterior of a variational encoder, which together are what shall be the prior's;
            `None` for its mean. An encoder without noise gives the same.
    """
    was_training = encoder.training
    encoder.eval()
    seen = [encoder(batch.to(encoder.device)) for batch in tokens.split(READ)]
    encoder.train(was_training)
    mean = torch.cat([posterior.mean.float().cpu() for posterior in seen])
    if seed is None or not encoder.config.variational:
        return mean
    deviation = torch.cat([(posterior.log_variance.float().cpu() / 2).exp() for posterior in seen])
    return mean + deviation * torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed))
