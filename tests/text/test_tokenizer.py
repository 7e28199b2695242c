"""Text to tokens and back."""

import pytest

from gan.errors import GANError
from gan.text.tokenizer import (
    BEGIN,
    END,
    KINDS,
    UNKNOWN,
    decode,
    encode,
    numbers_tokenizer,
    pieces,
    read_tokenizer,
    train_tokenizer,
)

TEXTS = ["a man rides a wave, on top.", "don't ride two-wheeled bikes!", "明月 光。"]


@pytest.mark.parametrize("kind", KINDS)
def test_text_comes_back(kind: str) -> None:
    tokenizer = train_tokenizer(TEXTS, kind, 400)
    for text in TEXTS if kind != "words" else TEXTS[:2]:  # words are written with spaces between
        ids = encode(tokenizer, text, "text")
        assert tokenizer.decode(ids) == text
        assert "".join(pieces(tokenizer, ids)) == text
        assert not {BEGIN, END, UNKNOWN} & set(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_survives_its_file(kind: str) -> None:
    tokenizer = train_tokenizer(TEXTS, kind, 400)
    again = read_tokenizer(tokenizer.to_str())
    assert again.get_vocab() == tokenizer.get_vocab()
    assert encode(again, TEXTS[0], "text") == encode(tokenizer, TEXTS[0], "text")


def test_a_character_of_several_tokens_comes_when_it_is_whole() -> None:
    tokenizer = train_tokenizer(["abc"], "bpe", 300)
    ids = encode(tokenizer, "a龘b", "text")
    assert len(ids) == 5
    assert pieces(tokenizer, ids) == ["a", "", "", "龘", "b"]
    assert pieces(tokenizer, ids[:3]) == ["a", "", ""] and decode(tokenizer, ids[:3]) == "a"


def test_words_keep_what_belongs_together() -> None:
    tokenizer = train_tokenizer(TEXTS, "words", 400)
    assert [tokenizer.id_to_token(k) for k in encode(tokenizer, TEXTS[1], "text")] == [
        *("don't", "ride", "two-wheeled", "bikes", "!")
    ]


def test_a_vocabulary_has_its_size_and_the_rest_is_unknown() -> None:
    tokenizer = train_tokenizer(["b b b a a c"], "words", 5)
    assert tokenizer.get_vocab_size() == 5
    assert tokenizer.encode("a b c").ids == [4, 3, UNKNOWN]


def test_what_is_unknown_is_named() -> None:
    tokenizer = train_tokenizer(TEXTS, "words", 400)
    with pytest.raises(GANError, match="The prefix has 'zebra', 'x' in it"):
        encode(tokenizer, "a zebra rides x", "prefix")


def test_numbers() -> None:
    tokenizer = numbers_tokenizer(12)
    assert encode(tokenizer, "0 11 3", "text") == [3, 14, 6]
    assert tokenizer.decode([3, 14, 6]) == "0 11 3"


@pytest.mark.parametrize("content", ["", "{", '{"model": 1}', "[]"])
def test_a_damaged_file_is_a_sentence(content: str) -> None:
    with pytest.raises(GANError, match=r"tokenizer\.json is damaged"):
        read_tokenizer(content)


def test_a_foreign_file_is_a_sentence() -> None:
    from tokenizers import Tokenizer, models

    foreign = Tokenizer(models.WordLevel({"a": 0, "b": 1, "c": 2}, unk_token="a"))
    with pytest.raises(GANError, match="not one of ours"):
        read_tokenizer(foreign.to_str())


@pytest.mark.parametrize("kind", ["characters", "words", "bpe"])
def test_special_tokens_in_a_text_are_text(kind: str) -> None:
    tokenizer = train_tokenizer(["<begin> a cat <end>", "<unknown>"], kind, 400)
    for known in (tokenizer, read_tokenizer(tokenizer.to_str())):
        ids = known.encode("<begin> cat <end>", add_special_tokens=False).ids
        assert len(ids) > 3 and not {BEGIN, END} & set(ids)
