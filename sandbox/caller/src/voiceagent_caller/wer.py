"""Word error rate: how much of a text was lost between the one who said it and the one who heard it."""

from __future__ import annotations

from collections.abc import Sequence

from voiceagent_caller.normalise import readings


def word_error_rate(reference: str, heard: str) -> float:
    """Words to substitute, insert or delete to make `heard` of `reference`, per word of the reference.

    Case, punctuation, compounds and the spelling of numbers do not count. Words that nobody said can take it
    above 1.
    """
    return min(_error_rate(said, understood) for said in readings(reference) for understood in readings(heard))


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """The fewest substitutions, insertions and deletions that turn one text into the other.

    A word that one side writes in two ("voicemail", "voice mail") is no difference: the same was heard.
    """
    table = [[row + column for column in range(len(second) + 1)] for row in range(len(first) + 1)]
    for row in range(1, len(first) + 1):
        for column in range(1, len(second) + 1):
            left, right = first[row - 1], second[column - 1]
            least = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + (left != right),
            )
            if row > 1 and first[row - 2] + left == right:
                least = min(least, table[row - 2][column - 1])
            if column > 1 and second[column - 2] + right == left:
                least = min(least, table[row - 1][column - 2])
            table[row][column] = least
    return table[-1][-1]


def _error_rate(said: Sequence[str], understood: Sequence[str]) -> float:
    if not said:
        return 0.0 if not understood else 1.0
    return edit_distance(said, understood) / len(said)
