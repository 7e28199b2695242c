"""What the scripts of this folder share: pinned packages, a data set on disk, and its comparison with another.

A package is fetched by npm, apt or pip itself, so that whatever registry and cache it is set up with is used, and its
archive is checked against the hash that is written here in the scripts. Nothing in it is run but DiceBear's own
drawing.
"""

import base64
import hashlib
import io
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image

CACHE = Path.home() / ".cache" / "gan-studio" / "packages"


@dataclass(frozen=True)
class Package:
    """A package of npm.

    Attributes:
        name: with its scope, `@scope/name`.
        version: exact.
        integrity: of its archive, as npm and browsers write it: `sha512-` and base64.
    """

    name: str
    version: str
    integrity: str


def fetch(package: Package, cache: Path = CACHE) -> Path:
    """The archive of a package, from the cache or by npm.

    Raises:
        SystemExit: if npm is missing or cannot fetch it, or the archive is another one than is written here.
    """
    name = f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"
    archive = cache / name
    if not archive.is_file():
        if shutil.which("npm") is None:
            raise SystemExit("npm is needed to fetch packages; install Node.js (Debian: apt install npm).")
        wanted = f"{package.name}@{package.version}"
        failure = _put(archive, ["npm", "pack", "--silent", "--ignore-scripts", wanted])
        if failure is not None:
            raise SystemExit(f"npm could not fetch {wanted}: {failure}")
    return _checked(archive, package, integrity(archive.read_bytes()), package.integrity)


def integrity(data: bytes) -> str:
    """The hash of an archive as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian, for all architectures.

    Attributes:
        name, version: exact.
        sha256: of its archive, as `apt-cache show` prints it.
    """

    name: str
    version: str
    sha256: str


def fetch_debian(package: DebianPackage, cache: Path = CACHE) -> Path:
    """The archive of a package, from the cache or by apt.

    Raises:
        SystemExit: if apt is missing or cannot fetch it, or the archive is another one than is written here.
    """
    archive = cache / f"{package.name}_{package.version}_all.deb"
    if not archive.is_file():
        if shutil.which("apt-get") is None:
            raise SystemExit(f"apt is needed to fetch packages of Debian; or put {archive.name} into {cache}.")
        wanted = f"{package.name}={package.version}"
        failure = _put(archive, ["apt-get", "download", wanted])
        if failure is not None:
            raise SystemExit(
                f"apt could not fetch {wanted}: {failure} Run apt-get update first; or, where this is another release "
                f"of Debian, put {archive.name} into {cache}."
            )
    return _checked(archive, package, sha256(archive), package.sha256)


@dataclass(frozen=True)
class Wheel:
    """A package of PyPI in pure Python.

    Attributes:
        name, version: exact.
        sha256: of its wheel, as PyPI lists it.
    """

    name: str
    version: str
    sha256: str


def fetch_wheel(package: Wheel, cache: Path = CACHE) -> Path:
    """The wheel of a package, from the cache or by pip; it is not installed.

    Raises:
        SystemExit: if pip cannot fetch it, or the wheel is another one than is written here.
    """
    archive = cache / f"{package.name}-{package.version}-py3-none-any.whl"
    if not archive.is_file():
        wanted = f"{package.name}=={package.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", wanted]
        failure = _put(archive, command)
        if failure is not None:
            raise SystemExit(f"pip could not fetch {wanted}: {failure}")
    return _checked(archive, package, sha256(archive), package.sha256)


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(archive: Path, command: list[str]) -> str | None:
    """Runs a command that shall put an archive into its working folder; what it said if there is none then."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    said = subprocess.run(command, cwd=archive.parent, capture_output=True, text=True)
    done = not said.returncode and archive.is_file()
    return None if done else said.stderr.strip() or said.stdout.strip()


def _checked(archive: Path, package: Package | DebianPackage | Wheel, found: str, expected: str) -> Path:
    """An archive; another one than is expected, by its checksum, is removed.

    Raises:
        SystemExit: if it is.
    """
    if found != expected:
        archive.unlink()
        raise SystemExit(f"The archive of {package.name} {package.version} is {found}, not {expected}.")
    return archive


def read_debian(archive: Path, members: Collection[str]) -> dict[str, bytes]:
    """Files of a package of Debian by path: it is an `ar` archive, in which a tar archive has them."""
    with archive.open("rb") as file:
        file.seek(len(b"!<arch>\n"))
        while not (header := file.read(60)).startswith(b"data.tar"):
            size = int(header[48:58])
            file.seek(size + size % 2, 1)
        with tarfile.open(fileobj=file, mode="r|xz") as tar:
            found = ((entry.name.removeprefix("./"), entry) for entry in tar)
            return {name: tar.extractfile(entry).read() for name, entry in found if name in members}  # type: ignore[union-attr]


def read(archive: Path, member: str) -> bytes:
    """A file of a package."""
    with tarfile.open(archive) as members:
        file = members.extractfile(f"package/{member}")
        assert file is not None
        return file.read()


def install(packages: Sequence[Package], folder: Path, cache: Path = CACHE) -> None:
    """Lays packages out below `folder/node_modules`, without what else they ask for and without running anything."""
    for package in packages:
        place = folder / "node_modules" / package.name
        with tarfile.open(fetch(package, cache)) as members:
            members.extractall(place.parent / f".{place.name}", filter="data")
        (place.parent / f".{place.name}" / "package").rename(place)


def render(svg: str, side: int, background: str | None = None) -> Image.Image:
    """An SVG as a square RGB picture.

    Raises:
        SystemExit: where resvg is not installed.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise SystemExit("resvg is needed to draw SVGs; `pip install resvg-py==0.5.0` brings it.") from None
    data = bytes(svg_to_bytes(svg_string=svg, width=side, height=side, background=background))
    return Image.open(io.BytesIO(data)).convert("RGB")


def held_out(names: set[str], seed: int) -> set[str]:
    """A tenth of the names, always the same ones."""
    ordered = sorted(names)
    random.Random(seed).shuffle(ordered)
    return set(ordered[: len(ordered) // 10])


def write(folder: Path, splits: dict[str, dict[str, Any]], features: datasets.Features, card: str) -> None:
    """Writes a data set as a repository of the Hub: Parquet below `data`, and its card.

    Args:
        splits: columns by name of the split; pictures are PIL images.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split, columns in splits.items():
        rows = {name: list(map(_png, values)) if name == "image" else values for name, values in columns.items()}
        table = datasets.Dataset.from_dict(rows, features=features)
        table.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
        print(f"{split}: {len(table):,} samples", file=sys.stderr)
    (folder / "README.md").write_text(card, encoding="utf-8")


def _png(picture: Image.Image) -> dict[str, Any]:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return {"bytes": file.getvalue(), "path": None}


def compare(mine: Path, theirs: Path, keys: Sequence[str]) -> str:
    """How far two data sets show the same pictures, split by split, in whatever order, as a table.

    Args:
        keys: columns that say what a picture is of. Among those of the same, each is compared with its equal or, where
            there is none, with the one that it is most like.
    """
    rows = [["split", "pictures", "of the other", "equal in every pixel", "mean difference, of 255", "largest"]]
    rows.append(["---"] * len(rows[0]))
    for split in ("train", "test"):
        first, second = (_grouped(folder, split, keys) for folder in (mine, theirs))
        counts = [sum(map(len, groups.values())) for groups in (first, second)]
        differences = np.concatenate([_differences(group, second.get(key, [])) for key, group in first.items()])
        rows.append(
            [
                split,
                *(f"{count:,}" for count in counts),
                f"{(differences[:, 1] == 0).mean():.2%}",
                f"{differences[:, 0].mean():.4f}",
                f"{differences[:, 1].max():.0f}",
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _grouped(folder: Path, split: str, keys: Sequence[str]) -> dict[Any, list[np.ndarray]]:
    table = datasets.load_dataset(str(folder), split=split)
    groups: dict[Any, list[np.ndarray]] = {}
    for key, picture in zip(zip(*(table[name] for name in keys)), table["image"], strict=True):
        groups.setdefault(key, []).append(np.asarray(picture))
    return groups


def _differences(pictures: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    """(n, 2) mean and largest difference of grey levels from the most similar of other pictures; 255 without one."""
    known = {other.tobytes() for other in others}
    found = []
    for picture in pictures:
        if picture.tobytes() in known:
            found.append((0.0, 0.0))
            continue
        apart = [np.abs(picture.astype(np.int16) - other) for other in others if other.shape == picture.shape]
        found.append(min([(float(d.mean()), float(d.max())) for d in apart] or [(255.0, 255.0)]))
    return np.array(found)
