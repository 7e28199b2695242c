"""The package as a wheel, which travels beside a model: `pip install` of that one file is all that a stranger needs.

Written here, without a build tool, because a model may be saved where there is none and no source tree either. The
same package makes the same bytes, so that pushing again sends nothing again.
"""

import base64
import functools
import hashlib
import io
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

from gan.version import __version__

DISTRIBUTION = "gan-studio"
PACKAGE = Path(__file__).parents[1]
SUFFIXES = (".py", ".js", ".css", ".html")  # of what belongs to the package, whatever else lies in its folders
NAME = f"{DISTRIBUTION.replace('-', '_')}-{__version__}-py3-none-any.whl"
PATTERN = f"{DISTRIBUTION.replace('-', '_')}-*.whl"  # also of other versions
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


def package_files() -> dict[str, bytes]:
    """The files of the package by their path from the folder that it is in, such as `gan/version.py`."""
    return {
        path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes()
        for path in sorted(PACKAGE.rglob("*"))
        if path.suffix in SUFFIXES and path.is_file()
    }


def wheel_in(folder: Path) -> str | None:
    """File name of the package in a model's folder, if it is there."""
    return max((path.name for path in folder.glob(PATTERN)), default=None)


@functools.cache
def wheel() -> bytes | None:
    """The contents of the wheel `NAME`; `None` for a bare copy of the package, as in a Space, which doesn't know what
    it depends on."""
    about = _of_a_clone() or _of_an_installation()
    if about is None:
        return None
    tag = f"Wheel-Version: 1.0\nGenerator: {DISTRIBUTION} ({__version__})\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    info = f"{NAME.removesuffix('-py3-none-any.whl')}.dist-info"
    files = package_files()
    files |= {f"{info}/{name}": text.encode() for name, text in (about | {"WHEEL": tag}).items()}
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _of_a_clone() -> dict[str, str] | None:
    """The package's METADATA and licence, from `pyproject.toml` and `LICENSE` beside it."""
    root = PACKAGE.parent
    if not (root / "pyproject.toml").is_file():
        return None
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    if project.get("name") != DISTRIBUTION:
        return None
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {DISTRIBUTION}",
        f"Version: {__version__}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {requirement}" for requirement in project["dependencies"]),
    ]
    for extra, requirements in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {requirement}; extra == "{extra}"' for requirement in requirements]
    licence = (root / "LICENSE").read_text(encoding="utf-8")
    return {"METADATA": "\n".join(lines) + "\n", "licenses/LICENSE": licence}


def _of_an_installation() -> dict[str, str] | None:
    """The same, from what pip installed the package with."""
    try:
        installed = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    if Path(str(installed.locate_file(PACKAGE.name))).resolve() != PACKAGE.resolve():
        return None  # it is another copy that is installed
    head = (installed.read_text("METADATA") or "").partition("\n\n")[0].rstrip("\n") + "\n"
    return {"METADATA": head, "licenses/LICENSE": installed.read_text("licenses/LICENSE") or ""}


def _digest(data: bytes) -> str:
    """As a RECORD holds it: SHA-256 in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
