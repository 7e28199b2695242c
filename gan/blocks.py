"""Layers of the convolutional generators and discriminators.

After R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!"): residual blocks without normalisation layers,
fix-up initialisation, anti-aliased resampling. Unlike there, convolutions are dense: grouped ones are slow on CPUs.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Upsample(nn.Module):
    """Doubles the sides with the separable [1, 3, 3, 1] filter, which is what bilinear interpolation computes."""

    def forward(self, x: Tensor) -> Tensor:  # (n, c, h, w) -> (n, c, 2h, 2w)
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class _Halve(torch.autograd.Function):
    # The adjoint of Upsample is the [1, 3, 3, 1] low-pass followed by decimation. PyTorch has it as the backward of
    # bilinear interpolation: ten times faster on a CPU than a depthwise convolution, and in bfloat16 too.
    @staticmethod
    def forward(ctx, x):
        n, c, h, w = x.shape
        return torch.ops.aten.upsample_bilinear2d_backward(x, [h, w], [n, c, h // 2, w // 2], False, None, None) / 4

    @staticmethod
    def backward(ctx, grad):
        return F.interpolate(grad, scale_factor=2, mode="bilinear", align_corners=False) / 4


class Downsample(nn.Module):
    """Halves the sides after the separable [1, 3, 3, 1] low-pass filter; differentiable any number of times."""

    def forward(self, x: Tensor) -> Tensor:  # (n, c, 2h, 2w) -> (n, c, h, w)
        return _Halve.apply(x)


class Conv2d(nn.Conv2d):
    """A convolution whose rounding does not change with the batch when samples are drawn."""

    # On a CPU, PyTorch chooses between two kernels by the size of the batch and the number of threads, and they round
    # differently. A sample must be a function of its seed alone, so sampling always takes the same one.
    def forward(self, x: Tensor) -> Tensor:
        same_everywhere = x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available()
        if torch.is_inference_mode_enabled() and same_everywhere:
            return torch.mkldnn_convolution(
                x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups
            )
        return super().forward(x)


class SampleLinear(nn.Linear):
    """A linear layer that computes each sample by itself outside of training.

    A product of the whole batch rounds differently with the size of the batch, and a sample must not depend on the
    others of its batch (see `Conv2d`).
    """

    def forward(self, x: Tensor) -> Tensor:  # (n, in_features) -> (n, out_features)
        if self.training:
            return super().forward(x)
        product = torch.bmm(x.unsqueeze(1), self.weight.t().expand(len(x), -1, -1)).squeeze(1)
        return product if self.bias is None else product + self.bias


class ResidualBlock(nn.Module):
    """`x + conv(act(conv(act(x))))`, the identity at initialisation (fix-up, Zhang et al. 2019).

    Args:
        channels: channels in and out.
        depth: residual blocks in the whole network; deeper networks start with smaller branches.
    """

    def __init__(self, channels: int, depth: int):
        super().__init__()
        self.conv1 = Conv2d(channels, channels, 3, padding=1)
        self.conv2 = Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.conv1.weight, std=math.sqrt(2 / 1.04 / (9 * channels * depth)))
        nn.init.zeros_(self.conv1.bias)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, 0.2)), 0.2))


class ModulatedBlock(ResidualBlock):
    """A residual block conditioned on the latent, which scales and shifts the inner channels of the branch through a
    linear map (FiLM, Perez et al. 2018). Pixels are normalised (Karras et al. 2018, §4.2) on the way into the branch.

    Args:
        condition: length of the condition, which is the latent and the class embedding.
    """

    def __init__(self, channels: int, depth: int, condition: int):
        super().__init__(channels, depth)
        self.modulation = scaled(SampleLinear(condition, 2 * channels), 0.5)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        normalised = x * torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-4).to(x.dtype)
        inner = self.conv1(F.leaky_relu(normalised, 0.2)) * (1 + scale) + shift
        return x + self.conv2(F.leaky_relu(inner, 0.2))


def scaled(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Conv2d | nn.Linear:
    """Weights from N(0, gain^2 / fan_in), biases at zero."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
