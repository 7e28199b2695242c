"""From files to texts: which encoding a file is in, what one sample of it is, and windows of texts that are long."""

import codecs
import re
from collections.abc import Callable
from pathlib import Path

from gan.data import read_bytes
from gan.errors import GANError

UNITS = ("line", "paragraph", "file")  # that one sample can be
SUFFIXES = (".txt", ".text")
# Plain text as well, used where a folder holds nothing of the above: notes beside texts are not meant.
OTHER_SUFFIXES: tuple[str, ...] = (".md", ".markdown", ".rst", ".tex", ".abc", ".py", ".js", ".ts", ".c", ".h", ".cpp")
OTHER_SUFFIXES += (
    ".hpp",
    ".cs",
    ".java",
    ".go",
    ".rs",
    ".rb",
    ".php",
    ".pl",
    ".sh",
    ".lua",
    ".r",
    ".jl",
    ".hs",
    ".ml",
)
OTHER_SUFFIXES += (".lisp", ".scm", ".sql", ".kt", ".swift", ".scala", ".asm")
BYTE_ORDER_MARKS = (  # UTF-32 before UTF-16, whose mark it begins with
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LATIN_1 = "cp1252"  # Windows' Latin-1, which has the characters of the other
LATIN_PUNCTUATION = "€‚„…†‡‰‹›“”‘’•–—™¡¢£§©«»°±²³´·¹»¼½¾¿×÷\xa0\xad"
LONG = 4  # a text of more than so many windows is cut into windows; shorter ones lose what doesn't fit
LOOK_AHEAD = 8  # characters of a text in which the end of a window is looked for, times its tokens


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file, its line breaks as "\\n", and the encoding that it is in.

    Raises:
        GANError: if it cannot be read, or its encoding is not recognised; with the command that converts it.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise GANError(f"{path} cannot be read ({error.strerror}).") from error
    encoding = find_encoding(data)
    if encoding is None and b"\0" in data:
        raise GANError(f"{path} holds no text; take it out of the folder.")
    if encoding is None:
        likely = likely_encoding(data)
        raise GANError(
            f"{path} is not UTF-8 text, nor UTF-16 or Latin-1{f'; it looks like {likely}' * bool(likely)}; convert "
            f"it, for instance with `iconv -f {likely or 'ENCODING'} -t UTF-8 {path.name} > converted.txt`."
        )
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n"), encoding


def find_encoding(data: bytes) -> str | None:
    """UTF-8, UTF-16, UTF-32 or Latin-1, as Python calls it; `None` for anything else."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding if _decodes(data, encoding) else None
    if b"\0" in data:  # in UTF-16 every second byte of plain letters is 0
        zeros = [data[k::2].count(0) / max(1, len(data[k::2])) for k in (0, 1)]
        encoding = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        return encoding if max(zeros) > 0.4 > min(zeros) and _decodes(data, encoding) else None
    if _decodes(data, "utf-8"):
        return "utf-8"
    return LATIN_1 if _looks_latin(data) else None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _looks_latin(data: bytes) -> bool:
    """Whether bytes read as a Western European language: few accented letters, one or two in a row."""
    if not _decodes(data, LATIN_1):
        return False
    runs = re.findall(rb"[\x80-\xff]+", data)
    accented = sum(map(len, runs))
    isolated = sum(len(run) for run in runs if len(run) <= 2)
    characters = b"".join(runs).decode(LATIN_1)
    usual = sum(character.isalpha() or character in LATIN_PUNCTUATION for character in characters)
    return accented < 0.5 * len(data) and isolated > 0.9 * accented and usual > 0.9 * accented


def likely_encoding(data: bytes) -> str | None:
    """The encoding of East Asian or Cyrillic text by its letters, as `iconv` calls it; `None` for anything else."""
    kana, han, hangul, cyrillic = "[\u3040-\u30ff]", "[\u4e00-\u9fff]", "[\uac00-\ud7a3]", "[\u0430-\u044f]"
    rules = (("SHIFT_JIS", kana, 0.3), ("EUC-JP", kana, 0.3), ("EUC-KR", hangul, 0.9), ("GB18030", han, 0.7))
    for encoding, letters, share in (*rules, ("BIG5", han, 0.7), ("CP1251", cyrillic, 0.7), ("KOI8-R", cyrillic, 0.7)):
        if _decodes(data, encoding):
            foreign = re.sub(r"[\x00-\x7f]", "", data.decode(encoding))
            if foreign and len(re.findall(letters, foreign)) > share * len(foreign):
                return encoding
    return None


def split_units(text: str, unit: str) -> list[str]:
    """The samples of a file.

    Args:
        unit: "line": lines that are not empty, without the blanks around them; "paragraph": blocks of lines between
            empty ones; "file": the whole. The latter keep line breaks and indentation.
    """
    if unit == "line":
        return [line for line in (line.strip() for line in text.split("\n")) if line]
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    blocks = [lines] if unit == "file" else re.split(r"\n{2,}", lines)
    return [block.strip("\n") for block in blocks if block.strip()]


def has_layout(text: str) -> bool:
    """Whether line breaks matter in a text: it has blocks of several lines between empty ones, or indented lines."""
    lines = text.split("\n")
    full = [line for line in lines if line.strip()]
    blocks = split_units(text, "paragraph")
    indented = sum(line[0].isspace() for line in full)
    return (len(blocks) > 2 and len(full) > 1.5 * len(blocks)) or (len(full) > 2 and indented > 0.1 * len(full))


def windows(text: str, length: int, token_starts: Callable[[str], list[int]]) -> list[str]:
    """Cuts a long text into consecutive windows of at most `length` tokens, which share no token and leave none out.

    A text of at most `LONG` times `length` tokens is returned as it is.

    Args:
        token_starts: gives the places where the tokens of a text start.
    """
    if len(text) <= LONG * length or len(token_starts(text[: LONG * LOOK_AHEAD * length])) <= LONG * length:
        return [text]
    found, begin = [], 0
    while begin < len(text):
        ahead = text[begin : begin + LOOK_AHEAD * length]
        starts = token_starts(ahead)
        is_rest = begin + len(ahead) == len(text) and len(starts) <= length
        end = len(ahead) if is_rest else _break(ahead, starts[length] if len(starts) > length else len(ahead))
        found.append(ahead[:end].strip("\n").rstrip())
        begin += end
    return [window for window in found if window]


def _break(text: str, end: int) -> int:
    """Where to cut, at `end` or before it: behind a line, else behind a word, but not in the first half."""
    end = max(1, end)
    behind_line = text.rfind("\n", end // 2, end) + 1
    return behind_line or text.rfind(" ", end // 2, end) + 1 or end
