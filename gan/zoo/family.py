"""What the generators and discriminators of all families have in common, and how they are built from a file."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar

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
Starts = Sequence[int | None]  # for each class of new data, the class of the network that it starts as


class ZooNetwork(ModelMixin, ConfigMixin):
    """The base of both.

    Attributes:
        family: what people call it.
        learning_rate: that its authors train it with, which fine-tuning begins with.
    """

    family: ClassVar[str]
    learning_rate: ClassVar[float] = 2e-4
    class_counts: tuple[int, ...] = ()

    def class_input(self, labels: Tensor | None, like: Tensor) -> Tensor:
        """Labels as (n, classes) in the type of `like`."""
        assert labels is not None, "a network with classes needs labels"
        return class_weights(labels, self.class_counts, like.dtype)

    def for_classes(self, count: int, starts: Starts = ()) -> "ZooNetwork":
        """A network for other classes, which computes what this one does.

        From classes to none, the effect of the class becomes its mean. The other way round, new classes begin without
        effect.

        Args:
            count: of the classes, 0 for none.
            starts: for each, the class that it starts as, `None` for the mean of all; () where there were none, or
                none are left.

        Raises:
            GANError: if the family cannot have them, or cannot be without.
        """
        if count:
            raise GANError(f"A {self.family} has no classes, and these pictures have {count}; add --unconditional.")
        return self

    def rebuilt(self, weights: Mapping[str, Tensor], **settings: Any) -> Self:
        """A network with other settings and weights."""
        network = type(self).from_config(self.config, **settings)
        network.load_state_dict(weights)
        return network.train(self.training)


class ZooGenerator(ZooNetwork):
    """The base of generators that come from elsewhere. As ours (`gan.networks.GridGenerator`) they have two
    halves, `codes` and `draw`; `forward` is one after the other.

    Args:
        resolution: (height, width) of an image.
        image_channels: 1 for grey, 3 for RGB.
        num_classes: 0 for an unconditional generator.
        latent_dim: length of a latent `z`.

    Attributes:
        paper: its title, authors and year.
        truncation: what psi does in this family.
        style_mixing: in training, share of the images whose layers are conditioned on two latents.
        torch_seeds: whether a seed's latent is what torch's generator draws of it.
    """

    paper: ClassVar[str]
    style_mixing: ClassVar[float] = 0.0
    torch_seeds: ClassVar[bool] = True
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

    def track(self, codes: Tensor, labels: Tensor | None) -> None:
        """Takes the codes (n, layers, width) of a training step into the averages that truncation needs; labels as of
        `forward`."""


class ZooDiscriminator(ZooNetwork):
    """The base of discriminators that come from elsewhere.

    Attributes:
        loss: of `gan.training.losses`, with which its authors train it.
        penalises_generated: whether they penalise its gradients on generated images (R2), too.
        sign: of the logits of `forward`: 1 if they are higher where an image looks real, -1 if they are lower.
    """

    loss: ClassVar[str] = "logistic"
    penalises_generated: ClassVar[bool] = False
    sign: ClassVar[int] = 1

    def forward(
        self, samples: Tensor, labels: Tensor | None = None, return_features: bool = False
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """
        Args:
            samples: (n, image_channels, height, width) in the range of the generator's `forward`.
            labels: as the generator takes them.
            return_features: also return the `features` of the samples.

        Returns:
            (n,) logits, as the original computes them.
        """
        features = self.features(samples)
        logits = self.head(features[-1], labels)
        return (logits, features) if return_features else logits

    def logits(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """(n,) logits of images in [-1, 1], as `draw` makes them, higher where they look real, whatever the family."""
        return self.sign * self.head(self.features(samples)[-1], labels)

    def gamma(self, side: int, batch: int) -> float:
        """The weight of the R1 penalty for images of `side` pixels, in batches of so many: StyleGAN2-ADA's rule."""
        return 0.0002 * side**2 / batch

    def resolutions(self) -> list[nn.Module]:
        """The layers of each resolution, the finest first."""
        raise NotImplementedError

    def features(self, samples: Tensor) -> list[Tensor]:
        """The output of each resolution, (n, channels, height, width), the finest first, of images in [-1, 1]."""
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
        DamagedError: if a tensor is missing, of another shape, not used, or not of finite numbers.
    """
    with torch.device("meta"):
        network = kind(**config)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    odd = sorted(wanted.items() ^ found.items())
    if odd:
        name = odd[0][0]
        raise DamagedError(
            f"looks like {getattr(kind, 'family', 'a generator')}, but its {name[:100]} is "
            f"{found.get(name, 'missing')} and should be {wanted.get(name, 'missing')}"
        )
    if whole := [name for name, tensor in tensors.items() if not tensor.dtype.is_floating_point]:
        raise DamagedError(f"has weights that are whole numbers ({whole[0][:100]}), which none of its family are")
    state = {name: _taken(tensor).float() for name, tensor in tensors.items()}
    if broken := [name for name, tensor in state.items() if not _is_finite(tensor)]:
        raise DamagedError(
            f"has weights that are NaN or infinite ({broken[0][:100]}), as after a training that broke down; "
            f"choose an earlier checkpoint"
        )
    network.load_state_dict(state, assign=True)
    return network.eval()


def known_critic(read: Callable[[], ZooDiscriminator]) -> tuple[ZooDiscriminator | None, list[str]]:
    """What `read` makes of a discriminator; `None` and a sentence where it is of a kind that is not known: a generator
    can be used without."""
    try:
        return read(), []
    except (DamagedError, LookupError):
        return None, ["The discriminator is damaged or of a kind that is not known, and was left out."]


def _taken(tensor: StoredTensor | Tensor) -> Tensor:
    return tensor.tensor() if isinstance(tensor, StoredTensor) else tensor


def _is_finite(tensor: Tensor) -> bool:
    """Whether all numbers are: by the least and the largest, which are NaN if one is, and need no copy of them."""
    return not tensor.numel() or all(bool(edge.isfinite()) for edge in tensor.aminmax())


def picked(columns: Tensor, starts: Starts) -> Tensor:
    """The columns (features, classes) of new classes, which are those of old ones, or the mean of all."""
    return torch.stack([columns.mean(1) if k is None else columns[:, k] for k in starts], dim=1)


def spread(row: Tensor, count: int, deviation: float) -> Tensor:
    """Rows (count, features) whose sum is that of (1, features), and which differ by chance.

    A discriminator that has known no classes begins so: its features times those of any class, which are ones, sum up
    to the old logit, and as they differ they learn different things.
    """
    chance = torch.randn(count, row.shape[1]) * deviation
    return row / count + chance - chance.mean(0)


def renamed(tensors: Mapping[str, Any], old: str, new: str = "") -> dict[str, Any]:
    """The tensors whose names begin with `old`, with `new` instead."""
    return {new + name.removeprefix(old): tensor for name, tensor in tensors.items() if name.startswith(old)}


def numpy_latent(seed: int, size: int) -> Tensor:
    """The latent (size,) of a seed as NVIDIA's scripts draw it: numpy's legacy generator, in double precision."""
    return torch.from_numpy(np.random.RandomState(seed).randn(size)).float()


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """Within it, autocast does not round to half precision."""
    kind = device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


def check_noise(noise: Any) -> None:
    """Raises `GANError` unless this is a kind of noise."""
    if noise not in NOISES:
        raise GANError(f"There is no noise {noise!r}; choose one of {', '.join(NOISES)}.")
