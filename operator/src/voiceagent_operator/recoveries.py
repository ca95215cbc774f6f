"""Brings agents back into rooms whose worker has died: each dead job once, as soon as its death is noticed.

The ghost that LiveKit still shows is removed, and a fresh agent called, if a person is there. Only who leads does so.
What does not go well within a minute is left to the look at all rooms.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from voiceagent_api.recovery import plan_recovery

from voiceagent_operator.callees import Callee, Callees
from voiceagent_operator.dead_sessions import DeadSession
from voiceagent_operator.livekit_access import LiveKitAccess
from voiceagent_operator.livekit_rooms import Dispatch, LiveKitError
from voiceagent_operator.metrics import DEAD_WORKER, Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.outages import Outage
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.recent import Recent
from voiceagent_operator.room_calls import ours, under_way
from voiceagent_operator.workers import Workers

logger = logging.getLogger(__name__)

ROOMS_AT_ONCE: Final = 16
RECOVERY_SECONDS: Final = 30.0
"""More than all questions of one recovery may take."""
GIVE_UP_SECONDS: Final = 60.0
FIRST_RETRY_SECONDS: Final = 0.5
ARRIVAL_PAUSE_SECONDS: Final = 2.0
REMEMBERED_JOBS: Final = 20_000


class Room(NamedTuple):
    """A room that an agent served."""

    agent: Key
    name: str


@dataclass(slots=True)
class _Death:
    outage: Outage
    since: float = 0.0
    jobs: set[str] = field(default_factory=set)


class Recoveries:
    """Rooms that have lost their agent, and those who see to them."""

    def __init__(
        self,
        callees: Callees,
        access: LiveKitAccess,
        metrics: Metrics,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`now` is the time of day, in seconds since 1970."""
        self._callees = callees
        self._access = access
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._seen: Recent[str, None] = Recent(REMEMBERED_JOBS)
        self._deaths: dict[Room, _Death] = {}
        self._queue = WorkQueue[Room](clock)
        self._workers = Workers(
            self._queue, self._see_to, count=ROOMS_AT_ONCE, deadline_seconds=RECOVERY_SECONDS, clock=clock
        )

    def add(self, dead: DeadSession) -> None:
        """A call has lost its agent; one that is known already is not seen to again."""
        if not self._seen.put(dead.job_id, None):
            return
        room = Room(dead.agent, dead.room)
        death = self._deaths.setdefault(room, _Death(_outage(room)))
        death.since = self._clock()
        death.jobs.add(dead.job_id)
        self._queue.add(room)

    async def run(self) -> None:
        """See to rooms until cancelled."""
        await self._workers.run()

    async def _see_to(self, room: Room) -> float | None:
        """See to one room; returns in how many seconds to look at it again, None where nothing is left to do."""
        death, callee = self._deaths.get(room), self._callees.get(room.agent)
        if death is None or callee is None or self._clock() - death.since >= GIVE_UP_SECONDS:
            self._deaths.pop(room, None)
            return None
        jobs = frozenset(death.jobs)
        try:
            pause_seconds = await self._bring_back(room, callee, jobs)
        except LiveKitError as error:
            self._metrics.dispatch_failures.labels(DEAD_WORKER).inc()
            return death.outage.failed(error)
        if pause_seconds is not None:
            return pause_seconds
        death.jobs -= jobs
        if not death.jobs:
            self._deaths.pop(room, None)
        return None

    async def _bring_back(self, room: Room, callee: Callee, dead_jobs: Collection[str]) -> float | None:
        rooms = await self._access.rooms(callee.access)
        plan = plan_recovery(dead_jobs, await rooms.present(room.name, callee.name))
        for identity in plan.remove:
            await rooms.remove(room.name, identity)
        if not plan.dispatch:
            return None
        dispatches = await rooms.dispatches(room.name)
        # Beside a ghost nobody has called an agent yet; where there is none, an earlier try may have gone well.
        if not plan.remove and under_way(dispatches, callee.name, dead_jobs, self._now()):
            return ARRIVAL_PAUSE_SECONDS
        await rooms.dispatch(room.name, callee.name, _call_of(dispatches, callee.name, dead_jobs))
        self._metrics.dispatches.labels(DEAD_WORKER).inc()
        told = {"voiceagent": str(room.agent), "room": room.name, "dead_jobs": sorted(dead_jobs)}
        logger.info("called an agent back into a room whose worker died", extra=told)
        return None


def _outage(room: Room) -> Outage:
    about = {"voiceagent": str(room.agent), "room": room.name}
    return Outage("an agent cannot be called back yet", FIRST_RETRY_SECONDS, **about)


def _call_of(dispatches: Sequence[Dispatch], name: str, dead_jobs: Collection[str]) -> Dispatch | None:
    """The call that the dead agent had followed: the next is to be told the same."""
    followed = (one for one in dispatches if any(job.id in dead_jobs for job in one.jobs))
    return next(followed, None) or ours(dispatches, {name})
