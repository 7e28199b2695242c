"""Checkpoint files of any form to inert data: pickles, both forms of `torch.save`, and safetensors.

Nothing is executed (`gan.zoo.unpickle`), and nothing is unpacked: the file is mapped into memory, and tensors point
into it until they are asked for. `torch.load(weights_only=True)` executes nothing either, but allocates what a file
claims.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from gan.errors import GANError
from gan.labels import printable
from gan.zoo.modules import tensors as module_tensors
from gan.zoo.unpickle import DTYPES, DamagedError, Limits, Name, Record, Storage, StoredTensor, Unpickler

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # of torch.save before it wrote archives
MAX_ENTRIES = 50_000  # of an archive
MAX_STATES = 100  # entries of a dict that is searched for state dicts
MAX_SEARCHED = 256  # dicts, lists and objects that are searched for them in all
MAX_NESTED = 8  # state dicts that are looked at
SAFETENSORS_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
MAX_HEADER = 2**20  # bytes of what a safetensors file says of its tensors, some dozens each
UNPACK = "unpack it, and choose what is in it"
TORCHSCRIPT = "is a program of TorchScript, which is not run", "choose the state dict that it was made of"
# What people have for a checkpoint that is none: how it begins, what it is, and what to do.
OTHER_FORMS = (
    (b"\x1f\x8b", "is compressed with gzip", UNPACK),
    (b"BZh", "is compressed with bzip2", UNPACK),
    (b"\xfd7zXZ\0", "is compressed with xz", UNPACK),
    (b"(\xb5/\xfd", "is compressed with zstd", UNPACK),
    (b"7z\xbc\xaf", "is a 7z archive", UNPACK),
    (b"Rar!", "is a RAR archive", UNPACK),
    (b"version https://git-lfs", "is a pointer of Git LFS, and not the file itself", "fetch that with `git lfs pull`"),
    (b"<", "is a web page", "open it in a browser to see what it says, and fetch the file again"),
    (b"\x89HDF", "is a file of HDF5, in which Keras saves", "choose a checkpoint of PyTorch"),
)
# What damaged bytes make Python, numpy and PyTorch raise while their meaning is looked for.
FAILURES = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, struct.error)


def read_checkpoint(path: Path) -> Any:
    """What a file holds: dicts, lists, numbers, texts, `Record`s of objects and calls, and `StoredTensor`s.

    Raises:
        GANError: if it can't be read, is damaged, or of no known form.
    """
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise GANError(f"{path.name} is empty; fetch it again, or choose another file.")
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise GANError(f"{path.name} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    try:
        return _content(path, data)
    except DamagedError as error:
        raise GANError(f"{path.name} cannot be opened: it {error}; {error.remedy}.") from error
    except FAILURES as error:
        raise GANError(
            f"{path.name} cannot be opened: it is damaged, or no checkpoint; fetch it again, or choose another file."
        ) from error


def _content(path: Path, data: memoryview) -> Any:
    start, limits = bytes(data[:64]), Limits(len(data))
    if start.startswith(b"PK\x03\x04"):
        return _archive(data, limits)
    for beginning, trouble, remedy in OTHER_FORMS:
        if start.startswith(beginning):
            raise DamagedError(trouble, remedy)
    if data[257:262] == b"ustar":
        raise DamagedError("is a tar archive", UNPACK)
    if start[8:9] == b"{" and (header := struct.unpack("<Q", start[:8])[0]) < len(data):
        return _safetensors(path, header)
    first = Unpickler(data, limits, load_from_bytes=lambda nested: _legacy(nested, limits, is_storage=True))
    content = first.load()
    if content == LEGACY_MAGIC and type(content) is int:
        return _legacy(data, limits)
    return content


# torch.save until version 1.5, and within pickles


def _legacy(data: memoryview, limits: Limits, is_storage: bool = False) -> Any:
    """Five pickles, then the numbers of each storage."""
    storages: dict[str, Storage] = {}
    position, parts = 0, []
    for _ in range(5):
        unpickler = Unpickler(data, limits, lambda key: _storage(key, storages, limits), position=position)
        parts.append(unpickler.load())
        position = unpickler.position
    magic, _, machine, content, keys = parts
    if magic != LEGACY_MAGIC or not isinstance(keys, list) or machine.get("little_endian") is False:
        raise DamagedError("has a damaged tensor" if is_storage else "is not a checkpoint of PyTorch")
    for key in keys:
        storage = storages[key]
        (count,) = struct.unpack("<q", data[position : position + 8])
        if count != storage.count:
            raise DamagedError("is damaged")
        end = position + 8 + count * storage.dtype.itemsize
        storage.data, position = data[position + 8 : end], end
    if is_storage and not isinstance(content, Storage):
        raise DamagedError("has a damaged tensor")
    return content


def _storage(key: Any, storages: dict[str, Storage], limits: Limits) -> Storage:
    """The storage of a persistent id: ("storage", class, key, device, count[, view])."""
    kind, of, name, _, count, *view = key
    dtype = DTYPES.get(of.name.rpartition(".")[2]) if isinstance(of, Name) else None
    if kind != "storage" or dtype is None or not isinstance(name, str) or view not in ([], [None]):
        raise DamagedError("has tensors of a kind that is not known")
    if type(count) is not int or count < 0:
        raise DamagedError("has a tensor of impossible size")
    return storages.setdefault(name, Storage(dtype, count, limits))


# torch.save from version 1.6 on


def _archive(data: memoryview, limits: Limits) -> Any:
    """A zip archive of a pickle and a file a storage. Where files would be unpacked to does not matter here."""
    entries = zip_entries(data)
    pickles = [name for name in entries if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise DamagedError("is an archive, and not a checkpoint of PyTorch", UNPACK)
    folder = pickles[0].removesuffix("data.pkl")
    if bytes(entries.get(f"{folder}byteorder", memoryview(b"little"))[:8]) != b"little":
        raise DamagedError("was written on a big-endian machine")
    storages: dict[str, Storage] = {}
    content = Unpickler(entries[pickles[0]], limits, lambda key: _storage(key, storages, limits)).load()
    for name, storage in storages.items():
        storage.data = entries.get(f"{folder}data/{name}")
    return content


def zip_entries(data: memoryview) -> dict[str, memoryview]:
    """Names and bytes of the files in an archive whose files are stored as they are, as PyTorch does.

    Raises:
        DamagedError: if it is damaged, or files are compressed: a few bytes could be terabytes.
    """
    tail = bytes(data[-65557:])
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise DamagedError("ends in the middle")
    count, _, position = struct.unpack("<HII", tail[end + 10 : end + 20])
    if count == 0xFFFF or position == 0xFFFFFFFF:  # more than 4 GiB, or PyTorch's default
        locator = tail.rfind(b"PK\x06\x07", 0, end)
        (record,) = struct.unpack("<Q", tail[locator + 8 : locator + 16])
        count, _, position = struct.unpack("<QQQ", data[record + 32 : record + 56])
    if count > MAX_ENTRIES:
        raise DamagedError("is an archive of far more files than a checkpoint has")
    entries: dict[str, memoryview] = {}
    for _ in range(count):
        signature, method, size, full, name_size, extra_size, comment_size, start = struct.unpack(
            "<4s6xH8xIIHHH8xI", data[position : position + 46]
        )
        name = bytes(data[position + 46 : position + 46 + name_size]).decode()
        extra = bytes(data[position + 46 + name_size : position + 46 + name_size + extra_size])
        if signature != b"PK\x01\x02" or name in entries:
            raise DamagedError("is a damaged archive")
        size, full, start = _wide(extra, [full, size, start])
        if method != 0 or size != full:
            if "/code/" in name:
                raise DamagedError(*TORCHSCRIPT)
            raise DamagedError("is a compressed archive, and checkpoints of PyTorch are not", UNPACK)
        local_name, local_extra = struct.unpack("<HH", data[start + 26 : start + 30])
        begin = start + 30 + local_name + local_extra
        if begin + size > len(data):
            raise DamagedError("ends in the middle")
        entries[name] = data[begin : begin + size]
        position += 46 + name_size + extra_size + comment_size
    return entries


def _wide(extra: bytes, numbers: list[int]) -> list[int]:
    """Size, compressed size and place of a file; those that take 64 bits are in the extra field with number 1."""
    position = 0
    while position + 4 <= len(extra):
        kind, size = struct.unpack("<HH", extra[position : position + 4])
        if kind == 1:
            wide = iter(struct.unpack(f"<{size // 8}Q", extra[position + 4 : position + 4 + size // 8 * 8]))
            numbers = [next(wide, number) if number == 0xFFFFFFFF else number for number in numbers]
        position += 4 + size
    full, compressed, start = numbers
    return [compressed, full, start]


def _safetensors(path: Path, header: int) -> dict[str, StoredTensor]:
    """Tensors of real numbers by name; others are left out. `header` is the length of what the file says of them."""
    if header > MAX_HEADER:
        raise DamagedError("describes far more tensors than a checkpoint has")
    try:
        with safe_open(path, framework="pt") as file:
            names = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            return {
                name: stored(file.get_tensor(name)) for name, dtype in names.items() if dtype in SAFETENSORS_DTYPES
            }
    except (SafetensorError, OSError) as error:
        raise DamagedError("is a damaged safetensors file") from error


def stored(tensor: torch.Tensor) -> StoredTensor:
    """A tensor as if it were in a file."""
    count = tensor.numel()
    data = memoryview(tensor.flatten().view(torch.uint8).numpy()).cast("B") if count else memoryview(b"")
    strides = tuple(math.prod(tensor.shape[k + 1 :]) for k in range(tensor.ndim))
    storage = Storage(tensor.dtype, count, Limits(len(data)), data)
    return StoredTensor(storage, 0, tuple(tensor.shape), strides)


# What was read, put in order


def looks_like(content: Any) -> str:
    """What an unknown file holds, in a few words."""
    states = nested_states(content)
    content = states[0] if len(states) == 1 else content
    if isinstance(content, dict):
        tensors = [key for key, value in content.items() if isinstance(value, StoredTensor)]
        if tensors and len(tensors) == len(content):
            return f"a state dict of {len(tensors)} tensors, {', '.join(map(_short, tensors[:3]))} …"
        return f"a dict with the keys {', '.join(map(_short, list(content)[:8]))}" if content else "an empty dict"
    if isinstance(content, Record):
        return f"a {_short(content.name)}"
    first = content[0] if isinstance(content, tuple | list) and content else None
    if isinstance(first, Record):
        return f"a {type(content).__name__} of {len(content)}, the first of them a {_short(first.name)}"
    return f"a {type(content).__name__}"


def nested_states(content: Any) -> list[dict[str, StoredTensor]]:
    """The state dicts within a dict or list of something else, under "state_dict" or "netG" say; averages (EMA)
    first."""
    return list(islice(_nested_states(content, 2, set()), MAX_NESTED))


def _nested_states(content: Any, depth: int, searched: set[int]) -> Iterator[dict[str, StoredTensor]]:
    """`searched` are the ids of what was looked at: a small file may name the same large dict in many places."""
    values = dict(enumerate(content)) if isinstance(content, list | tuple) else content
    if not isinstance(values, dict) or len(values) > MAX_STATES:
        return
    for key in sorted(values, key=lambda key: "ema" not in str(key).lower()):
        value = values[key]
        if not isinstance(value, dict | list | tuple | Record) or id(value) in searched:
            continue
        searched.add(id(value))
        if len(searched) > MAX_SEARCHED:
            return
        if state := state_dict(value):
            yield state
        elif depth > 1:
            yield from _nested_states(value, depth - 1, searched)


def parts(state: dict[str, StoredTensor]) -> list[dict[str, StoredTensor]]:
    """The state dicts of the few networks that a state dict is of: "generator.…" and "discriminator.…", say."""
    found: dict[str, dict[str, StoredTensor]] = {}
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        if not rest or (first not in found and len(found) == MAX_NESTED):
            return []
        found.setdefault(first, {})[rest] = tensor
    if not all(any(len(tensor.shape) == 4 for tensor in part.values()) for part in found.values()):
        return []  # a part that is no network of its own, but belongs to another
    return [found[first] for first in sorted(found, key=lambda first: "ema" not in first.lower())]


def state_dict(content: Any) -> dict[str, StoredTensor]:
    """The tensors of a dict or of a pickled module by name; {} of anything else. A prefix `module.`, of several GPUs,
    is taken off."""
    content = module_tensors(content) if isinstance(content, Record) else content
    if not isinstance(content, dict):
        return {}
    tensors = {key: value for key, value in content.items() if isinstance(value, StoredTensor) and type(key) is str}
    if tensors and all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _short(text: Any) -> str:
    return printable(str(text)[:60]) if isinstance(text, str | int | float) else type(text).__name__
