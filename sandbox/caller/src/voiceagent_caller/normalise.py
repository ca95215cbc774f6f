"""Text reduced to the words that are heard, so that two spellings of the same speech compare as equal.

Digits are the hard part: "2024" may have been spoken as a quantity, as a year or digit by digit. Each reading
is offered, and whoever compares takes the one that fits best.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from voiceagent_caller.number_words import (
    NUMBER_WORDS,
    spell_cardinal,
    spell_digits,
    spell_ordinal,
    spell_pairs,
)

_CURRENCIES = {"$": ("dollars", "cents"), "€": ("euros", "cents"), "£": ("pounds", "pence")}
_MONEY = re.compile(r"([$€£])\s?(\d[\d,]*)(?:\.(\d\d))?")
_CLOCK = re.compile(r"\b(\d{1,2}):(\d\d)\b")
_ORDINAL = re.compile(r"\b(\d{1,9})(?:st|nd|rd|th)\b")
_GROUPED = re.compile(r"\b\d{1,3}(?:,\d{3})+\b")
_DECIMAL = re.compile(r"(\d+)\.(\d+)")
_ABBREVIATION = re.compile(r"\b(?:[a-z]\.){2,}")
_SPELLINGS = ((re.compile(r"\bgood[- ]?bye?\b"), "goodbye"), (re.compile(r"\bok\b"), "okay"))
"""Words of speech that everybody spells in their own way."""
_DIGITS = re.compile(r"\d+")
_APOSTROPHES = re.compile("['’‘ʼ`]")
_LONGEST_QUANTITY = 7
_Reading = Callable[[str], list[str]]


def readings(text: str) -> tuple[tuple[str, ...], ...]:
    """The distinct ways to read a text aloud, each as its words."""
    prepared = _prepare(text)
    if not _DIGITS.search(prepared):
        return (_words(prepared),)
    spoken = (_words(_spell(prepared, reading)) for reading in (_as_quantity, _as_year, spell_digits))
    return tuple(dict.fromkeys(spoken))


def _as_quantity(digits: str) -> list[str]:
    # A leading zero or great length is a telephone number or a code, which nobody reads as a quantity.
    if (digits[0] == "0" and len(digits) > 1) or len(digits) > _LONGEST_QUANTITY:
        return spell_digits(digits)
    return spell_cardinal(int(digits))


def _as_year(digits: str) -> list[str]:
    return spell_pairs(digits) if len(digits) == 4 and digits[0] != "0" else _as_quantity(digits)


def _prepare(text: str) -> str:
    """Everything about numbers and symbols that does not depend on the reading."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _APOSTROPHES.sub("", text)
    text = _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), text)
    for pattern, word in _SPELLINGS:
        text = pattern.sub(word, text)
    text = _MONEY.sub(_spell_money, text)
    text = _GROUPED.sub(lambda match: " ".join(spell_cardinal(int(match[0].replace(",", "")))), text)
    text = _CLOCK.sub(lambda match: match[1] if match[2] == "00" else f"{match[1]} {match[2]}", text)
    text = _ORDINAL.sub(lambda match: " ".join(spell_ordinal(int(match[1]))), text)
    text = _DECIMAL.sub(lambda match: f"{match[1]} point {' '.join(spell_digits(match[2]))}", text)
    return text.replace("%", " percent ").replace("&", " and ")


def _spell_money(match: re.Match[str]) -> str:
    large, small = _CURRENCIES[match[1]]
    cents = int(match[3] or 0)
    return f"{match[2]} {large}" + (f" {cents} {small}" if cents else "")


def _spell(text: str, reading: _Reading) -> str:
    return _DIGITS.sub(lambda match: f" {' '.join(reading(match[0]))} ", text)


def _words(text: str) -> tuple[str, ...]:
    kept = "".join(character if character.isalnum() else " " for character in text)
    words = [word for word in kept.split() if word != "oclock"]
    return tuple(word for index, word in enumerate(words) if not _joins_numbers(words, index))


def _joins_numbers(words: list[str], index: int) -> bool:
    """Whether this is the "and" of "one hundred and five" or of "five dollars and ten cents"."""
    if words[index] != "and" or not 0 < index < len(words) - 1:
        return False
    before, after = words[index - 1], words[index + 1]
    units = {unit for pair in _CURRENCIES.values() for unit in pair}
    return (before in NUMBER_WORDS or before in units) and after in NUMBER_WORDS
