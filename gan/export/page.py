"""The web page of an exported generator: `gan/export/browser` beside the model, and where its runtime comes from."""

import base64
import hashlib
import json
import tarfile
import zlib
from pathlib import Path
from typing import Any

from gan.errors import GANError

PAGE = Path(__file__).with_name("browser")
VERSION = "1.30.0"
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
RUNTIME = {  # the files of onnxruntime-web that the page runs; the browser checks them, wherever they come from
    "ort.wasm.bundle.min.mjs": "sha384-PLWz+nHEVHpjwBsO0YVdvQj6n5814Iv8E3b8FG0Rp/uIAtjFMCKOpP66iPzedrIG",
    "ort-wasm-simd-threaded.wasm": "sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
}


def files(model: bytes, record: dict[str, Any], runtime: dict[str, bytes] | None) -> dict[str, bytes]:
    """The contents of the page's files by name.

    Args:
        model: an ONNX file that takes seeds and makes pictures.
        record: what `gan.export.onnx` says of it.
        runtime: what `unpacked` returns, to be put beside the page; `None` refers to a CDN.
    """
    source = {"from": "./" if runtime else CDN, "integrity": list(RUNTIME.items())}
    page = {file.name: file.read_bytes() for file in sorted(PAGE.iterdir())}
    known = as_json({**record, "bytes": len(model), "runtime": source})
    return {**page, "model.onnx": model, "model.onnx.json": known, **(runtime or {})}


def unpacked(archive: Path) -> dict[str, bytes]:
    """The runtime's files in what `npm pack` fetched.

    Raises:
        GANError: if they aren't there, or aren't those of the version that was tested.
    """
    found = {}
    try:
        with tarfile.open(archive) as members:
            for name in RUNTIME:
                member = members.extractfile(f"package/dist/{name}")
                found[name] = member.read() if member else b""
    except (OSError, tarfile.TarError, zlib.error, KeyError, EOFError):
        found = {}
    if {name: integrity(data) for name, data in found.items()} != RUNTIME:
        raise GANError(
            f"{archive} is not the package of onnxruntime-web {VERSION}, or is damaged; fetch it with "
            f"npm pack onnxruntime-web@{VERSION}."
        )
    return found


def integrity(data: bytes) -> str:
    """The hash of a file as browsers check it (subresource integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


def as_json(content: dict[str, Any]) -> bytes:
    """JSON that a person can read."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
