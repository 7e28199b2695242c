"""A stand-in Hugging Face Hub on loopback, so that publishing and loading are tested without a network or an account.

    with HubServer(tmp_path / "hub") as hub:
        subprocess.run([sys.executable, "train.py", "--push_to_hub", ...], env=hub.env(tmp_path / "home"), check=True)
        assert "model_index.json" in hub.repos["model", "tester/x"].files()

Real: the unmodified `huggingface_hub` and `datasets` clients, HTTP, hashes, LFS, resumed downloads, error codes.
Stand-in: this server. It knows the calls that those clients make here, from reading and watching them.
Not covered, and refused with 501 rather than faked: Xet, branches and tags, search, running Spaces. Of pull requests
it only takes note.
Absent: the redirect to a CDN, long listings in pages, gated repositories (but see `fail`). Of the Hub's rules for
cards only a few that are easy to trip over are checked.

`huggingface_hub` reads HF_ENDPOINT when it is imported: run clients in a subprocess, with `hub.env(home)`.
"""

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LFS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".parquet", ".arrow", ".npy", ".npz", ".zip")
GIT_ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()
COLORS = "red|yellow|green|blue|indigo|purple|pink|gray"
SPACE_CARD = {"sdk": "gradio|docker|static", "colorFrom": COLORS, "colorTo": COLORS, "short_description": ".{0,60}"}
REPO_CALLS = ("revision", "tree", "paths-info", "preupload", "commit")
ERROR_CODES = {401: "RepoNotFound", 403: "GatedRepo", 404: "RepoNotFound"}


class Refusal(Exception):
    """An answer with an error status. The client picks its exception from the status and from X-Error-Code."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: Any):
        self.status, self.body = status, {"error": message} | more
        self.headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})


def is_lfs(path: str, size: int, sample: bytes) -> bool:
    return size > 0 and (PurePosixPath(path).suffix in LFS_SUFFIXES or size > 10 * 2**20 or b"\0" in sample)


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def describe(path: str, data: bytes) -> dict[str, Any]:
    """A file as the Hub lists it. Git names a large file after its pointer, LFS after its content."""
    entry = {"type": "file", "path": path, "size": len(data)}
    if not is_lfs(path, len(data), data[:512]):
        return entry | {"oid": git_oid(data)}
    sha256 = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(data)}\n".encode()
    return entry | {"oid": git_oid(pointer), "lfs": {"oid": sha256, "size": len(data), "pointerSize": len(pointer)}}


def content_oid(entry: dict[str, Any]) -> str:
    return entry.get("lfs", entry)["oid"]


@dataclass
class Repo:
    """One repository: a plain folder of files for each commit on main."""

    kind: str
    id: str
    folder: Path
    private: bool = False
    settings: dict[str, Any] = field(default_factory=dict)  # what the client asked for, e.g. the sdk of a Space
    log: dict[str, dict[str, str]] = field(default_factory=dict)  # by sha, oldest first
    proposals: list[dict[str, bytes | None]] = field(default_factory=list)  # of pull requests: the changes of each

    def sha(self, revision: str = "main") -> str:
        sha = list(self.log)[-1] if revision == "main" else revision
        if sha not in self.log:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha

    def files(self, revision: str = "main") -> dict[str, bytes]:
        tree = self.folder / self.sha(revision)
        return {p.relative_to(tree).as_posix(): p.read_bytes() for p in sorted(tree.rglob("*")) if p.is_file()}

    def commit(self, title: str, changes: dict[str, bytes | None]) -> str:
        """Writes (bytes) and deletes (None) files and folders, in order, on top of main."""
        sha = secrets.token_hex(20)
        tree = self.folder / sha
        tree.mkdir(parents=True)
        if self.log:
            shutil.copytree(self.folder / self.sha(), tree, dirs_exist_ok=True)
        for path, data in changes.items():
            target = tree / path
            if data is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            elif target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        self.log[sha] = {"id": sha, "title": title, "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}
        return sha

    def tree(self, revision: str) -> list[dict[str, Any]]:
        """Every file and folder, as the Hub lists them."""
        files = self.files(revision)
        folders = sorted({str(folder) for path in files for folder in list(PurePosixPath(path).parents)[:-1]})
        listed = [{"type": "directory", "path": path, "size": 0, "oid": git_oid(path.encode())} for path in folders]
        return listed + [describe(path, data) for path, data in files.items()]


@dataclass
class Fault:
    status: int | None  # None: hang up
    path_contains: str
    times: float
    code: str | None = None
    after_bytes: int = 0


class HubServer:
    """Serves inside `with`. Clients must send `token`, if there is one, to write and to read private repositories."""

    user = "tester"

    def __init__(self, root: Path, token: str | None = None):
        self.root, self.token = Path(root), token
        self.repos: dict[tuple[str, str], Repo] = {}
        self.requests: list[tuple[str, str]] = []  # (method, path and query), in order of arrival
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.lfs = self.root / "lfs"
        self.lfs.mkdir(parents=True)
        self.http = Listener(("127.0.0.1", 0), Handler)
        self.http.hub = self
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def env(self, home: Path) -> dict[str, str]:
        """The environment of a client process: this Hub, a cache under `home`, nothing of the caller's own login."""
        env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        env |= {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        env |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        return env | ({"HF_TOKEN": self.token} if self.token else {})

    def create(self, kind: str, repo_id: str, files: dict[str, bytes] | None = None, private: bool = False) -> Repo:
        """A repository with these files, and `.gitattributes` in its first commit, as the Hub makes it."""
        repo = Repo(kind, repo_id, self.root / f"{kind}s" / repo_id, private)
        repo.commit("initial commit", {".gitattributes": GIT_ATTRIBUTES} | (files or {}))
        self.repos[kind, repo_id] = repo
        return repo

    def fail(self, status: int, path_contains: str = "", times: float = 1, code: str | None = None) -> None:
        """Answers the next `times` (math.inf: all) matching requests so. "PUT /lfs/" matches by method, too.

        `code` is the X-Error-Code; by default what the Hub sends with this status, "" for none.
        """
        self.faults.append(Fault(status, path_contains, times, code))

    def drop(self, path_contains: str = "", after_bytes: int = 0, times: float = 1) -> None:
        """Hangs up on matching requests (never a HEAD) after so many bytes of the upload, or else of the download."""
        self.faults.append(Fault(None, path_contains, times, after_bytes=after_bytes))

    def weather(self, method: str, path: str) -> Fault | None:
        """Takes note of a request, and says what shall go wrong with it."""
        if path == "/api/agent-harnesses":  # the client's telemetry, of no interest to a test
            return None
        self.requests.append((method, path))
        for fault in self.faults:
            if fault.times > 0 and fault.path_contains in f"{method} {path}" and (fault.status or method != "HEAD"):
                fault.times -= 1
                return fault
        return None


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    hub: HubServer

    def handle_error(self, *args: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients may go away
            super().handle_error(*args)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body leave in two writes, which would otherwise wait for each other

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        self.hub = self.server.hub
        url, path = urlsplit(self.path), unquote(self.path)
        self.query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.reply_headers, status = {"Content-Type": "application/json"}, 200
        with self.hub.lock:
            fault = self.hub.weather(self.command, path)
        dropping, length = fault is not None and fault.status is None, int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(min(length, fault.after_bytes) if dropping else length)
        if dropping and length:
            self.hang_up()
            return
        try:
            if fault and not dropping:
                raise self.injected(fault, path)
            with self.hub.lock:
                payload = self.route([unquote(part) for part in url.path.split("/")[1:]])
        except Refusal as refusal:
            status, payload = refusal.status, refusal.body
            self.reply_headers |= refusal.headers
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.send_response(206 if "Content-Range" in self.reply_headers and status == 200 else status)
        for name, value in ({"Content-Length": str(len(payload))} | self.reply_headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload[: fault.after_bytes] if dropping else payload)
        if dropping:
            self.hang_up()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def injected(self, fault: Fault, path: str) -> Refusal:
        of_a_repo = not path.startswith(("/api/repos", "/api/whoami", "/api/validate", "/lfs/"))
        gated = fault.status != 403 or self.command in ("GET", "HEAD")  # nothing is gated for writing
        code = ERROR_CODES.get(fault.status) if fault.code is None and of_a_repo and gated else fault.code
        return Refusal(fault.status, f"made to fail with {fault.status}", code)

    def signed_in(self) -> bool:
        sent = self.headers.get("Authorization")
        if sent and self.hub.token and sent != f"Bearer {self.hub.token}":
            raise Refusal(401, "Invalid credentials in Authorization header")
        return bool(sent) or self.hub.token is None

    def check_namespace(self, owner: str) -> None:
        if owner != self.hub.user:
            raise Refusal(403, f'You don\'t have the rights to write under the namespace "{owner}"')

    def repo(self, kind: str, repo_id: str, write: bool = False) -> Repo:
        """The repository, if the client may know of it: the Hub does not tell a stranger private from missing."""
        repo, signed_in = self.hub.repos.get((kind, repo_id)), self.signed_in()
        if repo is None and self.headers.get("Authorization"):
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if repo is None or (not signed_in and (write or repo.private)):
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        if write:
            self.check_namespace(repo_id.split("/")[0])
        return repo

    def web_url(self, kind: str, repo_id: str) -> str:
        return f"{self.hub.url}/{'' if kind == 'model' else kind + 's/'}{repo_id}"

    def route(self, parts: list[str]) -> Any:
        match [self.command, *parts]:
            case ["GET", "api", "agent-harnesses"]:
                return {"standardEnvVars": [], "harnesses": {}}
            case ["GET", "api", "whoami-v2"]:
                if not self.headers.get("Authorization") or not self.signed_in():
                    raise Refusal(401, "Invalid username or password.")
                return {"type": "user", "name": self.hub.user, "fullname": "A Tester", "orgs": []}
            case ["POST", "api", "validate-yaml"]:
                return self.validate_card(**json.loads(self.body))
            case ["POST", "api", "repos", "create"]:
                return self.create_repo(**json.loads(self.body))
            case ["PUT", "lfs", oid]:  # a signed address on the real Hub, so without a login here
                if hashlib.sha256(self.body).hexdigest() != oid:
                    raise Refusal(400, "the bytes do not match their name")
                (self.hub.lfs / oid).write_bytes(self.body)
                return b""
            case ["POST", "lfs", oid, "verify"] if (self.hub.lfs / oid).exists():
                return {}
            case [_, "api", "models" | "datasets" | "spaces" as kinds, *rest] if rest:
                cut = 1 if len(rest) == 1 or rest[1] in REPO_CALLS else 2
                return self.repo_call(kinds[:-1], "/".join(rest[:cut]), rest[cut:])
        kind = parts.pop(0)[:-1] if parts[0] in ("datasets", "spaces") else "model"
        match [self.command, *parts]:
            case ["GET" | "HEAD", *_] if "resolve" in parts[1:3]:
                at = parts.index("resolve", 1)
                return self.resolve(self.repo(kind, "/".join(parts[:at])), parts[at + 1], "/".join(parts[at + 2 :]))
            case ["POST", owner, name, "info", "lfs", "objects", "batch"]:
                self.repo(kind, f"{owner}/{name.removesuffix('.git')}", write=True)
                return {"objects": [self.lfs_object(**wanted) for wanted in json.loads(self.body)["objects"]]}
        raise Refusal(501, f"the stand-in Hub does not know {self.command} {self.path}")

    def create_repo(self, name: str, organization: str | None = None, type: str | None = None, **settings: Any) -> Any:
        kind, repo_id = type or "model", f"{organization or self.hub.user}/{name}"
        if not self.signed_in():
            raise Refusal(401, "Invalid username or password.")
        self.check_namespace(repo_id.split("/")[0])
        if (kind, repo_id) in self.hub.repos:
            raise Refusal(409, f"You already created this {kind} repo", url=self.web_url(kind, repo_id))
        self.hub.create(kind, repo_id, private=settings.get("visibility") == "private").settings = settings
        return {"url": self.web_url(kind, repo_id)}

    def validate_card(self, content: str, repoType: str) -> Any:
        card = re.match(r"\s*---\n(.*?)\n---", content, re.DOTALL)
        if not card:
            return {"warnings": [{"message": "empty or missing yaml metadata in repo card"}]}
        for name, allowed in SPACE_CARD.items() if repoType == "space" else ():
            value = re.search(rf"^{name}: *[\"']?(.*?)[\"']?$", card[1], re.MULTILINE)
            if value and not re.fullmatch(allowed, value[1]):
                message = f'"{name}" must match {allowed}'
                raise Refusal(400, message, errors=[{"message": message}])
        return {"warnings": []}

    def lfs_object(self, oid: str, size: int) -> Any:
        if (self.hub.lfs / oid).exists():
            return {"oid": oid, "size": size}  # nothing to upload
        upload, verify = {"href": f"{self.hub.url}/lfs/{oid}"}, {"href": f"{self.hub.url}/lfs/{oid}/verify"}
        return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}

    def resolve(self, repo: Repo, revision: str, path: str) -> bytes:
        """A file, or the part of it that is asked for."""
        sha = repo.sha(revision)
        self.reply_headers |= {"X-Repo-Commit": sha}
        file = repo.folder / sha / path
        if not file.is_file():
            raise Refusal(404, "Entry not found", "EntryNotFound")
        data = file.read_bytes()
        entry = describe(path, data)
        etag = f'"{content_oid(entry)}"'
        self.reply_headers |= {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if "lfs" in entry:
            self.reply_headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(len(data))}
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            self.reply_headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            if first > last:
                raise Refusal(416, "Range Not Satisfiable")
            return data[first : last + 1]
        return data

    def repo_call(self, kind: str, repo_id: str, call: list[str]) -> Any:
        proposed = self.query.get("create_pr") == "1"
        reading = self.command == "GET" or call[:1] == ["paths-info"]
        repo = self.repo(kind, repo_id, write=not reading and not proposed)
        match [self.command, *call]:
            case ["GET"]:
                return self.info(repo, "main")
            case ["GET", "revision", revision]:
                return self.info(repo, revision)
            case ["GET", "tree", revision, *folder]:
                return self.listing(repo, revision, "".join(f"{part}/" for part in folder))
            case ["POST", "paths-info", revision]:
                paths = [path.rstrip("/") for path in parse_qs(self.body.decode())["paths"]]
                return [entry for entry in repo.tree(revision) if entry["path"] in paths]
            case ["POST", "preupload", revision]:
                there = {entry["path"]: content_oid(entry) for entry in repo.tree(revision)}
                return {"files": [self.upload_mode(there, **file) for file in json.loads(self.body)["files"]]}
            case ["POST", "commit", "main"]:
                return self.commit(repo, [json.loads(line) for line in self.body.splitlines()])
        raise Refusal(501, f"the stand-in Hub does not know {self.command} {self.path}")

    def info(self, repo: Repo, revision: str) -> Any:
        sha = repo.sha(revision)
        siblings = [{"rfilename": entry["path"]} for entry in repo.tree(sha) if entry["type"] == "file"]
        info = {"id": repo.id, "author": repo.id.split("/")[0], "sha": sha, "private": repo.private, "gated": False}
        info |= {"lastModified": repo.log[sha]["date"], "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
        return info | ({"sdk": repo.settings["sdk"]} if "sdk" in repo.settings else {})

    def listing(self, repo: Repo, revision: str, folder: str) -> Any:
        entries = [entry for entry in repo.tree(revision) if entry["path"].startswith(folder)]
        if folder and not entries:
            raise Refusal(404, f"{folder} does not exist on {revision}", "EntryNotFound")
        deep = self.query.get("recursive") == "true"
        return [entry for entry in entries if deep or "/" not in entry["path"][len(folder) :]]

    def upload_mode(self, there: dict[str, str], path: str, size: int, sample: str) -> Any:
        """How the client shall send a file, and the name of what is there, so that it can skip what is unchanged."""
        mode = "lfs" if is_lfs(path, size, base64.b64decode(sample)) else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": there.get(path)}

    def commit(self, repo: Repo, lines: list[dict[str, Any]]) -> Any:
        title, changes, head = "", {}, repo.folder / repo.sha()
        for key, value in ((line["key"], line["value"]) for line in lines):
            path = value.get("path", "").rstrip("/")
            if key == "header":
                title = value["summary"]
                if value.get("parentCommit", head.name) != head.name:
                    raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            elif key == "file":
                changes[path] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if not (self.hub.lfs / value["oid"]).exists():
                    raise Refusal(400, "an LFS pointer pointed to a file that does not exist")
                changes[path] = (self.hub.lfs / value["oid"]).read_bytes()
            elif key in ("deletedFile", "deletedFolder"):
                if not (head / path).exists() or (head / path).is_dir() != (key == "deletedFolder"):
                    raise Refusal(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
                changes[path] = None
        if self.query.get("create_pr") == "1":
            repo.proposals.append(changes)
            url, sha = self.web_url(repo.kind, repo.id), secrets.token_hex(20)
            opened = f"{url}/discussions/{len(repo.proposals)}"
            return {"commitOid": sha, "commitUrl": f"{url}/commit/{sha}", "pullRequestUrl": opened}
        sha = repo.commit(title, changes)
        return {"commitOid": sha, "commitUrl": f"{self.web_url(repo.kind, repo.id)}/commit/{sha}"}
