"""A business day's calls: two peaks, noise, and a crowd that comes at once. Pure: the same seed gives the same day.

Calls arrive as a Poisson process whose rate follows the curve; how long they last is log-normal. Times are hours of
the simulated day.
"""

import bisect
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HOURS: Final = 24.0
SEED: Final = 20
NIGHT_CALLS: Final = 40.0
"""So many at once around the clock."""
PEAKS: Final = ((10.6, 1.6, 1800.0), (15.4, 2.0, 1520.0))
"""Of the morning and the afternoon: at what hour, how wide (a standard deviation in hours), how many calls at once."""
NOISE: Final = 0.04
"""The standard deviation of a slow drift of the rate, as a share of it."""
NOISE_HOURS: Final = 0.25
MEDIAN_MINUTES: Final = 2.9
SPREAD: Final = 0.8
"""Of the durations' logarithm. With the median above a call lasts 4 minutes on average."""
LONGEST_MINUTES: Final = 60.0
CROWD_HOUR: Final = 20.0
CROWD_CALLS: Final = 600
CROWD_HOURS: Final = 1 / 60
"""So many people more call within that time, once a day."""


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody who calls, and talks until the end if there is a place."""

    at: float
    until: float


def mean_calls(hour: float) -> float:
    """How many calls there would be at once on average, without noise and crowd."""
    peaks = sum(calls * math.exp(-(((hour - at) / width) ** 2) / 2) for at, width, calls in PEAKS)
    return NIGHT_CALLS + peaks


def mean_duration_hours() -> float:
    """How long a call lasts on average."""
    return MEDIAN_MINUTES / 60 * math.exp(SPREAD**2 / 2)


def a_day(seed: int = SEED) -> list[Call]:
    """All calls of the day, in their order."""
    # The day is to be the same in each run: nothing here is a secret.
    source = random.Random(seed)
    drift = _drift(source)
    most = max(mean_calls(step / 20) for step in range(int(HOURS * 20))) * (1 + 5 * NOISE) / mean_duration_hours()
    arrivals: list[float] = []
    hour = source.expovariate(most)
    while hour < HOURS:  # thinning: of arrivals at the highest rate, those are kept that the hour's own rate allows
        rate = mean_calls(hour) * drift[int(hour / NOISE_HOURS)] / mean_duration_hours()
        if source.random() < rate / most:
            arrivals.append(hour)
        hour += source.expovariate(most)
    arrivals += [CROWD_HOUR + source.random() * CROWD_HOURS for _ in range(CROWD_CALLS)]
    return [Call(at, at + _duration_hours(source)) for at in sorted(arrivals)]


def callers_at_once(calls: Sequence[Call], hours: Sequence[float]) -> list[int]:
    """How many would be talking at each of these hours, were there a place for everybody."""
    starts, ends = [call.at for call in calls], sorted(call.until for call in calls)
    return [bisect.bisect_right(starts, hour) - bisect.bisect_right(ends, hour) for hour in hours]


def refused_by(calls: Sequence[Call], places: int) -> int:
    """How many callers find no place where so many are always there."""
    ends: list[float] = []
    refused = 0
    for call in calls:
        del ends[: bisect.bisect_right(ends, call.at)]
        if len(ends) < places:
            bisect.insort(ends, call.until)
        else:
            refused += 1
    return refused


def _drift(source: random.Random) -> list[float]:
    """A factor for each quarter of an hour, each half like the one before it."""
    factors, now = [], 0.0
    for _ in range(math.ceil(HOURS / NOISE_HOURS)):
        now = now / 2 + source.gauss(0, NOISE * math.sqrt(3) / 2)
        factors.append(1 + now)
    return factors


def _duration_hours(source: random.Random) -> float:
    return min(source.lognormvariate(math.log(MEDIAN_MINUTES), SPREAD), LONGEST_MINUTES) / 60
