"""Networks of text models with a latent: an encoder, a discriminator of latents, and an autoencoder for training.

The generator is a language model that is told a latent at every token (`latent_dim` of `gan.text.networks`).
"""

import copy
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
SMALL = 1e-8  # variance of a number of latents that all are alike


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
    """Texts to latents: two bodies of a language model, of which one reads from the end. A latent is read from their
    features after the last token; with several latent tokens each is read from a mean over all places, whose weights
    are attention (softmax).

    Args:
        vocab_size, max_length, architecture, embedding_size, hidden_size, num_layers, num_heads, dropout: as in
            `TextGenerator`; hidden_size is that of either body.
        latent_dim: numbers in a latent.
        variational: whether it gives a variance, too.
        latent_tokens: parts of the latent, of equal size.
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
        latent_tokens: int = 1,
    ):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embedding_size)
        nn.init.normal_(self.embed.weight, std=embedding_size**-0.5)
        shape = (architecture, embedding_size, hidden_size, num_layers, num_heads, max_length + 2, dropout)
        self.forwards, self.backwards = make_body(*shape), make_body(*shape)
        self.to_shares = nn.Linear(2 * hidden_size, latent_tokens) if latent_tokens > 1 else None
        self.to_latent = nn.Linear(2 * hidden_size, latent_dim * (1 + variational))

    def forward(self, tokens: Tensor) -> Posterior:
        """
        Args:
            tokens: int64 (n, t) as in `gan.text.data.Encoded`: `END` where a text ends, `IGNORED` behind.
        """
        lengths = (tokens != IGNORED).sum(1)
        turned = tokens.gather(1, _from_the_end(lengths - 1, tokens.shape[1]))
        forwards, backwards = (
            body(self.embed(F.pad(order.masked_fill(order == IGNORED, END), (1, 0), value=BEGIN)))[0]
            for body, order in ((self.forwards, tokens), (self.backwards, turned))
        )
        if self.to_shares is None:
            rows = torch.arange(len(tokens), device=tokens.device)
            read = torch.cat([forwards[rows, lengths], backwards[rows, lengths]], dim=1)[:, None]
        else:
            read = self._attended(forwards, backwards, lengths)
        x = self.to_latent(F.dropout(read, self.config.dropout, self.training))  # (n, latent_tokens, all numbers)
        parts = x.unflatten(2, (-1, self.config.latent_tokens, self.config.latent_dim // self.config.latent_tokens))
        mean, *log_variance = parts.diagonal(dim1=1, dim2=3).transpose(2, 3).flatten(2).unbind(1)  # to each its own
        return Posterior(mean, log_variance[0] if log_variance else None)

    def _attended(self, forwards: Tensor, backwards: Tensor, lengths: Tensor) -> Tensor:
        """Features (n, latent_tokens, 2 * hidden_size) of those of both directions, (n, t, hidden_size) each."""
        assert self.to_shares is not None
        places = torch.arange(forwards.shape[1], device=forwards.device)
        order = _from_the_end(lengths, forwards.shape[1])  # what one direction has not read yet, the other has
        both = torch.cat([forwards, backwards.gather(1, order[:, :, None].expand_as(backwards))], dim=2)
        shares = self.to_shares(both).masked_fill((places > lengths[:, None])[:, :, None], -torch.inf).softmax(1)
        return shares.transpose(1, 2) @ both


def _from_the_end(last: Tensor, count: int) -> Tensor:
    """int64 (n, count): places from `last` (n,) down to 0, and 0 from there on."""
    return (last[:, None] - torch.arange(count, device=last.device)).clamp(min=0)


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
        normalise: whether the latents of a batch are shifted and scaled to the mean and the variances of the prior, as
            batch normalisation does (BN-VAE, Zhu et al. 2020). It keeps them from being so small that the generator
            overlooks them. `normalised` is for afterwards.
    """

    def __init__(
        self,
        generator: TextGenerator,
        encoder: TextEncoder,
        word_dropping: float = 0.0,
        latent_noise: float = 0.0,
        normalise: bool = False,
    ):
        super().__init__()
        self.generator, self.encoder = generator, encoder
        self.word_dropping, self.latent_noise, self.normalise = word_dropping, latent_noise, normalise

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
        if self.training and self.normalise:
            latents = F.batch_norm(latents.float(), None, None, training=True, eps=SMALL)
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


def normalised(encoder: TextEncoder, tokens: Tensor) -> TextEncoder:
    """A copy of an encoder without noise whose latents of texts (n, length) have the mean and the variances of the
    prior: its last layer shifts and scales them."""
    latents = encoded(encoder, tokens).to(encoder.device)
    mean, deviation = latents.mean(0), (latents.var(0, correction=0) + SMALL).sqrt()
    scaled = copy.deepcopy(encoder)
    last = scaled.to_latent
    last.weight.data.div_(deviation[:, None])
    last.bias.data.sub_(mean).div_(deviation)
    return scaled


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
