"""Sees to it that what is erased stays so: its pod is told until it has heard, and no restart forgets it."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from voiceagent_gateway.database import Database
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.model import PodRef
from voiceagent_gateway.transcripts import store
from voiceagent_gateway.transcripts.erased_file import ErasedFile, Erasure
from voiceagent_gateway.transcripts.kept import TranscribedCall, TranscriptError
from voiceagent_gateway.transcripts.pods import PodTranscripts

CONCURRENT: Final = 32
log = logging.getLogger(__name__)


class Erasing:
    """Erased calls, in the database and, where there is a folder, in a file beside it."""

    def __init__(
        self,
        database: Database,
        file: ErasedFile | None,
        there: Callable[[], Sequence[PodRef]],
        listed: Callable[[], bool],
        pods: PodTranscripts,
        clock: Callable[[], datetime],
    ) -> None:
        """`there` are the pods that the API server tells of; nothing is concluded of them before they are `listed`."""
        self._database = database
        self._file = file
        self._there = there
        self._listed = listed
        self._pods = pods
        self._clock = clock
        self._restored = file is None

    async def restore(self) -> None:
        """Take in what the file has and the database has lost. Raises DatabaseError."""
        file, now = self._file, milliseconds(self._clock())
        if self._restored or file is None:
            return

        def work(connection: sqlite3.Connection) -> None:
            for erasure in file.read(now):
                store.remember_erased(connection, erasure.call, erasure.at)
            file.compact(now)

        await self._database.run(work)
        self._restored = True

    async def erase(self, call: TranscribedCall, by: str) -> None:
        """Let go of it in the database, and take in no more of it. Raises DatabaseError."""
        await self.restore()
        file, now = self._file, milliseconds(self._clock())

        def work(connection: sqlite3.Connection) -> None:
            store.erase(connection, call, now, by)
            if file is not None:
                file.add(Erasure(call, now))

        await self._database.run(work)

    async def tell(self, call: TranscribedCall) -> bool:
        """Have its pod forget it; whether it has, or is gone. Waits for no other call. Raises DatabaseError."""
        told = await self._tell(call, {pod.uid: pod for pod in self._there()})
        if told:
            await self._database.run(lambda it: store.told(it, [call]))
        return told

    async def tell_all(self) -> None:
        """The same for all of which the pods do not know yet. Raises DatabaseError."""
        untold = await self._database.run(store.untold)
        there = {pod.uid: pod for pod in self._there()}
        limit = asyncio.Semaphore(CONCURRENT)

        async def tell(call: TranscribedCall) -> bool:
            async with limit:
                return await self._tell(call, there)

        asked = await asyncio.gather(*map(tell, untold))
        if done := [call for call, is_told in zip(untold, asked, strict=True) if is_told]:
            await self._database.run(lambda it: store.told(it, done))

    async def _tell(self, call: TranscribedCall, there: dict[str, PodRef]) -> bool:
        if not self._listed():
            return False
        pod = there.get(call.pod_uid)
        if pod is None or pod.over:
            return True
        try:
            await self._pods.erase(pod, call.session)
        except TranscriptError as error:
            log.info("a pod was not told yet of an erased transcript", extra={"pod": call.pod, "error": str(error)})
            return False
        return True
