"""Finds the agents of workers that died in the rooms of their LiveKit server, and has each seen to.

What a pod said last is some seconds old: calls that came in between are known to LiveKit alone. Their agents carry
the name of their worker's process. Only who leads looks for them.
"""

import logging
from collections.abc import Callable
from typing import Final

from voiceagent_operator.callees import Callee, Callees
from voiceagent_operator.dead_sessions import DeadSession, DeadWorker
from voiceagent_operator.livekit_access import LiveKitAccess
from voiceagent_operator.livekit_rooms import LiveKitError
from voiceagent_operator.outages import Outage
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.recent import Recent
from voiceagent_operator.together import each
from voiceagent_operator.workers import Workers

logger = logging.getLogger(__name__)

WORKERS_AT_ONCE: Final = 4
QUESTIONS_AT_ONCE: Final = 16
SEARCH_SECONDS: Final = 30.0
TRIES: Final = 5
"""Within some 30 s; LiveKit itself takes a dead agent out of its room after about 20 s."""
FIRST_RETRY_SECONDS: Final = 1.0
REMEMBERED_WORKERS: Final = 5_000


class DeadWorkers:
    """Workers whose agents are looked for."""

    def __init__(
        self,
        callees: Callees,
        access: LiveKitAccess,
        tell: Callable[[DeadSession], None],
        clock: Callable[[], float],
    ) -> None:
        """`tell` is called with each dead agent that is found."""
        self._callees = callees
        self._access = access
        self._tell = tell
        self._seen: Recent[str, None] = Recent(REMEMBERED_WORKERS)
        self._tries: dict[DeadWorker, tuple[Outage, int]] = {}
        self._queue = WorkQueue[DeadWorker](clock)
        self._workers = Workers(
            self._queue, self._look, count=WORKERS_AT_ONCE, deadline_seconds=SEARCH_SECONDS, clock=clock
        )

    def add(self, dead: DeadWorker) -> None:
        """A worker has died; one that is known already is not looked for again."""
        if self._seen.put(dead.process, None):
            self._queue.add(dead)

    async def run(self) -> None:
        """Look until cancelled."""
        await self._workers.run()

    async def _look(self, dead: DeadWorker) -> float | None:
        callee = self._callees.get(dead.agent)
        if callee is None:
            return None
        outage, tries = self._tries.pop(dead, (_outage(dead), 0))
        try:
            await self._look_in_rooms(dead, callee)
        except LiveKitError as error:
            pause_seconds = outage.failed(error)
            if tries + 1 >= TRIES:
                return None
            self._tries[dead] = outage, tries + 1
            return pause_seconds
        return None

    async def _look_in_rooms(self, dead: DeadWorker, callee: Callee) -> None:
        rooms = await self._access.rooms(callee.access)

        async def look(room: str) -> None:
            for one in await rooms.present(room, callee.name):
                if one.job_id and one.process == dead.process:
                    self._tell(DeadSession(dead.agent, room, one.job_id))

        # Also where nobody is counted: LiveKit counts some seconds late, and it is the youngest rooms that matter.
        await each(await rooms.rooms(), look, QUESTIONS_AT_ONCE)


def _outage(dead: DeadWorker) -> Outage:
    what = "the rooms of a worker that died cannot be looked at yet"
    return Outage(what, FIRST_RETRY_SECONDS, voiceagent=str(dead.agent))
