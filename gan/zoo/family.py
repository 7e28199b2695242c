"""What the generators and discriminators of all families have in common, and how they are built from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin
from torch import Tensor, nn

from gan.errors import GANError
from gan.networks import class_weights
from gan.zoo.unpickle import DamagedError, StoredTensor

MAX_SIDE = 2048  # of an image: a config of a few bytes could ask for all the memory there is
NOISES = ("const", "none", "random")
Network = TypeVar("Network", bound=nn.Module)


class ZooNetwork(ModelMixin, ConfigMixin):
    """The base of both."""

    class_counts: tuple[int, ...] = ()

    def class_input(self, labels: Tensor | None, like: Tensor) -> Tensor:
        """Labels as (n, classes) in the type of `like`."""
        assert labels is not None, "a network with classes needs labels"
        return class_weights(labels, self.class_counts, like.dtype)


class ZooGenerator(ZooNetwork):
    """The base of generators that come from elsewhere. As ours (`gan.networks.GridGenerator`) they have two
    halves, `codes` and `draw`; `forward` is one after the other.

    Args:
        resolution: (height, width) of an image.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: 0 for an unconditional generator.
        latent_dim: length of a latent `z`.

    Attributes:
        family: what people call it.
        paper: its title, authors and year.
        truncation: what psi does in this family.
    """

    family: ClassVar[str]
    paper: ClassVar[str]
    truncation: ClassVar[str] = "scales the latent"

    def __init__(self, resolution: tuple[int, int], image_channels: int, num_classes: int, latent_dim: int):
        super().__init__()
        if image_channels not in (1, 3):
            raise GANError(
                f"The generator draws {image_channels} channels, and only grey (1) or RGB (3) can be shown."
            )
        if not 0 < max(resolution) <= MAX_SIDE:
            raise GANError(
                f"The generator draws {resolution[0]}x{resolution[1]} pixels; {MAX_SIDE} a side are the most."
            )
        self.class_counts = (num_classes,) if num_classes else ()
        self.latent_dim = latent_dim

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        truncation: float | Tensor = 1.0,
        noise: Any = "const",
    ) -> Tensor:
        """The images of latents, in the family's own range: [-1, 1] but where a family says otherwise, not clamped.

        Args:
            latents: (n, latent_dim), as `latent` draws them.
            labels: int64 (n,) class indices, or one-hot rows or weights of the classes, float (n, classes); needed if
                the model has classes.
            truncation: psi; 1 is the model as trained.
            noise: that layers add: "const", the same for every image; "none"; or "random", from torch's global
                generator. Families without noise ignore it.

        Returns:
            (n, image_channels, height, width).

        Raises:
            GANError: for another kind of noise.
        """
        samples = self.draw(self.codes(latents, labels, truncation), noise=noise)
        assert isinstance(samples, Tensor)
        return samples

    def codes(self, latents: Tensor, labels: Tensor | None = None, truncation: float | Tensor = 1.0) -> Tensor:
        """What each layer is conditioned on, (n, layers, width); arguments as of `forward`."""
        raise NotImplementedError

    def draw(
        self, codes: Tensor, return_features: bool = False, noise: Any = "const"
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """The images of codes in [-1, 1], and, if asked for, the features of each resolution, the coarsest first."""
        raise NotImplementedError

    def latent(self, seed: int) -> Tensor:
        """The latent (latent_dim,) of a seed, by the rule of the family's own scripts."""
        return torch.randn(self.latent_dim, generator=torch.Generator().manual_seed(seed))

    def code_weights(self) -> list[Tensor]:
        """(features, width) of each layer: the linear map from a layer's code to its activations."""
        raise NotImplementedError


class ZooDiscriminator(ZooNetwork):
    """The base of discriminators that come from elsewhere."""

    def forward(
        self, samples: Tensor, labels: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """
        Args:
            samples: (n, image_channels, height, width) in the range of the generator's `forward`.
            labels: as the generator takes them.
            return_features: also return the `features` of the samples.

        Returns:
            (n,) logits, higher where a sample looks real.
        """
        features = self.features(samples)
        logits = self.head(features[-1], labels)
        return (logits, features) if return_features else logits

    def logits(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """`forward` under a name that Accelerate does not wrap in autocast."""
        return self.head(self.features(samples)[-1], labels)

    def features(self, samples: Tensor) -> list[Tensor]:
        """The output of each resolution, (n, channels, height, width), the finest first."""
        raise NotImplementedError

    def head(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """The logits (n,) of the last features."""
        raise NotImplementedError


class BatchNorm2d(nn.Module):
    """Batch normalisation without the count of batches, which no float holds: the names are those of `nn.BatchNorm2d`.

    Args:
        channels: of the input.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to the same."""
        statistics = (self.running_mean, self.running_var)
        return nn.functional.batch_norm(x, *statistics, self.weight, self.bias, self.training)


@dataclass
class Imported:
    """What a file held.

    Attributes:
        generator: in float32, ready to be sampled.
        discriminator: `None` where the file has none.
        notes: sentences about what was left out.
    """

    generator: ZooGenerator
    discriminator: ZooDiscriminator | None = None
    notes: list[str] = field(default_factory=list)


def build(kind: type[Network], config: Mapping[str, Any], tensors: Mapping[str, StoredTensor | Tensor]) -> Network:
    """A network with the tensors of a file, as float32. Nothing is allocated before all shapes fit.

    Raises:
        DamagedError: if a tensor is missing, of another shape, or not used.
    """
    with torch.device("meta"):
        network = kind(**config)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    odd = sorted(wanted.items() ^ found.items())
    if odd:
        name = odd[0][0]
        raise DamagedError(
            f"looks like {getattr(kind, 'family', 'a generator')}, but its {name} is {found.get(name, 'missing')} "
            f"and should be {wanted.get(name, 'missing')}"
        )
    state = {name: _taken(tensor).float() for name, tensor in tensors.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def _taken(tensor: StoredTensor | Tensor) -> Tensor:
    return tensor.tensor() if isinstance(tensor, StoredTensor) else tensor


def renamed(tensors: Mapping[str, Any], old: str, new: str = "") -> dict[str, Any]:
    """The tensors whose names begin with `old`, with `new` instead."""
    return {new + name.removeprefix(old): tensor for name, tensor in tensors.items() if name.startswith(old)}


def numpy_latent(seed: int, size: int) -> Tensor:
    """The latent (size,) of a seed as NVIDIA's scripts draw it: numpy's legacy generator, in double precision."""
    return torch.from_numpy(np.random.RandomState(seed).randn(size)).float()


def check_noise(noise: Any) -> None:
    """Raises `GANError` unless this is a kind of noise."""
    if noise not in NOISES:
        raise GANError(f"There is no noise {noise!r}; choose one of {', '.join(NOISES)}.")
