"""What some worker pods say of themselves now: at most a second or two ago, one request a pod for all who ask."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from voiceagent_gateway.collect import CONCURRENT_READS, READ_TIMEOUT_SECONDS, TOO_SLOW, Fetch, ReadError
from voiceagent_gateway.model import PodRef, PodView

FRESH_SECONDS: Final = 1.0
"""A reading that was asked for less than this ago serves the next reader, too: with the time to read, 2 s at most."""
DEADLINE_SECONDS: Final = 1.5
FORGET_SECONDS: Final = 300.0
FORGET_EVERY_SECONDS: Final = 10.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Reading:
    asked_at: float
    task: asyncio.Task[PodView]


class FreshReadings:
    """Reads pods for whoever needs to know what is so now. What cannot be read is shown as it last was."""

    def __init__(self, fetch: Fetch, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._readings: dict[str, _Reading] = {}
        self._last: dict[str, PodView] = {}
        self._limit = asyncio.Semaphore(CONCURRENT_READS)
        self._forgot_at = time.monotonic()

    async def read(self, pods: Sequence[PodRef]) -> list[PodView]:
        """The pods and what they say; never later than after DEADLINE_SECONDS."""
        now = time.monotonic()
        self._forget(now)
        if tasks := [task for pod in pods if pod.readable and not (task := self._reading(pod, now)).done()]:
            # Not awaited one by one and not cancelled: others may wait for the same pods.
            await asyncio.wait(tasks, timeout=DEADLINE_SECONDS)
        return [self._view(pod) for pod in pods]

    def close(self) -> None:
        """End what is still being read."""
        for reading in self._readings.values():
            reading.task.cancel()

    def _reading(self, pod: PodRef, now: float) -> asyncio.Task[PodView]:
        known = self._readings.get(pod.uid)
        # A failed one serves as well: a pod that is away must not hold up caller after caller.
        if known is None or (now - known.asked_at >= FRESH_SECONDS and known.task.done()):
            known = _Reading(now, asyncio.create_task(self._read_one(pod), name=f"read pod {pod.name}"))
            self._readings[pod.uid] = known
        return known.task

    async def _read_one(self, pod: PodRef) -> PodView:
        last = self._last.get(pod.uid, PodView(pod))
        try:
            async with asyncio.timeout(READ_TIMEOUT_SECONDS), self._limit:
                view = PodView(pod, await self._fetch(pod), self._clock())
        except TimeoutError:
            view = replace(last, error=TOO_SLOW, failures=last.failures + 1)
        except ReadError as error:
            view = replace(last, error=str(error), failures=last.failures + 1)
        except Exception:
            # Whatever a pod sends, it must not keep callers from their tokens.
            log.exception("reading a worker pod failed", extra={"pod": pod.name})
            view = replace(last, error="its answer could not be handled", failures=last.failures + 1)
        self._last[pod.uid] = view
        return view

    def _view(self, pod: PodRef) -> PodView:
        """The last reading, with the pod as the API server tells of it now."""
        last = self._last.get(pod.uid)
        if last is None or last.pod is not pod:
            self._last[pod.uid] = last = PodView(pod) if last is None else replace(last, pod=pod)
        return last

    def _forget(self, now: float) -> None:
        if now - self._forgot_at < FORGET_EVERY_SECONDS:
            return
        self._forgot_at = now
        oldest = now - FORGET_SECONDS
        for uid in [uid for uid, known in self._readings.items() if known.task.done() and known.asked_at < oldest]:
            del self._readings[uid]
        for uid in self._last.keys() - self._readings.keys():
            del self._last[uid]
