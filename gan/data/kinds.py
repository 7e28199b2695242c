"""What reading must know of a modality's samples: what they are called, and the files they come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SampleKind:
    """Samples that are files.

    Attributes:
        name, plural: what one is called ("picture", "pictures").
        flag: begins the name of the flag for their column ("image": `--image_column`).
        feature: their type in a `datasets` column.
        suffixes: of files that can be opened, in lower case.
        advice: what to do with files of other suffixes that hold such samples too.
    """

    name: str
    plural: str
    flag: str
    feature: type
    suffixes: frozenset[str]
    advice: Mapping[str, str] = field(default_factory=dict)

    def column_of(self, args: Any) -> str | None:
        """The column that the command line names."""
        return getattr(args, f"{self.flag}_column")

    def usual_suffixes(self) -> str:
        """For a sentence."""
        usual = [s for s in (".png", ".jpg", ".webp", ".tif", ".wav", ".flac", ".ogg", ".mp3") if s in self.suffixes]
        return ", ".join([*usual, "..."])
