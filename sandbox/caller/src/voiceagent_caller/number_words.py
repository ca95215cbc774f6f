"""English names of numbers, so that "42" and "forty-two" count as the same words."""

from __future__ import annotations

# fmt: off
_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
# fmt: on
_SCALES = (
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (10**3, "thousand"),
    (100, "hundred"),
)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

NUMBER_WORDS = frozenset(_SMALL) | frozenset(_TENS) | {name for _, name in _SCALES}


def spell_cardinal(number: int) -> list[str]:
    """105 → one hundred five (without "and": the caller of this drops that word where it joins numbers)."""
    if number < 20:
        return [_SMALL[number]]
    if number < 100:
        tens, rest = divmod(number, 10)
        return [_TENS[tens], *([_SMALL[rest]] if rest else [])]
    for size, name in _SCALES:
        if number >= size:
            count, rest = divmod(number, size)
            return [*spell_cardinal(count), name, *(spell_cardinal(rest) if rest else [])]
    raise AssertionError("unreachable: every number of 100 or more has a scale")


def spell_ordinal(number: int) -> list[str]:
    """21 → twenty first."""
    *head, last = spell_cardinal(number)
    if last in _ORDINALS:
        return [*head, _ORDINALS[last]]
    return [*head, last[:-1] + "ieth" if last.endswith("y") else last + "th"]


def spell_digits(digits: str) -> list[str]:
    """ "555" → five five five, as telephone numbers are read."""
    return [_SMALL[int(digit)] for digit in digits]


def spell_pairs(digits: str) -> list[str]:
    """ "1984" → nineteen eighty four, as years are read; but 2005 → two thousand five."""
    if digits[2] == "0":
        return spell_cardinal(int(digits))
    return [*spell_cardinal(int(digits[:2])), *spell_cardinal(int(digits[2:]))]
