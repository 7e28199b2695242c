"""What a person wrote into a README.md stays, whoever renders, measures, trains or pushes later.

Rendered text stands in blocks between HTML comments, which no page shows:

    <!-- gan-studio: use 1a2b3c4d -->
    rendered text, whose checksum is in the line above
    <!-- gan-studio: end -->

Rendering anew replaces the blocks and leaves all else as it is. A block whose checksum has come to be wrong was
changed by hand, and is the author's from then on; one that was taken out does not come back. The first comment holds
the checksum of the author's own lines at the time of writing: by it, a push sees whether they were changed on the Hub
since.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any

import yaml

from gan.errors import GANError

logger = logging.getLogger(__name__)

BLOCK = re.compile(r"<!-- gan-studio: (\w+) ([0-9a-f]{8}) -->\n(.*?)<!-- gan-studio: end -->", re.DOTALL)
AUTHOR = re.compile(r"<!-- gan-studio: author ([0-9a-f]{8})[^>]*-->\n?")
ADVICE = "blocks between these marks are rendered anew; what is written outside of them stays"
FRONT = re.compile(r"\s*---\n(.*?\n)?---(?:\n|$)", re.DOTALL)


def rendered(front: Mapping[str, Any], blocks: Mapping[str, str]) -> str:
    """A README.md of rendered text only.

    Args:
        front: its metadata.
        blocks: Markdown by name, in order; an empty one keeps the place for text to come.
    """
    parts = [_block(name, text.replace("<!-- gan-studio", "<!-- gan studio")) for name, text in blocks.items()]
    return _written(dict(front), "\n\n".join(parts))


def merged(new: str, earlier: str, where: str) -> str:
    """A README.md rendered anew over an earlier one: the blocks of the new, all else from the earlier.

    Of the metadata, the keys of the new are the new's, but for tags, where both count; other keys stay.

    Args:
        where: the earlier one is, for errors.

    Raises:
        GANError: if the earlier one has text and no blocks, so that nothing says what of it was rendered, or metadata
            that cannot be read.
    """
    (front, body), (old_front, old_body) = _parsed(new, where), _parsed(earlier, where)
    fresh = {match[1]: match[0] for match in BLOCK.finditer(body)}
    if old_body.strip():
        if not BLOCK.search(old_body):
            raise GANError(
                f"{where} has text and no marks that say what of it was rendered; move the file away to have a card "
                f"rendered, and add your text outside of its marks."
            )
        body = BLOCK.sub(lambda old: old[0] if _changed(old) else fresh.get(old[1], old[0]), old_body)
    tags = [*front.get("tags", []), *_as_list(old_front.get("tags"))]
    return _written(old_front | front | {"tags": list(dict.fromkeys(tags))}, body)


def kept(new: str, earlier: str, where: str) -> str:
    """`merged`, or the earlier text as it is where nothing can be merged: no work is lost because of a card."""
    try:
        return merged(new, earlier, where)
    except GANError as error:
        logger.warning(f"{error} It is kept as it is.")
        return earlier


def to_publish(local: str, remote: str, repo_id: str) -> str:
    """The README.md to push, of the local one and the one on the Hub.

    The author's lines of whichever side was changed since the last push are kept.

    Raises:
        GANError: if both were, differently.
    """
    where = f"README.md of {repo_id}"
    mine, theirs = author_lines(local), author_lines(remote)
    recorded = AUTHOR.search(_normal(remote))
    if set(theirs) <= set(mine) or (recorded and recorded[1] == _checksum(theirs)):
        return kept(local, f"---\n{_split(remote)[0]}---\n", where)  # metadata may have been added there
    if not mine or (recorded and recorded[1] == _checksum(mine)):
        return kept(local, remote, where)
    raise GANError(
        f"{where} was changed on the Hub, and differently here, since it was pushed last; bring the lines that were "
        f"written there into the one here, and push again."
    )


def author_lines(text: str) -> list[str]:
    """The lines of a README.md that a person wrote or changed, without metadata, marks and empty ones."""
    return _author_lines(_split(text)[1])


def _author_lines(body: str) -> list[str]:
    body = BLOCK.sub(lambda block: block[3] if _changed(block) else "", AUTHOR.sub("", body))
    return [line.strip() for line in body.splitlines() if line.strip()]


def _written(front: dict[str, Any], body: str) -> str:
    """The file, with the checksum of the author's lines as they are now."""
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=2**16)
    mark = f"<!-- gan-studio: author {_checksum(_author_lines(body))}; {ADVICE} -->"
    return f"---\n{head}---\n\n{mark}\n{AUTHOR.sub('', body).strip()}\n"


def _block(name: str, text: str) -> str:
    return f"<!-- gan-studio: {name} {_checksum(text.splitlines())} -->\n{text.strip()}\n<!-- gan-studio: end -->"


def _changed(block: re.Match[str]) -> bool:
    return _checksum(block[3].splitlines()) != block[2]


def _checksum(lines: list[str]) -> str:
    """Of what is written; editors may change spaces at the ends of lines and empty lines."""
    text = "\n".join(line.strip() for line in lines if line.strip())
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def _normal(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _split(text: str) -> tuple[str, str]:
    text = _normal(text)
    match = FRONT.match(text)
    return (match[1] or "", text[match.end() :]) if match else ("", text)


def _parsed(text: str, where: str) -> tuple[dict[str, Any], str]:
    head, body = _split(text)
    try:
        front = yaml.safe_load(head) or {}
    except yaml.YAMLError:
        front = None
    if not isinstance(front, dict):
        raise GANError(f"{where} has metadata that is not YAML; mend its first lines, those between `---`.")
    return front, body


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
