"""What tests of hostile checkpoints share: parts of pickles, archives, and the memory that reading takes."""

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

from gan.zoo.unpickle import MIN_OPCODES

OBJECTS = 150 * MIN_OPCODES  # bytes of the objects that any file may describe, however small it is


def peak(read: Callable[[], object]) -> int:
    """Bytes that were allocated at the most meanwhile; tensors are made of bytes of Python's, so all count."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def binary(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def archive(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path
