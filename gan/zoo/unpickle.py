"""Pickles read without executing them: an interpreter of the opcodes that only ever builds inert data.

A pickle is a program for a small stack machine, and two of its instructions, "find this global" and "call it", make it
run whatever its author likes. Here a global is a name and nothing else, a call is a `Record` of who was called with
what, and a dozen names that checkpoints are made of (ordered dicts, tensors, numpy scalars, ...) stand for data that
is built from bytes of the file. Python's own unpickler is not used, not even restricted: its opcodes allocate what a
file claims (a memo index, the length of a bytearray) before looking whether it is there.

Bytes are not copied but pointed at, and long texts left out. Memory is bounded by the number of opcodes, of which a
file may have `MIN_OPCODES` and one more for every `BYTES_PER_OPCODE` bytes; what an opcode copies counts as many.
"""

import copy
import math
import re
import struct
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

MIN_OPCODES, BYTES_PER_OPCODE = 100_000, 256
MIN_TENSOR_BYTES = 2**22  # that even a small file may claim: its tensors may share numbers
MAX_TEXT = 4096  # bytes; longer texts, such as source code that travels with a model, are not read
MAX_TEXTS = 2**22  # bytes of all texts
MAX_LINE = 1024  # of opcodes whose argument ends with the line
MAX_NAME = 256  # characters of a function that dill names in two parts
MAX_DIGITS = 256  # bytes of a whole number
MAX_DIMENSIONS = 8
MAX_LENGTH = 2**40  # of a dimension
DTYPES = {  # by the name of their storage class
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
NUMBERS = {f"{kind}{size}" for kind in "fiu" for size in (1, 2, 4, 8)} - {"f1"} | {"b1"}  # of numpy's dtypes


class DamagedError(Exception):
    """A file that is no checkpoint or a damaged one.

    Args:
        trouble: ends a sentence that begins with the name of the file.
        remedy: what can be done, where that is not to look for another file.
    """

    def __init__(self, trouble: str, remedy: str = "fetch it again, or choose another file"):
        super().__init__(trouble)
        self.remedy = remedy


@dataclass(frozen=True)
class Name:
    """A global that a pickle asks for, as `module.name`."""

    name: str


@dataclass(eq=False)
class Record:
    """A call, or an object of a class that isn't known: who was called with what, and the state that was given it."""

    name: str
    args: tuple[Any, ...] = ()
    state: Any = None


class LongText(Record):
    """A text that is not read, but where protocol 2 has the bytes of a tensor in it."""

    def __init__(self, data: memoryview, encoding: str):
        super().__init__("text")
        self.data, self.encoding = data, encoding
        self.read: bytes | None = None

    def encoded(self) -> bytes:
        """Its bytes, the same ones however often they are asked for."""
        if self.read is None:
            self.read = str(self.data, self.encoding).encode("latin1")
        return self.read


class Limits:
    """What is left to a file: opcodes, and bytes of tensors, of which a large file cannot give more than it has."""

    def __init__(self, size: int):
        self.opcodes = MIN_OPCODES + size // BYTES_PER_OPCODE
        self.tensor_bytes = max(size, MIN_TENSOR_BYTES)
        self.text_bytes = MAX_TEXTS

    def count_opcodes(self, count: int = 1) -> None:
        self.opcodes -= count
        if self.opcodes < 0:
            raise DamagedError("describes far more objects than a checkpoint has")

    def count_text(self, size: int) -> None:
        self.text_bytes -= size
        if self.text_bytes < 0:
            raise DamagedError("holds far more text than a checkpoint has")

    def count_tensor(self, size: int) -> None:
        self.tensor_bytes -= size
        if self.tensor_bytes < 0:
            raise DamagedError("claims tensors that are larger than the file")


@dataclass(eq=False)
class Storage:
    """Numbers of one kind in a row; `data` points at their bytes, and is set once it is known where they are."""

    dtype: torch.dtype
    count: int
    limits: Limits
    data: memoryview | None = None


@dataclass(eq=False)
class StoredTensor:
    """A tensor as a file describes it; nothing is allocated, nor believed, before `tensor` is called."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        numbers = (self.offset, *self.shape, *self.strides)
        if len(self.shape) != len(self.strides) or len(self.shape) > MAX_DIMENSIONS:
            raise DamagedError("has a tensor of impossible dimensions")
        if any(type(number) is not int or not 0 <= number < MAX_LENGTH for number in numbers):
            raise DamagedError("has a tensor of impossible size")

    @property
    def dtype(self) -> torch.dtype:
        """Of its numbers."""
        return self.storage.dtype

    def tensor(self) -> Tensor:
        """A copy of it.

        Raises:
            DamagedError: if it isn't all in the file, or larger than what the file has.
        """
        storage, size = self.storage, math.prod(self.shape)
        last = self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides))
        if storage.data is None or len(storage.data) < storage.count * storage.dtype.itemsize:
            raise DamagedError("ends before its tensors do")
        if size > storage.count or (size and last >= storage.count):
            raise DamagedError("has a tensor that is larger than what is stored of it")
        storage.limits.count_tensor(size * storage.dtype.itemsize)
        if not size:
            return torch.empty(self.shape, dtype=storage.dtype)
        # Through bytes of its own: numbers in a file begin at any byte.
        start, stop = self.offset * storage.dtype.itemsize, (last + 1) * storage.dtype.itemsize
        flat = torch.frombuffer(bytearray(storage.data[start:stop]), dtype=storage.dtype)
        return flat if self.shape == flat.shape else flat.as_strided(self.shape, self.strides).contiguous()


@dataclass(eq=False)
class NumberType:
    """A numpy dtype of numbers, "f8" say."""

    code: str
    order: str = "<"

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code if self.order in "<>" else self.code)


@dataclass(eq=False)
class StoredArray:
    """A numpy array: filled by its state."""

    values: np.ndarray = field(default_factory=lambda: np.zeros(0))


class Unpickler:
    """Reads one pickle.

    Args:
        data: the file, or a part of it.
        limits: shared by all pickles of a file.
        storage: the storage of a persistent id, a tuple; `None` where a pickle may have none.
        load_from_bytes: the storage in the bytes of a whole torch file, or `None` where that may not be.
        position: where the pickle begins; after `load`, where it ended.
    """

    def __init__(
        self,
        data: memoryview,
        limits: Limits,
        storage: Callable[[Any], Any] | None = None,
        load_from_bytes: Callable[[memoryview], Any] | None = None,
        position: int = 0,
    ):
        self.data, self.limits, self.position = data, limits, position
        self.storage, self.load_from_bytes = storage, load_from_bytes
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """What the pickle describes.

        Raises:
            DamagedError: if it is none, or describes more than it may.
        """
        while True:
            self.limits.count_opcodes()
            opcode = bytes(self._take(1))
            if opcode == b".":
                return self._pop()
            if opcode not in OPCODES:
                raise DamagedError("is not a pickle")
            OPCODES[opcode](self)

    # Reading

    def _take(self, count: int) -> memoryview:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise DamagedError("ends in the middle")
        self.position, taken = end, self.data[self.position : end]
        return taken

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self, encoding: str = "utf-8") -> str:
        start = bytes(self.data[self.position : self.position + MAX_LINE])
        end = start.find(b"\n")
        if end < 0:
            raise DamagedError("is not a pickle")
        self.position += end + 1
        return start[:end].decode(encoding)

    def _text(self, length: int, encoding: str = "utf-8") -> Any:
        taken = self._take(length)
        if length > MAX_TEXT:
            return LongText(taken, encoding)
        self.limits.count_text(length)
        return bytes(taken).decode(encoding, "surrogatepass")

    # The stack

    def _pop(self) -> Any:
        if not self.stack or (self.marks and len(self.stack) <= self.marks[-1]):
            raise DamagedError("is not a pickle")
        return self.stack.pop()

    def _top(self) -> Any:
        self.push(value := self._pop())
        return value

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def _to_mark(self) -> list[Any]:
        if not self.marks:
            raise DamagedError("is not a pickle")
        mark = self.marks.pop()
        taken = self.stack[mark:]
        del self.stack[mark:]
        return taken

    def _get(self, index: int) -> None:
        if index not in self.memo:
            raise DamagedError("is not a pickle")
        self.push(self.memo[index])

    def _put(self, index: int) -> None:
        self.memo[index] = self._top()

    # Containers

    def _extend(self, items: list[Any]) -> None:
        if isinstance(into := self._top(), list):
            into.extend(items)

    def _set_items(self, items: list[Any]) -> None:
        if isinstance(into := self._top(), dict):
            # Other keys are left out: to hash a tuple of tuples of tuples may take for ever.
            pairs = zip(items[::2], items[1::2])
            into.update((key, value) for key, value in pairs if isinstance(key, str | int | float | None))

    def _tuple(self, count: int) -> None:
        self.push(tuple([self._pop() for _ in range(count)][::-1]))

    # Calls

    def _call(self, called: Any, args: Any) -> None:
        if not isinstance(called, Name) or not isinstance(args, tuple):
            self.push(Record("object"))
        elif called.name == "torch.storage._load_from_bytes" and self.load_from_bytes is not None:
            if len(args) != 1 or not isinstance(args[0], memoryview | bytes):
                raise DamagedError("has a damaged tensor")
            self.push(self.load_from_bytes(memoryview(args[0])))
        else:
            if called.name in TYPED and len(args) > 2 and isinstance(args[0], Name) and args[0].name in TENSORS:
                called, args = args[0], args[2]
            make = CALLS.get(ALIASES.sub("numpy.core.multiarray.", called.name))
            if make is None:
                self.push(Record(called.name, args))
                return
            # What is made is a copy of them, and the same arguments can be given over and over again.
            count = self.limits.count_text if make is _encode else self.limits.count_opcodes
            count(sum(len(arg) for arg in args if isinstance(arg, Sized)))
            self.push(make(*args))

    def _build(self, state: Any) -> None:
        target = self._top()
        if isinstance(target, Record):
            target.state = state
        elif isinstance(target, NumberType) and isinstance(state, tuple) and len(state) > 1:
            target.order = state[1] if state[1] in ("<", ">") else "|"
        elif isinstance(target, StoredArray):
            target.values = _array(state)

    def _persistent(self, key: Any) -> None:
        if self.storage is None:
            raise DamagedError("is not a pickle of a checkpoint")
        self.push(self.storage(key))

    def _class(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise DamagedError("is not a pickle")
        self.push(Name(f"{module}.{name}"))


def _array(state: Any) -> np.ndarray:
    """An array of numbers; one of anything else, which no weights are, is left empty."""
    _, shape, kind, by_columns, data = state
    if not isinstance(kind, NumberType) or not isinstance(data, memoryview | bytes):
        return np.zeros(0)
    if len(shape) > MAX_DIMENSIONS or not all(isinstance(n, int) and 0 <= n < MAX_LENGTH for n in shape):
        raise DamagedError("has an array of impossible size")
    if math.prod(shape) * kind.dtype.itemsize != len(data):
        raise DamagedError("has a damaged array")
    return np.frombuffer(data, kind.dtype).reshape(shape, order="F" if by_columns else "C")


def _frombuffer(data: Any, kind: Any, shape: Any, order: Any = "C") -> StoredArray:
    """An array as numpy pickles it in protocol 5."""
    return StoredArray(_array((1, shape, kind, order == "F", data)))


def _create_array(_: Any, __: Any, state: Any, *___: Any) -> StoredArray:
    """An array as dill pickles it, which StyleGAN-XL's files come from."""
    return StoredArray(_array(state))


def _attribute(module: Any = None, name: Any = None, *_: Any) -> Any:
    """A function by its module, as releases of dill before 0.3.5 pickle those that are not written in Python."""
    if not isinstance(module, Record) or module.name != "dill._dill._import_module" or len(module.args) != 1:
        return Record("object")
    path = module.args[0]
    if not isinstance(path, str) or not isinstance(name, str) or len(path) + len(name) > MAX_NAME:
        return Record("object")
    return Name(f"{path}.{name}")


def _reconstructed(kind: Any = None, _: Any = None, state: Any = None) -> Any:
    """An object in protocols 0 and 1: a dict or list of some class, or a record."""
    if isinstance(state, dict | list):
        return copy.copy(state)
    return Record(kind.name if isinstance(kind, Name) else "object")


def _scalar(kind: Any, data: Any = None) -> Any:
    if not isinstance(kind, NumberType) or not isinstance(data, memoryview | bytes):
        return Record("numpy.scalar")
    (value,) = np.frombuffer(data, kind.dtype, count=1).tolist()
    return value


def _dtype(code: Any = None, *_: Any) -> Any:
    return NumberType(code) if isinstance(code, str) and code in NUMBERS else Record("numpy.dtype")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Any:
    if not isinstance(storage, Storage):
        raise DamagedError("has a tensor without numbers")
    return StoredTensor(storage, offset, tuple(shape), tuple(strides))


def _mapping(pairs: Any = (), *_: Any) -> dict[Any, Any]:
    if not isinstance(pairs, list | tuple):
        return {}
    pairs = [pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]
    return {key: value for key, value in pairs if isinstance(key, str | int | float | None)}


def _encode(text: Any = "", *_: Any) -> Any:
    """Bytes in protocol 2."""
    if isinstance(text, LongText):
        return text.encoded()
    return text.encode("latin1") if isinstance(text, str) else Record("bytes")


# What releases of numpy have called the modules of the functions below.
ALIASES = re.compile(r"^numpy\._?core\.(multiarray|_multiarray_umath|numeric)\.")

TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
# A tensor with attributes, or of a class of its own: how the tensor is made, its class, and what it is made of.
TYPED = ("torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2")

# The calls that mean something; all others are records.
CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _mapping,
    "builtins.dict": _mapping,
    "__builtin__.dict": _mapping,
    "collections.defaultdict": lambda *_: {},
    "dnnlib.util.EasyDict": _mapping,
    "dnnlib.EasyDict": _mapping,
    **dict.fromkeys(TENSORS, _tensor),
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
    "torch.nn.parameter.Parameter": lambda tensor, *_: tensor,
    "torch.Size": lambda shape=(), *_: tuple(shape),
    "numpy.core.multiarray.scalar": _scalar,
    "numpy.dtype": _dtype,
    "numpy.core.multiarray._reconstruct": lambda *_: StoredArray(),
    "numpy.core.multiarray._frombuffer": _frombuffer,
    "dill._dill._create_array": _create_array,
    "dill._dill._get_attr": _attribute,
    "copy_reg._reconstructor": _reconstructed,
    "copyreg._reconstructor": _reconstructed,
    "_codecs.encode": _encode,
}


def _whole(text: str) -> Any:
    return {"00": False, "01": True}.get(text, int(text[:MAX_DIGITS].rstrip("L") or "x"))


def _little_endian(taken: memoryview) -> int:
    if len(taken) > MAX_DIGITS:
        raise DamagedError("is not a pickle")
    return int.from_bytes(taken, "little", signed=True)


def _mark(u: Unpickler) -> None:
    u.marks.append(len(u.stack))


def _pop_or_mark(u: Unpickler) -> None:
    if u.marks and u.marks[-1] == len(u.stack):
        u.marks.pop()
    else:
        u._pop()


def _reduce(u: Unpickler) -> None:
    args, called = u._pop(), u._pop()
    u._call(called, args)


def _new_with_keywords(u: Unpickler) -> None:
    _, args, called = u._pop(), u._pop(), u._pop()
    u._call(called, args)


def _object(u: Unpickler) -> None:
    called, *args = u._to_mark() or [None]
    u._call(called, tuple(args))


def _instance(u: Unpickler) -> None:
    args = tuple(u._to_mark())
    u._call(Name(f"{u._line()}.{u._line()}"), args)


def _set_item(u: Unpickler) -> None:
    value, key = u._pop(), u._pop()
    u._set_items([key, value])


def _dict_of_mark(u: Unpickler) -> None:
    items = u._to_mark()
    u.push({})
    u._set_items(items)


def _stack_global(u: Unpickler) -> None:
    name, module = u._pop(), u._pop()
    u._class(module, name)


def _append(u: Unpickler) -> None:
    value = u._pop()
    u._extend([value])


# By their bytes, as `pickletools` of Python's library documents them. Registered extensions and buffers outside the
# file (protocol 5) are missing: no checkpoint has them.
OPCODES: dict[bytes, Callable[[Unpickler], Any]] = {
    b"\x80": lambda u: u._take(1),  # protocol
    b"\x95": lambda u: u._take(8),  # frame
    b"(": _mark,
    b"0": _pop_or_mark,
    b"1": lambda u: u._to_mark(),
    b"2": lambda u: u.push(u._top()),
    b"N": lambda u: u.push(None),
    b"\x88": lambda u: u.push(True),
    b"\x89": lambda u: u.push(False),
    b"I": lambda u: u.push(_whole(u._line())),
    b"L": lambda u: u.push(_whole(u._line())),
    b"J": lambda u: u.push(u._number("<i")),
    b"K": lambda u: u.push(u._number("<B")),
    b"M": lambda u: u.push(u._number("<H")),
    b"\x8a": lambda u: u.push(_little_endian(u._take(u._number("<B")))),
    b"\x8b": lambda u: u.push(_little_endian(u._take(u._number("<i")))),
    b"F": lambda u: u.push(float(u._line())),
    b"G": lambda u: u.push(u._number(">d")),
    b"S": lambda u: u.push(u._line().strip("'\"")),
    b"T": lambda u: u.push(u._text(u._number("<i"), "latin1")),
    b"U": lambda u: u.push(u._text(u._number("<B"), "latin1")),
    b"V": lambda u: u.push(u._line("raw-unicode-escape")),
    b"X": lambda u: u.push(u._text(u._number("<I"))),
    b"\x8c": lambda u: u.push(u._text(u._number("<B"))),
    b"\x8d": lambda u: u.push(u._text(u._number("<Q"))),
    b"B": lambda u: u.push(u._take(u._number("<I"))),
    b"C": lambda u: u.push(u._take(u._number("<B"))),
    b"\x8e": lambda u: u.push(u._take(u._number("<Q"))),
    b"\x96": lambda u: u.push(u._take(u._number("<Q"))),
    b"]": lambda u: u.push([]),
    b"a": _append,
    b"e": lambda u: u._extend(u._to_mark()),
    b"l": lambda u: u.push(u._to_mark()),
    b"\x8f": lambda u: u.push([]),  # a set, which nothing here needs to be one
    b"\x90": lambda u: u._extend(u._to_mark()),
    b"\x91": lambda u: u.push(u._to_mark()),
    b")": lambda u: u.push(()),
    b"t": lambda u: u.push(tuple(u._to_mark())),
    b"\x85": lambda u: u._tuple(1),
    b"\x86": lambda u: u._tuple(2),
    b"\x87": lambda u: u._tuple(3),
    b"}": lambda u: u.push({}),
    b"d": _dict_of_mark,
    b"s": _set_item,
    b"u": lambda u: u._set_items(u._to_mark()),
    b"g": lambda u: u._get(int(u._line())),
    b"h": lambda u: u._get(u._number("<B")),
    b"j": lambda u: u._get(u._number("<I")),
    b"p": lambda u: u._put(int(u._line())),
    b"q": lambda u: u._put(u._number("<B")),
    b"r": lambda u: u._put(u._number("<I")),
    b"\x94": lambda u: u._put(len(u.memo)),
    b"c": lambda u: u._class(u._line(), u._line()),
    b"\x93": _stack_global,
    b"R": _reduce,
    b"\x81": _reduce,  # a new object of a class
    b"\x92": _new_with_keywords,
    b"o": _object,
    b"i": _instance,
    b"b": lambda u: u._build(u._pop()),
    b"P": lambda u: u._persistent(u._line()),
    b"Q": lambda u: u._persistent(u._pop()),
}
