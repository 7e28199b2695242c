"""A checkpoint named by a path, an address, or a place on the Hub, to a file on this machine."""

import hashlib
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from huggingface_hub import HfApi, constants, hf_hub_download, metadata_load
from huggingface_hub.utils import tqdm
from yaml import YAMLError

from gan.errors import GANError
from gan.hub import client as hub
from gan.hub.card import README
from gan.hub.repository import INDEX
from gan.labels import printable
from gan.utils.files import files_into

SUFFIXES = (".pkl", ".pt", ".pth", ".pth.tar", ".bin", ".ckpt", ".safetensors")
MAX_BYTES = 2**33  # of a file; the largest that is published, StyleGAN-XL at 1024 pixels, has two thousand million
MAX_TEXT = 2**20  # bytes of a card or a config.json
CHUNK = 2**20
TIMEOUT = 30  # seconds without a byte
# user/name/file or user/name, a revision after an @
HUB_FILE = re.compile(r"(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})(?:@(?P<revision>[\w./-]+?))?(?:/(?P<file>[^@]+))?")
HUB_PATH = re.compile(r"/(?P<repo>[\w.-]+/[\w.-]+)/(?:resolve|blob|raw)/(?P<revision>[^/]+)/(?P<file>.+)")


@dataclass(frozen=True)
class Fetched:
    """A checkpoint on this machine.

    Attributes:
        path: of the file.
        origin: where it is from, for a card: an address, a place on the Hub, or the name of the file alone.
        license: of the repository that it is from, `None` where none is stated.
    """

    path: Path
    origin: str
    license: str | None = None


def is_address(source: str) -> bool:
    """Whether this is spelled like an address of the web."""
    return source.startswith(("https://", "http://"))


def is_single_file(source: str) -> bool:
    """Whether this names a checkpoint of other code: a file, a folder of one and no model of ours, an address, or
    `user/name/file.pkl` on the Hub."""
    if is_address(source) or Path(source).is_file():
        return True
    if Path(source).is_dir():
        names = [path.name for path in Path(source).iterdir()]
        return INDEX not in names and any(name.endswith(SUFFIXES) for name in names)
    found = HUB_FILE.fullmatch(source)
    return found is not None and str(found["file"]).endswith(SUFFIXES)


def fetch(source: str, token: str | bool | None = None, cache_dir: str | None = None) -> Fetched:
    """The file of a path, of a folder with one checkpoint in it, of an address, of `user/name/file.pkl` on the Hub, or
    of a repository on the Hub with one checkpoint in it.

    Raises:
        GANError: if there is none, several, or it can't be fetched.
    """
    path = Path(source)
    if path.is_file():
        return Fetched(path, printable(path.name))
    if path.is_dir():
        name = _only(sorted(p.name for p in path.iterdir() if p.is_file()), source)
        return Fetched(path / name, printable(f"{path.resolve().name}/{name}"))
    if is_address(source):
        address = urlsplit(source)
        on_hub = HUB_PATH.fullmatch(unquote(address.path))
        if on_hub and address.hostname in ("huggingface.co", urlsplit(constants.ENDPOINT).hostname):
            return _from_hub(on_hub["repo"], on_hub["file"], on_hub["revision"], token, cache_dir)
        return Fetched(_from_address(source, cache_dir), address._replace(query="", fragment="").geturl())
    found = HUB_FILE.fullmatch(source)
    if found is None or source.startswith((".", "/")):
        raise GANError(
            f"There is no file {source}; give a checkpoint's path, its address, or user/name/file.pkl on the Hub."
        )
    return _from_hub(found["repo"], found["file"], found["revision"], token, cache_dir)


def _only(names: list[str], source: str) -> str:
    checkpoints = [name for name in names if name.endswith(SUFFIXES)]
    if not checkpoints:
        raise GANError(f"There is no checkpoint in {source}: none of its files is a {', '.join(SUFFIXES)}.")
    if len(checkpoints) > 1:
        raise GANError(
            f"There are {len(checkpoints)} checkpoints in {source}, {', '.join(checkpoints[:6])}; name one of them, "
            f"such as {source.rstrip('/')}/{checkpoints[0]}."
        )
    return checkpoints[0]


def _from_hub(
    repo_id: str, name: str | None, revision: str | None, token: str | bool | None, cache_dir: str | None
) -> Fetched:
    api = HfApi(token=token)
    try:
        info = api.model_info(repo_id, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        name = name or _only(sorted(sizes), repo_id)
        if name not in sizes:
            raise GANError(f"{repo_id} holds no file {name}; it has {', '.join(sorted(sizes)[:8])}.")
        if sizes[name] > MAX_BYTES:
            raise GANError(f"{name} of {repo_id} has {sizes[name] / 2**30:,.0f} GiB; 8 GiB at most are fetched.")
        beside = (PurePosixPath(name).parent / "config.json").as_posix()
        paths = {
            file: hf_hub_download(repo_id, file, revision=info.sha, token=token, cache_dir=cache_dir)
            for file in (beside, README, name)
            if file == name or sizes.get(file, MAX_TEXT) < MAX_TEXT
        }
    except hub.FAILURES as error:
        raise GANError(f"{repo_id} cannot be fetched: {hub.reason(error)}") from error
    return Fetched(Path(paths[name]), f"{repo_id}/{name}", _stated_license(paths.get(README)))


def _stated_license(card: str | None) -> str | None:
    """The licence in the front matter of a model card."""
    try:
        stated = (metadata_load(card) or {}).get("license") if card else None
    except (OSError, ValueError, YAMLError):
        return None
    return stated if isinstance(stated, str) else None


def _from_address(address: str, cache_dir: str | None) -> Path:
    """Fetched once, into a folder of the cache that only this address has."""
    name = PurePosixPath(unquote(urlsplit(address).path)).name or "checkpoint"
    place = hashlib.sha256(address.encode()).hexdigest()[:16]
    folder = Path(cache_dir or constants.HF_HUB_CACHE) / "single-files" / place
    if (folder / name).is_file():
        return folder / name
    request = urllib.request.Request(address, headers={"User-Agent": "gan-studio"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, files_into(folder) as temporary:
            size = int(answer.headers.get("Content-Length") or 0)
            done = 0
            with (temporary / name).open("wb") as file, tqdm(total=size or None, unit="B", unit_scale=True) as bar:
                while chunk := answer.read(CHUNK):
                    done += len(chunk)
                    if done > MAX_BYTES:
                        raise GANError(f"{address} has more than 8 GiB, which is not fetched.")
                    file.write(chunk)
                    bar.update(len(chunk))
            if size and done < size:
                raise GANError(f"{address} broke off after {done:,} of {size:,} bytes; try again.")
    except urllib.error.HTTPError as error:
        raise GANError(f"{address} cannot be fetched: the server answers {error.code} ({error.reason}).") from error
    except (OSError, ValueError) as error:
        raise GANError(f"{address} cannot be fetched ({error}); check the address and the connection.") from error
    return folder / name
