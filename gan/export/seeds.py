"""Seeds to latents as tensor operations, so that an exported file draws what a pipeline's `torch.Generator` draws.

A seed is an input of an exported generator only if the file itself can turn it into the noise that `torch.randn` makes
of it. That is MT19937 (Matsumoto & Nishimura 1998) and the Box-Muller transform, in the order in which PyTorch's CPU
kernels use them. Words of 32 bits are carried in int64, whose products do not overflow here.
"""

import math

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan

from gan.errors import GANError

STATE, AHEAD = 624, 397  # words of MT19937's state; how far ahead a new word looks
BLOCK = 16  # numbers that torch.randn makes at once
ALL = 0xFFFFFFFF


class SeedNoise(nn.Module):
    """The latents and classes of seeds, those of `pipeline.latents(seeds)` up to the rounding of sines and logarithms.

    Args:
        latent_dim: numbers in a latent.
        class_counts: classes of each label that is drawn after the latent.

    Raises:
        GANError: if more words are needed than the generator makes at once.
    """

    def __init__(self, latent_dim: int, class_counts: tuple[int, ...]):
        super().__init__()
        if latent_dim < BLOCK:
            noise = 4 * math.ceil(latent_dim / 2)  # each pair of numbers takes two of 53 bits
        else:
            noise = latent_dim + (BLOCK if latent_dim % BLOCK else 0)
        self.latent_dim, self.class_counts, self.noise_words = latent_dim, class_counts, noise
        self.count = noise + len(class_counts)
        if self.count >= STATE:
            raise GANError(
                f"Seeds cannot be inputs of a model with latents of {latent_dim} numbers, too many for one draw; "
                f"export it with --inputs latents."
            )
        self.register_buffer("steps", torch.arange(1, min(STATE, AHEAD + self.count)))

    def forward(self, seeds: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            seeds: (n,) int64 from 0 to 2^32 - 1.

        Returns:
            Latents (n, latent_dim) float32, and the classes that are drawn after them, (n, columns) int64.
        """
        words = self._words(seeds)
        noise, rest = words[:, : self.noise_words], words[:, self.noise_words :]
        latents = _pairs(noise, self.latent_dim) if self.latent_dim < BLOCK else _blocks(noise, self.latent_dim)
        return latents, rest % torch.tensor(self.class_counts, dtype=torch.int64)

    def _words(self, seeds: Tensor) -> Tensor:
        """The first words of a generator of each seed, (n, count)."""

        def seed_next(last: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
            word = ((last ^ (last >> 30)) * 1812433253 + step) & ALL
            return word, word.clone()

        state = torch.cat([seeds[None], scan(seed_next, seeds, self.steps)[1]])
        upper, lower = state[:-1] & 0x80000000, state[1:] & 0x7FFFFFFF
        mixed = ((upper | lower) >> 1) ^ ((lower & 1) * 0x9908B0DF)
        first = min(self.count, STATE - AHEAD)
        words = mixed[:first] ^ state[AHEAD : AHEAD + first]
        while len(words) < self.count:  # words further on look ahead to new ones
            done = len(words)
            more = mixed[done : min(done + STATE - AHEAD, self.count)]
            words = torch.cat([words, more ^ words[done - (STATE - AHEAD) :][: len(more)]])
        words = words ^ (words >> 11)
        words = words ^ ((words << 7) & 0x9D2C5680)
        words = words ^ ((words << 15) & 0xEFC60000)
        return (words ^ (words >> 18)).t()


def _blocks(words: Tensor, count: int) -> Tensor:
    """16 numbers from 16 words, block by block; the last block ends with the last number and is drawn again."""
    uniform = (words & 0xFFFFFF).float() / 2**24
    whole = count // BLOCK * BLOCK
    normal = _block(uniform[:, :whole])
    return torch.cat([normal[:, : count - BLOCK], _block(uniform[:, count:])], dim=1) if whole < count else normal


def _block(uniform: Tensor) -> Tensor:
    radius, angle = uniform.unflatten(1, (-1, 2, BLOCK // 2)).unbind(2)
    radius, angle = torch.sqrt(-2 * torch.log(1 - radius)), 2 * math.pi * angle
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=2).flatten(1)


def _pairs(words: Tensor, count: int) -> Tensor:
    """Two numbers from four words, in float64; of fewer than 16 numbers, `torch.randn` makes each pair by itself."""
    high, low = words.unflatten(1, (-1, 2, 2)).unbind(3)
    angle, radius = (((high & 0x1FFFFF) * 2**32 + low).double() / 2**53).unbind(2)
    radius, angle = torch.sqrt(-2 * torch.log(1 - radius)), 2 * math.pi * angle
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=2).flatten(1)[:, :count].float()
