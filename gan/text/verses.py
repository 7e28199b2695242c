"""The built-in texts: couplets about four seasons, put together by a small grammar. They need no download."""

import random
from typing import Any

import numpy as np

SIZES = {"train": 8_000, "validation": 500, "test": 500}
WORDS: dict[str, dict[str, list[str]]] = {
    "spring": {
        "noun": ["blossom", "meadow", "brook", "lark", "orchard", "rain", "lamb", "willow", "garden", "bee"],
        "verb": ["wakes", "sings", "opens", "runs", "hums", "rises", "returns", "grows"],
        "way": ["softly", "early", "again", "at first light", "in the warm rain", "beneath the hedge"],
        "mood": ["green", "tender", "new", "bright", "mild", "young"],
    },
    "summer": {
        "noun": ["noon", "field", "swallow", "river", "thunder", "barley", "lizard", "harbour", "cricket", "rose"],
        "verb": ["burns", "shines", "drowses", "ripens", "calls", "glitters", "waits", "swims"],
        "way": ["all day", "without a cloud", "behind the dunes", "in the long grass", "slowly", "above the roofs"],
        "mood": ["golden", "hot", "idle", "blue", "heavy", "endless"],
    },
    "autumn": {
        "noun": ["leaf", "crow", "lantern", "fog", "vineyard", "apple", "road", "kettle", "forest", "wind"],
        "verb": ["falls", "drifts", "turns", "departs", "glows", "gathers", "fades", "whispers"],
        "way": ["one by one", "at dusk", "over the stubble", "quietly", "to the south", "by the gate"],
        "mood": ["red", "late", "grey", "ripe", "brittle", "wistful"],
    },
    "winter": {
        "noun": ["snow", "owl", "hearth", "lake", "star", "pine", "sleigh", "window", "wolf", "moon"],
        "verb": ["sleeps", "freezes", "listens", "gleams", "cracks", "waits", "keeps watch", "burns low"],
        "way": ["under the ice", "till morning", "in the dark", "without a sound", "far from home", "on the hill"],
        "mood": ["white", "silent", "cold", "long", "clear", "lonely"],
    },
}
LINES = [
    "the {mood} {noun} {verb} {way}",
    "{way} the {noun} {verb}",
    "how {mood} the {noun}, how {mood2} the {noun2}",
    "a {noun} {verb}, a {noun2} {verb2}",
    "who hears the {noun}? it {verb} {way}",
    "nothing {verb} here but the {mood} {noun}",
    "my {noun} and I, the {noun2} {verb} {way}",
]


def texts(sizes: dict[str, int] = SIZES) -> dict[str, dict[str, Any]]:
    """The splits, as fields of `TextSet`: a couplet each, its season the label; no couplet is in two splits."""
    source, seasons = random.Random(0), list(WORDS)
    seen: set[str] = set()
    found = {}
    for split, size in sizes.items():
        written: list[str] = []
        labels: list[int] = []
        while len(written) < size:
            label = source.randrange(len(seasons))
            couplet = f"{_line(source, WORDS[seasons[label]])}, {_line(source, WORDS[seasons[label]])}."
            if couplet not in seen:
                seen.add(couplet)
                written.append(couplet)
                labels.append(label)
        found[split] = {
            "texts": written,
            "labels": np.asarray(labels),
            "label_names": seasons,
            "license": "apache-2.0",
        }
    return found


def _line(source: random.Random, words: dict[str, list[str]]) -> str:
    nouns, verbs, moods = (source.sample(words[kind], 2) for kind in ("noun", "verb", "mood"))
    chosen = {"noun": nouns[0], "noun2": nouns[1], "verb": verbs[0], "verb2": verbs[1]}
    chosen |= {"mood": moods[0], "mood2": moods[1], "way": source.choice(words["way"])}
    return source.choice(LINES).format(**chosen)
