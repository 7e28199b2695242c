"""Pivotal tuning (Roich et al. 2022, "Pivotal tuning for latent-based editing of real images"): where codes alone do
not reach an image, the weights of the generator change until its sample there is the image, and other samples stay.

The change of each weight is of low rank (Hu et al. 2022, "LoRA"): a file much smaller than the model, which is loaded
and unloaded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.func import functional_call
from tqdm.auto import tqdm

from gan.errors import GANError
from gan.hub.repository import first_sentence
from gan.latent.inversion import BETAS, ImageDistance, held_rate
from gan.utils.files import fingerprint, write_file

STEPS = 200  # by default
RANK = 1
MAX_RANK = 64
LEARNING_RATE = 0.005  # of factors whose entries are about 1, divided by the rank
LOCALITY = 5.0  # weight of the squared error of other samples against the distance from the images
OTHERS = 2  # other samples a step
UP, DOWN = ".lora_up", ".lora_down"  # after the name of a weight, in a file
BASE = "base_weights"  # in a file: which weights it is a change of

# Of each weight, by name: (outputs, rank) and (rank, inputs), whose product is its change.
Factors = dict[str, tuple[Tensor, Tensor]]


class Drawing(nn.Module):
    """`draw` of a generator as the `forward` of a module, which is what `functional_call` calls."""

    def __init__(self, generator: nn.Module):
        super().__init__()
        self.generator = generator

    def forward(self, codes: Tensor) -> Tensor:
        drawn: Tensor = self.generator.draw(codes)
        return drawn

    def with_weights(self, weights: Mapping[str, Tensor], codes: Tensor) -> Tensor:
        """The samples of codes (n, layers, width) where the generator has these weights, by name, and not its own."""
        drawn: Tensor = functional_call(self, {f"generator.{name}": weights[name] for name in weights}, (codes,))
        return drawn


def tune(
    generator: nn.Module,
    distance: ImageDistance,
    codes: Tensor,
    others: Tensor,
    rank: int = RANK,
    progress: bool = False,
) -> tuple[Factors, Tensor]:
    """A change of weights after which the samples of codes are given images.

    Adam, as inversion uses it, on the distance from the images and, of other samples, on the squared error against
    what the generator as it is makes of the same codes.

    Args:
        distance: from the images.
        codes: (n, layers, width), one for each image.
        others: (steps, m, layers, width): in each step other codes, whose samples should stay.
        rank: of the changes.
        progress: whether to show a bar.

    Returns:
        The change, rounded to float16 as it is saved, and the distances (steps + 1, n), at first and after each step.
    """
    with torch.inference_mode(False), torch.enable_grad():
        codes, others, drawing = codes.clone(), others.clone(), Drawing(generator)
        weights, gradients = drawing_weights(drawing, distance, codes)
        factors = initial(weights, gradients, rank)
        flat = [factor for pair in factors.values() for factor in pair]
        rates = {name: LEARNING_RATE / rank * unit(weight) for name, weight in weights.items()}
        optimizer = torch.optim.Adam(
            [{"params": pair, "lr": rates[name]} for name, pair in factors.items()], betas=BETAS
        )
        schedule = held_rate(optimizer, len(others))
        losses = []
        for other in tqdm(others, desc="Tuning", leave=False, disable=not progress):
            with torch.no_grad():
                stay = ImageDistance(drawing(other), None)
            drawn = drawing.with_weights(changed(weights, factors), torch.cat([codes, other]))
            apart = distance(drawn[: len(codes)])
            losses.append(apart.detach())
            loss = apart.mean() + LOCALITY * stay(drawn[len(codes) :]).mean()
            for factor, gradient in zip(flat, torch.autograd.grad(loss, flat)):
                factor.grad = gradient
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            rounded = {name: (up.half().float(), down.half().float()) for name, (up, down) in factors.items()}
            losses.append(distance(drawing.with_weights(changed(weights, rounded), codes)))
    return rounded, torch.stack(losses)


def drawing_weights(
    drawing: Drawing, distance: ImageDistance, codes: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The kernels and matrices that samples depend on, by name, and their gradients of the distance of the samples of
    codes (n, layers, width). Those of a mapping network, which makes codes, are not among them, and no biases."""
    named = drawing.generator.named_parameters()
    weights = {name: weight.detach().requires_grad_() for name, weight in named if weight.ndim > 1}
    apart = distance(drawing.with_weights(weights, codes)).mean()
    found = zip(weights, torch.autograd.grad(apart, list(weights.values()), allow_unused=True))
    gradients = {name: gradient for name, gradient in found if gradient is not None}
    return {name: weights[name].detach() for name in gradients}, gradients


def unit(weight: Tensor) -> float:
    """The size of the factors of a weight: its change is in proportion to it, as sizes differ between families."""
    return float(weight.float().square().mean()) ** 0.25


def initial(weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor], rank: int) -> Factors:
    """Factors of no change, each with a gradient to be.

    What a matrix is multiplied with are codes. Its factor begins as the singular vectors of its gradient (Wang et al.
    2024, "LoRA-GA"), which lie along the codes of the images: a change along them does little to samples of other
    codes. Those of kernels begin at random.
    """
    chance = torch.Generator().manual_seed(0)
    factors = {}
    for name, weight in weights.items():
        outputs, inputs = weight.flatten(1).shape
        size = min(rank, outputs, inputs)
        down = torch.randn(size, inputs, generator=chance).to(weight.device)
        if weight.ndim == 2:
            down = torch.linalg.svd(gradients[name].float(), full_matrices=False)[2][:size] * inputs**0.5
        up = torch.zeros(outputs, size, device=weight.device)
        factors[name] = up.requires_grad_(), (down * unit(weight)).requires_grad_()
    return factors


def changed(weights: Mapping[str, Tensor], factors: Factors) -> dict[str, Tensor]:
    """The weights that factors are of, changed."""
    return {
        name: weights[name] + (up @ down).view_as(weights[name]).to(weights[name].dtype)
        for name, (up, down) in factors.items()
    }


@torch.inference_mode(False)
@torch.no_grad()
def put_on(generator: nn.Module, factors: Factors) -> dict[str, Tensor]:
    """Changes weights of a generator, and returns what they were, for `take_off`."""
    parameters = {name: weight for name, weight in generator.named_parameters() if name in factors}
    were = {name: weight.data for name, weight in parameters.items()}
    there = {name: (up.to(generator.device), down.to(generator.device)) for name, (up, down) in factors.items()}
    for name, weight in changed(were, there).items():
        parameters[name].data = torch.empty_like(were[name]).copy_(weight)  # in the same memory layout
    return were


def take_off(generator: nn.Module, were: Mapping[str, Tensor]) -> None:
    """Gives a generator the weights that it had before `put_on`, on the device and in the type that it has now."""
    for name, weight in generator.named_parameters():
        if name in were:
            weight.data = were[name].to(weight)


def identity(weights: Mapping[str, Tensor], names: Any) -> str:
    """The fingerprint of weights, the same for a model of float16 weights whether it is loaded as float16, as bfloat16
    or as float32."""
    rounded = (weights[name].detach().cpu().half().bfloat16() for name in sorted(names))
    return fingerprint(*(weight.view(torch.int16).numpy() for weight in rounded))


def write(path: Path, factors: Factors, weights: Mapping[str, Tensor]) -> None:
    """Writes factors as float16.

    Args:
        weights: of the generator, as they are without them.

    Raises:
        GANError: if the file cannot be written.
    """
    parts = {name + suffix: part for name, pair in factors.items() for suffix, part in zip((UP, DOWN), pair)}
    tensors = {name: part.cpu().half().contiguous() for name, part in parts.items()}
    try:
        write_file(path, save(tensors, {BASE: identity(weights, factors)}))
    except OSError as error:
        raise GANError(
            f"The tuning could not be written to {path} ({error.strerror}); choose another path."
        ) from error


def read(path: Path, weights: Mapping[str, Tensor]) -> Factors:
    """The factors of a file.

    Args:
        weights: of the generator, as they are without them.

    Raises:
        GANError: if it is missing, damaged, something else, or of another model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            base = (file.metadata() or {}).get(BASE)
    except (SafetensorError, OSError) as error:
        raise GANError(
            f"{path} cannot be read ({first_sentence(error)}); give a file that `save_tuning` wrote."
        ) from error
    names = [name.removesuffix(UP) for name in tensors if name.endswith(UP)]
    if base is None or not names or set(tensors) != {name + suffix for name in names for suffix in (UP, DOWN)}:
        raise GANError(f"{path} is no tuning of a generator; give a file that `save_tuning` wrote.")
    factors = {name: (tensors[name + UP], tensors[name + DOWN]) for name in names}
    fits = all(name in weights and _fits(weights[name], *pair) for name, pair in factors.items())
    if not fits or identity(weights, names) != base:
        raise GANError(f"{path} does not fit this model: load the one that was tuned, or tune this one.")
    return {name: (up.float(), down.float()) for name, (up, down) in factors.items()}


def _fits(weight: Tensor, up: Tensor, down: Tensor) -> bool:
    """Whether factors are numbers, and their product has the shape of the weight."""
    if weight.ndim < 2 or up.ndim != 2 or not (up.is_floating_point() and down.is_floating_point()):
        return False
    outputs, inputs = weight.flatten(1).shape
    shapes = tuple(up.shape), tuple(down.shape)
    finite = bool(up.float().isfinite().all() and down.float().isfinite().all())
    return shapes == ((outputs, up.shape[1]), (up.shape[1], inputs)) and finite
