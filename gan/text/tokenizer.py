"""From text to tokens and back: characters, words or byte pairs, all of them through the `tokenizers` library."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from tokenizers import Encoding, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from gan.errors import GANError

SPECIAL = ("<begin>", "<end>", "<unknown>")
BEGIN, END, UNKNOWN = range(3)  # their ids in every vocabulary
IGNORED = -100  # padding behind the end of a sample; ignored by losses
KINDS = ("characters", "words", "bpe")
UNFINISHED = "\ufffd"  # what an incomplete byte sequence is decoded to
NAMED = 8  # unknown parts of a text that a message lists
CONTEXT = 4  # tokens before it that the text of a token can depend on: a character has four bytes at most
BYTES = 256  # each a token of byte pairs, so that no text is unknown
BYTES_A_TOKEN = 4  # of byte pairs, estimated
WORD = r"\w+(?:['’-]\w+)*|[^\w\s]"  # "don't" and "two-wheeled" are words, a punctuation mark is a word of its own


def train_tokenizer(texts: Iterable[str], kind: str, vocab_size: int) -> Tokenizer:
    """Learns a vocabulary from texts.

    Args:
        texts: to learn from, read once.
        kind: "characters", "words" (punctuation marks are words, too) or "bpe" (byte pairs: no text is unknown).
        vocab_size: largest number of tokens; the rarest characters or words are left out, and unknown.
    """
    tokenizer = _untrained(kind)
    if kind == "bpe":
        trainer: trainers.Trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    else:
        trainer = trainers.WordLevelTrainer(vocab_size=vocab_size, special_tokens=list(SPECIAL), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return _without_special_tokens(tokenizer)


def _without_special_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Encodes "<end>" in a text as any other characters. (`tokenizer.json` does not save this setting.)"""
    tokenizer.encode_special_tokens = True
    return tokenizer


def _untrained(kind: str) -> Tokenizer:
    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        return tokenizer
    tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
    pattern, behavior, invert = ("(?m).", "isolated", False) if kind == "characters" else (WORD, "removed", True)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior, invert)
    tokenizer.decoder = decoders.Fuse() if kind == "characters" else decoders.WordPiece(prefix="##", cleanup=True)
    return tokenizer


def token_starts(kind: str) -> Callable[[str], list[int]]:
    """A function that says where the tokens of a text start, for a vocabulary that is not learnt yet.

    It is exact for characters and words; byte pairs are estimated.
    """
    if kind == "characters":
        return lambda text: list(range(len(text)))
    splitter = _untrained(kind).pre_tokenizer

    def starts(text: str) -> list[int]:
        words = [span for _, span in splitter.pre_tokenize_str(text)]
        if kind == "words":
            return [start for start, _ in words]
        counts = [-(-len(text[start:end].encode()) // BYTES_A_TOKEN) for start, end in words]
        return [start + (end - start) * k // count for (start, end), count in zip(words, counts) for k in range(count)]

    return starts


def kind_of(tokenizer: Tokenizer) -> str | None:
    """What a tokenizer splits text into, one of `KINDS`; `None` for a synthetic language."""
    return next((kind for kind in KINDS if _rules(tokenizer) == _rules(_untrained(kind))), None)


def numbers_tokenizer(count: int) -> Tokenizer:
    """The vocabulary "0", "1", ... of a synthetic language; tokens are separated by spaces."""
    vocabulary = {word: k for k, word in enumerate([*SPECIAL, *map(str, range(count))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=SPECIAL[UNKNOWN]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def read_tokenizer(content: str) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`.

    Raises:
        GANError: if it is damaged or not one of ours.
    """
    try:
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:  # the library raises nothing more special
        raise GANError(f"tokenizer.json is damaged ({error}); download or save the model again.") from error
    if _rules(tokenizer) not in _known_rules():
        raise GANError("tokenizer.json is not one of ours: it splits text by other rules.")
    if [tokenizer.id_to_token(k) for k in range(len(SPECIAL))] != list(SPECIAL):
        raise GANError("tokenizer.json is not one of ours: its first tokens are not " + ", ".join(SPECIAL) + ".")
    return _without_special_tokens(tokenizer)


def _rules(tokenizer: Tokenizer) -> dict[str, Any]:
    """All of a tokenizer but its vocabulary. A stranger's may hold a regular expression that takes for ever."""
    content = json.loads(tokenizer.to_str())
    added = [token for token in content.pop("added_tokens") if token["content"] not in SPECIAL]
    model = {name: value for name, value in content.pop("model").items() if name not in ("vocab", "merges")}
    return content | {"added": added, "model": model}


@cache
def _known_rules() -> list[dict[str, Any]]:
    return [_rules(tokenizer) for tokenizer in (*map(_untrained, KINDS), numbers_tokenizer(0))]


def encode(tokenizer: Tokenizer, text: str, what: str) -> list[int]:
    """Tokens of what a user typed.

    Args:
        what: name of the text in the error message ("prefix").

    Raises:
        GANError: if parts of it, which are named, aren't in the vocabulary.
    """
    encoding = tokenizer.encode(text, add_special_tokens=False)
    if places := _unknown(encoding):
        named = listed(text[start:end] for start, end in places)
        raise GANError(f"The {what} has {named} in it, which the model has never seen.")
    return encoding.ids


def unknown_places(tokenizer: Tokenizer, text: str) -> list[tuple[int, int]]:
    """Where a text has something that the vocabulary lacks: starts and ends."""
    return _unknown(tokenizer.encode(text, add_special_tokens=False))


def _unknown(encoding: Encoding) -> list[tuple[int, int]]:
    return [place for k, place in zip(encoding.ids, encoding.offsets) if k == UNKNOWN]


def listed(parts: Iterable[str]) -> str:
    """Parts of a text as a message names them, each once: "'x', 'y' and 3 more"."""
    each = list(dict.fromkeys(parts))
    more = f" and {len(each) - NAMED} more" if len(each) > NAMED else ""
    return ", ".join(map(repr, each[:NAMED])) + more


def decode(tokenizer: Tokenizer, tokens: list[int]) -> str:
    """The text of tokens, without an incomplete character at its end."""
    return tokenizer.decode(tokens).rstrip(UNFINISHED)


def pieces(tokenizer: Tokenizer, tokens: list[int]) -> list[str]:
    """What each token adds to the text; joined, they are the text."""
    found = []
    for k in range(len(tokens)):
        known = tokens[max(0, k - CONTEXT) : k]
        found.append(decode(tokenizer, [*known, tokens[k]])[len(decode(tokenizer, known)) :])
    return found
