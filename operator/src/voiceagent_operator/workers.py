"""Those who work: a number of them on one queue, each with a deadline for every piece of work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic

from voiceagent_operator.errors import ApiError
from voiceagent_operator.queue import K, WorkQueue

logger = logging.getLogger(__name__)


def _nothing(_: str, __: float) -> None:
    return None


def _as_key(key: object) -> dict[str, str]:
    return {"key": str(key)}


class Workers(Generic[K]):
    """Workers on a queue; what fails goes back to it."""

    def __init__(
        self,
        queue: WorkQueue[K],
        work: Callable[[K], Awaitable[float | None]],
        *,
        count: int,
        deadline_seconds: float,
        clock: Callable[[], float],
        note: Callable[[str, float], None] = _nothing,
        told: Callable[[K], dict[str, str]] = _as_key,
    ) -> None:
        """`note` is told the result of each piece of work, done or retried, and its seconds; `told` says what a log
        line of a key has."""
        self._told = told
        self._queue = queue
        self._work = work
        self._count = count
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        self._busy_since: dict[int, float] = {}
        self._note = note

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._loop(number), name=f"worker {number}")

    def longest_busy_seconds(self) -> float:
        """For how long a worker has been at its key: beyond the deadline, it is stuck."""
        now = self._clock()
        return max((now - since for since in self._busy_since.values()), default=0.0)

    async def _loop(self, number: int) -> None:
        while True:
            await asyncio.sleep(0)  # where nothing has to be waited for, others are to have their turn nevertheless
            key = await self._queue.take()
            self._busy_since[number] = self._clock()
            try:
                async with asyncio.timeout(self._deadline_seconds):
                    look_again_seconds = await self._work(key)
            except Exception as error:
                delay = self._queue.retry(key)
                self._tell(key, error, delay)
                self._note("retried", self._clock() - self._busy_since[number])
            except BaseException:
                self._queue.finish(key, 0.0)  # ended in the midst of it: the next to work begins with it
                raise
            else:
                self._queue.finish(key, look_again_seconds)
                self._note("done", self._clock() - self._busy_since[number])
            finally:
                del self._busy_since[number]

    def _tell(self, key: K, error: Exception, delay: float) -> None:
        expected = isinstance(error, (ApiError, TimeoutError))
        logger.log(
            logging.WARNING if expected else logging.ERROR,
            "reconcile failed, to be tried again",
            exc_info=None if expected else error,
            extra={**self._told(key), "error": str(error) or type(error).__name__, "retry_seconds": round(delay, 2)},
        )
