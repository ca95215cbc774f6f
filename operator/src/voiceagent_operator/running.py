"""The order in which the operator starts and ends.

Start: wait for the CRD, watch, list everything, work. What changes between watch and list is told by the watch.
End: stop working, close the health server, stop watching, close the connections.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.client import Client, served
from voiceagent_operator.election import Elector, LeadershipLost
from voiceagent_operator.errors import ApiError
from voiceagent_operator.kinds import POD, VOICE_AGENT, WATCHED, Kind
from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.resync import resync
from voiceagent_operator.tables import Tables
from voiceagent_operator.watching import Watch

logger = logging.getLogger(__name__)

START_RETRY_SECONDS: Final = 2.0
BEGIN_SECONDS: Final = 60.0
"""Watches that have not begun by then are named, again and again."""
SETTLE_SECONDS: Final = 1.5
"""For the watches to have begun anew: where one had to, the others mostly have to, too."""


@dataclass(frozen=True, slots=True)
class Operation:
    """All that runs, in its order."""

    client: Client
    tables: Tables
    queue: WorkQueue[Key]
    work: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    """What goes on, each until cancelled, once everything has been seen."""
    watch: Watch
    ready: asyncio.Event
    """Set once everything has been seen and work goes on."""
    namespaces: tuple[str, ...]
    resync_seconds: float
    """About how often everything is listed again."""
    before_work: Callable[[], Awaitable[None]]
    """Awaited once everything has been seen and this process leads."""
    ask: Callable[[Key], None]
    """Called with a worker pod that was listed, since no event may tell of it: it is to be asked."""
    beginnings: Beginnings
    """Which watches have begun, and which anew."""
    not_watched: Callable[[], list[str]]
    """Which watches have never begun, with the cause and the cure of each."""
    elector: Elector | None
    """Decides who of several operators works; None where this is the only one."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises when a watch or a worker cannot go on: the process then starts anew."""
        async with _in_background(self._work(), "work") as work:
            await _first_of(stop, work, self._crd_there())
            if stop.is_set():
                return
            async with self.watch.running() as watching:
                await _first_of(stop, work, watching, self._listed())
                if not stop.is_set():
                    self.ready.set()
                    logger.info("ready", extra={"agents": len(self.tables.agents())})
                    await _first_of(stop, work, watching, self._list_what_watches_missed())
                logger.info("ending")
                if not stop.is_set():
                    raise RuntimeError("watching or working has ended by itself")
                work.cancel()

    async def _crd_there(self) -> None:
        """Wait until the cluster knows VoiceAgents: there is nothing to watch before."""
        while True:
            try:
                if await self._crd_served():
                    return
                logger.warning("the VoiceAgent CRD is not installed in the cluster; apply crds/voiceagents.yaml")
            except ApiError as error:
                logger.warning("the cluster cannot be asked yet", extra={"error": str(error)})
            await asyncio.sleep(START_RETRY_SECONDS)

    async def _listed(self) -> None:
        """Wait until everything is watched and has been listed."""
        async with _in_background(self._tell_of_missing_watches(), "missing watches"):
            await self.beginnings.all()
        while True:
            if await self._resync(WATCHED, watched_since=True):
                return
            await asyncio.sleep(START_RETRY_SECONDS)

    async def _tell_of_missing_watches(self) -> None:
        while True:
            await asyncio.sleep(BEGIN_SECONDS)
            logger.warning(
                "not all watches have begun; nothing is done before they have", extra={"missing": self.not_watched()}
            )

    async def _list_what_watches_missed(self) -> None:
        """List the kinds whose watches began anew: they say nothing of what changed or was deleted in between."""
        while True:
            kinds = await self.beginnings.anew(SETTLE_SECONDS)
            logger.info("watches began anew", extra={"kinds": sorted(kind.name for kind in kinds)})
            if not await self._resync(kinds, watched_since=True):
                self.beginnings.note_again(kinds)

    async def _work(self) -> None:
        await self.ready.wait()
        try:
            while True:
                if self.elector:
                    await self.elector.acquire()
                try:
                    await self._lead()
                except* LeadershipLost as lost:
                    logger.warning("the lead is lost; standing by", extra={"error": str(lost.exceptions[0])})
        finally:
            if self.elector:
                await self.elector.release()

    async def _lead(self) -> None:
        await self.before_work()
        self._ask_all()
        self.queue.start_waiting_now()
        async with asyncio.TaskGroup() as group:
            for run in self.work:
                group.create_task(run(), name="work")
            group.create_task(self._resync_now_and_then(), name="resync")
            if self.elector:
                group.create_task(self.elector.keep(), name="lease")

    async def _resync_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.resync_seconds * random.uniform(0.9, 1.1))  # noqa: S311 (scatter, not a secret)
            await self._resync(WATCHED, watched_since=False)

    async def _resync(self, kinds: Collection[Kind], *, watched_since: bool) -> bool:
        """List again; returns whether that could be done."""
        try:
            self._enqueue(
                await resync(self.client, self.tables, self.namespaces, kinds=kinds, watched_since=watched_since)
            )
        except ApiError as error:
            logger.warning("the cluster could not be listed; watches go on", extra={"error": str(error)})
            return False
        if POD in kinds:
            self._ask_all()
        return True

    def _ask_all(self) -> None:
        for where in self.tables.pod_places():
            self.ask(where)

    def _enqueue(self, keys: list[Key]) -> None:
        for key in keys:
            self.queue.add(key)

    async def _crd_served(self) -> bool:
        try:
            return served(await self.client.get(f"/apis/{VOICE_AGENT.api_version}"), VOICE_AGENT)
        except ApiError as error:
            if error.gone:
                return False
            raise


@contextlib.asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        if not task.cancelling():  # once asked, it ends in its own time: the lease is released then
            task.cancel()
        await asyncio.wait([task])


async def _first_of(stop: asyncio.Event, *others: "asyncio.Task[None] | Coroutine[Any, Any, None]") -> None:
    """Wait until one of them ends; raise its error, if it ended with one. Tasks go on, coroutines are ended."""
    async with contextlib.AsyncExitStack() as stack:
        own = [await stack.enter_async_context(_in_background(_wait(stop), "stop"))]
        for other in others:
            own.append(
                other
                if isinstance(other, asyncio.Task)
                else await stack.enter_async_context(_in_background(other, "step"))
            )
        done, _ = await asyncio.wait(own, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
