"""Two multilayer perceptrons."""

from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


class PointGenerator(ModelMixin, ConfigMixin):
    """Latents (n, latent_dim) to points (n, 2)."""

    @register_to_config
    def __init__(self, latent_dim: int = 4, width: int = 32):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, width), nn.LeakyReLU(0.2), nn.Linear(width, 2))

    def forward(self, latents: Tensor) -> Tensor:
        return self.layers(latents)


class PointDiscriminator(ModelMixin, ConfigMixin):
    """Points (n, 2) to logits (n,)."""

    @register_to_config
    def __init__(self, width: int = 32):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))

    def forward(self, points: Tensor) -> Tensor:
        return self.layers(points).squeeze(1)
