"""StyleGAN2 as rosinality's PyTorch code saves it: other names for the tensors of `gan.zoo.stylegan2`.

A file is a dict of `g_ema` and, mostly, `d` and `latent_avg`. Widths are read off shapes. The filters of up-sampling
layers are stored with their gain of 4 in them.
"""

import re
from typing import Any

import torch
from torch import Tensor

from gan.zoo.checkpoint import state_dict
from gan.zoo.family import MAX_SIDE, Imported, build, known_critic
from gan.zoo.stylegan2 import MAPPING_LR, StyleGAN2Discriminator, StyleGAN2Generator, with_average
from gan.zoo.unpickle import DamagedError, StoredTensor

NAME = "StyleGAN2 of rosinality"
LAYER = {  # ours: theirs, of a modulated layer
    "weight": "conv.weight",
    "affine.weight": "conv.modulation.weight",
    "affine.bias": "conv.modulation.bias",
}


class RosinalityStyleGAN2Generator(StyleGAN2Generator):
    """`StyleGAN2Generator` whose seeds are torch's."""

    family = NAME
    torch_seeds = True

    def latent(self, seed: int) -> Tensor:
        """See `ZooGenerator.latent`."""
        return torch.randn(self.latent_dim, generator=torch.Generator().manual_seed(seed))


def recognise(content: Any, **_: Any) -> Imported | None:
    """The networks of a training checkpoint, or the generator of a bare state dict."""
    if not isinstance(content, dict):
        return None
    state = state_dict(content.get("g_ema")) or state_dict(content.get("g")) or state_dict(content)
    if "input.input" not in state or "style.1.weight" not in state:
        return None
    generator, notes = read_generator(state, content.get("latent_avg"))
    discriminator = state_dict(content.get("d"))
    if not discriminator:
        return Imported(generator, None, [*notes, "The file has no discriminator."])
    critic, more = known_critic(lambda: read_discriminator(discriminator))
    return Imported(generator, critic, [*notes, *more])


def read_generator(state: dict[str, StoredTensor], average: Any) -> tuple[StyleGAN2Generator, list[str]]:
    """The generator of a state dict, and what is to be said about it."""
    depth = len([name for name in state if re.fullmatch(r"style\.\d+\.weight", name)])
    sides = [4 * 2**k for k in range(1 + len([n for n in state if re.fullmatch(r"to_rgbs\.\d+\.bias", n)]))]
    if sides[-1] > MAX_SIDE:
        raise DamagedError("has layers for images that are far too large")
    has_noise = "noises.noise_0" in state
    tensors: dict[str, Tensor] = {}
    for k in range(depth):
        for kind in ("weight", "bias"):
            tensors[f"mapping.fc{k}.{kind}"] = state[f"style.{k + 1}.{kind}"].tensor()
    if isinstance(average, StoredTensor):
        tensors["mapping.w_avg"] = average.tensor().flatten()
    tensors["synthesis.b4.const"] = state["input.input"].tensor()[0]
    kernel = state["to_rgbs.0.upsample.kernel"].tensor()
    if not torch.equal(kernel, state["convs.0.conv.blur.kernel"].tensor()):
        raise DamagedError("resamples pictures and features by filters of their own, which is not known")
    tensors["synthesis.resample_filter"] = kernel / 4
    for k, side in enumerate(sides):
        names = {"conv1": "conv1"} if k == 0 else {"conv0": f"convs.{2 * k - 2}", "conv1": f"convs.{2 * k - 1}"}
        for number, (ours, theirs) in enumerate(names.items()):
            layer = _layer(state, theirs)
            layer["bias"] = state[f"{theirs}.activate.bias"].tensor()
            layer["noise_strength"] = state[f"{theirs}.noise.weight"].tensor()[0]
            layer["noise_const"] = torch.zeros(side, side)
            if has_noise:
                layer["noise_const"] = state[f"noises.noise_{max(0, 2 * k - 1) + number}"].tensor()[0, 0]
            tensors |= {f"synthesis.b{side}.{ours}.{name}": tensor for name, tensor in layer.items()}
        theirs = "to_rgb1" if k == 0 else f"to_rgbs.{k - 1}"
        layer = _layer(state, theirs) | {"bias": state[f"{theirs}.bias"].tensor().flatten()}
        tensors |= {f"synthesis.b{side}.torgb.{name}": tensor for name, tensor in layer.items()}
    config = {
        "resolution": (sides[-1], sides[-1]),
        "image_channels": len(tensors["synthesis.b4.torgb.bias"]),
        "latent_dim": tensors["mapping.fc0.weight"].shape[1],
        "mapping_widths": tuple(len(tensors[f"mapping.fc{k}.bias"]) for k in range(depth)),
        "lr_multiplier": MAPPING_LR,
        "channels": tuple(len(tensors[f"synthesis.b{side}.conv1.bias"]) for side in sides),
    }
    generator, notes = with_average(RosinalityStyleGAN2Generator, config, tensors)
    if not has_noise:
        notes.append("The file has no noise; samples are drawn without.")
    return generator, notes


def _layer(state: dict[str, StoredTensor], name: str) -> dict[str, Tensor]:
    """A modulated layer; its weight is stored with a dimension for the batch."""
    layer = {ours: state[f"{name}.{theirs}"].tensor() for ours, theirs in LAYER.items()}
    layer["weight"] = layer["weight"][0]
    return layer


def read_discriminator(state: dict[str, StoredTensor]) -> StyleGAN2Discriminator:
    """The discriminator of a state dict."""
    depth = len([name for name in state if re.fullmatch(r"convs\.\d+\.skip\.1\.weight", name)])
    names = {"fromrgb.weight": "convs.0.0.weight", "fromrgb.bias": "convs.0.1.bias"}
    names = {f"b{4 * 2**depth}.{ours}": theirs for ours, theirs in names.items()}
    for k in range(1, depth + 1):
        block = {
            "conv0.weight": "conv1.0.weight",
            "conv0.bias": "conv1.1.bias",
            "conv1.weight": "conv2.1.weight",
            "conv1.bias": "conv2.2.bias",
            "skip.weight": "skip.1.weight",
        }
        names |= {f"b{4 * 2 ** (depth + 1 - k)}.{ours}": f"convs.{k}.{theirs}" for ours, theirs in block.items()}
    names |= {"resample_filter": "convs.1.skip.0.kernel"}
    names |= {"b4.conv.weight": "final_conv.0.weight", "b4.conv.bias": "final_conv.1.bias"}
    for ours, theirs in (("fc", "final_linear.0"), ("out", "final_linear.1")):
        names |= {f"b4.{ours}.{kind}": f"{theirs}.{kind}" for kind in ("weight", "bias")}
    tensors = {ours: state[theirs] for ours, theirs in names.items()}
    widths = [tensors[f"b{4 * 2**k}.conv0.weight"].shape[0] for k in range(depth, 0, -1)]
    config = {
        "image_channels": tensors[f"b{4 * 2**depth}.fromrgb.weight"].shape[1],
        "channels": (*widths, tensors["b4.conv.weight"].shape[0]),
    }
    return build(StyleGAN2Discriminator, config, tensors)
