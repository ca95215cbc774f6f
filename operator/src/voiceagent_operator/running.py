"""The order in which the operator starts and ends.

Start: wait for the CRD, list everything, watch, make sure that no deletion slipped between the two, work.
End: stop working, close the health server, stop watching, close the connections.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_operator.client import Client, served
from voiceagent_operator.election import Elector, LeadershipLost
from voiceagent_operator.errors import ApiError
from voiceagent_operator.kinds import VOICE_AGENT
from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.resync import resync
from voiceagent_operator.tables import Tables
from voiceagent_operator.watching import Watch

logger = logging.getLogger(__name__)

START_RETRY_SECONDS: Final = 2.0
CONFIRMATION_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 1.5
"""For listings to end, which tell of their objects one by one."""


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
    before_work: Callable[[], None]
    """Called once everything has been seen and this process leads."""
    listed_anew: asyncio.Event
    """Set by a watch that had to begin anew."""
    elector: Elector | None
    """Decides who of several operators works; None where this is the only one."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises when a watch or a worker cannot go on: the process then starts anew."""
        async with (
            _in_background(self._look_for_missed_deletions(), "relisting") as looking,
            _in_background(self._work(), "work") as work,
        ):
            await _first_of(stop, work, self._listed())
            if stop.is_set():
                return
            async with self.watch.running() as watching:
                await _first_of(stop, work, watching, self._confirmed())
                if not stop.is_set():
                    self.ready.set()
                    logger.info("ready", extra={"agents": len(self.tables.agents())})
                    await _first_of(stop, work, watching, looking)
                logger.info("ending")
                if not stop.is_set():
                    raise RuntimeError("watching or working has ended by itself")
                work.cancel()

    async def _listed(self) -> None:
        """Wait until the CRD is there and everything has been listed."""
        while True:
            try:
                if not await self._crd_served():
                    logger.warning("the VoiceAgent CRD is not installed in the cluster; apply crds/voiceagents.yaml")
                else:
                    self._enqueue(await resync(self.client, self.tables, self.namespaces))
                    return
            except ApiError as error:
                logger.warning("the cluster cannot be listed yet", extra={"error": str(error)})
            await asyncio.sleep(START_RETRY_SECONDS)

    async def _confirmed(self) -> None:
        """Wait until the watches have told of all that was listed; else list again, for what was deleted since."""
        try:
            async with asyncio.timeout(CONFIRMATION_SECONDS):
                while self.tables.unconfirmed:  # noqa: ASYNC110 (for a moment at the start only)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self._resync()
        self.listed_anew.clear()

    async def _look_for_missed_deletions(self) -> None:
        """List everything after watches began anew: they say nothing of what was deleted in between, and one whose
        objects are all gone says nothing at all."""
        await self.ready.wait()
        while True:
            await self.listed_anew.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self.listed_anew.clear()
            logger.info("watches began anew")
            if not await self._resync():
                self.listed_anew.set()

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
        self.before_work()
        async with asyncio.TaskGroup() as group:
            for run in self.work:
                group.create_task(run(), name="work")
            group.create_task(self._resync_now_and_then(), name="resync")
            if self.elector:
                group.create_task(self.elector.keep(), name="lease")

    async def _resync_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.resync_seconds * random.uniform(0.9, 1.1))  # noqa: S311 (scatter, not a secret)
            await self._resync()

    async def _resync(self) -> bool:
        """List again; returns whether that could be done."""
        try:
            self._enqueue(await resync(self.client, self.tables, self.namespaces))
        except ApiError as error:
            logger.warning("the cluster could not be listed; watches go on", extra={"error": str(error)})
            return False
        return True

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
