"""Keyword arguments that diffusers' pipelines take and that have a single answer here: each is obeyed, or refused in a
sentence of its own."""

from collections.abc import Collection, Mapping
from typing import Any

from gan.errors import GANError

NO_CODE = "no code from a repository is run"
# By keyword: the values that ask for what is done anyhow, and why others are refused.
Refusals = Mapping[str, tuple[tuple[Any, ...], str]]
LOADING: Refusals = {
    "use_safetensors": ((None, True), "weights are safetensors, and a pickle can run code"),
    "variant": (
        (None,),
        "a repository has one set of weights; dtype=torch.float16 loads any of them in half precision",
    ),
    "trust_remote_code": ((None, False), NO_CODE),
    "custom_pipeline": ((None,), NO_CODE),
    "custom_revision": ((None,), NO_CODE),
    "load_connected_pipeline": ((None, False), "a model is one pipeline"),
    "quantization_config": ((None,), "models have a few megabytes; dtype=torch.float16 halves them"),
    "max_memory": ((None,), "a model goes to one device as a whole; name it with device_map"),
    "offload_folder": ((None,), "a model goes to one device as a whole; name it with device_map"),
    "offload_state_dict": ((None, False), "weights are mapped from their file, which takes no second copy"),
    "use_onnx": ((None, False), "ONNX files are made by `python -m gan.export` and not loaded"),
    "provider": ((None,), "it is one of ONNX, which is not loaded"),
    "sess_options": ((None,), "it is one of ONNX, which is not loaded"),
    "provider_options": ((None,), "it is one of ONNX, which is not loaded"),
    "use_flashpack": ((None, False), "weights are safetensors"),
    "dduf_file": ((None,), "a model is a folder or a repository"),
    "proxies": ((None,), "the client of the Hub takes them from HTTPS_PROXY in the environment"),
    "mirror": ((None,), "the client of the Hub takes it from HF_ENDPOINT in the environment"),
}
SAVING: Refusals = {
    "safe_serialization": ((None, True), "weights are safetensors, and a pickle can run code"),
    "variant": ((None,), "a repository has one set of weights; halve_weights() makes them float16"),
    "use_flashpack": ((None, False), "weights are safetensors"),
    "subfolder": ((None, ""), "a model is a repository of its own with its card at the top; name another repo_id"),
}


def check_keywords(function: str, given: Mapping[str, Any], refusals: Refusals, known: Collection[str] = ()) -> None:
    """Raises `GANError` for a keyword that asks for what isn't done here, or that nobody knows.

    Args:
        function: what was called.
        given: the keywords.
        refusals: `LOADING` or `SAVING`.
        known: keywords that are obeyed.
    """
    for name, value in given.items():
        if name in known:
            continue
        if name not in refusals:
            raise GANError(f"{function} knows no {name}; leave it out.")
        harmless, why = refusals[name]
        if not any(value is one or value == one for one in harmless):
            raise GANError(f"{function} cannot take {name}={value!r}: {why}; leave it out.")
