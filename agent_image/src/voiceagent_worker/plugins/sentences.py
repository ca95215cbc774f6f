"""Cuts a stream of text into sentences, losing nothing: what goes in comes out, in the same order, space for space.

A sentence is let go as soon as its end is certain, which is when the space behind it arrives.
"""

import re
from typing import Final

MAX_CHARACTERS: Final = 400
"""Text without an end of a sentence is let go at a space once it is this long, so that speech is not held up."""
_END: Final = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s)|[。！？]+[」』”）]*|\n+(?=[^\n])")
_NO_END: Final = re.compile(
    r"(?:^|[\s(\"'“«])(?:[^\W\d_]|mr|mrs|ms|dr|prof|st|sr|jr|vs|etc|approx|dept|no|nos|tel|ext|e\.g|i\.e|p\.ex|"
    r"mme|mlle|mgr|bd|av|env|art|fig|bzw|usw|z\.b|d\.h|ca|ing|sra|dña|pág)\.$",
    re.IGNORECASE,
)
"""What stands before a full stop that ends no sentence: abbreviations and initials."""


class SentenceBuffer:
    """Holds back what may not be a whole sentence yet."""

    def __init__(self) -> None:
        self._text = ""
        self._looked = 0

    def push(self, text: str) -> list[str]:
        """Add text; the sentences that are whole now, each with the space behind it where that has come."""
        self._text += text
        found: list[str] = []
        while (end := self._end()) is not None:
            found.append(self._text[:end])
            self._text = self._text[end:]
            self._looked = 0
        return found

    def flush(self) -> str:
        """What is left."""
        rest, self._text, self._looked = self._text, "", 0
        return rest

    def _end(self) -> int | None:
        # from a little before what was looked at: an ending may have grown
        for match in _END.finditer(self._text, max(0, self._looked - 8)):
            end = match.end()
            if not self._text[:end].strip() or self._is_abbreviation(match):
                continue
            while end < len(self._text) and self._text[end].isspace():
                end += 1
            return end
        self._looked = len(self._text)
        if len(self._text) <= MAX_CHARACTERS:
            return None
        space = self._text.rfind(" ", 1, MAX_CHARACTERS)
        return space + 1 if space > 0 else MAX_CHARACTERS

    def _is_abbreviation(self, match: "re.Match[str]") -> bool:
        return match[0] == "." and _NO_END.search(self._text[max(0, match.end() - 16) : match.end()]) is not None
