"""Word error rate: how much of a text was lost between the one who said it and the one who heard it."""

from __future__ import annotations

from collections.abc import Sequence

from voiceagent_caller.normalise import readings


def word_error_rate(reference: str, heard: str) -> float:
    """Words to substitute, insert or delete to make `heard` of `reference`, per word of the reference.

    Case, punctuation and the spelling of numbers do not count. Words that nobody said can take it above 1.
    """
    return min(_error_rate(said, understood) for said in readings(reference) for understood in readings(heard))


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """The fewest substitutions, insertions and deletions that turn one sequence into the other."""
    previous = list(range(len(second) + 1))
    for row, left in enumerate(first, start=1):
        current = [row]
        for column, right in enumerate(second, start=1):
            current.append(min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (left != right)))
        previous = current
    return previous[-1]


def _error_rate(said: Sequence[str], understood: Sequence[str]) -> float:
    if not said:
        return 0.0 if not understood else 1.0
    return edit_distance(said, understood) / len(said)
