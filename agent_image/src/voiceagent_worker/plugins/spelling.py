"""Finds words of a list in a text, whole words only, through the usual ways of hiding them.

Seen through: accents (fück), look-alike letters (ѕhit in Cyrillic), digits and signs for letters (sh1t, $hit), masked
letters (f*ck), stretched ones (fuuuck), and letters apart (f u c k, f.u.c.k). Not seen through, because it hits honest
words: digits in words of three letters (A55), and masks that leave a single letter (f***).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"[\w@$*#!€+|¡]+(?:[-‐‑·_.][\w@$*#!€+|¡]+)*")
_PART: Final = re.compile(r"[^\-‐‑·.]+")
_HIDDEN: Final = re.compile(r"[^\W_]*[\d@$*#!€+|¡_]")
_STRETCHED: Final = re.compile(r"(.)\1\1")
_APART: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ \t.\-_*·/]{1,3}[^\W\d_](?![^\W_])){2,}(?![^\W_])")
_SIGNS: Final = str.maketrans("013457@$!€+|¡", "oieastasietii")
_OTHER_ONE: Final = str.maketrans("1!|¡", "llll")
_LOOKALIKES: Final = str.maketrans("аеорсухіјѕкмтвнԁɡıαοε", "aeopcyxijskmtbhdgiaoe")
_WILD: Final = frozenset("*#")
_EDGE: Final = "*#_!¡|+"
PROTECTED: Final = frozenset(
    {"cul-de-sac", "culs-de-sac", "cul-de-poule", "cul-de-jatte", "culs-de-jatte", "cul-de-lampe", "cul-de-four"}
)
"""Compounds whose parts do no harm in them."""
MIN_HIDDEN: Final = 4
"""Shorter words are not looked for behind signs: too many honest words and numbers look like them."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a word was found."""

    start: int
    end: int


class Finder:
    """Knows a list of words."""

    def __init__(self, words: Iterable[str], allow: Iterable[str] = ()) -> None:
        """`allow` are words not to find; those with hyphens protect their parts."""
        self._allow = frozenset(map(plain, allow)) | PROTECTED
        self._words = frozenset(map(plain, words)) - self._allow
        self._squeezed: dict[str, list[str]] = {}
        self._by_shape: dict[tuple[int, str], list[str]] = {}
        for word in self._words:
            self._squeezed.setdefault(squeezed(word), []).append(word)
            self._by_shape.setdefault((len(word), word[0]), []).append(word)

    def find(self, text: str) -> list[Span]:
        """Where words of the list are, in the text's order."""
        found = [span for token in _TOKEN.finditer(text) for span in self._in_token(token[0], token.start())]
        # most texts have no lone letters, and this look is quick
        apart = [span for span in self._apart(text) if not any(_overlap(span, other) for other in found)]
        return sorted([*found, *apart], key=lambda span: span.start) if apart else found

    def _in_token(self, token: str, offset: int) -> list[Span]:
        if token.isalpha():
            return [Span(offset, offset + len(token))] if self._is_hit(token) else []
        whole = plain(token)
        if whole in self._allow:
            return []
        if "-" not in token and "." not in token and "·" not in token:
            return self._strip_and_check(token, offset)
        if self._is_hit(re.sub(r"[\-‐‑·._]", "", token)):
            return [Span(offset, offset + len(token))]
        parts = (self._strip_and_check(part[0], offset + part.start()) for part in _PART.finditer(token))
        return [span for spans in parts for span in spans]

    def _strip_and_check(self, token: str, offset: int) -> list[Span]:
        if self._is_hit(token):
            return [Span(offset, offset + len(token))]
        left = len(token) - len(token.lstrip(_EDGE))
        core = token.strip(_EDGE)
        if core and core != token and self._is_hit(core):
            return [Span(offset + left, offset + left + len(core))]
        return []

    def _is_hit(self, token: str) -> bool:
        word = plain(token)
        if word in self._words:
            return True
        if word in self._allow:
            return False
        if _STRETCHED.search(word) and self._is_stretched(word):
            return True
        if len(word) < MIN_HIDDEN or not _HIDDEN.match(word) or not any(map(str.isalpha, word)):
            return False
        readings = {word.translate(_SIGNS), word.translate(_OTHER_ONE).translate(_SIGNS)}
        return any(
            reading in self._words or self._is_masked(reading) or self._is_stretched(reading) for reading in readings
        )

    def _is_stretched(self, word: str) -> bool:
        if not _STRETCHED.search(word):
            return False
        return any(_stretches(word, known) for known in self._squeezed.get(squeezed(word), ()))

    def _is_masked(self, word: str) -> bool:
        seen = sum(letter not in _WILD for letter in word)
        if seen == len(word) or seen < 2:
            return False
        return any(
            all(a == b or a in _WILD for a, b in zip(word, known, strict=True))
            for known in self._by_shape.get((len(word), word[0]), ())
        )

    def _apart(self, text: str) -> list[Span]:
        return [
            Span(match.start(), match.end())
            for match in _APART.finditer(text)
            if plain("".join(filter(str.isalpha, match[0]))) in self._words
        ]


def plain(word: str) -> str:
    """Lower case, without accents, look-alikes as the letters that they look like."""
    word = word.casefold()
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word.translate(_LOOKALIKES))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def squeezed(word: str) -> str:
    """Each run of a letter as one."""
    return re.sub(r"(.)\1+", r"\1", word)


def _stretches(word: str, known: str) -> bool:
    """Whether every run of the word is at least as long as in the known one."""
    runs = [len(match[0]) for match in re.finditer(r"(.)\1*", word)]
    others = [len(match[0]) for match in re.finditer(r"(.)\1*", known)]
    return all(run >= other for run, other in zip(runs, others, strict=True))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
