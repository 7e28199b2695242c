"""The data set `emoji_designs`: 1,672 emoji in up to three designs, 64x64 in colour on white.

    pip install resvg-py==0.5.0
    python benchmarks/data/emoji_designs.py emoji_designs            # needs npm; about a minute

Flags, skin tones and the many families are left out. A tenth of the names, in all their designs, are the test split.
`--compare FOLDER` says how far another copy of the set shows the same pictures.
"""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import datasets
import packages
from packages import Package

SIDE = 64
HELD_OUT_SEED = 2
DESIGNS = {
    "fluent": Package(
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "sha512-RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
    ),
    "noto": Package(
        "@iconify-json/noto",
        "1.2.9",
        "sha512-DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
    ),
    "twemoji": Package(
        "@iconify-json/twemoji",
        "1.2.5",
        "sha512-uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
    ),
}
CATEGORIES = [
    "Activities",
    "Animals & Nature",
    "Food & Drink",
    "Objects",
    "People & Body",
    "Smileys & Emotion",
    "Symbols",
    "Travel & Places",
]
# Skin tones, flags, and who is in a family or a couple: hundreds of pictures that differ in little. Three lamps go
# with the skin tones ("traffic light"): names are as the sets have them.
VARIANTS = re.compile(r"skin-tone|-medium\b|-(dark|light)$|^flag-|^(family|couple-with-heart)-|^kiss-(wo)?man")
CARD = """---
license: other
license_name: apache-2.0-mit-and-cc-by-4.0
task_categories: [unconditional-image-generation]
pretty_name: Emoji in three designs
size_categories: [1K<n<10K]
---

# Emoji in three designs

{names:,} emoji in up to three designs, 64x64 in colour on white; {pictures:,} pictures. `label` is the category,
`design` the design and `text` the name: pictures of one name show the same emoji. Flags, skin tones and the many
families are left out. The test split has a tenth of the names, in all designs that they have.

Drawn by resvg from the icon sets that [Iconify](https://iconify.design) packs for npm, with

```bash
python benchmarks/data/emoji_designs.py emoji_designs
```

## Credits

A model that is trained on this set should name them, too.

| design | set | by | licence | package |
|---|---|---|---|---|
{credits}
"""


def drawings(icons: dict, categories: dict[str, list[str]]) -> Iterator[tuple[str, int, str]]:
    """Name, category and SVG of the emoji of a design.

    Args:
        icons: `icons.json` of an icon set of Iconify.
        categories: names of icons by category, of its `metadata.json`.
    """
    for label, category in enumerate(CATEGORIES):
        for name in categories.get(category, []):
            if VARIANTS.search(name):
                continue
            icon = icons["icons"][name]
            box = [icon.get(key, icons.get(key, standard)) for key, standard in BOX.items()]
            yield (
                name.replace("-", " "),
                label,
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{" ".join(map(str, box))}">{icon["body"]}</svg>',
            )


BOX = {"left": 0, "top": 0, "width": 16, "height": 16}  # what Iconify leaves out


def credit(design: str, package: Package, info: dict) -> str:
    """A row of the card's table."""
    author, licence = info["author"], info["license"]
    return (
        f"| {design} | {info['name']} | [{author['name']}]({author['url']}) | [{licence['title']}]({licence['url']}) "
        f"| {package.name} {package.version} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the data set is written")
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="another copy of it")
    args = parser.parse_args()
    found, credits = [], []
    for design, (title, package) in enumerate(DESIGNS.items()):
        archive = packages.fetch(package)
        icons, metadata, info = (
            json.loads(packages.read(archive, f"{part}.json")) for part in ("icons", "metadata", "info")
        )
        found += [(design, *drawing) for drawing in drawings(icons, metadata["categories"])]
        credits.append(credit(title, package, info))
    aside = packages.held_out({name for _, name, _, _ in found}, HELD_OUT_SEED)
    columns = ("image", "label", "design", "text")
    splits: dict[str, dict[str, list]] = {split: {name: [] for name in columns} for split in ("train", "test")}
    for design, name, label, svg in found:
        row = (packages.render(svg, SIDE, "white"), label, design, name)
        for column, value in zip(columns, row):
            splits["test" if name in aside else "train"][column].append(value)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=CATEGORIES),
            "design": datasets.ClassLabel(names=list(DESIGNS)),
            "text": datasets.Value("string"),
        }
    )
    names = len({name for _, name, _, _ in found})
    packages.write(
        args.folder, splits, features, CARD.format(names=names, pictures=len(found), credits="\n".join(credits))
    )
    if args.compare:
        print(packages.compare(args.folder, args.compare, ["design", "text"]))


if __name__ == "__main__":
    main()
