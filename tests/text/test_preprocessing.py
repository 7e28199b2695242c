"""What one sample of a file is, in which encoding, and windows of long texts."""

import pytest

from gan.text.preprocessing import find_encoding, has_layout, likely_encoding, split_units, windows
from gan.text.tokenizer import KINDS, token_starts, train_tokenizer

POEM = "  one line,\n    another\n\n\n  a second stanza \n"


def test_units() -> None:
    assert split_units(POEM, "line") == ["one line,", "another", "a second stanza"]
    assert split_units(POEM, "paragraph") == ["  one line,\n    another", "  a second stanza"]
    assert split_units(POEM, "file") == ["  one line,\n    another\n\n\n  a second stanza"]
    assert [split_units(" \n\n\t\n", unit) for unit in ("line", "paragraph", "file")] == [[], [], []]


def test_layout_is_seen() -> None:
    assert has_layout("a\nb\n\nc\nd\n\ne\nf") and has_layout("def f():\n    x = 1\n    return x\n")
    assert not has_layout("one\ntwo\nthree") and not has_layout("one\n\ntwo\n\nthree") and not has_layout("")


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_start_where_the_tokenizer_has_them(kind: str) -> None:
    text = "don't stop, Émile: two-wheeled 床前明月光 🙂 x\n    y = 1"
    starts = token_starts(kind)(text)
    assert starts == sorted(starts) and starts[0] == 0 and starts[-1] < len(text)
    if kind != "bpe":
        assert starts == [start for start, _ in train_tokenizer([text], kind, 100).encode(text).offsets]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 7, 64])
def test_windows_leave_nothing_out_and_share_nothing(kind: str, length: int) -> None:
    text = "".join(f"  line {k} of the book,\nand more of it: {'x' * k}\n\n" for k in range(60))
    found = windows(text, length, token_starts(kind))
    assert len(found) > 4 and "".join("".join(found).split()) == "".join(text.split())
    if kind != "bpe":
        assert max(len(token_starts(kind)(window)) for window in found) <= length
    assert found == windows(text, length, token_starts(kind))


def test_short_texts_stay_whole_and_windows_end_with_a_line_or_word() -> None:
    starts = token_starts("characters")
    assert windows("x" * 40, 10, starts) == ["x" * 40] and len(windows("x" * 41, 10, starts)) == 5
    assert windows("one two three " * 10, 10, starts)[:2] == ["one two", "three one"]
    assert windows("ab\ncdefg\n" * 20, 8, starts)[0] == "ab\ncdefg"


def test_encodings() -> None:
    assert [find_encoding(data) for data in (b"", b"plain", "床".encode(), b"\xef\xbb\xbfa")] == [
        *("utf-8", "utf-8", "utf-8", "utf-8-sig")
    ]
    assert find_encoding("plain".encode("utf-16-be")) == "utf-16-be"
    assert find_encoding("“Être ou ne pas être” — l’été".encode("cp1252")) == "cp1252"
    assert find_encoding(b"\xff\xfe\x00") is None, "half a character"
    assert find_encoding(bytes(range(256))) is None and find_encoding(b"\x00\x01\x02") is None
    assert likely_encoding("春眠不觉晓".encode("gb18030")) == "GB18030" and likely_encoding(b"\x81") is None
