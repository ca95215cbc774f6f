"""Reads what worker pods say of themselves. No reader waits for a slow pod, and no ended session is lost.

Readers within half a second share one round. A round ends at its deadline; a pod that has not answered by
then is shown as it last was, marked stale. A background reader goes round on its own, faster while a pod is
being ended, so that the sessions of a pod that vanishes are remembered.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import aiohttp
from pydantic import ValidationError
from voiceagent_api.worker_status import SessionRecord, WorkerStatus

from voiceagent_gateway.merge import WINDOW, Fleet, end_of, merge
from voiceagent_gateway.model import PastSession, PodRef, PodView
from voiceagent_gateway.wake import Wake, sleep

READ_TIMEOUT_SECONDS: Final = 1.0
ROUND_TIMEOUT_SECONDS: Final = 1.5
SHARED_SECONDS: Final = 0.5
BACKGROUND_SECONDS: Final = 5.0
BACKGROUND_ENDING_SECONDS: Final = 1.0
CONCURRENT_READS: Final = 64
ANSWER_MAX_BYTES: Final = 4 * 1024 * 1024
PAST_MAX: Final = 5000
PAST_TURNS_MAX: Final = 50
UNKNOWN: Final = "unknown"
TOO_SLOW: Final = "it did not answer in time"
NOT_ASKED: Final = "too many others did not answer in time"
log = logging.getLogger(__name__)

Fetch = Callable[[PodRef], Awaitable[WorkerStatus]]
Record = Callable[[Sequence[PodView], Sequence[PastSession]], Awaitable[Sequence[PastSession]]]
"""Keeps what is known of pods and of calls that ended; returns ended calls that only it knows of."""


class ReadError(Exception):
    """A pod could not be read; the message says why."""


class FleetCollector:
    """Knows the fleet: reads its pods when asked, and in the background."""

    def __init__(
        self,
        pods: Callable[[], Sequence[PodRef]],
        fetch: Fetch,
        clock: Callable[[], datetime],
        record: Record | None = None,
        ending: Wake | None = None,
    ) -> None:
        """What the background reading sees is handed to `record`. `ending` is called when one more pod is being
        ended.
        """
        self._pods = pods
        self._record = record
        self._fetch = fetch
        self._clock = clock
        self._ending = ending or Wake()
        self.ending = Wake()
        """Called once a pod that is being ended was read in the background for the first time since."""
        self._views: dict[str, PodView] = {}
        self._past: dict[tuple[str, str], PastSession] = {}
        self._past_now: tuple[PastSession, ...] | None = None
        self._limit = asyncio.Semaphore(CONCURRENT_READS)
        self._round: asyncio.Task[Fleet] | None = None
        self._latest: tuple[float, Fleet] | None = None

    async def read(self) -> Fleet:
        """The fleet as of now, or of at most SHARED_SECONDS ago."""
        if self._latest and time.monotonic() - self._latest[0] < SHARED_SECONDS:
            return self._latest[1]
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._go_round(), name="read the worker pods")
        # A reader who leaves must not take the round from the others.
        return await asyncio.shield(self._round)

    async def run(self) -> None:
        """Read in the background until cancelled."""
        try:
            known: set[str] = set()
            while True:
                one_more = self._ending.next
                await self.read()
                ending = {view.pod.uid for view in self._views.values() if view.pod.terminating}
                if ending - known:
                    self.ending()
                known = ending
                if self._record is not None and (more := await self._record(self.known, self.past)):
                    self.remember(more)
                # Not by what was read: that may have been a moment before.
                if any(pod.terminating for pod in self._pods()):
                    await asyncio.sleep(BACKGROUND_ENDING_SECONDS)
                else:
                    await sleep(one_more, BACKGROUND_SECONDS)
        finally:
            if self._round is not None:
                self._round.cancel()

    @property
    def known(self) -> Sequence[PodView]:
        """The pods as they were last seen, without asking any."""
        return tuple(self._views.values())

    @property
    def past(self) -> Sequence[PastSession]:
        """The sessions of pods that are gone, of the last hour."""
        if self._past_now is None:
            self._past_now = tuple(self._past.values())
        return self._past_now

    def remember(self, sessions: Iterable[PastSession]) -> None:
        """Show these among the sessions that ended, for the hour."""
        self._past_now = None
        for session in sessions:
            self._past.pop(session.key, None)
            self._past[session.key] = session
        oldest = self._clock() - WINDOW
        for key in [key for key, session in self._past.items() if session.ended_at <= oldest]:
            del self._past[key]
        while len(self._past) > PAST_MAX:
            del self._past[next(iter(self._past))]
        self._latest = None

    async def _go_round(self) -> Fleet:
        pods = {pod.uid: pod for pod in self._pods() if not pod.over}
        self._remember_vanished(pods)
        views = {uid: replace(self._views.get(uid, PodView(pod)), pod=pod) for uid, pod in pods.items()}
        # Those that failed lately come last: they must not keep the others waiting for a place.
        order = sorted((view for view in views.values() if view.pod.readable), key=lambda view: view.failures)
        asked: set[str] = set()
        tasks = {asyncio.create_task(self._read_one(view, asked)): view for view in order}
        try:
            done = (await asyncio.wait(tasks, timeout=ROUND_TIMEOUT_SECONDS))[0] if tasks else set()
        finally:
            for task in tasks:
                task.cancel()
        for task, view in tasks.items():
            if task in done:
                views[view.pod.uid] = task.result()
            elif view.pod.uid in asked:
                views[view.pod.uid] = _failed(view, TOO_SLOW)
            else:
                # Not its fault: it keeps its place in the order, before those that were asked in vain.
                views[view.pod.uid] = replace(view, error=NOT_ASKED)
        self._remember_restarted(views)
        self._views = views
        now = self._clock()
        self.remember(())
        # Of a thousand pods it takes a quarter of a second, in which others are to be answered.
        fleet = await asyncio.to_thread(merge, tuple(views.values()), tuple(self._past.values()), now)
        self._latest = (time.monotonic(), fleet)
        return fleet

    async def _read_one(self, view: PodView, asked: set[str]) -> PodView:
        try:
            async with self._limit, asyncio.timeout(READ_TIMEOUT_SECONDS):
                asked.add(view.pod.uid)
                status = await self._fetch(view.pod)
        except TimeoutError:
            return _failed(view, TOO_SLOW)
        except ReadError as error:
            return _failed(view, str(error))
        except Exception:
            # Whatever a pod sends, it must not end the reading of the others.
            log.exception("reading a worker pod failed", extra={"pod": view.pod.name})
            return _failed(view, "its answer could not be handled")
        return PodView(view.pod, status, self._clock())

    def _remember_vanished(self, pods: dict[str, PodRef]) -> None:
        for uid, view in self._views.items():
            if uid not in pods and view.status is not None:
                self._remember_all(view, view.status)

    def _remember_restarted(self, views: dict[str, PodView]) -> None:
        """A worker whose container began anew knows nothing of the calls before."""
        for uid, old in self._views.items():
            new = views.get(uid)
            if old.status and new and new.status and new.status.process != old.status.process:
                self._remember_all(old, old.status)

    def _remember_all(self, view: PodView, status: WorkerStatus) -> None:
        read_at = view.read_at or self._clock()
        self.remember(_past(view.pod, record, read_at) for record in status.sessions)


class StatusClient:
    """Asks one pod at a time for its status, over HTTP."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def fetch(self, pod: PodRef) -> WorkerStatus:
        """The pod's status. Raises ReadError."""
        host = f"[{pod.address}]" if ":" in pod.address else pod.address
        url = f"http://{host}:{pod.port}/status"
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    raise ReadError(f"it answered {response.status}")
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > ANSWER_MAX_BYTES:
                        raise ReadError(f"its answer has more than {ANSWER_MAX_BYTES} bytes")
        except (aiohttp.ClientError, OSError) as error:
            raise ReadError(f"it cannot be reached: {type(error).__name__}") from error
        try:
            return WorkerStatus.model_validate_json(bytes(body))
        except ValidationError as error:
            raise ReadError(f"its answer is not a worker's status ({error.error_count()} errors)") from error


def _failed(view: PodView, error: str) -> PodView:
    if view.failures == 0:
        log.warning(
            "a worker pod cannot be read",
            extra={"namespace": view.pod.namespace, "pod": view.pod.name, "error": error},
        )
    return replace(view, error=error, failures=view.failures + 1)


def _past(pod: PodRef, record: SessionRecord, read_at: datetime) -> PastSession:
    ended_at = end_of(record)
    trimmed = record.model_copy(update={"turns": record.turns[-PAST_TURNS_MAX:]})
    # The pod went between two reads: how the call ended nobody can tell any more.
    return PastSession(pod, trimmed, ended_at or read_at, UNKNOWN if ended_at is None else record.outcome)
