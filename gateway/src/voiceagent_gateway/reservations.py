"""Places that are promised: each token holds one until its call is seen on a pod, or the token is worth nothing.

A promise is known by its room: a second token for a room leads into the same call and needs no second place.
"""

import heapq
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
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

    async def held(self, agent: str, rooms: Collection[str] | None = None) -> Mapping[str, datetime]:
        """The rooms that a place of the agent is held for, and since when; of these rooms only, where some are given.

        There may be many thousands: who has a few in mind asks for those.
        """
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


@dataclass(slots=True)
class _Promises:
    """Those of one agent. What a token costs must not grow with their number: the ends come first come, first gone."""

    by_room: dict[str, _Promise] = field(default_factory=dict)
    ends: list[tuple[datetime, str]] = field(default_factory=list)
    """A heap with the end of each, and with ends that a later token has put off."""

    def put(self, room: str, promise: _Promise) -> None:
        self.by_room[room] = promise
        heapq.heappush(self.ends, (promise.until, room))

    def forget_until(self, now: datetime) -> None:
        while self.ends and self.ends[0][0] <= now:
            _, room = heapq.heappop(self.ends)
            if room in self.by_room and self.by_room[room].until <= now:
                del self.by_room[room]


class MemoryReservations:
    """For one gateway. No method waits for anything, so that each is one step."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._promises: dict[str, _Promises] = {}

    async def held(self, agent: str, rooms: Collection[str] | None = None) -> Mapping[str, datetime]:
        promises = self._current(agent).by_room
        known = promises.keys() if rooms is None else promises.keys() & rooms
        return {room: promises[room].since for room in known}

    async def take(self, agent: str, claim: Claim) -> Answer:
        now = self._clock()
        current = self._current(agent)
        promises = current.by_room
        if claim.joined:
            grace = now + timedelta(seconds=SEEN_GRACE_SECONDS)
            for room in claim.joined & promises.keys():
                if promises[room].until > grace:
                    current.put(room, replace(promises[room], until=grace))
        promised = len(promises) - sum(room in promises for room in claim.running)
        if claim.room in claim.running:
            return Answer(Outcome.HELD, promised)
        known = promises.get(claim.room)
        if known is None and claim.free is not None and promised >= claim.free:
            return Answer(Outcome.FULL, promised)
        # A room whose call is still to come is promised since its first token; the call may begin before the second.
        since = now if known is None or claim.room in claim.joined else known.since
        current.put(claim.room, _Promise(since, now + timedelta(seconds=claim.hold_seconds)))
        self._promises[agent] = current
        return Answer(Outcome.HELD, promised) if known else Answer(Outcome.NEW, promised + 1)

    async def release(self, agent: str, room: str) -> None:
        self._current(agent).by_room.pop(room, None)

    def _current(self, agent: str) -> _Promises:
        """What is promised now; what is over is forgotten."""
        promises = self._promises.get(agent)
        if promises is None:
            return _Promises()
        promises.forget_until(self._clock())
        if not promises.by_room:
            del self._promises[agent]
        return promises
