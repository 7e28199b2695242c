"""The web page of an exported generator: `gan/export/browser` beside the model, and where its runtime comes from."""

import base64
import hashlib
import tarfile
import zlib
from pathlib import Path
from typing import Any

from gan.errors import GANError
from gan.export.onnx import Export
from gan.latent.directions import ranked
from gan.latent.steering import SteerablePipeline
from gan.utils.files import as_json

DIRECTIONS = 12  # with sliders of their own
PAGE = Path(__file__).with_name("browser")
VERSION = "1.30.0"
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
RUNTIME = {  # the files of onnxruntime-web that the page runs; the browser checks them, wherever they come from
    "ort.wasm.bundle.min.mjs": "sha384-PLWz+nHEVHpjwBsO0YVdvQj6n5814Iv8E3b8FG0Rp/uIAtjFMCKOpP66iPzedrIG",
    "ort-wasm-simd-threaded.wasm": "sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
}


def files(
    codes: Export, draw: Export, moves: list[dict[str, Any]], runtime: dict[str, bytes] | None
) -> dict[str, bytes]:
    """The contents of the page's files by name.

    Args:
        codes, draw: the halves of a generator of pictures, as ONNX files; the first takes seeds.
        moves: what `directions` returns.
        runtime: what `unpacked` returns, to be put beside the page; `None` refers to a CDN.
    """
    source = {"from": "./" if runtime else CDN, "integrity": list(RUNTIME.items())}
    page = {file.name: file.read_bytes() for file in sorted(PAGE.iterdir())}
    known = {**draw.record, "bytes": len(codes.data) + len(draw.data), "directions": moves, "runtime": source}
    models = {"codes.onnx": codes.data, "draw.onnx": draw.data, "model.json": as_json(known)}
    return {**page, **models, **(runtime or {})}


def directions(pipeline: SteerablePipeline) -> list[dict[str, Any]]:
    """The first of a model's directions for the page's sliders: name, range, and the vector, float32 in base64."""
    found = pipeline.usable_directions()
    return [
        {
            "name": name,
            "range": found.records[name]["range"],
            "vector": base64.b64encode(found.vectors[name].contiguous().numpy().astype("<f4").tobytes()).decode(),
        }
        for name in ranked(found.records)[:DIRECTIONS]
    ]


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
