"""What a stretch of time had: the rollup of one agent's calls. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from voiceagent_gateway.history.latencies import STAGES, Counts, bucket_of

RESOLUTIONS: Final = (60, 600, 3600, 86400)
"""Lengths in seconds of the stretches that are kept; each divides the next."""
MINUTE: Final = 60_000
"""In milliseconds, as all moments here."""


@dataclass(slots=True)
class Tally:
    """A rollup, or what is to be added to one: then a number may be below 0."""

    active_max: int = 0
    """Most calls at once, as they were seen."""
    active_milliseconds: int = 0
    """How long calls ran, summed over the calls."""
    started: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """By outcome."""
    turns: int = 0
    latencies: tuple[Counts, ...] = field(default_factory=lambda: tuple({} for _ in STAGES))

    def add(self, other: "Tally") -> None:
        """Take in what another stretch had."""
        self.active_max = max(self.active_max, other.active_max)
        self.active_milliseconds += other.active_milliseconds
        self.started += other.started
        for outcome, count in other.ended.items():
            self.end(outcome, count)
        self.turns += other.turns
        for own, more in zip(self.latencies, other.latencies, strict=True):
            for bucket, count in more.items():
                own[bucket] = own.get(bucket, 0) + count

    def end(self, outcome: str, count: int = 1) -> None:
        """Count calls that ended so; fewer than none takes them back."""
        total = self.ended.get(outcome, 0) + count
        if total:
            self.ended[outcome] = total
        else:
            self.ended.pop(outcome, None)

    def turn(self, milliseconds: Iterable[float | None]) -> None:
        """Count a turn with its latencies, in the order of STAGES."""
        self.turns += 1
        for counts, latency in zip(self.latencies, milliseconds, strict=True):
            if latency is not None:
                bucket = bucket_of(latency)
                counts[bucket] = counts.get(bucket, 0) + 1


Minutes = dict[int, Tally]
"""What is to be added, by the minute's beginning."""


def minute_of(moment: int) -> int:
    """The beginning of its minute."""
    return moment - moment % MINUTE


def add_time(minutes: Minutes, start: int, end: int, sign: int = 1) -> None:
    """Add the time from start to end to the minutes that it is in; or take it away."""
    while start < end:
        minute = minute_of(start)
        until = min(end, minute + MINUTE)
        minutes.setdefault(minute, Tally()).active_milliseconds += sign * (until - start)
        start = until


def rolled_up(minutes: Mapping[int, Tally]) -> dict[tuple[int, int], Tally]:
    """The same by resolution and beginning, for all resolutions."""
    rollups: dict[tuple[int, int], Tally] = {}
    for minute, tally in minutes.items():
        for resolution in RESOLUTIONS:
            start = minute - minute % (resolution * 1000)
            rollups.setdefault((resolution, start), Tally()).add(tally)
    return rollups
