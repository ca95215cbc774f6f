"""How fast the simulated day goes by. Pure: real seconds since its start in, hours of the day out.

The operator's own clock is never touched. So a day in minutes makes it seem that much slower; where its reaction is
what counts, the day goes by as slowly as days do.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SECONDS_AN_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the day and its speed: 1 is that of real days."""

    until: float
    """The hour at which it ends."""
    speed: float

    def seconds(self, since: float) -> float:
        """How long it really takes from an hour to its end."""
        return (self.until - since) * SECONDS_AN_HOUR / self.speed


class DayClock:
    """The hour of the day at each moment, for a day that is looked at from one hour to another."""

    def __init__(self, stretches: Sequence[Stretch], begin: float = 0.0, end: float = 24.0) -> None:
        later = [stretch for stretch in stretches if stretch.until > begin]
        inside = [stretch for stretch in later if stretch.until < end]
        last = later[len(inside)]
        self._stretches = [*inside, Stretch(end, last.speed)]
        self._since = [begin, *(stretch.until for stretch in self._stretches)]

    def at(self, seconds: float) -> tuple[float, float]:
        """The hour after so many real seconds, and the speed then."""
        for since, stretch in zip(self._since, self._stretches, strict=False):
            if seconds < stretch.seconds(since):
                return since + seconds * stretch.speed / SECONDS_AN_HOUR, stretch.speed
            seconds -= stretch.seconds(since)
        return self._since[-1], self._stretches[-1].speed

    @property
    def seconds(self) -> float:
        """How long the day really takes."""
        return sum(stretch.seconds(since) for since, stretch in zip(self._since, self._stretches, strict=False))


def a_day_in(minutes: float, slow_from: float, slow_until: float) -> list[Stretch]:
    """Stretches of a day that takes so many minutes, and has a part at its true speed in addition."""
    speed = (24.0 - (slow_until - slow_from)) * 60 / minutes
    hours = [0.0, slow_from, slow_until, 24.0]
    speeds = [speed, 1.0, speed]
    return [Stretch(until, of) for (_, until), of in zip(itertools.pairwise(hours), speeds, strict=True)]
