"""The web page of an exported generator: `gan/browser` beside the file, and where its runtime comes from."""

import base64
import hashlib
import json
import tarfile
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


def files(model: bytes, record: dict[str, Any], runtime: str | None) -> dict[str, bytes]:
    """The contents of the page's files by name.

    Args:
        model: an ONNX file that takes seeds and makes pictures.
        record: what `gan.export` says of it.
        runtime: the file that `npm pack` fetched, whose runtime is put beside the page; `None` refers to a CDN.

    Raises:
        GANError: if it isn't that file.
    """
    source = "./" if runtime else CDN
    known = {**record, "bytes": len(model), "runtime": {"from": source, "integrity": list(RUNTIME.items())}}
    page = {file.name: file.read_bytes() for file in sorted(PAGE.iterdir())}
    brought = unpacked(Path(runtime)) if runtime else {}
    return {**page, "model.onnx": model, "model.onnx.json": as_json(known), **brought}


def unpacked(runtime: Path) -> dict[str, bytes]:
    """The runtime's files in what `npm pack` fetched.

    Raises:
        GANError: if they aren't there, or aren't those of the version that was tested.
    """
    remedy = f"fetch it with npm pack onnxruntime-web@{VERSION}"
    try:
        with tarfile.open(runtime) as archive:
            found = {name: archive.extractfile(f"package/dist/{name}").read() for name in RUNTIME}  # type: ignore[union-attr]
    except (OSError, tarfile.TarError, KeyError, AttributeError) as error:
        raise GANError(f"{runtime} is not onnxruntime-web {VERSION} ({error}); {remedy}.") from error
    for name, data in found.items():
        if integrity(data) != RUNTIME[name]:
            raise GANError(f"{runtime} is not onnxruntime-web {VERSION} ({name} is another); {remedy}.")
    return found


def integrity(data: bytes) -> str:
    """The hash of a file as browsers check it (subresource integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


def as_json(content: dict[str, Any]) -> bytes:
    """JSON that a person can read."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
