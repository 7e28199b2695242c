"""The data set `avatars`: 20,000 drawn faces of ten designs, 64x64 in colour.

    pip install resvg-py==0.5.0
    python benchmarks/data/avatars.py avatars            # needs Node.js and npm; about three minutes

Faces are those of DiceBear 9 for the seeds `DESIGN-0` to `DESIGN-1999`, on eight pastel grounds; the last tenth of the
seeds is the test split. `--compare FOLDER` says how far another copy of the set shows the same pictures.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import datasets
import packages
from packages import Package

VERSION = "9.4.3"
SIDE, SEEDS, TRAINING_SEEDS = 64, 2_000, 1_800
COLOURS = ["b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf", "c8e6c9", "fff3b0", "f1f1f1"]
CORE = Package(
    "@dicebear/core",
    VERSION,
    "sha512-9ITrQI57k3p5hKuU8HZJ1d0kPdrmTKEJDOdlKQ8CpaChbtmnD1R+dtWmNz5IesYThXM8F64pJ0ZvJ2rsY8Hciw==",
)
DESIGNS = {
    name: Package(f"@dicebear/{name.replace(' ', '-')}", VERSION, f"sha512-{digest}==")
    for name, digest in {
        "adventurer": "LPzLiNBVSrzb2lBTwAP00+ew/VfqcImI/ULVFaL2LXEuY3QlAOLwvR4TpwX8AIqeo8JDQO4cVMHZsCm0c2uGdg",
        "big ears": "qQb8lHj8cIq8+1wc6Bw57VkUp9L5DQvFHuDEj7m5Su4AZj4JbUtOwO33VP/wApFij4XF0Db0NlwVXtT7pYN98w",
        "big smile": "cAKHvqdxfL+D+3b2z0/P0MJAwijax6CTfJghTHZvEIUh7SSn4r0h/BWCLpuOFi5SMAgebsWQ2NtCkt7z9v1REw",
        "lorelei": "bpch2LRqrdL7gEgU2AW9NwoVKgBSrOUEQJx6FUV1UI6alM72BLaeu04uMqWQUXdh+Hc0SCnkj4Lg8nazSyI3oA",
        "micah": "+76eH3Scu8jfiSbhGjK3OBWeTK+qiuKxrlZFimevaIUzNe6UjqEeaiBUg9R7LPAx3CNIXJOLhuzkHPEkOSnXtg",
        "miniavs": "iBAbswzDYXK6+xwedKgrDP4nCi8vYRm1WGiIBL7lY4BE5UGpCFYA2tOIyYxiwvNHObnBi1k4QGYeyDWYK5O6Yw",
        "notionists": "O3qRZ2PIWDeqNKXr/p3S1AI2ODqu7HoRWdfRa9kUdklRgWxt7oMx2EyahAqKk7Fqhe+IXqJkwfKV5Ev5b4SgzQ",
        "open peeps": "jv2hZPQ25/r+aFm0bf7omEUMFUy1JoSMr2luGdTnSBmefaIFD9vjCOxIyBjvY9f5SBTqwVgqhED/lJyo+n2NKQ",
        "personas": "5ssYDAj0F5eOfoBq1fAVvzDMF9QGOKUaKEq/UGiNL7DMSOojazTC0cEHR7JOGcc/Fa53yfPf9v6932WXg/C0Ow",
        "toon head": "NcXfUWk0pjMsh2xe4L8PLNQowdPsC5FCIJ2OO1CCebAaV40f3O6xsRcvgHtrore3V1433B6ENRxwPMgOkwWnDw",
    }.items()
}
# Run by Node.js with DiceBear in node_modules: prints an SVG a line, as JSON.
DRAW = """
import { createAvatar } from "@dicebear/core";
const [packageName, name, count, colours] = JSON.parse(process.argv[2]);
const style = await import(packageName);
for (let k = 0; k < count; k += 1)
  console.log(JSON.stringify(createAvatar(style, { seed: `${name}-${k}`, backgroundColor: colours }).toString()));
"""
CARD = """---
license: other
license_name: cc-by-4.0-and-cc0
task_categories: [unconditional-image-generation]
pretty_name: Avatars
size_categories: [10K<n<100K]
---

# Avatars

20,000 drawn faces of ten designs, 64x64 in colour on pastel grounds. `label` is the design. The training split has
the seeds `DESIGN-0` to `DESIGN-{last_training}`, the test split those up to `DESIGN-{last}`.

Drawn by [DiceBear](https://www.dicebear.com) {version} (MIT) and resvg, with

```bash
python benchmarks/data/avatars.py avatars
```

Faces are combinations of finitely many parts: two seeds can give the same one.

## Credits

A model that is trained on this set should name them, too.

| design | title | by | licence |
|---|---|---|---|
{credits}
"""


def svgs(design: str, folder: Path, count: int = SEEDS) -> Iterator[str]:
    """The drawings of a design, of the seeds from 0 on, by DiceBear in `folder/node_modules`.

    Raises:
        SystemExit: where Node.js is missing or cannot run it.
    """
    name = re.sub(r" (\w)", lambda match: match[1].upper(), design)  # bigEars
    script = folder / "draw.mjs"
    script.write_text(DRAW, encoding="utf-8")
    task = json.dumps([DESIGNS[design].name, name, count, COLOURS])
    try:
        said = subprocess.run(["node", script.name, task], cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise SystemExit("Node.js is needed to draw avatars; install it (Debian: apt install nodejs npm).") from None
    if said.returncode:
        raise SystemExit(f"DiceBear could not draw {design}: {said.stderr.strip().splitlines()[-1]}")
    for line in said.stdout.splitlines():
        yield json.loads(line)


def credit(design: str, svg: str) -> str:
    """A row of the card's table, from what a drawing says of itself."""

    def said(tag: str) -> str:
        found = re.search(rf"<{tag}[^>]*>([^<]*)</{tag}>", svg)
        return found[1] if found else "?"

    title, source = said("dc:title"), said("dc:source")
    named = f"[{title}]({source})" if source.startswith("http") else title
    return f"| {design} | {named} | {said('dc:creator')} | {said('dcterms:license')} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the data set is written")
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="another copy of it")
    args = parser.parse_args()
    splits: dict[str, dict[str, list]] = {name: {"image": [], "label": []} for name in ("train", "test")}
    credits = []
    with tempfile.TemporaryDirectory() as place:
        packages.install([CORE, *DESIGNS.values()], Path(place))
        for label, design in enumerate(DESIGNS):
            print(design, file=sys.stderr)
            for seed, svg in enumerate(svgs(design, Path(place))):
                rows = splits["train" if seed < TRAINING_SEEDS else "test"]
                rows["image"].append(packages.render(svg, SIDE))
                rows["label"].append(label)
            credits.append(credit(design, svg))
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(DESIGNS))})
    card = CARD.format(version=VERSION, last_training=TRAINING_SEEDS - 1, last=SEEDS - 1, credits="\n".join(credits))
    packages.write(args.folder, splits, features, card)
    if args.compare:
        print(packages.compare(args.folder, args.compare, ["label"]))


if __name__ == "__main__":
    main()
