"""The audio generator and discriminator: `gan.networks` with a folded spectrogram for a grid.

Two by two neighbours of a spectrogram (or more, where there are more frequencies) lie in the channels of one cell, so
that the networks work on a quarter of the cells: what is near is told apart by channels, which a CPU computes at once.
"""

from diffusers.configuration_utils import register_to_config
from torch import Tensor

from gan.errors import GANError
from gan.networks import GridDiscriminator, GridGenerator, grids

# name: (channels of a stage x its longer side, most channels, blocks in a stage)
SIZES = {"tiny": (512, 64, 1), "small": (1024, 128, 1), "base": (2048, 256, 2)}
ROWS = 64  # of a folded spectrogram
FRAMES = 2  # folded into one


def folded_size(samples: int, n_fft: int) -> tuple[int, int]:
    """(rows, columns) of the folded spectrogram of a clip.

    Raises:
        GANError: for a length or window that does not divide so.
    """
    hop = n_fft // 4
    if n_fft < 2 * ROWS or n_fft & (n_fft - 1) or samples < 16 * hop or samples % (16 * hop):
        raise GANError(
            f"{samples} samples with a window of {n_fft} cannot be used: a window is a power of two from {2 * ROWS}, "
            f"and a clip 16 hops (a quarter of it), or a multiple."
        )
    return ROWS, samples // hop // FRAMES


def stage_channels(size: tuple[int, int], preset: str) -> tuple[int, ...]:
    """Channels of each stage of `grids(size)`: every resolution gets as much work as the others.

    Pictures spend more where they are small (`gan.networks.stage_channels`); harmonics are fine wherever they are.
    """
    budget, most, _ = SIZES[preset]
    return tuple(min(most, max(16, budget // max(grid) // 16 * 16)) for grid in grids(size))


def fold(spectrograms: Tensor) -> Tensor:
    """(n, 1, bins, frames) to (n, bins / 64 * 2, 64, frames / 2), channels last in memory."""
    n, _, bins, frames = spectrograms.shape
    cells = spectrograms.view(n, ROWS, bins // ROWS, frames // FRAMES, FRAMES)
    return cells.permute(0, 1, 3, 2, 4).flatten(3).permute(0, 3, 1, 2)


def unfold(grid: Tensor) -> Tensor:
    """The way back: (n, channels, 64, columns) to (n, 1, 32 x channels, 2 x columns)."""
    n, channels, rows, columns = grid.shape
    cells = grid.permute(0, 2, 3, 1).reshape(n, rows, columns, channels // FRAMES, FRAMES)
    return cells.permute(0, 1, 3, 2, 4).reshape(n, 1, rows * channels // FRAMES, columns * FRAMES)


class AudioGenerator(GridGenerator):
    """Latents (and labels) to the log-magnitude spectrograms of clips (`gan.audio.spectrogram`), in one forward pass.

    Args:
        sampling_rate: in Hz.
        samples: in a clip.
        n_fft: samples in a window of the spectrogram.
        num_classes: how many classes each label column has, such as (10, 6) for digits and speakers; empty for an
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

    def forward(self, latents: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """As `GridGenerator`; returns spectrograms (n, 1, n_fft / 2, frames), about [-1, 1]."""
        return unfold(super().forward(latents, labels, truncation))


class AudioDiscriminator(GridDiscriminator):
    """Spectrograms (and labels) to one number each, higher where they look real.

    Args: those of `AudioGenerator`, without the latent.
        features: length of the vector that a clip is summed up in.
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
