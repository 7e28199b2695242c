"""Checkpoints as others save them: the same networks in other pickles, under other names, or with other options."""

import io
import pickle
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from gan.errors import GANError
from gan.zoo import lightweight
from gan.zoo.checkpoint import read_checkpoint, state_dict, stored
from gan.zoo.family import Imported
from gan.zoo.modules import attributes, child
from gan.zoo.opening import open_checkpoint
from gan.zoo.unpickle import Record, StoredArray, StoredTensor

Opened = Callable[..., Imported]


class Repickler(pickle._Pickler):
    """Writes what `read_checkpoint` read."""

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if isinstance(value, Record):
            module, _, name = value.name.rpartition(".")
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())  # type: ignore[attr-defined]
            self.save(value.args)
            self.write(pickle.REDUCE)  # type: ignore[attr-defined]
            if value.state is not None:
                self.save(value.state)
                self.write(pickle.BUILD)  # type: ignore[attr-defined]
        elif isinstance(value, StoredTensor):
            super().save(value.tensor())
        elif isinstance(value, StoredArray):
            super().save(np.array(value.values))
        else:
            super().save(value)


def repickled(content: Any, path: Path, protocol: int = 4) -> Path:
    file = io.BytesIO()
    Repickler(file, protocol).dump(content)
    path.write_bytes(file.getvalue())
    return path


def tensors(path: Path) -> dict[str, Tensor]:
    """A state dict in a file."""
    return {name: tensor.tensor() for name, tensor in read_checkpoint(path).items()}


@torch.no_grad()
def same(one: Imported, other: Imported) -> bool:
    """Whether both draw the same, and judge the same if both do."""
    z = torch.randn(2, one.generator.latent_dim, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1]) if one.generator.class_counts else None
    images = [imported.generator(z, labels, 0.7) for imported in (one, other)]
    if one.discriminator is not None and other.discriminator is not None:
        logits = [imported.discriminator(images[0], labels) for imported in (one, other)]
        assert torch.equal(*logits)
    return torch.equal(*images)


@pytest.mark.parametrize("protocol", [2, 3, 5])
@pytest.mark.parametrize("name", ["stylegan2-ada-conditional", "stylegan3-t", "r3gan-conditional"])
def test_other_protocols(fixtures: Path, opened: Opened, tmp_path: Path, name: str, protocol: int) -> None:
    path = repickled(read_checkpoint(fixtures / f"{name}.pkl"), tmp_path / "x", protocol)
    found, known = open_checkpoint(path), opened(f"{name}.pkl")
    assert found.discriminator is not None and same(found, known)


def test_a_pickle_of_a_generator_alone(fixtures: Path, opened: Opened, tmp_path: Path) -> None:
    content, known = (
        read_checkpoint(fixtures / "stylegan2-ada-conditional.pkl"),
        opened("stylegan2-ada-conditional.pkl"),
    )
    for alone in (content["G_ema"], {"G": content["G_ema"]}):
        found = open_checkpoint(repickled(alone, tmp_path / "x"))
        assert same(found, known) and found.notes == ["The file has no discriminator."]


def test_a_discriminator_that_is_not_known_is_left_out(fixtures: Path, opened: Opened, tmp_path: Path) -> None:
    for name in ("stylegan2-ada-conditional", "r3gan-conditional"):
        content = read_checkpoint(fixtures / f"{name}.pkl")
        critic = content["D"].args[0]["state"] if content["D"].args else content["D"].state["_modules"]["Model"].state
        critic["_parameters"]["more"] = stored(torch.zeros(3))
        found = open_checkpoint(repickled(content, tmp_path / "x"))
        assert same(found, opened(f"{name}.pkl")) and found.discriminator is None
        assert found.notes == ["The discriminator is damaged or of a kind that is not known, and was left out."]


def test_other_activations_are_not_known(fixtures: Path, opened: Opened, tmp_path: Path) -> None:
    name = "stylegan2-ada-conditional.pkl"
    for path in ("synthesis.b32.conv1", "mapping.fc0"):
        content = read_checkpoint(fixtures / name)
        attributes(child(content["G_ema"], path))["activation"] = "relu"
        with pytest.raises(GANError, match="another activation than leaky ReLU"):
            open_checkpoint(repickled(content, tmp_path / "x"))
    for path in ("b32.conv0", "b4.conv", "mapping.fc0"):
        content = read_checkpoint(fixtures / name)
        attributes(child(content["D"], path))["activation"] = "relu"
        found = open_checkpoint(repickled(content, tmp_path / "x"))
        assert same(found, opened(name)) and found.discriminator is None


def test_a_file_without_the_average_of_w(fixtures: Path, opened: Opened, tmp_path: Path) -> None:
    content = read_checkpoint(fixtures / "stylegan3-t.pkl")
    del content["G_ema"].args[0]["state"]["_modules"]["mapping"].args[0]["state"]["_buffers"]["w_avg"]
    found, known = open_checkpoint(repickled(content, tmp_path / "x")), opened("stylegan3-t.pkl")
    z = torch.randn(2, 8)
    assert torch.equal(found.generator(z), known.generator(z)) and "no average of w" in found.notes[0]


def test_tensorflow_pickles_are_named(tmp_path: Path) -> None:
    networks = tuple(Record("dnnlib.tflib.network.Network", state={"version": 4}) for _ in range(3))
    with pytest.raises(
        GANError, match=r"looks like a tuple of 3, the first of them a dnnlib\.tflib\.network\.Network"
    ):
        open_checkpoint(repickled(networks, tmp_path / "x"))


# State dicts


@pytest.mark.parametrize("name", ["stylegan2-ada-conditional", "stylegan3-t"])
def test_weights_without_their_settings_are_named(fixtures: Path, tmp_path: Path, name: str) -> None:
    found = state_dict(read_checkpoint(fixtures / f"{name}.pkl")["G"])
    state = {key: tensor.tensor() for key, tensor in found.items()}
    for content in (state, {"G_ema": state, "D": {}}):
        torch.save(content, tmp_path / "x")
        with pytest.raises(GANError, match=r"without its settings .*; give the pickle that they were taken from"):
            open_checkpoint(tmp_path / "x")


def module_of(state: dict[str, Tensor]) -> nn.Module:
    """A module with these tensors and no code that would open them."""
    module = nn.Module()
    for name, tensor in state.items():
        *path, last = name.split(".")
        owner = module
        for step in path:
            if step not in owner._modules:
                owner.add_module(step, nn.Module())
            owner = owner.get_submodule(step)
        owner.register_buffer(last, tensor)
    return module


def with_attributes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors that say something of themselves, which PyTorch saves by another call."""
    state = {name: tensor.clone() for name, tensor in state.items()}
    for tensor in state.values():
        tensor.said = "x"  # type: ignore[attr-defined]
    return state


WRAPPED: dict[str, Callable[[dict[str, Tensor], dict[str, Tensor]], Any]] = {
    "a training checkpoint": lambda g, d: {"netD": d, "netG": g, "fixed_noise": torch.zeros(4), "epoch": 3},
    "with an average": lambda g, d: {"generator": {k: t + 1 for k, t in g.items()}, "generator_ema": g},
    "under model": lambda g, d: {"model": {"generator": g, "discriminator": d}, "args": {"nz": 16}},
    "several GPUs": lambda g, d: {"state_dict": {f"module.{k}": t for k, t in g.items()}},
    "both in one": lambda g, d: {
        "state_dict": {f"generator.{k}": t for k, t in g.items()} | {f"discriminator.{k}": t for k, t in d.items()}
    },
    "without a module": lambda g, d: {k.removeprefix("main."): t for k, t in g.items()},
    "compiled": lambda g, d: {f"_orig_mod.{k}": t for k, t in g.items()},
    "a whole module": lambda g, d: module_of(g),
    "both in a list": lambda g, d: [d, g],
    "both modules": lambda g, d: (module_of(g), module_of(d)),
    "a default dict": lambda g, d: defaultdict(dict, {"netG": g}),
    "with attributes": lambda g, d: with_attributes(g),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_dcgans_within_something_else(fixtures: Path, opened: Opened, tmp_path: Path, how: str) -> None:
    files = (fixtures / "dcgan-tutorial.pth", fixtures / "dcgan-tutorial-netD.pth")
    content = WRAPPED[how](*map(tensors, files))
    torch.save(content, tmp_path / "x")
    found = open_checkpoint(tmp_path / "x")
    assert same(found, opened("dcgan-tutorial.pth", "dcgan-tutorial-netD.pth"))
    of_both = ("a training checkpoint", "under model", "both in one", "both in a list", "both modules")
    assert (found.discriminator is not None) == (how in of_both)


def test_a_dcgan_as_safetensors(fixtures: Path, opened: Opened, tmp_path: Path) -> None:
    save_file(tensors(fixtures / "dcgan-tutorial.pth"), tmp_path / "x")
    assert same(open_checkpoint(tmp_path / "x"), opened("dcgan-tutorial.pth"))


@pytest.mark.parametrize(("widths", "channels"), [((12, 8, 4), 1), ((8, 8, 4, 4, 4), 3)])
@torch.no_grad()
def test_dcgans_of_other_sizes_in_blocks_and_with_biases(
    tmp_path: Path, widths: tuple[int, ...], channels: int
) -> None:
    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            before = (7, *widths)
            blocks: list[nn.Module] = [
                nn.Sequential(
                    nn.ConvTranspose2d(before[k], width, 4, *((1, 0) if k == 0 else (2, 1)), bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                )
                for k, width in enumerate(widths)
            ]
            self.gen = nn.Sequential(*blocks, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), nn.Tanh())

    network = Generator().eval()
    torch.save(network.state_dict(), tmp_path / "x")
    generator, z = open_checkpoint(tmp_path / "x").generator, torch.randn(2, 7)
    side = 4 * 2 ** len(widths)
    assert tuple(generator.config.resolution) == (side, side)
    assert torch.allclose(generator(z), network.gen(z[:, :, None, None]), atol=1e-6)


def test_what_is_almost_a_dcgan_is_not(fixtures: Path, tmp_path: Path) -> None:
    state = tensors(fixtures / "dcgan-tutorial.pth")
    for change in ({"other.0.weight": torch.zeros(3)}, {"main.0.weight": torch.zeros(16, 32, 3, 3)}):
        torch.save(state | change, tmp_path / "x")
        with pytest.raises(GANError, match="it looks like a state dict of"):
            open_checkpoint(tmp_path / "x")


def test_forms_of_rosinality(fixtures: Path, opened: Opened, tmp_path: Path) -> None:
    content, known = read_checkpoint(fixtures / "rosinality-stylegan2.pt"), opened("rosinality-stylegan2.pt")
    state = {name: tensor.tensor() for name, tensor in content["g_ema"].items()}
    average = {"latent_avg": content["latent_avg"].tensor()}
    for found in (
        {"g": state, **average},
        {"g_ema": {f"module.{name}": tensor for name, tensor in state.items()}, **average},
    ):
        torch.save(found, tmp_path / "x")
        assert same(open_checkpoint(tmp_path / "x"), known)
    for bare in (state, {"params": {f"generator.{name}": tensor for name, tensor in state.items()}}):
        torch.save(bare, tmp_path / "x")
        assert "no average of w" in open_checkpoint(tmp_path / "x").notes[0]


def test_several_filters_of_rosinality_are_not_known(fixtures: Path, tmp_path: Path) -> None:
    content = read_checkpoint(fixtures / "rosinality-stylegan2.pt")
    content["g_ema"]["convs.0.conv.blur.kernel"] = stored(torch.ones(4, 4))
    state = {key: {name: tensor.tensor() for name, tensor in content[key].items()} for key in ("g_ema", "d")}
    torch.save(state, tmp_path / "x")
    with pytest.raises(GANError, match="filters of their own"):
        open_checkpoint(tmp_path / "x")


# lightweight-gan


@torch.no_grad()
def test_lightweight_gans_of_other_options(fixtures: Path, opened: Opened) -> None:
    """Blurring, cosines in gates and grey images, as release 1.2.1 names their tensors."""
    content = read_checkpoint(fixtures / "lightweight-gan-128.pt")["GAN"]
    content = {name: stored(tensor.tensor()) for name, tensor in content.items()}
    known, z = opened("lightweight-gan-128.pt"), torch.randn(2, 8)
    assert same(lightweight.recognise(content), known)
    bare = {name.removeprefix("GE."): tensor for name, tensor in content.items() if name.startswith("GE.")}
    assert same(lightweight.recognise(bare), known)

    taps = stored(torch.tensor([1.0, 2.0, 1.0]))
    blurring = {f"GE.layers.{k}.0.1.f": taps for k in range(5)} | {"D.residual_layers.0.0.branches.0.0.f": taps}
    blurs = lightweight.recognise({"GAN": content | blurring})
    assert blurs.generator.config.antialias and blurs.discriminator.config.antialias
    x = torch.randn(1, 2, 6, 6)
    kernel = torch.tensor([1.0, 2, 1])[:, None] * torch.tensor([1.0, 2, 1]) / 16
    wanted = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel.expand(2, 1, 3, 3), groups=2)
    assert torch.allclose(lightweight.blurred(x), wanted, atol=1e-6)
    layer, features = blurs.generator.layers[0], torch.randn(1, 8, 4, 4)
    enlarged = F.pixel_shuffle(F.silu(layer.up(features)), 2)
    by_hand = F.glu(layer.norm(layer.conv(F.pad(lightweight.blurred(enlarged), (2, 1, 2, 1)))), dim=1)
    assert torch.equal(layer(features, None), by_hand)
    for network in ("generator", "discriminator"):
        x = torch.rand(2, 3, 128, 128) if network == "discriminator" else z
        assert not torch.equal(*(getattr(imported, network)(x) for imported in (blurs, known)))

    cosines = torch.randn(1, 8, 16, 16)
    gated = {name: tensor for name, tensor in content.items() if ".1.to_k." not in name}
    found = lightweight.recognise({"GAN": gated | {"GE.layers.1.1.dct_weights": stored(cosines)}})
    gate, features = found.generator.layers[1].gate, torch.randn(2, 8, 16, 16)
    mean = torch.einsum("nchw,chw->nc", features, cosines[0])[:, :, None, None]
    assert torch.allclose(gate(features), gate.expand(F.leaky_relu(gate.reduce(mean), 0.1)).sigmoid(), atol=1e-5)
    assert found.generator(z, noise="none").isfinite().all()

    grey = {"GE.out_conv.weight": content["GE.out_conv.weight"].tensor()[:1], "GE.out_conv.bias": torch.zeros(1)}
    found = lightweight.recognise({"GAN": content | {name: stored(tensor) for name, tensor in grey.items()}})
    assert found.generator(z).shape == (2, 1, 128, 128)


def test_older_lightweight_gans_are_named(tmp_path: Path) -> None:
    old = {
        "initial_conv.0.weight": torch.zeros(4),
        "layers.0.0.1.weight": torch.zeros(4),
        "out_conv.weight": torch.zeros(4),
    }
    torch.save(old, tmp_path / "x")
    with pytest.raises(GANError, match="is a lightweight-gan of another release"):
        open_checkpoint(tmp_path / "x")
