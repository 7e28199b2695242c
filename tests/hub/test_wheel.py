"""The package as a wheel: all of it, and nothing else."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from cli import ROOT, environment, python
from packaging.requirements import Requirement

from gan import ImagePipeline, __version__
from gan.hub import wheel

SOURCES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gan").rglob("*") if path.is_file()}
CODE = {name for name in SOURCES if "__pycache__" not in name and not name.endswith(".pyi")}


def opened(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def requirements(files: dict[str, bytes]) -> set[Requirement]:
    about = message_from_string(files[f"gan_studio-{__version__}.dist-info/METADATA"].decode())
    return {Requirement(line) for line in about.get_all("Requires-Dist")}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("wheel") / wheel.NAME
    path.write_bytes(wheel.wheel())
    return opened(path)


def test_it_holds_the_package(contents: dict[str, bytes]) -> None:
    assert {name for name in contents if name.startswith("gan/")} == CODE
    assert all(contents[name] == (ROOT / name).read_bytes() for name in CODE)


def test_it_says_what_pyproject_says(contents: dict[str, bytes]) -> None:
    about = message_from_string(contents[f"gan_studio-{__version__}.dist-info/METADATA"].decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("gan-studio", __version__, ">=3.11")
    required = [line for line in about.get_all("Requires-Dist") if "extra ==" not in line]
    assert required == project["dependencies"]
    assert about.get_all("Provides-Extra") == list(project["optional-dependencies"])
    assert contents[f"gan_studio-{__version__}.dist-info/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_what_was_tested_is_within_the_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = [line.split("==") for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    ranges = {Requirement(line).name: Requirement(line).specifier for line in project["dependencies"]}
    assert set(ranges) == {name for name, _ in pins}
    assert all(version in ranges[name] for name, version in pins)


def test_the_same_package_makes_the_same_bytes() -> None:
    first = wheel.wheel()
    wheel.wheel.cache_clear()
    assert wheel.wheel() == first


def test_an_older_one_beside_the_weights_is_replaced(pipeline: ImagePipeline, tmp_path: Path) -> None:
    (tmp_path / "gan_studio-0.0.1-py3-none-any.whl").write_bytes(b"old")
    pipeline.save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.glob("*.whl")] == [wheel.NAME]


@pytest.mark.processes
def test_a_bare_copy_of_the_package_makes_none(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gan", tmp_path / "gan", ignore=shutil.ignore_patterns("__pycache__"))
    line = "from gan.hub import wheel; print(wheel.__file__, wheel.wheel())"
    bare = environment(tmp_path / "home", PYTHONPATH="")
    assert python("-c", line, env=bare, cwd=tmp_path).check().out.split() == [f"{tmp_path}/gan/hub/wheel.py", "None"]


@pytest.mark.slow
@pytest.mark.processes
def test_setuptools_builds_the_same(contents: dict[str, bytes], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gan", tmp_path / "clone" / "gan", ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "clone" / name)
    flags = ["--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *flags, str(tmp_path / "clone")], check=True, timeout=240)
    built = opened(tmp_path / wheel.NAME)
    assert {name for name in built if name.startswith("gan/")} == CODE
    assert requirements(built) == requirements(contents)
