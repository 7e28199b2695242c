"""The data set `typefaces`: 62 characters of 851 faces of 337 families, 64x64, white on black.

    pip install fonttools==4.68.0
    python benchmarks/data/typefaces.py typefaces     # needs npm, and apt of Debian 12; fetches 0.8 GB

Capitals are 36 pixels tall and all characters of a face stand on one baseline. The faces are those that
`typefaces.json` beside this file lists: of `@expo-google-fonts` on npm and of Debian's `texlive-fonts-extra`. Whole
families are the test split. `--compare FOLDER` says how far another copy of the set shows the same pictures.
"""

import argparse
import io
import json
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import packages
from fontTools.ttLib import TTFont
from packages import DebianPackage, Package
from PIL import Image, ImageDraw, ImageFont

CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
SIDE, CAP_HEIGHT, BASELINE = 64, 36, 47  # pixels; the baseline from the top
FINER = 4  # times as many pixels are drawn, and averaged
PROBE = 200  # the size at which a face is measured
SOURCES = Path(__file__).with_suffix(".json")
TEXLIVE = DebianPackage(
    "texlive-fonts-extra", "2022.20230122-4", "abddeda6b66ee9c38df1f7fd2d20670b25f3a738df74c0ee91001f6b1466b1e4"
)
TEXLIVE_FONTS = "usr/share/texlive/texmf-dist/fonts/"
CARD = """---
license: other
license_name: ofl-1.1-and-apache-2.0
task_categories: [unconditional-image-generation]
pretty_name: Typefaces
size_categories: [10K<n<100K]
---

# Typefaces

62 characters (A to Z, a to z, 0 to 9) of {faces:,} faces of {families:,} families, 64x64, white on black; {pictures:,}
pictures. `label` is the character; `family` and `style` together are the face. Capitals are 36 pixels tall, and all
characters of a face stand on one baseline. The test split has {held_out} whole families.

Drawn by Pillow with

```bash
python benchmarks/data/typefaces.py typefaces
```

## Credits

Each face is under the licence that its own name table states. The families are by:

| family | faces | by | licence | package |
|---|---|---|---|---|
{credits}
"""


@dataclass
class Face:
    """A face of a family.

    Attributes:
        family, style: as its name table calls them.
        by: who made it, or else what its copyright says.
        licence: "OFL 1.1" or "Apache-2.0".
        package: where it is from.
        data: the font file.
    """

    family: str
    style: str
    by: str
    licence: str
    package: str
    data: bytes


def face(data: bytes, package: str) -> Face:
    """A font file, and what its name table says."""
    names = TTFont(io.BytesIO(data), lazy=True)["name"]

    def said(*numbers: int) -> str:
        return next((found for number in numbers if (found := names.getDebugName(number))), "")

    by = " ".join(re.sub(r"https?://\S+|\|", " ", said(9, 8, 0)).split()).rstrip(".,;(< ")
    terms = (said(13) + said(14)).lower()
    licence = "Apache-2.0" if "apache" in terms and "open font" not in terms else "OFL 1.1"
    return Face(said(16, 1), said(17, 2), by if len(by) <= 120 else f"{by[:117]}...", licence, package, data)


def faces(sources: dict[str, Any], cache: Path = packages.CACHE) -> Iterator[Face]:
    """The faces of all packages.

    Args:
        sources: `npm`, by name the version, integrity and font files of each package, and `texlive`, font files.
    """
    for name, (version, integrity, files) in sources["npm"].items():
        package = Package(f"@expo-google-fonts/{name}", version, integrity)
        archive = packages.fetch(package, cache)
        for file in files:
            yield face(packages.read(archive, file), f"{package.name} {version}")
    paths = [TEXLIVE_FONTS + path for path in sources["texlive"]]
    found = packages.read_debian(packages.fetch_debian(TEXLIVE, cache), set(paths))
    for path in paths:
        yield face(found[path], f"{TEXLIVE.name} {TEXLIVE.version}")


def drawn(data: bytes) -> list[Image.Image]:
    """Every character of a font file, each in the middle by its advance width."""
    cap_height = -ImageFont.truetype(io.BytesIO(data), PROBE).getbbox("H", anchor="ls")[1]
    font = ImageFont.truetype(io.BytesIO(data), round(FINER * CAP_HEIGHT * PROBE / cap_height))
    pictures = []
    for character in CHARACTERS:
        picture = Image.new("L", (FINER * SIDE, FINER * SIDE))
        at = FINER * SIDE // 2, FINER * BASELINE
        ImageDraw.Draw(picture).text(at, character, 255, font, anchor="ms")
        pictures.append(picture.resize((SIDE, SIDE), Image.Resampling.BOX))
    return pictures


def credits(found: list[Face]) -> list[str]:
    """Rows of the card's table, a family each."""
    families: dict[str, list[Face]] = {}
    for one in found:
        families.setdefault(one.family, []).append(one)
    rows = []
    for family, of in sorted(families.items(), key=lambda item: item[0].lower()):
        licences, names = (
            " and ".join(sorted(values)) for values in ({f.licence for f in of}, {f.package for f in of})
        )
        rows.append(f"| {family.strip()} | {len(of)} | {of[0].by} | {licences} | {names} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the data set is written")
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="another copy of it")
    args = parser.parse_args()
    sources = json.loads(SOURCES.read_text(encoding="utf-8"))
    splits: dict[str, dict[str, list]] = {
        split: {column: [] for column in ("image", "label", "family", "style")} for split in ("train", "test")
    }
    found = []
    for number, one in enumerate(faces(sources), start=1):
        columns = splits["test" if one.family in sources["held_out"] else "train"]
        columns["image"] += drawn(one.data)
        columns["label"] += range(len(CHARACTERS))
        columns["family"] += [one.family] * len(CHARACTERS)
        columns["style"] += [one.style] * len(CHARACTERS)
        found.append(one)
        if number % 100 == 0:
            print(f"{number} faces", file=sys.stderr)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=list(CHARACTERS)),
            "family": datasets.Value("string"),
            "style": datasets.Value("string"),
        }
    )
    card = CARD.format(
        faces=len(found),
        families=len({one.family for one in found}),
        pictures=len(found) * len(CHARACTERS),
        held_out=len(sources["held_out"]),
        credits="\n".join(credits(found)),
    )
    packages.write(args.folder, splits, features, card)
    if args.compare:
        print(packages.compare(args.folder, args.compare, ["family", "style", "label"]))


if __name__ == "__main__":
    main()
