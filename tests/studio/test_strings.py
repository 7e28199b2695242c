"""The words of the page."""

import re
from collections import Counter
from pathlib import Path

import gan.studio
from gan.studio.strings import EN, OWN, ZH

# Keys of which the code has a part: of tabs, views, directions, columns; metrics are named by `metrics.json`.
COMPOSED = re.compile(r"(direction|column)_.*|.*_(tab|view|kind|name|says|hint|seen)|[A-Z].*")


def test_both_languages_say_everything():
    assert EN.keys() == ZH.keys()


def test_no_two_tabs_have_the_same_key():
    modules = Counter(key for module in OWN for key in module.EN)
    assert [key for key, times in modules.items() if times > 1] == []


def test_all_words_are_used():
    folder = Path(gan.studio.__file__).parent
    files = [path for path in folder.rglob("*") if path.suffix in (".py", ".js") and path.name != "strings.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    quoted = set(re.findall(r"""["'`]([\w ]+)["'`]""", source))
    assert [key for key in EN if key not in quoted and not COMPOSED.fullmatch(key)] == []
