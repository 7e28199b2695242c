"""Files that are whole or not there, and fingerprints: written beside their place first, then renamed."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


def as_json(content: Any) -> bytes:
    """JSON that a person can read."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def write_file(path: Path, data: bytes) -> None:
    """Writes one file. Its folder must exist.

    Raises:
        OSError: if there is no room or no right to; what was there before is untouched.
    """
    with files_into(path.parent) as temporary:
        (temporary / path.name).write_bytes(data)


@contextmanager
def files_into(folder: Path) -> Iterator[Path]:
    """A temporary folder whose files, also those of sub-folders, move into `folder` when the block ends without error.

    Files of the same name are replaced, one by one; others stay.

    Raises:
        OSError: if there is no room or no right to; what was there before is untouched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as name:
        temporary = Path(name)
        yield temporary
        for file in sorted(path for path in temporary.rglob("*") if path.is_file()):
            target = folder / file.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends without error.

    Raises:
        OSError: if there is no room or no right to, or `target` has come to be in the meantime and is not empty.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=target.parent) as name:
        temporary = Path(name) / "new"
        temporary.mkdir()
        yield temporary
        temporary.rename(target)


def fingerprint(*parts: bytes | np.ndarray) -> str:
    """Sixteen hexadecimal digits that change with any byte of the parts."""
    digest = hashlib.sha256()
    for part in parts:
        whole = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part
        for chunk in np.array_split(whole, max(1, whole.nbytes // 2**26)):
            digest.update(np.ascontiguousarray(chunk))
    return digest.hexdigest()[:16]
