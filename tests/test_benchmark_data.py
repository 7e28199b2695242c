"""The scripts that make data sets, on packages that are made up: what is fetched, drawn, written and compared."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from gan.export import fonts

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks" / "data"))
import avatars
import emoji_designs
import enlarged
import packages
import places
import typefaces
from packages import DebianPackage, Package, Wheel


def archive(folder: Path, files: dict[str, bytes]) -> Package:
    """Puts `@scope/name` 1.0.0 where npm would have put it."""
    with tarfile.open(folder / "scope-name-1.0.0.tgz", "w:gz") as members:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            members.addfile(entry, io.BytesIO(data))
    digest = packages.integrity((folder / "scope-name-1.0.0.tgz").read_bytes())
    return Package("@scope/name", "1.0.0", digest)


@pytest.mark.parametrize("script", [avatars, emoji_designs, enlarged, places, typefaces])
def test_a_script_runs_by_itself(script: ModuleType, tmp_path: Path) -> None:
    """As its own text says, without the package `gan` being installed or on the path."""
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(script.__file__), "--help"]
    done = subprocess.run(command, env=alone, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_package_is_read_and_laid_out_if_it_is_the_one_that_was_pinned(tmp_path: Path) -> None:
    package = archive(tmp_path, {"icons.json": b"{}", "lib/index.js": b"export {}"})
    assert packages.read(packages.fetch(package, tmp_path), "icons.json") == b"{}"
    packages.install([package], tmp_path / "project", tmp_path)
    assert (tmp_path / "project/node_modules/@scope/name/lib/index.js").read_bytes() == b"export {}"
    with pytest.raises(SystemExit, match=r"^The archive of @scope/name 1\.0\.0 is sha512-.*, not sha512-other\.$"):
        packages.fetch(Package("@scope/name", "1.0.0", "sha512-other"), tmp_path)


def debian_archive(folder: Path, files: dict[str, bytes]) -> DebianPackage:
    """Puts `name` 1.0 where apt would have put it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as members:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            members.addfile(entry, io.BytesIO(content))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": data.getvalue()}
    whole = b"!<arch>\n"
    for name, content in parts.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
        whole += header.encode() + content + b"\n" * (len(content) % 2)
    (folder / "name_1.0_all.deb").write_bytes(whole)
    return DebianPackage("name", "1.0", hashlib.sha256(whole).hexdigest())


def test_files_of_a_debian_package_are_read_if_it_is_the_one_that_was_pinned(tmp_path: Path) -> None:
    package = debian_archive(tmp_path, {"usr/a": b"one", "usr/b": b"two"})
    assert packages.read_debian(packages.fetch_debian(package, tmp_path), {"usr/b"}) == {"usr/b": b"two"}
    with pytest.raises(SystemExit, match=r"^The archive of name 1\.0 is [0-9a-f]{64}, not other\.$"):
        packages.fetch_debian(DebianPackage("name", "1.0", "other"), tmp_path)


def test_a_wheel_is_used_if_it_is_the_one_that_was_pinned(tmp_path: Path) -> None:
    wheel = tmp_path / "names-1.0-py3-none-any.whl"
    wheel.write_bytes(b"a zip archive")
    digest = hashlib.sha256(b"a zip archive").hexdigest()
    assert packages.fetch_wheel(Wheel("names", "1.0", digest), tmp_path) == wheel
    with pytest.raises(SystemExit, match=rf"^The archive of names 1\.0 is {digest}, not other\.$"):
        packages.fetch_wheel(Wheel("names", "1.0", "other"), tmp_path)


def test_names_of_places_are_words_in_latin_letters_each_once_and_always_the_same() -> None:
    said = ["Kärkölä", "Ka\u0308rko\u0308la\u0308", "Le Trait", "L'Aigle", "Villers-le-Sec"]
    left_out = ["Misato, Saitama", "Sector 7", "Αθήνα", "St. Ives", "Bagnols-sur-Cèze-et-Ailleurs"]
    cities = [{"name": name, "countrycode": "FR"} for name in said + left_out] + [
        {"name": "Oulu", "countrycode": "FI"}
    ]
    found = places.names_of(cities, "FR")
    assert sorted(found) == ["Kärkölä", "L'Aigle", "Le Trait", "Villers-le-Sec"]
    assert found == places.names_of(cities[::-1], "FR") and places.names_of(cities, "FI") == ["Oulu"]
    assert len(packages.held_out({f"name {k}" for k in range(30)}, seed=0)) == 3


def test_characters_stand_on_one_baseline_and_capitals_are_36_pixels_tall() -> None:
    box = torch.zeros(64, 64)
    box[20:40, 20:30] = 1
    data, _ = fonts.font(box.repeat(62, 1, 1), typefaces.CHARACTERS, "Boxes", "Licensed under the Apache License.")
    found = typefaces.face(data, "boxes 1.0")
    assert (found.family, found.style, found.licence) == ("Boxes", "Regular", "Apache-2.0")
    pictures = typefaces.drawn(found.data)
    assert len(pictures) == 62
    top, bottom = np.flatnonzero(np.asarray(pictures[7]).max(1) > 127)[[0, -1]]
    assert (top, bottom) == (11, 46)
    assert typefaces.credits([found]) == ["| Boxes | 1 |  | Apache-2.0 | boxes 1.0 |"]


def test_without_npm_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"^npm is needed"):
        packages.fetch(Package("@scope/name", "1.0.0", ""), tmp_path)


def test_emoji_are_drawn_without_skin_tones_flags_and_families() -> None:
    names = ["red-apple", "artist", "artist-dark-skin-tone", "artist-medium", "family-man-boy", "family", "kiss-mark"]
    icons = {"width": 32, "height": 32, "icons": {name: {"body": f"<g id='{name}'/>"} for name in names}}
    categories = {"Food & Drink": names[:1], "People & Body": names[1:], "Flags": ["pirate-flag"]}
    found = list(emoji_designs.drawings(icons, categories))
    assert [(name, label) for name, label, _ in found] == [
        ("red apple", 2),
        ("artist", 4),
        ("family", 4),
        ("kiss mark", 4),
    ]
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g id=\'red-apple\'/></svg>'
    assert found[0][2] == svg
    assert len(packages.held_out({str(k) for k in range(50)}, emoji_designs.HELD_OUT_SEED)) == 5


def test_an_svg_becomes_a_picture() -> None:
    pytest.importorskip("resvg_py")
    box = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h2v4H0z" fill="#f00"/></svg>'
    pixels = np.asarray(packages.render(box, 8, "white"))
    assert pixels.shape == (8, 8, 3)
    assert (pixels[:, :4] == [255, 0, 0]).all() and (pixels[:, 4:] == 255).all()


def test_who_drew_a_design_stands_in_its_drawings() -> None:
    svg = (
        "<svg><dc:title>Faces</dc:title><dc:creator>Ada</dc:creator><dc:source xsi:type='x'>https://ada.example"
        "</dc:source><dcterms:license xsi:type='x'>https://licence.example</dcterms:license></svg>"
    )
    assert avatars.credit("micah", svg) == ("| micah | [Faces](https://ada.example) | Ada | https://licence.example |")


def test_sets_are_written_and_compared_in_any_order(tmp_path: Path) -> None:
    pictures = [Image.fromarray(np.full((4, 4, 3), grey, dtype=np.uint8)) for grey in (0, 50, 100, 150)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})

    def write(name: str, shown: list[Image.Image]) -> Path:
        splits = {split: {"image": shown, "label": [0, 0, 1, 1]} for split in ("train", "test")}
        packages.write(tmp_path / name, splits, features, "# Card\n")
        return tmp_path / name

    brighter = Image.fromarray(np.full((4, 4, 3), 154, dtype=np.uint8))
    mine, theirs = write("mine", pictures), write("theirs", [pictures[1], pictures[0], pictures[2], brighter])
    assert (mine / "README.md").read_text() == "# Card\n"
    table = packages.compare(mine, theirs, ["label"])
    assert "| train | 4 | 4 | 75.00% | 1.0000 | 4 |" in table


def test_a_set_is_enlarged_by_texts_that_are_not_held_out(tmp_path: Path) -> None:
    data, samples, target = (tmp_path / name for name in ("data", "samples", "target"))
    data.mkdir()
    samples.mkdir()
    for split, texts in {"train": "a cat\n", "validation": "a dog\n", "test": "a hén\n"}.items():
        (data / f"{split}.txt").write_text(texts, encoding="utf-8")
    for first, texts in {0: ["a hén", "a cow"], 2: ["a dog", "a pig"]}.items():
        lines = [json.dumps({"seed": first + k, "text": text}) for k, text in enumerate(texts)]
        (samples / f"{first:010d}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert enlarged.enlarge(data, enlarged.written(samples), target) == 2
    assert (target / "train.txt").read_text(encoding="utf-8") == "a cat\na cow\na pig\n"
    assert (target / "test.txt").read_bytes() == (data / "test.txt").read_bytes()
