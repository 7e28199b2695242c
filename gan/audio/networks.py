"""The audio generator and discriminator: those of `gan.networks`, on folded spectrograms.

Folding (space-to-depth) puts blocks of 2 frames and 2 or more frequencies into the channels of one pixel, so that the
networks work on a quarter of the pixels or fewer, each with more channels, which CPUs compute faster.
"""

from diffusers.configuration_utils import register_to_config
from torch import Tensor

from gan.errors import GANError
from gan.networks import GridDiscriminator, GridGenerator, grids

# name: (channels of a stage x its longer side, maximum of channels, blocks in a stage)
SIZES = {"tiny": (512, 64, 1), "small": (1024, 128, 1), "base": (2048, 256, 2)}
ROWS = 64  # of a folded spectrogram
FRAMES = 2  # folded into one column


def folded_size(samples: int, n_fft: int) -> tuple[int, int]:
    """(rows, columns) of the folded spectrogram of a clip.

    Raises:
        GANError: unless the window is a power of two, long enough, and the clip a multiple of 16 hops.
    """
    hop = n_fft // 4
    if n_fft < 2 * ROWS or n_fft & (n_fft - 1) or samples < 16 * hop or samples % (16 * hop):
        raise GANError(
            f"{samples} samples with a window of {n_fft} cannot be used: a window is a power of two from {2 * ROWS}, "
            f"and a clip 16 hops (a quarter of it), or a multiple."
        )
    return ROWS, samples // hop // FRAMES


def stage_channels(size: tuple[int, int], preset: str) -> tuple[int, ...]:
    """Channels of each stage of `grids(size)`, so that every resolution costs about as much.

    Images spend more at low resolution (`gan.networks.stage_channels`); harmonics are fine detail everywhere.
    """
    budget, maximum, _ = SIZES[preset]
    return tuple(min(maximum, max(16, budget // max(grid) // 16 * 16)) for grid in grids(size))


def fold(spectrograms: Tensor) -> Tensor:
    """(n, 1, bins, frames) to (n, bins / 64 * 2, 64, frames / 2), channels last in memory."""
    n, _, bins, frames = spectrograms.shape
    cells = spectrograms.view(n, ROWS, bins // ROWS, frames // FRAMES, FRAMES)
    return cells.permute(0, 1, 3, 2, 4).flatten(3).permute(0, 3, 1, 2)


def unfold(grid: Tensor) -> Tensor:
    """The inverse of `fold`: (n, channels, 64, columns) to (n, 1, 32 x channels, 2 x columns)."""
    n, channels, rows, columns = grid.shape
    cells = grid.permute(0, 2, 3, 1).reshape(n, rows, columns, channels // FRAMES, FRAMES)
    return cells.permute(0, 1, 3, 2, 4).reshape(n, 1, rows * channels // FRAMES, columns * FRAMES)


class AudioGenerator(GridGenerator):
    """Latents (and labels) to log-magnitude spectrograms of clips (`gan.audio.spectrogram`), in one forward pass.

    Args:
        sampling_rate: in Hz.
        samples: in a clip.
        n_fft: samples in a window of the spectrogram.
        num_classes: number of classes of each label column, such as (10, 6) for digits and speakers; empty for an
            unconditional generator.
        latent_dim, embedding_dim, channels, blocks_per_stage: as for `GridGenerator`.
    """

    @register_to_config
    def __init__(
        self,
        sampling_rate: int = 8000,
        samples: int = 8192,
        n_fft: int = 256,
        num_classes: tuple[int, ...] = (),
        latent_dim: int = 64,
        embedding_dim: int = 16,
        channels: tuple[int, ...] = (128, 128, 64, 32, 16),
        blocks_per_stage: int = 1,
    ):
        size, cell = folded_size(samples, n_fft), n_fft // 2 // ROWS * FRAMES
        super().__init__(size, cell, tuple(num_classes), latent_dim, embedding_dim, channels, blocks_per_stage)

    def draw(self, codes: Tensor, return_features: bool = False) -> Tensor | tuple[Tensor, list[Tensor]]:
        """As `GridGenerator`; samples are spectrograms (n, 1, n_fft / 2, frames), about [-1, 1]."""
        if return_features:
            folded, features = super().draw(codes, return_features=True)
            return unfold(folded), features
        return unfold(super().draw(codes))


class AudioDiscriminator(GridDiscriminator):
    """Spectrograms (and labels) to logits, higher where a clip looks real.

    Args: those of `AudioGenerator` but for latent and embedding, and
        features: length of the feature vector before the logit.
    """

    @register_to_config
    def __init__(
        self,
        sampling_rate: int = 8000,
        samples: int = 8192,
        n_fft: int = 256,
        num_classes: tuple[int, ...] = (),
        channels: tuple[int, ...] = (128, 128, 64, 32, 16),
        blocks_per_stage: int = 1,
        features: int = 64,
    ):
        size, cell = folded_size(samples, n_fft), n_fft // 2 // ROWS * FRAMES
        super().__init__(size, cell, tuple(num_classes), channels, blocks_per_stage, features)

    def features(self, samples: Tensor) -> list[Tensor]:
        """As `GridDiscriminator`, of spectrograms (n, 1, n_fft / 2, frames)."""
        return super().features(fold(samples))
