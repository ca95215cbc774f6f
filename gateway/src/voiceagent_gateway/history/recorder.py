"""Keeps the history: hands what is seen of the pods to the database, and answers from it."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from voiceagent_gateway.database import Database, DatabaseError
from voiceagent_gateway.history import rollups, store
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.history.points import History, HistoryError
from voiceagent_gateway.history.prune import HOUR, Retention, prune
from voiceagent_gateway.history.question import Question
from voiceagent_gateway.history.sightings import Key, Known, look, lost
from voiceagent_gateway.model import PastSession, PodView

MOST_AT_ONCE: Final = 500
"""Calls that are written in one transaction; the others wait for the next."""
MOST_RECENT: Final = 5000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    known: dict[Key, Known]
    recent: list[PastSession]


class Recorder:
    """The history in the gateway's own database."""

    def __init__(
        self,
        database: Database,
        retention: Callable[[], Retention],
        clock: Callable[[], datetime],
        listed: Callable[[], bool],
    ) -> None:
        """`listed` tells whether all pods are known, so that one that is not among them is gone."""
        self._database = database
        self._retention = retention
        self._clock = clock
        self._listed = listed
        self._known: dict[Key, Known] | None = None
        self._failed = False
        self._full = False

    async def restore(self) -> Sequence[PastSession]:
        """The calls that ended within the hour, as they were recorded before this gateway began."""
        hour_ago = milliseconds(self._clock()) - HOUR

        def work(connection: sqlite3.Connection) -> _Kept:
            recent = store.ended_since(connection, hour_ago, MOST_RECENT)
            found = ((session.key, store.known_of(connection, session.key)) for session in recent)
            return _Kept(store.running(connection) | {key: known for key, known in found if known}, recent)

        try:
            kept = await self._database.run(work)
        except DatabaseError as error:
            self._failing(error)
            return ()
        self._known = kept.known
        return kept.recent

    async def record(self, views: Sequence[PodView], past: Sequence[PastSession]) -> Sequence[PastSession]:
        """Count what is new. Returns ended calls that are to be remembered: nothing else tells of them."""
        restored = await self.restore() if self._known is None else ()
        if self._known is None:
            return ()
        now = milliseconds(self._clock())
        seen = look(views, past, self._known, self._clock())
        gone = lost(self._known, views, listed=self._listed())
        # Those that run come first: their numbers change.
        news = sorted(seen.news, key=lambda sighting: sighting.ended is not None)[:MOST_AT_ONCE]
        batch = store.Batch(now, news, gone, seen.active)
        retention = self._retention()

        def work(connection: sqlite3.Connection) -> _Kept:
            return _Kept(store.write(connection, batch), store.ended_of(connection, gone))

        try:
            # Apart from the writing, which may fail for want of the room that this makes.
            await self._database.run(lambda connection: prune(connection, retention, now, full=self._full))
            kept = await self._database.run(work)
        except DatabaseError as error:
            self._failing(error)
            return restored
        if self._failed:
            log.info("the history is kept again")
            self._failed = self._full = False
        known = self._known | kept.known
        # What no pod tells of any more needs no memory: the database knows it.
        self._known = {key: call for key, call in known.items() if call.ended is None or key in seen.told}
        return [*restored, *kept.recent]

    async def query(self, question: Question) -> History:
        """The answer. Raises HistoryError, or a 400 problem."""
        now = milliseconds(self._clock())
        try:
            return await self._database.run(lambda connection: rollups.read(connection, question, now))
        except DatabaseError as error:
            raise HistoryError(str(error)) from error

    def _failing(self, error: DatabaseError) -> None:
        if not self._failed:
            log.warning("the history cannot be kept for now", extra={"error": str(error)})
        self._failed = True
        self._full = getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
