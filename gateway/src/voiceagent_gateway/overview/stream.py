"""The picture as it changes, as server-sent events for a bounded number of listeners.

No pod is asked for it: what the reader in the background has is enough. All listeners share one picture every two
seconds; each is sent its own part of it, and only when that has changed. A stream ends after some minutes, and its
listener asks anew, so that a key taken back sees nothing for long.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from voiceagent_gateway.identity import Identity, denial
from voiceagent_gateway.model import as_utc
from voiceagent_gateway.overview.picture import Seen, document
from voiceagent_gateway.problems import ProblemError

LISTENERS_MAX: Final = 100
PAUSE_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 300.0
STUCK_SECONDS: Final = 30.0
"""How much longer a listener that does not read keeps its place."""
RETRY_SECONDS: Final = 10
HEARTBEAT: Final = ": still here\n\n"


class Overview:
    """Makes the picture for whoever asks, at most every so often."""

    def __init__(
        self,
        see: Callable[[], Sequence[Seen]],
        clock: Callable[[], datetime],
        stopping: asyncio.Event,
        listeners_max: int = LISTENERS_MAX,
        pause_seconds: float = PAUSE_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Every stream ends when `stopping` is set."""
        self._see = see
        self._clock = clock
        self._stopping = stopping
        self._listeners_max = listeners_max
        self._pause_seconds = pause_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._seen: tuple[float, Sequence[Seen]] | None = None
        self.listeners = 0

    def text(self, caller: Identity) -> str:
        """The picture of the agents that the caller may see, as JSON."""
        now = asyncio.get_running_loop().time()
        # A little less than the pause, so that each round of a stream sees a new one.
        if self._seen is None or now - self._seen[0] >= self._pause_seconds * 0.9:
            self._seen = (now, self._see())
        mine = [one for one in self._seen[1] if denial(caller, f"{one.document.namespace}/{one.document.name}") is None]
        return document(mine).model_dump_json()

    def listen(self, caller: Identity) -> "EventStream":
        """The caller's stream. Raises a 503 problem where there are too many."""
        if self.listeners >= self._listeners_max:
            raise ProblemError(
                503,
                "too-many-listeners",
                "Too many pages are open",
                f"{self._listeners_max} listeners follow the fleet already; GET /fleet answers without one.",
                retry_after_seconds=RETRY_SECONDS,
            )
        self.listeners += 1
        return EventStream(self._events(caller), self._leave)

    def _leave(self) -> None:
        self.listeners -= 1

    async def _events(self, caller: Identity) -> AsyncIterator[str]:
        time = asyncio.get_running_loop().time
        end = time() + min(STREAM_SECONDS, self._seconds_left(caller))
        sent, sent_at = "", time()
        while True:
            if (text := self.text(caller)) != sent:
                yield f"event: fleet\ndata: {text}\n\n"
                sent, sent_at = text, time()
            elif time() - sent_at >= self._heartbeat_seconds:
                yield HEARTBEAT
                sent_at = time()
            pause = min(self._pause_seconds, end - time())
            if pause <= 0 or await self._stops_within(pause):
                return

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    def _seconds_left(self, caller: Identity) -> float:
        if caller.expires_at is None:
            return STREAM_SECONDS
        return (as_utc(caller.expires_at) - as_utc(self._clock())).total_seconds()


class EventStream(StreamingResponse):
    """Server-sent events; gives its place back when it ends, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[str], left: Callable[[], None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        try:
            async with asyncio.timeout(STREAM_SECONDS + STUCK_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            # It did not read; the server closes what it left open.
            return
        finally:
            self._left()
