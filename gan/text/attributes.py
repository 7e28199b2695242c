"""What can be counted in a text without any label: the quantities that directions are named after.

Words of a language are English; a list of them that a data set never uses makes no direction.
"""

from collections import Counter
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from torch import Tensor

from gan.text.tokenizer import SPECIAL

FREQUENT = 200  # words of a vocabulary, its most frequent ones, which are not rare
CONTENT_WORDS = 12  # whose presence makes a direction
FEWEST, MOST = 0.02, 0.9  # share of texts in which something must occur to be measured
PLURAL = frozenset(
    {"two", "three", "four", "five", "several", "many", "some", "few", "both"}
    | {"couple", "group", "crowd", "people", "men", "women", "children"}
)
PAST = frozenset(
    {"was", "were", "had", "did", "went", "came", "stood", "sat", "took", "made", "saw", "said", "gave", "ran"}
)
FUNCTION_WORDS = frozenset(
    (  # noqa: SIM905
        "a an the this that these those some any each every no of in on at by to from with without into onto over "
        "under up down out off near next behind beside between through across around along against front top and or "
        "but as is are was were be been being am has have had do does did can could will would shall may might must "
        "not it its he his him she her they them their there here who which what when where while how i my me we our "
        "you your one two three very so too just than then if for about"
    ).split()
)
Words = Sequence[str]


def words_of(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words of a text, or its characters where these are the model's tokens; of byte pairs, what is between
    blanks."""
    return text.split() if has_byte_pairs(tokenizer) else tokenizer.encode(text, add_special_tokens=False).tokens


def has_byte_pairs(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of a tokenizer are byte pairs, of which a word takes several."""
    return isinstance(tokenizer.model, BPE)


def content_words(texts: Sequence[Words]) -> list[str]:
    """The words that occur in most texts, without punctuation, English function words and what is in nearly all."""
    found = Counter(word for words in texts for word in dict.fromkeys(words) if word.isalnum())
    least, most = FEWEST * len(texts), MOST * len(texts)
    usable = [word for word, times in found.most_common() if least <= times <= most and word not in FUNCTION_WORDS]
    return usable[:CONTENT_WORDS]


def attributes(texts: Sequence[Words], ranks: dict[str, int], content: Sequence[str]) -> dict[str, Tensor]:
    """Attributes of texts.

    Args:
        texts: the words of each.
        ranks: of every word of the vocabulary, by frequency: its token; nothing where tokens are byte pairs.
        content: words whose presence is looked for.

    Returns:
        float32 (n,) by name: `length`, words and marks; where there are ranks `rare words`, the share of words that
        are not among the `FREQUENT` most frequent ones; `plural` and `past`, words of the lists above; `-ing`, words
        that end so; `question`, whether there is a question mark; `with WORD`, whether it occurs.
    """
    rare = len(SPECIAL) + FREQUENT
    rows = [
        {
            "length": len(words),
            "rare words": sum(ranks.get(word, rare) >= rare for word in words) / max(1, len(words)),
            "plural": sum(word in PLURAL for word in words),
            "past": sum(word in PAST for word in words),
            "-ing": sum(word.endswith("ing") and len(word) > 4 for word in words),
            "question": float("?" in words or "？" in words),
            **{f"with {word}": float(word in words) for word in content},
        }
        for words in texts
    ]
    names = [name for name in rows[0] if ranks or name != "rare words"]
    return {name: torch.tensor([float(row[name]) for row in rows]) for name in names}


def varying(found: dict[str, Tensor]) -> list[str]:
    """The names of attributes that differ from their usual value in some share of texts at least."""
    return [name for name, values in found.items() if float((values != values.median()).float().mean()) >= FEWEST]
