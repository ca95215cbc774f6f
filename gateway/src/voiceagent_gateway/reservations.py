"""Places that are promised: each token holds one until its call is seen on a pod, or the token is worth nothing.

A promise is known by its room: a second token for a room leads into the same call and needs no second place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Protocol

SEEN_GRACE_SECONDS: Final = 3.0
"""A promise whose call was seen still counts for so long where the call is not seen: another gateway's reading of the
pod may be older than this one's."""


class Outcome(Enum):
    """What became of the wish for a place."""

    NEW = "new"
    HELD = "held"
    """The room has its place already."""
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Claim:
    """The wish for a place, and what the pods said."""

    room: str
    hold_seconds: float
    free: int | None
    """Places without a call; None where that cannot be told, and the worker's own limit has to do."""
    running: frozenset[str] = frozenset()
    """Rooms whose call runs: their promises are kept, and take no place beside the call's own."""
    joined: frozenset[str] = frozenset()
    """Rooms whose call has begun since their place was promised."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a claim."""

    outcome: Outcome
    promised: int
    """Places that are promised to callers who are still on their way."""


class Reservations(Protocol):
    """Knows what was promised. Methods may raise ReservationsError."""

    async def held(self, agent: str) -> Mapping[str, datetime]:
        """The rooms that a place of the agent is held for, and since when."""
        ...

    async def take(self, agent: str, claim: Claim) -> Answer:
        """Hold a place if there is one, in one step for all who ask."""
        ...

    async def release(self, agent: str, room: str) -> None:
        """Hold it no more."""
        ...


class ReservationsError(Exception):
    """What was promised cannot be told now; the message says why."""


@dataclass(frozen=True, slots=True)
class _Promise:
    since: datetime
    until: datetime


class MemoryReservations:
    """For one gateway. No method waits for anything, so that each is one step."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._promises: dict[str, dict[str, _Promise]] = {}

    async def held(self, agent: str) -> Mapping[str, datetime]:
        return {room: promise.since for room, promise in self._current(agent).items()}

    async def take(self, agent: str, claim: Claim) -> Answer:
        now = self._clock()
        promises = self._current(agent)
        grace = now + timedelta(seconds=SEEN_GRACE_SECONDS)
        for room in claim.joined & promises.keys():
            promises[room] = replace(promises[room], until=min(promises[room].until, grace))
        promised = len(promises.keys() - claim.running)
        if claim.room in claim.running:
            return Answer(Outcome.HELD, promised)
        known = promises.get(claim.room)
        if known is None and claim.free is not None and promised >= claim.free:
            return Answer(Outcome.FULL, promised)
        # A room whose call is still to come is promised since its first token; the call may begin before the second.
        since = now if known is None or claim.room in claim.joined else known.since
        promises[claim.room] = _Promise(since, now + timedelta(seconds=claim.hold_seconds))
        self._promises[agent] = promises
        return Answer(Outcome.HELD, promised) if known else Answer(Outcome.NEW, promised + 1)

    async def release(self, agent: str, room: str) -> None:
        self._current(agent).pop(room, None)

    def _current(self, agent: str) -> dict[str, _Promise]:
        """What is promised now; what is over is forgotten."""
        now = self._clock()
        promises = self._promises.get(agent, {})
        for room in [room for room, promise in promises.items() if promise.until <= now]:
            del promises[room]
        if not promises:
            self._promises.pop(agent, None)
        return promises
