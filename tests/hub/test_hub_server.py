"""The stand-in Hub against the clients it stands in for: everything here goes through their own code and real HTTP."""

import io
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli import python
from hub_server import HubServer

pytestmark = [pytest.mark.processes, pytest.mark.hub]

HELPERS = """
import sys
from pathlib import Path
from huggingface_hub import *
from huggingface_hub import errors
from huggingface_hub.utils import disable_progress_bars
disable_progress_bars()
work = Path(sys.argv[1])

def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}

def error(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as exception:
        status = getattr(getattr(exception, "response", None), "status_code", None)
        return type(exception).__name__, status
    raise AssertionError("no error")

def same(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as hub:
        yield hub


def run(hub: HubServer, work: Path, script: str, **env: str) -> None:
    """Runs the script in a client process; what it asserts is asserted here."""
    python("-c", HELPERS + script, work, env=hub.env(work / "home") | env, cwd=work).check()


def test_what_is_pushed_is_what_is_pulled(hub: HubServer, tmp_path: Path) -> None:
    model = tmp_path / "model"
    weights = bytes(range(256)) * 2000
    pushed = {
        "config.json": b"{}\n",
        "generator/w.safetensors": weights,
        "samples.png": b"\x89PNG\0",
        "empty.txt": b"",
    }
    pushed |= {"README.md": b"---\nlicense: mit\ntags: [gan]\n---\n# A model\n"}
    for path, data in pushed.items():
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_bytes(data)
    run(
        hub,
        tmp_path,
        """
api = HfApi()
same(create_repo("x", private=True).repo_id, "tester/x")
same(create_repo("tester/x", exist_ok=True).repo_id, "tester/x")
same(error(create_repo, "tester/x"), ("HfHubHTTPError", 409))

first = upload_folder(repo_id="tester/x", folder_path=work / "model")
again = upload_folder(repo_id="tester/x", folder_path=work / "model")
same(again.oid, first.oid)  # nothing has changed, so no commit
info = model_info("tester/x")
same((info.id, info.sha, info.private), ("tester/x", first.oid, True))
expected = files(work / "model")
same(set(api.list_repo_files("tester/x")), {".gitattributes", *expected})
same({item.path for item in api.list_repo_tree("tester/x", "generator")}, {"generator/w.safetensors"})
same([item.path for item in api.get_paths_info("tester/x", ["generator", "nowhere"])], ["generator"])

got = files(snapshot_download("tester/x"))
same(got.pop(".gitattributes")[:1], b"*")
same(got, expected)
same(files(snapshot_download("tester/x", local_dir=work / "plain", allow_patterns="*.json"))["config.json"], b"{}\\n")

card = ModelCard.load("tester/x")
same(card.data.license, "mit")
card.text = "# Another"
card.push_to_hub("tester/x")
api.delete_folder("generator", "tester/x")
api.delete_file("config.json", "tester/x")
api.upload_file(path_or_fileobj=b"new", path_in_repo="a/b.txt", repo_id="tester/x")
same(set(api.list_repo_files("tester/x")), {".gitattributes", "README.md", "samples.png", "empty.txt", "a/b.txt"})
same(ModelCard.load("tester/x").text.strip(), "# Another")

# Earlier commits stay; what is not there is told apart.
same(Path(hf_hub_download("tester/x", "config.json", revision=first.oid, force_download=True)).read_bytes(), b"{}\\n")
same(Path(hf_hub_download("tester/x", "a/b.txt", revision="main")).read_bytes(), b"new")
same(error(hf_hub_download, "tester/x", "config.json"), ("RemoteEntryNotFoundError", 404))
same(error(hf_hub_download, "tester/x", "config.json", revision="v9"), ("RevisionNotFoundError", 404))
same(error(snapshot_download, "tester/nothing"), ("RepositoryNotFoundError", 401))
same(error(snapshot_download, "gpt2"), ("RepositoryNotFoundError", 401))
same(error(api.delete_file, "gone.txt", "tester/x"), ("RemoteEntryNotFoundError", 404))
same(error(upload_file, path_or_fileobj=b"", path_in_repo="c", repo_id="tester/x", parent_commit=first.oid),
     ("HfHubHTTPError", 412))

create_repo("tester/demo", repo_type="space", space_sdk="gradio")
page = dict(path_in_repo="README.md", repo_id="tester/demo", repo_type="space")
same(error(upload_file, path_or_fileobj=b"---\\nsdk: gradio\\ncolorFrom: orange\\n---\\n", **page)[0], "ValueError")
upload_file(path_or_fileobj=b"---\\nsdk: gradio\\ncolorFrom: red\\n---\\n", **page)
same(space_info("tester/demo").sdk, "gradio")
""",
    )
    repo = hub.repos["model", "tester/x"]
    assert repo.private and not hub.repos["space", "tester/demo"].private
    assert repo.files()["a/b.txt"] == b"new"
    assert (repo.folder / repo.sha() / "a/b.txt").read_bytes() == b"new"
    assert sum(method == "PUT" for method, _ in hub.requests) == 2  # the weights and the picture, once


def test_strangers_are_told_nothing(hub: HubServer, tmp_path: Path) -> None:
    hub.token = "hf_secret"
    hub.create("model", "tester/open", {"a.txt": b"a"})
    hub.create("model", "tester/closed", {"a.txt": b"a"}, private=True)
    hub.create("model", "other/open", {"a.txt": b"a"})
    run(
        hub,
        tmp_path,
        """
snapshot_download("tester/open")
same(error(create_repo, "tester/new"), ("HfHubHTTPError", 401))
new = dict(path_or_fileobj=b"", path_in_repo="b")
same(error(upload_file, repo_id="tester/open", **new), ("RepositoryNotFoundError", 401))
for repo_id in ("tester/closed", "tester/nothing"):
    same(error(model_info, repo_id), ("RepositoryNotFoundError", 401))
    same(error(snapshot_download, repo_id), ("RepositoryNotFoundError", 401))
    same(error(hf_hub_download, repo_id, "a.txt"), ("RepositoryNotFoundError", 401))
same(error(whoami, token="hf_wrong"), ("HfHubHTTPError", 401))
same(error(model_info, "tester/open", token="hf_wrong"), ("HfHubHTTPError", 401))

api = HfApi(token="hf_secret")
same(api.whoami()["name"], "tester")
same(files(api.snapshot_download("tester/closed"))["a.txt"], b"a")
same(error(api.model_info, "tester/nothing"), ("RepositoryNotFoundError", 404))
same(error(api.create_repo, "other/new"), ("HfHubHTTPError", 403))
same(error(api.upload_file, repo_id="other/open", **new), ("HfHubHTTPError", 403))
api.upload_file(path_or_fileobj=b"b", path_in_repo="b", repo_id="tester/closed")
""",
        HF_TOKEN="",
    )
    assert hub.repos["model", "tester/closed"].files()["b"] == b"b"
    assert "b" not in hub.repos["model", "tester/open"].files()
    assert hub.env(tmp_path)["HF_TOKEN"] == "hf_secret"


def test_bad_weather(hub: HubServer, tmp_path: Path) -> None:
    big = bytes(range(256)) * (11 * 2**20 // 256)  # the client keeps what it got in steps of 10 MiB
    for name in ("gated", "missing", "secret", "down", "limping", "leaky"):
        hub.create("model", f"tester/{name}", {"a.txt": b"a", "big.bin": big if name == "leaky" else b"big"})
    hub.fail(403, "/tester/gated/", times=2)
    hub.fail(404, "/tester/missing/revision")
    hub.fail(404, "/tester/missing/resolve", code="EntryNotFound")
    hub.fail(401, "/tester/secret/")
    hub.fail(503, "/tester/down/revision")
    hub.fail(500, "/tester/down/commit")
    hub.fail(500, "/tester/limping/preupload")
    hub.fail(503, "HEAD /tester/limping/resolve")
    hub.drop("GET /tester/leaky/resolve", after_bytes=10 * 2**20 + 5)
    hub.drop("PUT /lfs/", after_bytes=100)
    hub.drop("/tester/leaky/commit", after_bytes=10)
    run(
        hub,
        tmp_path,
        """
same(error(snapshot_download, "tester/gated"), ("GatedRepoError", 403))
same(error(upload_file, path_or_fileobj=b"b", path_in_repo="b", repo_id="tester/gated"), ("HfHubHTTPError", 403))
same(error(snapshot_download, "tester/missing"), ("RepositoryNotFoundError", 404))
same(error(hf_hub_download, "tester/missing", "a.txt"), ("RemoteEntryNotFoundError", 404))
same(error(snapshot_download, "tester/secret"), ("RepositoryNotFoundError", 401))
same(error(snapshot_download, "tester/down"), ("LocalEntryNotFoundError", None))
upload = dict(path_or_fileobj=b"b", path_in_repo="b")
same(error(upload_file, repo_id="tester/down", **upload), ("HfHubHTTPError", 500))

# Once is not enough to stop these: the client tries again.
upload_file(repo_id="tester/limping", **upload)
same(set(files(snapshot_download("tester/limping"))), {".gitattributes", "a.txt", "big.bin", "b"})
same(Path(hf_hub_download("tester/leaky", "big.bin")).read_bytes(), bytes(range(256)) * (11 * 2**20 // 256))
new = dict(path_or_fileobj=bytes(1000), path_in_repo="new.bin", repo_id="tester/leaky")
same(error(upload_file, **new), ("RemoteProtocolError", None))  # after the bytes, before the commit
upload_file(**new)
""",
    )
    assert hub.repos["model", "tester/leaky"].files()["new.bin"] == bytes(1000)
    assert not any(fault.times for fault in hub.faults)
    methods = [method for method, path in hub.requests if path.startswith("/tester/leaky/resolve")]
    assert methods == ["HEAD", "GET", "GET"]
    assert sum(method == "PUT" for method, _ in hub.requests) == 2  # a dropped one and its repeat; then it was there


def test_load_dataset(hub: HubServer, tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet
    from PIL import Image

    table, pictures = io.BytesIO(), {}
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "b"], "label": [0, 1]}), table)
    for i, name in enumerate(("cat/0.png", "cat/1.png", "dog/2.png", "dog/3.png")):
        Image.new("RGB", (8, 8), (50 * i, 0, 0)).save(picture := io.BytesIO(), "PNG")
        pictures[f"train/{name}"] = picture.getvalue()
    hub.create("dataset", "tester/ds", {"data/train-00000-of-00001.parquet": table.getvalue()})
    hub.create("dataset", "tester/pictures", pictures)
    run(
        hub,
        tmp_path,
        """
from datasets import Dataset, load_dataset
same(load_dataset("tester/ds")["train"][:], {"text": ["a", "b"], "label": [0, 1]})
pictures = load_dataset("tester/pictures", split="train")
same((pictures.features["label"].names, pictures["label"][:]), (["cat", "dog"], [0, 0, 1, 1]))
same([image.getpixel((0, 0)) for image in pictures["image"]], [(0, 0, 0), (50, 0, 0), (100, 0, 0), (150, 0, 0)])
stream = load_dataset("tester/pictures", split="train", streaming=True)
same([row["label"] for row in stream], [0, 0, 1, 1])
Dataset.from_dict({"n": [1, 2]}).push_to_hub("tester/pushed", private=True)
same(load_dataset("tester/pushed")["train"][:], {"n": [1, 2]})
same(error(load_dataset, "tester/nothing")[0], "DatasetNotFoundError")
""",
    )
    assert hub.repos["dataset", "tester/pushed"].private


def test_parts_of_files(hub: HubServer) -> None:
    sha = hub.create("model", "tester/x", {"a.bin": b"0123456789"}).sha()

    def get(span: str) -> tuple[int, str, bytes]:
        request = urllib.request.Request(f"{hub.url}/tester/x/resolve/{sha}/a.bin", headers={"Range": span})
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Content-Range"], answer.read()

    assert get("bytes=7-") == (206, "bytes 7-9/10", b"789")
    assert get("bytes=2-4") == (206, "bytes 2-4/10", b"234")
    with pytest.raises(urllib.error.HTTPError, match="416"):
        get("bytes=10-")
    with pytest.raises(urllib.error.HTTPError, match="501"):
        urllib.request.urlopen(f"{hub.url}/api/models?search=gan")
