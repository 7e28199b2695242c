"""Files that try to take all the memory or time there is: each ends in one sentence, soon, within twice its size."""

import bz2
import gzip
import io
import json
import pickle
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hostile import OBJECTS, archive, binary, peak

from gan.errors import GANError
from gan.zoo import stylegan2, stylegan3
from gan.zoo.checkpoint import FAILURES, looks_like, read_checkpoint
from gan.zoo.opening import open_checkpoint
from gan.zoo.unpickle import DamagedError

pytestmark = pytest.mark.timeout(60)
PAIRS, COPIES = 10_000, 20_000


def name(text: str) -> bytes:
    return b"c" + "\n".join(text.rsplit(".", 1)).encode() + b"\n"


def again(what: bytes, times: int) -> bytes:
    """A call whose parts are remembered, made over and over again."""
    return what + b"0" + b"h\x00h\x01R" * times + b"."


def copies(of: str, argument: bytes) -> bytes:
    return again(name(of) + b"q\x00" + b"(" + argument + b"tq\x01", COPIES)


def pairs() -> bytes:
    return b"](" + b"".join(b"M" + struct.pack("<H", k) + b"N\x86" for k in range(PAIRS)) + b"e"


def texts() -> bytes:
    """Texts that take four times as many bytes in memory as in a file."""
    text = b"x" * 4092 + "\U0001f600".encode()
    return b"(" + b"".join(b"X" + struct.pack("<I", len(text)) + text for _ in range(4000)) + b"l."


def array(shape: bytes) -> bytes:
    """A numpy array whose state says so much of its shape."""
    made = name("numpy.core.multiarray._reconstruct") + b"(" + name("numpy.ndarray") + b"K\x00\x85C\x01btR"
    kind = name("numpy.dtype") + b"(" + binary("f4") + b"K\x00K\x01tR"
    return made + b"(K\x01(" + shape + b"t" + kind + b"\x89C\x00tb."


BOMBS: dict[str, Callable[[], bytes]] = {
    "a dict of many pairs, many times": lambda: copies("collections.OrderedDict", pairs()),
    "a size of many numbers, many times": lambda: copies("torch.Size", b"B" + struct.pack("<I", 2**20) + bytes(2**20)),
    "a size of millions of bytes": lambda: (
        name("torch.Size") + b"B" + struct.pack("<I", 2**23) + bytes(2**23) + b"\x85R."
    ),
    "functions of a module of a long name": lambda: copies(
        "dill._dill._get_attr",
        name("dill._dill._import_module") + binary("x" * 4000) + b"\x85R" + binary("x"),
    ),
    "a text encoded many times": lambda: copies("_codecs.encode", binary("x" * 4000)),
    "texts with one wide character each": texts,
    "an array of a huge number of dimensions": lambda: array((b"\x8a\xfe" + b"\x7f" * 254) * 30_000),
    "a tensor of a dict": lambda: name("torch._utils._rebuild_tensor_v2") + b"(NK\x00}}tR.",
    "arguments that are a text": lambda: name("collections.OrderedDict") + binary("x" * 1000) + b"R.",
    "a parameter of nothing": lambda: name("torch._utils._rebuild_parameter") + b")R.",
    "a build of everything": lambda: b"(" + b"N" * 1000 + b"l" + b"}b" * 20_000 + b".",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(BOMBS[kind]())

    def read() -> None:
        try:
            read_checkpoint(path)
        except GANError as error:
            assert re.fullmatch(r"x\.pkl .*[.)]", str(error))

    assert peak(read) < 2 * path.stat().st_size + OBJECTS


def test_an_archive_that_promises_wide_numbers_and_has_none(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", {"x/data.pkl": b"N.", "x/data/0": bytes(16)})
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")
    struct.pack_into("<II", data, entry + 20, 2**32 - 1, 2**32 - 1)  # in an extra field, which there is not
    path.write_bytes(data)
    with pytest.raises(GANError, match="ends in the middle"):
        read_checkpoint(path)


def test_many_entries_that_are_one(tmp_path: Path) -> None:
    """Entries of an archive may lie over each other: they are pointed at, not read."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("x/data.pkl", b"N.")
        for k in range(1000):
            made.writestr(f"x/data/{k}", b"")
        made.writestr("x/data/big", bytes(2**22))
    data = bytearray(file.getvalue())
    big = data.rfind(b"x/data/big", 0, data.find(b"PK\x01\x02")) - 30
    place = data.find(b"PK\x01\x02")
    while (place := data.find(b"PK\x01\x02", place + 1)) >= 0:
        struct.pack_into("<II", data, place + 20, 2**22, 2**22)
        struct.pack_into("<I", data, place + 42, big)
    (tmp_path / "x.pt").write_bytes(data)
    assert peak(lambda: read_checkpoint(tmp_path / "x.pt")) < 2 * len(data) + OBJECTS


# What a well-formed file may say


def laughs() -> Any:
    found: Any = ()
    for _ in range(200):
        found = (found, found)
    return found


def player(content: dict[str, Any], key: str) -> dict[str, Any]:
    """The state of a pickled network."""
    return content[key].args[0]["state"]


def modules(state: dict[str, Any], *path: str) -> dict[str, Any]:
    for step in path:
        record = state["_modules"][step]
        state = record.args[0]["state"] if record.args and isinstance(record.args[0], dict) else record.state
    return state


def refused(content: Any, family: Any = stylegan2) -> None:
    with pytest.raises((DamagedError, GANError, *FAILURES)):
        family.recognise(content)


@pytest.fixture
def stylegan(fixtures: Path) -> dict[str, Any]:
    return read_checkpoint(fixtures / "stylegan2-ada-conditional.pkl")


def test_names_that_are_tuples_of_tuples(stylegan: dict[str, Any]) -> None:
    del player(stylegan, "D")["_modules"]["b4"]
    stylegan["D"].args[0]["class_name"] = laughs()
    assert "is not known and was left out" in stylegan2.recognise(stylegan).notes[0]
    modules(player(stylegan, "G_ema"), "synthesis", "b32")["architecture"] = laughs()
    refused(stylegan)


def test_modules_that_share_their_tensors(stylegan: dict[str, Any]) -> None:
    network = player(stylegan, "G_ema")
    tensor = modules(network, "mapping")["_buffers"]["w_avg"]
    shared = modules(network, "synthesis", "b4", "conv1")
    shared["_parameters"] = {f"p{k}": tensor for k in range(3000)}
    layer = network["_modules"]["synthesis"].args[0]["state"]["_modules"]["b4"].args[0]["state"]["_modules"]["conv1"]
    network["_modules"] |= {f"m{k}": layer for k in range(3000)}
    assert peak(lambda: refused(stylegan)) < 2**26


def test_a_module_within_itself(stylegan: dict[str, Any]) -> None:
    network = player(stylegan, "G_ema")
    modules(network, "synthesis")["_modules"]["inner"] = stylegan["G_ema"]
    refused(stylegan)


def test_a_dict_in_many_places(tmp_path: Path) -> None:
    """Ten thousand times, and searched once: a state dict may lie within a dict within a dict."""
    large = dict.fromkeys(map(str, range(20_000)))
    middle = dict.fromkeys(map(str, range(100)), large)
    for inner in (middle, [large] * 100, {str(k): {**middle} for k in range(100)}):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(dict.fromkeys(map(str, range(100)), inner)))
        with pytest.raises(GANError, match="looks like a dict with the keys 0, 1, 2"):
            open_checkpoint(tmp_path / "x.pkl")


def test_a_dict_of_the_same_dict() -> None:
    inner = {str(k): None for k in range(20_000)}
    content = {str(k): inner for k in range(20_000)}
    assert looks_like(content).startswith("a dict with the keys 0, 1, 2")


@pytest.mark.parametrize("layers", ["layers.999999999999", "layers.999", "residual_layers.999999999999"])
def test_layers_without_end(fixtures: Path, tmp_path: Path, layers: str) -> None:
    content = read_checkpoint(fixtures / "lightweight-gan.pt")["GAN"]
    state = {key: tensor.tensor() for key, tensor in content.items()}
    start = "GE." if layers.startswith("layers") else "D."
    state[f"{start}{layers}.0.0.net.0.weight"] = torch.zeros(1)
    torch.save({"GAN": state}, tmp_path / "x.pt")
    if layers == "residual_layers.999999999999":
        assert open_checkpoint(tmp_path / "x.pt").discriminator is not None
    else:
        with pytest.raises(GANError, match="cannot be opened"):
            open_checkpoint(tmp_path / "x.pt")


def test_images_that_are_too_large(fixtures: Path, tmp_path: Path) -> None:
    content = read_checkpoint(fixtures / "rosinality-stylegan2.pt")
    state = {key: t.tensor() for key, t in content["g_ema"].items() if not key.startswith("noises.")}
    for k in range(3, 20):
        state |= {key.replace("to_rgbs.2.", f"to_rgbs.{k}."): t for key, t in state.items() if "to_rgbs.2." in key}
        for new, old in ((2 * k, 4), (2 * k + 1, 5)):
            state |= {
                key.replace(f"convs.{old}.", f"convs.{new}."): t for key, t in state.items() if f"convs.{old}." in key
            }
    torch.save({"g_ema": state}, tmp_path / "x.pt")
    with pytest.raises(GANError, match="far too large"):
        open_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "change",
    [
        {"channel_width": 10**12, "layers": [[True, "ab" * 100, 16]] * 6},
        {"layers": [[True, 16, [0] * 1000]] * 6, "channel_width": 10**9},
        {"layers": [[True, 16, 16]] * 60},
        {"layers": [[True, 16, 2**70]] * 6},
        {"layers": {"0": 1}},
        {"layers": [5] * 6},
        {"eps": "1e-4"},
        {"attention_layer_position": -1},
    ],
)
def test_configs_of_biggan(fixtures: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    folder = fixtures / "biggan-deep"
    (tmp_path / "x").write_bytes((folder / "pytorch_model.bin").read_bytes())
    config = json.loads((folder / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(GANError, match=r"^x cannot be opened"):
        open_checkpoint(tmp_path / "x")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("up_factor", 16), ("padding", [4000] * 4), ("padding", [-4000] * 4), ("down_factor", 16), ("padding", laughs())],
)
def test_layers_of_stylegan3_that_memory_does_not_hold(fixtures: Path, setting: str, value: Any) -> None:
    content = read_checkpoint(fixtures / "stylegan3-t.pkl")
    network = player(content, "G_ema")
    for step in modules(network, "synthesis")["layer_names"]:
        modules(network, "synthesis", step)[setting] = value
    refused(content, stylegan3)


def test_weights_that_are_whole_numbers(fixtures: Path, tmp_path: Path) -> None:
    """A byte would become four."""
    state = {key: t.tensor().to(torch.uint8) for key, t in read_checkpoint(fixtures / "dcgan-tutorial.pth").items()}
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(GANError, match="whole numbers"):
        open_checkpoint(tmp_path / "x.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_training_that_broke_down(fixtures: Path, tmp_path: Path, value: float) -> None:
    state = {key: t.tensor() for key, t in read_checkpoint(fixtures / "dcgan-tutorial.pth").items()}
    state["main.3.weight"][0, 0] = value
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(GANError, match=r"NaN or infinite .*choose an earlier checkpoint\.$"):
        open_checkpoint(tmp_path / "x.pth")


def zipped(how: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as folder:
        folder.writestr("network.pkl", b"N.")
    return file.getvalue()


def taped() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as folder:
        folder.addfile(tarfile.TarInfo("network.pkl"))
    return file.getvalue()


def program() -> bytes:
    """As TorchScript saves: what is code is compressed, and only that."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as folder:
        folder.writestr("x/data.pkl", b"N.")
        folder.writestr("x/code/__torch__.py", "def f(): pass\n", zipfile.ZIP_DEFLATED)
        folder.writestr("x/constants.pkl", b").")
    return file.getvalue()


OTHERS: dict[str, tuple[Callable[[], bytes], str]] = {  # how it is made, and what is said
    "a pointer of Git LFS": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "a web page": (lambda: b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>", "is a web page; open"),
    "gzip": (lambda: gzip.compress(b"N."), "is compressed with gzip; unpack it"),
    "bzip2": (lambda: bz2.compress(b"N."), "is compressed with bzip2; unpack it"),
    "a zip archive of a pickle": (lambda: zipped(zipfile.ZIP_STORED), "not a checkpoint of PyTorch; unpack it"),
    "a compressed one": (lambda: zipped(zipfile.ZIP_DEFLATED), "is a compressed archive, .*; unpack it"),
    "a tar archive of a pickle": (taped, "is a tar archive; unpack it"),
    "a program": (program, "is a program of TorchScript, which is not run; choose the state dict"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_people_have_for_a_checkpoint(tmp_path: Path, kind: str) -> None:
    make, said = OTHERS[kind]
    (tmp_path / "network.pkl").write_bytes(make())
    with pytest.raises(GANError, match=f"^network.pkl cannot be opened: it .*{said}"):
        open_checkpoint(tmp_path / "network.pkl")


@pytest.mark.parametrize("kind", ["tensors", "metadata"])
def test_a_safetensors_file_that_is_all_header(tmp_path: Path, kind: str) -> None:
    """Of many tensors without numbers, of which the library for them takes minutes, or of one long text."""
    header: dict[str, Any] = {"__metadata__": {"x": "x" * 2**24}}
    if kind == "tensors":
        header = {f"{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(300_000)}
    text = json.dumps(header).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(GANError, match="far more tensors than a checkpoint has"):
        read_checkpoint(tmp_path / "x.safetensors")


def test_what_is_said_is_one_line(fixtures: Path, tmp_path: Path) -> None:
    state = {key: t.tensor() for key, t in read_checkpoint(fixtures / "dcgan-tutorial.pth").items()}
    for bad in ("main.0.weight\n\x1b[31mred", "\u202e" + "x" * 4000):
        torch.save({**state, bad: torch.zeros(1)}, tmp_path / "x.pth")
        with pytest.raises(GANError) as error:
            open_checkpoint(tmp_path / "x.pth")
        said = str(error.value)
        assert said.startswith("x.pth cannot be opened") and len(said) < 600
        assert "\n" not in said and "\x1b" not in said
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"a\nb": 1, "\x1b[0m": 2}))
    with pytest.raises(GANError) as error:
        open_checkpoint(tmp_path / "x.pkl")
    assert "\n" not in str(error.value) and "\x1b" not in str(error.value)
