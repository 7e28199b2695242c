"""From text to tokens and back: characters, words or byte pairs, all of them through the `tokenizers` library."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from gan.errors import GANError

SPECIAL = ("<begin>", "<end>", "<unknown>")
BEGIN, END, UNKNOWN = range(3)  # what they are in every vocabulary
IGNORED = -100  # fills what is behind the end of a sample; no loss counts it
KINDS = ("characters", "words", "bpe")
UNFINISHED = "\ufffd"  # what bytes that are no character yet are decoded to
REACH = 4  # tokens back that what a token adds can depend on: a character has four bytes at most
WORD = r"\w+(?:['’-]\w+)*|[^\w\s]"  # "don't" and "two-wheeled" are words, a mark is a word of its own


def train_tokenizer(texts: Iterable[str], kind: str, vocab_size: int) -> Tokenizer:
    """Learns a vocabulary from texts.

    Args:
        texts: to learn from, read once.
        kind: "characters", "words" (a mark is one too) or "bpe" (byte pairs: nothing is unknown to it).
        vocab_size: tokens at most, the rarest characters or words stay unknown.
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
    return _reading_literally(tokenizer)


def _reading_literally(tokenizer: Tokenizer) -> Tokenizer:
    """So that a text in which "<end>" is written does not end there. Not a part of what `tokenizer.json` says."""
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


def numbers_tokenizer(count: int) -> Tokenizer:
    """The vocabulary "0", "1", ... of a synthetic language, written with spaces between."""
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
    if _machinery(tokenizer) not in _machineries():
        raise GANError("tokenizer.json is not one of ours: it takes text apart in another way.")
    if [tokenizer.id_to_token(k) for k in range(len(SPECIAL))] != list(SPECIAL):
        raise GANError("tokenizer.json is not one of ours: its first tokens are not " + ", ".join(SPECIAL) + ".")
    return _reading_literally(tokenizer)


def _machinery(tokenizer: Tokenizer) -> dict[str, Any]:
    """All of a tokenizer but its vocabulary. That of a stranger may hold an expression that never comes to an end."""
    content = json.loads(tokenizer.to_str())
    added = [token for token in content.pop("added_tokens") if token["content"] not in SPECIAL]
    model = {name: value for name, value in content.pop("model").items() if name not in ("vocab", "merges")}
    return content | {"added": added, "model": model}


@cache
def _machineries() -> list[dict[str, Any]]:
    return [_machinery(tokenizer) for tokenizer in (*map(_untrained, KINDS), numbers_tokenizer(0))]


def encode(tokenizer: Tokenizer, text: str, what: str) -> list[int]:
    """Tokens of what a user typed.

    Args:
        what: this is, for the sentence ("prefix").

    Raises:
        GANError: if a part of it isn't in the vocabulary, naming it.
    """
    encoding = tokenizer.encode(text, add_special_tokens=False)
    unknown = [text[start:end] for k, (start, end) in zip(encoding.ids, encoding.offsets) if k == UNKNOWN]
    if unknown:
        raise GANError(f"The {what} has {', '.join(map(repr, unknown))} in it, which the model has never seen.")
    return encoding.ids


def decode(tokenizer: Tokenizer, tokens: list[int]) -> str:
    """The text of tokens, without a character at its end that byte pairs have only begun."""
    return tokenizer.decode(tokens).rstrip(UNFINISHED)


def pieces(tokenizer: Tokenizer, tokens: list[int]) -> list[str]:
    """What each token adds to the text; joined, they are the text."""
    found = []
    for k in range(len(tokens)):
        known = tokens[max(0, k - REACH) : k]
        found.append(decode(tokenizer, [*known, tokens[k]])[len(decode(tokenizer, known)) :])
    return found
