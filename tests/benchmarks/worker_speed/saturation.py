"""How many calls at once a machine holds at a latency: judged from levels of ever more calls. Pure."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

DEGRADED = 1.5
"""Times the p95 of the fewest calls. Half a second of each wait is no work, so what is work has doubled and more."""


@dataclass(frozen=True)
class Level:
    """What some calls at once saw."""

    p50_seconds: float
    p95_seconds: float
    cpu_seconds_a_turn: float
    unanswered: int


Levels = Mapping[int, Level]
"""By the number of calls."""


def limit(levels: Levels) -> float:
    """The p95 from which on callers notice."""
    return levels[min(levels)].p95_seconds * DEGRADED


def saturated(levels: Levels) -> bool:
    """Whether the most calls so far were too many."""
    if not levels:
        return False
    most = levels[max(levels)]
    return most.p95_seconds >= limit(levels) or most.unanswered > 0


def common_p95(levels: Levels) -> float:
    """Where to compare: at the limit, or, where that was not reached, at the p95 of the most calls."""
    return min(limit(levels), levels[max(levels)].p95_seconds)


def calls_at(p95_seconds: float, levels: Levels) -> float:
    """How many calls at once have this p95, by interpolation between the levels and not beyond them.

    A level in which turns were left unanswered holds no calls at any latency.
    """
    rows = sorted((calls, level.p95_seconds) for calls, level in levels.items() if not level.unanswered)
    if not rows:
        return 0.0
    for (few, quick), (many, slow) in reversed(list(itertools.pairwise(rows))):
        if slow <= p95_seconds:
            return float(many)
        if quick <= p95_seconds:
            return few + (many - few) * (p95_seconds - quick) / (slow - quick)
    return rows[0][0] * min(1.0, p95_seconds / rows[0][1])


def missing(had: Mapping[int, int], have: Mapping[int, int], calls: int, turns: int) -> int:
    """How many turns callers did not come to, of so many each; `had` and `have` count each one's, before and after."""
    return sum(max(0, turns - (have.get(caller, 0) - had.get(caller, 0))) for caller in range(calls))
