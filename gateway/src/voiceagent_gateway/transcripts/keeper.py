"""Keeps transcripts: fetches what pods hold, lets go of it in time, and sees to it that what is erased stays so.

Only pods of agents whose manifest asks for it are asked, and only when their status says that there is something new.
One that is being ended is asked at once and each second, and once more when what it said is on the disk: it waits for
that. Each is asked at least once, so that it knows that somebody will.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from voiceagent_gateway.database import Database, DatabaseError
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.model import AgentRef, PodRef, PodView
from voiceagent_gateway.transcripts import store
from voiceagent_gateway.transcripts.erasing import Erasing
from voiceagent_gateway.transcripts.kept import (
    Agent,
    Said,
    TranscribedCall,
    TranscriptError,
    calls_of,
    hours_by_agent,
    others,
)
from voiceagent_gateway.transcripts.pods import PodTranscripts
from voiceagent_gateway.wake import Wake, sleep

LOOK_SECONDS: Final = 5.0
LOOK_ENDING_SECONDS: Final = 1.0
TIDY_EVERY: Final = timedelta(minutes=1)
CONCURRENT: Final = 32
MOST_ANSWERS: Final = 8
"""Of one pod in one look; the others wait for the next."""
Result = TypeVar("Result")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far a pod was read: positions begin anew with another process."""

    process: str
    position: int


class TranscriptKeeper:
    """Transcripts in the gateway's own database."""

    def __init__(
        self,
        agents: Callable[[], Sequence[AgentRef]],
        views: Callable[[], Sequence[PodView]],
        listed: Callable[[], bool],
        pods: PodTranscripts,
        database: Database,
        erasing: Erasing,
        most_bytes: int,
        clock: Callable[[], datetime],
        unreadable: Callable[[], Collection[Agent]] = tuple,
        ending: Wake | None = None,
    ) -> None:
        """`listed` tells whether all agents are known: one that is neither among them nor `unreadable` is gone then.
        `ending` is called when the `views` tell of one more pod that is being ended.
        """
        self._agents = agents
        self._views = views
        self._listed = listed
        self._pods = pods
        self._database = database
        self._erasing = erasing
        self._most_bytes = most_bytes
        self._clock = clock
        self._unreadable = unreadable
        self._ending = ending or Wake()
        self._cursors: dict[str, _Cursor] = {}
        self._limit = asyncio.Semaphore(CONCURRENT)
        self._tidied: tuple[datetime, Mapping[Agent, int], frozenset[Agent]] | None = None
        # what was deleted may still stand in the write-ahead log; also after a crash
        self._in_log = True
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Keep until cancelled."""
        while True:
            one_more = self._ending.next
            await self.look()
            ending = any(view.pod.terminating for view in self._wanted())
            await sleep(one_more, LOOK_ENDING_SECONDS if ending else LOOK_SECONDS)

    async def look(self) -> None:
        """Let go of what is too old, keep what is new."""
        if not self._listed():
            return
        try:
            await self._erasing.restore()
            await self._tidy()
            wanted = self._wanted()
            await asyncio.gather(*(self._fetch(view) for view in wanted if self._has_news(view)))
            await self._erasing.tell_all()
        except DatabaseError as error:
            self._fails("database", f"{error}")
            return
        self._works("database")
        there = {view.pod.uid for view in self._views()}
        self._cursors = {uid: cursor for uid, cursor in self._cursors.items() if uid in there}
        self._failing &= there | {"database"}

    async def find(self, session: str) -> Sequence[TranscribedCall]:
        """The calls with this id, where their agents still ask for transcripts."""
        return self._asked_for(await self._run(lambda it: store.find(it, session)))

    async def held(self, session: str) -> Sequence[TranscribedCall]:
        """The same, and those of which nothing has come yet: whoever erases it means what its pod holds, too. With
        those that were erased.
        """
        kept, erased = await self._run(lambda it: (store.find(it, session), store.find_erased(it, session)))
        there = others(calls_of(self._views(), session), [*kept, *erased])
        return [*self._asked_for([*kept, *there]), *erased]

    async def lines(self, call: TranscribedCall, after: int = 0) -> Said | None:
        """What is kept of it."""
        oldest = self._oldest(call)
        return None if oldest is None else await self._run(lambda it: store.lines_of(it, call, oldest, after))

    async def erase(self, call: TranscribedCall, by: str) -> None:
        """Let go of it here, and have its pod do so. Where the pod does not hear it, it is told later, but whoever asks
        is not to believe that nobody holds it any more.
        """
        self._in_log = True
        try:
            await self._erasing.erase(call, by)
            await self._empty_log()
            told = await self._erasing.tell(call)
        except DatabaseError as error:
            raise TranscriptError(str(error)) from error
        if not told:
            raise TranscriptError(
                f"here it is erased, but pod {call.pod}, which may hold it still, could not be told; it is told as "
                "soon as it answers"
            )

    def _asked_for(self, calls: Sequence[TranscribedCall]) -> list[TranscribedCall]:
        return [call for call in calls if self._oldest(call) is not None]

    def _oldest(self, call: TranscribedCall) -> int | None:
        """Since when what was said may be shown: no longer than the manifest says now."""
        hours = hours_by_agent(self._agents()).get((call.namespace, call.agent))
        return None if hours is None else milliseconds(self._clock()) - hours * store.HOUR

    def _wanted(self) -> list[PodView]:
        hours = hours_by_agent(self._agents())
        return [view for view in self._views() if view.pod.readable and (view.pod.namespace, view.pod.agent) in hours]

    def _has_news(self, view: PodView) -> bool:
        if view.status is None:
            return False
        cursor = self._cursors.get(view.pod.uid)
        if view.pod.terminating or cursor is None or cursor.process != view.status.process:
            return True
        return cursor.position < view.status.transcript_position

    def _position(self, pod: PodRef, process: str) -> int:
        """How far this process of a pod was read."""
        cursor = self._cursors.get(pod.uid)
        return cursor.position if cursor is not None and cursor.process == process else 0

    async def _fetch(self, view: PodView) -> None:
        """Ask one pod for what it has, as far as it goes in one look."""
        try:
            if view.status is not None:
                await self._fetch_from(view.pod, view.status.process)
        except (TranscriptError, DatabaseError) as error:
            self._fails(view.pod.uid, str(error))
        except Exception as error:
            # Whatever a pod sends, it must not end the keeping of the others. The words of the error may quote it.
            self._fails(view.pod.uid, f"the answer of pod {view.pod.name} could not be handled: {type(error).__name__}")

    async def _fetch_from(self, pod: PodRef, process: str) -> None:
        position = self._position(pod, process)
        for _ in range(MOST_ANSWERS):
            async with self._limit:
                found = await self._pods.after(pod, position)
            if found.process != process:
                # Its container began anew: the next status tells of the new process.
                return
            if found.lines:
                await self._write(store.Fetched(pod.uid, pod.namespace, pod.agent, pod.name, found.lines))
            position = found.position
            self._cursors[pod.uid] = _Cursor(process, position)
            self._works(pod.uid)
            if not (found.more or (pod.terminating and found.lines)):
                return

    async def _write(self, fetched: store.Fetched) -> None:
        now = milliseconds(self._clock())
        async with self._limit:
            await self._database.run(lambda it: store.write(it, fetched, now))

    async def _tidy(self) -> None:
        now, hours, unreadable = self._clock(), hours_by_agent(self._agents()), frozenset(self._unreadable())
        if self._tidied is not None and self._tidied[1:] == (hours, unreadable) and now - self._tidied[0] < TIDY_EVERY:
            return
        moment = milliseconds(now)
        if await self._database.run(lambda it: store.prune(it, hours, moment, self._most_bytes, unreadable)):
            self._in_log = True
        await self._empty_log()
        self._tidied = (now, hours, unreadable)

    async def _empty_log(self) -> None:
        """Done again at the next tidying where it fails."""
        if self._in_log:
            await self._database.truncate_log()
            self._in_log = False

    async def _run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            return await self._database.run(work)
        except DatabaseError as error:
            raise TranscriptError(str(error)) from error

    def _fails(self, what: str, error: str) -> None:
        if what not in self._failing:
            log.warning("transcripts cannot be kept for now", extra={"error": error})
        self._failing.add(what)

    def _works(self, what: str) -> None:
        if what in self._failing:
            self._failing.discard(what)
            log.info("transcripts are kept again")
