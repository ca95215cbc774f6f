"""Names that people read: nothing in them may be invisible, turn the line around, or look like other letters. Pure.

Rooms and identities are of ASCII only, and need none of this.
"""

import unicodedata
from typing import Final

MARKS_MAX: Final = 3
"""Marks on one letter; real names of any script have no more."""
INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""What Unicode calls letters, marks or symbols, and shows nothing."""
LOOK_ALIKE_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts with letters that look like those of another of them."""


def fault_of(name: str) -> str | None:
    """What is wrong with a name, as the rule that it breaks; None for a good one."""
    if not name.isprintable() or any(c in INVISIBLE or "\ufe00" <= c <= "\ufe0f" for c in name):
        return "must have no control, invisible or direction characters"
    if unicodedata.normalize("NFC", name) != name:
        return "must be in Unicode's normal form NFC"
    if any(not c.isascii() and c.isalnum() and unicodedata.normalize("NFKC", c).isascii() for c in name):
        return "must have no letters or digits that are styled forms of ASCII's"
    if _most_marks(name) > MARKS_MAX:
        return f"must have at most {MARKS_MAX} marks on a letter"
    if any(len(_scripts(word)) > 1 for word in name.split()):
        return "must not mix scripts whose letters look alike (such as Latin and Cyrillic) in one word"
    return None


def _most_marks(name: str) -> int:
    most = marks = 0
    for character in name:
        marks = marks + 1 if unicodedata.combining(character) else 0
        most = max(most, marks)
    return most


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(c, "").split(" ")[0] for c in word if c.isalpha()} & LOOK_ALIKE_SCRIPTS
