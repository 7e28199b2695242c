"""ZIP and tar archives as folders: what is in them is read where it is, and nothing is unpacked.

A member is a path below that of its archive (`faces.zip/cats/1.png`), so that whatever looks at names works as for
files. Compressed tar archives can only be read from their beginning, and are not taken.
"""

import hashlib
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from gan.errors import GANError

SUFFIXES = (".zip", ".tar")
MAX_BYTES = 2**30  # of a member that is read
UTF_8 = 0x800  # the bit of a ZIP that says that a name is
DAMAGED: tuple[type[Exception], ...] = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, OSError)
DAMAGED += (EOFError, ValueError, NotImplementedError, RuntimeError)  # the last two: a method, or a password


class Archive:
    """What is in an archive.

    Attributes:
        path: of its file.
        members: by path, of each file that can be read what its archive says of it.
        too_large: the others.
    """

    def __init__(self, path: Path):
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._opened_by = 0
        self.members: dict[Path, Any] = {}
        self.too_large: list[Path] = []
        try:
            for name, size, info in self._listing():
                parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
                if size > MAX_BYTES:
                    self.too_large.append(path.joinpath(*parts))
                elif parts:
                    self.members[path.joinpath(*parts)] = info
        except DAMAGED as error:
            raise GANError(f"{path} is damaged, or no such archive ({error}); make or download it again.") from error

    def _listing(self) -> Iterator[tuple[str, int, Any]]:
        if self.path.suffix.lower() == ".tar":
            with tarfile.open(self.path, "r:") as tar:
                for member in tar:
                    if member.isreg() and not member.issparse():
                        yield member.name, member.size, (member.offset_data, member.size)
            return
        for info in self._zipfile().infolist():
            if not info.is_dir():
                yield _name(info), info.file_size, info

    def _zipfile(self) -> zipfile.ZipFile:
        if self._zip is None or self._opened_by != os.getpid():  # processes must not share a place in the file
            self._zip, self._opened_by = zipfile.ZipFile(self.path), os.getpid()
        return self._zip

    def read(self, member: Path) -> bytes:
        """The content of a member.

        Raises:
            OSError: if there is none of this name, or it is damaged.
        """
        if member not in self.members:
            raise FileNotFoundError(f"{member} is not there")
        where = self.members[member]
        try:
            if isinstance(where, zipfile.ZipInfo):
                return self._zipfile().read(where)
            with self.path.open("rb") as file:
                file.seek(where[0])
                return file.read(where[1])
        except DAMAGED as error:
            raise OSError(f"{member} is damaged") from error


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a member. Some programs write UTF-8 and don't say so."""
    if info.flag_bits & UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def is_archive(path: Path) -> bool:
    """Whether this is an archive that can be read as a folder, by its name."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def open_archive(path: Path) -> Archive:
    """An archive, listed once.

    Raises:
        GANError: if it is damaged.
    """
    about = path.stat()
    return _opened(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4)
def _opened(path: Path, size: int, changed: int) -> Archive:
    return Archive(path)


def archive_of(path: Path) -> Archive | None:
    """The archive that a path leads into, if it does."""
    found = next((folder for folder in path.parents if is_archive(folder)), None)
    return None if found is None else open_archive(found)


def is_file(path: Path) -> bool:
    """Whether there is such a file, on disk or in an archive."""
    archive = archive_of(path)
    return path.is_file() if archive is None else path in archive.members


def read_bytes(path: Path) -> bytes:
    """The content of a file, on disk or in an archive.

    Raises:
        OSError: if it cannot be read.
    """
    archive = archive_of(path)
    return path.read_bytes() if archive is None else archive.read(path)


class Members(Sequence[Any]):
    """Files of an archive, opened: a damaged one is empty, as its reader will find."""

    def __init__(self, archive: Archive, paths: Sequence[Path]):
        self.archive, self.paths = archive, paths

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def fingerprint(self) -> str:
        """Changes with the archive, and with which of its members these are."""
        about = self.archive.path.stat()
        digest = hashlib.sha256(b"\0".join(os.fsencode(path) for path in self.paths)).hexdigest()
        return f"{self.archive.path} {about.st_size} {about.st_mtime_ns} {digest}"

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._file(path) for path in self.paths[index]]
        return self._file(self.paths[int(index)])

    def select(self, indices: Iterable[int]) -> "Members":
        """The members at these indices."""
        return Members(self.archive, [self.paths[k] for k in indices])

    def _file(self, path: Path) -> io.BytesIO:
        try:
            return io.BytesIO(self.archive.read(path))
        except OSError:
            return io.BytesIO()
