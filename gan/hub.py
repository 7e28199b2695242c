"""The Hub: fetching and publishing model repositories, and turning its refusals into sentences."""

import argparse
import time
from pathlib import Path

from huggingface_hub import HfApi, get_token, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import httpx

from gan.errors import GANError

# What a model repository consists of (never a pickle, never code).
REPOSITORY_FILES = [
    "model_index.json",
    "*/config.json",
    "*/diffusion_pytorch_model.safetensors",
    "training.json",
    "metrics.json",
    "neighbours.png",
    "sweep.png",
    "tokenizer.json",
    "README.md",
]
# What the client raises when the Hub refuses, the line breaks or the disk is full.
FAILURES = (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.HTTPError, OSError, RuntimeError)
UPLOAD_TRIES = 3
RETRY_SECONDS = 2.0


def download(
    repo_id: str,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: str | None = None,
    local_files_only: bool = False,
    files: list[str] | None = None,
) -> str:
    """Fetches a model repository, or some files of it, into the cache and returns its folder there.

    Raises:
        GANError: if there is no such repository or it can't be fetched.
    """
    try:
        return snapshot_download(
            repo_id,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            allow_patterns=files or REPOSITORY_FILES,
        )
    except FAILURES as error:
        raise GANError(f"{repo_id} cannot be fetched: {reason(error)}") from error


def prepare_repository(args: argparse.Namespace) -> str:
    """Creates the repository that a run will publish to, before it trains; returns its full id.

    Args:
        args: `hub_model_id`, `hub_private_repo`, `hub_token`, `output_dir`.

    Raises:
        GANError: if there is no token or the Hub refuses, while nothing is lost yet.
    """
    if not (args.hub_token or get_token()):
        raise GANError("--push_to_hub needs a write token: log in with `hf auth login`, or set HF_TOKEN.")
    name = args.hub_model_id or Path(args.output_dir).resolve().name
    try:
        api = HfApi(token=args.hub_token)
        repo_id = name if "/" in name else f"{api.whoami()['name']}/{name}"
        return _create(api, repo_id, args.hub_private_repo or None)
    except FAILURES as error:
        raise GANError(f"Publishing to {name} will not work: {reason(error)}") from error


def upload(
    folder: Path,
    repo_id: str,
    private: bool | None = None,
    token: str | None = None,
    commit_message: str | None = None,
) -> str:
    """Publishes a folder as a model repository and returns its address.

    A commit that fails is tried again: what has been uploaded by then isn't sent twice.

    Raises:
        GANError: if the Hub refuses or can't be reached.
    """
    api = HfApi(token=token)
    for attempt in range(1, UPLOAD_TRIES + 1):
        try:
            repo_id = _create(api, repo_id, private)
            api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=commit_message or "Upload model")
            return f"{api.endpoint}/{repo_id}"
        except FAILURES as error:
            if attempt == UPLOAD_TRIES or _is_refusal(error):
                raise GANError(
                    f"The model could not be published as {repo_id}: {reason(error)} It is safe on disk; publish it "
                    f'later with GANPipeline.from_pretrained(folder).push_to_hub("{repo_id}").'
                ) from error
            time.sleep(RETRY_SECONDS * attempt)
    raise AssertionError


def _create(api: HfApi, repo_id: str, private: bool | None) -> str:
    """Makes the repository unless it exists; asked to be private, an existing public one is refused."""
    created = api.create_repo(repo_id, private=private, exist_ok=True)
    if private and not api.repo_info(created.repo_id).private:
        raise GANError(
            f"The repository {created.repo_id} exists and is public, but a private one was asked for; make it "
            f"private in its settings on the Hub, or choose another name."
        )
    return created.repo_id


def http_status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error, if there is one: the client wraps some errors in others."""
    while error is not None:
        response = getattr(error, "response", None)
        if response is not None:
            return response.status_code
        error = error.__cause__ or error.__context__
    return None


def _is_refusal(error: BaseException) -> bool:
    status = http_status(error)
    return isinstance(error, HFValidationError) or (status is not None and 400 <= status < 500)


def reason(error: BaseException) -> str:
    """What the Hub or the line to it had against a request, as the end of a sentence."""
    status = http_status(error)
    if isinstance(error, HFValidationError):
        return "that is neither a folder here nor an id like user/name."
    if isinstance(error, GatedRepoError) or status == 403:
        return (
            "the Hub refuses access (403); ask for it on the repository's page, or use a token with the right to it."
        )
    if isinstance(error, RevisionNotFoundError):
        return "the Hub has no such revision; check its name."
    if isinstance(error, RepositoryNotFoundError) or status == 404:
        return "the Hub knows no such repository, or it is private; check the name, or log in with `hf auth login`."
    if status == 401:
        return "the Hub does not accept the token (401); log in again with `hf auth login`."
    if status is not None:
        return f"the Hub answered with an error ({status}); try again later."
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.strerror}; make room or check the folder."
    if isinstance(error, LocalEntryNotFoundError):
        return "it is not in the cache, and the Hub cannot be reached; check the name and the connection."
    return "the Hub cannot be reached; check the connection and try again."
