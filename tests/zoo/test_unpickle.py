"""The reader executes nothing, allocates little, and says in one sentence what is wrong, whatever a file says."""

import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import OBJECTS, archive, binary, peak

from gan.errors import GANError
from gan.zoo.checkpoint import looks_like, read_checkpoint, state_dict
from gan.zoo.unpickle import DamagedError, Record, StoredTensor

MiB = 2**20


def tensor(count: bytes, size: bytes, strides: bytes) -> bytes:
    """A tensor over a storage of torch's archives."""
    storage = b"(" + binary("storage") + b"ctorch\nFloatStorage\n" + binary("0") + binary("cpu") + count + b"tQ"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + size + strides + b"tR."


class Call:
    """What pickles as a call."""

    def __init__(self, function: object, *args: object):
        self.call = function, args

    def __reduce__(self):
        return self.call


def test_what_torch_saves_is_read(tmp_path: Path) -> None:
    tensors = OrderedDict(
        a=torch.randn(3, 4),
        b=torch.randn(6).double(),
        c=torch.randn(2, 2).half(),
        d=torch.arange(5),
        e=torch.randn(4, 5).T,
        f=torch.tensor(3.5),
        g=torch.zeros(0, 3),
        h=torch.randn(4).bfloat16(),
    )
    tensors["i"] = tensors["a"][1:]
    for zipped in (True, False):
        saved = {"state": tensors, "step": 5, "more": [1, (2.5, None, True)]}
        torch.save(saved, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
        content = read_checkpoint(tmp_path / "x.pt")
        assert content["step"] == 5 and content["more"] == [1, (2.5, None, True)]
        for name, stored in state_dict(content["state"]).items():
            found = stored.tensor()
            assert torch.equal(found, tensors[name]) and found.dtype == tensors[name].dtype


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_something_else_are_left_empty(tmp_path: Path, protocol: int) -> None:
    arrays = [np.array(["a", "b"]), np.array([None, {}], dtype=object), np.zeros(2, "M8[s]"), np.arange(3)]
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(arrays, protocol))
    assert [len(found.values) for found in read_checkpoint(tmp_path / "x.pkl")] == [0, 0, 0, 3]


@pytest.mark.parametrize("core", ["core", "_core"])
def test_numbers_and_arrays_of_older_releases_of_dill(tmp_path: Path, core: str) -> None:
    def function(name: str) -> bytes:
        module = b"cdill._dill\n_import_module\n" + binary(f"numpy.{core}._multiarray_umath") + b"\x85R"
        return b"cdill._dill\n_get_attr\n" + module + binary(name) + b"\x86R"

    kind = b"cnumpy\ndtype\n(" + binary("f8") + b"K\x00K\x01tR"
    (tmp_path / "x").write_bytes(
        b"\x80\x04" + function("scalar") + kind + b"C\x08" + struct.pack("<d", 2.5) + b"\x86R."
    )
    assert read_checkpoint(tmp_path / "x") == 2.5
    empty = function("_reconstruct") + b"(cnumpy\nndarray\nK\x00\x85C\x01btR"
    state = b"(K\x01K\x02\x85" + kind + b"\x89C\x10" + struct.pack("<2d", 3, 4) + b"t"
    (tmp_path / "x").write_bytes(b"\x80\x04" + empty + state + b"b.")
    assert read_checkpoint(tmp_path / "x").values.tolist() == [3, 4]
    (tmp_path / "x").write_bytes(b"\x80\x04cdill._dill\n_get_attr\n" + binary("os") + binary("system") + b"\x86R.")
    assert isinstance(read_checkpoint(tmp_path / "x"), Record)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    data = {
        "numbers": [0, 1, -1, 300, 2**31, -(2**40), 2**100, 0.5, float("inf")],
        "truths": (True, False, None),
        "texts": ["", "é", "line\tend"],
        "bytes": b"\x00\xff",
        "nested": {"a": {1: [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]}},
        "numpy": np.float64(0.25),
        "array": np.arange(6).reshape(2, 3),
    }
    data["again"] = data["nested"]
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(data, protocol))
    content = read_checkpoint(tmp_path / "x.pkl")
    array = data.pop("array")
    found = content.pop("array")
    assert (found.values == array).all()
    assert bytes(content.pop("bytes")) == data.pop("bytes")
    assert content == data and content["again"] is content["nested"]


def test_unknown_names_are_inert(tmp_path: Path) -> None:
    made = tmp_path / "OWNED"
    calls = [
        Call(os.system, f"touch {made}"),
        Call(eval, f"open({str(made)!r}, 'w')"),
        Call(getattr, Call(__import__, "os"), "system"),
        Call(exec, f"open({str(made)!r}, 'w')"),
        Call(Path.touch, Call(Path, str(made))),
        Call(map, os.system, [f"touch {made}"]),
    ]
    for protocol in (0, 2, 4):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps({"G_ema": calls}, protocol))
        content = read_checkpoint(tmp_path / "x.pkl")
        assert all(isinstance(call, Record) for call in content["G_ema"])
    # A call of what a call returns, an instance, an object, and a build of one.
    (tmp_path / "x.pkl").write_bytes(b"cos\nsystem\n(Vx\ntR(Vy\ntR(Vtouch\nios\nsystem\n(cos\nsystem\nVx\no(Vx\ntb.")
    read_checkpoint(tmp_path / "x.pkl")
    assert not made.exists()


HOSTILE = {
    "a bytearray that claims a terabyte": b"\x96" + struct.pack("<Q", 2**40) + b"x.",
    "bytes that claim a terabyte": b"\x8e" + struct.pack("<Q", 2**40) + b"x.",
    "bytes of a negative length": b"T" + struct.pack("<i", -5) + b"x.",
    "a text that claims too much": b"\x8d" + struct.pack("<Q", 2**63) + b"x.",
    "a memo index of four thousand millions": b"Nr" + struct.pack("<I", 2**32 - 1) + b"0j\x01\x00\x00\x00.",
    "a number of many bytes": b"\x8b" + struct.pack("<i", MiB) + b"\xff" * MiB + b".",
    "a number of many digits": b"I" + b"9" * MiB + b"\n.",
    "millions of lists": b"]" * (4 * MiB) + b".",
    "lists in lists in lists": b"]" * 90_000 + b"a" * 89_999 + b"]" * 20_000 + b".",
    "millions of copies": b"N" + b"2" * (4 * MiB) + b".",
    "a registered extension": b"\x82\x01.",
    "a buffer outside of the file": b"\x97.",
    "no stack": b"0.",
    "no mark": b"t.",
    "no end": b"N",
    "nothing": b"",
    "a tape archive": b"",
    "a persistent id": b"P0\n.",
    "a line without an end": b"c" + b"x" * MiB,
    "a frame that never ends": b"\x95" + struct.pack("<Q", 2**62) + b"N",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_end_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(HOSTILE[name])
    if name == "a tape archive":
        with tarfile.open(path, "w") as archive:
            archive.add(__file__)

    def read() -> None:
        with pytest.raises(GANError, match=r"^x\.pkl .*[.)]$"):
            read_checkpoint(path)

    assert peak(read) < 2 * path.stat().st_size + OBJECTS


def test_laughs_as_keys(tmp_path: Path) -> None:
    """A tuple of a tuple of a tuple, each twice, takes for ever to hash, to compare and to print."""
    laughs = b")" + b"2\x86" * 200
    (tmp_path / "x.pkl").write_bytes(b"}" + laughs + b"Ns.")
    assert read_checkpoint(tmp_path / "x.pkl") == {}
    (tmp_path / "x.pkl").write_bytes(laughs + b".")
    assert looks_like(read_checkpoint(tmp_path / "x.pkl")) == "a tuple"


HUGE = b"\x8a\x06\x00\x00\x00\x00\x00\x01"
SIZES = {  # count of the storage, size and strides of the tensor
    "more numbers than are stored": (b"K\x40", b"K\x40\x85", b"K\x01\x85"),
    "a million millions of numbers": (HUGE, HUGE + b"\x85", b"K\x01\x85"),
    "a number for millions": (b"K\x01", b"J\x00\x00\x00\x01\x85", b"K\x00\x85"),
    "strides beyond the end": (b"K\x04", b"K\x02\x85", b"J\x00\x00\x00\x01\x85"),
    "negative strides": (b"K\x04", b"K\x02\x85", b"J\xff\xff\xff\xff\x85"),
    "a negative count": (b"J\xff\xff\xff\xff", b"K\x02\x85", b"K\x01\x85"),
    "sizes that are texts": (b"K\x04", b"Vx\n\x85", b"K\x01\x85"),
    "other dimensions": (b"K\x04", b"K\x02\x85", b"K\x01K\x01\x86"),
}


@pytest.mark.parametrize("name", SIZES)
def test_tensors_that_are_not_there(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "x.pt", {"x/data.pkl": tensor(*SIZES[name]), "x/data/0": bytes(16)})

    def read() -> None:
        with pytest.raises((GANError, DamagedError)):
            content = read_checkpoint(path)
            assert isinstance(content, StoredTensor)
            content.tensor()

    assert peak(read) < MiB


def test_the_same_numbers_in_many_tensors(tmp_path: Path) -> None:
    """Each is in the file; all of them are not."""
    one = tensor(b"J\x00\x00\x20\x00", b"J\x00\x00\x20\x00\x85", b"K\x01\x85")
    path = archive(tmp_path / "x.pt", {"x/data.pkl": one, "x/data/0": bytes(8 * MiB)})
    content = read_checkpoint(path)

    def read() -> None:
        with pytest.raises(DamagedError, match="larger than the file"):
            _ = [content.tensor() for _ in range(100)]

    assert peak(read) < 2 * path.stat().st_size


def test_archives(tmp_path: Path) -> None:
    good = {"x/data.pkl": tensor(b"K\x04", b"K\x04\x85", b"K\x01\x85"), "x/data/0": bytes(16)}
    path = archive(tmp_path / "x.pt", good)
    assert read_checkpoint(path).tensor().shape == (4,)

    bomb = archive(tmp_path / "bomb.pt", {**good, "x/data/1": bytes(64 * MiB)}, zipfile.ZIP_DEFLATED)

    def read() -> None:
        with pytest.raises(GANError, match="compressed"):
            read_checkpoint(bomb)

    assert peak(read) < MiB

    with pytest.raises(GANError, match="not a checkpoint of PyTorch"):
        read_checkpoint(archive(tmp_path / "other.pt", {"a.txt": b"text", "../../b": b"text"}))

    link = zipfile.ZipInfo("x/data/0")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.pt", "w") as file:
        file.writestr("x/data.pkl", good["x/data.pkl"])
        file.writestr(link, "/etc/passwd.....")
    # A tensor of the bytes of the name: no link is followed, and nothing is unpacked.
    assert bytes(read_checkpoint(tmp_path / "link.pt").tensor().view(torch.uint8)) == b"/etc/passwd....."
    assert len(list(tmp_path.iterdir())) == 4

    data = bytearray(path.read_bytes())
    struct.pack_into("<II", data, data.rfind(b"PK\x01\x02") + 20, 2**31, 2**31)
    path.write_bytes(data)
    with pytest.raises(GANError, match="ends in the middle"):
        read_checkpoint(path)


def test_a_storage_that_claims_more_than_it_has(tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.save(torch.zeros(64), file, _use_new_zipfile_serialization=False)
    data = file.getvalue()
    (tmp_path / "x.pt").write_bytes(data)
    assert read_checkpoint(tmp_path / "x.pt").tensor().shape == (64,)
    (tmp_path / "x.pt").write_bytes(data.replace(b"K@", b"K\xff"))
    with pytest.raises(GANError):
        read_checkpoint(tmp_path / "x.pt")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(GANError, match="cannot be read"):
        read_checkpoint(tmp_path / "missing.pkl")
    with pytest.raises(GANError, match="cannot be read"):
        read_checkpoint(tmp_path)
    (tmp_path / "x.pkl").touch()
    with pytest.raises(GANError, match=r"x\.pkl is empty; fetch it again"):
        read_checkpoint(tmp_path / "x.pkl")
