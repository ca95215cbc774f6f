"""Asks worker pods how they are, often where something is awaited and seldom else.

It has a queue of its own, with pods for keys, so that a slow pod never holds up a reconcile, and a pod is never
asked twice at once. Only who leads asks.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import aiohttp
from pydantic import ValidationError
from voiceagent_api.worker_status import WorkerStatus

from voiceagent_operator.death_watch import DeathWatch
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView
from voiceagent_operator.readings import Reading, read_status, unreadable

logger = logging.getLogger(__name__)

SOONEST_SECONDS: Final = 2.0
LATEST_SECONDS: Final = 10.0
QUESTIONS_A_SECOND: Final = 40
"""Each pod is asked as often as this allows for all of them, within the two above: calls are to be seen soon, and
thousands of pods are not to be asked all the time."""
DRAINING_SECONDS: Final = 1.0
"""Between questions to a pod that is to go once its calls are over."""
AWAITED_SECONDS: Final = 0.3
"""Between questions to a pod that is to take in a config file."""
PATIENCE_SECONDS: Final = 20.0
"""For how long it is asked so often."""
FIRST_SECONDS: Final = 3.0
FIRST_AT_ONCE: Final = 32
ANSWER_SECONDS: Final = 2.0
LARGEST_ANSWER_BYTES: Final = 4 * 2**20


class PodReader:
    """Keeps the last reading of every worker pod."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        find: Callable[[Key], PodView | None],
        tell: Callable[[Key], None],
        clock: Callable[[], float],
        now: Callable[[], datetime],
        deaths: DeathWatch,
    ) -> None:
        """`find` looks a pod up by its place, `tell` is called with an agent that may need a look."""
        self._deaths = deaths
        self._http = http
        self._find = find
        self._tell = tell
        self._clock = clock
        self._now = now
        self._readings: dict[Key, Reading] = {}
        self._awaiting: dict[Key, tuple[str, float]] = {}

    def readings(self, pods: Sequence[PodView]) -> dict[str, Reading]:
        """The readings of these pods, by uid."""
        found = ((pod, self._readings.get(pod.place)) for pod in pods)
        return {pod.uid: reading for pod, reading in found if reading is not None and reading.uid == pod.uid}

    async def read_all(self, places: Sequence[Key]) -> None:
        """Ask all pods once, as many as answer soon: before anything is concluded from what they have not said."""
        turn = asyncio.Semaphore(FIRST_AT_ONCE)

        async def one(where: Key) -> None:
            async with turn:
                await self.read(where)

        tasks = [asyncio.create_task(one(where), name="first reading") for where in places]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=FIRST_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def read(self, where: Key) -> float | None:
        """Ask one pod; returns after how many seconds to ask again, None if it is gone."""
        pod = self._find(where)
        said = self._readings.get(where)
        if self._deaths.see(where, pod, said) and said is not None:
            self._readings[where] = replace(said, sessions=())  # they are seen to; they were not a later worker's
        if pod is None or not pod.exists:
            self._readings.pop(where, None)
            self._awaiting.pop(where, None)
            return None
        if pod.address is None:
            return None  # it is asked once an event tells its address
        before = self._readings.get(where)
        reading = await self._ask(pod, before)
        self._readings[where] = reading
        self._deaths.hear(pod, reading)
        if reading != before and pod.agent is not None:
            self._tell(pod.agent)
        return self._pause_seconds(pod, reading)

    async def _ask(self, pod: PodView, before: Reading | None) -> Reading:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._http.get(f"http://{pod.address}/status") as answer:
                answer.raise_for_status()
                text = await _whole(answer)
                return read_status(pod.uid, WorkerStatus.model_validate_json(text), before, self._now())
        except (aiohttp.ClientError, OSError, TimeoutError, ValidationError) as error:
            if before is None or before.reachable:
                logger.info("a worker pod cannot be read", extra={"pod": str(pod.place), "error": _told(error)})
            return unreadable(pod.uid, before)

    def _pause_seconds(self, pod: PodView, reading: Reading) -> float:
        wanted = pod.config_revision
        if not wanted or reading.config_revision == wanted:
            self._awaiting.pop(pod.place, None)
            return DRAINING_SECONDS if reading.draining and reading.reachable else self._usual_seconds()
        awaited, since = self._awaiting.get(pod.place, ("", 0.0))
        if awaited != wanted:
            since = self._clock()
            self._awaiting[pod.place] = (wanted, since)
        return AWAITED_SECONDS if self._clock() - since < PATIENCE_SECONDS else self._usual_seconds()

    def _usual_seconds(self) -> float:
        return min(LATEST_SECONDS, max(SOONEST_SECONDS, len(self._readings) / QUESTIONS_A_SECOND))


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body to its end, which comes in pieces where a pod had many calls lately."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError(f"its answer is longer than {LARGEST_ANSWER_BYTES} bytes")
    return bytes(body)


def _told(error: Exception) -> str:
    """An error in a line: what a pod answers may be long, and is nobody's business here."""
    return type(error).__name__ if isinstance(error, ValidationError) else str(error) or type(error).__name__
