"""Code space as optimisers see it: coordinates in which the codes of a model have mean 0 and standard deviation 1."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

SAMPLES = 4096


@dataclass(frozen=True)
class CodeSpace:
    """Mean and standard deviation of a generator's codes, (layers, width) each.

    What never varies, such as the gain of the start grid, has deviation 0: optimisation leaves it alone.
    """

    mean: Tensor
    deviation: Tensor

    def whiten(self, codes: Tensor) -> Tensor:
        """Codes (n, layers, width) in standard deviations from the mean."""
        return (codes - self.mean) / self.deviation.clamp_min(1e-8) * (self.deviation > 0)

    def colour(self, whitened: Tensor, like: Tensor) -> Tensor:
        """The inverse of `whiten`; what it leaves out is taken from the codes `like`."""
        return torch.where(self.deviation > 0, self.mean + self.deviation * whitened, like)


@torch.inference_mode(False)  # gradients pass through it
@torch.no_grad()
def code_space(generator: nn.Module, within_class: bool = False) -> CodeSpace:
    """Estimated from random latents, and from random classes or, where codes should keep their class, from one."""
    source = torch.Generator().manual_seed(0)
    latents = torch.randn(SAMPLES, generator.latent_dim, generator=source)
    labels = None
    if generator.class_counts:
        columns = [torch.randint(count, (SAMPLES,), generator=source) for count in generator.class_counts]
        labels = torch.stack(columns, dim=1).to(generator.device)
        labels = labels[:1].expand_as(labels) if within_class else labels
    codes = generator.codes(latents.to(generator.device, generator.dtype), labels)
    deviation = codes.std(0)
    return CodeSpace(codes.mean(0), torch.where(deviation > 1e-6, deviation, 0))
