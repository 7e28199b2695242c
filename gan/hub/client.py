"""The Hub: fetching and publishing model repositories, and turning its refusals into sentences."""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

from huggingface_hub import HfApi, RepoFile, get_cached_repo_tree, get_token, snapshot_download
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.utils import filter_repo_objects, httpx

from gan.errors import GANError

# What a model repository of any modality consists of (never a pickle, never code).
REPOSITORY_FILES = [
    "model_index.json",
    "*/config.json",
    "*/diffusion_pytorch_model.safetensors",
    "training.json",
    "metrics.json",
    "neighbours.png",
    "sweep.png",
    "README.md",
]
# Far above any model of ours, and far below what fills a disk.
MAX_LISTED, MAX_FILES, MAX_BYTES, MAX_WEIGHTS_BYTES = 20_000, 40, 2**26, 2**32
# What the client raises when the Hub refuses, the connection fails or the disk is full.
FAILURES = (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RevisionResolutionError,
    httpx.HTTPError,
    OSError,
    RuntimeError,
)
Result = TypeVar("Result")
UPLOAD_TRIES = 3
RETRY_SECONDS = 2.0


def download(
    repo_id: str,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    files: list[str] | None = None,
) -> str:
    """Fetches a model repository, or some files of it, into the cache and returns its folder there.

    Counts and sizes are looked at before a byte is fetched. Where the Hub cannot be asked, what has been fetched
    before still serves.

    Args:
        token: `False` for somebody who may only have what is public: no token is sent, and what the Hub refuses isn't
            served from the cache either.

    Raises:
        GANError: if there is no such repository, it is far too large for a model of ours, or it can't be fetched.
    """
    api, patterns = HfApi(token=token), files or REPOSITORY_FILES
    refusal: Exception | None = None
    if not local_files_only:
        try:
            # Pinned, so that what is fetched is what was looked at, whoever pushes in between.
            pinned = api.resolve_revision(repo_id, revision=revision, cache_dir=cache_dir)
            _check_sizes(api, repo_id, pinned.resolved, cache_dir, patterns)
            return snapshot_download(
                repo_id,
                revision=pinned,
                token=token,
                cache_dir=cache_dir,
                force_download=force_download,
                allow_patterns=patterns,
            )
        except FAILURES as error:
            refusal = error
            if token is False and _is_refusal(error):
                raise GANError(f"{repo_id} cannot be fetched: {reason(error)}") from error
    try:
        return snapshot_download(
            repo_id, revision=revision, cache_dir=cache_dir, local_files_only=True, allow_patterns=patterns
        )
    except FAILURES as error:
        cause = refusal or error
        raise GANError(f"{repo_id} cannot be fetched: {reason(cause)}") from cause


def _check_sizes(api: HfApi, repo_id: str, commit: str, cache_dir: str | None, patterns: list[str]) -> None:
    try:
        entries = get_cached_repo_tree(repo_id, revision=commit, cache_dir=cache_dir)
    except CachedRepoTreeNotFoundError:
        listed = list(islice(api.list_repo_tree(repo_id, recursive=True, revision=commit), MAX_LISTED + 1))
        if len(listed) > MAX_LISTED:
            raise GANError(
                f"{repo_id} holds more than {MAX_LISTED:,} files, so it is not a model repository of ours."
            ) from None
        entries = [entry for entry in listed if isinstance(entry, RepoFile)]
    wanted = list(filter_repo_objects(entries, allow_patterns=patterns, key=lambda entry: entry.path))
    if len(wanted) > MAX_FILES:
        raise GANError(
            f"{repo_id} holds {len(wanted)} files that a model could be made of, and {MAX_FILES} at most are "
            f"fetched; it is not a model repository of ours."
        )
    for entry in wanted:
        limit = MAX_WEIGHTS_BYTES if PurePosixPath(entry.path).suffix == ".safetensors" else MAX_BYTES
        if entry.size > limit:
            raise GANError(
                f"{entry.path} of {repo_id} has {entry.size / 2**20:,.0f} MiB, and {limit // 2**20:,} MiB at most are "
                f"fetched; it is not a model of ours."
            )


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
        return _create(api, _full_id(api, name), args.hub_private_repo or None)
    except FAILURES as error:
        raise GANError(f"Publishing to {name} will not work: {reason(error)}") from error


def full_id(repo_id: str, token: str | None = None) -> str:
    """`user/name` for a name alone, which is one of the user who is logged in.

    Raises:
        GANError: if nobody is, or the Hub can't be reached.
    """
    try:
        return _full_id(HfApi(token=token), repo_id)
    except FAILURES as error:
        raise GANError(f"{repo_id} cannot be published: {reason(error)}") from error


def _full_id(api: HfApi, repo_id: str) -> str:
    return repo_id if "/" in repo_id else f"{api.whoami()['name']}/{repo_id}"


def upload(
    folder: Path,
    repo_id: str,
    private: bool | None = None,
    token: str | None = None,
    commit_message: str | None = None,
    kind: str = "model",
    replaced: Sequence[str] = (),
    create_pr: bool = False,
) -> str:
    """Publishes a folder as a repository and returns its address, or that of the pull request.

    `upload_folder` sends a file again when the connection fails, and never sends what the Hub already has: called
    again, it continues where it was, in this process or the next. It doesn't always repeat the commit, so that is done
    here.

    Args:
        kind: "model" or "space".
        replaced: patterns of what is taken away there unless the folder brings it along, such as the metrics of an
            earlier model.
        create_pr: propose the commit as a pull request.

    Raises:
        GANError: if the Hub refuses or can't be reached.
    """
    api = HfApi(token=token)

    def commit() -> str:
        full = _create(api, repo_id, private, kind)
        done = api.upload_folder(
            repo_id=full,
            repo_type=kind,
            folder_path=folder,
            commit_message=commit_message or f"Upload {kind}",
            delete_patterns=list(replaced),
            create_pr=create_pr,
        )
        return done.pr_url if create_pr else f"{api.endpoint}/{'spaces/' * (kind == 'space')}{full}"

    return _tried(commit, f"The {kind} could not be published as {repo_id}")


def published_text(repo_id: str, name: str, token: str | None = None) -> str | None:
    """The text of a file on the Hub as it is now; `None` if it isn't there or the Hub refuses to show it.

    Raises:
        GANError: if the Hub can't be reached.
    """

    def fetch() -> str | None:
        try:
            path = HfApi(token=token).hf_hub_download(repo_id, name)
        except FAILURES as error:
            if http_status(error) in (401, 403, 404) or _is_refusal(error):
                return None
            raise
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")

    return _tried(fetch, f"The model could not be published as {repo_id}")


def _tried(action: Callable[[], Result], failure: str) -> Result:
    """What the action returns, tried again where that may help.

    Raises:
        GANError: if it doesn't; begins with `failure`.
    """
    for attempt in range(1, UPLOAD_TRIES + 1):
        try:
            return action()
        except FAILURES as error:
            if attempt == UPLOAD_TRIES or _is_refusal(error):
                raise GANError(f"{failure}: {reason(error)}") from error
            time.sleep(RETRY_SECONDS * attempt)
    raise AssertionError


def _create(api: HfApi, repo_id: str, private: bool | None, kind: str = "model") -> str:
    """Makes the repository unless it exists; asked to be private, an existing public one is refused."""
    sdk = "gradio" if kind == "space" else None
    created = api.create_repo(repo_id, repo_type=kind, private=private, space_sdk=sdk, exist_ok=True)
    if private and not api.repo_info(created.repo_id, repo_type=kind).private:
        raise GANError(
            f"The {kind} repository {created.repo_id} exists and is public, but a private one was asked for; make it "
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
    """Whether the same request would be refused again: not one that timed out (408), met another commit (412) or came
    too often (429)."""
    status = http_status(error)
    refused = status is not None and 400 <= status < 500 and status not in (408, 412, 429)
    return refused or isinstance(error, HFValidationError)


def reason(error: BaseException) -> str:
    """Why a request failed, as the end of a sentence."""
    status = http_status(error)
    if isinstance(error, HFValidationError):
        return "that is neither a folder here nor an id like user/name."
    if isinstance(error, GatedRepoError):
        return (
            "the Hub refuses access (403); ask for it on the repository's page, or use a token with the right to it."
        )
    if status in (402, 403, 413):
        message = " ".join(str(getattr(error, "server_message", None) or "").split())[:200].rstrip(".")
        return (
            f"the Hub refuses ({status}{f': {message}' if message else ''}); check the rights of the token and the "
            f"room and plan of the account."
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
    if isinstance(error, LocalEntryNotFoundError | RevisionResolutionError):
        return "it is not in the cache, and the Hub cannot be reached; check the name and the connection."
    return "the Hub cannot be reached; check the connection and try again."
