"""Writes the newest of what changes faster than it may be written: one at a time, and not too often."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

WRITE_SECONDS: Final = 3.0
REST_SECONDS: Final = 1.0


class NewestWriter(Generic[T]):
    """`offer` never waits. What is offered while a write is under way replaces what was offered before."""

    def __init__(self, write: Callable[[T], Awaitable[None]], what: str, rest_seconds: float = REST_SECONDS) -> None:
        self._write = write
        self._what = what
        self._rest_seconds = rest_seconds
        self._offered: asyncio.Queue[T] = asyncio.Queue(maxsize=1)
        self._failing = False

    def offer(self, value: T) -> None:
        """Have this written soon, unless a newer one comes."""
        if self._offered.full():
            self._offered.get_nowait()
        self._offered.put_nowait(value)

    async def run(self) -> None:
        """Write for ever, until cancelled. A failure is logged once until the next success."""
        while True:
            value = await self._offered.get()
            try:
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._write(value)
                self._failing = False
            except Exception as error:
                if not self._failing:
                    logger.warning("%s could not be written: %s", self._what, str(error) or type(error).__name__)
                self._failing = True
            await asyncio.sleep(self._rest_seconds)
